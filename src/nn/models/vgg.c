/* vgg.c - VGG-16 (Simonyan and Zisserman 2014, configuration D) as torchvision has it, plain and
 * with batch norms: 3x3 convolutions, a pool after each group, a mean over 7x7 windows before the
 * classifier.
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/models/families.h"
#include <stdio.h>

enum { SIDE = 7, HEAD = 5, GROUPS = 5, MOST = 64 };

static const struct {
    int64_t channels;
    int convolutions;
} groups[GROUPS] = {{64, 2}, {128, 2}, {256, 3}, {512, 3}, {512, 3}};

/* kind, features, kernel, stride, padding, stage */
static const sg_layer classifier[] = {
        {SG_LAYER_LINEAR, 4096, 0, 0, 0, HEAD},
        {SG_LAYER_RELU, 0, 0, 0, 0, HEAD},
        {SG_LAYER_DROPOUT, 0, 0, 0, 0, HEAD},
        {SG_LAYER_LINEAR, 4096, 0, 0, 0, HEAD},
        {SG_LAYER_RELU, 0, 0, 0, 0, HEAD},
        {SG_LAYER_DROPOUT, 0, 0, 0, 0, HEAD},
        {SG_LAYER_LINEAR, 0, 0, 0, 0, HEAD},
};

/* The table of groups written out, layer by layer; returns how many. */
static int write_out(sg_layer layers[MOST], bool norms) {
    int n = 0;
    for (int i = 0; i < GROUPS; i++) {
        for (int j = 0; j < groups[i].convolutions; j++) {
            layers[n++] = (sg_layer){SG_LAYER_CONV, groups[i].channels, 3, 1, 1, i};
            if (norms) layers[n++] = (sg_layer){.kind = SG_LAYER_NORM, .stage = i};
            layers[n++] = (sg_layer){.kind = SG_LAYER_RELU, .stage = i};
        }
        layers[n++] = (sg_layer){SG_LAYER_MAX_POOL, 0, 2, 2, 0, i};
    }
    return n;
}

static sg_model_ends build(sg_graph *g, bool norms, const sg_model_options *o) {
    enum { CLASSIFIER = sizeof classifier / sizeof *classifier };
    sg_layer features[MOST];
    char last_map[32];
    int count = write_out(features, norms);
    sg_graph_set_stage(g, 0);
    sg_node_id x = sg_graph_input(g, o->channels);
    x = sg_sequential_append(g, "features", x, features, count, 0, o);
    snprintf(last_map, sizeof last_map, "features.%d", count - 2); /* before the last pool */
    sg_model_ends ends = {.features = sg_graph_find(g, last_map)};
    sg_graph_set_stage(g, HEAD);
    x = sg_graph_adaptive_pool(g, "avgpool", x, SIDE, SIDE);
    ends.output = sg_sequential_append(g, "classifier", x, classifier, CLASSIFIER, SIDE, o);
    return ends;
}

sg_model_ends sg_vgg16_build(sg_graph *g, const sg_model_options *o) {
    return build(g, false, o);
}

sg_model_ends sg_vgg16_bn_build(sg_graph *g, const sg_model_options *o) {
    return build(g, true, o);
}
