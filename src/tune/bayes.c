/* bayes.c - the point of greatest log expected improvement: many looks, then local search from the
 * most promising, alternating gradient steps in the continuous parameters with moves to
 * neighbouring values of the discrete ones. SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "tune/acquisition.h"
#include "tune/sampler.h"
#include "tune/sobol.h"
#include "tune/surrogate.h"

#include <math.h>
#include <nlopt.h>
#include <stdlib.h>
#include <string.h>

enum { LOOKS = 768, NEARBY = 256, STARTS = 6, ROUNDS = 3, STEPS = 30 };

typedef struct candidate {
    double unit[SG_SPACE_MAX];
    double score;
} candidate;

static double score_point(sg_surrogate *s, const double *point) {
    double x[SG_GP_WIDTH_MAX], mean, variance;
    sg_space_features(s->space, point, x);
    sg_gp_predict(&s->gp, x, &mean, &variance, NULL, NULL);
    return sg_log_expected_improvement(mean, sqrt(variance), s->best, NULL, NULL);
}

static double score_unit(sg_surrogate *s, const double *unit) {
    double point[SG_SPACE_MAX];
    sg_space_from_unit(s->space, unit, point);
    return score_point(s, point);
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

static void look_around(candidate *best, sg_surrogate *s, const sg_trial *trials, sg_rng *rng) {
    const sg_space *space = s->space;
    double unit[SG_SPACE_MAX], shift[SG_SPACE_MAX], center[SG_SPACE_MAX];
    for (size_t i = 0; i < space->count; i++) shift[i] = sg_rng_uniform(rng);
    for (uint32_t k = 0; k < LOOKS; k++) {
        sg_sobol_point(unit, space->count, k);
        for (size_t i = 0; i < space->count; i++) {
            unit[i] += shift[i];
            if (unit[i] >= 1) unit[i] -= 1;
        }
        offer(best, space, unit, score_unit(s, unit));
    }
    sg_space_to_unit(space, trials[s->source[s->best_row]].point, center);
    for (int k = 0; k < NEARBY; k++) {
        jitter(unit, center, space, k % 2 ? 0.1 : 0.01, rng);
        offer(best, space, unit, score_unit(s, unit));
    }
}

/* ---- continuous part ---- */

typedef struct slope_job {
    sg_surrogate *s;
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
    sg_space_from_unit(job->s->space, job->unit, point);
    sg_space_features(job->s->space, point, x);
    sg_gp_predict(&job->s->gp, x, &mean, &variance, gradient ? mean_gradient : NULL,
            gradient ? variance_gradient : NULL);
    double sd = sqrt(variance);
    double value = sg_log_expected_improvement(mean, sd, job->s->best, &by_mean, &by_sd);
    for (unsigned i = 0; gradient && i < dims; i++) {
        size_t c = job->column[i];
        gradient[i] = by_mean * mean_gradient[c] + by_sd * variance_gradient[c] / (2 * sd);
    }
    return isfinite(value) ? value : -1e10;
}

static void list_smooth(slope_job *job, const double *point) {
    const sg_space *space = job->s->space;
    size_t column = 0;
    job->count = 0;
    for (size_t i = 0; i < space->count; i++) {
        const sg_dimension *p = &space->params[i];
        if (p->kind == SG_PARAM_FLOAT && !isnan(point[i])) {
            job->smooth[job->count] = i;
            job->column[job->count++] = column;
        }
        column += p->kind == SG_PARAM_CHOICE ? p->choice_count : 1;
    }
}

static void improve_smooth(candidate *c, sg_surrogate *s) {
    slope_job job = {.s = s};
    double point[SG_SPACE_MAX], v[SG_SPACE_MAX], value;
    memcpy(job.unit, c->unit, sizeof job.unit);
    sg_space_from_unit(s->space, c->unit, point);
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
    value = score_unit(s, job.unit);
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
static bool improve_discrete(candidate *c, sg_surrogate *s, size_t i) {
    const sg_dimension *p = &s->space->params[i];
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
            sg_space_from_unit(s->space, c->unit, point);
            if (isnan(point[i])) break;
            point[i] = fmin(fmax(point[i] + (k < here ? -1 : 1), p->low), p->high);
            sg_space_to_unit(s->space, point, back);
            unit[i] = back[i];
        }
        double score = score_unit(s, unit);
        if (!(score > c->score + 1e-12)) continue;
        memcpy(c->unit, unit, sizeof unit);
        c->score = score;
        better = true;
    }
    return better;
}

static void improve(candidate *c, sg_surrogate *s) {
    for (int round = 0; round < ROUNDS; round++) {
        bool moved = false;
        improve_smooth(c, s);
        for (size_t i = 0; i < s->space->count; i++)
            if (s->space->params[i].kind != SG_PARAM_FLOAT) moved |= improve_discrete(c, s, i);
        if (!moved) break;
    }
}

/* ---- the proposal ---- */

static bool is_tried(const sg_space *space, const sg_trial *trials, size_t count, const double *p) {
    for (size_t i = 0; i < count; i++)
        if (sg_space_equal(space, trials[i].point, p)) return true;
    return false;
}

sg_status sg_propose_gp(double *point, const sg_space *space, const sg_trial *trials, size_t count,
        size_t number, uint64_t seed, sg_error *err) {
    sg_surrogate s;
    sg_status st = sg_surrogate_fit(&s, space, trials, count, seed, err);
    if (st) return st;
    candidate best[STARTS];
    for (size_t i = 0; i < STARTS; i++) best[i] = (candidate){.score = -INFINITY};
    sg_rng rng = sg_rng_make(seed, SG_RNG_SEARCH, (uint32_t)number, 2);
    look_around(best, &s, trials, &rng);
    size_t winner = 0;
    for (size_t i = 0; i < STARTS && isfinite(best[i].score); i++) {
        improve(&best[i], &s);
        if (best[i].score > best[winner].score) winner = i;
    }
    sg_surrogate_dispose(&s);
    sg_space_from_unit(space, best[winner].unit, point);
    /* In a small discrete space the best point may have been tried: a random one, if there is. */
    for (int tries = 0; tries < 100 && is_tried(space, trials, count, point); tries++) {
        double unit[SG_SPACE_MAX];
        for (size_t i = 0; i < space->count; i++) unit[i] = sg_rng_uniform(&rng);
        sg_space_from_unit(space, unit, point);
    }
    return SG_OK;
}

static long lowest(const sg_trial *trials, size_t count, size_t *finished) {
    long best = -1;
    *finished = 0;
    for (size_t i = 0; i < count; i++) {
        if (trials[i].state == SG_TRIAL_RUNNING || !isfinite(trials[i].value)) continue;
        ++*finished;
        if (best < 0 || trials[i].value < trials[best].value) best = (long)i;
    }
    return best;
}

sg_status sg_best_by_model(long *best, double *mean, double *sd, const sg_space *space,
        const sg_trial *trials, size_t count, uint64_t seed, sg_error *err) {
    size_t finished;
    long at = lowest(trials, count, &finished);
    if (finished < 2) {
        *best = at;
        if (mean) *mean = at < 0 ? NAN : trials[at].value;
        if (sd) *sd = NAN;
        return SG_OK;
    }
    sg_surrogate s;
    sg_status st = sg_surrogate_fit(&s, space, trials, count, seed, err);
    if (st) return st;
    double m, variance;
    sg_gp_predict(&s.gp, s.x + s.best_row * s.width, &m, &variance, NULL, NULL);
    *best = (long)s.source[s.best_row];
    if (mean) *mean = s.center + s.scale * m;
    if (sd) *sd = s.scale * sqrt(variance);
    sg_surrogate_dispose(&s);
    return SG_OK;
}
