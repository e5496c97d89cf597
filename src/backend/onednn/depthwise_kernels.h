/* depthwise_kernels.h - 3 x 3 depthwise convolution on planes of 16 channels, row by row: what
 * depthwise.c sends over a tensor. Windows hang over by one pixel on all sides; a row that does not
 * exist is a row of zeros, which the caller brings.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BACKEND_ONEDNN_DEPTHWISE_KERNELS_H
#define SG_BACKEND_ONEDNN_DEPTHWISE_KERNELS_H

#include "backend/onednn/internal.h"

enum { SG_DW_LANES = 16, SG_DW_SIDE = 3, SG_DW_TAPS = 9 };

/* One image's plane, SG_DW_LANES channels per pixel. */
typedef struct sg_dw_plane {
    const float *from; /* forward: source; backward: gradient of the output */
    float *to;         /* forward: output; backward to the data: gradient of the source */
    const float *src;  /* backward to the weights */
    const float *zeros;
    int64_t height, width;         /* of the source */
    int64_t out_height, out_width; /* of the output */
} sg_dw_plane;

/* w: SG_DW_TAPS rows of SG_DW_LANES. Stride 1 or 2. */
void sg_dw_forward(const sg_dw_plane *plane, const float *w, int stride);
void sg_dw_backward_data(const sg_dw_plane *plane, const float *w, int stride);
/* Adds to sums[SG_DW_TAPS][SG_DW_LANES]; single within a few rows, double beyond. */
void sg_dw_backward_weights(const sg_dw_plane *plane, double *sums, int stride);

#endif
