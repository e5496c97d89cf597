/* roc.h - ranking figures of scores: ROC, area under it, precision-recall, average precision.
 *
 * Tied scores count half in the area (Mann-Whitney). A class that the truth does not hold has no
 * area: NaN, left out of the macro average. NaN scores are refused. Inputs are borrowed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_ROC_H
#define SG_STATS_ROC_H

#include "sonograde/error.h"
#include <stddef.h>
#include <stdint.h>

/* Points of a curve, in the order of falling thresholds. The arrays belong to the curve. */
typedef struct sg_curve {
    size_t count;
    double *x, *y;
    double *threshold; /* a row is positive when its score >= threshold; the first is +infinity */
} sg_curve;
void sg_curve_dispose(sg_curve *curve); /* NULL-safe */

/* scores[n]: higher means more of the positive class; positive[n]: 0 or 1. *out is NaN when either
 * side is empty. SG_ERR_INPUT on a NaN score, naming the row. */
SG_MUST_CHECK sg_status sg_roc_auc(
        double *out, const double *scores, const uint8_t *positive, size_t n, sg_error *err);

/* x = false positive rate, y = true positive rate, one point per distinct score, (0, 0) first,
 * (1, 1) last (scikit-learn's roc_curve with drop_intermediate=False). SG_ERR_INPUT when either
 * side is empty. */
SG_MUST_CHECK sg_status sg_roc_curve(
        sg_curve *out, const double *scores, const uint8_t *positive, size_t n, sg_error *err);

/* x = recall, y = precision, one point per distinct score, after (0, 1) (scikit-learn's
 * precision_recall_curve read backwards). SG_ERR_INPUT when nothing is positive. */
SG_MUST_CHECK sg_status sg_precision_recall_curve(
        sg_curve *out, const double *scores, const uint8_t *positive, size_t n, sg_error *err);

/* Sum over thresholds of (recall step) * precision, without interpolation. NaN when nothing is
 * positive. */
SG_MUST_CHECK sg_status sg_average_precision(
        double *out, const double *scores, const uint8_t *positive, size_t n, sg_error *err);

/* One against the rest for each column of probabilities[n * classes]. per_class[classes] may be
 * NULL; *macro is the mean over classes that have both sides, NaN when none has. */
SG_MUST_CHECK sg_status sg_roc_one_vs_rest(double *macro, double *per_class,
        const double *probabilities, const uint32_t *labels, size_t n, size_t classes,
        sg_error *err);

#endif
