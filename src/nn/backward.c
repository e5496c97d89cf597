/* backward.c - the backward steps, from the logits down to the lowest thing that is asked for.
 * A node's gradient is the sum of what its users contribute; it is summed when the walk reaches the
 * node, which is after all its users; of two parts by the primitive that reads them, if it can. An
 * addition hands its gradient on as it is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "nn/plan_internal.h"
#include <stdlib.h>

static sg_status append(sg_lowering *l, sg_contribution c, sg_error *err) {
    sg_status status = sg_grow(&l->contributions, &l->contribution_capacity,
            (size_t)l->contribution_count + 1, sizeof *l->contributions, err);
    if (!status) l->contributions[l->contribution_count++] = c;
    return status;
}

static sg_status contribute(sg_lowering *l, sg_node_id node, int value, sg_error *err) {
    return l->wants[node] ? append(l, (sg_contribution){node, value, false}, err) : SG_OK;
}

/* total = a list of up to SG_MAX_INPUTS values added, in the layout of the node's output. */
static sg_status add_values(
        int *total, sg_lowering *l, sg_node_id node, const int *values, int count, sg_error *err) {
    sg_plan *plan = l->plan;
    const sg_layout *layout = plan->values[plan->node_value[node]].layout;
    sg_problem p = {.op = SG_OP_ADD,
            .pass = SG_PASS_INFER,
            .dtype = plan->request.dtype,
            .src_count = count,
            .dst = plan->shapes[node]};
    sg_wanted wanted = {.arg = {NULL}};
    wanted.arg[SG_ARG_DST] = layout;
    for (int i = 0; i < count; i++) {
        p.src[i] = plan->shapes[node];
        wanted.arg[SG_ARG_SRC0 + i] = layout;
    }
    sg_step step;
    sg_bind_step_init(&step, SG_STEP_EXECUTE, node, NULL);
    sg_status status = sg_lower_compile(&step.primitive, l, &p, &wanted, err);
    for (int i = 0; i < count && !status; i++)
        status = sg_bind_fit(&step.value[SG_ARG_SRC0 + i], plan, values[i],
                sg_primitive_layout(step.primitive, (sg_arg)(SG_ARG_SRC0 + i)), err);
    if (!status)
        status = sg_bind_value(
                total, plan, sg_primitive_layout(step.primitive, SG_ARG_DST), SG_REGION_BLOCK, err);
    if (status) return status;
    step.value[SG_ARG_DST] = *total;
    const sg_layout *scratch = sg_primitive_layout(step.primitive, SG_ARG_SCRATCH);
    if (scratch)
        status = sg_bind_value(&step.value[SG_ARG_SCRATCH], plan, scratch, SG_REGION_BLOCK, err);
    if (!status) status = sg_bind_append(plan, &step, err);
    return status;
}

/* May the primitive behind this output add two parts of its gradient? Not where the sum itself is
 * wanted, by the caller or as the gradient of a summand. */
static bool may_take_part(const sg_lowering *l, sg_node_id out) {
    sg_node_id lead = l->groups[out].lead;
    const sg_group *group = &l->groups[lead];
    const sg_primitive *data = l->states[lead].compiled.data;
    sg_op op = l->plan->graph->nodes[lead].op;
    if (l->plan->request.no_fold || l->kept[out] || group->out != out || !data) return false;
    if (op != SG_OP_BATCH_NORM && op != SG_OP_CHANNEL_SCALE) return false;
    return l->plan->shapes[out].rank == 4 && data->problem.diff_part == SG_DIFF_NONE &&
           (group->summand == SG_NOTHING || group->relu);
}

/* Sums the values but the last, if the primitive takes that as a part; else all. */
static sg_status sum(sg_incoming *out, sg_lowering *l, sg_node_id node, const int *values,
        int count, sg_error *err) {
    int part = SG_NOTHING;
    if (count > 1 && may_take_part(l, node)) {
        sg_status status = sg_lower_take_part(l, l->groups[node].lead, SG_DIFF_WHOLE, err);
        if (status && status != SG_ERR_UNSUPPORTED) return status;
        if (!status) part = values[--count];
    }
    *out = (sg_incoming){values[0], part};
    return count > 1 ? add_values(&out->diff_dst, l, node, values, count, err) : SG_OK;
}

/* The gradient of a node's output; diff_dst SG_NOTHING when nobody contributed. */
static sg_status gather(sg_incoming *out, sg_lowering *l, sg_node_id node, sg_error *err) {
    int values[SG_MAX_INPUTS], count = 0, spread = SG_NOTHING;
    sg_status status = SG_OK;
    for (int i = 0; i < l->contribution_count && !status; i++) {
        const sg_contribution *c = &l->contributions[i];
        if (c->node != node) continue;
        if (c->spread)
            spread = c->value;
        else
            values[count++] = c->value;
        if (count < SG_MAX_INPUTS) continue;
        status = add_values(&values[0], l, node, values, count, err);
        count = 1;
    }
    *out = (sg_incoming){SG_NOTHING, SG_NOTHING};
    if (!status && count > 0) status = sum(out, l, node, values, count, err);
    if (spread != SG_NOTHING) out->part = spread;
    return status;
}

/* A mean beside one user or more that were visited before, as in squeeze-and-excitation: its
 * gradient is the same for all pixels of a map, and need not be written out if what it is added to
 * does so. *done: it does. */
static sg_status spread_mean(
        bool *done, sg_lowering *l, sg_node_id pool, int diff_dst, sg_error *err) {
    const sg_graph *g = l->plan->graph;
    sg_node_id input = g->nodes[pool].inputs[0];
    int others = 0;
    *done = false;
    if (g->nodes[pool].op != SG_OP_GLOBAL_POOL || !may_take_part(l, input)) return SG_OK;
    for (int i = input + 1; i < g->node_count; i++)
        for (int j = 0; l->alive[i] && j < g->nodes[i].input_count; j++)
            if (g->nodes[i].inputs[j] == input && l->groups[i].lead < pool) return SG_OK;
    for (int i = 0; i < l->contribution_count; i++) others += l->contributions[i].node == input;
    if (others == 0) return SG_OK;
    sg_status status = sg_lower_take_part(l, l->groups[input].lead, SG_DIFF_SPREAD, err);
    if (status) return status == SG_ERR_UNSUPPORTED ? SG_OK : status;
    *done = true;
    return append(l, (sg_contribution){input, diff_dst, true}, err);
}

/* Brings a weight gradient that came in the backend's layout to its place in the block. */
static sg_status place_gradient(sg_lowering *l, sg_node_id lead, int value, sg_error *err) {
    sg_plan *plan = l->plan;
    const sg_node *node = &plan->graph->nodes[lead];
    int param = node->first_param; /* conv and linear: the weight */
    if (value == SG_NOTHING || !l->trained[param] ||
            plan->values[value].region == SG_REGION_OUTSIDE)
        return SG_OK;
    const sg_param *p = &plan->graph->params[param];
    size_t size = sg_dtype_size(plan->request.dtype);
    sg_step step;
    sg_bind_step_init(&step, SG_STEP_EXECUTE, lead, NULL);
    step.value[SG_ARG_SRC0] = value;
    sg_status status = sg_bind_outside(&step.value[SG_ARG_DST], plan, &p->shape,
            (unsigned char *)plan->gradients + p->offset * size, err);
    if (!status)
        status = sg_bind_reorder(&step.primitive, plan, plan->values[value].layout,
                plan->values[step.value[SG_ARG_DST]].layout, err);
    if (!status) status = sg_bind_append(plan, &step, err);
    return status;
}

static sg_status lower_pass(sg_step *step, sg_lowering *l, sg_node_id lead, sg_primitive *primitive,
        const sg_incoming *gradient, sg_error *err) {
    sg_bind_step_init(step, SG_STEP_EXECUTE, lead, primitive);
    sg_status status = sg_bind_arguments(step, l, lead, gradient, err);
    if (!status) status = sg_bind_append(l->plan, step, err);
    return status;
}

static sg_status pass_on(sg_lowering *l, const sg_node *node, int diff_dst, sg_error *err) {
    sg_status status = SG_OK;
    for (int i = 0; i < node->input_count && !status; i++)
        status = contribute(l, node->inputs[i], diff_dst, err);
    return status;
}

static sg_status pass_back(
        sg_lowering *l, sg_node_id lead, const sg_incoming *gradient, sg_error *err) {
    const sg_node *node = &l->plan->graph->nodes[lead];
    sg_step step;
    sg_status status = lower_pass(&step, l, lead, l->states[lead].compiled.data, gradient, err);
    for (int i = 0; i < node->input_count && !status; i++)
        if (step.value[SG_ARG_DIFF_SRC0 + i] != SG_NOTHING)
            status = contribute(l, node->inputs[i], step.value[SG_ARG_DIFF_SRC0 + i], err);
    sg_node_id summand = l->groups[lead].summand;
    if (status || summand == SG_NOTHING) return status;
    int passed = step.value[SG_ARG_DIFF_SRC0 + node->input_count]; /* by the ReLU, if any */
    return contribute(l, summand, passed != SG_NOTHING ? passed : gradient->diff_dst, err);
}

static sg_status lower_group(
        sg_lowering *l, sg_node_id lead, const sg_incoming *gradient, sg_error *err) {
    sg_plan *plan = l->plan;
    const sg_node *node = &plan->graph->nodes[lead];
    const sg_compiled *compiled = &l->states[lead].compiled;
    int diff_dst = gradient->diff_dst;
    sg_step step;
    sg_status status = SG_OK;
    bool sum = node->op == SG_OP_ADD, spread = false;
    if (sum && compiled->data) { /* through the ReLU behind it */
        status = lower_pass(&step, l, lead, compiled->data, gradient, err);
        diff_dst = step.value[SG_ARG_DIFF_SRC0];
    }
    if (status) return status;
    if (sum || sg_fuse_is_identity(l, lead)) return pass_on(l, node, diff_dst, err);
    if (compiled->weights) { /* first, so that the data pass may overwrite diff_dst */
        status = lower_pass(&step, l, lead, compiled->weights, gradient, err);
        if (!status) status = place_gradient(l, lead, step.value[SG_ARG_DIFF_WEIGHT], err);
    }
    if (!status && compiled->data) status = spread_mean(&spread, l, lead, diff_dst, err);
    if (!status && compiled->data && !spread) status = pass_back(l, lead, gradient, err);
    return status;
}

/* The gradient that NODE and INPUT requests ask for, plain. */
static sg_status keep_target(sg_lowering *l, sg_node_id node, int gradient, sg_error *err) {
    sg_plan *plan = l->plan;
    const sg_layout *plain;
    sg_status status = sg_bind_plain(&plain, plan, &plan->shapes[node], err);
    if (!status) status = sg_bind_fit(&plan->target_grad, plan, gradient, plain, err);
    return status;
}

static bool is_target(const sg_plan *plan, sg_node_id node) {
    const sg_plan_request *r = &plan->request;
    return (r->gradient == SG_GRADIENT_NODE && r->gradient_node == node) ||
           (r->gradient == SG_GRADIENT_INPUT && plan->graph->nodes[node].is_input);
}

sg_status sg_lower_backward(sg_lowering *l, sg_error *err) {
    sg_plan *plan = l->plan;
    const sg_graph *g = plan->graph;
    const sg_layout *plain;
    sg_status status = sg_bind_plain(&plain, plan, &plan->shapes[g->output], err);
    if (!status) status = sg_bind_value(&plan->logits_grad, plan, plain, SG_REGION_BLOCK, err);
    if (!status) status = contribute(l, g->output, plan->logits_grad, err);
    for (int i = 0; i < plan->auxiliary_count && !status; i++) {
        status = sg_bind_value(&plan->auxiliary_grad[i], plan, plain, SG_REGION_BLOCK, err);
        if (!status) status = contribute(l, g->auxiliary[i], plan->auxiliary_grad[i], err);
    }
    for (int i = g->node_count - 1; i >= 0 && !status; i--) {
        sg_node_id out = l->groups[i].out;
        sg_incoming gradient;
        if (!l->alive[i] || l->groups[i].lead != i || !l->wants[out]) continue;
        status = gather(&gradient, l, out, err);
        if (!status && gradient.diff_dst != SG_NOTHING) {
            if (is_target(plan, out)) status = keep_target(l, out, gradient.diff_dst, err);
            if (!status && l->backward[out]) status = lower_group(l, i, &gradient, err);
        }
        if (status)
            return sg_fail_context(err, status, "planning model '%s' backward, node '%s'", g->name,
                    g->nodes[i].name);
    }
    return status;
}
