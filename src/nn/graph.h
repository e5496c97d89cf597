/* graph.h - a model as a list of nodes, built once. A graph knows channels, kernels and names;
 * image and batch size come with the plan request. Nodes are in topological order: inputs before
 * users.
 *
 * Building never fails half-way: a wrong call marks the graph and sg_graph_finish reports the first
 * mistake with the node's name. Parameters carry their torchvision/timm name: a conv named
 * "layer1.0.conv1" owns "layer1.0.conv1.weight" (and ".bias"), a batch norm named "layer1.0.bn1"
 * owns .weight .bias .running_mean .running_var. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_NN_GRAPH_H
#define SG_NN_GRAPH_H

#include "backend/backend.h"

typedef int sg_node_id; /* index into nodes; -1 after a mistake */

typedef enum sg_param_role {
    SG_PARAM_WEIGHT, /* conv, linear: weight decay applies */
    SG_PARAM_BIAS,
    SG_PARAM_GAMMA,
    SG_PARAM_BETA,
    SG_PARAM_RUNNING_MEAN, /* a buffer: never has a gradient */
    SG_PARAM_RUNNING_VAR
} sg_param_role;

typedef struct sg_param {
    char *name;
    sg_param_role role;
    sg_shape shape;
    sg_node_id node;
    size_t offset;    /* in elements, into every block of parameters, gradients, moments */
    double init_gain; /* see init.h; for special starts (SE gates): constant when is_constant */
    bool is_constant;
    double constant;
} sg_param;

typedef struct sg_node {
    char *name; /* unique, dotted; "layer3.0.relu2" */
    sg_op op;
    bool is_input;
    int input_count;
    sg_node_id inputs[SG_MAX_INPUTS];
    int64_t channels; /* of the output */
    /* settings, as in sg_problem */
    int64_t kernel[2], stride[2], dilation[2], padding[2];
    int64_t output[2]; /* adaptive pool only: height, width */
    int64_t groups;
    bool has_bias, ceil_mode, count_include_pad;
    double eps, momentum, clip, sigmoid_scale, dropout;
    double *affine;               /* affine only, owned: scale[channels], shift[channels] */
    int64_t in_features;          /* linear only: must equal c*h*w of its input at plan time */
    int first_param, param_count; /* into params */
    int stage; /* for layer-wise decay and display: 0 = stem, rising to the head */
} sg_node;

enum {
    SG_MAX_AUXILIARY = 2,
    SG_PARAM_ALIGNMENT = 16 /* elements: every parameter starts on 64 bytes, in float32 too */
};

typedef struct sg_graph {
    char *name;
    sg_node *nodes;
    int node_count;
    sg_param *params;
    int param_count;
    size_t elements;     /* of one block that holds all parameters and buffers */
    sg_node_id output;   /* logits */
    sg_node_id features; /* last spatial map: default target of class-activation maps */
    int64_t classes;
    /* Classifiers on the way that only a training looks at; their losses count this much. */
    int auxiliary_count;
    sg_node_id auxiliary[SG_MAX_AUXILIARY];
    double auxiliary_share;
    /* builder state */
    size_t node_capacity, param_capacity;
    int current_stage;
    sg_error mistake;
} sg_graph;

SG_MUST_CHECK sg_status sg_graph_create(sg_graph **out, const char *name, sg_error *err);
void sg_graph_destroy(sg_graph *graph); /* NULL-safe */

/* Builders append one node and return its id. Names may be printf formats' results; copied. */
sg_node_id sg_graph_input(sg_graph *g, int64_t channels);
typedef struct sg_conv_spec {
    int64_t out, kernel, stride, padding, dilation, groups; /* 0 = 1 for stride, dilation, groups */
    bool bias;
} sg_conv_spec;
sg_node_id sg_graph_conv(sg_graph *g, const char *name, sg_node_id x, const sg_conv_spec *spec);
sg_node_id sg_graph_batch_norm(sg_graph *g, const char *name, sg_node_id x, double eps);
sg_node_id sg_graph_relu(sg_graph *g, const char *name, sg_node_id x, double clip);
sg_node_id sg_graph_max_pool(sg_graph *g, const char *name, sg_node_id x, int64_t kernel,
        int64_t stride, int64_t padding, bool ceil_mode);
sg_node_id sg_graph_avg_pool(sg_graph *g, const char *name, sg_node_id x, int64_t kernel,
        int64_t stride, int64_t padding, bool ceil_mode, bool count_include_pad);
sg_node_id sg_graph_global_pool(sg_graph *g, const char *name, sg_node_id x);
/* Means over height x width windows whatever the size of x; nothing is computed where it fits. */
sg_node_id sg_graph_adaptive_pool(
        sg_graph *g, const char *name, sg_node_id x, int64_t height, int64_t width);
/* y = x * scale[c] + shift[c] with constants, which are no parameters; both copied. */
sg_node_id sg_graph_affine(
        sg_graph *g, const char *name, sg_node_id x, const double *scale, const double *shift);
/* in_features 0 = channels of x (after global pooling); else channels*height*width of its input. */
sg_node_id sg_graph_linear(
        sg_graph *g, const char *name, sg_node_id x, int64_t in_features, int64_t out, bool bias);
sg_node_id sg_graph_add(sg_graph *g, const char *name, sg_node_id a, sg_node_id b);
sg_node_id sg_graph_concat(sg_graph *g, const char *name, const sg_node_id *xs, int count);
sg_node_id sg_graph_channel_scale(sg_graph *g, const char *name, sg_node_id x, sg_node_id gate);
sg_node_id sg_graph_sigmoid(sg_graph *g, const char *name, sg_node_id x, double scale);
sg_node_id sg_graph_dropout(sg_graph *g, const char *name, sg_node_id x, double p);
void sg_graph_set_stage(sg_graph *g, int stage);
/* A linear layer of as many classes as the output, whose loss counts `share` in training. */
void sg_graph_add_auxiliary(sg_graph *g, sg_node_id logits, double share);

/* Checks the whole: names unique, one input, channel counts, output set. Offsets are final. */
SG_MUST_CHECK sg_status sg_graph_finish(
        sg_graph *g, sg_node_id output, sg_node_id features, sg_error *err);

/* Shapes of all nodes for a batch: shapes[node_count]. SG_ERR_SHAPE names the node. */
SG_MUST_CHECK sg_status sg_graph_shapes(sg_shape *shapes, const sg_graph *g, int64_t batch,
        int64_t height, int64_t width, sg_error *err);
/* The problem of one node's forward pass given the shapes. */
SG_MUST_CHECK sg_status sg_graph_problem(sg_problem *out, const sg_graph *g, sg_node_id node,
        const sg_shape *shapes, sg_dtype dtype, sg_error *err);

/* The logits, or those of an auxiliary classifier. */
bool sg_graph_is_classifier(const sg_graph *g, sg_node_id node);
sg_node_id sg_graph_find(const sg_graph *g, const char *name); /* -1 = none */
int sg_graph_find_param(const sg_graph *g, const char *name);  /* -1 = none */

typedef struct sg_graph_cost {
    int64_t parameters; /* trainable scalars (buffers left out) */
    int64_t macs; /* multiply-accumulates of convolutions and linear layers, per image predicted */
    int64_t activation_bytes; /* sum of all node outputs in float32, per image */
} sg_graph_cost;
SG_MUST_CHECK sg_status sg_graph_measure(
        sg_graph_cost *out, const sg_graph *g, int64_t height, int64_t width, sg_error *err);

#endif
