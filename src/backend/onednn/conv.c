/* conv.c - 2-d convolution, grouped and depthwise, all passes.
 *
 * Weights are OIHW for the caller; with groups the library wants them as [g, O/g, I/g, h, w], which
 * are the same plain bytes. All data arguments are the library's choice unless wanted otherwise.
 * Winograd (Lavin & Gray 2016) is taken where the library's automatic choice finds it faster;
 * forward and backward choose independently, as no pass hands the other anything but tensors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"

/* Shapes and dimensions of the four tensors, as the caller and as the library see them. */
typedef struct conv_shape {
    sg_shape weight, bias;
    int weight_ndims;
    int64_t weight_dims[5];
} conv_shape;

static conv_shape shape_of(const sg_problem *q) {
    int64_t groups = q->groups > 1 ? q->groups : 1;
    int64_t out = q->dst.dims[1], in = q->src[0].dims[1] / groups;
    int64_t kh = q->kernel[0], kw = q->kernel[1];
    conv_shape s = {.weight = sg_shape4(out, in, kh, kw), .bias = sg_shape_of(1, &out)};
    if (groups > 1) {
        s.weight_ndims = 5;
        const int64_t dims[5] = {groups, out / groups, in, kh, kw};
        for (int i = 0; i < 5; i++) s.weight_dims[i] = dims[i];
    } else {
        s.weight_ndims = 4;
        for (int i = 0; i < 4; i++) s.weight_dims[i] = s.weight.dims[i];
    }
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

static sg_window window_of(const sg_problem *q) {
    sg_window w = {.stride = {1, 1}};
    for (int i = 0; i < 2; i++) {
        w.kernel[i] = q->kernel[i];
        w.stride[i] = q->stride[i];
        w.dilation[i] = q->dilation[i] > 1 ? q->dilation[i] - 1 : 0;
        w.pad_begin[i] = q->pad_begin[i];
        w.pad_end[i] = q->pad_end[i];
    }
    return w;
}

/* Which argument of ours plays which part in each pass. */
typedef struct conv_roles {
    sg_arg src, weight, bias, dst;
    int dnnl_src, dnnl_weight, dnnl_bias, dnnl_dst;
} conv_roles;

static conv_roles roles_of(sg_pass pass) {
    switch (pass) {
    case SG_PASS_BACKWARD_DATA:
        return (conv_roles){SG_ARG_DIFF_SRC0, SG_ARG_WEIGHT, SG_ARG_COUNT, SG_ARG_DIFF_DST,
                DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, 0, DNNL_ARG_DIFF_DST};
    case SG_PASS_BACKWARD_WEIGHTS:
        return (conv_roles){SG_ARG_SRC0, SG_ARG_DIFF_WEIGHT, SG_ARG_DIFF_BIAS, SG_ARG_DIFF_DST,
                DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_BIAS, DNNL_ARG_DIFF_DST};
    default:
        return (conv_roles){SG_ARG_SRC0, SG_ARG_WEIGHT, SG_ARG_BIAS, SG_ARG_DST, DNNL_ARG_SRC,
                DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST};
    }
}

/* Makes p->pd for one pass. A backward pass first makes the forward descriptor that the library
 * asks for as a hint, unless the caller has one. */
static sg_status describe(sg_dnn_primitive *p, const sg_wanted *wanted, const conv_shape *s,
        sg_pass pass, const_dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *out, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    conv_roles roles = roles_of(pass);
    sg_md src = {0}, weight = {0}, bias = {0}, dst = {0};
    dnnl_primitive_attr_t attr = NULL;
    bool has_bias = q->has_bias && roles.bias != SG_ARG_COUNT;
    sg_status status =
            sg_dnn_md_wanted(&src, p, wanted, roles.src, &q->src[0], 4, q->src[0].dims, err);
    if (!status)
        status = sg_dnn_md_wanted(
                &weight, p, wanted, roles.weight, &s->weight, s->weight_ndims, s->weight_dims, err);
    if (!status)
        status = sg_dnn_md_wanted(&dst, p, wanted, roles.dst, &q->dst, 4, q->dst.dims, err);
    if (!status) status = sg_dnn_attr_create(&attr, q, err);
    if (status) goto done;
    dnnl_status_t made = dnnl_success;
    if (has_bias) made = sg_md_init_dense(&bias, 1, s->bias.dims, dnnl_f32);
    if (made == dnnl_success) {
        sg_pd_data data = {sg_md_view(&src), sg_md_view(&weight),
                has_bias ? sg_md_view(&bias) : NULL, sg_md_view(&dst)};
        sg_window window = window_of(q);
        made = sg_pd_convolution(out, p->backend->engine, prop_of(pass),
                p->backend->winograd ? dnnl_convolution_auto : dnnl_convolution_direct, &data,
                &window, hint, attr);
    }
    if (made != dnnl_success) status = sg_dnn_fail(err, made, q, "a convolution");
done:
    if (attr) dnnl_primitive_attr_destroy(attr);
    sg_md_dispose(&src);
    sg_md_dispose(&weight);
    sg_md_dispose(&bias);
    sg_md_dispose(&dst);
    return status;
}

sg_status sg_dnn_conv_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    static const sg_wanted anything = {{NULL}};
    const sg_problem *q = &p->base.problem;
    bool infer = q->pass == SG_PASS_INFER, train = q->pass == SG_PASS_TRAIN;
    if (!infer && (q->fuse_relu || q->fuse_sum)) return sg_dnn_unsupported(err, q);
    conv_shape s = shape_of(q);
    dnnl_primitive_desc_t made_hint = NULL;
    const_dnnl_primitive_desc_t hint = NULL;
    sg_status status = SG_OK;
    if (!infer && !train) {
        if (forward)
            hint = forward->pd;
        else
            status = describe(p, &anything, &s, SG_PASS_TRAIN, NULL, &made_hint, err);
        if (!hint) hint = made_hint;
    }
    if (!status) status = describe(p, wanted, &s, q->pass, hint, &p->pd, err);
    if (made_hint) dnnl_primitive_desc_destroy(made_hint);
    if (status) return status;
    conv_roles roles = roles_of(q->pass);
    sg_dnn_binding bindings[] = {{roles.src, roles.dnnl_src, &q->src[0]},
            {roles.weight, roles.dnnl_weight, &s.weight}, {roles.dst, roles.dnnl_dst, &q->dst},
            {roles.bias, roles.dnnl_bias, &s.bias}};
    bool has_bias = q->has_bias && roles.bias != SG_ARG_COUNT;
    return sg_dnn_finish(p, bindings, has_bias ? 4 : 3, err);
}
