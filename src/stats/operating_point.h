/* operating_point.h - a threshold on one score, and what it does: sensitivity, specificity and
 * predictive values with intervals.
 *
 * A row is called positive when its score >= threshold. Choose the threshold on validation rows,
 * and measure it on others: a threshold chosen and measured on the same rows flatters. Scores:
 * higher means more of the positive class; NaN is refused, naming the row. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef SG_STATS_OPERATING_POINT_H
#define SG_STATS_OPERATING_POINT_H

#include "stats/bootstrap.h"
#include "stats/share.h"

typedef struct sg_operating_point {
    double threshold; /* infinity: nothing is called positive */
    size_t true_positive, false_negative, false_positive, true_negative;
    double sensitivity, specificity; /* on the rows given; NaN without rows of that side */
} sg_operating_point;

/* What a threshold does to rows. */
sg_operating_point sg_operating_point_at(
        double threshold, const double *scores, const uint8_t *positive, size_t n);

/* The lowest threshold among the scores whose specificity is at least `target` (0..1), so the most
 * sensitive one. SG_ERR_INPUT when a side is empty. */
SG_MUST_CHECK sg_status sg_operating_point_for_specificity(sg_operating_point *out,
        const double *scores, const uint8_t *positive, size_t n, double target, sg_error *err);
/* The highest threshold whose sensitivity is at least `target`, so the most specific one. */
SG_MUST_CHECK sg_status sg_operating_point_for_sensitivity(sg_operating_point *out,
        const double *scores, const uint8_t *positive, size_t n, double target, sg_error *err);

typedef struct sg_operating_figures {
    sg_operating_point point;
    sg_share sensitivity, specificity;
    double prevalence; /* that ppv and npv are for */
    double ppv, npv;
    sg_interval ppv_interval, npv_interval;
} sg_operating_figures;

/* scores[n] and positive[n] of sample's rows. prevalence: 0..1 exclusive, or NaN for the share of
 * positives in the rows themselves. Where every group has one image the intervals of ppv and npv
 * are the logit ones (prevalence.h) for a given prevalence and Wilson's without; otherwise BCa over
 * groups. */
SG_MUST_CHECK sg_status sg_operating_point_measure(sg_operating_figures *out,
        const sg_bootstrap_sample *sample, const double *scores, const uint8_t *positive,
        double threshold, double prevalence, const sg_bootstrap_options *options, sg_error *err);

#endif
