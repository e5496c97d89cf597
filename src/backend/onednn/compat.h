/* compat.h - the one place where oneDNN 2.6 and 3.x look alike.
 *
 * Version 2 passes memory descriptors by value and makes primitive descriptors in two steps;
 * version 3 has opaque descriptors and one call per primitive. Here both are: an owned `sg_md`, a
 * borrowed `sg_md_ref`, and one sg_pd_* function per primitive. Results are the library's own
 * statuses; their translation happens in primitive.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BACKEND_ONEDNN_COMPAT_H
#define SG_BACKEND_ONEDNN_COMPAT_H

#include <oneapi/dnnl/dnnl.h>
#include <stdbool.h>
#include <stddef.h>

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t sg_md;
typedef const_dnnl_memory_desc_t sg_md_ref;
#else
typedef dnnl_memory_desc_t sg_md;
typedef const dnnl_memory_desc_t *sg_md_ref;
#endif

/* ---- memory descriptors ---- */

/* Owned: dispose what init or clone made. A zeroed sg_md may be disposed, too. */
dnnl_status_t sg_md_init_tag(
        sg_md *out, int ndims, const int64_t *dims, dnnl_data_type_t type, dnnl_format_tag_t tag);
dnnl_status_t sg_md_init_dense(sg_md *out, int ndims, const int64_t *dims, dnnl_data_type_t type);
/* The same bytes seen with other dimensions. */
dnnl_status_t sg_md_init_reshaped(sg_md *out, sg_md_ref md, int ndims, const int64_t *dims);
dnnl_status_t sg_md_clone(sg_md *out, sg_md_ref md);
void sg_md_dispose(sg_md *md);
/* The same order with other elements. Version 2 only. */
dnnl_status_t sg_md_clone_as(sg_md *out, sg_md_ref md, dnnl_data_type_t type);

sg_md_ref sg_md_view(const sg_md *md);
bool sg_md_equal(sg_md_ref a, sg_md_ref b);
size_t sg_md_bytes(sg_md_ref md); /* 0 for an absent argument */

/* How a blocked descriptor lies in memory; false for opaque ones (Winograd weights). */
typedef struct sg_md_blocking {
    int ndims, block_count;
    int64_t dims[DNNL_MAX_NDIMS], padded[DNNL_MAX_NDIMS], strides[DNNL_MAX_NDIMS];
    int64_t blocks[DNNL_MAX_NDIMS]; /* innermost last, dense */
    int64_t block_dim[DNNL_MAX_NDIMS];
} sg_md_blocking;
bool sg_md_blocking_get(sg_md_blocking *out, sg_md_ref md);
int sg_md_ndims(sg_md_ref md);
void sg_md_dims(int64_t out[DNNL_MAX_NDIMS], sg_md_ref md);

/* ---- attributes ---- */

/* Adds scale times what the destination holds, which is of this type (undef: the destination's). */
dnnl_status_t sg_post_op_sum(dnnl_post_ops_t ops, float scale, dnnl_data_type_t type);
/* What results are multiplied by before the post-ops: one, or one per index of the dimensions in
 * `mask`. Version 2 only: version 3 says it in another way, and 8 bits are not offered there. */
dnnl_status_t sg_attr_scales(dnnl_primitive_attr_t attr, int count, int mask, const float *scales);
dnnl_status_t sg_post_op_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t alg, float alpha, float beta);

/* ---- primitive descriptors ---- */

/* Spatial settings, height then width. dilation 0 = dense, as the library counts. */
typedef struct sg_window {
    dnnl_dims_t kernel, stride, dilation, pad_begin, pad_end;
} sg_window;

/* Data arguments of one primitive; NULL where there is none. In backward passes the members stand
 * for the differences where the pass is about them (diff_src, diff_weights, diff_dst). */
typedef struct sg_pd_data {
    sg_md_ref src, weights, bias, dst;
} sg_pd_data;

/* `prop` names the pass: dnnl_forward_*, dnnl_backward_data, dnnl_backward_weights. `hint` is the
 * forward descriptor of a backward pass. */
dnnl_status_t sg_pd_convolution(dnnl_primitive_desc_t *out, dnnl_engine_t engine,
        dnnl_prop_kind_t prop, dnnl_alg_kind_t alg, const sg_pd_data *data, const sg_window *window,
        const_dnnl_primitive_desc_t hint, const_dnnl_primitive_attr_t attr);
dnnl_status_t sg_pd_inner_product(dnnl_primitive_desc_t *out, dnnl_engine_t engine,
        dnnl_prop_kind_t prop, const sg_pd_data *data, const_dnnl_primitive_desc_t hint,
        const_dnnl_primitive_attr_t attr);
dnnl_status_t sg_pd_pooling(dnnl_primitive_desc_t *out, dnnl_engine_t engine, dnnl_prop_kind_t prop,
        dnnl_alg_kind_t alg, const sg_pd_data *data, const sg_window *window,
        const_dnnl_primitive_desc_t hint, const_dnnl_primitive_attr_t attr);
dnnl_status_t sg_pd_reorder(dnnl_primitive_desc_t *out, dnnl_engine_t engine, sg_md_ref from,
        sg_md_ref to, const_dnnl_primitive_attr_t attr);

sg_md_ref sg_pd_md(const_dnnl_primitive_desc_t pd, dnnl_query_t what, int index);
const char *sg_pd_implementation(const_dnnl_primitive_desc_t pd);

#endif
