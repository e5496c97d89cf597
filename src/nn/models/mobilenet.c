/* mobilenet.c - MobileNetV2 (Sandler et al. 2018) at width 1.
 *
 * Two forms of the first block. torchvision leaves its expansion out (factor 1) and names the
 * projection `conv.<last>` with its norm one further; the ONNX Model Zoo's (GluonCV) keeps a 32 ->
 * 32 expansion and names every convolution `.0` and every norm `.1`. Each form speaks its own
 * names. SPDX-License-Identifier: Apache-2.0 */
#include "nn/models/families.h"
#include <stdio.h>

enum { NAME = 96, STEM = 32, LAST = 1280 };

static const double norm_eps = 1e-5;

/* Table 2 of the paper: expansion factor, channels, blocks, stride of the first. Stages for
 * layer-wise rates and display change where the map shrinks. */
static const struct {
    int64_t expansion, channels;
    int blocks;
    int64_t stride;
    int stage;
} rows[] = {
        {1, 16, 1, 1, 1},
        {6, 24, 2, 2, 1},
        {6, 32, 3, 2, 2},
        {6, 64, 4, 2, 3},
        {6, 96, 3, 1, 3},
        {6, 160, 3, 2, 4},
        {6, 320, 1, 1, 4},
};

static sg_node_id conv_norm(
        sg_graph *g, const char *conv, const char *norm, sg_node_id x, const sg_conv_spec *spec) {
    return sg_graph_batch_norm(g, norm, sg_graph_conv(g, conv, x, spec), norm_eps);
}

/* "<prefix>.0", "<prefix>.1", "<prefix>.2": convolution, norm, ReLU6. */
static sg_node_id conv_norm_relu(
        sg_graph *g, const char *prefix, sg_node_id x, const sg_conv_spec *spec) {
    char conv[NAME], norm[NAME], relu[NAME];
    snprintf(conv, sizeof conv, "%s.0", prefix);
    snprintf(norm, sizeof norm, "%s.1", prefix);
    snprintf(relu, sizeof relu, "%s.2", prefix);
    return sg_graph_relu(g, relu, conv_norm(g, conv, norm, x, spec), 6);
}

static sg_node_id projection(
        sg_graph *g, int index, int part, bool zoo_names, sg_node_id x, const sg_conv_spec *spec) {
    char conv[NAME], norm[NAME];
    snprintf(conv, sizeof conv, "features.%d.conv.%d%s", index, part, zoo_names ? ".0" : "");
    snprintf(norm, sizeof norm, "features.%d.conv.%d%s", index, zoo_names ? part : part + 1,
            zoo_names ? ".1" : "");
    return conv_norm(g, conv, norm, x, spec);
}

static sg_node_id inverted_residual(sg_graph *g, int index, sg_node_id x, int64_t in,
        int64_t expansion, int64_t out, int64_t stride, bool zoo_names) {
    char name[NAME];
    int part = 0;
    int64_t wide = in * expansion;
    sg_node_id y = x;
    if (expansion != 1 || zoo_names) {
        snprintf(name, sizeof name, "features.%d.conv.%d", index, part++);
        y = conv_norm_relu(g, name, y, &(sg_conv_spec){.out = wide, .kernel = 1});
    }
    snprintf(name, sizeof name, "features.%d.conv.%d", index, part++);
    sg_conv_spec depthwise = {
            .out = wide, .kernel = 3, .stride = stride, .padding = 1, .groups = wide};
    y = conv_norm_relu(g, name, y, &depthwise);
    y = projection(g, index, part, zoo_names, y, &(sg_conv_spec){.out = out, .kernel = 1});
    if (stride != 1 || in != out) return y;
    snprintf(name, sizeof name, "features.%d.add", index);
    return sg_graph_add(g, name, y, x);
}

sg_model_ends sg_mobilenet_build(sg_graph *g, const sg_model_options *o) {
    sg_graph_set_stage(g, 0);
    sg_node_id x = sg_graph_input(g, o->channels);
    sg_conv_spec stem = {.out = STEM, .kernel = 3, .stride = 2, .padding = 1};
    x = conv_norm_relu(g, "features.0", x, &stem);
    int index = 1;
    int64_t in = STEM;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        sg_graph_set_stage(g, rows[r].stage);
        for (int i = 0; i < rows[r].blocks; i++) {
            x = inverted_residual(g, index++, x, in, rows[r].expansion, rows[r].channels,
                    i == 0 ? rows[r].stride : 1, o->mobilenet_expand_first);
            in = rows[r].channels;
        }
    }
    x = conv_norm_relu(g, "features.18", x, &(sg_conv_spec){.out = LAST, .kernel = 1});
    sg_graph_set_stage(g, 5);
    sg_model_ends ends = {.features = x};
    x = sg_graph_global_pool(g, "avgpool", x);
    if (o->dropout > 0) x = sg_graph_dropout(g, "classifier.0", x, o->dropout);
    ends.output = sg_graph_linear(g, "classifier.1", x, 0, o->classes, true);
    return ends;
}
