/* reorder.c - from one layout of a shape to another.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"
#include <stdlib.h>

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

/* stored there = real / scale there, real = stored here * scale here. Several scales belong to the
 * first dimension: the output channels of weights, which groups cut into two dimensions. */
static sg_status find_factors(float **out, sg_dnn_scaling *scaling, const sg_layout *from,
        const sg_layout *to, const int64_t *dims, sg_error *err) {
    const sg_quant *a = from->quant, *b = to->quant;
    int count = a && a->count > 1 ? a->count : b ? b->count : 1;
    float *factors = malloc((size_t)count * sizeof *factors);
    if (!factors) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a reorder");
    for (int i = 0; i < count; i++) {
        float here = a ? a->scale[a->count > 1 ? i : 0] : 1.0f;
        float there = b ? b->scale[b->count > 1 ? i : 0] : 1.0f;
        factors[i] = here / there;
    }
    scaling->result = factors;
    scaling->count = count;
    if (count > 1) scaling->mask = dims[0] == count ? 1 : 1 | 2;
    *out = factors;
    return SG_OK;
}

sg_status sg_dnn_reorder_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    (void)forward;
    const sg_problem *q = &p->base.problem;
    const sg_layout *from, *to;
    sg_status status = layout_or_plain(&from, p, wanted, SG_ARG_SRC0, err);
    if (!status) status = layout_or_plain(&to, p, wanted, SG_ARG_DST, err);
    if (status) return status;
    if (((const sg_dnn_layout *)from)->winograd) return sg_dnn_unsupported(err, q);
    if (((const sg_dnn_layout *)to)->winograd && !from->plain) return sg_dnn_unsupported(err, q);
    if (((const sg_dnn_layout *)to)->winograd) {
        sg_dnn_winograd_reorder(p, from, to);
        return SG_OK;
    }
    int64_t dims[DNNL_MAX_NDIMS];
    int ndims = common_dims(dims, from, to);
    sg_dnn_scaling scaling = {.summand = 1.0f, .summand_type = dnnl_data_type_undef, .unit = 1.0f};
    float *factors = NULL;
    bool stored = from->quant || to->quant;
    if (stored) status = find_factors(&factors, &scaling, from, to, dims, err);
    if (status) return status;
    p->quant[SG_ARG_SRC0] = from->quant;
    p->quant[SG_ARG_DST] = to->quant;
    sg_md src = {0}, dst = {0};
    dnnl_primitive_attr_t attr = NULL;
    status = sg_dnn_layout_md(&src, from, ndims, dims, err);
    if (!status) status = sg_dnn_layout_md(&dst, to, ndims, dims, err);
    if (!status) status = sg_dnn_attr_create(&attr, q, stored ? &scaling : NULL, err);
    if (!status) {
        dnnl_status_t made =
                sg_pd_reorder(&p->pd, p->backend->engine, sg_md_view(&src), sg_md_view(&dst), attr);
        if (made != dnnl_success) status = sg_dnn_fail(err, made, q, "a reorder");
    }
    if (attr) dnnl_primitive_attr_destroy(attr);
    sg_md_dispose(&src);
    sg_md_dispose(&dst);
    free(factors);
    return status ? status : sg_dnn_finish(p, err);
}
