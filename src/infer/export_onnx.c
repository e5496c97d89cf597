/* export_onnx.c - see export_onnx.h. One function per kind of node; a node's ONNX name is its own,
 * so that the file reads like the model. Auxiliary classifiers and dropout are left out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "infer/export_onnx.h"
#include "base/str.h"
#include "weights/onnx_write.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 128 };

typedef struct export {
    const sg_graph *g;
    const sg_params *params;
    const sg_export_onnx_options *options;
    sg_onnx *model;
    sg_shape *shapes;
    bool *needed;       /* leads to the logits */
    sg_node_id *stands; /* whose output a node's output is: itself, or what it was folded into */
    int *users;
    float **made; /* constants that are no parameters */
    size_t made_count, made_capacity;
    const char *input; /* name of the input */
}
export;

/* ---- numbers ---- */

/* A constant made here; NULL when out of memory (the error is kept in *err). */
static float *make_numbers(export *x, size_t count, sg_error *err) {
    if (sg_grow(&x->made, &x->made_capacity, x->made_count + 1, sizeof *x->made, err)) return NULL;
    x->made[x->made_count] = calloc(count + 1, sizeof **x->made);
    if (!x->made[x->made_count]) {
        (void)sg_fail(err, SG_ERR_MEMORY, "out of memory exporting '%s'", x->g->name);
        return NULL;
    }
    return x->made[x->made_count++];
}

static const float *number_of(const export *x, const sg_node *node, int i) {
    return sg_params_f32(x->params, node->first_param + i);
}

/* What the batch norm does to channel c: y = scale x + shift. */
static void norm_of(double *scale, double *shift, const export *x, const sg_node *norm, int64_t c) {
    double variance = number_of(x, norm, 3)[c];
    *scale = number_of(x, norm, 0)[c] / sqrt(variance + norm->eps);
    *shift = number_of(x, norm, 1)[c] - number_of(x, norm, 2)[c] * *scale;
}

/* ---- names ---- */

static const char *name_of(const export *x, sg_node_id id) {
    id = x->stands[id];
    return x->g->nodes[id].is_input ? x->input : x->g->nodes[id].name;
}

static const char *joined(char out[NAME], const sg_node *node, const char *suffix) {
    size_t n = strnlen(node->name, NAME - 24);
    memcpy(out, node->name, n);
    memcpy(out + n, suffix, strlen(suffix) + 1);
    return out;
}

/* Behind a node of another name: the operation `op` with further inputs. */
static void put_tail(export *x, const char *op, const char *name, const char *a, const char *b) {
    sg_onnx_put_node(x->model, op, name, (const char *[]){a, b}, b ? 2 : 1);
}

static void put_parameter(export *x, const sg_node *node, int i) {
    const sg_param *p = &x->g->params[node->first_param + i];
    sg_onnx_put_constant(x->model, p->name, &p->shape, number_of(x, node, i));
}

/* ---- nodes ---- */

static void put_window(export *x, const sg_problem *p) {
    sg_onnx_put_attribute_ints(x->model, "kernel_shape", p->kernel, 2);
    sg_onnx_put_attribute_ints(x->model, "strides", p->stride, 2);
    const int64_t pads[] = {p->pad_begin[0], p->pad_begin[1], p->pad_end[0], p->pad_end[1]};
    sg_onnx_put_attribute_ints(x->model, "pads", pads, 4);
}

/* The batch norm that reads this convolution and nothing else does, or -1. */
static sg_node_id norm_behind(const export *x, sg_node_id conv) {
    if (!x->options->fold || x->users[conv] != 1) return -1;
    for (int i = conv + 1; i < x->g->node_count; i++)
        if (x->needed[i] && x->g->nodes[i].op == SG_OP_BATCH_NORM &&
                x->g->nodes[i].inputs[0] == conv)
            return i;
    return -1;
}

static sg_status fold(export *x, const sg_node *conv, const sg_node *norm, sg_error *err) {
    const sg_param *weight = &x->g->params[conv->first_param];
    int64_t count = sg_shape_count(&weight->shape), each = count / conv->channels;
    float *w = make_numbers(x, (size_t)count, err);
    float *b = w ? make_numbers(x, (size_t)conv->channels, err) : NULL;
    if (!b) return SG_ERR_MEMORY;
    char name[NAME];
    for (int64_t c = 0; c < conv->channels; c++) {
        double scale, shift, own = conv->has_bias ? number_of(x, conv, 1)[c] : 0.0;
        norm_of(&scale, &shift, x, norm, c);
        b[c] = (float)(own * scale + shift);
        for (int64_t i = c * each; i < (c + 1) * each; i++)
            w[i] = (float)(number_of(x, conv, 0)[i] * scale);
    }
    sg_onnx_put_constant(x->model, weight->name, &weight->shape, w);
    sg_shape channels = sg_shape_of(1, &conv->channels);
    sg_onnx_put_constant(x->model, joined(name, conv, ".bias"), &channels, b);
    return SG_OK;
}

static sg_status put_conv(export *x, sg_node_id id, const sg_problem *p, sg_error *err) {
    const sg_node *node = &x->g->nodes[id];
    sg_node_id norm = norm_behind(x, id);
    sg_status st = SG_OK;
    char weight[NAME], bias[NAME];
    const char *inputs[] = {name_of(x, node->inputs[0]), joined(weight, node, ".weight"),
            joined(bias, node, ".bias")};
    if (norm >= 0) {
        st = fold(x, node, &x->g->nodes[norm], err);
        x->stands[norm] = id;
    } else {
        for (int i = 0; i < node->param_count; i++) put_parameter(x, node, i);
    }
    sg_onnx_put_node(x->model, "Conv", node->name, inputs, norm >= 0 || node->has_bias ? 3 : 2);
    put_window(x, p);
    sg_onnx_put_attribute_ints(x->model, "dilations", p->dilation, 2);
    sg_onnx_put_attribute_int(x->model, "group", node->groups);
    return st;
}

static void put_norm(export *x, const sg_node *node) {
    const sg_param *p = &x->g->params[node->first_param];
    for (int i = 0; i < 4; i++) put_parameter(x, node, i);
    const char *inputs[] = {
            name_of(x, node->inputs[0]), p[0].name, p[1].name, p[2].name, p[3].name};
    sg_onnx_put_node(x->model, "BatchNormalization", node->name, inputs, 5);
    sg_onnx_put_attribute_float(x->model, "epsilon", (float)node->eps);
}

/* One number as a constant "<node><suffix>". */
static sg_status put_scalar(
        export *x, const sg_node *node, const char *suffix, double value, sg_error *err) {
    char name[NAME];
    sg_shape none = {0};
    float *number = make_numbers(x, 1, err);
    if (!number) return SG_ERR_MEMORY;
    *number = (float)value;
    sg_onnx_put_constant(x->model, joined(name, node, suffix), &none, number);
    return SG_OK;
}

static sg_status put_relu(export *x, const sg_node *node, sg_error *err) {
    char low[NAME], high[NAME];
    const char *inputs[] = {
            name_of(x, node->inputs[0]), joined(low, node, ".min"), joined(high, node, ".max")};
    bool clipped = node->clip > 0;
    sg_status st = clipped ? put_scalar(x, node, ".min", 0, err) : SG_OK;
    if (!st && clipped) st = put_scalar(x, node, ".max", node->clip, err);
    sg_onnx_put_node(x->model, clipped ? "Clip" : "Relu", node->name, inputs, clipped ? 3 : 1);
    return st;
}

static void put_pool(export *x, const sg_node *node, const sg_problem *p) {
    bool max = node->op == SG_OP_MAX_POOL;
    put_tail(x, max ? "MaxPool" : "AveragePool", node->name, name_of(x, node->inputs[0]), NULL);
    put_window(x, p);
    if (!max) sg_onnx_put_attribute_int(x->model, "count_include_pad", node->count_include_pad);
}

/* [rows][columns], row o the weights of window o over `in` pixels; transposed where asked. */
static sg_status put_windows(export *x, const sg_node *node, const char *suffix, int64_t in,
        int64_t out, bool transposed, sg_error *err) {
    char name[NAME];
    float *w = make_numbers(x, (size_t)(in * out), err);
    if (!w) return SG_ERR_MEMORY;
    for (int64_t o = 0; o < out; o++) {
        int64_t begin = o * in / out, end = ((o + 1) * in + out - 1) / out;
        for (int64_t i = begin; i < end; i++)
            w[transposed ? i * out + o : o * in + i] = (float)(1.0 / (double)(end - begin));
    }
    sg_shape shape = sg_shape_of(2, transposed ? (int64_t[]){in, out} : (int64_t[]){out, in});
    sg_onnx_put_constant(x->model, joined(name, node, suffix), &shape, w);
    return SG_OK;
}

/* ONNX has no adaptive pool: means over rows and columns are two products with matrices. */
static sg_status put_adaptive(export *x, sg_node_id id, sg_error *err) {
    const sg_node *node = &x->g->nodes[id];
    const sg_shape *in = &x->shapes[node->inputs[0]], *out = &x->shapes[id];
    char columns[NAME], rows[NAME], half[NAME];
    if (sg_shape_equal(in, out)) {
        x->stands[id] = x->stands[node->inputs[0]];
        return SG_OK;
    }
    sg_status st = put_windows(x, node, ".columns", in->dims[3], out->dims[3], true, err);
    if (!st) st = put_windows(x, node, ".rows", in->dims[2], out->dims[2], false, err);
    put_tail(x, "MatMul", joined(half, node, ".across"), name_of(x, node->inputs[0]),
            joined(columns, node, ".columns"));
    put_tail(x, "MatMul", node->name, joined(rows, node, ".rows"), half);
    return st;
}

static void put_linear(export *x, const sg_node *node) {
    char flat[NAME];
    const sg_param *p = &x->g->params[node->first_param];
    for (int i = 0; i < node->param_count; i++) put_parameter(x, node, i);
    put_tail(x, "Flatten", joined(flat, node, ".flat"), name_of(x, node->inputs[0]), NULL);
    const char *inputs[] = {flat, p[0].name, node->has_bias ? p[1].name : NULL};
    sg_onnx_put_node(x->model, "Gemm", node->name, inputs, node->has_bias ? 3 : 2);
    sg_onnx_put_attribute_int(x->model, "transB", 1);
}

static void put_many(export *x, const sg_node *node) {
    const char *inputs[SG_MAX_INPUTS];
    for (int i = 0; i < node->input_count; i++) inputs[i] = name_of(x, node->inputs[i]);
    const char *op = node->op == SG_OP_CONCAT          ? "Concat"
                     : node->op == SG_OP_CHANNEL_SCALE ? "Mul"
                                                       : "Sum";
    sg_onnx_put_node(x->model, op, node->name, inputs, node->input_count);
    if (node->op == SG_OP_CONCAT) sg_onnx_put_attribute_int(x->model, "axis", 1);
}

static sg_status put_sigmoid(export *x, const sg_node *node, sg_error *err) {
    char raw[NAME], scale[NAME];
    const char *from = name_of(x, node->inputs[0]);
    if (node->sigmoid_scale == 0 || node->sigmoid_scale == 1) {
        put_tail(x, "Sigmoid", node->name, from, NULL);
        return SG_OK;
    }
    sg_status st = put_scalar(x, node, ".factor", node->sigmoid_scale, err);
    put_tail(x, "Sigmoid", joined(raw, node, ".unscaled"), from, NULL);
    put_tail(x, "Mul", node->name, raw, joined(scale, node, ".factor"));
    return st;
}

static sg_status put_affine(export *x, const sg_node *node, sg_error *err) {
    char scale[NAME], shift[NAME], scaled[NAME];
    size_t channels = (size_t)node->channels;
    float *a = make_numbers(x, channels, err), *b = a ? make_numbers(x, channels, err) : NULL;
    if (!b) return SG_ERR_MEMORY;
    for (size_t c = 0; c < channels; c++) {
        a[c] = (float)node->affine[c];
        b[c] = (float)node->affine[channels + c];
    }
    sg_shape shape = sg_shape_of(3, (int64_t[]){node->channels, 1, 1});
    sg_onnx_put_constant(x->model, joined(scale, node, ".scale"), &shape, a);
    sg_onnx_put_constant(x->model, joined(shift, node, ".shift"), &shape, b);
    put_tail(x, "Mul", joined(scaled, node, ".scaled"), name_of(x, node->inputs[0]), scale);
    put_tail(x, "Add", node->name, scaled, shift);
    return SG_OK;
}

static sg_status put_node(export *x, sg_node_id id, sg_error *err) {
    const sg_node *node = &x->g->nodes[id];
    sg_problem p;
    if (node->is_input || x->stands[id] != id) return SG_OK; /* or folded */
    sg_status st = sg_graph_problem(&p, x->g, id, x->shapes, SG_F32, err);
    if (st) return st;
    switch (node->op) {
    case SG_OP_CONV:
        return put_conv(x, id, &p, err);
    case SG_OP_BATCH_NORM:
        put_norm(x, node);
        return SG_OK;
    case SG_OP_RELU:
        return put_relu(x, node, err);
    case SG_OP_MAX_POOL:
    case SG_OP_AVG_POOL:
        put_pool(x, node, &p);
        return SG_OK;
    case SG_OP_GLOBAL_POOL:
        put_tail(x, "GlobalAveragePool", node->name, name_of(x, node->inputs[0]), NULL);
        return SG_OK;
    case SG_OP_ADAPTIVE_POOL:
        return put_adaptive(x, id, err);
    case SG_OP_LINEAR:
        put_linear(x, node);
        return SG_OK;
    case SG_OP_ADD:
    case SG_OP_CONCAT:
    case SG_OP_CHANNEL_SCALE:
        put_many(x, node);
        return SG_OK;
    case SG_OP_SIGMOID:
        return put_sigmoid(x, node, err);
    case SG_OP_AFFINE:
        return put_affine(x, node, err);
    case SG_OP_DROPOUT:
        x->stands[id] = x->stands[node->inputs[0]];
        return SG_OK;
    default:
        return sg_fail(err, SG_ERR_UNSUPPORTED, "model '%s', node '%s': %s has no form in ONNX",
                x->g->name, node->name, sg_op_name(node->op));
    }
}

/* ---- the whole ---- */

static void mark_needed(export *x) {
    const sg_graph *g = x->g;
    x->needed[g->output] = true;
    for (int i = g->node_count - 1; i >= 0; i--)
        for (int j = 0; x->needed[i] && j < g->nodes[i].input_count; j++) {
            x->needed[g->nodes[i].inputs[j]] = true;
            x->users[g->nodes[i].inputs[j]]++;
        }
}

static sg_status put_ends(export *x, sg_error *err) {
    const sg_graph *g = x->g;
    const sg_node *output = &g->nodes[g->output];
    char temperature[NAME];
    sg_shape logits = sg_shape_of(2, (int64_t[]){1, g->classes});
    for (int i = 0; i < g->node_count; i++)
        if (g->nodes[i].is_input) sg_onnx_put_input(x->model, x->input, &x->shapes[i]);
    sg_status st = put_scalar(x, output, ".temperature", x->options->temperature, err);
    put_tail(x, "Identity", "logits", name_of(x, g->output), NULL);
    put_tail(x, "Div", "calibrated_logits", "logits", joined(temperature, output, ".temperature"));
    put_tail(x, "Softmax", "probabilities", "calibrated_logits", NULL);
    sg_onnx_put_attribute_int(x->model, "axis", 1);
    sg_onnx_put_output(x->model, "logits", &logits);
    sg_onnx_put_output(x->model, "probabilities", &logits);
    return st;
}

static sg_status build(export *x, sg_error *err) {
    const sg_graph *g = x->g;
    size_t nodes = (size_t)g->node_count;
    x->shapes = calloc(nodes, sizeof *x->shapes);
    x->needed = calloc(nodes, sizeof *x->needed);
    x->stands = calloc(nodes, sizeof *x->stands);
    x->users = calloc(nodes, sizeof *x->users);
    if (!x->shapes || !x->needed || !x->stands || !x->users)
        return sg_fail(err, SG_ERR_MEMORY, "out of memory exporting '%s'", g->name);
    sg_status st = sg_graph_shapes(x->shapes, g, 1, x->options->size, x->options->size, err);
    mark_needed(x);
    for (int i = 0; i < g->node_count; i++) x->stands[i] = i;
    for (int i = 0; i < g->node_count && !st; i++)
        if (x->needed[i]) st = put_node(x, i, err);
    if (!st) st = put_ends(x, err);
    const char *const *meta = x->options->metadata;
    for (; meta && meta[0]; meta += 2) sg_onnx_put_metadata(x->model, meta[0], meta[1]);
    return st;
}

sg_status sg_export_onnx(const char *path, const sg_graph *graph, const sg_params *params,
        const sg_export_onnx_options *options, sg_error *err) {
    export x = {.g = graph, .params = params, .options = options, .input = "image"};
    sg_status st = sg_onnx_create(&x.model, graph->name, err);
    if (st) return st;
    st = build(&x, err);
    if (!st) st = sg_onnx_write(x.model, path, options->producer_version, err);
    sg_onnx_destroy(x.model);
    for (size_t i = 0; i < x.made_count; i++) free(x.made[i]);
    free(x.made);
    free(x.shapes);
    free(x.needed);
    free(x.stands);
    free(x.users);
    return st;
}
