/* cohort.h - the files of an audit as an evaluation uses them: groups found by registration, the
 * images that were kept, and why each other one left (audit's manifest.csv, cohort.csv,
 * excluded.csv, and the marks of audit.json; docs/internals/audit.md).
 *
 * Images are known by path, else by their SHA-256, so that a folder may have moved.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_COHORT_H
#define SG_PROTOCOL_COHORT_H

#include "protocol/predictions.h"

typedef struct sg_cohort_image {
    char *path, *class_name, *group;
    char *reason;  /* why it left, a word such as "copy"; NULL: kept */
    char *because; /* path of the image that was kept or contradicts; "" or NULL: none */
    char sha256[SG_SHA256_HEX]; /* "": the file cannot be read */
    bool marked;                /* burnt-in marks were found in it */
} sg_cohort_image;

typedef struct sg_cohort {
    sg_cohort_image *images;           /* sorted by path */
    const sg_cohort_image **by_sha256; /* [count] the same, sorted by hash */
    size_t count, kept;
    char digest[SG_SHA256_HEX]; /* of the three files: what a page was made from */
} sg_cohort;

/* dir: what `audit --out` left. SG_ERR_MISSING and SG_ERR_FORMAT name the file; SG_ERR_INPUT when
 * the three do not fit together. */
SG_MUST_CHECK sg_status sg_cohort_read(sg_cohort *out, const char *dir, sg_error *err);
void sg_cohort_dispose(sg_cohort *cohort); /* NULL-safe */

/* The image of a prediction, or NULL. */
const sg_cohort_image *sg_cohort_find(
        const sg_cohort *cohort, const char *path, const char *sha256);

/* Gives every row the audit's group. Where the rows have groups of the set's own (patients),
 * audit's groups that share one become one, under the name of the first. SG_ERR_INPUT when an image
 * was not audited. */
SG_MUST_CHECK sg_status sg_cohort_regroup(
        sg_predictions *predictions, const sg_cohort *cohort, sg_error *err);

/* The rows whose images were kept, as a table of its own. SG_ERR_INPUT when there is none. */
SG_MUST_CHECK sg_status sg_cohort_select(sg_predictions *out, const sg_predictions *predictions,
        const sg_cohort *cohort, sg_error *err);

/* Kept images that were not judged; and how many of those lesions were judged all the same, on a
 * copy that left the cohort in favour of the kept image: a run that was made from another choice of
 * one image per lesion. */
SG_MUST_CHECK sg_status sg_cohort_count_unjudged(size_t *unjudged, size_t *by_copy,
        const sg_cohort *cohort, const sg_predictions *predictions, sg_error *err);

/* How many rows of run number `run` have an image of their group, joined as above, in another fold
 * or part of the run they come from: the model that judged them was trained on a relative. */
SG_MUST_CHECK sg_status sg_cohort_count_leaks(size_t *out, const sg_predictions *predictions,
        const sg_cohort *cohort, const char *run_dir, int run, sg_error *err);

/* The exclusion flow: reasons in the order in which the audit asks, with counts per class. */
typedef struct sg_exclusion {
    const char *reason; /* borrowed from the cohort; NULL: kept */
    size_t images;
    size_t by_class[SG_PREDICTOR_MAX_CLASSES]; /* of the predictions' classes */
} sg_exclusion;
enum { SG_EXCLUSIONS_MAX = 16 };
/* flow[SG_EXCLUSIONS_MAX] over all audited images: the last one is what was kept. Classes that the
 * predictions do not have count in `images` only. */
SG_MUST_CHECK sg_status sg_cohort_flow(sg_exclusion *flow, size_t *count, const sg_cohort *cohort,
        const sg_predictions *predictions, sg_error *err);

#endif
