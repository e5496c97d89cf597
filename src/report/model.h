/* model.h - a network drawn as stages of blocks, left to right, with what sets it apart from
 * another one marked. Filled by the caller; borrows everything; same input, same bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_MODEL_H
#define SG_REPORT_MODEL_H

#include "base/str.h"

typedef enum sg_drawing_mark {
    SG_DRAWING_SAME,
    SG_DRAWING_CHANGED, /* there in both, built otherwise */
    SG_DRAWING_ADDED,   /* only here */
    SG_DRAWING_LEFT_OUT /* only in the other: drawn as a ghost */
} sg_drawing_mark;

typedef struct sg_drawing_block {
    const char *name;
    const char *const *lines; /* [line_count], one per layer */
    size_t line_count;
    const char *gate;     /* "SE 1/16", or NULL */
    const char *dilation; /* "dilation 2", or NULL */
    sg_drawing_mark mark;
} sg_drawing_block;

typedef struct sg_drawing_stage {
    const char *title; /* "stage 3" */
    const char *size;  /* "1024 x 14 x 14" */
    const sg_drawing_block *blocks;
    size_t block_count;
} sg_drawing_stage;

typedef struct sg_drawing {
    const char *title, *facts; /* one line each */
    const char *compared;      /* name of the other model; NULL: nothing is marked */
    const sg_drawing_stage *stages;
    size_t stage_count;
} sg_drawing;

/* One <svg> element that stands alone as a file. */
void sg_drawing_put_svg(sg_str *out, const sg_drawing *drawing);

#endif
