/* reorder.c - from one layout of a shape to another.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"

/* The dimensions in which the two layouts meet: those of the one that is not plain (goihw weights
 * and flattened input have more dimensions than their shape). */
static int common_dims(int64_t dims[DNNL_MAX_NDIMS], const sg_layout *from, const sg_layout *to) {
    const sg_dnn_layout *leader = (const sg_dnn_layout *)(from->plain ? to : from);
    sg_md_ref md = sg_md_view(&leader->md);
    sg_md_dims(dims, md);
    return sg_md_ndims(md);
}

static sg_status layout_or_plain(const sg_layout **out, const sg_dnn_primitive *p,
        const sg_wanted *wanted, sg_arg arg, sg_error *err) {
    *out = wanted->arg[arg];
    if (*out) return sg_dnn_check_wanted(p, *out, arg, err);
    return sg_dnn_layout_plain(out, p->backend, &p->base.problem.src[0], SG_F32, err);
}

sg_status sg_dnn_reorder_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    (void)forward;
    const sg_problem *q = &p->base.problem;
    const sg_layout *from, *to;
    sg_status status = layout_or_plain(&from, p, wanted, SG_ARG_SRC0, err);
    if (!status) status = layout_or_plain(&to, p, wanted, SG_ARG_DST, err);
    if (status) return status;
    int64_t dims[DNNL_MAX_NDIMS];
    int ndims = common_dims(dims, from, to);
    sg_md src = {0}, dst = {0};
    dnnl_primitive_attr_t attr = NULL;
    status = sg_dnn_layout_md(&src, from, ndims, dims, err);
    if (!status) status = sg_dnn_layout_md(&dst, to, ndims, dims, err);
    if (!status) status = sg_dnn_attr_create(&attr, q, err);
    if (!status) {
        dnnl_status_t made =
                sg_pd_reorder(&p->pd, p->backend->engine, sg_md_view(&src), sg_md_view(&dst), attr);
        if (made != dnnl_success) status = sg_dnn_fail(err, made, q, "a reorder");
    }
    if (attr) dnnl_primitive_attr_destroy(attr);
    sg_md_dispose(&src);
    sg_md_dispose(&dst);
    return status ? status : sg_dnn_finish(p, err);
}
