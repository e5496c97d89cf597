/* surrogate.c - see surrogate.h. SPDX-License-Identifier: Apache-2.0 */
#include "tune/surrogate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Above the median m, x becomes m + s log(1 + (x - m) / s), s = median - lowest quarter. */
void sg_tame(double *values, size_t n) {
    double *sorted = malloc(n * sizeof *sorted);
    if (!sorted || n < 4) {
        free(sorted);
        return; /* without memory the values stay as they are: still a valid model */
    }
    memcpy(sorted, values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_value);
    double median = n % 2 ? sorted[n / 2] : 0.5 * (sorted[n / 2 - 1] + sorted[n / 2]);
    double spread = median - sorted[n / 4];
    free(sorted);
    if (!(spread > 0)) return;
    for (size_t i = 0; i < n; i++)
        if (values[i] > median) values[i] = median + spread * log1p((values[i] - median) / spread);
}

static void standardise(sg_surrogate *s, size_t n) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) sum += s->y[i];
    s->center = sum / (double)n;
    for (size_t i = 0; i < n; i++) squares += (s->y[i] - s->center) * (s->y[i] - s->center);
    s->scale = sqrt(squares / (double)n);
    if (!(s->scale > 1e-12 * fabs(s->center)) || s->scale < 1e-300) s->scale = 1;
    for (size_t i = 0; i < n; i++) s->y[i] = (s->y[i] - s->center) / s->scale;
}

/* One length per parameter: the options of a choice share theirs. */
static void name_groups(sg_surrogate *s) {
    size_t at = 0;
    for (size_t i = 0; i < s->space->count; i++) {
        const sg_dimension *p = &s->space->params[i];
        size_t wide = p->kind == SG_PARAM_CHOICE ? p->choice_count : 1;
        for (size_t k = 0; k < wide; k++) s->group[at++] = (int)i;
    }
}

static void add_row(sg_surrogate *s, const sg_trial *trials, size_t i, double value) {
    sg_space_features(s->space, trials[i].point, s->x + s->n * s->width);
    s->y[s->n] = value;
    s->source[s->n++] = i;
}

/* Finished trials, then failed ones with the worst value seen. Returns how many rows are known. */
static size_t gather_known(sg_surrogate *s, const sg_trial *trials, size_t count) {
    double worst = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        if (trials[i].state == SG_TRIAL_RUNNING || !isfinite(trials[i].value)) continue;
        add_row(s, trials, i, trials[i].value);
        worst = fmax(worst, trials[i].value);
    }
    size_t finished = s->n;
    for (size_t i = 0; i < count; i++)
        if (trials[i].state != SG_TRIAL_RUNNING && !isfinite(trials[i].value))
            add_row(s, trials, i, worst);
    return finished;
}

static sg_status condition(sg_surrogate *s, const sg_gp_theta *theta, sg_error *err) {
    sg_gp_dispose(&s->gp);
    return sg_gp_condition(&s->gp, s->x, s->y, s->n, s->width, s->group, s->groups, theta, err);
}

static void find_best(sg_surrogate *s, size_t finished) {
    s->best = INFINITY;
    for (size_t i = 0; i < finished; i++) {
        double mean, variance;
        sg_gp_predict(&s->gp, s->x + i * s->width, &mean, &variance, NULL, NULL);
        if (mean < s->best) {
            s->best = mean;
            s->best_row = i;
        }
    }
}

static sg_status add_fantasies(sg_surrogate *s, const sg_trial *trials, size_t count,
        const sg_gp_theta *theta, sg_error *err) {
    sg_status st = SG_OK;
    for (size_t i = 0; !st && i < count; i++) {
        if (trials[i].state != SG_TRIAL_RUNNING) continue;
        double mean, variance;
        sg_space_features(s->space, trials[i].point, s->x + s->n * s->width);
        sg_gp_predict(&s->gp, s->x + s->n * s->width, &mean, &variance, NULL, NULL);
        add_row(s, trials, i, mean);
        st = condition(s, theta, err);
    }
    return st;
}

sg_status sg_surrogate_fit(sg_surrogate *s, const sg_space *space, const sg_trial *trials,
        size_t count, uint64_t seed, sg_error *err) {
    memset(s, 0, sizeof *s);
    s->space = space;
    s->width = sg_space_width(space);
    s->groups = space->count;
    if (s->width > SG_GP_WIDTH_MAX)
        return sg_fail(err, SG_ERR_USAGE,
                "the choices of the space have %zu options, the model takes %d", s->width,
                (int)SG_GP_WIDTH_MAX);
    name_groups(s);
    s->x = malloc((count + 1) * s->width * sizeof *s->x);
    s->y = malloc((count + 1) * sizeof *s->y);
    s->source = malloc((count + 1) * sizeof *s->source);
    if (!s->x || !s->y || !s->source) {
        sg_surrogate_dispose(s);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for a model of %zu trials", count);
    }
    size_t finished = gather_known(s, trials, count);
    sg_tame(s->y, s->n);
    standardise(s, s->n);
    /* The cost of a step grows with n^3: many tries while they are cheap. */
    double share = 60.0 / (double)(s->n > 60 ? s->n : 60);
    int evaluations = (int)fmax(36, 240 * share * share);
    sg_gp_theta theta;
    sg_status st = sg_gp_fit(&theta, s->x, s->y, s->n, s->width, s->group, s->groups,
            s->n > 100 ? 1 : 3, evaluations, seed, err);
    if (!st) st = condition(s, &theta, err);
    if (!st) find_best(s, finished);
    if (!st) st = add_fantasies(s, trials, count, &theta, err);
    if (st) sg_surrogate_dispose(s);
    return st;
}

void sg_surrogate_dispose(sg_surrogate *s) {
    sg_gp_dispose(&s->gp);
    free(s->x);
    free(s->y);
    free(s->source);
    memset(s, 0, sizeof *s);
}
