/* outline.h - a graph as people draw it: stages of blocks, each with its main convolutions, gate,
 * dilation and size. Made from node names and settings; for listing and drawing only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_NN_OUTLINE_H
#define SG_NN_OUTLINE_H

#include "nn/graph.h"

enum { SG_OUTLINE_LAYERS = 8, SG_OUTLINE_NAME = 64, SG_OUTLINE_TEXT = 64 };

typedef struct sg_outline_block {
    char name[SG_OUTLINE_NAME]; /* common prefix of its nodes; "stem", "stage 2", "head" for the
                                   rest */
    int stage;
    int layer_count;
    char layers[SG_OUTLINE_LAYERS][SG_OUTLINE_TEXT]; /* "3x3 conv, 512, dilation 2" */
    int64_t dilation, stride;                        /* the largest of its convolutions */
    int64_t gate_reduction; /* squeeze-and-excitation to 1/reduction of the channels; 0 = none */
    bool projects;          /* its shortcut has a convolution */
    int64_t channels, height, width; /* of its output */
    int64_t parameters;
} sg_outline_block;

typedef struct sg_outline {
    sg_outline_block *blocks;
    int count;
} sg_outline;

SG_MUST_CHECK sg_status sg_outline_make(
        sg_outline *out, const sg_graph *g, int64_t height, int64_t width, sg_error *err);
void sg_outline_dispose(sg_outline *outline); /* NULL-safe */

/* What a block is beside one of another model that stands at the same place. */
bool sg_outline_same(const sg_outline_block *a, const sg_outline_block *b);
/* The block number `index` (from 0) of a stage, or NULL. */
const sg_outline_block *sg_outline_find(const sg_outline *outline, int stage, int index);
int sg_outline_count(const sg_outline *outline, int stage);

#endif
