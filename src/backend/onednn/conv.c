/* conv.c - 2-d convolution, grouped and depthwise, all passes.
 *
 * Weights are OIHW for the caller; with groups the library wants them as [g, O/g, I/g, h, w], which
 * are the same plain bytes. Winograd (Lavin & Gray 2016) is taken where the library's automatic
 * choice expects it to be faster; forward and backward choose independently, as no pass hands the
 * other anything but tensors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"

static dnnl_status_t create(dnnl_primitive_desc_t *out, const sg_dnn_primitive *p,
        dnnl_prop_kind_t prop, const sg_pd_data *data, const_dnnl_primitive_desc_t hint,
        const_dnnl_primitive_attr_t attr) {
    sg_window window = sg_dnn_window(&p->base.problem);
    dnnl_alg_kind_t alg = p->backend->winograd ? dnnl_convolution_auto : dnnl_convolution_direct;
    return sg_pd_convolution(out, p->backend->engine, prop, alg, data, &window, hint, attr);
}

sg_status sg_dnn_conv_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    if (sg_dnn_depthwise_offers(q, wanted)) return sg_dnn_depthwise_compile(p, err);
    int64_t out = q->dst.dims[1], in = q->src[0].dims[1], g = q->groups;
    int64_t kh = q->kernel[0], kw = q->kernel[1];
    sg_dnn_weighted grouped = {create, 5, {g, out / g, in / g, kh, kw}};
    sg_dnn_weighted dense = {create, 4, {out, in, kh, kw}};
    return sg_dnn_weighted_compile(p, g > 1 ? &grouped : &dense, wanted, forward, err);
}
