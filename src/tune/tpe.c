/* tpe.c - the tree-structured Parzen estimator (Bergstra et al. 2011): good trials and the others
 * each give a density; of candidates drawn from the good one, the point with the highest ratio is
 * taken, parameter by parameter. SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "tune/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CANDIDATES = 24, GOOD_MAX = 25 };

typedef struct ranked {
    double value;
    size_t trial;
} ranked;

static int by_value(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return x->trial < y->trial ? -1 : x->trial > y->trial;
}

/* Kernels of one parameter: normal on the unit interval, cut off at its ends; one of them, as wide
 * as the interval and in its middle, is the prior. Widths, weights and the prior are those of
 * Optuna 3.1, beside which `make bench-search` sets this file. */
typedef struct mixture {
    double *center, *sd, *weight; /* [count], weights of sum 1 */
    size_t count;
} mixture;

static double phi(double z) {
    return 0.5 * erfc(-z * 0.70710678118654752440);
}

static double mixture_density(const mixture *m, double u) {
    double sum = 0;
    for (size_t k = 0; k < m->count; k++) {
        double z = (u - m->center[k]) / m->sd[k];
        double inside = phi((1 - m->center[k]) / m->sd[k]) - phi(-m->center[k] / m->sd[k]);
        sum += m->weight[k] * exp(-0.5 * z * z) / (m->sd[k] * 2.5066282746310005024 * inside);
    }
    return sum;
}

static double mixture_draw(const mixture *m, sg_rng *rng) {
    size_t k = 0;
    for (double at = sg_rng_uniform(rng); k + 1 < m->count && at >= m->weight[k];)
        at -= m->weight[k++];
    for (int tries = 0; tries < 100; tries++) {
        double u = m->center[k] + m->sd[k] * sg_rng_normal(rng);
        if (u >= 0 && u <= 1) return u;
    }
    return sg_rng_uniform(rng);
}

/* Weight of the trial that is `rank`th of n in time: the last 25 count fully, those before them
 * less and less. */
static double weight_in_time(size_t rank, size_t n) {
    enum { FULL = 25 };
    if (n <= FULL || rank + FULL >= n) return 1;
    size_t ramp = n - FULL;
    return ramp == 1 ? 1.0 / (double)n
                     : 1.0 / (double)n + (1 - 1.0 / (double)n) * (double)rank / (double)(ramp - 1);
}

static int by_center(const void *a, const void *b) {
    const double *x = a, *y = b;
    return x[0] < y[0] ? -1 : x[0] > y[0];
}

/* Width of a kernel: the larger gap to its neighbours (the outermost have one), from
 * 1 / (kernels + 3) up to 1. rows: pairs of center and weight, the prior's weight negative. */
static void set_kernels(mixture *m, double (*rows)[2], size_t n) {
    double least = 1.0 / (double)(n + 3 < 100 ? n + 3 : 100), sum = 0;
    qsort(rows, n, sizeof *rows, by_center);
    for (size_t k = 0; k < n; k++) {
        double left = k ? rows[k][0] - rows[k - 1][0] : 0;
        double right = k + 1 < n ? rows[k + 1][0] - rows[k][0] : 0;
        bool prior = rows[k][1] < 0;
        m->center[k] = rows[k][0];
        m->sd[k] = prior || n == 1 ? 1 : fmin(1, fmax(least, fmax(left, right)));
        m->weight[k] = fabs(rows[k][1]);
        sum += m->weight[k];
    }
    for (size_t k = 0; k < n; k++) m->weight[k] /= sum;
    m->count = n;
}

static int by_trial(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    return x->trial < y->trial ? -1 : x->trial > y->trial;
}

/* rows are in time. work[n + 1]. */
static void fill_mixture(mixture *m, double (*work)[2], const sg_space *space,
        const sg_trial *trials, const ranked *rows, size_t n, size_t param) {
    size_t count = 0;
    for (size_t r = 0; r < n; r++) {
        double unit[SG_SPACE_MAX];
        const double *point = trials[rows[r].trial].point;
        if (isnan(point[param])) continue;
        sg_space_to_unit(space, point, unit);
        work[count][0] = unit[param];
        work[count++][1] = weight_in_time(r, n);
    }
    work[count][0] = 0.5;
    work[count++][1] = -1;
    set_kernels(m, work, count);
}

/* Shares of a choice's options: every trial, and the prior, is a kernel over them that leaves
 * 1 / kernels to each option before its own. */
static void fill_shares(double *share, const sg_dimension *p, const sg_trial *trials,
        const ranked *rows, size_t n, size_t param) {
    double kernels = 1, options = (double)p->choice_count, sum = 1;
    for (size_t r = 0; r < n; r++) kernels += !isnan(trials[rows[r].trial].point[param]);
    for (size_t k = 0; k < p->choice_count; k++) share[k] = 1 / options;
    for (size_t r = 0; r < n; r++) {
        double value = trials[rows[r].trial].point[param], weight = weight_in_time(r, n);
        if (isnan(value)) continue;
        double own = weight / (1 + options / kernels);
        for (size_t k = 0; k < p->choice_count; k++) share[k] += own / kernels;
        share[(size_t)value] += own;
        sum += weight;
    }
    for (size_t k = 0; k < p->choice_count; k++) share[k] /= sum;
}

static double draw_choice(
        const sg_dimension *p, const double *good, const double *bad, sg_rng *rng) {
    size_t best = 0;
    double best_ratio = -1;
    for (int c = 0; c < CANDIDATES; c++) {
        double at = sg_rng_uniform(rng);
        size_t k = 0;
        while (k + 1 < p->choice_count && at >= good[k]) at -= good[k++];
        if (good[k] / bad[k] > best_ratio) best_ratio = good[k] / bad[k], best = k;
    }
    return ((double)best + 0.5) / (double)p->choice_count;
}

static double draw_number(const mixture *good, const mixture *bad, sg_rng *rng) {
    double best = 0.5, best_ratio = -INFINITY;
    for (int c = 0; c < CANDIDATES; c++) {
        double u = mixture_draw(good, rng);
        double ratio = log(mixture_density(good, u)) - log(mixture_density(bad, u));
        if (ratio > best_ratio) best_ratio = ratio, best = u;
    }
    return best;
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

sg_status sg_propose_tpe(double *point, const sg_space *space, const sg_trial *trials, size_t count,
        size_t number, uint64_t seed, sg_error *err) {
    ranked *rows = malloc((count + 1) * sizeof *rows);
    double *block = malloc(6 * (count + 2) * sizeof *block);
    double(*work)[2] = malloc((count + 2) * sizeof *work);
    if (!rows || !block || !work) {
        free(rows);
        free(block);
        free(work);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu trials", count);
    }
    size_t wide = count + 2;
    mixture good = {block, block + wide, block + 2 * wide, 0};
    mixture bad = {block + 3 * wide, block + 4 * wide, block + 5 * wide, 0};
    size_t n = rank(rows, trials, count);
    size_t best = (n + 9) / 10 < GOOD_MAX ? (n + 9) / 10 : GOOD_MAX;
    qsort(rows, best, sizeof *rows, by_trial);
    qsort(rows + best, n - best, sizeof *rows, by_trial);
    sg_rng rng = sg_rng_make(seed, SG_RNG_SEARCH, (uint32_t)number, 3);
    double unit[SG_SPACE_MAX];
    for (size_t i = 0; i < space->count; i++) {
        const sg_dimension *p = &space->params[i];
        if (p->kind == SG_PARAM_CHOICE) {
            double share[2][SG_CHOICES_MAX];
            fill_shares(share[0], p, trials, rows, best, i);
            fill_shares(share[1], p, trials, rows + best, n - best, i);
            unit[i] = draw_choice(p, share[0], share[1], &rng);
        } else {
            fill_mixture(&good, work, space, trials, rows, best, i);
            fill_mixture(&bad, work, space, trials, rows + best, n - best, i);
            unit[i] = draw_number(&good, &bad, &rng);
        }
    }
    free(rows);
    free(block);
    free(work);
    sg_space_from_unit(space, unit, point);
    return SG_OK;
}
