/* families.h - between the table of models and the files that build a family of them.
 * A builder is given every option resolved and checked; it appends nodes to an empty graph and
 * tells which are output and features. Mistakes stay in the graph. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef SG_NN_MODELS_FAMILIES_H
#define SG_NN_MODELS_FAMILIES_H

#include "nn/models/models.h"

typedef struct sg_model_ends {
    sg_node_id output, features;
} sg_model_ends;

typedef enum sg_resnet_style {
    SG_RESNET_BASIC,        /* two 3x3 convolutions, norms behind (He et al. 2015) */
    SG_RESNET_BOTTLENECK,   /* 1x1, 3x3 with the stride (v1.5), 1x1 */
    SG_RESNET_PREACTIVATION /* bottleneck with norm and ReLU in front (He et al. 2016) */
} sg_resnet_style;

/* How a gate starts near 1, so that a fresh one leaves pretrained branches alone. */
typedef enum sg_resnet_gate {
    SG_GATE_DOUBLED, /* no biases, 2 sigmoid(z), z small at the start */
    SG_GATE_BIASED   /* timm's: sigmoid(z) with biases, the last of which starts at 4 */
} sg_resnet_gate;

sg_model_ends sg_resnet_build(
        sg_graph *g, sg_resnet_style style, sg_resnet_gate gate, const sg_model_options *o);
sg_model_ends sg_mobilenet_build(sg_graph *g, const sg_model_options *o);
sg_model_ends sg_alexnet_build(sg_graph *g, const sg_model_options *o);
sg_model_ends sg_vgg16_build(sg_graph *g, const sg_model_options *o);
sg_model_ends sg_vgg16_bn_build(sg_graph *g, const sg_model_options *o);
sg_model_ends sg_googlenet_build(sg_graph *g, const sg_model_options *o);

/* ---- sequential.c: networks that are one chain of layers, each a row of a table ---- */

typedef enum sg_layer_kind {
    SG_LAYER_CONV, /* with bias */
    SG_LAYER_NORM,
    SG_LAYER_RELU,
    SG_LAYER_MAX_POOL,
    SG_LAYER_DROPOUT,
    SG_LAYER_LINEAR
} sg_layer_kind;

typedef struct sg_layer {
    sg_layer_kind kind;
    int64_t out; /* channels or features; 0 = the classes */
    int64_t kernel, stride, padding;
    int stage; /* see sg_node */
} sg_layer;

/* Appends the rows as torch.nn.Sequential names them: row i is "<prefix>.<i>". The first linear
 * layer flattens a map of side x side. Dropout of 0 leaves its rows out, not their numbers. */
sg_node_id sg_sequential_append(sg_graph *g, const char *prefix, sg_node_id x,
        const sg_layer *layers, int count, int64_t side, const sg_model_options *o);

#endif
