/* evaluation_cohort.h - an evaluation seen through an audit: the cohort's figures in front, those
 * of all images beside them, and the exclusion flow. Inside cli only. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef SG_CLI_EVALUATION_COHORT_H
#define SG_CLI_EVALUATION_COHORT_H

#include "cli/evaluation_facts.h"
#include "protocol/cohort.h"

typedef struct sg_evaluation_cohort {
    sg_cohort cohort;
    sg_predictions kept; /* the rows in the cohort */
    sg_metrics all;      /* figures of every row, by the audit's groups */
    size_t all_images;
    size_t leaks;             /* rows judged by a model that was trained on a relative */
    size_t unjudged, by_copy; /* kept images that were not judged; their lesions judged on a copy */
    sg_exclusion flow[SG_EXCLUSIONS_MAX];
    size_t flow_count;
} sg_evaluation_cohort;

/* Gives `all` the audit's groups and measures it; `kept` becomes the cohort's part.
 * runs[run_count]: folders of the runs that were judged on their own images. */
SG_MUST_CHECK sg_status sg_evaluation_cohort_open(sg_evaluation_cohort *out, sg_predictions *all,
        const char *audit_dir, const char *const *runs, size_t run_count, size_t draws,
        sg_error *err);
void sg_evaluation_cohort_dispose(sg_evaluation_cohort *cohort); /* NULL-safe */

/* "cohort" and "all_images" of metrics.json. */
SG_MUST_CHECK sg_status sg_evaluation_cohort_put_json(json_t *metrics,
        const sg_evaluation_cohort *cohort, const sg_predictions *all, sg_error *err);

/* The page's section; m: figures of the cohort. */
void sg_evaluation_cohort_fill(sg_evaluation_page *page, sg_keep *keep,
        const sg_evaluation_cohort *cohort, const sg_metrics *m);

#endif
