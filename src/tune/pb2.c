/* pb2.c - see pbt.h: a time-varying Gaussian process over stretches, and the upper confidence bound
 * of the improvement. SPDX-License-Identifier: Apache-2.0 */
#include "tune/pb2.h"

#include "tune/peak.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PART_PB2 = 18, WINDOW = 120 }; /* stretches; the cost grows with its cube */

/* Stretches as trials whose value is the change of the score, beside when and where they began. */
typedef struct record {
    sg_trial *trials;
    double *time, *before;
    size_t count;
} record;

static void drop_record(record *r) {
    free(r->trials);
    free(r->time);
    free(r->before);
}

static bool make_record(record *r, size_t rows) {
    *r = (record){calloc(rows, sizeof *r->trials), calloc(rows, sizeof *r->time),
            calloc(rows, sizeof *r->before), 0};
    return r->trials && r->time && r->before;
}

static double score_of(const sg_stretch *history, size_t count, size_t member, int generation) {
    for (size_t i = 0; i < count; i++)
        if (history[i].member == member && history[i].generation == generation)
            return history[i].score;
    return NAN;
}

static void add_row(record *r, const double *point, double time, double before, double change,
        sg_trial_state state) {
    sg_trial *t = &r->trials[r->count];
    memcpy(t->point, point, sizeof t->point);
    t->value = change;
    t->state = state;
    r->time[r->count] = time;
    r->before[r->count++] = before;
}

/* What the first generation began from was not measured, only that it was one state for all: the
 * worst score after it stands for it, so that its differences count. */
static double score_at_start(const sg_stretch *history, size_t count) {
    double worst = -INFINITY;
    for (size_t i = 0; i < count; i++)
        if (history[i].generation == 0) worst = fmax(worst, history[i].score);
    return worst;
}

static void add_generation(
        record *r, const sg_stretch *history, size_t count, int generation, double start) {
    for (size_t i = 0; i < count; i++) {
        const sg_stretch *s = &history[i];
        if (s->generation != generation) continue;
        double before = generation ? score_of(history, count, s->parent, generation - 1) : start;
        double change = s->score - before;
        add_row(r, s->point, generation, before, change,
                isnan(change) ? SG_TRIAL_FAILED : SG_TRIAL_COMPLETE);
    }
}

static void fill_record(
        record *r, const sg_stretch *history, size_t count, size_t members, int generation) {
    double start = score_at_start(history, count);
    int first = generation - WINDOW / (int)members;
    for (int g = first > 0 ? first : 0; g < generation; g++)
        add_generation(r, history, count, g, start);
}

static size_t count_sound(const record *r) {
    size_t n = 0;
    for (size_t i = 0; i < r->count; i++) n += isfinite(r->trials[i].value);
    return n;
}

/* The highest bound for one member; rows of this round stand in the record as running trials. */
static sg_status choose(double *point, const record *r, const sg_space *space, double score,
        int generation, size_t member, const sg_pbt_options *o, sg_error *err) {
    sg_surrogate s;
    const sg_drift drift = {r->time, r->before, generation, score, o->forgets};
    uint32_t name = (uint32_t)generation * SG_MEMBERS_MAX + (uint32_t)member;
    sg_rng rng = sg_rng_make(o->seed, SG_RNG_SEARCH, name, PART_PB2);
    if (sg_rng_uniform(&rng) < o->resample) {
        double unit[SG_SPACE_MAX];
        sg_space_to_unit(space, point, unit);
        for (size_t i = 0; i < space->count; i++)
            if (!o->held || !o->held[i]) unit[i] = sg_rng_uniform(&rng);
        sg_space_from_unit(space, unit, point);
        return SG_OK;
    }
    sg_status st = sg_surrogate_fit(&s, space, r->trials, r->count, &drift, o->seed, err);
    if (st) return st;
    double bound = 0.2 * log(0.4 * (double)r->count); /* below 0 for n < 3 */
    const sg_acquisition acquisition = {0, 0.5 * sqrt(fmax(bound, 0.2))};
    double from[SG_SPACE_MAX];
    memcpy(from, point, sizeof from);
    sg_peak_find(point, &s, &acquisition, from, o->held, &rng);
    sg_surrogate_dispose(&s);
    return SG_OK;
}

sg_status sg_pb2_explore(double *points, const size_t *parents, const sg_space *space,
        const sg_stretch *history, size_t count, size_t members, int generation,
        const sg_pbt_options *o, sg_error *err) {
    record r;
    sg_status st = make_record(&r, count + members)
                           ? SG_OK
                           : sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu stretches", count);
    if (!st) fill_record(&r, history, count, members, generation);
    bool enough = !st && count_sound(&r) >= 2;
    for (size_t i = 0; !st && i < members; i++) {
        double *point = points + i * SG_SPACE_MAX;
        double score = score_of(history, count, parents[i], generation - 1);
        if (parents[i] != i && !enough)
            sg_pbt_explore(point, space, point, i, generation, o);
        else if (parents[i] != i)
            st = choose(point, &r, space, score, generation, i, o, err);
        if (!st && parents[i] != i) add_row(&r, point, generation, score, NAN, SG_TRIAL_RUNNING);
    }
    drop_record(&r);
    return st;
}
