/* conv.c - 2-d convolution, grouped and depthwise, all passes.
 *
 * Weights are OIHW for the caller; with groups the library wants them as [g, O/g, I/g, h, w], which
 * are the same plain bytes. Where Winograd (Lavin & Gray 2016) is allowed, own loops have it
 * (winograd.c). What they leave gets the library's: in training by a rule, in prediction where the
 * library's automatic choice expects it to be faster.
 * Forward and backward choose independently, as no pass hands the other anything but tensors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"

/* Outputs are made in tiles of 4 x 4, channels in blocks of 16. Transforming the weights pays from
 * so many tiles on; the gradient of the weights is summed over them, and has only itself to
 * transform. Measured: docs/internals/onednn.md. */
enum { TILE = 4, CHANNELS = 16, TILES = 48, TILES_OF_WEIGHTS = 16 };

bool sg_dnn_winograd_pays(const sg_problem *q, bool weights) {
    int64_t height = q->dst.dims[2], width = q->dst.dims[3];
    int64_t tiles = q->dst.dims[0] * sg_dnn_ceil_div(height, TILE) * sg_dnn_ceil_div(width, TILE);
    if (q->src[0].dims[1] < CHANNELS) return false;
    if (weights) return tiles >= TILES_OF_WEIGHTS && height >= TILE && width >= TILE;
    return tiles >= TILES;
}

/* oneDNN 2.6.3's Winograd gives wrong gradients to the data where padding is uneven. */
static bool is_even(const sg_problem *q) {
    return q->pad_begin[0] == q->pad_end[0] && q->pad_begin[1] == q->pad_end[1];
}

static dnnl_status_t create(dnnl_primitive_desc_t *out, const sg_dnn_primitive *p,
        dnnl_prop_kind_t prop, const sg_pd_data *data, const_dnnl_primitive_desc_t hint,
        const_dnnl_primitive_attr_t attr) {
    const sg_problem *q = &p->base.problem;
    sg_window window = sg_dnn_window(q);
    dnnl_alg_kind_t alg = dnnl_convolution_direct;
    if (p->backend->winograd && prop == dnnl_forward_inference) alg = dnnl_convolution_auto;
    if (p->backend->winograd && prop != dnnl_forward_inference &&
            (prop != dnnl_backward_data || is_even(q)) &&
            sg_dnn_winograd_pays(q, prop == dnnl_backward_weights)) {
        dnnl_status_t done = sg_pd_convolution(out, p->backend->engine, prop,
                dnnl_convolution_winograd, data, &window, hint, attr);
        if (done != dnnl_unimplemented) return done;
    }
    return sg_pd_convolution(out, p->backend->engine, prop, alg, data, &window, hint, attr);
}

sg_status sg_dnn_conv_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    if (sg_dnn_depthwise_offers(q, wanted)) return sg_dnn_depthwise_compile(p, err);
    sg_status status = sg_dnn_winograd_compile(p, wanted, err);
    if (status == SG_ERR_UNSUPPORTED) status = sg_dnn_rearranged_compile(p, wanted, err);
    if (status != SG_ERR_UNSUPPORTED) return status;
    int64_t out = q->dst.dims[1], in = q->src[0].dims[1], g = q->groups;
    int64_t kh = q->kernel[0], kw = q->kernel[1];
    sg_dnn_weighted grouped = {create, 5, {g, out / g, in / g, kh, kw}};
    sg_dnn_weighted dense = {create, 4, {out, in, kh, kw}};
    return sg_dnn_weighted_compile(p, g > 1 ? &grouped : &dense, wanted, forward, err);
}
