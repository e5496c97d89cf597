/* hybrid.c - see hybrid.h. SPDX-License-Identifier: Apache-2.0 */
#include "tune/hybrid.h"

#include "tune/pbt.h"
#include "tune/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct seed_work {
    const sg_space *space;
    const sg_trial *trials;
    size_t *order; /* finished trials, best first */
    size_t finished;
} seed_work;

static bool is_finished(const sg_trial *t) {
    return t->state != SG_TRIAL_RUNNING && isfinite(t->value);
}

static void sort_finished(seed_work *w, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!is_finished(&w->trials[i])) continue;
        size_t at = w->finished++;
        for (; at > 0 && w->trials[i].value < w->trials[w->order[at - 1]].value; at--)
            w->order[at] = w->order[at - 1];
        w->order[at] = i;
    }
}

static double distance(const sg_space *space, const double *a, const double *b) {
    double x[SG_SPACE_MAX], y[SG_SPACE_MAX], sum = 0;
    sg_space_to_unit(space, a, x);
    sg_space_to_unit(space, b, y);
    for (size_t i = 0; i < space->count; i++) sum += (x[i] - y[i]) * (x[i] - y[i]);
    return sum;
}

/* What is held as in `best`; a parameter that this makes active gets the middle of its range. */
static void hold(double *point, const sg_space *space, const double *best, const bool *held) {
    double unit[SG_SPACE_MAX], as_best[SG_SPACE_MAX];
    if (!held) return;
    sg_space_to_unit(space, point, unit);
    sg_space_to_unit(space, best, as_best);
    for (size_t i = 0; i < space->count; i++)
        if (held[i]) unit[i] = as_best[i];
    sg_space_from_unit(space, unit, point);
}

/* Of the better half, the point furthest from those taken; false when all of them are. */
static bool find_furthest(
        double *out, const seed_work *w, const double *points, size_t taken, const bool *held) {
    double most = 1e-12;
    bool found = false;
    for (size_t k = 0; k < (w->finished + 1) / 2; k++) {
        double point[SG_SPACE_MAX], least = INFINITY;
        memcpy(point, w->trials[w->order[k]].point, sizeof point);
        hold(point, w->space, points, held);
        for (size_t m = 0; m < taken; m++)
            least = fmin(least, distance(w->space, point, points + m * SG_SPACE_MAX));
        if (!(least > most)) continue;
        most = least;
        found = true;
        memcpy(out, point, sizeof point);
    }
    return found;
}

static void place(double *points, const seed_work *w, size_t best, size_t members,
        const sg_pbt_options *options) {
    memcpy(points, w->trials[best].point, sizeof w->trials[best].point);
    for (size_t m = 1; m < members; m++) {
        double *point = points + m * SG_SPACE_MAX;
        if (!find_furthest(point, w, points, m, options->held))
            sg_pbt_explore(point, w->space, points, m, 0, options);
    }
}

sg_status sg_hybrid_seed(double *points, const sg_space *space, const sg_trial *trials,
        size_t count, size_t members, const bool *held, uint64_t seed, sg_error *err) {
    seed_work w = {space, trials, malloc((count + 1) * sizeof *w.order), 0};
    if (!w.order) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu trials", count);
    sort_finished(&w, count);
    long best = -1;
    sg_status st = sg_best_by_model(&best, NULL, NULL, space, trials, count, seed, err);
    if (!st && best < 0)
        st = sg_fail(err, SG_ERR_INPUT, "no short run came to an end, so none can be gone on from");
    sg_pbt_options options = SG_PBT_OPTIONS_INIT;
    options.seed = seed;
    options.held = held;
    if (!st) place(points, &w, (size_t)best, members, &options);
    free(w.order);
    return st;
}
