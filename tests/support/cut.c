/* cut.c - see cut.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/cut.h"
#include <stdlib.h>
#include <string.h>

static bool is_inside(const char *name, const char *prefix) {
    size_t n = strlen(prefix);
    return strncmp(name, prefix, n) == 0 && name[n] == '.';
}

/* The same node again, in `g`. */
static sg_node_id copy(sg_graph *g, const sg_node *node, const sg_node_id *x) {
    switch (node->op) {
    case SG_OP_CONV:
        return sg_graph_conv(g, node->name, x[0],
                &(sg_conv_spec){.out = node->channels,
                        .kernel = node->kernel[0],
                        .stride = node->stride[0],
                        .padding = node->padding[0],
                        .dilation = node->dilation[0],
                        .groups = node->groups,
                        .bias = node->has_bias});
    case SG_OP_BATCH_NORM:
        return sg_graph_batch_norm(g, node->name, x[0], node->eps);
    case SG_OP_RELU:
        return sg_graph_relu(g, node->name, x[0], node->clip);
    case SG_OP_MAX_POOL:
        return sg_graph_max_pool(g, node->name, x[0], node->kernel[0], node->stride[0],
                node->padding[0], node->ceil_mode);
    case SG_OP_GLOBAL_POOL:
        return sg_graph_global_pool(g, node->name, x[0]);
    case SG_OP_ADD:
        return sg_graph_add(g, node->name, x[0], x[1]);
    case SG_OP_CONCAT:
        return sg_graph_concat(g, node->name, x, node->input_count);
    case SG_OP_CHANNEL_SCALE:
        return sg_graph_channel_scale(g, node->name, x[0], x[1]);
    case SG_OP_SIGMOID:
        return sg_graph_sigmoid(g, node->name, x[0], node->sigmoid_scale);
    default:
        return -1;
    }
}

sg_status cut_block(sg_graph **out, const sg_graph *model, const char *prefix, int64_t channels,
        sg_error *err) {
    sg_graph *g;
    sg_status status = sg_graph_create(&g, prefix, err);
    if (status) return status;
    sg_node_id *to = malloc((size_t)model->node_count * sizeof *to);
    if (!to) {
        sg_graph_destroy(g);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory cutting %s", prefix);
    }
    sg_node_id input = sg_graph_input(g, channels), last = input;
    for (int i = 0; i < model->node_count; i++) {
        const sg_node *node = &model->nodes[i];
        sg_node_id x[SG_MAX_INPUTS];
        to[i] = input;
        if (!is_inside(node->name, prefix)) continue;
        for (int j = 0; j < node->input_count; j++) x[j] = to[node->inputs[j]];
        last = to[i] = copy(g, node, x);
    }
    free(to);
    sg_node_id pool = sg_graph_global_pool(g, "pool", last);
    status = sg_graph_finish(g, sg_graph_linear(g, "head", pool, 0, 3, true), last, err);
    if (status)
        sg_graph_destroy(g);
    else
        *out = g;
    return status;
}
