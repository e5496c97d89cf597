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

/* Mean and standard deviation; 1 in its place where there is no spread to speak of. */
static void measure_spread(double *center, double *scale, const double *values, size_t n) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) sum += values[i];
    *center = sum / (double)n;
    for (size_t i = 0; i < n; i++) squares += (values[i] - *center) * (values[i] - *center);
    *scale = sqrt(squares / (double)n);
    if (!(*scale > 1e-12 * fabs(*center)) || *scale < 1e-300) *scale = 1;
}

static void standardise(sg_surrogate *s, size_t n) {
    measure_spread(&s->center, &s->scale, s->y, n);
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
    if (!s->drift) return;
    s->group[at++] = (int)s->space->count;
    s->group[at] = s->drift->forgets ? SG_GP_TIME : (int)s->space->count;
}

/* The score before and, where old trials fade, the time stand behind the features of the space. */
static void put_features(
        const sg_surrogate *s, const double *point, double before, double time, double *x) {
    sg_space_features(s->space, point, x);
    if (!s->drift) return;
    x += sg_space_width(s->space);
    x[0] = (before - s->before_center) / s->before_scale;
    x[1] = s->drift->forgets ? time : 0;
}

static void put_trial(sg_surrogate *s, const sg_trial *trials, size_t i) {
    const sg_drift *d = s->drift;
    put_features(
            s, trials[i].point, d ? d->before[i] : 0, d ? d->time[i] : 0, s->x + s->n * s->width);
}

void sg_surrogate_features(const sg_surrogate *s, const double *point, double *x) {
    put_features(s, point, s->drift ? s->drift->score : 0, s->drift ? s->drift->now : 0, x);
}

static void add_row(sg_surrogate *s, const sg_trial *trials, size_t i, double value) {
    put_trial(s, trials, i);
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
        put_trial(s, trials, i);
        sg_gp_predict(&s->gp, s->x + s->n * s->width, &mean, &variance, NULL, NULL);
        add_row(s, trials, i, mean);
        st = condition(s, theta, err);
    }
    return st;
}

sg_status sg_surrogate_fit(sg_surrogate *s, const sg_space *space, const sg_trial *trials,
        size_t count, const sg_drift *drift, uint64_t seed, sg_error *err) {
    memset(s, 0, sizeof *s);
    s->space = space;
    s->drift = drift;
    s->width = sg_space_width(space) + (drift ? 2 : 0);
    s->groups = space->count + (drift ? 1 : 0);
    if (drift) measure_spread(&s->before_center, &s->before_scale, drift->before, count);
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
    if (drift) sg_tame(s->y, s->n);
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
