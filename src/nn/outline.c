/* outline.c - see outline.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/outline.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Length of the part of a node's name that names its block, 0 when it stands alone: up to the first
 * component that is a number with something behind it, "blocks" and its number included; or that
 * of an inception. */
static size_t prefix_length(const char *name) {
    const char *at = name;
    while (*at) {
        size_t n = strcspn(at, ".");
        bool number = n > 0 && strspn(at, "0123456789") == n;
        const char *rest = at[n] ? at + n + 1 : at + n;
        if (number && *rest == '\0') return 0;
        if (number && strncmp(rest, "blocks.", 7) != 0) return (size_t)(at + n - name);
        if (strncmp(at, "inception", 9) == 0) return (size_t)(at + n - name);
        at = rest;
    }
    return 0;
}

static bool is_side_branch(const char *name) {
    return strstr(name, ".se.") || strstr(name, ".downsample.");
}

/* own: length of the block's prefix. */
static bool joins(const sg_outline_block *b, size_t own, const sg_node *node, size_t prefix) {
    if (b->stage != node->stage) return false;
    return own == prefix && strncmp(b->name, node->name, prefix) == 0;
}

static void put_layer(sg_outline_block *b, const sg_node *node) {
    if (b->layer_count == SG_OUTLINE_LAYERS) return;
    char *text = b->layers[b->layer_count++], more[SG_OUTLINE_TEXT] = "";
    long long out = (long long)node->channels;
    int used = 0;
    if (node->op == SG_OP_LINEAR) {
        snprintf(text, SG_OUTLINE_TEXT, "linear, %lld", out);
        return;
    }
    if (node->op == SG_OP_ADAPTIVE_POOL) {
        snprintf(text, SG_OUTLINE_TEXT, "mean over %lldx%lld windows", (long long)node->output[0],
                (long long)node->output[1]);
        return;
    }
    if (node->op == SG_OP_MAX_POOL || node->op == SG_OP_AVG_POOL) {
        snprintf(text, SG_OUTLINE_TEXT, "%lldx%lld pool, stride %lld", (long long)node->kernel[0],
                (long long)node->kernel[1], (long long)node->stride[0]);
        return;
    }
    if (node->stride[0] > 1)
        used += snprintf(more, sizeof more, ", stride %lld", (long long)node->stride[0]);
    if (node->dilation[0] > 1)
        snprintf(more + used, sizeof more - (size_t)used, ", dilation %lld",
                (long long)node->dilation[0]);
    snprintf(text, SG_OUTLINE_TEXT, "%lldx%lld %s, %lld%.40s", (long long)node->kernel[0],
            (long long)node->kernel[1], node->groups > 1 ? "depthwise" : "conv", out, more);
}

static void put_node(sg_outline_block *b, const sg_graph *g, const sg_node *node) {
    for (int i = 0; i < node->param_count; i++) {
        const sg_param *p = &g->params[node->first_param + i];
        if (p->role != SG_PARAM_RUNNING_MEAN && p->role != SG_PARAM_RUNNING_VAR)
            b->parameters += sg_shape_count(&p->shape);
    }
    if (node->op == SG_OP_CHANNEL_SCALE) {
        /* gate <- sigmoid <- excitation <- ReLU <- squeeze */
        const sg_node *up = node;
        for (int i = 0; i < 4; i++) up = &g->nodes[up->inputs[i == 0 ? 1 : 0]];
        b->gate_reduction = up->channels > 0 ? node->channels / up->channels : 0;
        return;
    }
    bool conv = node->op == SG_OP_CONV;
    if (is_side_branch(node->name)) {
        b->projects = b->projects || (conv && strstr(node->name, ".downsample."));
        return;
    }
    if (conv || node->op == SG_OP_LINEAR || node->op == SG_OP_MAX_POOL ||
            node->op == SG_OP_AVG_POOL || node->op == SG_OP_ADAPTIVE_POOL)
        put_layer(b, node);
    if (!conv) return;
    if (node->dilation[0] > b->dilation) b->dilation = node->dilation[0];
    if (node->stride[0] > b->stride) b->stride = node->stride[0];
}

static void put_size(sg_outline_block *b, const sg_shape *shape) {
    b->channels = shape->dims[1];
    b->height = shape->rank == 4 ? shape->dims[2] : 1;
    b->width = shape->rank == 4 ? shape->dims[3] : 1;
}

sg_status sg_outline_make(
        sg_outline *out, const sg_graph *g, int64_t height, int64_t width, sg_error *err) {
    size_t nodes = (size_t)g->node_count;
    sg_shape *shapes = calloc(nodes, sizeof *shapes);
    sg_outline o = {.blocks = calloc(nodes, sizeof *o.blocks)};
    size_t own = 0;
    sg_status status = SG_OK;
    if (!shapes || !o.blocks)
        status = sg_fail(err, SG_ERR_MEMORY, "out of memory outlining '%s'", g->name);
    if (!status) status = sg_graph_shapes(shapes, g, 1, height, width, err);
    for (int i = 0; i < g->node_count && !status; i++) {
        const sg_node *node = &g->nodes[i];
        if (node->is_input) continue;
        bool head = node->stage == g->nodes[g->output].stage;
        size_t prefix = head ? 0 : prefix_length(node->name);
        sg_outline_block *b = o.count ? &o.blocks[o.count - 1] : NULL;
        if (!b || !joins(b, own, node, prefix)) {
            b = &o.blocks[o.count++];
            own = prefix;
            *b = (sg_outline_block){.stage = node->stage, .dilation = 1, .stride = 1};
            if (prefix)
                snprintf(b->name, sizeof b->name, "%.*s", (int)prefix, node->name);
            else if (head || node->stage == 0)
                snprintf(b->name, sizeof b->name, "%s", head ? "head" : "stem");
            else
                snprintf(b->name, sizeof b->name, "stage %d", node->stage);
            if (prefix && node->op == SG_OP_BATCH_NORM)
                snprintf(b->layers[b->layer_count++], SG_OUTLINE_TEXT, "norm and ReLU in front");
        }
        put_node(b, g, node);
        put_size(b, &shapes[i]);
    }
    free(shapes);
    if (status)
        sg_outline_dispose(&o);
    else
        *out = o;
    return status;
}

void sg_outline_dispose(sg_outline *outline) {
    if (!outline) return;
    free(outline->blocks);
    *outline = (sg_outline){0};
}

bool sg_outline_same(const sg_outline_block *a, const sg_outline_block *b) {
    if (a->layer_count != b->layer_count || a->gate_reduction != b->gate_reduction ||
            a->projects != b->projects)
        return false;
    for (int i = 0; i < a->layer_count; i++)
        if (strcmp(a->layers[i], b->layers[i]) != 0) return false;
    return true;
}

const sg_outline_block *sg_outline_find(const sg_outline *outline, int stage, int index) {
    for (int i = 0; i < outline->count; i++)
        if (outline->blocks[i].stage == stage && index-- == 0) return &outline->blocks[i];
    return NULL;
}

int sg_outline_count(const sg_outline *outline, int stage) {
    int count = 0;
    for (int i = 0; i < outline->count; i++) count += outline->blocks[i].stage == stage;
    return count;
}
