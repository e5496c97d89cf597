/* slices.c - predicting a large batch a few images at a time: what a layer makes is then still in
 * the caches when the next one reads it. Images of a prediction know nothing of one another, so a
 * plan made for a slice runs once for each, and the caller's batch lies outside it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/block.h"
#include "nn/plan_internal.h"
#include <stdlib.h>
#include <string.h>

/* Fewer images leave the threads too little to share between two meetings; a layer that makes less
 * than IN_CACHE numbers of all of them finds them again anyway. */
enum { LEAST = 4, IN_CACHE = 3 << 20 };

/* What convolutions make of a single image. */
typedef struct made {
    int64_t all, most; /* numbers, by all and by one of them */
} made;

static sg_status find_made(made *out, const sg_graph *g, const sg_plan_request *r, sg_error *err) {
    sg_shape *shapes = calloc((size_t)g->node_count, sizeof *shapes);
    if (!shapes) return sg_fail(err, SG_ERR_MEMORY, "out of memory planning '%s'", g->name);
    sg_status status = sg_graph_shapes(shapes, g, 1, r->height, r->width, err);
    *out = (made){0, 0};
    for (int i = 0; i < g->node_count && !status; i++) {
        if (g->nodes[i].op != SG_OP_CONV || g->nodes[i].is_input) continue;
        int64_t count = sg_shape_count(&shapes[i]);
        out->all += count;
        if (count > out->most) out->most = count;
    }
    free(shapes);
    return status;
}

/* Every slice reads all weights again: it makes about as many numbers as it reads. */
sg_status sg_slice_images(
        int64_t *images, const sg_graph *g, const sg_plan_request *r, sg_error *err) {
    made of;
    *images = r->batch;
    if (r->gradient != SG_GRADIENT_NONE || r->batch_statistics || r->dropout || r->lender ||
            r->batch <= LEAST)
        return SG_OK;
    sg_status status = find_made(&of, g, r, err);
    if (status) return status;
    int64_t slice = LEAST, weights = (int64_t)g->elements;
    while (slice < r->batch &&
            (slice * of.most < IN_CACHE || 5 * slice * of.all < 4 * weights || r->batch % slice))
        slice++;
    *images = slice;
    return SG_OK;
}

static size_t value_bytes(const sg_plan *plan, int value) {
    return plan->values[value].bytes;
}

sg_status sg_slice_create(sg_plan *plan, sg_error *err) {
    if (plan->slices == 1) return SG_OK;
    size_t slices = (size_t)plan->slices;
    plan->whole_input = sg_block_create(slices * value_bytes(plan, plan->input));
    plan->whole_logits = sg_block_create(slices * value_bytes(plan, plan->logits));
    bool complete = plan->whole_input && plan->whole_logits;
    for (int i = 0; i < plan->tap_count && complete; i++) {
        sg_tap *tap = &plan->taps[i];
        tap->whole = sg_block_create(slices * value_bytes(plan, tap->plain));
        complete = tap->whole != NULL;
    }
    return complete ? SG_OK
                    : sg_fail(err, SG_ERR_MEMORY, "out of memory planning '%s'", plan->graph->name);
}

size_t sg_slice_bytes(const sg_plan *plan) {
    if (plan->slices == 1) return 0;
    size_t bytes = value_bytes(plan, plan->input) + value_bytes(plan, plan->logits);
    for (int i = 0; i < plan->tap_count; i++) bytes += value_bytes(plan, plan->taps[i].plain);
    return (size_t)plan->slices * bytes;
}

void sg_slice_dispose(sg_plan *plan) {
    for (int i = 0; i < plan->tap_count; i++) free(plan->taps[i].whole);
    free(plan->whole_input);
    free(plan->whole_logits);
}

/* What slice `i` has made, to its place in the whole batch. */
static void keep(unsigned char *whole, const sg_plan *plan, int value, size_t i) {
    size_t bytes = value_bytes(plan, value);
    memcpy(whole + i * bytes, plan->values[value].data, bytes);
}

sg_status sg_slice_run(sg_plan *plan, sg_error *err) {
    size_t input = value_bytes(plan, plan->input);
    for (size_t i = 0; i < (size_t)plan->slices; i++) {
        memcpy(plan->values[plan->input].data, plan->whole_input + i * input, input);
        sg_status status = sg_run_steps(plan, 0, plan->forward_count, 0, 0, err);
        keep(plan->whole_logits, plan, plan->logits, i);
        for (int t = 0; t < plan->tap_count && !status; t++) {
            sg_tap *tap = &plan->taps[t];
            if (tap->step.primitive) status = sg_run_step(plan, &tap->step, 0, 0, err);
            keep(tap->whole, plan, tap->plain, i);
        }
        if (status) return status;
    }
    return SG_OK;
}
