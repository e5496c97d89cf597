/* params.c - the master copy of a model's numbers, see params.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/params.h"
#include "base/block.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void fill(sg_params *params, int index, double value) {
    int64_t count = sg_shape_count(&params->graph->params[index].shape);
    if (params->dtype == SG_F64) {
        double *x = sg_params_f64(params, index);
        for (int64_t i = 0; i < count; i++) x[i] = value;
    } else {
        float *x = sg_params_f32(params, index);
        for (int64_t i = 0; i < count; i++) x[i] = (float)value;
    }
}

sg_status sg_params_create(sg_params **out, const sg_graph *graph, sg_dtype dtype, sg_error *err) {
    assert(dtype == SG_F32 || dtype == SG_F64);
    sg_params *params = calloc(1, sizeof *params);
    void *data = sg_block_create(graph->elements * sg_dtype_size(dtype));
    if (!params || !data) {
        free(params);
        free(data);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for the %zu parameters of '%s'",
                graph->elements, graph->name);
    }
    *params = (sg_params){.graph = graph, .dtype = dtype, .data = data, .version = 1};
    for (int i = 0; i < graph->param_count; i++)
        if (graph->params[i].role == SG_PARAM_RUNNING_VAR) fill(params, i, 1.0);
    *out = params;
    return SG_OK;
}

sg_status sg_params_create_lent(sg_params **out, const sg_graph *graph, sg_error *err) {
    sg_params *params = calloc(1, sizeof *params);
    const float **lent = calloc((size_t)graph->param_count + 1, sizeof(*lent));
    if (!params || !lent) {
        free(params);
        free(lent);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for the parameters of '%s'", graph->name);
    }
    *params = (sg_params){.graph = graph, .dtype = SG_F32, .lent = lent, .version = 1};
    *out = params;
    return SG_OK;
}

void sg_params_destroy(sg_params *params) {
    if (!params) return;
    free(params->data);
    free(params->lent);
    free(params);
}

void *sg_params_at(const sg_params *params, int index) {
    if (params->lent) return (void *)(uintptr_t)params->lent[index];
    size_t offset = params->graph->params[index].offset;
    return (unsigned char *)params->data + offset * sg_dtype_size(params->dtype);
}

float *sg_params_f32(const sg_params *params, int index) {
    assert(params->dtype == SG_F32);
    return sg_params_at(params, index);
}

double *sg_params_f64(const sg_params *params, int index) {
    assert(params->dtype == SG_F64);
    return sg_params_at(params, index);
}

static void copy_param(sg_params *dst, const sg_params *src, int index) {
    int64_t count = sg_shape_count(&src->graph->params[index].shape);
    if (dst->dtype == src->dtype)
        memcpy(sg_params_at(dst, index), sg_params_at(src, index),
                (size_t)count * sg_dtype_size(src->dtype));
    else if (dst->dtype == SG_F64)
        for (int64_t i = 0; i < count; i++)
            sg_params_f64(dst, index)[i] = sg_params_f32(src, index)[i];
    else
        for (int64_t i = 0; i < count; i++)
            sg_params_f32(dst, index)[i] = (float)sg_params_f64(src, index)[i];
}

sg_status sg_params_copy(sg_params *dst, const sg_params *src, sg_error *err) {
    const sg_graph *a = dst->graph, *b = src->graph;
    assert(!dst->lent);
    if (a->elements != b->elements || a->param_count != b->param_count)
        return sg_fail(err, SG_ERR_SHAPE, "parameters of '%s' do not fit '%s'", b->name, a->name);
    for (int i = 0; i < b->param_count; i++) copy_param(dst, src, i);
    dst->version++;
    return SG_OK;
}

/* Zeros behind a parameter, up to where the next one begins in a block. */
static size_t padding(const sg_graph *g, int index) {
    size_t next = index + 1 < g->param_count ? g->params[index + 1].offset : g->elements;
    return next - g->params[index].offset - (size_t)sg_shape_count(&g->params[index].shape);
}

void sg_params_hash(sg_sha256 *hash, const sg_params *params) {
    static const double zeros[SG_PARAM_ALIGNMENT];
    const sg_graph *g = params->graph;
    size_t each = sg_dtype_size(params->dtype);
    for (int i = 0; i < g->param_count; i++) {
        size_t count = (size_t)sg_shape_count(&g->params[i].shape);
        sg_sha256_add(hash, sg_params_at(params, i), count * each);
        sg_sha256_add(hash, zeros, padding(g, i) * each);
    }
}

void sg_params_sha256(char out[SG_SHA256_HEX], const sg_params *params) {
    sg_sha256 hash;
    sg_sha256_begin(&hash);
    sg_params_hash(&hash, params);
    sg_sha256_end(out, &hash);
}
