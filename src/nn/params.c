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

void sg_params_destroy(sg_params *params) {
    if (!params) return;
    free(params->data);
    free(params);
}

float *sg_params_f32(const sg_params *params, int index) {
    assert(params->dtype == SG_F32);
    return (float *)params->data + params->graph->params[index].offset;
}

double *sg_params_f64(const sg_params *params, int index) {
    assert(params->dtype == SG_F64);
    return (double *)params->data + params->graph->params[index].offset;
}

sg_status sg_params_copy(sg_params *dst, const sg_params *src, sg_error *err) {
    const sg_graph *a = dst->graph, *b = src->graph;
    if (a->elements != b->elements || a->param_count != b->param_count)
        return sg_fail(err, SG_ERR_SHAPE, "parameters of '%s' do not fit '%s'", b->name, a->name);
    if (dst->dtype == src->dtype)
        memcpy(dst->data, src->data, a->elements * sg_dtype_size(src->dtype));
    else if (dst->dtype == SG_F64)
        for (size_t i = 0; i < a->elements; i++)
            ((double *)dst->data)[i] = ((const float *)src->data)[i];
    else
        for (size_t i = 0; i < a->elements; i++)
            ((float *)dst->data)[i] = (float)((const double *)src->data)[i];
    dst->version++;
    return SG_OK;
}
