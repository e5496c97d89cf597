/* linear.c - fully connected layer: [n,c,h,w] or [n,c], flattened in NCHW order, times [out, in]
 * transposed, plus bias; all passes. A 4-d source keeps its blocked layout: the weights are then
 * seen as [out, c, h, w], the same plain bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"

static dnnl_status_t create(dnnl_primitive_desc_t *out, const sg_dnn_primitive *p,
        dnnl_prop_kind_t prop, const sg_pd_data *data, const_dnnl_primitive_desc_t hint,
        const_dnnl_primitive_attr_t attr) {
    return sg_pd_inner_product(out, p->backend->engine, prop, data, hint, attr);
}

sg_status sg_dnn_linear_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    const sg_shape *src = &p->base.problem.src[0];
    sg_dnn_weighted of = {create, src->rank, {p->base.problem.dst.dims[1]}};
    for (int i = 1; i < src->rank; i++) of.weight_dims[i] = src->dims[i];
    return sg_dnn_weighted_compile(p, &of, wanted, forward, err);
}
