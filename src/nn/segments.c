/* segments.c - which part of the forward pass runs again for SG_SAVE_BLOCKS (Chen et al. 2016,
 * "Training Deep Nets with Sublinear Memory Cost").
 *
 * Where a single activation leads from what was computed to what is still to come, as between two
 * blocks of a ResNet, the forward pass can be cut: that value stays, and what lies before it, back
 * to the cut before, is a stretch that can run again from there. Neighbouring stretches are joined
 * to segments while the activations of a segment stay below a budget: few cuts have to be kept with
 * large segments, little is alive at once with small ones. The last segments are not run again as
 * long as keeping them costs no peak: they are needed first, when nothing else is made again yet.
 *
 *   peak = the largest of   at the turn     all cuts + what the last segments keep
 *                           at segment j    cuts before j + all activations of j + what passes
 *
 * Every budget is tried on these sums, and the lowest peak wins. SPDX-License-Identifier:
 * Apache-2.0
 */
#include "nn/rebuild.h"
#include <stdlib.h>
#include <string.h>

/* A run of forward steps that ends in a cut; or several. */
typedef struct stretch {
    int end;        /* the step behind it */
    int cut;        /* the value that stays */
    size_t bytes;   /* of that value */
    size_t inside;  /* activations that backward reads, the cut's left out */
    size_t costly;  /* those of them that SG_SAVE_COSTLY keeps */
    size_t passing; /* while one step runs backward: two gradients and its scratch */
} stretch;

typedef struct division {
    stretch *segments;
    int count, again; /* the first `again` run again */
    size_t peak;
} division;

/* ---- where the forward pass can be cut ---- */

/* last[values]: the last forward step that reads it, or SG_NOTHING. */
static void find_last_readers(int *last, const sg_plan *plan) {
    for (int v = 0; v < plan->value_count; v++) last[v] = SG_NOTHING;
    for (int i = 0; i < plan->forward_count; i++)
        for (int arg = 0; arg < SG_ARG_DST; arg++)
            if (plan->steps[i].value[arg] != SG_NOTHING) last[plan->steps[i].value[arg]] = i;
}

static bool is_activation(const sg_plan *plan, int value) {
    return value != SG_NOTHING && plan->values[value].region == SG_REGION_BLOCK;
}

static size_t scratch_of(const sg_plan *plan, const sg_step *step) {
    int scratch = step->value[SG_ARG_SCRATCH];
    return scratch == SG_NOTHING ? 0 : plan->values[scratch].bytes;
}

/* Stretches up to the last cut; what lies behind it is never run again. */
static int find_stretches(stretch *out, const sg_plan *plan, const bool *read, const int *last) {
    int count = 0;
    stretch s = {0};
    for (int i = 0; i < plan->forward_count; i++) {
        int made = plan->steps[i].value[SG_ARG_DST], crossing = 0;
        if (!is_activation(plan, made)) continue;
        size_t bytes = plan->values[made].bytes;
        size_t passing = 2 * bytes + scratch_of(plan, &plan->steps[i]);
        if (passing > s.passing) s.passing = passing;
        for (int j = 0; j <= i; j++) {
            int value = plan->steps[j].value[SG_ARG_DST];
            crossing += is_activation(plan, value) && last[value] > i;
        }
        if (read[made] && crossing == 1 && last[made] > i) {
            s.end = i + 1;
            s.cut = made;
            s.bytes = bytes;
            out[count++] = s;
            s = (stretch){0};
        } else if (read[made]) {
            s.inside += bytes;
            s.costly += sg_rebuild_is_cheap(&plan->steps[i]) ? 0 : bytes;
        }
    }
    return count;
}

/* ---- choosing ---- */

static stretch joined(const stretch *a, const stretch *b) {
    stretch s = *b;
    s.inside += a->inside + a->bytes;
    s.costly += a->costly + a->bytes;
    if (a->passing > s.passing) s.passing = a->passing;
    return s;
}

static void join(division *d, const stretch *stretches, int count, size_t budget) {
    d->count = 0;
    for (int i = 0; i < count; i++) {
        if (d->count > 0) {
            stretch both = joined(&d->segments[d->count - 1], &stretches[i]);
            if (both.inside <= budget) {
                d->segments[d->count - 1] = both;
                continue;
            }
        }
        d->segments[d->count++] = stretches[i];
    }
}

/* The sums above, when the first `again` segments run again. */
static size_t peak_of(const division *d, int again) {
    size_t kept = 0, peak = 0;
    for (int j = 0; j < d->count; j++) {
        const stretch *s = &d->segments[j];
        size_t here = kept + s->bytes + s->inside + s->passing;
        if (here > peak) peak = here;
        kept += s->bytes + (j < again ? 0 : s->costly);
    }
    return kept > peak ? kept : peak;
}

/* As little again as brings the peak near its lowest. */
static void choose_again(division *d) {
    size_t lowest = SIZE_MAX;
    for (int again = 0; again <= d->count; again++) {
        size_t peak = peak_of(d, again);
        if (peak < lowest) lowest = peak;
    }
    d->again = 0;
    while (peak_of(d, d->again) > lowest + lowest / 20) d->again++;
    d->peak = peak_of(d, d->again);
}

static void choose(division *best, division *trial, const stretch *stretches, int count) {
    enum { BUDGETS = 64 };
    size_t all = 0;
    for (int i = 0; i < count; i++) all += stretches[i].inside + stretches[i].bytes;
    best->peak = SIZE_MAX;
    for (size_t i = 0; i <= BUDGETS; i++) {
        join(trial, stretches, count, all / BUDGETS * i);
        choose_again(trial);
        if (trial->peak >= best->peak) continue;
        division d = *best;
        *best = *trial;
        *trial = d;
    }
}

sg_status sg_segments_choose(
        bool *again, bool *stays, const sg_plan *plan, const bool *read, sg_error *err) {
    size_t steps = (size_t)plan->forward_count + 1;
    int *last = malloc(((size_t)plan->value_count + 1) * sizeof *last);
    stretch *stretches = malloc(3 * steps * sizeof *stretches);
    sg_status status = SG_OK;
    if (last && stretches) {
        division best = {.segments = stretches + steps},
                 trial = {.segments = stretches + 2 * steps};
        find_last_readers(last, plan);
        int count = find_stretches(stretches, plan, read, last);
        choose(&best, &trial, stretches, count);
        for (int j = 0; j < best.again; j++) {
            stays[best.segments[j].cut] = true;
            for (int i = 0; i < best.segments[j].end; i++) again[i] = true;
        }
    } else {
        status = sg_fail(err, SG_ERR_MEMORY, "out of memory planning '%s'", plan->graph->name);
    }
    free(last);
    free(stretches);
    return status;
}
