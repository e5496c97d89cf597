/* weighted.c - what convolution and inner product share: source, weights, bias, destination, and
 * the three passes over them. All data arguments are the library's choice unless wanted otherwise;
 * the two backward passes choose apart from the forward one, and the planner reorders where they
 * differ.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"
#include <stdlib.h>

/* Which argument of ours plays which part in a pass; SG_ARG_COUNT = none. */
typedef struct roles {
    dnnl_prop_kind_t prop;
    sg_arg src, weight, bias, dst;
} roles;

static roles roles_of(sg_pass pass) {
    switch (pass) {
    case SG_PASS_BACKWARD_DATA:
        return (roles){
                dnnl_backward_data, SG_ARG_DIFF_SRC0, SG_ARG_WEIGHT, SG_ARG_COUNT, SG_ARG_DIFF_DST};
    case SG_PASS_BACKWARD_WEIGHTS:
        return (roles){dnnl_backward_weights, SG_ARG_SRC0, SG_ARG_DIFF_WEIGHT, SG_ARG_DIFF_BIAS,
                SG_ARG_DIFF_DST};
    case SG_PASS_TRAIN:
        return (roles){dnnl_forward_training, SG_ARG_SRC0, SG_ARG_WEIGHT, SG_ARG_BIAS, SG_ARG_DST};
    default:
        return (roles){dnnl_forward_inference, SG_ARG_SRC0, SG_ARG_WEIGHT, SG_ARG_BIAS, SG_ARG_DST};
    }
}

/* ---- numbers stored in 8 bits ---- */

/* What the sums of products are multiplied by, and the scales of the bias, which is added before.
 */
typedef struct factors {
    float *result, *bias; /* [channels] */
    sg_dnn_scaling scaling;
    sg_quant bias_quant;
} factors;

static void factors_dispose(factors *f) {
    free(f->result);
    free(f->bias);
}

static bool is_quantised(const sg_wanted *wanted) {
    return wanted->quant[SG_ARG_SRC0] || wanted->quant[SG_ARG_WEIGHT] || wanted->quant[SG_ARG_DST];
}

/* What a fused sum finds is said, and is stored like what it leaves. */
static bool has_summand(const sg_wanted *wanted) {
    const sg_layout *found = wanted->arg[SG_ARG_DST];
    return found && (found->quant != NULL) == (wanted->quant[SG_ARG_DST] != NULL);
}

/* result = (products + bias / (src weight)) * src weight / dst + summand * its scale / dst */
static sg_status find_factors(
        factors *f, const sg_problem *q, const sg_wanted *wanted, sg_error *err) {
    const sg_quant *src = wanted->quant[SG_ARG_SRC0], *weight = wanted->quant[SG_ARG_WEIGHT];
    const sg_quant *dst = wanted->quant[SG_ARG_DST];
    int channels = (int)q->dst.dims[1];
    *f = (factors){
            .scaling = {.summand = 1.0f, .summand_type = dnnl_data_type_undef, .unit = 1.0f}};
    bool sensible = q->pass == SG_PASS_INFER && src && weight && src->count == 1 &&
                    (weight->count == 1 || weight->count == channels) && (!dst || dst->count == 1);
    if (q->fuse_sum) sensible = sensible && has_summand(wanted);
    if (!sensible) return sg_dnn_unsupported(err, q);
    f->result = malloc((size_t)channels * sizeof *f->result);
    f->bias = malloc((size_t)channels * sizeof *f->bias);
    if (!f->result || !f->bias) {
        factors_dispose(f);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for a primitive");
    }
    float unit = dst ? dst->scale[0] : 1.0f;
    for (int c = 0; c < channels; c++) {
        f->bias[c] = src->scale[0] * weight->scale[weight->count > 1 ? c : 0];
        f->result[c] = f->bias[c] / unit;
    }
    f->bias_quant = (sg_quant){SG_F32, channels, f->bias};
    f->scaling.result = f->result;
    f->scaling.count = channels;
    f->scaling.mask = 1 << 1;
    f->scaling.unit = unit;
    if (!q->fuse_sum) return SG_OK;
    const sg_layout *found = wanted->arg[SG_ARG_DST];
    f->scaling.summand = (found->quant ? found->quant->scale[0] : 1.0f) / unit;
    if (dst) sg_dnn_data_type(&f->scaling.summand_type, found->dtype);
    return SG_OK;
}

/* ---- primitives ---- */

static sg_status describe(dnnl_primitive_desc_t *out, sg_dnn_primitive *p,
        const sg_dnn_weighted *of, const sg_wanted *wanted, const sg_dnn_scaling *scaling,
        sg_pass pass, const_dnnl_primitive_desc_t hint, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    roles r = roles_of(pass);
    sg_md src = {0}, weight = {0}, bias = {0}, dst = {0};
    dnnl_primitive_attr_t attr = NULL;
    bool has_bias = q->has_bias && r.bias != SG_ARG_COUNT;
    sg_status status =
            sg_dnn_md_wanted(&src, p, wanted, r.src, q->src[0].rank, q->src[0].dims, err);
    if (!status)
        status = sg_dnn_md_wanted(
                &weight, p, wanted, r.weight, of->weight_ndims, of->weight_dims, err);
    if (!status) status = sg_dnn_md_wanted(&dst, p, wanted, r.dst, q->dst.rank, q->dst.dims, err);
    if (!status) status = sg_dnn_attr_create(&attr, q, scaling, err);
    if (!status) {
        dnnl_status_t made = dnnl_success;
        if (has_bias) made = sg_md_init_dense(&bias, 1, &q->dst.dims[1], dnnl_f32);
        sg_pd_data data = {sg_md_view(&src), sg_md_view(&weight),
                has_bias ? sg_md_view(&bias) : NULL, sg_md_view(&dst)};
        if (made == dnnl_success) made = of->create(out, p, r.prop, &data, hint, attr);
        if (made != dnnl_success) status = sg_dnn_fail(err, made, q, "an implementation");
    }
    if (attr) dnnl_primitive_attr_destroy(attr);
    sg_md_dispose(&src);
    sg_md_dispose(&weight);
    sg_md_dispose(&bias);
    sg_md_dispose(&dst);
    return status;
}

sg_status sg_dnn_weighted_compile(sg_dnn_primitive *p, const sg_dnn_weighted *of,
        const sg_wanted *wanted, const sg_dnn_primitive *forward, sg_error *err) {
    static const sg_wanted anything = {.arg = {NULL}};
    const sg_problem *q = &p->base.problem;
    bool backward = q->pass == SG_PASS_BACKWARD_DATA || q->pass == SG_PASS_BACKWARD_WEIGHTS;
    if (q->pass != SG_PASS_INFER && (q->fuse_relu || q->fuse_sum))
        return sg_dnn_unsupported(err, q);
    dnnl_primitive_desc_t made = NULL;
    const_dnnl_primitive_desc_t hint = backward && forward ? forward->pd : NULL;
    sg_status status = SG_OK;
    if (backward && !hint) {
        status = describe(&made, p, of, &anything, NULL, SG_PASS_TRAIN, NULL, err);
        hint = made;
    }
    factors f = {.result = NULL};
    bool quantised = is_quantised(wanted);
    if (!status && quantised) status = find_factors(&f, q, wanted, err);
    if (!status)
        status = describe(&p->pd, p, of, wanted, quantised ? &f.scaling : NULL, q->pass, hint, err);
    if (made) dnnl_primitive_desc_destroy(made);
    for (int arg = 0; arg < SG_ARG_COUNT; arg++) p->quant[arg] = wanted->quant[arg];
    if (quantised) p->quant[SG_ARG_BIAS] = &f.bias_quant;
    if (!status) status = sg_dnn_finish(p, err);
    factors_dispose(&f);
    return status;
}
