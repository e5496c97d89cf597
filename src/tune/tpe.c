/* tpe.c - the tree-structured Parzen estimator (Bergstra et al. 2011), over all parameters jointly
 * (Falkner et al. 2018, "BOHB"): good trials and the others each give a density; of candidates
 * drawn from the good one, the point with the highest ratio is taken. Shares of good trials,
 * weights in time and prior are those of Optuna 3.1. Kernels are narrower: its floor, 1 / (n + 2)
 * of the range, is a fifth for the three to five trials that count as good in a short search, and
 * keeps it from coming closer (docs/internals/tune.md has the figures). SPDX-License-Identifier:
 * Apache-2.0 */
#include "base/rng.h"
#include "tune/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CANDIDATES = 24, GOOD_MAX = 25, FULL_WEIGHT = 25 };

typedef struct ranked {
    double value;
    size_t trial;
} ranked;

static int by_value(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return x->trial < y->trial ? -1 : x->trial > y->trial;
}

static int by_trial(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    return x->trial < y->trial ? -1 : x->trial > y->trial;
}

/* One kernel per trial, the product over the parameters that are active in it of a normal cut off
 * at the ends of the unit interval, or of shares of a choice's options; and one more, as wide as
 * the space and in its middle, as prior. */
typedef struct density {
    const sg_space *space;
    double (*unit)[SG_SPACE_MAX]; /* [trials], NaN where inactive; a choice's index */
    double *weight;               /* [trials + 1], of sum 1; the last is the prior's */
    size_t trials;
    double sd;
} density;

static double phi(double z) {
    return 0.5 * erfc(-z * 0.70710678118654752440);
}

static double normal_inside(double u, double center, double sd) {
    double z = (u - center) / sd, inside = phi((1 - center) / sd) - phi(-center / sd);
    return exp(-0.5 * z * z) / (sd * 2.5066282746310005024 * inside);
}

/* Share of an option in the kernel of a trial that had `own`. */
static double option_share(const density *d, const sg_dimension *p, double option, double own) {
    double kernels = (double)d->trials + 1, options = (double)p->choice_count;
    return ((option == own) + 1 / kernels) / (1 + options / kernels);
}

static double kernel_at(const density *d, size_t k, const double *at) {
    double product = 1;
    for (size_t i = 0; i < d->space->count; i++) {
        const sg_dimension *p = &d->space->params[i];
        bool prior = k == d->trials, choice = p->kind == SG_PARAM_CHOICE;
        double own = prior ? 0.5 : d->unit[k][i];
        if (isnan(at[i]) || isnan(own)) continue; /* even where it says nothing */
        if (choice)
            product *= prior ? 1 / (double)p->choice_count : option_share(d, p, at[i], own);
        else
            product *= normal_inside(at[i], own, prior ? 1 : d->sd);
    }
    return product;
}

static double log_density(const density *d, const double *at) {
    double sum = 0;
    for (size_t k = 0; k <= d->trials; k++) sum += d->weight[k] * kernel_at(d, k, at);
    return log(sum);
}

static double draw_normal(double center, double sd, sg_rng *rng) {
    for (int tries = 0; tries < 100; tries++) {
        double u = center + sd * sg_rng_normal(rng);
        if (u >= 0 && u <= 1) return u;
    }
    return sg_rng_uniform(rng);
}

static double draw_option(const density *d, const sg_dimension *p, double own, sg_rng *rng) {
    double at = sg_rng_uniform(rng);
    size_t k = 0;
    for (; k + 1 < p->choice_count; k++) {
        double share =
                isnan(own) ? 1 / (double)p->choice_count : option_share(d, p, (double)k, own);
        if (at < share) break;
        at -= share;
    }
    return (double)k;
}

/* A draw in every parameter, as none is known to be inactive yet. */
static void draw(double *at, const density *d, sg_rng *rng) {
    size_t k = 0;
    for (double left = sg_rng_uniform(rng); k < d->trials && left >= d->weight[k];)
        left -= d->weight[k++];
    for (size_t i = 0; i < d->space->count; i++) {
        const sg_dimension *p = &d->space->params[i];
        double own = k == d->trials ? NAN : d->unit[k][i];
        if (p->kind == SG_PARAM_CHOICE)
            at[i] = draw_option(d, p, own, rng);
        else
            at[i] = draw_normal(isnan(own) ? 0.5 : own, isnan(own) ? 1 : d->sd, rng);
    }
}

/* Weight of the trial that is `rank`th of n in time: the last ones count fully, those before them
 * less and less. */
static double weight_in_time(size_t rank, size_t n) {
    if (rank + FULL_WEIGHT >= n) return 1;
    double first = 1 / (double)n, ramp = (double)(n - FULL_WEIGHT);
    return ramp < 2 ? first : first + (1 - first) * (double)rank / (ramp - 1);
}

/* Coordinates in which a kernel is placed: the unit interval, and the index of a choice. */
static void place(double *out, const sg_space *space, const double *point) {
    sg_space_to_unit(space, point, out);
    for (size_t i = 0; i < space->count; i++)
        if (isnan(point[i]) || space->params[i].kind == SG_PARAM_CHOICE) out[i] = point[i];
}

static void fill(
        density *d, const sg_space *space, const sg_trial *trials, ranked *rows, size_t n) {
    double sum = 1;
    qsort(rows, n, sizeof *rows, by_trial);
    d->space = space;
    d->trials = n;
    for (size_t r = 0; r < n; r++) {
        place(d->unit[r], space, trials[rows[r].trial].point);
        d->weight[r] = weight_in_time(r, n);
        sum += d->weight[r];
    }
    d->weight[n] = 1;
    for (size_t r = 0; r <= n; r++) d->weight[r] /= sum;
    double least = 1 / fmin(100, (double)n + 20);
    d->sd = fmax(least, 0.06 * pow(n ? (double)n : 1, -1 / ((double)space->count + 4)));
}

static size_t rank(ranked *rows, const sg_trial *trials, size_t count) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (trials[i].state == SG_TRIAL_RUNNING) continue;
        double value = isfinite(trials[i].value) ? trials[i].value : INFINITY;
        rows[n++] = (ranked){value, i};
    }
    qsort(rows, n, sizeof *rows, by_value);
    return n;
}

static void to_point(double *point, const sg_space *space, double *at) {
    for (size_t i = 0; i < space->count; i++)
        if (space->params[i].kind == SG_PARAM_CHOICE)
            at[i] = (at[i] + 0.5) / (double)space->params[i].choice_count;
    sg_space_from_unit(space, at, point);
}

static void choose(double *point, const density *good, const density *bad, sg_rng *rng) {
    const sg_space *space = good->space;
    double best_ratio = -INFINITY;
    for (int c = 0; c < CANDIDATES; c++) {
        double at[SG_SPACE_MAX], candidate[SG_SPACE_MAX];
        draw(at, good, rng);
        to_point(candidate, space, at);
        place(at, space, candidate);
        double ratio = log_density(good, at) - log_density(bad, at);
        if (c && !(ratio > best_ratio)) continue;
        best_ratio = ratio;
        memcpy(point, candidate, space->count * sizeof *point);
    }
}

sg_status sg_propose_tpe(double *point, const sg_space *space, const sg_trial *trials, size_t count,
        size_t number, uint64_t seed, sg_error *err) {
    ranked *rows = malloc((count + 1) * sizeof *rows);
    double(*units)[SG_SPACE_MAX] = malloc((count + 1) * sizeof *units);
    double *weights = malloc((count + 2) * sizeof *weights);
    sg_status st = rows && units && weights
                           ? SG_OK
                           : sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu trials", count);
    if (!st) {
        size_t n = rank(rows, trials, count);
        size_t best = (n + 9) / 10 < GOOD_MAX ? (n + 9) / 10 : GOOD_MAX;
        density good = {.unit = units, .weight = weights};
        density bad = {.unit = units + best, .weight = weights + best + 1};
        sg_rng rng = sg_rng_make(seed, SG_RNG_SEARCH, (uint32_t)number, 3);
        fill(&good, space, trials, rows, best);
        fill(&bad, space, trials, rows + best, n - best);
        choose(point, &good, &bad, &rng);
    }
    free(rows);
    free(units);
    free(weights);
    return st;
}
