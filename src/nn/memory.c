/* memory.c - one block for everything that lives inside a step of training or prediction.
 *
 * A value matters from the first step that touches it to the last. Values whose intervals do not
 * meet may share bytes: the largest are placed first, each at the lowest offset that is free during
 * its whole life (greedy by size, Pisarchyk and Lee 2020). Before that, steps that can run in place
 * join their output to an input that nobody reads afterwards. SPDX-License-Identifier: Apache-2.0
 */
#include "nn/plan_internal.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 64 };

static size_t aligned(size_t bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static int root_of(const sg_plan *plan, int value) {
    while (plan->values[value].root != value) value = plan->values[value].root;
    return value;
}

/* ---- life ---- */

static void touch(sg_plan *plan, int value, int step) {
    sg_value *v = &plan->values[root_of(plan, value)];
    if (step < v->first) v->first = step;
    if (step > v->last) v->last = step;
}

static void find_lives(sg_plan *plan) {
    for (int i = 0; i < plan->step_count; i++)
        for (int arg = 0; arg < SG_ARG_COUNT; arg++)
            if (plan->steps[i].value[arg] != SG_NOTHING) touch(plan, plan->steps[i].value[arg], i);
    int end = plan->step_count;
    touch(plan, plan->input, 0);
    touch(plan, plan->logits, end);
    if (plan->logits_grad != SG_NOTHING) touch(plan, plan->logits_grad, plan->forward_count);
    for (int i = 0; i < plan->auxiliary_count; i++) {
        touch(plan, plan->auxiliary_logits[i], end);
        touch(plan, plan->auxiliary_grad[i], plan->forward_count);
    }
    if (plan->target_grad != SG_NOTHING) touch(plan, plan->target_grad, end);
    for (int i = 0; i < plan->tap_count; i++) {
        touch(plan, plan->taps[i].value, end);
        /* Read after forward, at any time: what backward computes must not lie on it. */
        touch(plan, plan->taps[i].plain, plan->forward_count);
        touch(plan, plan->taps[i].plain, end);
    }
}

static bool is_output(sg_arg arg) {
    return arg == SG_ARG_DST || arg >= SG_ARG_DIFF_SRC0;
}

/* Is the value read by this step through more than one argument? */
static bool read_twice(const sg_plan *plan, const sg_step *step, int root) {
    int reads = 0;
    for (int arg = 0; arg < SG_ARG_COUNT; arg++)
        if (step->value[arg] != SG_NOTHING && !is_output((sg_arg)arg) &&
                root_of(plan, step->value[arg]) == root)
            reads++;
    return reads > 1;
}

/* Does an output of this step lie on these bytes already? */
static bool is_written(const sg_plan *plan, const sg_step *step, int root) {
    for (int arg = 0; arg < SG_ARG_COUNT; arg++)
        if (step->value[arg] != SG_NOTHING && is_output((sg_arg)arg) &&
                root_of(plan, step->value[arg]) == root)
            return true;
    return false;
}

/* Joins output to input where the primitive allows it and the input dies here. */
static void join(sg_plan *plan, int index, sg_arg input, sg_arg output) {
    const sg_step *step = &plan->steps[index];
    int src = step->value[input], dst = step->value[output];
    if (src == SG_NOTHING || dst == SG_NOTHING) return;
    if (!step->primitive->ops->primitive_can_alias(step->primitive, input, output)) return;
    int from = root_of(plan, src), to = root_of(plan, dst);
    sg_value *a = &plan->values[from], *b = &plan->values[to];
    if (from == to || a->region != SG_REGION_BLOCK || b->region != SG_REGION_BLOCK) return;
    if (plan->values[src].layout != plan->values[dst].layout || a->bytes < b->bytes) return;
    if (a->last != index || b->first != index || read_twice(plan, step, from)) return;
    if (is_written(plan, step, from)) return;
    b->root = from;
    a->last = b->last;
}

/* What is handed on to others first: a step that overwrites another input needs no new bytes. */
static void run_in_place(sg_plan *plan, int index) {
    const sg_step *step = &plan->steps[index];
    if (step->kind != SG_STEP_EXECUTE) return;
    bool backward = step->value[SG_ARG_DIFF_DST] != SG_NOTHING;
    for (int i = SG_MAX_INPUTS - 1; i >= 0 && backward; i--)
        join(plan, index, SG_ARG_DIFF_DST, (sg_arg)(SG_ARG_DIFF_SRC0 + i));
    if (backward) join(plan, index, SG_ARG_SRC0, SG_ARG_DIFF_SRC0);
    for (int i = 0; i < SG_MAX_INPUTS && !backward; i++)
        join(plan, index, (sg_arg)(SG_ARG_SRC0 + i), SG_ARG_DST);
}

/* ---- offsets ---- */

typedef struct slot {
    int value;
    size_t bytes;
    int first, last;
} slot;

static int by_size(const void *a, const void *b) {
    const slot *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x->value - y->value;
}

/* Lowest offset where `s` fits among the `placed`, which are sorted by offset. */
static size_t lowest_offset(const sg_plan *plan, const slot *s, const int *placed, int count) {
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        const sg_value *v = &plan->values[placed[i]];
        if (v->last < s->first || v->first > s->last) continue;
        if (v->offset >= at + s->bytes) break;
        size_t end = v->offset + aligned(v->bytes);
        if (end > at) at = end;
    }
    return at;
}

static void insert_sorted(const sg_plan *plan, int *placed, int count, int value) {
    int i = count;
    for (; i > 0 && plan->values[placed[i - 1]].offset > plan->values[value].offset; i--)
        placed[i] = placed[i - 1];
    placed[i] = value;
}

static sg_status place_block(sg_plan *plan, sg_error *err) {
    size_t count = (size_t)plan->value_count;
    slot *slots = calloc(count + 1, sizeof *slots);
    int *placed = calloc(count + 1, sizeof *placed);
    sg_status status = SG_OK;
    if (!slots || !placed) {
        status = sg_fail(err, SG_ERR_MEMORY, "out of memory planning '%s'", plan->graph->name);
        goto done;
    }
    int n = 0;
    for (int i = 0; i < plan->value_count; i++) {
        const sg_value *v = &plan->values[i];
        if (v->region != SG_REGION_BLOCK || v->last < 0) continue;
        plan->unshared_bytes += aligned(v->bytes);
        if (v->root != i) continue;
        slots[n++] = (slot){i, aligned(v->bytes), v->first, v->last};
    }
    qsort(slots, (size_t)n, sizeof *slots, by_size);
    for (int i = 0; i < n; i++) {
        sg_value *v = &plan->values[slots[i].value];
        v->offset = lowest_offset(plan, &slots[i], placed, i);
        insert_sorted(plan, placed, i, slots[i].value);
        size_t end = v->offset + slots[i].bytes;
        if (end > plan->block_bytes) plan->block_bytes = end;
    }
done:
    free(slots);
    free(placed);
    return status;
}

static void place_pack(sg_plan *plan) {
    for (int i = 0; i < plan->value_count; i++) {
        sg_value *v = &plan->values[i];
        if (v->region != SG_REGION_PACK) continue;
        v->offset = plan->pack_bytes;
        plan->pack_bytes += aligned(v->bytes);
    }
}

static sg_status map(unsigned char **out, const sg_plan *plan, size_t bytes, sg_error *err) {
    if (bytes == 0) return SG_OK;
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return sg_fail(err, SG_ERR_MEMORY,
                "out of memory: model '%s' at batch %lld needs %.1f MB; a smaller batch or image "
                "needs less",
                plan->graph->name, (long long)plan->request.batch, (double)bytes / 1e6);
    (void)madvise(p, bytes, MADV_HUGEPAGE); /* advice; refusing it costs time only */
    *out = p;
    return SG_OK;
}

static sg_status map_block(sg_plan *plan, sg_error *err) {
    const sg_plan *lender = plan->request.lender;
    plan->borrowed = lender && lender->block_bytes >= plan->block_bytes;
    if (!plan->borrowed) return map(&plan->block, plan, plan->block_bytes, err);
    plan->block = lender->block;
    return SG_OK;
}

static void resolve_step(const sg_plan *plan, sg_step *step) {
    for (int arg = 0; arg < SG_ARG_COUNT; arg++)
        if (step->value[arg] != SG_NOTHING) step->args[arg] = plan->values[step->value[arg]].data;
}

static void resolve(sg_plan *plan) {
    for (int i = 0; i < plan->value_count; i++) {
        sg_value *v = &plan->values[i];
        if (v->region == SG_REGION_OUTSIDE) continue;
        unsigned char *region = v->region == SG_REGION_BLOCK ? plan->block : plan->pack;
        v->root = root_of(plan, i);
        v->data = region + plan->values[v->root].offset;
    }
    for (int i = 0; i < plan->step_count; i++) resolve_step(plan, &plan->steps[i]);
    for (int i = 0; i < plan->tap_count; i++)
        if (plan->taps[i].step.primitive) resolve_step(plan, &plan->taps[i].step);
}

sg_status sg_memory_assign(sg_plan *plan, sg_error *err) {
    find_lives(plan);
    for (int i = 0; i < plan->step_count; i++) run_in_place(plan, i);
    /* Bytes left untouched by every step (an unused copy) need no place. */
    sg_status status = place_block(plan, err);
    place_pack(plan);
    if (!status) status = map_block(plan, err);
    if (!status) status = map(&plan->pack, plan, plan->pack_bytes, err);
    if (!status) resolve(plan);
    return status;
}

/* ---- checking ---- */

sg_status sg_memory_check(const sg_plan *plan, sg_error *err) {
    for (int i = 0; i < plan->value_count; i++) {
        const sg_value *a = &plan->values[i];
        if ((uintptr_t)a->data % ALIGNMENT)
            return sg_fail(err, SG_ERR_INTERNAL, "value %d is not aligned", i);
        if (a->region != SG_REGION_BLOCK || a->root != i || a->last < 0) continue;
        if (a->offset + a->bytes > plan->block_bytes)
            return sg_fail(err, SG_ERR_INTERNAL, "value %d ends outside the block", i);
        for (int j = 0; j < i; j++) {
            const sg_value *b = &plan->values[j];
            if (b->region != SG_REGION_BLOCK || b->root != j || b->last < 0) continue;
            bool together = a->first <= b->last && b->first <= a->last;
            bool overlap = a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
            if (together && overlap)
                return sg_fail(err, SG_ERR_INTERNAL, "values %d and %d share bytes", i, j);
        }
    }
    return SG_OK;
}
