/* delong.h - the area under the ROC curve with DeLong's variance, for independent rows.
 *
 * DeLong, DeLong and Clarke-Pearson (1988): an area is a mean over positive rows and a mean over
 * negative rows at once, and its variance is the sum of the variances of those two means. Ties
 * count half. Computed from one sort per score (Sun and Xu 2014), so n log n. Assumes that rows are
 * independent: where groups hold more than one image use the grouped bootstrap (bootstrap.h).
 * Equal to pROC 1.18's var, ci.auc and roc.test. NaN scores are refused, naming the row. Inputs are
 * borrowed; results are values.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_DELONG_H
#define SG_STATS_DELONG_H

#include "sonograde/error.h"
#include "stats/interval.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sg_delong {
    double auc, variance;
    sg_interval interval; /* auc -+ z sqrt(variance), cut to 0..1 */
    size_t positives, negatives;
    bool degenerate; /* the variance is 0 (perfect ranking): the interval says nothing */
} sg_delong;

/* scores[n]: higher means more of the positive class; positive[n]: 0 or 1; 0 < confidence < 1.
 * SG_ERR_INPUT when either side has fewer than two rows (no variance). */
SG_MUST_CHECK sg_status sg_delong_measure(sg_delong *out, const double *scores,
        const uint8_t *positive, size_t n, double confidence, sg_error *err);

typedef struct sg_delong_pair {
    double first, second, difference; /* areas; first - second */
    double standard_error;            /* of the difference */
    sg_interval interval;             /* of the difference; NaN when degenerate */
    double z, p;                      /* two-sided; NaN when degenerate and the areas differ */
    bool degenerate;                  /* the standard error is 0 */
} sg_delong_pair;

/* Two scores of the same rows. */
SG_MUST_CHECK sg_status sg_delong_compare(sg_delong_pair *out, const double *first,
        const double *second, const uint8_t *positive, size_t n, double confidence, sg_error *err);

/* areas[count] and covariance[count * count] of `count` scores of the same rows: scores[s * n + i]
 * is score s of row i. What both calls above, and the reader study (mrmc.h), are made of. */
SG_MUST_CHECK sg_status sg_delong_covariance(double *areas, double *covariance,
        const double *scores, size_t count, const uint8_t *positive, size_t n, sg_error *err);

/* The same over groups: delete-one-group jackknife, (G - 1) / G times the products of the areas'
 * deviations from their mean over the G groups (Efron 1982; what MRMC analyses use by default).
 * Copies within a group change nothing. groups[n]: equal = same group; NULL: every row its own.
 * SG_ERR_INPUT when a side lives in a single group. */
SG_MUST_CHECK sg_status sg_area_jackknife(double *areas, double *covariance, const double *scores,
        size_t count, const uint8_t *positive, const uint32_t *groups, size_t n, sg_error *err);

/* One area, and the difference of two, from areas and covariances of either kind. areas[2],
 * covariance[4]. */
sg_delong sg_delong_conclude(
        double area, double variance, const uint8_t *positive, size_t n, double confidence);
sg_delong_pair sg_delong_contrast(const double *areas, const double *covariance, double confidence);

#endif
