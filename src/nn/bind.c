/* bind.c - values, steps, and the arguments of a primitive. Every place where two layouts meet
 * passes through sg_bind_fit, so reorders stand exactly where they must. SPDX-License-Identifier:
 * Apache-2.0 */
#include "base/str.h"
#include "nn/plan_internal.h"
#include <limits.h>
#include <string.h>

sg_status sg_bind_plain(
        const sg_layout **out, sg_plan *plan, const sg_shape *shape, sg_error *err) {
    sg_backend *b = plan->backend;
    return b->ops->plain_layout(out, b, shape, plan->request.dtype, err);
}

sg_status sg_bind_value(
        int *out, sg_plan *plan, const sg_layout *layout, sg_region region, sg_error *err) {
    if (layout->plain && layout->dtype == plan->request.dtype) {
        sg_status status = sg_bind_plain(&layout, plan, &layout->shape, err);
        if (status) return status;
    }
    sg_status status = sg_grow(&plan->values, &plan->value_capacity, (size_t)plan->value_count + 1,
            sizeof *plan->values, err);
    if (status) return status;
    int id = plan->value_count++;
    plan->values[id] = (sg_value){.layout = layout,
            .bytes = layout->bytes,
            .region = region,
            .root = id,
            .first = INT_MAX,
            .last = -1,
            .copy_of = SG_NOTHING};
    *out = id;
    return SG_OK;
}

sg_status sg_bind_outside(
        int *out, sg_plan *plan, const sg_shape *shape, void *data, sg_error *err) {
    const sg_layout *layout;
    sg_status status = sg_bind_plain(&layout, plan, shape, err);
    if (!status) status = sg_bind_value(out, plan, layout, SG_REGION_OUTSIDE, err);
    if (!status) plan->values[*out].data = data;
    return status;
}

void sg_bind_step_init(sg_step *step, sg_step_kind kind, sg_node_id node, sg_primitive *primitive) {
    *step = (sg_step){.kind = kind, .node = node, .primitive = primitive};
    for (int i = 0; i < SG_ARG_COUNT; i++) step->value[i] = SG_NOTHING;
}

sg_status sg_bind_append(sg_plan *plan, const sg_step *step, sg_error *err) {
    sg_status status = sg_grow(&plan->steps, &plan->step_capacity, (size_t)plan->step_count + 1,
            sizeof *plan->steps, err);
    if (!status) plan->steps[plan->step_count++] = *step;
    return status;
}

/* ---- layouts ---- */

/* Plain is plain on every backend. */
static bool same_layout(const sg_layout *a, const sg_layout *b) {
    return a == b || (a->plain && b->plain && a->dtype == b->dtype &&
                             sg_shape_count(&a->shape) == sg_shape_count(&b->shape));
}

sg_status sg_bind_reorder(sg_primitive **out, sg_plan *plan, const sg_layout *from,
        const sg_layout *to, sg_error *err) {
    sg_problem p = {.op = SG_OP_REORDER,
            .pass = SG_PASS_INFER,
            .dtype = plan->request.dtype,
            .src_count = 1,
            .dst = to->shape};
    p.src[0] = from->shape;
    sg_wanted wanted = {.arg = {NULL}};
    wanted.arg[SG_ARG_SRC0] = from;
    wanted.arg[SG_ARG_DST] = to;
    sg_primitive *primitive;
    sg_status status = sg_primitive_compile(&primitive, plan->backend, &p, &wanted, NULL, err);
    if (!status) status = sg_lower_own(plan, primitive, err);
    if (status) return status;
    plan->reorders++;
    *out = primitive;
    return SG_OK;
}

sg_status sg_bind_fit(int *out, sg_plan *plan, int value, const sg_layout *layout, sg_error *err) {
    if (same_layout(plan->values[value].layout, layout)) {
        *out = value;
        return SG_OK;
    }
    for (int i = 0; i < plan->value_count; i++)
        if (plan->values[i].copy_of == value && same_layout(plan->values[i].layout, layout)) {
            *out = i;
            return SG_OK;
        }
    int copy;
    sg_status status = sg_bind_value(&copy, plan, layout, SG_REGION_BLOCK, err);
    if (status) return status;
    plan->values[copy].copy_of = value;
    sg_step step;
    sg_bind_step_init(&step, SG_STEP_EXECUTE, SG_NOTHING, NULL);
    status = sg_bind_reorder(
            &step.primitive, plan, plan->values[value].layout, plan->values[copy].layout, err);
    if (status) return status;
    step.value[SG_ARG_SRC0] = value;
    step.value[SG_ARG_DST] = copy;
    const sg_layout *scratch = sg_primitive_layout(step.primitive, SG_ARG_SCRATCH);
    if (scratch)
        status = sg_bind_value(&step.value[SG_ARG_SCRATCH], plan, scratch, SG_REGION_BLOCK, err);
    *out = copy;
    return status ? status : sg_bind_append(plan, &step, err);
}

/* ---- arguments ---- */

int sg_bind_param(const sg_graph *g, sg_node_id id, sg_param_role role) {
    const sg_node *node = &g->nodes[id];
    for (int i = node->first_param; i < node->first_param + node->param_count; i++)
        if (g->params[i].role == role) return i;
    return SG_NOTHING;
}

static sg_status bind_master(int *out, sg_plan *plan, int param, sg_error *err) {
    const sg_shape *shape = &plan->graph->params[param].shape;
    return sg_bind_outside(out, plan, shape, sg_params_at(plan->params, param), err);
}

/* Where the gradient of a parameter goes: into its place, or nowhere in particular. A backend
 * layout gets a value here and is brought into place by place_gradient. */
static sg_status bind_gradient(
        int *out, sg_lowering *l, int param, const sg_layout *layout, sg_error *err) {
    sg_plan *plan = l->plan;
    const sg_param *p = &plan->graph->params[param];
    if (!l->trained[param] || !layout->plain)
        return sg_bind_value(out, plan, layout, SG_REGION_BLOCK, err);
    size_t size = sg_dtype_size(plan->request.dtype);
    return sg_bind_outside(
            out, plan, &p->shape, (unsigned char *)plan->gradients + p->offset * size, err);
}

/* The first argument of this kind that is kept for the backward pass; made when missing. */
static sg_status bind_kept(
        int *out, int *kept, sg_plan *plan, const sg_layout *layout, sg_error *err) {
    sg_status status = SG_OK;
    if (*kept == SG_NOTHING) status = sg_bind_value(kept, plan, layout, SG_REGION_BLOCK, err);
    *out = *kept;
    return status;
}

static sg_status bind_statistic(int *out, sg_lowering *l, sg_node_id lead, sg_arg arg,
        const sg_layout *layout, sg_error *err) {
    sg_node_state *state = &l->states[lead];
    int *kept = arg == SG_ARG_MEAN ? &state->mean : &state->var;
    if (l->statistics[lead]) return bind_kept(out, kept, l->plan, layout, err);
    sg_param_role role = arg == SG_ARG_MEAN ? SG_PARAM_RUNNING_MEAN : SG_PARAM_RUNNING_VAR;
    return bind_master(out, l->plan, sg_bind_param(l->plan->graph, lead, role), err);
}

static sg_status bind_mask(
        int *out, sg_lowering *l, sg_node_id lead, const sg_layout *layout, sg_error *err) {
    sg_plan *plan = l->plan;
    sg_node_state *state = &l->states[lead];
    if (state->mask == SG_NOTHING) {
        const sg_layout *plain;
        sg_status status = sg_bind_plain(&plain, plan, &plan->shapes[lead], err);
        if (!status) status = sg_bind_value(&state->mask, plan, plain, SG_REGION_BLOCK, err);
        if (status) return status;
        sg_step step;
        sg_bind_step_init(&step, SG_STEP_MASK, lead, NULL);
        step.value[SG_ARG_MASK] = state->mask;
        status = sg_bind_append(plan, &step, err);
        if (status) return status;
    }
    return sg_bind_fit(out, plan, state->mask, layout, err);
}

/* A weight that moves every step is packed just before it is used, in the block: a copy of its own
 * would be as fresh, and take memory all the time. */
static sg_status bind_moving_weight(
        int *out, sg_plan *plan, int param, const sg_layout *layout, sg_error *err) {
    int master;
    sg_status status = bind_master(&master, plan, param, err);
    return status ? status : sg_bind_fit(out, plan, master, layout, err);
}

static sg_status bind_weight(
        int *out, sg_lowering *l, sg_node_id lead, const sg_layout *layout, sg_error *err) {
    const sg_graph *g = l->plan->graph;
    if (g->nodes[lead].op == SG_OP_AFFINE) return sg_pack_constant(out, l->plan, lead, false, err);
    if (g->nodes[lead].op == SG_OP_BATCH_NORM)
        return bind_master(out, l->plan, sg_bind_param(g, lead, SG_PARAM_GAMMA), err);
    int param = sg_bind_param(g, lead, SG_PARAM_WEIGHT);
    bool folded = l->groups[lead].norm != SG_NOTHING;
    if (l->trained[param] && !folded) return bind_moving_weight(out, l->plan, param, layout, err);
    return sg_pack_weight(out, l->plan, param, l->groups[lead].norm, layout, err);
}

/* Of a convolution or linear layer: as it is, or with the batch norm folded in. */
static sg_status bind_layer_bias(
        int *out, sg_lowering *l, sg_node_id lead, const sg_layout *layout, sg_error *err) {
    sg_plan *plan = l->plan;
    sg_node_id norm = l->groups[lead].norm;
    int bias;
    sg_status status = norm != SG_NOTHING
                               ? sg_pack_folded_bias(&bias, plan, lead, norm, err)
                               : bind_master(&bias, plan,
                                         sg_bind_param(plan->graph, lead, SG_PARAM_BIAS), err);
    if (status) return status;
    if (layout->quant) return sg_pack_scaled_bias(out, plan, bias, layout, err);
    *out = bias;
    return SG_OK;
}

static sg_status bind_bias(
        int *out, sg_lowering *l, sg_node_id lead, const sg_layout *layout, sg_error *err) {
    const sg_graph *g = l->plan->graph;
    if (g->nodes[lead].op == SG_OP_AFFINE) return sg_pack_constant(out, l->plan, lead, true, err);
    if (g->nodes[lead].op == SG_OP_BATCH_NORM)
        return bind_master(out, l->plan, sg_bind_param(g, lead, SG_PARAM_BETA), err);
    return bind_layer_bias(out, l, lead, layout, err);
}

/* The group's output: new bytes, or those of the summand that is added to. */
static sg_status bind_output(
        int *out, sg_lowering *l, sg_node_id lead, const sg_layout *layout, sg_error *err) {
    sg_plan *plan = l->plan;
    sg_node_id sum = l->groups[lead].sum;
    int summand = SG_NOTHING;
    sg_status status = SG_OK;
    if (sum != SG_NOTHING && layout->quant)
        summand = plan->node_value[sum]; /* of its own scale; the primitive was told which */
    else if (sum != SG_NOTHING)
        status = sg_bind_fit(&summand, plan, plan->node_value[sum], layout, err);
    if (!status) status = sg_bind_value(out, plan, layout, SG_REGION_BLOCK, err);
    if (status) return status;
    if (summand != SG_NOTHING) plan->values[*out].root = plan->values[summand].root;
    plan->node_value[l->groups[lead].out] = *out;
    return SG_OK;
}

static sg_status bind_argument(int *out, sg_lowering *l, sg_node_id lead, sg_arg arg,
        const sg_layout *layout, const sg_incoming *gradient, sg_error *err) {
    sg_plan *plan = l->plan;
    const sg_node *node = &plan->graph->nodes[lead];
    bool batch_norm = node->op == SG_OP_BATCH_NORM;
    switch (arg) {
    case SG_ARG_WEIGHT:
        return bind_weight(out, l, lead, layout, err);
    case SG_ARG_BIAS:
        return bind_bias(out, l, lead, layout, err);
    case SG_ARG_MEAN:
    case SG_ARG_VAR:
        return bind_statistic(out, l, lead, arg, layout, err);
    case SG_ARG_MASK:
        return bind_mask(out, l, lead, layout, err);
    case SG_ARG_DST:
        if (!gradient) return bind_output(out, l, lead, layout, err);
        return sg_bind_fit(out, plan, plan->node_value[l->groups[lead].out], layout, err);
    case SG_ARG_DIFF_DST:
        return sg_bind_fit(out, plan, gradient->diff_dst, layout, err);
    case SG_ARG_DIFF_PART:
        return sg_bind_fit(out, plan, gradient->part, layout, err);
    case SG_ARG_DIFF_WEIGHT:
        return bind_gradient(out, l,
                sg_bind_param(plan->graph, lead, batch_norm ? SG_PARAM_GAMMA : SG_PARAM_WEIGHT),
                layout, err);
    case SG_ARG_DIFF_BIAS:
        return bind_gradient(out, l,
                sg_bind_param(plan->graph, lead, batch_norm ? SG_PARAM_BETA : SG_PARAM_BIAS),
                layout, err);
    case SG_ARG_WORKSPACE:
        return bind_kept(out, &l->states[lead].workspace, plan, layout, err);
    default: /* inputs are read; their gradients and the scratch are new */
        if (arg <= SG_ARG_SRC_LAST)
            return sg_bind_fit(out, plan,
                    plan->node_value[sg_fuse_input(l, lead, (int)(arg - SG_ARG_SRC0))], layout,
                    err);
        return sg_bind_value(out, plan, layout, SG_REGION_BLOCK, err);
    }
}

sg_status sg_bind_arguments(sg_step *step, sg_lowering *l, sg_node_id lead,
        const sg_incoming *gradient, sg_error *err) {
    for (int arg = 0; arg < SG_ARG_COUNT; arg++) {
        const sg_layout *layout = sg_primitive_layout(step->primitive, (sg_arg)arg);
        if (!layout) continue;
        sg_status status =
                bind_argument(&step->value[arg], l, lead, (sg_arg)arg, layout, gradient, err);
        if (status) return status;
    }
    return SG_OK;
}
