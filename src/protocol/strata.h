/* strata.h - accuracy in parts of the images that are fixed beforehand: with and without burnt-in
 * marks (where an audit found them), by size, by brightness.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_STRATA_H
#define SG_PROTOCOL_STRATA_H

#include "protocol/cohort.h"
#include "stats/share.h"

enum { SG_STRATA_MAX = 8, SG_STRATUM_NAME = 64 };

typedef struct sg_stratum {
    const char *kind; /* "marks", "size", "brightness" */
    char name[SG_STRATUM_NAME];
    sg_share accuracy;
} sg_stratum;

enum { SG_STRATA_KINDS = 3 };
typedef struct sg_strata {
    sg_stratum rows[SG_STRATA_MAX];
    size_t count;
    const char *undivided[SG_STRATA_KINDS]; /* kinds that leave a part empty: not in rows */
    size_t undivided_count;
} sg_strata;

/* cohort: of an audit, for the marks; or NULL. Sizes and brightness are cut in thirds; where equal
 * values leave a part empty, its kind does not divide the images and is left out as a whole. */
SG_MUST_CHECK sg_status sg_strata_measure_all(sg_strata *out, const sg_predictions *predictions,
        const sg_cohort *cohort, size_t draws, sg_error *err);
/* The list "strata" of metrics.json, and "strata_undivided". */
json_t *sg_strata_to_json(const sg_strata *strata);
json_t *sg_strata_undivided_to_json(const sg_strata *strata);

#endif
