/* resnet.c - residual networks as data: plain, with squeeze-and-excitation (Hu et al. 2018),
 * dilated (Yu et al. 2017, in DeepLabv3's manner), with fewer blocks, and pre-activated.
 *
 * Dilation d: stage 4 (d >= 2) and stage 3 (d = 4) keep stride 1 and dilate instead. The first
 * block of a dilated stage keeps the rate before it, so that every weight still sees what it was
 * trained on.
 *
 * Names are torchvision's with timm's `se.fc1`, `se.fc2`; pre-activated ones are those of the ONNX
 * Model Zoo's resnet50-v2 as we carry it: stem.*, stages.i.blocks.j.*, norm, head.
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/models/families.h"
#include <stdarg.h>
#include <stdio.h>

enum { STAGES = 4, NAME = 96 };

static const int64_t widths[STAGES] = {64, 128, 256, 512};
static const double norm_eps = 1e-5;

/* Starts of gates: sigmoid(4) = 0.98; and 2 sigmoid(z) with z of a tenth of He's size. */
static const double gate_bias = 4.0, gate_gain = 0.1;

typedef struct block {
    const char *prefix; /* "layer3.0" */
    int64_t width, out; /* inner and outer channels */
    int64_t stride, dilation;
    bool project; /* the shortcut has a convolution */
    int se_reduction;
    sg_resnet_gate gate;
} block;

/* ---- layers with a name below the block's ---- */

static const char *SG_PRINTF(3, 4) join(char out[NAME], const char *prefix, const char *fmt, ...) {
    int n = snprintf(out, NAME, "%s.", prefix);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(out + n, NAME - (size_t)n, fmt, ap);
    va_end(ap);
    return out;
}

static sg_node_id conv(sg_graph *g, const block *b, const char *name, sg_node_id x, int64_t out,
        int64_t kernel, int64_t stride, int64_t dilation) {
    char full[NAME];
    sg_conv_spec spec = {.out = out,
            .kernel = kernel,
            .stride = stride,
            .padding = kernel / 2 * dilation,
            .dilation = dilation};
    return sg_graph_conv(g, join(full, b->prefix, "%s", name), x, &spec);
}

static sg_node_id norm(sg_graph *g, const block *b, const char *name, sg_node_id x) {
    char full[NAME];
    return sg_graph_batch_norm(g, join(full, b->prefix, "%s", name), x, norm_eps);
}

static sg_node_id relu(sg_graph *g, const block *b, int number, sg_node_id x) {
    char full[NAME];
    return sg_graph_relu(g, join(full, b->prefix, "relu%d", number), x, 0);
}

static void start_gate(sg_graph *g, sg_node_id excite, bool biased) {
    if (excite < 0) return;
    sg_param *weight = &g->params[g->nodes[excite].first_param];
    if (!biased) {
        weight->init_gain = gate_gain;
        return;
    }
    weight[1].is_constant = true;
    weight[1].constant = gate_bias;
}

/* x times its gate: pool - 1x1 - ReLU - 1x1 - sigmoid. */
static sg_node_id gated(sg_graph *g, const block *b, sg_node_id x) {
    char full[NAME];
    if (b->se_reduction == 0) return x;
    bool biased = b->gate == SG_GATE_BIASED;
    int64_t inner = b->out / b->se_reduction;
    sg_conv_spec squeeze = {.out = inner > 0 ? inner : 1, .kernel = 1, .bias = biased};
    sg_conv_spec excite = {.out = b->out, .kernel = 1, .bias = biased};
    sg_node_id s = sg_graph_global_pool(g, join(full, b->prefix, "se.pool"), x);
    s = sg_graph_conv(g, join(full, b->prefix, "se.fc1"), s, &squeeze);
    s = sg_graph_relu(g, join(full, b->prefix, "se.relu"), s, 0);
    s = sg_graph_conv(g, join(full, b->prefix, "se.fc2"), s, &excite);
    start_gate(g, s, biased);
    s = sg_graph_sigmoid(g, join(full, b->prefix, "se.gate"), s, biased ? 1 : 2);
    return sg_graph_channel_scale(g, join(full, b->prefix, "se.scale"), x, s);
}

static sg_node_id sum(sg_graph *g, const block *b, sg_node_id x, sg_node_id shortcut) {
    char full[NAME];
    return sg_graph_add(g, join(full, b->prefix, "add"), x, shortcut);
}

/* ---- blocks ---- */

static sg_node_id project(sg_graph *g, const block *b, sg_node_id x) {
    if (!b->project) return x;
    x = conv(g, b, "downsample.0", x, b->out, 1, b->stride, 1);
    return norm(g, b, "downsample.1", x);
}

static sg_node_id basic_block(sg_graph *g, const block *b, sg_node_id x) {
    sg_node_id y = conv(g, b, "conv1", x, b->width, 3, b->stride, b->dilation);
    y = relu(g, b, 1, norm(g, b, "bn1", y));
    y = conv(g, b, "conv2", y, b->width, 3, 1, b->dilation);
    y = gated(g, b, norm(g, b, "bn2", y));
    return relu(g, b, 2, sum(g, b, y, project(g, b, x)));
}

static sg_node_id bottleneck_block(sg_graph *g, const block *b, sg_node_id x) {
    sg_node_id y = conv(g, b, "conv1", x, b->width, 1, 1, 1);
    y = relu(g, b, 1, norm(g, b, "bn1", y));
    y = conv(g, b, "conv2", y, b->width, 3, b->stride, b->dilation);
    y = relu(g, b, 2, norm(g, b, "bn2", y));
    y = conv(g, b, "conv3", y, b->out, 1, 1, 1);
    y = gated(g, b, norm(g, b, "bn3", y));
    return relu(g, b, 3, sum(g, b, y, project(g, b, x)));
}

/* The shortcut's convolution takes the activated input, the identity the raw one. */
static sg_node_id preactivation_block(sg_graph *g, const block *b, sg_node_id x) {
    sg_node_id activated = relu(g, b, 1, norm(g, b, "norm1", x));
    sg_node_id y = conv(g, b, "conv1", activated, b->width, 1, 1, 1);
    y = relu(g, b, 2, norm(g, b, "norm2", y));
    y = conv(g, b, "conv2", y, b->width, 3, b->stride, b->dilation);
    y = relu(g, b, 3, norm(g, b, "norm3", y));
    y = gated(g, b, conv(g, b, "conv3", y, b->out, 1, 1, 1));
    if (b->project) x = conv(g, b, "downsample.conv", activated, b->out, 1, b->stride, 1);
    return sum(g, b, y, x);
}

/* ---- the whole ---- */

typedef struct style {
    const char *stem_conv, *stem_norm, *stem_relu, *stem_pool, *head;
    const char *stage, *block; /* "<stage><number><block><number>" names a block */
    int first_stage;           /* its number in names */
    int expansion;
    sg_node_id (*add_block)(sg_graph *g, const block *b, sg_node_id x);
} style;

#define TORCHVISION "conv1", "bn1", "relu", "maxpool", "fc", "layer", ".", 1
#define MODEL_ZOO                                                                                  \
    "stem.conv", "stem.norm", "stem.relu", "stem.pool", "head", "stages.", ".blocks.", 0

static const style styles[] = {
        [SG_RESNET_BASIC] = {TORCHVISION, 1, basic_block},
        [SG_RESNET_BOTTLENECK] = {TORCHVISION, 4, bottleneck_block},
        [SG_RESNET_PREACTIVATION] = {MODEL_ZOO, 4, preactivation_block},
};

/* Where stage i (from 0) strides and how far it dilates. */
static void spread_of(int stage, int dilation, int64_t *stride, int64_t *first, int64_t *rest) {
    static const struct {
        int64_t stride, first, rest;
    } table[3][STAGES] = {
            {{1, 1, 1}, {2, 1, 1}, {2, 1, 1}, {2, 1, 1}}, /* none */
            {{1, 1, 1}, {2, 1, 1}, {2, 1, 1}, {1, 1, 2}}, /* 2 */
            {{1, 1, 1}, {2, 1, 1}, {1, 1, 2}, {1, 2, 4}}, /* 4 */
    };
    int row = dilation >= 4 ? 2 : dilation >= 2 ? 1 : 0;
    *stride = table[row][stage].stride;
    *first = table[row][stage].first;
    *rest = table[row][stage].rest;
}

static sg_node_id add_stage(sg_graph *g, const style *s, sg_resnet_gate gate, int stage,
        const sg_model_options *o, sg_node_id x) {
    char prefix[NAME];
    int64_t stride, first, rest;
    spread_of(stage, o->dilation, &stride, &first, &rest);
    sg_graph_set_stage(g, stage + 1);
    for (int i = 0; i < o->blocks[stage]; i++) {
        block b = {.prefix = prefix,
                .width = widths[stage],
                .out = widths[stage] * s->expansion,
                .stride = i == 0 ? stride : 1,
                .dilation = i == 0 ? first : rest,
                .se_reduction = o->se_reduction,
                .gate = gate};
        b.project = i == 0 && (stage > 0 || s->expansion > 1);
        snprintf(prefix, sizeof prefix, "%s%d%s%d", s->stage, s->first_stage + stage, s->block, i);
        x = s->add_block(g, &b, x);
    }
    return x;
}

sg_model_ends sg_resnet_build(
        sg_graph *g, sg_resnet_style kind, sg_resnet_gate gate, const sg_model_options *o) {
    const style *s = &styles[kind];
    bool preactivation = kind == SG_RESNET_PREACTIVATION;
    sg_graph_set_stage(g, 0);
    sg_node_id x = sg_graph_input(g, o->channels);
    if (preactivation) x = sg_graph_batch_norm(g, "data_norm", x, norm_eps);
    x = sg_graph_conv(
            g, s->stem_conv, x, &(sg_conv_spec){.out = 64, .kernel = 7, .stride = 2, .padding = 3});
    x = sg_graph_batch_norm(g, s->stem_norm, x, norm_eps);
    x = sg_graph_relu(g, s->stem_relu, x, 0);
    x = sg_graph_max_pool(g, s->stem_pool, x, 3, 2, 1, false);
    for (int i = 0; i < STAGES; i++) x = add_stage(g, s, gate, i, o, x);
    sg_graph_set_stage(g, STAGES + 1);
    if (preactivation) {
        x = sg_graph_batch_norm(g, "norm", x, norm_eps);
        x = sg_graph_relu(g, "norm.relu", x, 0);
    }
    sg_model_ends ends = {.features = x};
    x = sg_graph_global_pool(g, "avgpool", x);
    if (o->dropout > 0) x = sg_graph_dropout(g, "dropout", x, o->dropout);
    ends.output = sg_graph_linear(g, s->head, x, 0, o->classes, true);
    return ends;
}
