/* pbt.c - who copies whom, and the blind step. See pbt.h. SPDX-License-Identifier: Apache-2.0 */
#include "tune/pbt.h"

#include "base/rng.h"
#include "tune/pb2.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Parts of the random numbers of a search, apart from those of sampler.c. */
enum { PART_SELECT = 16, PART_EXPLORE = 17 };

static uint32_t name_step(int generation, size_t member) {
    return (uint32_t)generation * SG_MEMBERS_MAX + (uint32_t)member;
}

/* ---- exploit ---- */

static bool is_better(const double *scores, size_t a, size_t b) {
    bool failed_a = isnan(scores[a]), failed_b = isnan(scores[b]);
    if (failed_a != failed_b) return failed_b;
    if (!failed_a && scores[a] != scores[b]) return scores[a] < scores[b];
    return a < b;
}

/* Members by rank, best first. */
static void rank(size_t *order, const double *scores, size_t members) {
    for (size_t i = 0; i < members; i++) {
        size_t at = i;
        for (; at > 0 && is_better(scores, i, order[at - 1]); at--) order[at] = order[at - 1];
        order[at] = i;
    }
}

bool sg_pbt_select(size_t *parent, const double *scores, size_t members, int generation,
        const sg_pbt_options *o) {
    size_t order[SG_MEMBERS_MAX], sound = 0;
    for (size_t i = 0; i < members; i++) sound += !isnan(scores[i]);
    if (!sound) return false;
    rank(order, scores, members);
    size_t share = (size_t)(o->quantile * (double)members);
    if (share < 1) share = 1;
    if (share > members / 2) share = members / 2;
    size_t losers = members - sound > share ? members - sound : share;
    size_t winners = sound < share || share == 0 ? 1 : share;
    for (size_t i = 0; i < members; i++) parent[i] = i;
    for (size_t k = members - losers; k < members; k++) {
        sg_rng rng =
                sg_rng_make(o->seed, SG_RNG_SEARCH, name_step(generation, order[k]), PART_SELECT);
        parent[order[k]] = order[sg_rng_below(&rng, (uint32_t)winners)];
    }
    return true;
}

/* ---- explore ---- */

static double step_back(double unit, double step) {
    double moved = unit + step;
    if (moved < 0 || moved > 1) moved = unit - step;
    return moved < 0 ? 0 : moved > 1 ? 1 : moved;
}

/* A move in unit coordinates; whole numbers and ordered choices move by one at least. */
static double step_unit(const sg_dimension *p, double unit, const sg_pbt_options *o, sg_rng *rng) {
    double sign = sg_rng_uniform(rng) < 0.5 ? -1 : 1, step = o->step;
    if (p->kind == SG_PARAM_CHOICE) return unit;
    if (p->kind == SG_PARAM_ORDERED) return step_back(unit, sign / (double)p->choice_count);
    if (p->log) step = log(o->factor) / log(p->high / p->low);
    if (p->kind == SG_PARAM_INT) step = fmax(step, 1 / (p->high - p->low + 1));
    return step_back(unit, sign * step);
}

static void add_noise(double *out, const sg_space *space, double sd, sg_rng *rng) {
    for (size_t i = 0; i < space->count; i++) {
        const sg_dimension *p = &space->params[i];
        if (p->kind == SG_PARAM_FLOAT && !isnan(out[i]))
            out[i] = fmin(p->high, fmax(p->low, out[i] + sd * sg_rng_normal(rng)));
    }
}

void sg_pbt_explore(double *out, const sg_space *space, const double *from, size_t member,
        int generation, const sg_pbt_options *o) {
    double unit[SG_SPACE_MAX];
    sg_rng rng = sg_rng_make(o->seed, SG_RNG_SEARCH, name_step(generation, member), PART_EXPLORE);
    if (o->additive > 0) {
        memmove(out, from, space->count * sizeof *out);
        add_noise(out, space, o->additive, &rng);
        return;
    }
    sg_space_to_unit(space, from, unit);
    for (size_t i = 0; i < space->count; i++) {
        if (o->held && o->held[i]) continue;
        bool anew = sg_rng_uniform(&rng) < o->resample;
        unit[i] = anew ? sg_rng_uniform(&rng) : step_unit(&space->params[i], unit[i], o, &rng);
    }
    sg_space_from_unit(space, unit, out);
}

/* ---- a round ---- */

static const sg_stretch *find(
        const sg_stretch *history, size_t count, size_t member, int generation) {
    for (size_t i = 0; i < count; i++)
        if (history[i].member == member && history[i].generation == generation) return &history[i];
    return NULL;
}

sg_status sg_pbt_next(size_t *parents, double *points, const sg_space *space,
        const sg_stretch *history, size_t count, size_t members, int generation,
        const sg_pbt_options *o, sg_error *err) {
    double scores[SG_MEMBERS_MAX] = {0};
    const sg_stretch *last[SG_MEMBERS_MAX] = {0};
    for (size_t i = 0; i < members; i++) {
        last[i] = find(history, count, i, generation - 1);
        scores[i] = last[i] ? last[i]->score : NAN;
    }
    if (!sg_pbt_select(parents, scores, members, generation, o))
        return sg_fail(err, SG_ERR_NUMERIC, "all %zu members failed in generation %d", members,
                generation - 1);
    for (size_t i = 0; i < members; i++) {
        double *point = points + i * SG_SPACE_MAX;
        memcpy(point, last[parents[i]]->point, sizeof last[i]->point);
        if (parents[i] != i && !o->model) sg_pbt_explore(point, space, point, i, generation, o);
    }
    return o->model ? sg_pb2_explore(
                              points, parents, space, history, count, members, generation, o, err)
                    : SG_OK;
}
