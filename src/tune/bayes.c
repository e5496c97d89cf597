/* bayes.c - proposals of the Gaussian process by log expected improvement, and its best trial.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tune/peak.h"
#include "tune/sampler.h"

#include <math.h>

static bool is_tried(const sg_space *space, const sg_trial *trials, size_t count, const double *p) {
    for (size_t i = 0; i < count; i++)
        if (sg_space_equal(space, trials[i].point, p)) return true;
    return false;
}

sg_status sg_propose_gp(double *point, const sg_space *space, const sg_trial *trials, size_t count,
        size_t number, uint64_t seed, sg_error *err) {
    sg_surrogate s;
    sg_status st = sg_surrogate_fit(&s, space, trials, count, NULL, seed, err);
    if (st) return st;
    sg_rng rng = sg_rng_make(seed, SG_RNG_SEARCH, (uint32_t)number, 2);
    const sg_acquisition improvement = {s.best, 0};
    sg_peak_find(point, &s, &improvement, trials[s.source[s.best_row]].point, NULL, &rng);
    sg_surrogate_dispose(&s);
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
    sg_status st = sg_surrogate_fit(&s, space, trials, count, NULL, seed, err);
    if (st) return st;
    double m, variance;
    sg_gp_predict(&s.gp, s.x + s.best_row * s.width, &m, &variance, NULL, NULL);
    *best = (long)s.source[s.best_row];
    if (mean) *mean = s.center + s.scale * m;
    if (sd) *sd = s.scale * sqrt(variance);
    sg_surrogate_dispose(&s);
    return SG_OK;
}
