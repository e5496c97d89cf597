/* prevalence.c - see prevalence.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/prevalence.h"

#include <math.h>
#include <stdbool.h>

sg_predictive_values sg_predictive_values_of(
        double sensitivity, double specificity, double prevalence) {
    double hits = sensitivity * prevalence, misses = (1 - sensitivity) * prevalence;
    double alarms = (1 - specificity) * (1 - prevalence), rests = specificity * (1 - prevalence);
    return (sg_predictive_values){
            hits / (hits + alarms), rests / (rests + misses), {NAN, NAN}, {NAN, NAN}};
}

static double from_logit(double x) {
    return 1 / (1 + exp(-x));
}

static sg_interval around(double logit, double variance, double z) {
    double half = z * sqrt(variance);
    return (sg_interval){from_logit(logit - half), from_logit(logit + half)};
}

/* Opens an interval to a point outside; a point that does not exist changes nothing. */
static void hold(sg_interval *interval, double point) {
    if (isnan(point)) return;
    interval->low = fmin(interval->low, point);
    interval->high = fmax(interval->high, point);
}

sg_status sg_predictive_values_measure(sg_predictive_values *out, size_t true_positive,
        size_t false_negative, size_t false_positive, size_t true_negative, double prevalence,
        double confidence, sg_error *err) {
    size_t positives = true_positive + false_negative, negatives = false_positive + true_negative;
    if (!(prevalence > 0 && prevalence < 1))
        return sg_fail(err, SG_ERR_INPUT, "a prevalence of %g is not between 0 and 1", prevalence);
    if (!(confidence > 0 && confidence < 1))
        return sg_fail(err, SG_ERR_INPUT, "a confidence of %g is not between 0 and 1", confidence);
    if (!positives || !negatives)
        return sg_fail(err, SG_ERR_INPUT,
                "predictive values need both sides, but %zu of %zu rows are positive", positives,
                positives + negatives);
    sg_predictive_values made = sg_predictive_values_of((double)true_positive / (double)positives,
            (double)true_negative / (double)negatives, prevalence);
    double z = sg_normal_quantile(0.5 + 0.5 * confidence);
    bool whole = true_positive && false_negative && false_positive && true_negative;
    double more = whole ? 0 : 0.5 * z * z;
    double tp = (double)true_positive + more, fn = (double)false_negative + more;
    double fp = (double)false_positive + more, tn = (double)true_negative + more;
    double odds = log(prevalence / (1 - prevalence)), p = tp + fn, q = fp + tn;
    /* logit PPV = log(sens / (1 - spec)) + odds; logit NPV = log(spec / (1 - sens)) - odds. */
    made.ppv_interval = around(log(tp / p / (fp / q)) + odds, fn / tp / p + tn / fp / q, z);
    made.npv_interval = around(log(tn / q / (fn / p)) - odds, tp / fn / p + fp / tn / q, z);
    /* The added counts of an adjusted interval may move it off a point at 0 or 1. */
    if (isnan(made.ppv)) made.ppv_interval = (sg_interval){NAN, NAN};
    if (isnan(made.npv)) made.npv_interval = (sg_interval){NAN, NAN};
    if (!whole) {
        hold(&made.ppv_interval, made.ppv);
        hold(&made.npv_interval, made.npv);
    }
    *out = made;
    return SG_OK;
}

static sg_status check_shares(const double *shares, size_t classes, double least, sg_error *err) {
    double sum = 0;
    for (size_t k = 0; k < classes; k++) {
        if (!(shares[k] >= 0 && shares[k] <= 1) || shares[k] < least)
            return sg_fail(err, SG_ERR_INPUT, "class %zu has a share of %g", k, shares[k]);
        sum += shares[k];
    }
    if (fabs(sum - 1) > 1e-9)
        return sg_fail(err, SG_ERR_INPUT, "the class shares sum to %g, not 1", sum);
    return SG_OK;
}

sg_status sg_prevalence_shares(double *to, const double *from, size_t classes, size_t k,
        double prevalence, sg_error *err) {
    sg_status status = check_shares(from, classes, 0, err);
    if (status != SG_OK) return status;
    if (!(prevalence > 0 && prevalence < 1))
        return sg_fail(err, SG_ERR_INPUT, "a prevalence of %g is not between 0 and 1", prevalence);
    if (k >= classes || !(from[k] < 1))
        return sg_fail(err, SG_ERR_INPUT, "class %zu leaves no other class to share with", k);
    double rest = (1 - prevalence) / (1 - from[k]);
    for (size_t j = 0; j < classes; j++) to[j] = j == k ? prevalence : from[j] * rest;
    return SG_OK;
}

sg_status sg_prevalence_adjust(double *adjusted, const double *probabilities, size_t n,
        size_t classes, const double *from, const double *to, sg_error *err) {
    sg_status status = check_shares(from, classes, 1e-300, err);
    if (status == SG_OK) status = check_shares(to, classes, 0, err);
    if (status != SG_OK) return status;
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t k = 0; k < classes; k++)
            sum += probabilities[i * classes + k] * to[k] / from[k];
        if (!(sum > 0))
            return sg_fail(err, SG_ERR_INPUT, "row %zu has no class that the new shares allow", i);
    }
    for (size_t i = 0; i < n; i++) {
        double sum = 0, *row = adjusted + i * classes;
        for (size_t k = 0; k < classes; k++)
            sum += row[k] = probabilities[i * classes + k] * to[k] / from[k];
        for (size_t k = 0; k < classes; k++) row[k] /= sum;
    }
    return SG_OK;
}
