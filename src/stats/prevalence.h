/* prevalence.h - what figures and scores become where the classes are mixed otherwise than in the
 * images at hand: predictive values at a stated prevalence, and probabilities moved to it.
 *
 * Both assume that images of a class look alike in both places (the shift is in the shares alone).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_PREVALENCE_H
#define SG_STATS_PREVALENCE_H

#include "sonograde/error.h"
#include "stats/interval.h"
#include <stddef.h>

typedef struct sg_predictive_values {
    double ppv, npv; /* NaN where nobody is called so */
    sg_interval ppv_interval, npv_interval;
} sg_predictive_values;

/* Bayes' rule; intervals are left NaN. */
sg_predictive_values sg_predictive_values_of(
        double sensitivity, double specificity, double prevalence);

/* With the logit intervals of Mercaldo, Lau and Zhou (2007); where a count is 0 their adjusted ones
 * (z^2 / 2 added to every count), which exist there, opened to the point where that lies at 0 or 1
 * outside. For independent rows. 0 < prevalence < 1;
 * SG_ERR_INPUT otherwise, or when a side has no rows. */
SG_MUST_CHECK sg_status sg_predictive_values_measure(sg_predictive_values *out,
        size_t true_positive, size_t false_negative, size_t false_positive, size_t true_negative,
        double prevalence, double confidence, sg_error *err);

/* Class shares in which class k has `prevalence` and the others keep their proportions:
 * to[classes] from from[classes] (sums to 1, from[k] < 1). May work in place. */
SG_MUST_CHECK sg_status sg_prevalence_shares(
        double *to, const double *from, size_t classes, size_t k, double prevalence, sg_error *err);

/* adjusted[n * classes]: probabilities moved from class shares `from` (of the training or
 * calibration images, each > 0) to class shares `to`: p_k to_k / from_k over their sum (Saerens,
 * Latinne and Decaestecker 2002). May work in place. */
SG_MUST_CHECK sg_status sg_prevalence_adjust(double *adjusted, const double *probabilities,
        size_t n, size_t classes, const double *from, const double *to, sg_error *err);

#endif
