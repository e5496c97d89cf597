/* paired.h - is one model better than another on the same images?
 *
 * McNemar's test assumes independent rows; where groups hold more than one image, use the sign-flip
 * test, which exchanges the two models over whole groups.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_PAIRED_H
#define SG_STATS_PAIRED_H

#include "sonograde/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exact two-sided McNemar p: binomial(1/2) on the rows that only one model has right. 1 when the
 * models never differ. */
double sg_mcnemar_exact(size_t only_first, size_t only_second);

typedef struct sg_sign_flip {
    double difference; /* mean of first - second over rows */
    double p;          /* two-sided */
    size_t groups;     /* groups whose sum of differences is not 0 */
    bool exact;        /* every sign pattern was counted (at most 20 such groups) */
} sg_sign_flip;

/* difference[n]: per row, first minus second (for accuracy -1, 0 or 1); groups[n] as in
 * bootstrap.h, NULL: every row its own. Under no difference each group's sum is as likely with
 * either sign. With more than 20 groups, `draws` random patterns; p = (1 + as extreme) / (1 +
 * draws). */
SG_MUST_CHECK sg_status sg_sign_flip_test(sg_sign_flip *out, const double *difference,
        const uint32_t *groups, size_t n, size_t draws, uint64_t seed, sg_error *err);

#endif
