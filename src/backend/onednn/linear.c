/* linear.c - fully connected layer: [n,c,h,w] or [n,c], flattened in NCHW order, times [out, in]
 * transposed, plus bias; all passes. A 4-d source keeps its blocked layout: the weights are then
 * seen as [out, c, h, w], the same plain bytes. SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"

typedef struct linear_shape {
    sg_shape weight, bias;
    int ndims; /* of source and weights */
    int64_t src_dims[SG_MAX_RANK], weight_dims[SG_MAX_RANK];
} linear_shape;

static linear_shape shape_of(const sg_problem *q) {
    int64_t out = q->dst.dims[1], in = 1;
    const sg_shape *src = &q->src[0];
    linear_shape s = {.bias = sg_shape_of(1, &out), .ndims = src->rank};
    for (int i = 0; i < src->rank; i++) {
        s.src_dims[i] = src->dims[i];
        s.weight_dims[i] = i == 0 ? out : src->dims[i];
        if (i > 0) in *= src->dims[i];
    }
    const int64_t dims[2] = {out, in};
    s.weight = sg_shape_of(2, dims);
    return s;
}

static dnnl_prop_kind_t prop_of(sg_pass pass) {
    switch (pass) {
    case SG_PASS_TRAIN:
        return dnnl_forward_training;
    case SG_PASS_BACKWARD_DATA:
        return dnnl_backward_data;
    case SG_PASS_BACKWARD_WEIGHTS:
        return dnnl_backward_weights;
    default:
        return dnnl_forward_inference;
    }
}

static sg_status describe(sg_dnn_primitive *p, const sg_wanted *wanted, const linear_shape *s,
        sg_pass pass, const_dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *out, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    sg_arg src_arg = pass == SG_PASS_BACKWARD_DATA ? SG_ARG_DIFF_SRC0 : SG_ARG_SRC0;
    sg_arg weight_arg = pass == SG_PASS_BACKWARD_WEIGHTS ? SG_ARG_DIFF_WEIGHT : SG_ARG_WEIGHT;
    bool has_bias = q->has_bias && pass != SG_PASS_BACKWARD_DATA;
    sg_md src = {0}, weight = {0}, bias = {0}, dst = {0};
    dnnl_primitive_attr_t attr = NULL;
    sg_status status =
            sg_dnn_md_wanted(&src, p, wanted, src_arg, &q->src[0], s->ndims, s->src_dims, err);
    if (!status)
        status = sg_dnn_md_wanted(
                &weight, p, wanted, weight_arg, &s->weight, s->ndims, s->weight_dims, err);
    if (!status) status = sg_dnn_attr_create(&attr, q, err);
    if (status) goto done;
    dnnl_status_t made = sg_md_init_dense(&dst, 2, q->dst.dims, dnnl_f32);
    if (made == dnnl_success && has_bias) made = sg_md_init_dense(&bias, 1, s->bias.dims, dnnl_f32);
    if (made == dnnl_success) {
        sg_pd_data data = {sg_md_view(&src), sg_md_view(&weight),
                has_bias ? sg_md_view(&bias) : NULL, sg_md_view(&dst)};
        made = sg_pd_inner_product(out, p->backend->engine, prop_of(pass), &data, hint, attr);
    }
    if (made != dnnl_success) status = sg_dnn_fail(err, made, q, "an inner product");
done:
    if (attr) dnnl_primitive_attr_destroy(attr);
    sg_md_dispose(&src);
    sg_md_dispose(&weight);
    sg_md_dispose(&bias);
    sg_md_dispose(&dst);
    return status;
}

sg_status sg_dnn_linear_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    static const sg_wanted anything = {{NULL}};
    const sg_problem *q = &p->base.problem;
    bool backward = q->pass == SG_PASS_BACKWARD_DATA || q->pass == SG_PASS_BACKWARD_WEIGHTS;
    if (q->dst.rank != 2 || q->fuse_sum || (q->fuse_relu && q->pass != SG_PASS_INFER))
        return sg_dnn_unsupported(err, q);
    linear_shape s = shape_of(q);
    dnnl_primitive_desc_t made_hint = NULL;
    sg_status status = SG_OK;
    if (backward && !forward)
        status = describe(p, &anything, &s, SG_PASS_TRAIN, NULL, &made_hint, err);
    if (!status)
        status = describe(p, wanted, &s, q->pass,
                !backward ? NULL
                : forward ? forward->pd
                          : made_hint,
                &p->pd, err);
    if (made_hint) dnnl_primitive_desc_destroy(made_hint);
    if (status) return status;
    switch (q->pass) {
    case SG_PASS_BACKWARD_DATA: {
        sg_dnn_binding bindings[] = {{SG_ARG_DIFF_SRC0, DNNL_ARG_DIFF_SRC, &q->src[0]},
                {SG_ARG_WEIGHT, DNNL_ARG_WEIGHTS, &s.weight},
                {SG_ARG_DIFF_DST, DNNL_ARG_DIFF_DST, &q->dst}};
        return sg_dnn_finish(p, bindings, 3, err);
    }
    case SG_PASS_BACKWARD_WEIGHTS: {
        sg_dnn_binding bindings[] = {{SG_ARG_SRC0, DNNL_ARG_SRC, &q->src[0]},
                {SG_ARG_DIFF_WEIGHT, DNNL_ARG_DIFF_WEIGHTS, &s.weight},
                {SG_ARG_DIFF_DST, DNNL_ARG_DIFF_DST, &q->dst},
                {SG_ARG_DIFF_BIAS, DNNL_ARG_DIFF_BIAS, &s.bias}};
        return sg_dnn_finish(p, bindings, q->has_bias ? 4 : 3, err);
    }
    default: {
        sg_dnn_binding bindings[] = {{SG_ARG_SRC0, DNNL_ARG_SRC, &q->src[0]},
                {SG_ARG_WEIGHT, DNNL_ARG_WEIGHTS, &s.weight}, {SG_ARG_DST, DNNL_ARG_DST, &q->dst},
                {SG_ARG_BIAS, DNNL_ARG_BIAS, &s.bias}};
        return sg_dnn_finish(p, bindings, q->has_bias ? 4 : 3, err);
    }
    }
}
