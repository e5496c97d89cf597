/* graph.c - building a graph: nodes and their parameters appended one by one. The first mistake is
 * kept and every later call does nothing; sg_graph_finish reports it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/graph.h"
#include "base/str.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CHANNELS = 1 << 24 };

sg_status sg_graph_create(sg_graph **out, const char *name, sg_error *err) {
    sg_graph *g = calloc(1, sizeof *g);
    char *copy = sg_strdup(name);
    if (!g || !copy) {
        free(g);
        free(copy);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for model '%s'", name);
    }
    g->name = copy;
    g->output = g->features = -1;
    *out = g;
    return SG_OK;
}

void sg_graph_destroy(sg_graph *g) {
    if (!g) return;
    for (int i = 0; i < g->node_count; i++) {
        free(g->nodes[i].name);
        free(g->nodes[i].affine);
    }
    for (int i = 0; i < g->param_count; i++) free(g->params[i].name);
    free(g->nodes);
    free(g->params);
    free(g->name);
    free(g);
}

void sg_graph_set_stage(sg_graph *g, int stage) {
    g->current_stage = stage;
}

/* ---- mistakes ---- */

static sg_node_id SG_PRINTF(3, 4) spoil(sg_graph *g, const char *node, const char *fmt, ...) {
    if (g->mistake.code) return -1;
    char what[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    (void)sg_fail(&g->mistake, SG_ERR_SHAPE, "model '%s', node '%s': %s", g->name, node, what);
    return -1;
}

static bool is_node(const sg_graph *g, sg_node_id id) {
    return id >= 0 && id < g->node_count;
}

/* ---- appending ---- */

/* Appends a node that takes `inputs`; returns NULL after a mistake. Later appends may move it. */
static sg_node *append_node(
        sg_graph *g, const char *name, sg_op op, const sg_node_id *inputs, int input_count) {
    if (g->mistake.code) return NULL;
    for (int i = 0; i < input_count; i++)
        if (!is_node(g, inputs[i])) {
            spoil(g, name, "input %d is not a node", i);
            return NULL;
        }
    if (sg_grow(&g->nodes, &g->node_capacity, (size_t)g->node_count + 1, sizeof *g->nodes,
                &g->mistake))
        return NULL;
    char *copy = sg_strdup(name);
    if (!copy) {
        (void)sg_fail(&g->mistake, SG_ERR_MEMORY, "out of memory for model '%s'", g->name);
        return NULL;
    }
    sg_node *node = &g->nodes[g->node_count++];
    *node = (sg_node){.name = copy,
            .op = op,
            .input_count = input_count,
            .stage = g->current_stage,
            .first_param = g->param_count};
    for (int i = 0; i < input_count; i++) node->inputs[i] = inputs[i];
    if (input_count > 0) node->channels = g->nodes[inputs[0]].channels;
    return node;
}

/* Appends a parameter of the last node: "<node>.<suffix>". */
static void append_param(sg_graph *g, const char *suffix, sg_param_role role, sg_shape shape) {
    if (g->mistake.code) return;
    if (sg_grow(&g->params, &g->param_capacity, (size_t)g->param_count + 1, sizeof *g->params,
                &g->mistake))
        return;
    sg_node *node = &g->nodes[g->node_count - 1];
    int64_t count = 0;
    if (sg_shape_elements(&count, &shape, &g->mistake)) return;
    char *name = sg_strdupf("%s.%s", node->name, suffix);
    if (!name) {
        (void)sg_fail(&g->mistake, SG_ERR_MEMORY, "out of memory for model '%s'", g->name);
        return;
    }
    g->params[g->param_count++] = (sg_param){.name = name,
            .role = role,
            .shape = shape,
            .node = g->node_count - 1,
            .offset = g->elements,
            .init_gain = 1.0};
    node->param_count++;
    g->elements +=
            ((size_t)count + SG_PARAM_ALIGNMENT - 1) / SG_PARAM_ALIGNMENT * SG_PARAM_ALIGNMENT;
}

static sg_node_id last(const sg_graph *g) {
    return g->mistake.code ? -1 : g->node_count - 1;
}

sg_node_id sg_graph_input(sg_graph *g, int64_t channels) {
    if (channels < 1 || channels > MOST_CHANNELS)
        return spoil(g, "input", "cannot have %lld channels", (long long)channels);
    sg_node *node = append_node(g, "input", SG_OP_REORDER, NULL, 0);
    if (!node) return -1;
    node->is_input = true;
    node->channels = channels;
    return last(g);
}

sg_node_id sg_graph_conv(sg_graph *g, const char *name, sg_node_id x, const sg_conv_spec *spec) {
    sg_node *node = append_node(g, name, SG_OP_CONV, &x, 1);
    if (!node) return -1;
    int64_t in = node->channels, groups = spec->groups ? spec->groups : 1;
    int64_t stride = spec->stride ? spec->stride : 1;
    int64_t dilation = spec->dilation ? spec->dilation : 1;
    if (spec->out < 1 || spec->out > MOST_CHANNELS || spec->kernel < 1 || spec->kernel > 1024 ||
            stride < 1 || spec->padding < 0 || dilation < 1)
        return spoil(g, name, "convolution settings are out of range");
    if (groups < 1 || in % groups || spec->out % groups)
        return spoil(g, name, "%lld groups do not divide %lld and %lld channels", (long long)groups,
                (long long)in, (long long)spec->out);
    node->channels = spec->out;
    node->groups = groups;
    node->has_bias = spec->bias;
    for (int i = 0; i < 2; i++) {
        node->kernel[i] = spec->kernel;
        node->stride[i] = stride;
        node->padding[i] = spec->padding;
        node->dilation[i] = dilation;
    }
    append_param(g, "weight", SG_PARAM_WEIGHT,
            sg_shape4(spec->out, in / groups, spec->kernel, spec->kernel));
    if (spec->bias) append_param(g, "bias", SG_PARAM_BIAS, sg_shape_of(1, (int64_t[]){spec->out}));
    return last(g);
}

sg_node_id sg_graph_batch_norm(sg_graph *g, const char *name, sg_node_id x, double eps) {
    static const struct {
        const char *suffix;
        sg_param_role role;
    } parts[] = {{"weight", SG_PARAM_GAMMA}, {"bias", SG_PARAM_BETA},
            {"running_mean", SG_PARAM_RUNNING_MEAN}, {"running_var", SG_PARAM_RUNNING_VAR}};
    sg_node *node = append_node(g, name, SG_OP_BATCH_NORM, &x, 1);
    if (!node) return -1;
    node->eps = eps;
    node->momentum = 0.1;
    sg_shape shape = sg_shape_of(1, &node->channels);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        append_param(g, parts[i].suffix, parts[i].role, shape);
    return last(g);
}

sg_node_id sg_graph_relu(sg_graph *g, const char *name, sg_node_id x, double clip) {
    sg_node *node = append_node(g, name, SG_OP_RELU, &x, 1);
    if (!node) return -1;
    node->clip = clip;
    return last(g);
}

static sg_node_id append_pool(sg_graph *g, const char *name, sg_op op, sg_node_id x, int64_t kernel,
        int64_t stride, int64_t padding, bool ceil_mode) {
    sg_node *node = append_node(g, name, op, &x, 1);
    if (!node) return -1;
    if (kernel < 1 || stride < 1 || padding < 0 || padding > kernel / 2)
        return spoil(g, name, "pooling settings are out of range");
    for (int i = 0; i < 2; i++) {
        node->kernel[i] = kernel;
        node->stride[i] = stride;
        node->padding[i] = padding;
        node->dilation[i] = 1;
    }
    node->ceil_mode = ceil_mode;
    return last(g);
}

sg_node_id sg_graph_max_pool(sg_graph *g, const char *name, sg_node_id x, int64_t kernel,
        int64_t stride, int64_t padding, bool ceil_mode) {
    return append_pool(g, name, SG_OP_MAX_POOL, x, kernel, stride, padding, ceil_mode);
}

sg_node_id sg_graph_avg_pool(sg_graph *g, const char *name, sg_node_id x, int64_t kernel,
        int64_t stride, int64_t padding, bool ceil_mode, bool count_include_pad) {
    sg_node_id id = append_pool(g, name, SG_OP_AVG_POOL, x, kernel, stride, padding, ceil_mode);
    if (id >= 0) g->nodes[id].count_include_pad = count_include_pad;
    return id;
}

sg_node_id sg_graph_global_pool(sg_graph *g, const char *name, sg_node_id x) {
    return append_node(g, name, SG_OP_GLOBAL_POOL, &x, 1) ? last(g) : -1;
}

sg_node_id sg_graph_adaptive_pool(
        sg_graph *g, const char *name, sg_node_id x, int64_t height, int64_t width) {
    sg_node *node = append_node(g, name, SG_OP_ADAPTIVE_POOL, &x, 1);
    if (!node) return -1;
    if (height < 1 || width < 1)
        return spoil(g, name, "cannot pool to %lld x %lld", (long long)width, (long long)height);
    node->output[0] = height;
    node->output[1] = width;
    return last(g);
}

sg_node_id sg_graph_affine(
        sg_graph *g, const char *name, sg_node_id x, const double *scale, const double *shift) {
    sg_node *node = append_node(g, name, SG_OP_AFFINE, &x, 1);
    if (!node) return -1;
    size_t channels = (size_t)node->channels;
    node->affine = malloc(2 * channels * sizeof *node->affine);
    if (!node->affine) {
        (void)sg_fail(&g->mistake, SG_ERR_MEMORY, "out of memory for model '%s'", g->name);
        return -1;
    }
    memcpy(node->affine, scale, channels * sizeof *scale);
    memcpy(node->affine + channels, shift, channels * sizeof *shift);
    return last(g);
}

sg_node_id sg_graph_linear(
        sg_graph *g, const char *name, sg_node_id x, int64_t in_features, int64_t out, bool bias) {
    sg_node *node = append_node(g, name, SG_OP_LINEAR, &x, 1);
    if (!node) return -1;
    if (in_features == 0) in_features = node->channels;
    if (in_features < 1 || out < 1 || out > MOST_CHANNELS || in_features % node->channels)
        return spoil(g, name,
                "a linear layer from %lld to %lld features does not fit %lld channels",
                (long long)in_features, (long long)out, (long long)node->channels);
    node->in_features = in_features;
    node->channels = out;
    node->has_bias = bias;
    append_param(g, "weight", SG_PARAM_WEIGHT, sg_shape_of(2, (int64_t[]){out, in_features}));
    if (bias) append_param(g, "bias", SG_PARAM_BIAS, sg_shape_of(1, &out));
    return last(g);
}

sg_node_id sg_graph_add(sg_graph *g, const char *name, sg_node_id a, sg_node_id b) {
    sg_node *node = append_node(g, name, SG_OP_ADD, (sg_node_id[]){a, b}, 2);
    if (!node) return -1;
    if (g->nodes[b].channels != node->channels)
        return spoil(g, name, "adds %lld channels to %lld", (long long)g->nodes[b].channels,
                (long long)node->channels);
    return last(g);
}

sg_node_id sg_graph_concat(sg_graph *g, const char *name, const sg_node_id *xs, int count) {
    if (count < 2 || count > SG_MAX_INPUTS)
        return spoil(g, name, "joins %d inputs; 2 to %d are supported", count, SG_MAX_INPUTS);
    sg_node *node = append_node(g, name, SG_OP_CONCAT, xs, count);
    if (!node) return -1;
    for (int i = 1; i < count; i++) node->channels += g->nodes[xs[i]].channels;
    return last(g);
}

sg_node_id sg_graph_channel_scale(sg_graph *g, const char *name, sg_node_id x, sg_node_id gate) {
    sg_node *node = append_node(g, name, SG_OP_CHANNEL_SCALE, (sg_node_id[]){x, gate}, 2);
    if (!node) return -1;
    if (g->nodes[gate].channels != node->channels)
        return spoil(g, name, "a gate of %lld channels does not fit %lld",
                (long long)g->nodes[gate].channels, (long long)node->channels);
    return last(g);
}

sg_node_id sg_graph_sigmoid(sg_graph *g, const char *name, sg_node_id x, double scale) {
    sg_node *node = append_node(g, name, SG_OP_SIGMOID, &x, 1);
    if (!node) return -1;
    node->sigmoid_scale = scale;
    return last(g);
}

sg_node_id sg_graph_dropout(sg_graph *g, const char *name, sg_node_id x, double p) {
    if (!(p >= 0 && p < 1)) return spoil(g, name, "a dropout of %g is not in [0, 1)", p);
    sg_node *node = append_node(g, name, SG_OP_DROPOUT, &x, 1);
    if (!node) return -1;
    node->dropout = p;
    return last(g);
}

void sg_graph_add_auxiliary(sg_graph *g, sg_node_id logits, double share) {
    if (g->mistake.code) return;
    if (!is_node(g, logits) || g->nodes[logits].op != SG_OP_LINEAR ||
            g->auxiliary_count == SG_MAX_AUXILIARY) {
        spoil(g, "auxiliary", "at most %d linear layers can be auxiliary classifiers",
                SG_MAX_AUXILIARY);
        return;
    }
    g->auxiliary[g->auxiliary_count++] = logits;
    g->auxiliary_share = share;
}

/* ---- finishing ---- */

static void check_whole(sg_graph *g) {
    int inputs = 0;
    for (int i = 0; i < g->node_count; i++) {
        inputs += g->nodes[i].is_input;
        if (sg_graph_find(g, g->nodes[i].name) != i)
            spoil(g, g->nodes[i].name, "this name is used twice");
    }
    if (inputs != 1) spoil(g, "input", "a model has one input, this one %d", inputs);
    for (int i = 0; i < g->param_count; i++)
        if (sg_graph_find_param(g, g->params[i].name) != i)
            spoil(g, g->nodes[g->params[i].node].name, "parameter '%s' exists twice",
                    g->params[i].name);
}

sg_status sg_graph_finish(sg_graph *g, sg_node_id output, sg_node_id features, sg_error *err) {
    check_whole(g);
    if (!is_node(g, output))
        spoil(g, "output", "the output is not a node");
    else if (g->nodes[output].op != SG_OP_LINEAR)
        spoil(g, g->nodes[output].name, "the output has to be a linear layer");
    if (!is_node(g, features)) spoil(g, "features", "the feature map is not a node");
    for (int i = 0; i < g->auxiliary_count && !g->mistake.code; i++)
        if (g->nodes[g->auxiliary[i]].channels != g->nodes[output].channels)
            spoil(g, g->nodes[g->auxiliary[i]].name, "tells %lld classes apart, the model %lld",
                    (long long)g->nodes[g->auxiliary[i]].channels,
                    (long long)g->nodes[output].channels);
    if (g->mistake.code) return sg_fail(err, g->mistake.code, "%s", g->mistake.message);
    g->output = output;
    g->features = features;
    g->classes = g->nodes[output].channels;
    return SG_OK;
}

bool sg_graph_is_classifier(const sg_graph *g, sg_node_id node) {
    for (int i = 0; i < g->auxiliary_count; i++)
        if (g->auxiliary[i] == node) return true;
    return node == g->output;
}

sg_node_id sg_graph_find(const sg_graph *g, const char *name) {
    for (int i = 0; i < g->node_count; i++)
        if (!strcmp(g->nodes[i].name, name)) return i;
    return -1;
}

int sg_graph_find_param(const sg_graph *g, const char *name) {
    for (int i = 0; i < g->param_count; i++)
        if (!strcmp(g->params[i].name, name)) return i;
    return -1;
}
