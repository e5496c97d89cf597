/* alexnet.c - AlexNet in torchvision's form (Krizhevsky 2014, "One weird trick"): one tower, no
 * response normalisation, a mean over 6x6 windows before the classifier.
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/models/families.h"

enum { SIDE = 6, HEAD = 5 };

/* kind, channels, kernel, stride, padding, stage */
static const sg_layer features[] = {
        {SG_LAYER_CONV, 64, 11, 4, 2, 0},
        {SG_LAYER_RELU, 0, 0, 0, 0, 0},
        {SG_LAYER_MAX_POOL, 0, 3, 2, 0, 0},
        {SG_LAYER_CONV, 192, 5, 1, 2, 1},
        {SG_LAYER_RELU, 0, 0, 0, 0, 1},
        {SG_LAYER_MAX_POOL, 0, 3, 2, 0, 1},
        {SG_LAYER_CONV, 384, 3, 1, 1, 2},
        {SG_LAYER_RELU, 0, 0, 0, 0, 2},
        {SG_LAYER_CONV, 256, 3, 1, 1, 3},
        {SG_LAYER_RELU, 0, 0, 0, 0, 3},
        {SG_LAYER_CONV, 256, 3, 1, 1, 4},
        {SG_LAYER_RELU, 0, 0, 0, 0, 4}, /* the last map at its full size */
        {SG_LAYER_MAX_POOL, 0, 3, 2, 0, 4},
};

static const sg_layer classifier[] = {
        {SG_LAYER_DROPOUT, 0, 0, 0, 0, HEAD},
        {SG_LAYER_LINEAR, 4096, 0, 0, 0, HEAD},
        {SG_LAYER_RELU, 0, 0, 0, 0, HEAD},
        {SG_LAYER_DROPOUT, 0, 0, 0, 0, HEAD},
        {SG_LAYER_LINEAR, 4096, 0, 0, 0, HEAD},
        {SG_LAYER_RELU, 0, 0, 0, 0, HEAD},
        {SG_LAYER_LINEAR, 0, 0, 0, 0, HEAD},
};

sg_model_ends sg_alexnet_build(sg_graph *g, const sg_model_options *o) {
    enum { FEATURES = sizeof features / sizeof *features };
    enum { CLASSIFIER = sizeof classifier / sizeof *classifier };
    sg_graph_set_stage(g, 0);
    sg_node_id x = sg_graph_input(g, o->channels);
    x = sg_sequential_append(g, "features", x, features, FEATURES, 0, o);
    sg_model_ends ends = {.features = sg_graph_find(g, "features.11")};
    sg_graph_set_stage(g, HEAD);
    x = sg_graph_adaptive_pool(g, "avgpool", x, SIDE, SIDE);
    ends.output = sg_sequential_append(g, "classifier", x, classifier, CLASSIFIER, SIDE, o);
    return ends;
}
