/* keep.c - which of the activations that could be made again are kept after all.
 *
 * Making again takes time, keeping takes memory; but not every activation adds to the peak. What
 * the last layers made is asked for first and gone before the largest gradients come, and the sums
 * of a stage are all there at once when the first of them is needed. So the bytes alive at each
 * step are added up, and activations are kept, from the last one to the first, as long as the peak
 * does not grow or stays below request.keep_bytes.
 *
 *   bytes |            turn         _ a stage's sums made again
 *         |          _---------____| |__
 *         |     _---'                   '---_
 *         |_---'                             '---_
 *          forward         |  backward
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/rebuild.h"
#include <limits.h>
#include <stdlib.h>

/* Steps that touch a value: forward from `made` to `last`, backward from `again` to `end`. */
typedef struct life {
    int made, last, again, end;
} life;

static const life untouched = {INT_MAX, -1, INT_MAX, -1};

typedef struct keeping {
    const sg_plan *plan;
    life *lives;     /* [values] by the steps as they are */
    life *extended;  /* [values] and by those that make again */
    int64_t *change; /* [steps + 1] of the bytes alive */
} keeping;

static void touch(int *first, int *last, int step) {
    if (step < *first) *first = step;
    if (step > *last) *last = step;
}

static void find_lives(const keeping *k) {
    const sg_plan *plan = k->plan;
    for (int v = 0; v < plan->value_count; v++) k->lives[v] = untouched;
    for (int i = 0; i < plan->step_count; i++)
        for (int arg = 0; arg < SG_ARG_COUNT; arg++) {
            int v = plan->steps[i].value[arg];
            if (v == SG_NOTHING) continue;
            life *l = &k->lives[v];
            bool forward = i < plan->forward_count;
            touch(forward ? &l->made : &l->again, forward ? &l->last : &l->end, i);
        }
}

/* What is made again reads its inputs again, and they those of theirs. */
static void extend_lives(const keeping *k, const bool *dropped) {
    const sg_plan *plan = k->plan;
    for (int v = 0; v < plan->value_count; v++) k->extended[v] = k->lives[v];
    for (int i = plan->forward_count - 1; i >= 0; i--) {
        const sg_step *step = &plan->steps[i];
        int made = step->value[SG_ARG_DST];
        if (made == SG_NOTHING || !dropped[made] || k->extended[made].again == INT_MAX) continue;
        for (int arg = 0; arg < SG_ARG_DST; arg++)
            if (step->value[arg] != SG_NOTHING) {
                life *l = &k->extended[step->value[arg]];
                touch(&l->again, &l->end, k->extended[made].again);
            }
    }
}

static void add_bytes(const keeping *k, int first, int last, size_t bytes) {
    if (first > last) return;
    k->change[first] += (int64_t)bytes;
    k->change[last + 1] -= (int64_t)bytes;
}

/* The most bytes alive at one step, give or take what runs in place. */
static int64_t peak_of(const keeping *k, const bool *dropped) {
    const sg_plan *plan = k->plan;
    extend_lives(k, dropped);
    for (int i = 0; i <= plan->step_count; i++) k->change[i] = 0;
    for (int v = 0; v < plan->value_count; v++) {
        const sg_value *value = &plan->values[v];
        life l = k->extended[v];
        if (value->region != SG_REGION_BLOCK || value->root != v) continue;
        if (dropped[v] || l.made == INT_MAX || l.again == INT_MAX) {
            add_bytes(k, l.made, l.last, value->bytes);
            add_bytes(k, l.again, l.end, value->bytes);
        } else {
            add_bytes(k, l.made, l.end, value->bytes);
        }
    }
    int64_t peak = 0, alive = 0;
    for (int i = 0; i <= plan->step_count; i++) {
        alive += k->change[i];
        if (alive > peak) peak = alive;
    }
    return peak;
}

static void choose(const keeping *k, bool *dropped, const bool *read) {
    const sg_plan *plan = k->plan;
    int64_t most = peak_of(k, dropped);
    if (most < (int64_t)plan->request.keep_bytes) most = (int64_t)plan->request.keep_bytes;
    for (int i = plan->forward_count - 1; i >= 0; i--) {
        int made = plan->steps[i].value[SG_ARG_DST];
        if (made == SG_NOTHING || !dropped[made] || !read[made]) continue;
        dropped[made] = false;
        if (peak_of(k, dropped) > most) dropped[made] = true;
    }
}

sg_status sg_keep_choose(bool *dropped, const sg_plan *plan, const bool *read, sg_error *err) {
    size_t values = (size_t)plan->value_count + 1;
    keeping k = {.plan = plan,
            .lives = malloc(values * sizeof(life)),
            .extended = malloc(values * sizeof(life)),
            .change = malloc(((size_t)plan->step_count + 1) * sizeof(int64_t))};
    sg_status status = SG_OK;
    if (k.lives && k.extended && k.change) {
        find_lives(&k);
        choose(&k, dropped, read);
    } else {
        status = sg_fail(err, SG_ERR_MEMORY, "out of memory planning '%s'", plan->graph->name);
    }
    free(k.lives);
    free(k.extended);
    free(k.change);
    return status;
}
