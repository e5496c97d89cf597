/* linear_kernels.h - fully connected layer, forward, for few images and many weights: what linear.c
 * sends over the threads. Plain tensors; every weight is read from memory once.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BACKEND_ONEDNN_LINEAR_KERNELS_H
#define SG_BACKEND_ONEDNN_LINEAR_KERNELS_H

#include "backend/onednn/internal.h"

enum { SG_LINEAR_LANES = 16, SG_LINEAR_IMAGES = 32, SG_LINEAR_ROWS = 8 };

typedef struct sg_linear_job {
    const float *x;          /* [images][in] */
    float *turned;           /* scratch: x as [in][SG_LINEAR_LANES or SG_LINEAR_IMAGES] */
    const float *weight;     /* [out][in] */
    const float *bias;       /* [out], NULL = 0 */
    float *y;                /* [images][out] */
    int64_t images, in, out; /* images: at most SG_LINEAR_IMAGES */
} sg_linear_job;

/* Numbers in `turned`. */
int64_t sg_linear_turned_count(int64_t images, int64_t in);

/* Both take a sg_linear_job. First `turned` of inputs [begin, end); then y[.][o] of SG_LINEAR_ROWS
 * rows of weights from each o = unit * SG_LINEAR_ROWS on. */
void sg_linear_turn_body(const void *user, int64_t begin, int64_t end);
void sg_linear_body(const void *user, int64_t begin, int64_t end);

#endif
