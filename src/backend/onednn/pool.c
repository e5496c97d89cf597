/* pool.c - maximum, average and global average pooling, forward and backward. Ceil mode is pad_end.
 * The maximum's workspace holds where each maximum was; backward passes keep the layouts of the
 * forward pass, as the workspace is laid out like its output.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"

static dnnl_alg_kind_t algorithm_of(const sg_problem *q) {
    if (q->op == SG_OP_MAX_POOL) return dnnl_pooling_max;
    return q->op == SG_OP_AVG_POOL && q->count_include_pad ? dnnl_pooling_avg_include_padding
                                                           : dnnl_pooling_avg_exclude_padding;
}

/* dst NULL: the library's choice. */
static sg_status describe(sg_dnn_primitive *p, dnnl_prop_kind_t prop, sg_md_ref src, sg_md_ref dst,
        const_dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *out, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    dnnl_primitive_attr_t attr;
    sg_status status = sg_dnn_attr_create(&attr, q, NULL, err);
    if (status) return status;
    sg_md any = {0};
    dnnl_status_t made = dnnl_success;
    dnnl_data_type_t type = dnnl_f32;
    if (p->quant[SG_ARG_SRC0]) sg_dnn_data_type(&type, p->quant[SG_ARG_SRC0]->dtype);
    if (!dst) made = sg_md_init_tag(&any, 4, q->dst.dims, type, dnnl_format_tag_any);
    if (made == dnnl_success) {
        sg_pd_data data = {.src = src, .dst = dst ? dst : sg_md_view(&any)};
        sg_window window = sg_dnn_window(q);
        made = sg_pd_pooling(
                out, p->backend->engine, prop, algorithm_of(q), &data, &window, hint, attr);
    }
    sg_md_dispose(&any);
    dnnl_primitive_attr_destroy(attr);
    return made == dnnl_success ? SG_OK : sg_dnn_fail(err, made, q, "a pooling");
}

/* The library's choice of the output's layout follows the source's. It is kept where it is the
 * wanted one, which a wanted plain layout of one pixel may be in several manners. */
static sg_status describe_forward(
        sg_dnn_primitive *p, const sg_wanted *wanted, sg_md_ref src, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    const sg_layout *want = wanted->arg[SG_ARG_DST], *chosen;
    dnnl_prop_kind_t prop =
            q->pass == SG_PASS_TRAIN ? dnnl_forward_training : dnnl_forward_inference;
    sg_status status = describe(p, prop, src, NULL, NULL, &p->pd, err);
    if (status || !want) return status;
    status = sg_dnn_layout_intern(
            &chosen, p->backend, &q->dst, sg_pd_md(p->pd, dnnl_query_dst_md, 0), NULL, err);
    if (status || chosen == want) return status;
    dnnl_primitive_desc_destroy(p->pd);
    p->pd = NULL;
    sg_md dst = {0};
    status = sg_dnn_md_wanted(&dst, p, wanted, SG_ARG_DST, 4, q->dst.dims, err);
    if (!status) status = describe(p, prop, src, sg_md_view(&dst), NULL, &p->pd, err);
    sg_md_dispose(&dst);
    return status;
}

static sg_status compile_forward(sg_dnn_primitive *p, const sg_wanted *wanted, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    const sg_layout *layout = wanted->arg[SG_ARG_SRC0];
    sg_md src = {0};
    sg_status status = layout ? sg_dnn_check_wanted(p, layout, SG_ARG_SRC0, err)
                              : sg_dnn_layout_plain(&layout, p->backend, &q->src[0], SG_F32, err);
    p->quant[SG_ARG_SRC0] = p->quant[SG_ARG_DST] = layout ? layout->quant : NULL;
    if (!status) status = sg_dnn_layout_md(&src, layout, 4, q->src[0].dims, err);
    if (!status) status = describe_forward(p, wanted, sg_md_view(&src), err);
    sg_md_dispose(&src);
    return status ? status : sg_dnn_finish(p, err);
}

static sg_status compile_backward(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    dnnl_primitive_desc_t made_hint = NULL;
    const_dnnl_primitive_desc_t hint = forward ? forward->pd : NULL;
    sg_md src = {0};
    sg_status status = SG_OK;
    if (!hint) {
        const sg_layout *layout = wanted->arg[SG_ARG_DIFF_SRC0];
        status = layout ? sg_dnn_check_wanted(p, layout, SG_ARG_DIFF_SRC0, err)
                        : sg_dnn_layout_plain(&layout, p->backend, &q->src[0], SG_F32, err);
        if (!status) status = sg_dnn_layout_md(&src, layout, 4, q->src[0].dims, err);
        if (!status)
            status = describe(
                    p, dnnl_forward_training, sg_md_view(&src), NULL, NULL, &made_hint, err);
        hint = made_hint;
    }
    if (!status)
        status = describe(p, dnnl_backward_data, sg_pd_md(hint, dnnl_query_src_md, 0),
                sg_pd_md(hint, dnnl_query_dst_md, 0), hint, &p->pd, err);
    if (made_hint) dnnl_primitive_desc_destroy(made_hint);
    sg_md_dispose(&src);
    return status ? status : sg_dnn_finish(p, err);
}

/* The library divides by the whole kernel, also where it hangs over the padding that counts. */
static bool counts_overhang(const sg_problem *q) {
    return q->op == SG_OP_AVG_POOL && q->count_include_pad &&
           (q->pad_end[0] > q->pad_begin[0] || q->pad_end[1] > q->pad_begin[1]);
}

sg_status sg_dnn_pool_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    if (counts_overhang(q)) return sg_dnn_unsupported(err, q);
    switch (q->pass) {
    case SG_PASS_INFER:
    case SG_PASS_TRAIN:
        return compile_forward(p, wanted, err);
    case SG_PASS_BACKWARD_DATA:
        if (q->op == SG_OP_MAX_POOL && !forward) break;
        return compile_backward(p, wanted, forward, err);
    default:
        break;
    }
    return sg_dnn_unsupported(err, q);
}
