/* sequential.c - a chain of layers from a table, named as torch.nn.Sequential names them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/models/families.h"
#include <stdio.h>

static const double norm_eps = 1e-5;

static sg_node_id append(sg_graph *g, const char *name, sg_node_id x, const sg_layer *layer,
        int64_t in_features, const sg_model_options *o) {
    switch (layer->kind) {
    case SG_LAYER_CONV:
        return sg_graph_conv(g, name, x,
                &(sg_conv_spec){.out = layer->out,
                        .kernel = layer->kernel,
                        .stride = layer->stride,
                        .padding = layer->padding,
                        .bias = true});
    case SG_LAYER_NORM:
        return sg_graph_batch_norm(g, name, x, norm_eps);
    case SG_LAYER_RELU:
        return sg_graph_relu(g, name, x, 0);
    case SG_LAYER_MAX_POOL:
        return sg_graph_max_pool(g, name, x, layer->kernel, layer->stride, layer->padding, false);
    case SG_LAYER_DROPOUT:
        return o->dropout > 0 ? sg_graph_dropout(g, name, x, o->dropout) : x;
    case SG_LAYER_LINEAR:
        break;
    }
    return sg_graph_linear(g, name, x, in_features, layer->out ? layer->out : o->classes, true);
}

sg_node_id sg_sequential_append(sg_graph *g, const char *prefix, sg_node_id x,
        const sg_layer *layers, int count, int64_t side, const sg_model_options *o) {
    bool flat = false;
    for (int i = 0; i < count; i++) {
        char name[48];
        int64_t in_features = x < 0 || flat ? 0 : g->nodes[x].channels * side * side;
        snprintf(name, sizeof name, "%s.%d", prefix, i);
        sg_graph_set_stage(g, layers[i].stage);
        x = append(g, name, x, &layers[i], in_features, o);
        flat = flat || layers[i].kind == SG_LAYER_LINEAR;
    }
    return x;
}
