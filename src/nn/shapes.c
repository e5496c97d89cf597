/* shapes.c - what a graph becomes for a batch and an image size: problems, shapes, cost.
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/graph.h"
#include <stdlib.h>
#include <string.h>

/* Ceil mode as torch defines it: a last window that would start beyond the image and its leading
 * padding is dropped. Returned as the padding behind that gives this number of windows; none where
 * strides wider than the kernel leave the end of the image out. */
static int64_t pad_behind(const sg_node *node, int axis, int64_t size) {
    int64_t k = node->kernel[axis], s = node->stride[axis], p = node->padding[axis];
    if (!node->ceil_mode || size + 2 * p + s - 1 < k) return p;
    int64_t windows = (size + 2 * p - k + s - 1) / s + 1;
    if ((windows - 1) * s >= size + p) windows--;
    int64_t behind = (windows - 1) * s + k - size - p;
    return behind > 0 ? behind : 0;
}

sg_status sg_graph_problem(sg_problem *out, const sg_graph *g, sg_node_id id,
        const sg_shape *shapes, sg_dtype dtype, sg_error *err) {
    const sg_node *node = &g->nodes[id];
    sg_problem p = {.op = node->op,
            .pass = SG_PASS_INFER,
            .dtype = dtype,
            .src_count = node->input_count,
            .groups = node->groups,
            .has_bias = node->has_bias,
            .count_include_pad = node->count_include_pad,
            .eps = node->eps,
            .fixed_statistics = node->op == SG_OP_BATCH_NORM,
            .clip = node->clip,
            .sigmoid_scale = node->sigmoid_scale};
    for (int i = 0; i < node->input_count; i++) p.src[i] = shapes[node->inputs[i]];
    const sg_shape *x = &p.src[0];
    for (int i = 0; i < 2; i++) {
        p.kernel[i] = node->kernel[i];
        p.stride[i] = node->stride[i];
        p.dilation[i] = node->dilation[i];
        p.pad_begin[i] = node->padding[i];
        p.pad_end[i] = x->rank == 4 ? pad_behind(node, i, x->dims[2 + i]) : node->padding[i];
    }
    switch (node->op) {
    case SG_OP_ADAPTIVE_POOL:
        p.dst = sg_shape4(x->dims[0], node->channels, node->output[0], node->output[1]);
        break;
    case SG_OP_CONV:
        p.dst = sg_shape4(x->dims[0], node->channels, 0, 0);
        break;
    case SG_OP_LINEAR:
        if (sg_shape_count(x) != x->dims[0] * node->in_features)
            return sg_fail(err, SG_ERR_SHAPE,
                    "model '%s', node '%s': takes %lld features but gets %lld; another image size "
                    "is needed",
                    g->name, node->name, (long long)node->in_features,
                    (long long)(sg_shape_count(x) / x->dims[0]));
        p.dst = sg_shape_of(2, (int64_t[]){x->dims[0], node->channels});
        break;
    default:
        break;
    }
    sg_status status = sg_problem_infer(&p, err);
    if (status) return sg_fail_context(err, status, "model '%s', node '%s'", g->name, node->name);
    *out = p;
    return SG_OK;
}

sg_status sg_graph_shapes(sg_shape *shapes, const sg_graph *g, int64_t batch, int64_t height,
        int64_t width, sg_error *err) {
    if (batch < 1 || height < 1 || width < 1)
        return sg_fail(err, SG_ERR_SHAPE, "model '%s' cannot run on %lld images of %lld x %lld",
                g->name, (long long)batch, (long long)width, (long long)height);
    for (int i = 0; i < g->node_count; i++) {
        if (g->nodes[i].is_input) {
            shapes[i] = sg_shape4(batch, g->nodes[i].channels, height, width);
            continue;
        }
        sg_problem problem;
        sg_status status = sg_graph_problem(&problem, g, i, shapes, SG_F32, err);
        if (status) return status;
        shapes[i] = problem.dst;
        int64_t count;
        status = sg_shape_elements(&count, &shapes[i], err);
        if (status)
            return sg_fail_context(err, status, "model '%s', node '%s'", g->name, g->nodes[i].name);
    }
    return SG_OK;
}

static bool is_buffer(const sg_param *param) {
    return param->role == SG_PARAM_RUNNING_MEAN || param->role == SG_PARAM_RUNNING_VAR;
}

/* What leads to the logits: an auxiliary classifier costs no prediction anything. */
static void mark_predicting(bool *marks, const sg_graph *g) {
    marks[g->output] = true;
    for (int i = g->output; i >= 0; i--)
        for (int j = 0; marks[i] && j < g->nodes[i].input_count; j++)
            marks[g->nodes[i].inputs[j]] = true;
}

sg_status sg_graph_measure(
        sg_graph_cost *out, const sg_graph *g, int64_t height, int64_t width, sg_error *err) {
    sg_shape *shapes = calloc((size_t)g->node_count, sizeof *shapes);
    bool *predicting = calloc((size_t)g->node_count, sizeof *predicting);
    sg_graph_cost cost = {0};
    sg_status status = SG_OK;
    if (!shapes || !predicting)
        status = sg_fail(err, SG_ERR_MEMORY, "out of memory measuring '%s'", g->name);
    if (!status) status = sg_graph_shapes(shapes, g, 1, height, width, err);
    if (!status) mark_predicting(predicting, g);
    for (int i = 0; i < g->node_count && !status; i++) {
        if (!predicting[i]) continue;
        const sg_node *node = &g->nodes[i];
        int64_t outputs = sg_shape_count(&shapes[i]);
        cost.activation_bytes += outputs * (int64_t)sizeof(float);
        if (node->op != SG_OP_CONV && node->op != SG_OP_LINEAR) continue;
        const sg_shape *w = &g->params[node->first_param].shape;
        cost.macs += outputs * (sg_shape_count(w) / w->dims[0]);
    }
    for (int i = 0; i < g->param_count; i++)
        if (!is_buffer(&g->params[i])) cost.parameters += sg_shape_count(&g->params[i].shape);
    free(shapes);
    free(predicting);
    if (!status) *out = cost;
    return status;
}
