/* batch_norm.c - batch normalisation over N, H, W (Ioffe & Szegedy 2015), optionally with ReLU
 * behind it; the ReLU's mask is the workspace. Prediction and fixed statistics take MEAN and VAR as
 * inputs. ReLU6 behind it is left to the planner: the library has none. SPDX-License-Identifier:
 * Apache-2.0 */
#include "backend/onednn/internal.h"

static unsigned flags_of(const sg_problem *q) {
    unsigned flags = dnnl_use_scale | dnnl_use_shift;
    if (q->fixed_statistics || q->pass == SG_PASS_INFER) flags |= dnnl_use_global_stats;
    if (q->fuse_relu) flags |= dnnl_fuse_norm_relu;
    return flags;
}

/* Makes the forward descriptor, and from it the backward one when `prop` asks for that. */
static sg_status describe(sg_dnn_primitive *p, const sg_layout *layout, dnnl_prop_kind_t prop,
        const_dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *out, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    const int64_t *shape = q->src[0].dims;
    bool matrix = q->src[0].rank == 2;
    const int64_t dims[4] = {shape[0], shape[1], matrix ? 1 : shape[2], matrix ? 1 : shape[3]};
    dnnl_primitive_attr_t attr = NULL;
    sg_md md = {0};
    sg_status status = sg_dnn_layout_md(&md, layout, 4, dims, err);
    if (!status) status = sg_dnn_attr_create(&attr, q, err);
    if (!status) {
        sg_md_ref data = sg_md_view(&md);
        dnnl_status_t made = sg_pd_batch_norm(out, p->backend->engine, prop, data,
                prop == dnnl_backward ? data : NULL, (float)q->eps, flags_of(q), hint, attr);
        if (made != dnnl_success) status = sg_dnn_fail(err, made, q, "a batch normalisation");
    }
    if (attr) dnnl_primitive_attr_destroy(attr);
    sg_md_dispose(&md);
    return status;
}

sg_status sg_dnn_batch_norm_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    bool backward = q->pass == SG_PASS_BACKWARD_DATA;
    bool tail = q->fuse_sum || (q->fuse_relu && q->clip > 0);
    if (q->pass == SG_PASS_BACKWARD_WEIGHTS || tail || (backward && q->fuse_relu && !forward))
        return sg_dnn_unsupported(err, q);
    const sg_layout *layout;
    sg_status status = sg_dnn_follow(&layout, p, wanted, forward, err);
    if (status) return status;
    /* The workspace is laid out as the forward pass's data. */
    if (backward && q->fuse_relu) layout = forward->layout[SG_ARG_SRC0];
    if (!backward) {
        p->can_alias = q->pass == SG_PASS_INFER;
        dnnl_prop_kind_t prop =
                q->pass == SG_PASS_TRAIN ? dnnl_forward_training : dnnl_forward_inference;
        status = describe(p, layout, prop, NULL, &p->pd, err);
        return status ? status : sg_dnn_finish(p, err);
    }
    p->can_alias = true;
    dnnl_primitive_desc_t hint = NULL;
    status = describe(p, layout, dnnl_forward_training, NULL, &hint, err);
    if (!status) status = describe(p, layout, dnnl_backward, hint, &p->pd, err);
    if (hint) dnnl_primitive_desc_destroy(hint);
    return status ? status : sg_dnn_finish(p, err);
}
