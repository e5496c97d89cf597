/* rebuild.c - activations that the backward pass reads but that need not be kept for it.
 *
 * Of x = relu(bn(y)) the backward pass reads both: y in the batch norm's backward pass, x in that
 * of the convolution behind it. Kept is y alone; just before x is needed, its step runs once more,
 * with the batch's own mean and variance:
 *
 *   forward    conv -> y -> bn + ReLU -> x -> conv ...        x dies here
 *   backward                 y -> bn + ReLU -> x' -> conv's gradient, bn's gradient ...
 *
 * A value can be rebuilt if the step that makes it is cheap (one pass over memory) and whatever
 * that step reads is in memory then, kept for another reader or rebuilt itself. So a sum of two
 * branches comes back from the outputs of their last convolutions, and the chain ends at what is
 * costly. Each value is rebuilt once, at its first reader, and lives until its last. The numbers
 * are those of the forward pass bit for bit: the same primitives on the same bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/rebuild.h"
#include <stdlib.h>
#include <string.h>

typedef struct rebuilding {
    sg_plan *plan;
    int *maker;    /* [values] the forward step whose DST it is, or SG_NOTHING */
    bool *read;    /* [values] by a backward step */
    bool *stays;   /* [values] kept, though it could be made again */
    bool *dropped; /* [values] not kept, but made again when backward asks */
    bool *costly;  /* [forward steps] may run again, whatever it costs */
    int *again;    /* [values] what was made again, or SG_NOTHING */
} rebuilding;

static bool is_backward(const sg_step *step) {
    return step->value[SG_ARG_DIFF_DST] != SG_NOTHING;
}

/* Of a backward step DST is an input: what the forward pass made. */
static bool is_read(const sg_step *step, int arg) {
    if (step->value[arg] == SG_NOTHING) return false;
    return arg < SG_ARG_DST || arg == SG_ARG_DIFF_DST || arg == SG_ARG_DIFF_PART ||
           (arg == SG_ARG_DST && is_backward(step));
}

bool sg_rebuild_is_cheap(const sg_step *step) {
    if (step->kind != SG_STEP_EXECUTE) return false;
    switch (step->primitive->problem.op) {
    case SG_OP_BATCH_NORM:
    case SG_OP_RELU:
    case SG_OP_ADD:
    case SG_OP_CONCAT:
    case SG_OP_CHANNEL_SCALE:
    case SG_OP_DROPOUT:
    case SG_OP_AFFINE:
    case SG_OP_REORDER:
        return true;
    default:
        return false;
    }
}

/* ---- deciding ---- */

static sg_status init(rebuilding *r, sg_plan *plan, sg_error *err) {
    size_t count = (size_t)plan->value_count + 1;
    *r = (rebuilding){.plan = plan,
            .maker = malloc(count * sizeof(int)),
            .read = calloc(count, sizeof(bool)),
            .stays = calloc(count, sizeof(bool)),
            .dropped = calloc(count, sizeof(bool)),
            .costly = calloc((size_t)plan->forward_count + 1, sizeof(bool)),
            .again = malloc(count * sizeof(int))};
    if (!r->maker || !r->read || !r->stays || !r->dropped || !r->costly || !r->again)
        return sg_fail(err, SG_ERR_MEMORY, "out of memory planning '%s'", plan->graph->name);
    for (size_t i = 0; i < count; i++) r->maker[i] = r->again[i] = SG_NOTHING;
    for (int i = 0; i < plan->forward_count; i++)
        if (plan->steps[i].value[SG_ARG_DST] != SG_NOTHING)
            r->maker[plan->steps[i].value[SG_ARG_DST]] = i;
    for (int i = plan->forward_count; i < plan->step_count; i++)
        for (int arg = 0; arg < SG_ARG_COUNT; arg++)
            if (is_read(&plan->steps[i], arg)) r->read[plan->steps[i].value[arg]] = true;
    return SG_OK;
}

static void dispose(rebuilding *r) {
    free(r->maker);
    free(r->read);
    free(r->stays);
    free(r->dropped);
    free(r->costly);
    free(r->again);
}

/* Is the value there when the backward pass runs? */
static bool is_at_hand(const rebuilding *r, int value) {
    return r->plan->values[value].region != SG_REGION_BLOCK || r->read[value] || r->stays[value] ||
           r->dropped[value];
}

static bool inputs_are_at_hand(const rebuilding *r, const sg_step *step) {
    for (int arg = 0; arg < SG_ARG_DST; arg++)
        if (step->value[arg] != SG_NOTHING && !is_at_hand(r, step->value[arg])) return false;
    return true;
}

/* Read by the caller, at any time. */
static bool is_shown(const sg_plan *plan, int value) {
    bool shown = value == plan->logits;
    for (int i = 0; i < plan->auxiliary_count; i++)
        shown = shown || value == plan->auxiliary_logits[i];
    for (int i = 0; i < plan->tap_count; i++) shown = shown || value == plan->taps[i].value;
    return shown;
}

static bool may_run_again(const rebuilding *r, int index) {
    const sg_step *step = &r->plan->steps[index];
    if (step->kind != SG_STEP_EXECUTE) return false;
    const sg_problem *p = &step->primitive->problem;
    /* a sum in place has lost what it started from */
    if (p->fuse_sum && sg_problem_summand(p) < 0) return false;
    return r->costly[index] || sg_rebuild_is_cheap(step);
}

/* In the order of the forward pass: what a step reads is decided before what it makes. */
static void decide(rebuilding *r) {
    sg_plan *plan = r->plan;
    for (int i = 0; i < plan->forward_count; i++) {
        const sg_step *step = &plan->steps[i];
        int made = step->value[SG_ARG_DST];
        if (made != SG_NOTHING && !r->stays[made] && !is_shown(plan, made))
            r->dropped[made] = may_run_again(r, i) && inputs_are_at_hand(r, step);
    }
}

/* ---- making again ---- */

/* A batch norm's sums are known by now: the same numbers come of prediction with them. */
static sg_status compile_again(
        sg_primitive **out, sg_plan *plan, const sg_primitive *forward, sg_error *err) {
    *out = (sg_primitive *)forward;
    if (forward->problem.op != SG_OP_BATCH_NORM || forward->problem.pass == SG_PASS_INFER)
        return SG_OK;
    sg_problem problem = forward->problem;
    problem.pass = SG_PASS_INFER;
    sg_wanted wanted = {.arg = {NULL}};
    wanted.arg[SG_ARG_SRC0] = sg_primitive_layout(forward, SG_ARG_SRC0);
    wanted.arg[SG_ARG_DST] = sg_primitive_layout(forward, SG_ARG_DST);
    bool main = forward->ops == plan->backend->ops;
    sg_status status = sg_primitive_compile(
            out, main ? plan->backend : plan->fallback, &problem, &wanted, NULL, err);
    return status ? status : sg_lower_own(plan, *out, err);
}

static sg_status make_again(int *out, rebuilding *r, int value, sg_error *err);

static sg_status bind_again(
        sg_step *step, rebuilding *r, const sg_step *forward, int arg, sg_error *err) {
    sg_plan *plan = r->plan;
    const sg_layout *layout = sg_primitive_layout(step->primitive, (sg_arg)arg);
    if (!layout) return SG_OK;
    if (arg == SG_ARG_DST || arg == SG_ARG_SCRATCH)
        return sg_bind_value(&step->value[arg], plan, layout, SG_REGION_BLOCK, err);
    return make_again(&step->value[arg], r, forward->value[arg], err);
}

/* The value, or its twin in the backward pass. */
static sg_status make_again(int *out, rebuilding *r, int value, sg_error *err) {
    sg_plan *plan = r->plan;
    *out = value;
    if (!r->dropped[value]) return SG_OK;
    *out = r->again[value];
    if (*out != SG_NOTHING) return SG_OK;
    sg_step forward = plan->steps[r->maker[value]], step;
    sg_bind_step_init(&step, SG_STEP_EXECUTE, forward.node, NULL);
    sg_status status = compile_again(&step.primitive, plan, forward.primitive, err);
    for (int arg = 0; arg < SG_ARG_COUNT && !status; arg++)
        status = bind_again(&step, r, &forward, arg, err);
    if (!status) status = sg_bind_append(plan, &step, err);
    *out = r->again[value] = step.value[SG_ARG_DST];
    return status;
}

/* The backward steps once more, each behind what has to be made for it. */
static sg_status append_backward(rebuilding *r, const sg_step *steps, int count, sg_error *err) {
    sg_status status = SG_OK;
    for (int i = 0; i < count && !status; i++) {
        sg_step step = steps[i];
        for (int arg = 0; arg < SG_ARG_COUNT && !status; arg++)
            if (is_read(&steps[i], arg))
                status = make_again(&step.value[arg], r, steps[i].value[arg], err);
        if (!status) status = sg_bind_append(r->plan, &step, err);
    }
    return status;
}

sg_status sg_rebuild_backward(sg_plan *plan, sg_error *err) {
    rebuilding r;
    int count = plan->step_count - plan->forward_count;
    sg_step *backward = malloc(((size_t)count + 1) * sizeof *backward);
    sg_status status = init(&r, plan, err);
    if (!status && !backward)
        status = sg_fail(err, SG_ERR_MEMORY, "out of memory planning '%s'", plan->graph->name);
    if (!status && plan->request.save == SG_SAVE_BLOCKS)
        status = sg_segments_choose(r.costly, r.stays, plan, r.read, err);
    if (!status) decide(&r);
    if (!status && plan->request.save == SG_SAVE_COSTLY)
        status = sg_keep_choose(r.dropped, plan, r.read, err);
    if (!status) {
        memcpy(backward, plan->steps + plan->forward_count, (size_t)count * sizeof *backward);
        plan->step_count = plan->forward_count;
        status = append_backward(&r, backward, count, err);
    }
    free(backward);
    dispose(&r);
    return status;
}
