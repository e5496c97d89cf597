/* compat.c - see compat.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/compat.h"
#include <string.h>

/* ---- the same in both versions ---- */

dnnl_status_t sg_md_init_dense(sg_md *out, int ndims, const int64_t *dims, dnnl_data_type_t type) {
    static const dnnl_format_tag_t tags[] = {
            dnnl_format_tag_undef, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd, dnnl_abcde, dnnl_abcdef};
    if (ndims < 1 || ndims > 6) return dnnl_invalid_arguments;
    return sg_md_init_tag(out, ndims, dims, type, tags[ndims]);
}

sg_md_ref sg_pd_md(const_dnnl_primitive_desc_t pd, dnnl_query_t what, int index) {
    return dnnl_primitive_desc_query_md(pd, what, index);
}

const char *sg_pd_implementation(const_dnnl_primitive_desc_t pd) {
    const char *text = NULL;
    if (dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &text) != dnnl_success || !text)
        return "unknown";
    return text;
}

bool sg_md_equal(sg_md_ref a, sg_md_ref b) {
    return dnnl_memory_desc_equal(a, b) != 0;
}

size_t sg_md_bytes(sg_md_ref md) {
    return md ? dnnl_memory_desc_get_size(md) : 0;
}

#if DNNL_VERSION_MAJOR >= 3

/* ---- memory descriptors, version 3: opaque ---- */

dnnl_status_t sg_md_init_tag(
        sg_md *out, int ndims, const int64_t *dims, dnnl_data_type_t type, dnnl_format_tag_t tag) {
    return dnnl_memory_desc_create_with_tag(out, ndims, dims, type, tag);
}

dnnl_status_t sg_md_init_reshaped(sg_md *out, sg_md_ref md, int ndims, const int64_t *dims) {
    return dnnl_memory_desc_reshape(out, md, ndims, dims);
}

dnnl_status_t sg_md_clone(sg_md *out, sg_md_ref md) {
    return dnnl_memory_desc_clone(out, md);
}

dnnl_status_t sg_md_clone_as(sg_md *out, sg_md_ref md, dnnl_data_type_t type) {
    (void)out;
    (void)md;
    (void)type;
    return dnnl_unimplemented;
}

void sg_md_dispose(sg_md *md) {
    if (*md) dnnl_memory_desc_destroy(*md);
    *md = NULL;
}

sg_md_ref sg_md_view(const sg_md *md) {
    return *md;
}

int sg_md_ndims(sg_md_ref md) {
    int32_t ndims = 0;
    if (dnnl_memory_desc_query(md, dnnl_query_ndims_s32, &ndims) != dnnl_success) return 0;
    return ndims;
}

/* Copies one array of the descriptor; false when it has none. */
static bool copy_dims(int64_t *out, sg_md_ref md, dnnl_query_t what, int count) {
    dnnl_dims_t *from = NULL;
    if (dnnl_memory_desc_query(md, what, &from) != dnnl_success || !from) return false;
    memcpy(out, *from, (size_t)count * sizeof *out);
    return true;
}

void sg_md_dims(int64_t out[DNNL_MAX_NDIMS], sg_md_ref md) {
    if (!copy_dims(out, md, dnnl_query_dims, sg_md_ndims(md)))
        memset(out, 0, DNNL_MAX_NDIMS * sizeof *out);
}

bool sg_md_blocking_get(sg_md_blocking *out, sg_md_ref md) {
    dnnl_format_kind_t kind = dnnl_format_kind_undef;
    int64_t offset = 0;
    int32_t blocks = 0;
    if (dnnl_memory_desc_query(md, dnnl_query_format_kind, &kind) != dnnl_success ||
            kind != dnnl_blocked)
        return false;
    if (dnnl_memory_desc_query(md, dnnl_query_submemory_offset_s64, &offset) != dnnl_success ||
            offset != 0)
        return false;
    if (dnnl_memory_desc_query(md, dnnl_query_inner_nblks_s32, &blocks) != dnnl_success)
        return false;
    *out = (sg_md_blocking){.ndims = sg_md_ndims(md), .block_count = blocks};
    if (!copy_dims(out->dims, md, dnnl_query_dims, out->ndims) ||
            !copy_dims(out->padded, md, dnnl_query_padded_dims, out->ndims) ||
            !copy_dims(out->strides, md, dnnl_query_strides, out->ndims))
        return false;
    return blocks == 0 || (copy_dims(out->blocks, md, dnnl_query_inner_blks, blocks) &&
                                  copy_dims(out->block_dim, md, dnnl_query_inner_idxs, blocks));
}

/* ---- attributes, version 3 ---- */

dnnl_status_t sg_post_op_sum(dnnl_post_ops_t ops, float scale, dnnl_data_type_t type) {
    return dnnl_post_ops_append_sum(ops, scale, 0, type);
}

dnnl_status_t sg_attr_scales(dnnl_primitive_attr_t attr, int count, int mask, const float *scales) {
    (void)attr;
    (void)count;
    (void)mask;
    (void)scales;
    return dnnl_unimplemented;
}

dnnl_status_t sg_post_op_eltwise(
        dnnl_post_ops_t ops, dnnl_alg_kind_t alg, float alpha, float beta) {
    return dnnl_post_ops_append_eltwise(ops, alg, alpha, beta);
}

/* ---- primitive descriptors, version 3 ---- */

dnnl_status_t sg_pd_convolution(dnnl_primitive_desc_t *out, dnnl_engine_t engine,
        dnnl_prop_kind_t prop, dnnl_alg_kind_t alg, const sg_pd_data *data, const sg_window *w,
        const_dnnl_primitive_desc_t hint, const_dnnl_primitive_attr_t attr) {
    switch (prop) {
    case dnnl_backward_data:
        return dnnl_convolution_backward_data_primitive_desc_create(out, engine, alg, data->src,
                data->weights, data->dst, w->stride, w->dilation, w->pad_begin, w->pad_end, hint,
                attr);
    case dnnl_backward_weights:
        return dnnl_convolution_backward_weights_primitive_desc_create(out, engine, alg, data->src,
                data->weights, data->bias, data->dst, w->stride, w->dilation, w->pad_begin,
                w->pad_end, hint, attr);
    default:
        return dnnl_convolution_forward_primitive_desc_create(out, engine, prop, alg, data->src,
                data->weights, data->bias, data->dst, w->stride, w->dilation, w->pad_begin,
                w->pad_end, attr);
    }
}

dnnl_status_t sg_pd_inner_product(dnnl_primitive_desc_t *out, dnnl_engine_t engine,
        dnnl_prop_kind_t prop, const sg_pd_data *data, const_dnnl_primitive_desc_t hint,
        const_dnnl_primitive_attr_t attr) {
    switch (prop) {
    case dnnl_backward_data:
        return dnnl_inner_product_backward_data_primitive_desc_create(
                out, engine, data->src, data->weights, data->dst, hint, attr);
    case dnnl_backward_weights:
        return dnnl_inner_product_backward_weights_primitive_desc_create(
                out, engine, data->src, data->weights, data->bias, data->dst, hint, attr);
    default:
        return dnnl_inner_product_forward_primitive_desc_create(
                out, engine, prop, data->src, data->weights, data->bias, data->dst, attr);
    }
}

dnnl_status_t sg_pd_pooling(dnnl_primitive_desc_t *out, dnnl_engine_t engine, dnnl_prop_kind_t prop,
        dnnl_alg_kind_t alg, const sg_pd_data *data, const sg_window *w,
        const_dnnl_primitive_desc_t hint, const_dnnl_primitive_attr_t attr) {
    if (prop == dnnl_backward_data)
        return dnnl_pooling_backward_primitive_desc_create(out, engine, alg, data->src, data->dst,
                w->stride, w->kernel, w->dilation, w->pad_begin, w->pad_end, hint, attr);
    return dnnl_pooling_forward_primitive_desc_create(out, engine, prop, alg, data->src, data->dst,
            w->stride, w->kernel, w->dilation, w->pad_begin, w->pad_end, attr);
}

#else

/* ---- memory descriptors, version 2: plain structs ---- */

dnnl_status_t sg_md_init_tag(
        sg_md *out, int ndims, const int64_t *dims, dnnl_data_type_t type, dnnl_format_tag_t tag) {
    return dnnl_memory_desc_init_by_tag(out, ndims, dims, type, tag);
}

dnnl_status_t sg_md_init_reshaped(sg_md *out, sg_md_ref md, int ndims, const int64_t *dims) {
    return dnnl_memory_desc_reshape(out, md, ndims, dims);
}

dnnl_status_t sg_md_clone(sg_md *out, sg_md_ref md) {
    *out = *md;
    return dnnl_success;
}

dnnl_status_t sg_md_clone_as(sg_md *out, sg_md_ref md, dnnl_data_type_t type) {
    *out = *md;
    out->data_type = type;
    return dnnl_success;
}

void sg_md_dispose(sg_md *md) {
    *md = (sg_md){0};
}

sg_md_ref sg_md_view(const sg_md *md) {
    return md;
}

int sg_md_ndims(sg_md_ref md) {
    return md->ndims;
}

void sg_md_dims(int64_t out[DNNL_MAX_NDIMS], sg_md_ref md) {
    memcpy(out, md->dims, sizeof md->dims);
}

bool sg_md_blocking_get(sg_md_blocking *out, sg_md_ref md) {
    if (md->format_kind != dnnl_blocked || md->offset0 != 0) return false;
    const dnnl_blocking_desc_t *b = &md->format_desc.blocking;
    *out = (sg_md_blocking){.ndims = md->ndims, .block_count = b->inner_nblks};
    memcpy(out->dims, md->dims, sizeof out->dims);
    memcpy(out->padded, md->padded_dims, sizeof out->padded);
    memcpy(out->strides, b->strides, sizeof out->strides);
    memcpy(out->blocks, b->inner_blks, sizeof out->blocks);
    memcpy(out->block_dim, b->inner_idxs, sizeof out->block_dim);
    return true;
}

/* ---- attributes, version 2 ---- */

dnnl_status_t sg_post_op_sum(dnnl_post_ops_t ops, float scale, dnnl_data_type_t type) {
    return dnnl_post_ops_append_sum_v2(ops, scale, type);
}

dnnl_status_t sg_attr_scales(dnnl_primitive_attr_t attr, int count, int mask, const float *scales) {
    return dnnl_primitive_attr_set_output_scales(attr, count, mask, scales);
}

dnnl_status_t sg_post_op_eltwise(
        dnnl_post_ops_t ops, dnnl_alg_kind_t alg, float alpha, float beta) {
    return dnnl_post_ops_append_eltwise(ops, 1.0f, alg, alpha, beta);
}

/* ---- primitive descriptors, version 2: describe, then create ---- */

static dnnl_status_t create(dnnl_primitive_desc_t *out, dnnl_engine_t engine,
        const_dnnl_op_desc_t op, const_dnnl_primitive_desc_t hint,
        const_dnnl_primitive_attr_t attr) {
    return dnnl_primitive_desc_create(out, op, attr, engine, hint);
}

dnnl_status_t sg_pd_convolution(dnnl_primitive_desc_t *out, dnnl_engine_t engine,
        dnnl_prop_kind_t prop, dnnl_alg_kind_t alg, const sg_pd_data *data, const sg_window *w,
        const_dnnl_primitive_desc_t hint, const_dnnl_primitive_attr_t attr) {
    dnnl_convolution_desc_t op;
    dnnl_status_t status;
    switch (prop) {
    case dnnl_backward_data:
        status = dnnl_dilated_convolution_backward_data_desc_init(&op, alg, data->src,
                data->weights, data->dst, w->stride, w->dilation, w->pad_begin, w->pad_end);
        break;
    case dnnl_backward_weights:
        status = dnnl_dilated_convolution_backward_weights_desc_init(&op, alg, data->src,
                data->weights, data->bias, data->dst, w->stride, w->dilation, w->pad_begin,
                w->pad_end);
        break;
    default:
        status =
                dnnl_dilated_convolution_forward_desc_init(&op, prop, alg, data->src, data->weights,
                        data->bias, data->dst, w->stride, w->dilation, w->pad_begin, w->pad_end);
    }
    return status == dnnl_success ? create(out, engine, &op, hint, attr) : status;
}

dnnl_status_t sg_pd_inner_product(dnnl_primitive_desc_t *out, dnnl_engine_t engine,
        dnnl_prop_kind_t prop, const sg_pd_data *data, const_dnnl_primitive_desc_t hint,
        const_dnnl_primitive_attr_t attr) {
    dnnl_inner_product_desc_t op;
    dnnl_status_t status;
    switch (prop) {
    case dnnl_backward_data:
        status = dnnl_inner_product_backward_data_desc_init(
                &op, data->src, data->weights, data->dst);
        break;
    case dnnl_backward_weights:
        status = dnnl_inner_product_backward_weights_desc_init(
                &op, data->src, data->weights, data->bias, data->dst);
        break;
    default:
        status = dnnl_inner_product_forward_desc_init(
                &op, prop, data->src, data->weights, data->bias, data->dst);
    }
    return status == dnnl_success ? create(out, engine, &op, hint, attr) : status;
}

dnnl_status_t sg_pd_pooling(dnnl_primitive_desc_t *out, dnnl_engine_t engine, dnnl_prop_kind_t prop,
        dnnl_alg_kind_t alg, const sg_pd_data *data, const sg_window *w,
        const_dnnl_primitive_desc_t hint, const_dnnl_primitive_attr_t attr) {
    dnnl_pooling_v2_desc_t op;
    dnnl_status_t status =
            prop == dnnl_backward_data
                    ? dnnl_pooling_v2_backward_desc_init(&op, alg, data->src, data->dst, w->stride,
                              w->kernel, w->dilation, w->pad_begin, w->pad_end)
                    : dnnl_pooling_v2_forward_desc_init(&op, prop, alg, data->src, data->dst,
                              w->stride, w->kernel, w->dilation, w->pad_begin, w->pad_end);
    return status == dnnl_success ? create(out, engine, &op, hint, attr) : status;
}

#endif

dnnl_status_t sg_pd_reorder(dnnl_primitive_desc_t *out, dnnl_engine_t engine, sg_md_ref from,
        sg_md_ref to, const_dnnl_primitive_attr_t attr) {
    return dnnl_reorder_primitive_desc_create(out, from, engine, to, engine, attr);
}
