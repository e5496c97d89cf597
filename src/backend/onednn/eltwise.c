/* eltwise.c - ReLU, and ReLU6 (clip > 0), on any layout. Backward reads the output, not the input,
 * so that forward may be in place. SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"

static sg_status describe(sg_dnn_primitive *p, sg_md_ref data, bool backward,
        const_dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *out, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    dnnl_alg_kind_t alg =
            q->clip > 0 ? dnnl_eltwise_clip_v2_use_dst_for_bwd : dnnl_eltwise_relu_use_dst_for_bwd;
    /* Inference has the algorithms without a backward form only. */
    if (q->pass == SG_PASS_INFER) alg = q->clip > 0 ? dnnl_eltwise_clip_v2 : dnnl_eltwise_relu;
    dnnl_primitive_attr_t attr;
    sg_status status = sg_dnn_attr_create(&attr, q, err);
    if (status) return status;
    dnnl_prop_kind_t prop =
            q->pass == SG_PASS_INFER ? dnnl_forward_inference : dnnl_forward_training;
    dnnl_status_t made =
            sg_pd_eltwise(out, p->backend->engine, backward ? dnnl_backward_data : prop, alg, data,
                    backward ? data : NULL, 0.0f, (float)q->clip, hint, attr);
    dnnl_primitive_attr_destroy(attr);
    return made == dnnl_success ? SG_OK : sg_dnn_fail(err, made, q, "a ReLU");
}

sg_status sg_dnn_relu_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    const sg_shape *shape = &q->src[0];
    bool backward = q->pass == SG_PASS_BACKWARD_DATA;
    if (q->pass == SG_PASS_BACKWARD_WEIGHTS) return sg_dnn_unsupported(err, q);
    const sg_layout *layout;
    sg_md md = {0};
    sg_status status = sg_dnn_follow(&layout, p, wanted, forward, err);
    if (!status) status = sg_dnn_layout_md(&md, layout, shape->rank, shape->dims, err);
    if (status) return status;
    p->can_alias = true;
    if (backward) {
        dnnl_primitive_desc_t hint = NULL;
        status = describe(p, sg_md_view(&md), false, NULL, &hint, err);
        if (!status) status = describe(p, sg_md_view(&md), true, hint, &p->pd, err);
        if (hint) dnnl_primitive_desc_destroy(hint);
    } else {
        status = describe(p, sg_md_view(&md), false, NULL, &p->pd, err);
    }
    sg_md_dispose(&md);
    return status ? status : sg_dnn_finish(p, err);
}
