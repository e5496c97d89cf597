/* kappa.c - see kappa.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/kappa.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = SG_STATS_CLASSES_MAX };

typedef struct ratings {
    const uint32_t *of; /* [raters * n] */
    size_t raters, n, classes;
    sg_kappa_kind kind;
} ratings;

static sg_status check(const ratings *r, sg_error *err) {
    if (r->n == 0) return sg_fail(err, SG_ERR_INPUT, "there are no rows to compare raters on");
    if (r->raters < 2 || (r->kind != SG_KAPPA_FLEISS && r->raters != 2))
        return sg_fail(err, SG_ERR_INPUT, "%zu raters: kappa compares two, Fleiss' two or more",
                r->raters);
    if (r->classes < 2 || r->classes > CLASSES)
        return sg_fail(err, SG_ERR_INPUT, "%zu classes: kappa is offered for 2 to %d", r->classes,
                CLASSES);
    for (size_t i = 0; i < r->raters * r->n; i++)
        if (r->of[i] >= r->classes)
            return sg_fail(err, SG_ERR_INPUT, "rater %zu says class %u of %zu in row %zu", i / r->n,
                    (unsigned)r->of[i], r->classes, i % r->n);
    return SG_OK;
}

/* How much of an agreement i and j are: 1 on the diagonal. */
static double agreement(const ratings *r, size_t i, size_t j) {
    double apart = ((double)i - (double)j) / (double)(r->classes - 1);
    if (r->kind == SG_KAPPA_LINEAR) return 1 - fabs(apart);
    if (r->kind == SG_KAPPA_QUADRATIC) return 1 - apart * apart;
    return i == j;
}

/* Shares of pairs of verdicts. */
typedef struct table {
    double pair[CLASSES][CLASSES], first[CLASSES], second[CLASSES];
    double observed, expected; /* weighted agreement */
} table;

static void tabulate(table *t, const ratings *r, const uint32_t *weights) {
    double total = 0;
    memset(t, 0, sizeof *t);
    for (size_t i = 0; i < r->n; i++) {
        double w = weights ? weights[i] : 1;
        t->pair[r->of[i]][r->of[r->n + i]] += w;
        total += w;
    }
    for (size_t i = 0; i < r->classes; i++)
        for (size_t j = 0; j < r->classes; j++) {
            t->pair[i][j] /= total;
            t->first[i] += t->pair[i][j];
            t->second[j] += t->pair[i][j];
        }
    for (size_t i = 0; i < r->classes; i++)
        for (size_t j = 0; j < r->classes; j++) {
            double w = agreement(r, i, j);
            t->observed += w * t->pair[i][j];
            t->expected += w * t->first[i] * t->second[j];
        }
}

static double beyond_chance(double observed, double expected) {
    return expected < 1 ? (observed - expected) / (1 - expected) : NAN;
}

static double standard_error(const table *t, const ratings *r, double kappa) {
    double row[CLASSES] = {0}, column[CLASSES] = {0}, sum = 0;
    for (size_t i = 0; i < r->classes; i++)
        for (size_t j = 0; j < r->classes; j++) {
            row[i] += t->second[j] * agreement(r, i, j);
            column[j] += t->first[i] * agreement(r, i, j);
        }
    for (size_t i = 0; i < r->classes; i++)
        for (size_t j = 0; j < r->classes; j++) {
            double u = agreement(r, i, j) - (row[i] + column[j]) * (1 - kappa);
            sum += t->pair[i][j] * u * u;
        }
    double mean = kappa - t->expected * (1 - kappa), rest = 1 - t->expected;
    return sqrt(fmax(0, sum - mean * mean) / (double)r->n) / rest;
}

sg_status sg_kappa_cohen(sg_kappa *out, const uint32_t *first, const uint32_t *second, size_t n,
        size_t classes, sg_kappa_kind kind, double confidence, sg_error *err) {
    if (!(confidence > 0 && confidence < 1))
        return sg_fail(err, SG_ERR_INPUT, "a confidence of %g is not between 0 and 1", confidence);
    uint32_t *both = calloc(2 * n + 1, sizeof *both);
    if (!both) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu rows", n);
    if (n) memcpy(both, first, n * sizeof *both);
    if (n) memcpy(both + n, second, n * sizeof *both);
    ratings r = {both, kind == SG_KAPPA_FLEISS ? 0 : 2, n, classes, kind};
    sg_status status = check(&r, err);
    if (status == SG_OK) {
        table t;
        tabulate(&t, &r, NULL);
        sg_kappa made = {.value = beyond_chance(t.observed, t.expected), .agreement = t.observed};
        made.standard_error = standard_error(&t, &r, made.value);
        double half = sg_normal_quantile(0.5 + 0.5 * confidence) * made.standard_error;
        made.interval = (sg_interval){made.value - half, made.value + half};
        if (made.interval.low < -1) made.interval.low = -1;
        if (made.interval.high > 1) made.interval.high = 1;
        *out = made;
    }
    free(both);
    return status;
}

static double fleiss(const ratings *r, const uint32_t *weights) {
    double share[CLASSES] = {0}, observed = 0, expected = 0, total = 0;
    double raters = (double)r->raters;
    for (size_t i = 0; i < r->n; i++) {
        double count[CLASSES] = {0}, w = weights ? weights[i] : 1, pairs = 0;
        for (size_t a = 0; a < r->raters; a++) count[r->of[a * r->n + i]]++;
        for (size_t k = 0; k < r->classes; k++) {
            pairs += count[k] * (count[k] - 1);
            share[k] += w * count[k] / raters;
        }
        observed += w * pairs / (raters * (raters - 1));
        total += w;
    }
    for (size_t k = 0; k < r->classes; k++) expected += share[k] / total * (share[k] / total);
    return beyond_chance(observed / total, expected);
}

sg_status sg_kappa_fleiss(
        double *out, const uint32_t *of, size_t raters, size_t n, size_t classes, sg_error *err) {
    ratings r = {of, raters, n, classes, SG_KAPPA_FLEISS};
    sg_status status = check(&r, err);
    if (status == SG_OK) *out = fleiss(&r, NULL);
    return status;
}

static void measure(double *values, const uint32_t *weights, void *user) {
    const ratings *r = user;
    table t;
    if (r->kind == SG_KAPPA_FLEISS) {
        values[0] = fleiss(r, weights);
        return;
    }
    tabulate(&t, r, weights);
    values[0] = beyond_chance(t.observed, t.expected);
}

sg_status sg_kappa_bootstrap(sg_bootstrap_figure *out, const sg_bootstrap_sample *sample,
        const uint32_t *of, size_t raters, size_t classes, sg_kappa_kind kind,
        const sg_bootstrap_options *options, sg_error *err) {
    ratings r = {of, raters, sample->n, classes, kind};
    sg_status status = check(&r, err);
    if (status != SG_OK) return status;
    return sg_bootstrap_run(out, NULL, sample, measure, &r, 1, options, err);
}
