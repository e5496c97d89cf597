/* norm_kernels.h - the arithmetic of batch normalisation on one column of channels (see
 * sg_dnn_walk): what batch_norm.c sends over a tensor.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BACKEND_ONEDNN_NORM_KERNELS_H
#define SG_BACKEND_ONEDNN_NORM_KERNELS_H

#include "backend/onednn/internal.h"

typedef struct sg_norm_job {
    sg_dnn_view view;
    int lanes; /* of columns: 8 or 16 */
    const float *x;
    const float *dy;
    float *out;
    bool stream;                      /* write past the caches; the block is as wide as a column */
    bool relu;                        /* of the output; backward: mask dy */
    float most;                       /* of ReLU6; INFINITY for ReLU */
    const float *mean, *scale, *beta; /* [channels], as all coefficients */
    const float *slope, *offset;
    sg_dnn_visit visit;
    int64_t parts; /* the images are summed in this many parts */
    double *sums;  /* [parts][chunks][SG_DNN_CHUNK][2] */
} sg_norm_job;

/* All take a sg_norm_job as `user`. Sums are added to, two per channel. */
typedef struct sg_norm_visits {
    sg_dnn_visit moments;       /* sum (x - mean), sum (x - mean)^2 */
    sg_dnn_visit normalise;     /* out = clamp((x - mean) scale + beta) */
    sg_dnn_visit gradient_sums; /* sum g, sum g (x - mean), g being dy behind the ReLU */
    sg_dnn_visit gradient;      /* out = scale g + slope (x - mean) + offset */
} sg_norm_visits;
/* For columns of at most so many lanes. */
extern const sg_norm_visits sg_norm_visits_8, sg_norm_visits_16;

#endif
