/* layout.c - interned layouts: descriptor in, one address per layout out.
 *
 * A descriptor whose bytes are those of the plain layout becomes the plain layout, whatever the
 * library calls it (nChw16c of [n, 1024, 1, 1]; goihw of OIHW weights): fewer reorders, and one
 * name for one thing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

bool sg_dnn_data_type(dnnl_data_type_t *out, sg_dtype dtype) {
    switch (dtype) {
    case SG_F32:
        *out = dnnl_f32;
        return true;
    case SG_BF16:
        *out = dnnl_bf16;
        return true;
    case SG_F16:
        *out = dnnl_f16;
        return true;
    case SG_I32:
        *out = dnnl_s32;
        return true;
    case SG_I8:
        *out = dnnl_s8;
        return true;
    case SG_U8:
        *out = dnnl_u8;
        return true;
    default:
        return false;
    }
}

/* ---- what a descriptor's memory looks like ---- */

/* Same bytes as dense, last dimension fastest? Dimensions of size 1 may have any stride. */
static bool is_dense(const sg_md_blocking *m) {
    int64_t block[DNNL_MAX_NDIMS], dense[DNNL_MAX_NDIMS], step = 1;
    for (int d = m->ndims - 1; d >= 0; d--) {
        if (m->padded[d] != m->dims[d]) return false;
        block[d] = 1;
        dense[d] = step;
        step *= m->dims[d];
    }
    step = 1;
    for (int i = m->block_count - 1; i >= 0; i--) {
        int64_t d = m->block_dim[i];
        if (block[d] != 1 || (m->blocks[i] > 1 && dense[d] != step)) return false;
        block[d] = m->blocks[i];
        step *= m->blocks[i];
    }
    for (int d = 0; d < m->ndims; d++)
        if (m->dims[d] / block[d] > 1 && m->strides[d] != dense[d] * block[d]) return false;
    return true;
}

/* Fills the view of [n,c], [n,c,h,w] descriptors that our loops can walk. */
static bool view_of(sg_dnn_view *out, const sg_md_blocking *m) {
    if (m->ndims != 2 && m->ndims != 4) return false;
    int64_t height = m->ndims == 4 ? m->dims[2] : 1, width = m->ndims == 4 ? m->dims[3] : 1;
    sg_dnn_view v = {.n = m->dims[0], .channels = m->dims[1], .spatial = height * width};
    v.stride_n = m->strides[0];
    v.stride_group = m->strides[1];
    v.stride_spatial = width > 1 ? m->strides[3] : height > 1 ? m->strides[2] : 1;
    if (height > 1 && width > 1 && m->strides[2] != width * m->strides[3]) return false;
    if (m->block_count == 0) {
        bool together = m->strides[1] == 1 && (v.spatial == 1 || v.stride_spatial >= v.channels);
        v.block = together ? v.channels : 1;
    } else if (m->block_count == 1 && m->block_dim[0] == 1) {
        v.block = m->blocks[0];
    } else {
        return false;
    }
    if (m->padded[0] != m->dims[0] || v.block < 1) return false;
    v.groups = (v.channels + v.block - 1) / v.block;
    *out = v;
    return true;
}

/* ---- interning ---- */

static sg_status add_layout(
        const sg_layout **out, sg_dnn_backend *b, const sg_dnn_layout *made, sg_error *err) {
    sg_status status =
            sg_grow(&b->layouts, &b->layout_capacity, b->layout_count + 1, sizeof *b->layouts, err);
    if (status) return status;
    sg_dnn_layout *layout = malloc(sizeof *layout);
    if (!layout) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a tensor layout");
    *layout = *made;
    sg_md_blocking m;
    if (layout->has_md && sg_md_blocking_get(&m, sg_md_view(&layout->md)))
        layout->has_view = view_of(&layout->view, &m);
    b->layouts[b->layout_count++] = layout;
    *out = &layout->base;
    return SG_OK;
}

sg_status sg_dnn_layout_plain(const sg_layout **out, sg_dnn_backend *b, const sg_shape *shape,
        sg_dtype dtype, sg_error *err) {
    for (size_t i = 0; i < b->layout_count; i++) {
        const sg_layout *l = &b->layouts[i]->base;
        if (!l->plain || l->dtype != dtype || !sg_shape_equal(&l->shape, shape)) continue;
        *out = l;
        return SG_OK;
    }
    int64_t count;
    sg_status status = sg_shape_elements(&count, shape, err);
    if (status) return status;
    char text[SG_SHAPE_TEXT];
    if (count == 0)
        return sg_fail(err, SG_ERR_SHAPE, "a tensor of shape %s has no elements",
                sg_shape_text(text, shape));
    sg_dnn_layout made = {.base = {.shape = *shape,
                                  .dtype = dtype,
                                  .bytes = (size_t)count * sg_dtype_size(dtype),
                                  .plain = true}};
    static const int64_t one = 1;
    dnnl_data_type_t type;
    if (sg_dnn_data_type(&type, dtype)) {
        bool scalar = shape->rank == 0;
        dnnl_status_t done = sg_md_init_dense(
                &made.md, scalar ? 1 : shape->rank, scalar ? &one : shape->dims, type);
        if (done != dnnl_success) return sg_dnn_fail(err, done, NULL, "a plain layout");
        made.has_md = true;
    }
    status = add_layout(out, b, &made, err);
    if (status && made.has_md) sg_md_dispose(&made.md);
    return status;
}

static bool same_quant(const sg_quant *a, const sg_quant *b) {
    if (!a || !b) return a == b;
    return a->dtype == b->dtype && a->count == b->count &&
           memcmp(a->scale, b->scale, (size_t)a->count * sizeof *a->scale) == 0;
}

/* Gives the newest layout its own copy of `quant`, and its twin in float32 where there is one. */
static sg_status store_quant(sg_dnn_backend *b, const sg_quant *quant, sg_error *err) {
    sg_dnn_layout *l = b->layouts[b->layout_count - 1];
    size_t bytes = (size_t)quant->count * sizeof(float);
    float *scale = malloc(bytes);
    if (!scale) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a tensor layout");
    memcpy(scale, quant->scale, bytes);
    l->quant = *quant;
    l->quant.scale = scale;
    l->base.quant = &l->quant;
    sg_status status = sg_dnn_layout_like(&l->base.dequantised, b, &l->base.shape, &l->base, NULL);
    return status == SG_ERR_UNSUPPORTED ? SG_OK : status;
}

sg_status sg_dnn_layout_intern(const sg_layout **out, sg_dnn_backend *b, const sg_shape *shape,
        sg_md_ref md, const sg_quant *quant, sg_error *err) {
    sg_md_blocking m;
    if (!quant && sg_md_blocking_get(&m, md) && is_dense(&m))
        return sg_dnn_layout_plain(out, b, shape, SG_F32, err);
    for (size_t i = 0; i < b->layout_count; i++) {
        const sg_dnn_layout *l = b->layouts[i];
        if (!l->has_md || !sg_shape_equal(&l->base.shape, shape) ||
                !same_quant(l->base.quant, quant) || !sg_md_equal(sg_md_view(&l->md), md))
            continue;
        *out = &l->base;
        return SG_OK;
    }
    sg_dtype dtype = quant ? quant->dtype : SG_F32;
    sg_dnn_layout made = {
            .base = {.shape = *shape, .dtype = dtype, .bytes = sg_md_bytes(md)}, .has_md = true};
    dnnl_status_t done = sg_md_clone(&made.md, md);
    if (done != dnnl_success) return sg_dnn_fail(err, done, NULL, "a layout");
    sg_status status = add_layout(out, b, &made, err);
    if (status) sg_md_dispose(&made.md);
    return status || !quant ? status : store_quant(b, quant, err);
}

sg_status sg_dnn_layout_winograd(const sg_layout **out, sg_dnn_backend *b, const sg_shape *shape,
        size_t bytes, sg_error *err) {
    for (size_t i = 0; i < b->layout_count; i++) {
        const sg_dnn_layout *l = b->layouts[i];
        if (!l->winograd || !sg_shape_equal(&l->base.shape, shape)) continue;
        *out = &l->base;
        return SG_OK;
    }
    sg_dnn_layout made = {
            .base = {.shape = *shape, .dtype = SG_F32, .bytes = bytes}, .winograd = true};
    return add_layout(out, b, &made, err);
}

sg_status sg_dnn_layout_bytes(
        const sg_layout **out, sg_dnn_backend *b, size_t bytes, sg_error *err) {
    int64_t count = (int64_t)bytes;
    sg_shape shape = sg_shape_of(1, &count);
    return sg_dnn_layout_plain(out, b, &shape, SG_U8, err);
}

/* The layout of a 4-d tensor by the library's name. */
static sg_status intern_tag(const sg_layout **out, sg_dnn_backend *b, const sg_shape *shape,
        dnnl_format_tag_t tag, sg_error *err) {
    sg_md md = {0};
    dnnl_status_t done = sg_md_init_tag(&md, 4, shape->dims, dnnl_f32, tag);
    if (done != dnnl_success) return sg_dnn_fail(err, done, NULL, "a layout");
    sg_status status = sg_dnn_layout_intern(out, b, shape, sg_md_view(&md), NULL, err);
    sg_md_dispose(&md);
    return status;
}

sg_status sg_dnn_layout_like(const sg_layout **out, sg_dnn_backend *b, const sg_shape *shape,
        const sg_layout *model, sg_error *err) {
    if (model->plain) return sg_dnn_layout_plain(out, b, shape, SG_F32, err);
    const sg_dnn_layout *of = (const sg_dnn_layout *)model;
    dnnl_format_tag_t tag = dnnl_format_tag_undef;
    sg_md_blocking m;
    if (of->has_md && sg_md_blocking_get(&m, sg_md_view(&of->md))) {
        if (of->base.quant && is_dense(&m)) return sg_dnn_layout_plain(out, b, shape, SG_F32, err);
    }
    if (of->has_view && shape->rank == 4 && sg_md_blocking_get(&m, sg_md_view(&of->md))) {
        if (m.block_count == 0 && of->view.block == of->view.channels)
            tag = dnnl_nhwc;
        else if (m.block_count == 1 && m.blocks[0] == 8)
            tag = dnnl_nChw8c;
        else if (m.block_count == 1 && m.blocks[0] == 16)
            tag = dnnl_nChw16c;
    }
    if (tag == dnnl_format_tag_undef)
        return sg_fail(err, SG_ERR_UNSUPPORTED, "no layout of another shape like this one");
    return intern_tag(out, b, shape, tag, err);
}

sg_status sg_dnn_layout_blocked(
        const sg_layout **out, sg_dnn_backend *b, const sg_shape *shape, sg_error *err) {
    return intern_tag(out, b, shape, dnnl_nChw16c, err);
}

sg_status sg_dnn_layout_channels_last(
        const sg_layout **out, sg_dnn_backend *b, const sg_shape *shape, sg_error *err) {
    return intern_tag(out, b, shape, dnnl_nhwc, err);
}

/* ---- reading layouts ---- */

sg_status sg_dnn_layout_md(
        sg_md *out, const sg_layout *layout, int ndims, const int64_t *dims, sg_error *err) {
    const sg_dnn_layout *l = (const sg_dnn_layout *)layout;
    dnnl_data_type_t type;
    if (!l->has_md || !sg_dnn_data_type(&type, layout->dtype))
        return sg_fail(err, SG_ERR_UNSUPPORTED, "oneDNN has no layout for elements of type %s",
                sg_dtype_name(layout->dtype));
    dnnl_status_t done = layout->plain ? sg_md_init_dense(out, ndims, dims, type)
                         : sg_md_ndims(sg_md_view(&l->md)) == ndims
                                 ? sg_md_clone(out, sg_md_view(&l->md))
                                 : sg_md_init_reshaped(out, sg_md_view(&l->md), ndims, dims);
    return done == dnnl_success ? SG_OK : sg_dnn_fail(err, done, NULL, "a layout's descriptor");
}

sg_status sg_dnn_layout_view(sg_dnn_view *out, const sg_layout *layout, sg_error *err) {
    const sg_dnn_layout *l = (const sg_dnn_layout *)layout;
    char text[SG_SHAPE_TEXT];
    if (!l->has_view)
        return sg_fail(err, SG_ERR_UNSUPPORTED, "no loop for this layout of shape %s",
                sg_shape_text(text, &layout->shape));
    *out = l->view;
    return SG_OK;
}

sg_status sg_dnn_check_wanted(
        const sg_dnn_primitive *p, const sg_layout *layout, sg_arg arg, sg_error *err) {
    const sg_dnn_backend *b = p->backend;
    char text[SG_SHAPE_TEXT];
    sg_shape shape;
    if (!sg_problem_arg(&shape, &p->base.problem, arg)) return SG_OK; /* not taken: no matter */
    for (size_t i = 0; i < b->layout_count; i++) {
        if (&b->layouts[i]->base != layout) continue;
        if (sg_shape_equal(&layout->shape, &shape)) return SG_OK;
        return sg_fail(err, SG_ERR_INTERNAL, "the layout wanted for %s is not of shape %s",
                sg_arg_name(arg), sg_shape_text(text, &shape));
    }
    return sg_fail(err, SG_ERR_INTERNAL, "the layout wanted for %s is of another backend",
            sg_arg_name(arg));
}

void sg_dnn_layouts_dispose(sg_dnn_backend *b) {
    for (size_t i = 0; i < b->layout_count; i++) {
        if (b->layouts[i]->has_md) sg_md_dispose(&b->layouts[i]->md);
        free((void *)b->layouts[i]->quant.scale);
        free(b->layouts[i]);
    }
    free(b->layouts);
}
