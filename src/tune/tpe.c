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

/* Kernels of one parameter: normal on the unit interval, cut off at its ends, plus a wide one in
 * the middle as prior. */
typedef struct mixture {
    double *center, *sd;
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
        sum += exp(-0.5 * z * z) / (m->sd[k] * 2.5066282746310005024 * inside);
    }
    return sum / (double)m->count;
}

static double mixture_draw(const mixture *m, sg_rng *rng) {
    size_t k = sg_rng_below(rng, (uint32_t)m->count);
    for (int tries = 0; tries < 100; tries++) {
        double u = m->center[k] + m->sd[k] * sg_rng_normal(rng);
        if (u >= 0 && u <= 1) return u;
    }
    return sg_rng_uniform(rng);
}

static int by_center(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Width of a kernel: the larger gap to its neighbours, not below 1 / (number + 1), nor above 1. */
static void set_widths(mixture *m) {
    qsort(m->center, m->count, sizeof *m->center, by_center);
    double least = 1.0 / (double)(m->count < 99 ? m->count + 1 : 100);
    for (size_t k = 0; k < m->count; k++) {
        double left = m->center[k] - (k ? m->center[k - 1] : 0);
        double right = (k + 1 < m->count ? m->center[k + 1] : 1) - m->center[k];
        m->sd[k] = fmin(1, fmax(least, fmax(left, right)));
    }
    m->center[m->count] = 0.5;
    m->sd[m->count++] = 1;
}

static void fill_mixture(mixture *m, const sg_space *space, const sg_trial *trials,
        const ranked *rows, size_t n, size_t param) {
    m->count = 0;
    for (size_t r = 0; r < n; r++) {
        double unit[SG_SPACE_MAX];
        const double *point = trials[rows[r].trial].point;
        if (isnan(point[param])) continue;
        sg_space_to_unit(space, point, unit);
        m->center[m->count++] = unit[param];
    }
    set_widths(m);
}

/* Shares of a choice's options, one of each counted beforehand. */
static void fill_shares(double *share, const sg_dimension *p, const sg_trial *trials,
        const ranked *rows, size_t n, size_t param) {
    double total = (double)p->choice_count;
    for (size_t k = 0; k < p->choice_count; k++) share[k] = 1;
    for (size_t r = 0; r < n; r++) {
        double value = trials[rows[r].trial].point[param];
        if (isnan(value)) continue;
        share[(size_t)value] += 1;
        total += 1;
    }
    for (size_t k = 0; k < p->choice_count; k++) share[k] /= total;
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
    double *block = malloc(4 * (count + 2) * sizeof *block);
    if (!rows || !block) {
        free(rows);
        free(block);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu trials", count);
    }
    mixture good = {block, block + count + 2, 0};
    mixture bad = {block + 2 * (count + 2), block + 3 * (count + 2), 0};
    size_t n = rank(rows, trials, count);
    size_t best = (n + 9) / 10 < GOOD_MAX ? (n + 9) / 10 : GOOD_MAX;
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
            fill_mixture(&good, space, trials, rows, best, i);
            fill_mixture(&bad, space, trials, rows + best, n - best, i);
            unit[i] = draw_number(&good, &bad, &rng);
        }
    }
    free(rows);
    free(block);
    sg_space_from_unit(space, unit, point);
    return SG_OK;
}
