/* peak.c - see peak.h: many looks, then local search from the most promising, alternating gradient
 * steps in the continuous parameters with moves to neighbouring values of the discrete ones.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tune/peak.h"

#include "tune/sobol.h"

#include <math.h>
#include <nlopt.h>
#include <stdlib.h>
#include <string.h>

enum { LOOKS = 768, NEARBY = 256, STARTS = 6, ROUNDS = 3, STEPS = 30 };

typedef struct candidate {
    double unit[SG_SPACE_MAX];
    double score;
} candidate;

/* What is climbed. */
typedef struct hill {
    sg_surrogate *s;
    const sg_acquisition *acquisition;
    const bool *held;
    double near[SG_SPACE_MAX]; /* unit coordinates */
} hill;

static bool is_held(const hill *h, size_t i) {
    return h->held && h->held[i];
}

static double score_unit(const hill *h, const double *unit) {
    double point[SG_SPACE_MAX], x[SG_GP_WIDTH_MAX], mean, variance;
    sg_space_from_unit(h->s->space, unit, point);
    sg_surrogate_features(h->s, point, x);
    sg_gp_predict(&h->s->gp, x, &mean, &variance, NULL, NULL);
    return sg_acquisition_value(h->acquisition, mean, sqrt(variance), NULL, NULL);
}

static void keep_held(double *unit, const hill *h) {
    for (size_t i = 0; i < h->s->space->count; i++)
        if (is_held(h, i)) unit[i] = h->near[i];
}

/* Keeps the STARTS best in falling order. */
static void offer(candidate *best, const sg_space *space, const double *unit, double score) {
    if (!(score > best[STARTS - 1].score)) return;
    size_t at = STARTS - 1;
    while (at > 0 && score > best[at - 1].score) {
        best[at] = best[at - 1];
        at--;
    }
    memcpy(best[at].unit, unit, space->count * sizeof *unit);
    best[at].score = score;
}

/* A point near `unit`: each coordinate moves with probability 1/2, discrete ones by a redraw. */
static void jitter(double *out, const double *unit, const sg_space *space, double sd, sg_rng *rng) {
    for (size_t i = 0; i < space->count; i++) {
        out[i] = unit[i];
        if (sg_rng_uniform(rng) < 0.5) continue;
        bool smooth = space->params[i].kind == SG_PARAM_FLOAT;
        double moved = smooth ? unit[i] + sd * sg_rng_normal(rng) : sg_rng_uniform(rng);
        out[i] = moved < 0 ? -moved : moved > 1 ? 2 - moved : moved;
        if (!(out[i] >= 0 && out[i] <= 1)) out[i] = sg_rng_uniform(rng);
    }
}

/* Standard deviations of the looks near the best point, in parts of a range. */
static const double nearness[3] = {0.1, 0.01, 0.001};

static void look_around(candidate *best, const hill *h, sg_rng *rng) {
    const sg_space *space = h->s->space;
    double unit[SG_SPACE_MAX], shift[SG_SPACE_MAX];
    sg_sobol sobol;
    sg_sobol_init(&sobol, space->count);
    for (size_t i = 0; i < space->count; i++) shift[i] = sg_rng_uniform(rng);
    for (uint32_t k = 0; k < LOOKS; k++) {
        sg_sobol_point(unit, &sobol, k);
        for (size_t i = 0; i < space->count; i++) {
            unit[i] += shift[i];
            if (unit[i] >= 1) unit[i] -= 1;
        }
        keep_held(unit, h);
        offer(best, space, unit, score_unit(h, unit));
    }
    for (int k = 0; k < NEARBY; k++) {
        jitter(unit, h->near, space, nearness[k % 3], rng);
        keep_held(unit, h);
        offer(best, space, unit, score_unit(h, unit));
    }
}

/* ---- continuous part ---- */

typedef struct slope_job {
    const hill *h;
    double unit[SG_SPACE_MAX];
    size_t smooth[SG_SPACE_MAX]; /* parameters that are moved */
    size_t column[SG_SPACE_MAX]; /* and their feature */
    size_t count;
} slope_job;

/* A float's feature is its unit coordinate, so that the model's gradient needs no chain. */
static double climb(unsigned dims, const double *v, double *gradient, void *data) {
    slope_job *job = data;
    double point[SG_SPACE_MAX], x[SG_GP_WIDTH_MAX], mean, variance, by_mean, by_sd;
    double mean_gradient[SG_GP_WIDTH_MAX], variance_gradient[SG_GP_WIDTH_MAX];
    for (unsigned i = 0; i < dims; i++) job->unit[job->smooth[i]] = v[i];
    sg_surrogate *s = job->h->s;
    sg_space_from_unit(s->space, job->unit, point);
    sg_surrogate_features(s, point, x);
    sg_gp_predict(&s->gp, x, &mean, &variance, gradient ? mean_gradient : NULL,
            gradient ? variance_gradient : NULL);
    double sd = sqrt(variance);
    double value = sg_acquisition_value(job->h->acquisition, mean, sd, &by_mean, &by_sd);
    for (unsigned i = 0; gradient && i < dims; i++) {
        size_t c = job->column[i];
        gradient[i] = by_mean * mean_gradient[c] + by_sd * variance_gradient[c] / (2 * sd);
    }
    return isfinite(value) ? value : -1e10;
}

static void list_smooth(slope_job *job, const double *point) {
    const sg_space *space = job->h->s->space;
    size_t column = 0;
    job->count = 0;
    for (size_t i = 0; i < space->count; i++) {
        const sg_dimension *p = &space->params[i];
        if (p->kind == SG_PARAM_FLOAT && !isnan(point[i]) && !is_held(job->h, i)) {
            job->smooth[job->count] = i;
            job->column[job->count++] = column;
        }
        column += p->kind == SG_PARAM_CHOICE ? p->choice_count : 1;
    }
}

static void improve_smooth(candidate *c, const hill *h) {
    slope_job job = {.h = h};
    double point[SG_SPACE_MAX], v[SG_SPACE_MAX], value;
    memcpy(job.unit, c->unit, sizeof job.unit);
    sg_space_from_unit(h->s->space, c->unit, point);
    list_smooth(&job, point);
    if (!job.count) return;
    nlopt_opt opt = nlopt_create(NLOPT_LD_LBFGS, (unsigned)job.count);
    if (!opt) return; /* without memory the candidate stays what it was */
    for (size_t i = 0; i < job.count; i++) v[i] = c->unit[job.smooth[i]];
    nlopt_set_lower_bounds1(opt, 0);
    nlopt_set_upper_bounds1(opt, 1);
    nlopt_set_max_objective(opt, climb, &job);
    nlopt_set_ftol_abs(opt, 1e-6);
    nlopt_set_maxeval(opt, STEPS);
    nlopt_optimize(opt, v, &value);
    nlopt_destroy(opt);
    for (size_t i = 0; i < job.count; i++) {
        if (!(v[i] >= 0 && v[i] <= 1)) return;
        job.unit[job.smooth[i]] = v[i];
    }
    value = score_unit(h, job.unit);
    if (!(value > c->score)) return;
    memcpy(c->unit, job.unit, sizeof job.unit);
    c->score = value;
}

/* ---- discrete part ---- */

static size_t option_count(const sg_dimension *p) {
    return p->choice_count ? p->choice_count : (size_t)(p->high - p->low) + 1;
}

/* Tries other values of discrete parameter i: all options of a choice, the neighbours of a number.
 * Returns whether one was better. */
static bool improve_discrete(candidate *c, const hill *h, size_t i) {
    const sg_space *space = h->s->space;
    const sg_dimension *p = &space->params[i];
    size_t options = option_count(p);
    size_t here = (size_t)fmin(c->unit[i] * (double)options, (double)options - 1);
    bool all = p->kind == SG_PARAM_CHOICE, better = false;
    size_t from = all || here == 0 ? 0 : here - 1;
    size_t to = all || here + 1 >= options ? options - 1 : here + 1;
    double unit[SG_SPACE_MAX];
    memcpy(unit, c->unit, sizeof unit);
    for (size_t k = from; k <= to; k++) {
        if (k == here) continue;
        if (all || !p->log) {
            unit[i] = ((double)k + 0.5) / (double)options;
        } else {
            double point[SG_SPACE_MAX], back[SG_SPACE_MAX];
            sg_space_from_unit(space, c->unit, point);
            if (isnan(point[i])) break;
            point[i] = fmin(fmax(point[i] + (k < here ? -1 : 1), p->low), p->high);
            sg_space_to_unit(space, point, back);
            unit[i] = back[i];
        }
        double score = score_unit(h, unit);
        if (!(score > c->score + 1e-12)) continue;
        memcpy(c->unit, unit, sizeof unit);
        c->score = score;
        better = true;
    }
    return better;
}

static void improve(candidate *c, const hill *h) {
    const sg_space *space = h->s->space;
    for (int round = 0; round < ROUNDS; round++) {
        bool moved = false;
        improve_smooth(c, h);
        for (size_t i = 0; i < space->count; i++)
            if (space->params[i].kind != SG_PARAM_FLOAT && !is_held(h, i))
                moved |= improve_discrete(c, h, i);
        if (!moved) break;
    }
}

void sg_peak_find(double *point, sg_surrogate *s, const sg_acquisition *acquisition,
        const double *near, const bool *held, sg_rng *rng) {
    hill h = {.s = s, .acquisition = acquisition, .held = held};
    sg_space_to_unit(s->space, near, h.near);
    candidate best[STARTS];
    for (size_t i = 0; i < STARTS; i++) best[i] = (candidate){.score = -INFINITY};
    look_around(best, &h, rng);
    size_t winner = 0;
    for (size_t i = 0; i < STARTS && isfinite(best[i].score); i++) {
        improve(&best[i], &h);
        if (best[i].score > best[winner].score) winner = i;
    }
    sg_space_from_unit(s->space, best[winner].unit, point);
}
