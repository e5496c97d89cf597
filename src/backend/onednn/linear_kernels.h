/* linear_kernels.h - products of a few images with a great many plain weights, which pass through
 * the caches once. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BACKEND_ONEDNN_LINEAR_KERNELS_H
#define SG_BACKEND_ONEDNN_LINEAR_KERNELS_H

#include "backend/onednn/internal.h"

typedef struct sg_linear_job {
    const float *x;      /* [images][in] */
    const float *weight; /* [out][in] */
    const float *bias;   /* [out], NULL = 0 */
    float *y;            /* [images][out] */
    int64_t images, in, out;
} sg_linear_job;

enum { SG_LINEAR_ROWS = 4 };
/* y[.][o] of SG_LINEAR_ROWS rows of weights from each o = unit * SG_LINEAR_ROWS on; user: a
 * sg_linear_job. */
void sg_linear_body(const void *user, int64_t begin, int64_t end);

#endif
