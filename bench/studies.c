/* studies.c - see studies.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "studies.h"

#include "stats/bootstrap.h"
#include "stats/calibration.h"
#include "stats/conformal.h"
#include "stats/decision_curve.h"
#include "stats/delong.h"
#include "stats/kappa.h"
#include "stats/mrmc.h"
#include "stats/paired.h"
#include "stats/prevalence.h"
#include "stats/repeated.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS_MAX = 1024 };

static void must(sg_status status, const sg_error *err) {
    if (status == SG_OK) return;
    fprintf(stderr, "bench/stats: %s\n", err->message);
    exit(1);
}

static bool holds(sg_interval i, double truth) {
    return i.low <= truth && truth <= i.high;
}

static bool chance(study *s, double p) {
    return sg_rng_uniform(&s->rng) < p;
}

/* ---- areas ---- */

/* Rows of two normal populations: the first positives[] rows are positive. */
static void draw_scores(
        study *s, double *scores, uint8_t *positive, size_t positives, size_t n, double shift) {
    for (size_t i = 0; i < n; i++) {
        positive[i] = i < positives;
        scores[i] = sg_rng_normal(&s->rng) + (positive[i] ? shift : 0);
    }
}

/* setting: area, positives, negatives. */
void simulate_delong_area(study *s) {
    double scores[ROWS_MAX], shift = sqrt(2) * sg_normal_quantile(s->setting[0]);
    uint8_t positive[ROWS_MAX];
    size_t positives = (size_t)s->setting[1], n = positives + (size_t)s->setting[2];
    sg_delong d;
    sg_error err = SG_ERROR_INIT;
    draw_scores(s, scores, positive, positives, n, shift);
    must(sg_delong_measure(&d, scores, positive, n, 0.95, &err), &err);
    s->covered[0] = holds(d.interval, s->setting[0]);
}

/* Half of a score's spread is its group's. setting: area, groups, of one to three rows of one side,
 * sides by turns of three groups. */
void simulate_grouped_area(study *s) {
    double scores[ROWS_MAX], area, variance, half = sqrt(0.5);
    uint8_t positive[ROWS_MAX];
    uint32_t groups[ROWS_MAX];
    size_t n = 0;
    sg_error err = SG_ERROR_INIT;
    for (uint32_t g = 0; g < (uint32_t)s->setting[1]; g++) {
        double common = sg_rng_normal(&s->rng);
        for (uint32_t r = 0; r <= g % 3; r++, n++) {
            positive[n] = g / 3 % 2;
            groups[n] = g;
            scores[n] = half * (common + sg_rng_normal(&s->rng)) +
                        (positive[n] ? sqrt(2) * sg_normal_quantile(s->setting[0]) : 0);
        }
    }
    must(sg_area_jackknife(&area, &variance, scores, 1, positive, groups, n, &err), &err);
    s->covered[0] =
            holds(sg_delong_conclude(area, variance, positive, n, 0.95).interval, s->setting[0]);
    sg_delong d;
    must(sg_delong_measure(&d, scores, positive, n, 0.95, &err), &err);
    s->covered[1] = holds(d.interval, s->setting[0]);
}

/* setting: the two areas, rows on each side; scores correlate by one half. */
void simulate_delong_difference(study *s) {
    double first[ROWS_MAX], second[ROWS_MAX];
    uint8_t positive[ROWS_MAX];
    size_t side = (size_t)s->setting[2], n = 2 * side;
    sg_delong_pair d;
    sg_error err = SG_ERROR_INIT;
    draw_scores(s, first, positive, side, n, 0);
    for (size_t i = 0; i < n; i++) {
        second[i] = 0.5 * first[i] + sqrt(0.75) * sg_rng_normal(&s->rng);
        if (!positive[i]) continue;
        first[i] += sqrt(2) * sg_normal_quantile(s->setting[0]);
        second[i] += sqrt(2) * sg_normal_quantile(s->setting[1]);
    }
    must(sg_delong_compare(&d, first, second, positive, n, 0.95, &err), &err);
    s->covered[0] = holds(d.interval, s->setting[0] - s->setting[1]);
}

/* ---- shares of grouped rows ---- */

/* A row is right when its own luck and its group's, mixed half and half, are below the share's
 * quantile: rows of a group agree more than strangers. setting: share, groups; one to three rows in
 * each. */
static size_t draw_groups(study *s, uint32_t *labels, uint32_t *groups, uint8_t *hit) {
    size_t n = 0;
    double bar = sg_normal_quantile(s->setting[0]);
    for (uint32_t g = 0; g < (uint32_t)s->setting[1]; g++) {
        double common = sg_rng_normal(&s->rng);
        for (uint32_t r = 0; r <= g % 3; r++, n++) {
            labels[n] = g % 2;
            groups[n] = g;
            hit[n] = sqrt(0.5) * (common + sg_rng_normal(&s->rng)) < bar;
        }
    }
    return n;
}

typedef struct hits {
    const uint8_t *hit;
    size_t n;
} hits;

static void accuracy(double *values, const uint32_t *weights, void *user) {
    const hits *h = user;
    double sum = 0, total = 0;
    for (size_t i = 0; i < h->n; i++) {
        total += weights[i];
        sum += h->hit[i] ? weights[i] : 0;
    }
    values[0] = sum / total;
}

void simulate_grouped_share(study *s) {
    uint32_t labels[ROWS_MAX], groups[ROWS_MAX];
    uint8_t hit[ROWS_MAX];
    sg_error err = SG_ERROR_INIT;
    size_t n = draw_groups(s, labels, groups, hit), right = 0;
    hits h = {hit, n};
    sg_bootstrap_sample sample = {labels, groups, n, 2};
    sg_bootstrap_options options = {s->draws, 0.95, s->seed};
    sg_bootstrap_figure f;
    must(sg_bootstrap_run(&f, NULL, &sample, accuracy, &h, 1, &options, &err), &err);
    for (size_t i = 0; i < n; i++) right += hit[i];
    s->covered[0] = holds(f.bca, s->setting[0]);
    s->covered[1] = holds(f.percentile, s->setting[0]);
    s->covered[2] = holds(sg_interval_wilson(right, n, 0.95), s->setting[0]);
}

/* Two models that differ by luck alone, in groups: the test keeps quiet at 5 %. */
void simulate_sign_flip(study *s) {
    uint32_t labels[ROWS_MAX], groups[ROWS_MAX];
    uint8_t first[ROWS_MAX], second[ROWS_MAX];
    double difference[ROWS_MAX];
    sg_sign_flip t;
    sg_error err = SG_ERROR_INIT;
    size_t n = draw_groups(s, labels, groups, first);
    draw_groups(s, labels, groups, second);
    for (size_t i = 0; i < n; i++) difference[i] = (double)first[i] - second[i];
    must(sg_sign_flip_test(&t, difference, groups, n, s->draws, s->seed, &err), &err);
    s->covered[0] = t.p > 0.05;
}

/* ---- calibration ---- */

/* Two classes; the stated top probability is the true one plus a gap. setting: gap, rows. The true
 * one is uniform on 0.6 .. 0.85, so the error of calibration is the gap whatever the bins. */
void simulate_calibration(study *s) {
    double p[2 * ROWS_MAX], gap = s->setting[0];
    uint32_t labels[ROWS_MAX];
    size_t n = (size_t)s->setting[1];
    sg_calibration_intervals f;
    sg_error err = SG_ERROR_INIT;
    for (size_t i = 0; i < n; i++) {
        double truth = sg_rng_between(&s->rng, 0.6, 0.85);
        uint32_t top = chance(s, 0.5);
        p[2 * i + top] = truth + gap;
        p[2 * i + 1 - top] = 1 - truth - gap;
        labels[i] = chance(s, truth) ? top : 1 - top;
    }
    sg_bootstrap_sample sample = {labels, NULL, n, 2};
    sg_bootstrap_options options = {s->draws, 0.95, s->seed};
    must(sg_calibration_bootstrap(&f, &sample, p, &options, &err), &err);
    /* 2 (truth (1 - p)^2 + (1 - truth) p^2) is 2 truth (1 - truth) + 2 gap^2, averaged. */
    double mean = 0.725, square = (0.36 + 0.51 + 0.7225) / 3;
    s->covered[0] = holds(f.ece, gap);
    s->covered[1] = holds(f.brier, 2 * (mean - square) + 2 * gap * gap);
}

/* ---- decisions ---- */

/* setting: sensitivity, specificity, prevalence, rows on each side. */
void simulate_predictive_values(study *s) {
    size_t side = (size_t)s->setting[3], tp = 0, tn = 0;
    sg_predictive_values v, truth;
    sg_error err = SG_ERROR_INIT;
    for (size_t i = 0; i < side; i++) {
        tp += chance(s, s->setting[0]);
        tn += chance(s, s->setting[1]);
    }
    must(sg_predictive_values_measure(&v, tp, side - tp, side - tn, tn, s->setting[2], 0.95, &err),
            &err);
    truth = sg_predictive_values_of(s->setting[0], s->setting[1], s->setting[2]);
    s->covered[0] = holds(v.ppv_interval, truth.ppv);
    s->covered[1] = holds(v.npv_interval, truth.npv);
}

/* Calibrated probabilities, uniform on 0..1. setting: threshold, rows. */
void simulate_net_benefit(study *s) {
    double p[ROWS_MAX], t = s->setting[0];
    uint8_t positive[ROWS_MAX];
    uint32_t labels[ROWS_MAX];
    size_t n = (size_t)s->setting[1];
    sg_net_benefit point;
    sg_error err = SG_ERROR_INIT;
    for (size_t i = 0; i < n; i++) {
        p[i] = sg_rng_uniform(&s->rng);
        labels[i] = positive[i] = chance(s, p[i]);
    }
    sg_bootstrap_sample sample = {labels, NULL, n, 2};
    sg_bootstrap_options options = {s->draws, 0.95, s->seed};
    must(sg_decision_curve(&point, &t, 1, &sample, p, positive, 0.5, &options, &err), &err);
    double acted = 0.5 * (1 - t * t), falsely = 0.5 * (1 - t) * (1 - t);
    s->covered[0] = holds(point.interval, acted - falsely * t / (1 - t));
}

/* One new row each: setting: calibration rows, miss rate. */
void simulate_conformal(study *s) {
    double p[2 * ROWS_MAX], one[2];
    uint32_t labels[ROWS_MAX] = {0};
    uint8_t member[2];
    size_t n = (size_t)s->setting[0];
    sg_conformal model;
    sg_error err = SG_ERROR_INIT;
    for (size_t i = 0; i < n; i++) {
        p[2 * i] = sg_rng_uniform(&s->rng);
        p[2 * i + 1] = 1 - p[2 * i];
    }
    one[0] = sg_rng_uniform(&s->rng);
    one[1] = 1 - one[0];
    must(sg_conformal_fit(&model, p, labels, n, 2, s->setting[1], false, &err), &err);
    sg_conformal_sets(&model, member, one, 1);
    s->covered[0] = member[0];
}

/* ---- readers ---- */

/* Two raters of three classes: the second repeats the first with probability setting[0], else says
 * a class of its own by the same shares, so kappa is that probability. setting: kappa, rows. */
void simulate_kappa(study *s) {
    uint32_t said[2][ROWS_MAX];
    size_t n = (size_t)s->setting[1];
    sg_kappa k;
    sg_error err = SG_ERROR_INIT;
    for (size_t i = 0; i < n; i++) {
        for (int r = 0; r < 2; r++) {
            double u = sg_rng_uniform(&s->rng);
            said[r][i] = u < 0.5 ? 0 : u < 0.8 ? 1 : 2;
        }
        if (chance(s, s->setting[0])) said[1][i] = said[0][i];
    }
    must(sg_kappa_cohen(&k, said[0], said[1], n, 3, SG_KAPPA_PLAIN, 0.95, &err), &err);
    s->covered[0] = holds(k.interval, s->setting[0]);
}

/* Roe and Metz (1997): readers and cases at random. setting: shift, readers, rows on each side. The
 * last score is a model, which shares the case's part. */
void simulate_readers(study *s) {
    enum { READERS_MAX = 10 };
    static const double of_reader = 0.0055, of_case = 0.3, of_both = 0.3, rest = 0.4;
    double shift = s->setting[0];
    size_t count = (size_t)s->setting[1], side = (size_t)s->setting[2], n = 2 * side;
    static double scores[(READERS_MAX + 1) * ROWS_MAX];
    double areas[READERS_MAX + 1], covariance[(READERS_MAX + 1) * (READERS_MAX + 1)];
    double own[READERS_MAX * READERS_MAX], skill[READERS_MAX + 1] = {0};
    uint8_t positive[ROWS_MAX];
    sg_mrmc_mean mean, less;
    sg_error err = SG_ERROR_INIT;
    for (size_t r = 0; r < count; r++) skill[r] = sqrt(2 * of_reader) * sg_rng_normal(&s->rng);
    for (size_t i = 0; i < n; i++) {
        double common = sqrt(of_case) * sg_rng_normal(&s->rng);
        positive[i] = i < side;
        for (size_t r = 0; r <= count; r++)
            scores[r * n + i] = common + sqrt(of_both + rest) * sg_rng_normal(&s->rng) +
                                (positive[i] ? shift + skill[r] : 0);
    }
    must(sg_delong_covariance(areas, covariance, scores, count + 1, positive, n, &err), &err);
    for (size_t r = 0; r < count; r++)
        for (size_t q = 0; q < count; q++) own[r * count + q] = covariance[r * (count + 1) + q];
    must(sg_mrmc_average(&mean, areas, own, count, 0.95, &err), &err);
    must(sg_mrmc_against(&less, areas, covariance, count, 0.95, &err), &err);
    double readers_truth = sg_normal_cdf(shift / sqrt(2 + 2 * of_reader));
    s->covered[0] = holds(mean.interval, readers_truth);
    s->covered[1] = holds(less.interval, readers_truth - sg_normal_cdf(shift / sqrt(2)));
}

/* Ten folds, ten times, of 100 rows: two models, each a cut through one of two equally good
 * features halfway between the class means. Nothing is to be found. */
void simulate_repeated_folds(study *s) {
    enum { N = 100, FOLDS = 10, REPEATS = 10 };
    double x[2][N], difference[FOLDS * REPEATS];
    uint32_t order[N];
    sg_resampled_t corrected;
    sg_error err = SG_ERROR_INIT;
    for (uint32_t i = 0; i < N; i++) {
        order[i] = i;
        for (int f = 0; f < 2; f++) x[f][i] = sg_rng_normal(&s->rng) + (i % 2 ? 1 : 0);
    }
    for (size_t repeat = 0; repeat < REPEATS; repeat++) {
        sg_rng_shuffle(&s->rng, order, N);
        for (size_t fold = 0; fold < FOLDS; fold++) {
            double right[2] = {0, 0};
            for (int f = 0; f < 2; f++) {
                double sum[2] = {0, 0}, count[2] = {0, 0};
                for (size_t i = 0; i < N; i++) {
                    if (i % FOLDS == fold) continue;
                    sum[order[i] % 2] += x[f][order[i]];
                    count[order[i] % 2]++;
                }
                double cut = 0.5 * (sum[0] / count[0] + sum[1] / count[1]);
                for (size_t i = fold; i < N; i += FOLDS)
                    right[f] += (x[f][order[i]] > cut) == (order[i] % 2 == 1);
            }
            difference[repeat * FOLDS + fold] = (right[0] - right[1]) / (N / FOLDS);
        }
    }
    must(sg_resampled_t_test(
                 &corrected, difference, FOLDS * REPEATS, N - N / FOLDS, N / FOLDS, 0.95, &err),
            &err);
    s->covered[0] = holds(corrected.interval, 0);
    /* The same without the correction: 1 / runs in place of 1 / runs + test / train. */
    double runs = FOLDS * REPEATS, shrink = sqrt((1 / runs) / (1 / runs + 1.0 / (FOLDS - 1)));
    double half = 0.5 * (corrected.interval.high - corrected.interval.low) * shrink;
    s->covered[1] = fabs(corrected.mean) <= half;
}
