/* lower.c - from groups of nodes to forward steps. For each group the forward primitive and the
 * backward ones it will need are compiled together on one backend, because a workspace is private
 * to the backend that wrote it. SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "nn/plan_internal.h"
#include <stdlib.h>

sg_status sg_lower_own(sg_plan *plan, sg_primitive *primitive, sg_error *err) {
    sg_status status = sg_grow(&plan->primitives, &plan->primitive_capacity,
            (size_t)plan->primitive_count + 1, sizeof(sg_primitive *), err);
    if (status)
        sg_primitive_destroy(primitive);
    else
        plan->primitives[plan->primitive_count++] = primitive;
    return status;
}

sg_status sg_lower_compile(sg_primitive **out, sg_lowering *l, const sg_problem *problem,
        const sg_wanted *wanted, sg_error *err) {
    static const sg_wanted free_choice;
    sg_plan *plan = l->plan;
    sg_primitive *primitive;
    sg_status status = sg_primitive_compile(&primitive, plan->backend, problem, wanted, NULL, err);
    if (status == SG_ERR_UNSUPPORTED && plan->fallback) {
        status = sg_primitive_compile(&primitive, plan->fallback, problem, &free_choice, NULL, err);
        if (!status) plan->fallbacks++;
    }
    if (!status) status = sg_lower_own(plan, primitive, err);
    if (!status) *out = primitive;
    return status;
}

/* Convolutions and linear layers choose their layouts; everything else takes what flows in. */
static bool chooses_layouts(sg_op op) {
    return op == SG_OP_CONV || op == SG_OP_LINEAR;
}

static const sg_layout *dequantised(const sg_layout *layout) {
    return layout->quant ? layout->dequantised : layout;
}

/* A maximum of stored numbers is one of them. */
static bool takes_stored(sg_op op) {
    return op == SG_OP_MAX_POOL;
}

static void want_forward(
        sg_wanted *wanted, const sg_lowering *l, sg_node_id lead, bool may_be_stored) {
    const sg_plan *plan = l->plan;
    const sg_node *node = &plan->graph->nodes[lead];
    const sg_group *group = &l->groups[lead];
    if (group->sum != SG_NOTHING)
        wanted->arg[SG_ARG_DST] = dequantised(plan->values[plan->node_value[group->sum]].layout);
    if (chooses_layouts(node->op)) return;
    const sg_layout *common = NULL;
    for (int i = 0; i < node->input_count; i++) {
        const sg_layout *layout = plan->values[plan->node_value[node->inputs[i]]].layout;
        if (!may_be_stored || !takes_stored(node->op)) layout = dequantised(layout);
        if (!common || common->plain) common = layout;
        wanted->arg[SG_ARG_SRC0 + i] = layout;
    }
    /* Summands meet in one layout; a gate may come in any. */
    for (int i = 0; i < node->input_count && node->op == SG_OP_ADD; i++)
        wanted->arg[SG_ARG_SRC0 + i] = common;
    if (node->op == SG_OP_CHANNEL_SCALE) wanted->arg[SG_ARG_SRC0 + 1] = NULL;
}

/* Weights that move every step: those of a linear layer are so many for so little arithmetic that
 * bringing them into a better layout, and their gradient back, costs more than it gains. */
static sg_status want_plain_weight(
        sg_wanted *wanted, const sg_lowering *l, sg_node_id lead, sg_error *err) {
    sg_plan *plan = l->plan;
    const sg_node *node = &plan->graph->nodes[lead];
    bool moves = l->backward[l->groups[lead].out] && sg_fuse_trains(l, lead);
    if (node->op != SG_OP_LINEAR || !moves) return SG_OK;
    const sg_shape *shape = &plan->graph->params[node->first_param].shape;
    return sg_bind_plain(&wanted->arg[SG_ARG_WEIGHT], plan, shape, err);
}

static void want_backward(
        sg_wanted *wanted, const sg_wanted *forward_wanted, const sg_primitive *forward) {
    const sg_problem *p = &forward->problem;
    wanted->arg[SG_ARG_WEIGHT] = forward_wanted->arg[SG_ARG_WEIGHT];
    wanted->arg[SG_ARG_DIFF_WEIGHT] = forward_wanted->arg[SG_ARG_WEIGHT];
    if (chooses_layouts(p->op)) return;
    for (int i = 0; i < p->src_count; i++) {
        const sg_layout *layout = sg_primitive_layout(forward, (sg_arg)(SG_ARG_SRC0 + i));
        wanted->arg[SG_ARG_SRC0 + i] = wanted->arg[SG_ARG_DIFF_SRC0 + i] = layout;
    }
    const sg_layout *layout = sg_primitive_layout(forward, SG_ARG_DST);
    wanted->arg[SG_ARG_DST] = wanted->arg[SG_ARG_DIFF_DST] = layout;
}

typedef struct passes {
    bool data, weights; /* backward primitives wanted besides the forward one */
} passes;

static passes passes_of(const sg_lowering *l, sg_node_id lead) {
    const sg_node *node = &l->plan->graph->nodes[lead];
    passes want = {false, false};
    int inputs = sg_fuse_input_count(l, lead);
    if (!l->backward[l->groups[lead].out]) return want;
    if (node->op == SG_OP_ADD && !l->groups[lead].relu) return want; /* hands its gradient on */
    for (int i = 0; i < inputs; i++) want.data = want.data || l->wants[sg_fuse_input(l, lead, i)];
    if (sg_fuse_trains(l, lead)) {
        want.weights = chooses_layouts(node->op);
        want.data = want.data || !want.weights; /* batch norm has all its gradients in one pass */
    }
    return want;
}

static void compiled_destroy(sg_compiled *c) {
    sg_primitive_destroy(c->forward);
    sg_primitive_destroy(c->data);
    sg_primitive_destroy(c->weights);
    *c = (sg_compiled){0};
}

/* Of a sum with a ReLU behind it only the ReLU has a backward pass. */
static void behind_sum(sg_problem *p) {
    if (p->op != SG_OP_ADD) return;
    p->op = SG_OP_RELU;
    p->src_count = 1;
    p->fuse_relu = false;
}

static sg_status compile_on(sg_compiled *out, sg_backend *backend, const sg_problem *problem,
        const sg_wanted *wanted, passes want, bool flowing, sg_error *err) {
    sg_compiled c = {0};
    sg_problem p = *problem;
    sg_wanted back = {.arg = {NULL}};
    sg_status status = sg_primitive_compile(&c.forward, backend, &p, wanted, NULL, err);
    if (!status && flowing) want_backward(&back, wanted, c.forward);
    if (!status && want.data) {
        p.pass = SG_PASS_BACKWARD_DATA;
        behind_sum(&p);
        status = sg_primitive_compile(&c.data, backend, &p, &back, c.forward, err);
    }
    if (!status && want.weights) {
        p.pass = SG_PASS_BACKWARD_WEIGHTS;
        status = sg_primitive_compile(&c.weights, backend, &p, &back, c.forward, err);
    }
    if (status)
        compiled_destroy(&c);
    else
        *out = c;
    return status;
}

sg_status sg_lower_take_part(sg_lowering *l, sg_node_id lead, sg_diff_part part, sg_error *err) {
    sg_plan *plan = l->plan;
    sg_compiled *c = &l->states[lead].compiled;
    sg_problem p = c->data->problem;
    sg_wanted none = {.arg = {NULL}}, back = {.arg = {NULL}};
    bool main = c->data->ops == plan->backend->ops;
    if (main) want_backward(&back, &none, c->forward);
    p.diff_part = part;
    sg_primitive *made;
    sg_status status = sg_primitive_compile(
            &made, main ? plan->backend : plan->fallback, &p, &back, c->forward, err);
    if (!status) status = sg_lower_own(plan, made, err);
    if (!status) c->data = made;
    return status;
}

static sg_status own_compiled(sg_plan *plan, sg_compiled *c, sg_error *err) {
    sg_primitive *all[] = {c->forward, c->data, c->weights};
    sg_status status = SG_OK;
    for (int i = 0; i < 3; i++) {
        if (!all[i]) continue;
        if (status)
            sg_primitive_destroy(all[i]);
        else
            status = sg_lower_own(plan, all[i], err);
    }
    return status;
}

/* ---- with bytes ---- */

/* How a node's output is to be stored; NULL = as it is. */
static const sg_quant *quant_of(const sg_lowering *l, sg_node_id id) {
    return l->quant && l->quant[id].count ? &l->quant[id] : NULL;
}

/* A layer whose input is stored takes it so and stores its output, except where it is added onto
 * real numbers. `scales` receives the weight's. */
static void want_stored(sg_wanted *wanted, sg_quant *weight, const sg_lowering *l, sg_node_id lead,
        const float *scales) {
    const sg_plan *plan = l->plan;
    const sg_group *group = &l->groups[lead];
    *weight = (sg_quant){SG_I8, (int)plan->graph->nodes[lead].channels, scales};
    sg_node_id input = plan->graph->nodes[lead].inputs[0];
    const sg_quant *found = plan->values[plan->node_value[input]].layout->quant;
    wanted->quant[SG_ARG_SRC0] = found ? found : quant_of(l, input);
    wanted->quant[SG_ARG_WEIGHT] = weight;
    wanted->quant[SG_ARG_DST] = quant_of(l, group->out);
    if (group->sum == SG_NOTHING) return;
    const sg_layout *summand = plan->values[plan->node_value[group->sum]].layout;
    if (wanted->quant[SG_ARG_DST]) wanted->arg[SG_ARG_DST] = summand;
    if (!summand->quant) wanted->quant[SG_ARG_DST] = NULL;
}

static bool may_compute_stored(
        const sg_lowering *l, sg_node_id lead, const sg_problem *problem, passes want) {
    return chooses_layouts(problem->op) && problem->pass == SG_PASS_INFER && !want.data &&
           !want.weights && quant_of(l, l->plan->graph->nodes[lead].inputs[0]);
}

/* SG_ERR_UNSUPPORTED: compute it in float32. */
static sg_status compile_stored(sg_compiled *out, sg_lowering *l, sg_node_id lead,
        const sg_problem *problem, sg_error *err) {
    sg_plan *plan = l->plan;
    float *scales = malloc((size_t)problem->dst.dims[1] * sizeof *scales);
    if (!scales) return sg_fail(err, SG_ERR_MEMORY, "out of memory for scales");
    sg_pack_weight_scales(
            scales, plan, sg_bind_param(plan->graph, lead, SG_PARAM_WEIGHT), l->groups[lead].norm);
    sg_wanted wanted = {.arg = {NULL}};
    sg_quant weight;
    want_forward(&wanted, l, lead, true);
    want_stored(&wanted, &weight, l, lead, scales);
    sg_status status =
            compile_on(out, plan->backend, problem, &wanted, (passes){false, false}, true, err);
    free(scales);
    if (!status) plan->stored++;
    return status;
}

static sg_status compile_group(sg_compiled *out, sg_lowering *l, sg_node_id lead,
        const sg_problem *problem, sg_error *err) {
    static const sg_wanted free_choice;
    sg_plan *plan = l->plan;
    passes want = passes_of(l, lead);
    sg_wanted wanted = {.arg = {NULL}};
    sg_status status = want_plain_weight(&wanted, l, lead, err);
    if (status) return status;
    status = SG_ERR_UNSUPPORTED;
    if (may_compute_stored(l, lead, problem, want))
        status = compile_stored(out, l, lead, problem, err);
    for (int stored = 1; stored >= 0 && status == SG_ERR_UNSUPPORTED; stored--) {
        want_forward(&wanted, l, lead, stored);
        status = compile_on(out, plan->backend, problem, &wanted, want, true, err);
        if (!l->quant) break;
    }
    if (status == SG_ERR_UNSUPPORTED && plan->fallback) {
        status = compile_on(out, plan->fallback, problem, &free_choice, want, false, err);
        if (!status) plan->fallbacks++;
    }
    if (!status) status = own_compiled(plan, out, err);
    return status;
}

static sg_status problem_of(sg_problem *out, const sg_lowering *l, sg_node_id lead, sg_error *err) {
    const sg_plan *plan = l->plan;
    const sg_group *group = &l->groups[lead];
    sg_status status =
            sg_graph_problem(out, plan->graph, lead, plan->shapes, plan->request.dtype, err);
    if (status) return status;
    if (l->backward[group->out] || l->statistics[lead]) out->pass = SG_PASS_TRAIN;
    if (out->op == SG_OP_BATCH_NORM) out->fixed_statistics = !l->statistics[lead];
    if (group->norm != SG_NOTHING) out->has_bias = true;
    if (group->summand != SG_NOTHING) out->src[out->src_count++] = out->src[0];
    out->fuse_sum = group->sum != SG_NOTHING || group->summand != SG_NOTHING;
    if (group->relu) {
        out->fuse_relu = true;
        out->clip = group->clip;
    }
    return SG_OK;
}

static sg_status lower_input(sg_lowering *l, sg_node_id id, sg_error *err) {
    sg_plan *plan = l->plan;
    const sg_layout *plain;
    sg_status status = sg_bind_plain(&plain, plan, &plan->shapes[id], err);
    if (!status) status = sg_bind_value(&plan->input, plan, plain, SG_REGION_BLOCK, err);
    if (!status) plan->node_value[id] = plan->input;
    return status;
}

/* Running statistics follow the batch's as soon as these are known. */
static sg_status lower_statistics(sg_lowering *l, sg_node_id lead, sg_error *err) {
    if (!l->statistics[lead]) return SG_OK;
    sg_step step;
    sg_bind_step_init(&step, SG_STEP_STATISTICS, lead, NULL);
    step.value[SG_ARG_MEAN] = l->states[lead].mean;
    step.value[SG_ARG_VAR] = l->states[lead].var;
    return sg_bind_append(l->plan, &step, err);
}

static sg_status lower_group(sg_lowering *l, sg_node_id lead, sg_error *err) {
    sg_plan *plan = l->plan;
    const sg_node *node = &plan->graph->nodes[lead];
    if (node->is_input) return lower_input(l, lead, err);
    if (sg_fuse_is_identity(l, lead)) {
        plan->node_value[lead] = plan->node_value[node->inputs[0]];
        return SG_OK;
    }
    sg_problem problem;
    sg_compiled *compiled = &l->states[lead].compiled;
    sg_status status = problem_of(&problem, l, lead, err);
    if (!status) status = compile_group(compiled, l, lead, &problem, err);
    if (status) return status;
    sg_step step;
    sg_bind_step_init(&step, SG_STEP_EXECUTE, lead, compiled->forward);
    status = sg_bind_arguments(&step, l, lead, NULL, err);
    if (!status) status = sg_bind_append(plan, &step, err);
    if (!status) status = lower_statistics(l, lead, err);
    return status;
}

sg_status sg_lower_forward(sg_lowering *l, sg_error *err) {
    const sg_graph *g = l->plan->graph;
    for (int i = 0; i < g->node_count; i++) {
        if (!l->alive[i] || l->groups[i].lead != i) continue;
        sg_status status = lower_group(l, i, err);
        if (status)
            return sg_fail_context(
                    err, status, "planning model '%s', node '%s'", g->name, g->nodes[i].name);
    }
    return SG_OK;
}
