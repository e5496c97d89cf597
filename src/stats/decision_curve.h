/* decision_curve.h - net benefit: true positives less the false ones, priced by the probability at
 * which one would act (Vickers and Elkin 2006).
 *
 * At threshold t: net benefit = TP / n - FP / n * t / (1 - t), in true positives per row. Acting on
 * everyone and acting on no one (0) are the marks to beat. With a stated prevalence P:
 * sensitivity * P - (1 - specificity) * (1 - P) * t / (1 - t). Probabilities must be calibrated for
 * the same class shares, or the curve judges the calibration as well.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_DECISION_CURVE_H
#define SG_STATS_DECISION_CURVE_H

#include "stats/bootstrap.h"

typedef struct sg_net_benefit {
    double threshold;     /* acting means probability >= threshold */
    double model;         /* net benefit of acting on the model */
    double all;           /* of acting on everyone */
    sg_interval interval; /* of model: BCa over groups; NaN without draws */
    sg_interval gain;     /* of model less the better of all and none, likewise */
} sg_net_benefit;

enum { SG_DECISION_POINTS_MAX = 199 };

/* points[count] at thresholds[count] (rising, in 0..1 exclusive, at most SG_DECISION_POINTS_MAX);
 * probability[n] and positive[n] of sample's rows. prevalence: NaN for that of the rows.
 * options->draws 0: no intervals. SG_ERR_INPUT when a side is empty. */
SG_MUST_CHECK sg_status sg_decision_curve(sg_net_benefit *points, const double *thresholds,
        size_t count, const sg_bootstrap_sample *sample, const double *probability,
        const uint8_t *positive, double prevalence, const sg_bootstrap_options *options,
        sg_error *err);

#endif
