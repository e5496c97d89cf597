/* plan.c - making a plan and the calls that run it, see plan.h; plan_internal.h tells which file
 * does what. SPDX-License-Identifier: Apache-2.0 */
#include "base/block.h"
#include "nn/rebuild.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static sg_status no_memory(const sg_plan *plan, sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory planning '%s'", plan->graph->name);
}

/* ---- creation ---- */

static sg_status lowering_init(sg_lowering *l, sg_plan *plan, sg_error *err) {
    size_t nodes = (size_t)plan->graph->node_count;
    *l = (sg_lowering){.plan = plan};
    l->trained = calloc((size_t)plan->graph->param_count + 1, sizeof(bool));
    l->statistics = calloc(nodes, sizeof(bool));
    l->alive = calloc(nodes, sizeof(bool));
    l->wants = calloc(nodes, sizeof(bool));
    l->backward = calloc(nodes, sizeof(bool));
    l->kept = calloc(nodes, sizeof(bool));
    l->groups = calloc(nodes, sizeof *l->groups);
    l->states = calloc(nodes, sizeof *l->states);
    if (!l->trained || !l->statistics || !l->alive || !l->wants || !l->backward || !l->kept ||
            !l->groups || !l->states)
        return no_memory(plan, err);
    for (size_t i = 0; i < nodes; i++)
        l->states[i].workspace = l->states[i].mean = l->states[i].var = l->states[i].mask =
                SG_NOTHING;
    return SG_OK;
}

static void lowering_dispose(sg_lowering *l) {
    free(l->trained);
    free(l->statistics);
    free(l->alive);
    free(l->wants);
    free(l->backward);
    free(l->kept);
    free(l->groups);
    free(l->states);
    free(l->contributions);
}

static sg_status create_gradients(sg_plan *plan, sg_error *err) {
    if (plan->request.gradient != SG_GRADIENT_PARAMETERS) return SG_OK;
    plan->gradients = sg_block_create(plan->graph->elements * sg_dtype_size(plan->request.dtype));
    return plan->gradients ? SG_OK : no_memory(plan, err);
}

static sg_status keep_logits(sg_plan *plan, sg_error *err) {
    const sg_layout *plain;
    const sg_graph *g = plan->graph;
    sg_status status = sg_bind_plain(&plain, plan, &plan->shapes[g->output], err);
    if (!status) status = sg_bind_fit(&plan->logits, plan, plan->node_value[g->output], plain, err);
    for (int i = 0; i < plan->auxiliary_count && !status; i++)
        status = sg_bind_fit(
                &plan->auxiliary_logits[i], plan, plan->node_value[g->auxiliary[i]], plain, err);
    return status;
}

static sg_status keep_taps(sg_plan *plan, const sg_plan_request *r, sg_error *err) {
    plan->taps = calloc((size_t)r->tap_count + 1, sizeof *plan->taps);
    if (!plan->taps) return no_memory(plan, err);
    for (int i = 0; i < r->tap_count; i++) {
        const sg_layout *plain;
        int value = plan->node_value[r->taps[i]];
        sg_tap *tap = &plan->taps[i];
        *tap = (sg_tap){.node = r->taps[i], .value = value, .plain = value};
        plan->tap_count = i + 1;
        if (sg_value_is_plain(plan, value)) continue;
        sg_bind_step_init(&tap->step, SG_STEP_EXECUTE, tap->node, NULL);
        sg_status status = sg_bind_plain(&plain, plan, &plan->shapes[tap->node], err);
        if (!status) status = sg_bind_value(&tap->plain, plan, plain, SG_REGION_BLOCK, err);
        if (!status)
            status = sg_bind_reorder(
                    &tap->step.primitive, plan, plan->values[value].layout, plain, err);
        if (status) return status;
        tap->step.value[SG_ARG_SRC0] = value;
        tap->step.value[SG_ARG_DST] = tap->plain;
    }
    return SG_OK;
}

static sg_status lower(sg_plan *plan, const sg_plan_request *request, sg_error *err) {
    sg_lowering l;
    sg_status status = lowering_init(&l, plan, err);
    l.quant = request->quant;
    if (!status) status = sg_fuse_analyse(&l, request, err);
    if (!status) sg_fuse_groups(&l);
    if (!status) status = sg_lower_forward(&l, err);
    if (!status) status = keep_logits(plan, err);
    if (!status) status = keep_taps(plan, request, err);
    plan->forward_count = plan->step_count;
    if (!status && request->gradient != SG_GRADIENT_NONE) {
        status = sg_lower_backward(&l, err);
        if (!status && request->save != SG_SAVE_ALL) status = sg_rebuild_backward(plan, err);
    }
    lowering_dispose(&l);
    return status;
}

static sg_status check_request(
        const sg_graph *graph, const sg_params *params, const sg_plan_request *r, sg_error *err) {
    if (graph->output < 0)
        return sg_fail(err, SG_ERR_USAGE, "model '%s' is not finished", graph->name);
    if (r->dtype != SG_F32 && r->dtype != SG_F64)
        return sg_fail(err, SG_ERR_UNSUPPORTED, "plans compute in float32 or float64, not in %s",
                sg_dtype_name(r->dtype));
    if (r->auxiliary && r->gradient != SG_GRADIENT_PARAMETERS)
        return sg_fail(err, SG_ERR_USAGE, "auxiliary classifiers of '%s' are for training only",
                graph->name);
    if (r->quant && (r->gradient != SG_GRADIENT_NONE || r->dtype != SG_F32))
        return sg_fail(err, SG_ERR_USAGE, "only predictions of '%s' in float32 can be quantised",
                graph->name);
    if (params->lent && r->batch_statistics)
        return sg_fail(
                err, SG_ERR_USAGE, "lent parameters of '%s' cannot follow a training", graph->name);
    if (params->dtype != r->dtype || params->graph->elements != graph->elements)
        return sg_fail(err, SG_ERR_USAGE,
                "the parameters of '%s' have another type or size than the plan asked for",
                graph->name);
    return SG_OK;
}

sg_status sg_plan_create(sg_plan **out, const sg_graph *graph, sg_params *params,
        const sg_plan_request *request, sg_backend *backend, sg_backend *fallback, sg_error *err) {
    int64_t images;
    sg_status status = check_request(graph, params, request, err);
    if (!status) status = sg_slice_images(&images, graph, request, err);
    if (status) return status;
    sg_plan *plan = calloc(1, sizeof *plan);
    if (!plan) return sg_fail(err, SG_ERR_MEMORY, "out of memory planning '%s'", graph->name);
    /* Double precision is the reference's alone. */
    bool alone = request->dtype == SG_F64 && fallback;
    *plan = (sg_plan){.graph = graph,
            .params = params,
            .backend = alone ? fallback : backend,
            .fallback = alone ? NULL : fallback,
            .request = *request,
            .slices = images > 0 ? request->batch / images : 1,
            .input = SG_NOTHING,
            .logits = SG_NOTHING,
            .logits_grad = SG_NOTHING,
            .target_grad = SG_NOTHING,
            .auxiliary_count = request->auxiliary ? graph->auxiliary_count : 0,
            .fold_scratch = SG_NOTHING,
            .pack_scratch = SG_NOTHING};
    plan->request.batch = images;
    size_t nodes = (size_t)graph->node_count;
    plan->shapes = calloc(nodes, sizeof *plan->shapes);
    plan->node_value = calloc(nodes, sizeof *plan->node_value);
    if (!plan->shapes || !plan->node_value) {
        status = no_memory(plan, err);
        goto done;
    }
    for (size_t i = 0; i < nodes; i++) plan->node_value[i] = SG_NOTHING;
    status = sg_graph_shapes(plan->shapes, graph, images, request->height, request->width, err);
    if (!status) status = create_gradients(plan, err);
    if (!status) status = lower(plan, request, err);
    if (!status) status = sg_memory_assign(plan, err);
    if (!status) status = sg_slice_create(plan, err);
done:
    if (status)
        sg_plan_destroy(plan);
    else
        *out = plan;
    return status;
}

void sg_plan_destroy(sg_plan *plan) {
    if (!plan) return;
    for (int i = 0; i < plan->primitive_count; i++) sg_primitive_destroy(plan->primitives[i]);
    if (plan->block && !plan->borrowed) munmap(plan->block, plan->block_bytes);
    if (plan->pack) munmap(plan->pack, plan->pack_bytes);
    sg_slice_dispose(plan);
    free(plan->gradients);
    free(plan->shapes);
    free(plan->node_value);
    free(plan->values);
    free(plan->steps);
    free(plan->primitives);
    free(plan->packs);
    free(plan->folded_biases);
    free(plan->scaled_biases);
    free(plan->constants);
    free(plan->taps);
    free(plan);
}

/* ---- running ---- */

void *sg_plan_input(sg_plan *plan) {
    return plan->whole_input ? plan->whole_input : plan->values[plan->input].data;
}

sg_status sg_plan_forward(sg_plan *plan, uint64_t seed, uint32_t dropout_step, sg_error *err) {
    double start = plan->profile ? sg_profile_now() : 0.0;
    sg_status status = sg_pack_refresh(plan, err);
    if (plan->profile) sg_profile_note(plan->profile, plan->profile_row, start);
    if (status) return status;
    if (plan->slices > 1) return sg_slice_run(plan, err);
    return sg_run_steps(plan, 0, plan->forward_count, seed, dropout_step, err);
}

const void *sg_plan_logits(const sg_plan *plan) {
    return plan->whole_logits ? plan->whole_logits : plan->values[plan->logits].data;
}

const void *sg_plan_auxiliary_logits(const sg_plan *plan, int i) {
    return plan->values[plan->auxiliary_logits[i]].data;
}

void *sg_plan_auxiliary_gradient(sg_plan *plan, int i) {
    return plan->values[plan->auxiliary_grad[i]].data;
}

sg_status sg_plan_tap(const void **out, sg_plan *plan, sg_node_id node, sg_error *err) {
    for (int i = 0; i < plan->tap_count; i++) {
        sg_tap *tap = &plan->taps[i];
        if (tap->node != node) continue;
        sg_status status = SG_OK;
        if (tap->whole) {
            *out = tap->whole;
            return SG_OK;
        }
        if (tap->step.primitive) status = sg_run_step(plan, &tap->step, 0, 0, err);
        if (!status) *out = plan->values[tap->plain].data;
        return status;
    }
    return sg_fail(err, SG_ERR_USAGE, "node %d of '%s' was not tapped when the plan was made", node,
            plan->graph->name);
}

sg_status sg_plan_backward(sg_plan *plan, const void *logits_grad, sg_error *err) {
    if (plan->request.gradient == SG_GRADIENT_NONE)
        return sg_fail(err, SG_ERR_USAGE, "this plan of '%s' was made without gradients",
                plan->graph->name);
    const sg_value *seed = &plan->values[plan->logits_grad];
    memcpy(seed->data, logits_grad, seed->bytes);
    return sg_run_steps(plan, plan->forward_count, plan->step_count, 0, 0, err);
}

void *sg_plan_gradients(sg_plan *plan) {
    return plan->gradients;
}

sg_status sg_plan_node_gradient(const void **out, sg_plan *plan, sg_error *err) {
    if (plan->target_grad == SG_NOTHING)
        return sg_fail(err, SG_ERR_USAGE,
                "this plan of '%s' takes no gradient of a node or of the input", plan->graph->name);
    *out = plan->values[plan->target_grad].data;
    return SG_OK;
}

/* ---- looking at it ---- */

void sg_plan_stats_get(sg_plan_stats *out, const sg_plan *plan) {
    size_t gradients =
            plan->gradients ? plan->graph->elements * sg_dtype_size(plan->request.dtype) : 0;
    size_t outside = sg_slice_bytes(plan);
    *out = (sg_plan_stats){.block_bytes = plan->block_bytes + outside,
            .unshared_bytes = plan->unshared_bytes + outside,
            .packed_bytes = plan->pack_bytes + gradients,
            .primitives = plan->primitive_count,
            .reorders = plan->reorders,
            .fallbacks = plan->fallbacks,
            .stored = plan->stored};
}

static bool has_nan(const sg_value *v) {
    size_t count = v->bytes / sg_dtype_size(v->layout->dtype);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(v->layout->dtype == SG_F64 ? ((const double *)v->data)[i]
                                                 : ((const float *)v->data)[i]))
            return true;
    return false;
}

const char *sg_plan_find_nan(sg_plan *plan) {
    for (int i = 0; i < plan->graph->node_count; i++) {
        if (plan->node_value[i] == SG_NOTHING) continue;
        const sg_value *v = &plan->values[plan->node_value[i]];
        bool in_memory = plan->values[v->root].last >= plan->forward_count;
        if (in_memory && has_nan(v)) return plan->graph->nodes[i].name;
    }
    return NULL;
}

/* Every argument once; scratch stays in the cache, if it can. */
static double step_bytes(const sg_plan *plan, const sg_step *step) {
    double bytes = 0;
    for (int arg = 0; arg < SG_ARG_COUNT; arg++)
        if (step->value[arg] != SG_NOTHING && arg != SG_ARG_SCRATCH)
            bytes += (double)plan->values[step->value[arg]].bytes;
    return bytes;
}

static double step_flops(const sg_step *step) {
    if (step->kind != SG_STEP_EXECUTE) return 0;
    const sg_problem *p = &step->primitive->problem;
    double outputs = (double)sg_shape_count(&p->dst);
    if (p->op == SG_OP_CONV)
        return 2 * outputs * (double)(p->src[0].dims[1] / p->groups * p->kernel[0] * p->kernel[1]);
    if (p->op == SG_OP_LINEAR)
        return 2 * outputs * (double)sg_shape_count(&p->src[0]) / (double)p->src[0].dims[0];
    return 0;
}

sg_status sg_plan_profile(sg_plan *plan, sg_profile *profile, sg_error *err) {
    static const char *const kinds[] = {
            [SG_STEP_MASK] = "dropout mask", [SG_STEP_STATISTICS] = "running statistics"};
    plan->profile = NULL;
    if (!profile) return SG_OK;
    size_t row;
    sg_status status = sg_profile_add(&plan->profile_row, profile, "weights", "packing",
            SG_PROFILE_FORWARD, (double)plan->pack_bytes, 0, err);
    for (int i = 0; i < plan->step_count && !status; i++) {
        const sg_step *step = &plan->steps[i];
        const char *name = step->node == SG_NOTHING ? "-" : plan->graph->nodes[step->node].name;
        const char *what = step->kind == SG_STEP_EXECUTE
                                   ? step->primitive->ops->primitive_describe(step->primitive)
                                   : kinds[step->kind];
        status = sg_profile_add(&row, profile, name, what,
                i < plan->forward_count ? SG_PROFILE_FORWARD : SG_PROFILE_BACKWARD,
                step_bytes(plan, step), step_flops(step), err);
    }
    if (!status) plan->profile = profile;
    return status;
}
