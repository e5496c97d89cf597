/* evaluation_page.h - from predictions and figures to report.html: fills the plain structs of
 * report/evaluation.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_EVALUATION_PAGE_H
#define SG_CLI_EVALUATION_PAGE_H

#include "protocol/ledger.h"
#include "protocol/metrics.h"

typedef struct sg_evaluation_source {
    const char *const *runs; /* [run_count] where several are told together */
    size_t run_count;
    const char *class_map;                        /* as it was asked for, or NULL */
    const char *data;                             /* how the data are called on the page */
    const struct sg_evaluation_cohort *cohort;    /* of --audit, or NULL */
    const struct sg_acting *acting;               /* NULL: not measured */
    const struct sg_strata *strata;               /* NULL: not measured */
    const struct sg_recalibration *recalibration; /* NULL: not measured */
    const json_t *metrics;                        /* for the checklists; NULL: none */
    bool allow_seen;
    size_t seen_images;
    const sg_test_look *look; /* what the ledger says; NULL: no test images */
    bool phantom_data;
    size_t skipped; /* files that could not be read, of these data or of the run's */
    bool show_full; /* paths, and pictures with their borders */
    const sg_log *log;
} sg_evaluation_source;

SG_MUST_CHECK sg_status sg_evaluation_write_page(const char *path,
        const sg_predictions *predictions, const sg_metrics *metrics,
        const sg_evaluation_source *source, sg_error *err);

#endif
