/* pack.c - parameters on their way to the primitives. Masters are plain; a primitive that wants
 * another layout gets a packed copy, and a batch norm that is folded away lives on in the weight
 * and bias of its convolution: w' = w gamma / sqrt(var + eps)      b' = beta + (b - mean) gamma /
 * sqrt(var + eps) Copies are refreshed when params->version has moved. SPDX-License-Identifier:
 * Apache-2.0 */
#include "base/str.h"
#include "nn/plan_internal.h"
#include <math.h>

/* ---- planning ---- */

/* A plain PACK value: kept when a primitive reads it, else the one scratch that all share. */
static sg_status folded_value(
        int *out, sg_plan *plan, const sg_layout *plain, bool shared, sg_error *err) {
    if (!shared || plan->fold_scratch == SG_NOTHING) {
        sg_status status = sg_bind_value(out, plan, plain, SG_REGION_PACK, err);
        if (status || !shared) return status;
        plan->fold_scratch = *out;
    }
    sg_value *scratch = &plan->values[plan->fold_scratch];
    if (scratch->bytes < plain->bytes) scratch->bytes = plain->bytes;
    *out = plan->fold_scratch;
    return SG_OK;
}

/* What the reorders need while they run, one after another. */
static sg_status want_scratch(sg_plan *plan, const sg_primitive *reorder, sg_error *err) {
    const sg_layout *scratch = sg_primitive_layout(reorder, SG_ARG_SCRATCH);
    if (!scratch) return SG_OK;
    if (plan->pack_scratch == SG_NOTHING)
        return sg_bind_value(&plan->pack_scratch, plan, scratch, SG_REGION_PACK, err);
    sg_value *shared = &plan->values[plan->pack_scratch];
    if (shared->bytes < scratch->bytes) shared->bytes = scratch->bytes;
    return SG_OK;
}

sg_status sg_pack_weight(int *out, sg_plan *plan, int param, sg_node_id norm,
        const sg_layout *layout, sg_error *err) {
    const sg_shape *shape = &plan->graph->params[param].shape;
    if (layout->plain && norm == SG_NOTHING)
        return sg_bind_outside(out, plan, shape, sg_params_at(plan->params, param), err);
    for (int i = 0; i < plan->pack_count; i++) {
        const sg_pack *pack = &plan->packs[i];
        if (pack->param != param || pack->norm != norm) continue;
        if (plan->values[pack->packed].layout != layout) continue;
        *out = pack->packed;
        return SG_OK;
    }
    sg_pack pack = {.param = param, .norm = norm, .folded = SG_NOTHING};
    const sg_layout *plain;
    sg_status status = sg_bind_plain(&plain, plan, shape, err);
    if (!status && norm != SG_NOTHING)
        status = folded_value(&pack.folded, plan, plain, !layout->plain, err);
    if (!status && layout->plain) pack.packed = pack.folded;
    if (!status && !layout->plain) {
        status = sg_bind_value(&pack.packed, plan, layout, SG_REGION_PACK, err);
        if (!status) status = sg_bind_reorder(&pack.reorder, plan, plain, layout, err);
        if (!status) status = want_scratch(plan, pack.reorder, err);
    }
    if (!status)
        status = sg_grow(&plan->packs, &plan->pack_capacity, (size_t)plan->pack_count + 1,
                sizeof *plan->packs, err);
    if (status) return status;
    plan->packs[plan->pack_count++] = pack;
    *out = pack.packed;
    return SG_OK;
}

sg_status sg_pack_folded_bias(
        int *out, sg_plan *plan, sg_node_id conv, sg_node_id norm, sg_error *err) {
    const sg_layout *plain;
    sg_shape shape = sg_shape_of(1, &plan->graph->nodes[conv].channels);
    sg_folded_bias bias = {.conv = conv, .norm = norm};
    sg_status status = sg_bind_plain(&plain, plan, &shape, err);
    if (!status) status = sg_bind_value(&bias.value, plan, plain, SG_REGION_PACK, err);
    if (!status)
        status = sg_grow(&plan->folded_biases, &plan->folded_bias_capacity,
                (size_t)plan->folded_bias_count + 1, sizeof *plan->folded_biases, err);
    if (status) return status;
    plan->folded_biases[plan->folded_bias_count++] = bias;
    *out = bias.value;
    return SG_OK;
}

sg_status sg_pack_scaled_bias(
        int *out, sg_plan *plan, int value, const sg_layout *layout, sg_error *err) {
    sg_scaled_bias bias = {.from = value};
    sg_status status = sg_bind_value(&bias.to, plan, layout, SG_REGION_PACK, err);
    if (!status)
        status = sg_bind_reorder(&bias.reorder, plan, plan->values[value].layout, layout, err);
    if (!status) status = want_scratch(plan, bias.reorder, err);
    if (!status)
        status = sg_grow(&plan->scaled_biases, &plan->scaled_bias_capacity,
                (size_t)plan->scaled_bias_count + 1, sizeof *plan->scaled_biases, err);
    if (status) return status;
    plan->scaled_biases[plan->scaled_bias_count++] = bias;
    *out = bias.to;
    return SG_OK;
}

sg_status sg_pack_constant(int *out, sg_plan *plan, sg_node_id affine, bool shift, sg_error *err) {
    const sg_layout *plain;
    sg_shape shape = sg_shape_of(1, &plan->graph->nodes[affine].channels);
    sg_constant constant = {.node = affine, .shift = shift};
    sg_status status = sg_bind_plain(&plain, plan, &shape, err);
    if (!status) status = sg_bind_value(&constant.value, plan, plain, SG_REGION_PACK, err);
    if (!status)
        status = sg_grow(&plan->constants, &plan->constant_capacity,
                (size_t)plan->constant_count + 1, sizeof *plan->constants, err);
    if (status) return status;
    plan->constants[plan->constant_count++] = constant;
    *out = constant.value;
    return SG_OK;
}

/* ---- refreshing ---- */

/* Element i of a parameter, in double. */
static double number(const sg_plan *plan, int param, int64_t i) {
    return plan->request.dtype == SG_F64 ? sg_params_f64(plan->params, param)[i]
                                         : sg_params_f32(plan->params, param)[i];
}

/* Parameters of a batch norm stand in the order gamma, beta, mean, variance. */
static double scale_of(const sg_plan *plan, sg_node_id norm, int64_t channel) {
    const sg_node *node = &plan->graph->nodes[norm];
    return number(plan, node->first_param, channel) /
           sqrt(number(plan, node->first_param + 3, channel) + node->eps);
}

void sg_pack_weight_scales(float *scale, const sg_plan *plan, int param, sg_node_id norm) {
    const sg_shape *shape = &plan->graph->params[param].shape;
    int64_t per_channel = sg_shape_count(shape) / shape->dims[0];
    for (int64_t c = 0; c < shape->dims[0]; c++) {
        double most = 0;
        for (int64_t i = c * per_channel; i < (c + 1) * per_channel; i++)
            most = fmax(most, fabs(number(plan, param, i)));
        if (norm != SG_NOTHING) most *= fabs(scale_of(plan, norm, c));
        scale[c] = most > 0 ? (float)(most / INT8_MAX) : 1.0f;
    }
}

static void fold_weight(sg_plan *plan, const sg_pack *pack) {
    const sg_shape *shape = &plan->graph->params[pack->param].shape;
    int64_t per_channel = sg_shape_count(shape) / shape->dims[0];
    void *to = plan->values[pack->folded].data;
    for (int64_t c = 0; c < shape->dims[0]; c++) {
        double scale = scale_of(plan, pack->norm, c);
        int64_t begin = c * per_channel;
        if (plan->request.dtype == SG_F64) {
            const double *w = sg_params_f64(plan->params, pack->param);
            for (int64_t i = begin; i < begin + per_channel; i++) ((double *)to)[i] = w[i] * scale;
        } else {
            const float *w = sg_params_f32(plan->params, pack->param);
            for (int64_t i = begin; i < begin + per_channel; i++)
                ((float *)to)[i] = w[i] * (float)scale;
        }
    }
}

static void fold_bias(sg_plan *plan, const sg_folded_bias *bias) {
    const sg_node *conv = &plan->graph->nodes[bias->conv];
    int norm = plan->graph->nodes[bias->norm].first_param;
    void *to = plan->values[bias->value].data;
    for (int64_t c = 0; c < conv->channels; c++) {
        double own = conv->has_bias ? number(plan, conv->first_param + 1, c) : 0.0;
        double b = number(plan, norm + 1, c) +
                   (own - number(plan, norm + 2, c)) * scale_of(plan, bias->norm, c);
        if (plan->request.dtype == SG_F64)
            ((double *)to)[c] = b;
        else
            ((float *)to)[c] = (float)b;
    }
}

static void fill_constant(sg_plan *plan, const sg_constant *constant) {
    const sg_node *node = &plan->graph->nodes[constant->node];
    const double *from = node->affine + (constant->shift ? node->channels : 0);
    void *to = plan->values[constant->value].data;
    for (int64_t c = 0; c < node->channels; c++) {
        if (plan->request.dtype == SG_F64)
            ((double *)to)[c] = from[c];
        else
            ((float *)to)[c] = (float)from[c];
    }
}

static sg_status reorder(
        sg_plan *plan, sg_primitive *primitive, void *from, int to, sg_error *err) {
    void *args[SG_ARG_COUNT] = {0};
    args[SG_ARG_SRC0] = from;
    args[SG_ARG_DST] = plan->values[to].data;
    if (plan->pack_scratch != SG_NOTHING)
        args[SG_ARG_SCRATCH] = plan->values[plan->pack_scratch].data;
    return sg_primitive_execute(primitive, args, err);
}

sg_status sg_pack_refresh(sg_plan *plan, sg_error *err) {
    if (plan->packed_version == plan->params->version) return SG_OK;
    for (int i = 0; i < plan->constant_count; i++) fill_constant(plan, &plan->constants[i]);
    for (int i = 0; i < plan->folded_bias_count; i++) fold_bias(plan, &plan->folded_biases[i]);
    for (int i = 0; i < plan->pack_count; i++) {
        const sg_pack *pack = &plan->packs[i];
        if (pack->folded != SG_NOTHING) fold_weight(plan, pack);
        if (!pack->reorder) continue;
        void *from = pack->folded != SG_NOTHING ? plan->values[pack->folded].data
                                                : sg_params_at(plan->params, pack->param);
        sg_status status = reorder(plan, pack->reorder, from, pack->packed, err);
        if (status) return status;
    }
    for (int i = 0; i < plan->scaled_bias_count; i++) {
        const sg_scaled_bias *bias = &plan->scaled_biases[i];
        sg_status status =
                reorder(plan, bias->reorder, plan->values[bias->from].data, bias->to, err);
        if (status) return status;
    }
    plan->packed_version = plan->params->version;
    return SG_OK;
}
