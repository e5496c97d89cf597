/* operating_point.c - see operating_point.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/operating_point.h"

#include "stats/prevalence.h"
#include "stats/roc.h"

#include <math.h>
#include <stdlib.h>

static double share(size_t part, size_t whole) {
    return whole ? (double)part / (double)whole : NAN;
}

sg_operating_point sg_operating_point_at(
        double threshold, const double *scores, const uint8_t *positive, size_t n) {
    sg_operating_point p = {.threshold = threshold};
    for (size_t i = 0; i < n; i++) {
        bool called = scores[i] >= threshold, truth = positive[i] != 0;
        p.true_positive += truth && called;
        p.false_negative += truth && !called;
        p.false_positive += !truth && called;
        p.true_negative += !truth && !called;
    }
    p.sensitivity = share(p.true_positive, p.true_positive + p.false_negative);
    p.specificity = share(p.true_negative, p.true_negative + p.false_positive);
    return p;
}

static sg_status check_target(double target, sg_error *err) {
    if (target >= 0 && target <= 1) return SG_OK;
    return sg_fail(err, SG_ERR_INPUT, "a target of %g is not between 0 and 1", target);
}

/* Rates are compared with the counts' own rounding: 0.9 of 10 rows is 9. */
static bool reaches(double rate, double target) {
    return rate >= target - 1e-12;
}

sg_status sg_operating_point_for_specificity(sg_operating_point *out, const double *scores,
        const uint8_t *positive, size_t n, double target, sg_error *err) {
    sg_curve curve;
    sg_status status = check_target(target, err);
    if (status == SG_OK) status = sg_roc_curve(&curve, scores, positive, n, err);
    if (status != SG_OK) return status;
    size_t at = 0; /* the first point calls nothing positive: specificity 1 */
    while (at + 1 < curve.count && reaches(1 - curve.x[at + 1], target)) at++;
    *out = sg_operating_point_at(curve.threshold[at], scores, positive, n);
    sg_curve_dispose(&curve);
    return SG_OK;
}

sg_status sg_operating_point_for_sensitivity(sg_operating_point *out, const double *scores,
        const uint8_t *positive, size_t n, double target, sg_error *err) {
    sg_curve curve;
    sg_status status = check_target(target, err);
    if (status == SG_OK) status = sg_roc_curve(&curve, scores, positive, n, err);
    if (status != SG_OK) return status;
    size_t at = 0; /* the last point calls everything positive: sensitivity 1 */
    while (!reaches(curve.y[at], target)) at++;
    *out = sg_operating_point_at(curve.threshold[at], scores, positive, n);
    sg_curve_dispose(&curve);
    return SG_OK;
}

/* The rows as a statistic: positive predictive value, negative predictive value. */
typedef struct rows {
    const uint8_t *positive, *called;
    size_t n;
    double prevalence; /* NaN: the draw's own */
} rows;

static void measure(double *values, const uint32_t *weights, void *user) {
    const rows *r = user;
    double count[2][2] = {{0, 0}, {0, 0}}; /* [truth][called] */
    for (size_t i = 0; i < r->n; i++) count[r->positive[i] != 0][r->called[i]] += weights[i];
    if (isnan(r->prevalence)) {
        values[0] = count[1][1] / (count[1][1] + count[0][1]);
        values[1] = count[0][0] / (count[0][0] + count[1][0]);
        return;
    }
    sg_predictive_values v = sg_predictive_values_of(count[1][1] / (count[1][1] + count[1][0]),
            count[0][0] / (count[0][0] + count[0][1]), r->prevalence);
    values[0] = v.ppv;
    values[1] = v.npv;
}

/* Intervals of independent rows. */
static sg_status place_intervals(
        sg_operating_figures *f, double given, double confidence, sg_error *err) {
    const sg_operating_point *p = &f->point;
    if (isnan(given)) {
        f->ppv_interval = sg_interval_wilson(
                p->true_positive, p->true_positive + p->false_positive, confidence);
        f->npv_interval = sg_interval_wilson(
                p->true_negative, p->true_negative + p->false_negative, confidence);
        return SG_OK;
    }
    sg_predictive_values v;
    sg_status status = sg_predictive_values_measure(&v, p->true_positive, p->false_negative,
            p->false_positive, p->true_negative, given, confidence, err);
    if (status != SG_OK) return status;
    f->ppv_interval = v.ppv_interval;
    f->npv_interval = v.npv_interval;
    return SG_OK;
}

static sg_status check_rows(const double *scores, size_t n, double prevalence, sg_error *err) {
    if (!isnan(prevalence) && !(prevalence > 0 && prevalence < 1))
        return sg_fail(err, SG_ERR_INPUT, "a prevalence of %g is not between 0 and 1", prevalence);
    for (size_t i = 0; i < n; i++)
        if (isnan(scores[i]))
            return sg_fail(err, SG_ERR_INPUT, "row %zu has a score that is not a number", i);
    return SG_OK;
}

/* Intervals over groups. */
static sg_status draw_intervals(sg_operating_figures *f, const sg_bootstrap_sample *sample, rows *r,
        const sg_bootstrap_options *options, sg_error *err) {
    sg_bootstrap_figure values[2];
    sg_status status = sg_bootstrap_run(values, NULL, sample, measure, r, 2, options, err);
    if (status != SG_OK) return status;
    sg_interval none = {NAN, NAN};
    f->ppv_interval = values[0].degenerate ? none : values[0].bca;
    f->npv_interval = values[1].degenerate ? none : values[1].bca;
    return SG_OK;
}

static void place_values(sg_operating_figures *f, double given) {
    const sg_operating_point *p = &f->point;
    if (isnan(given)) {
        f->ppv = share(p->true_positive, p->true_positive + p->false_positive);
        f->npv = share(p->true_negative, p->true_negative + p->false_negative);
        return;
    }
    sg_predictive_values v = sg_predictive_values_of(p->sensitivity, p->specificity, given);
    f->ppv = v.ppv;
    f->npv = v.npv;
}

sg_status sg_operating_point_measure(sg_operating_figures *out, const sg_bootstrap_sample *sample,
        const double *scores, const uint8_t *positive, double threshold, double prevalence,
        const sg_bootstrap_options *options, sg_error *err) {
    size_t n = sample->n;
    sg_status status = check_rows(scores, n, prevalence, err);
    if (status != SG_OK) return status;
    uint8_t *marks = calloc(4 * n + 1, 1);
    if (!marks) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu rows", n);
    uint8_t *called = marks, *spared = marks + n, *among = marks + 2 * n, *others = marks + 3 * n;
    for (size_t i = 0; i < n; i++) {
        called[i] = scores[i] >= threshold;
        spared[i] = !called[i];
        among[i] = positive[i] != 0;
        others[i] = !among[i];
    }
    sg_operating_figures f = {.point = sg_operating_point_at(threshold, scores, positive, n)};
    rows r = {among, called, n, prevalence};
    size_t positives = f.point.true_positive + f.point.false_negative;
    f.prevalence = isnan(prevalence) ? share(positives, n) : prevalence;
    place_values(&f, prevalence);
    status = sg_share_measure(&f.sensitivity, sample, among, called, options, err);
    if (status == SG_OK)
        status = sg_share_measure(&f.specificity, sample, others, spared, options, err);
    if (status == SG_OK) {
        bool single =
                f.sensitivity.groups == f.sensitivity.n && f.specificity.groups == f.specificity.n;
        status = single ? place_intervals(&f, prevalence, options->confidence, err)
                        : draw_intervals(&f, sample, &r, options, err);
    }
    free(marks);
    if (status == SG_OK) *out = f;
    return status;
}
