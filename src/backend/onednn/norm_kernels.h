/* norm_kernels.h - the arithmetic of batch normalisation on one column of channels (see
 * sg_dnn_walk): what batch_norm.c sends over a tensor, and gate.c over one image.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BACKEND_ONEDNN_NORM_KERNELS_H
#define SG_BACKEND_ONEDNN_NORM_KERNELS_H

#include "backend/onednn/internal.h"

typedef struct sg_norm_job {
    sg_dnn_view view;
    int lanes;                /* of columns: 8 or 16 */
    const float *x, *summand; /* summand: added to the output; NULL: none */
    const float *dy;
    const float *part; /* added to dy, and like it; NULL: none */
    int64_t spread;    /* not 0: part is [channels] of one image, each the sum of equal shares for
                          its pixels, and that of the next image lies so far on */
    const float *y; /* backward behind a sum: what came out of the ReLU; NULL: worked out again */
    float *out;
    float *passed;                    /* with y: where dy goes as the ReLU lets it pass */
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
    sg_dnn_visit normalise;     /* out = clamp((x - mean) scale + beta + summand) */
    sg_dnn_visit gradient_sums; /* sum g, sum g (x - mean), g being dy behind the ReLU; passed = g
                                 */
    sg_dnn_visit gradient;      /* out = scale g + slope (x - mean) + offset */
} sg_norm_visits;
/* The job as its visits see image n. */
static inline sg_norm_job sg_norm_image(const sg_norm_job *job, int64_t n) {
    sg_norm_job image = *job;
    if (job->spread) image.part += n * job->spread;
    return image;
}
/* For columns of at most so many lanes. */
extern const sg_norm_visits sg_norm_visits_8, sg_norm_visits_16;
/* Sixteen channels side by side where the processor has such vectors and the layout such rows. */
static inline int sg_norm_lanes(const sg_dnn_view *v) {
    return sg_dnn_has_avx512() && (v->block == 1 || v->block % 16 == 0) ? 16 : 8;
}
static inline const sg_norm_visits *sg_norm_visits_of(const sg_norm_job *job) {
    return job->lanes == 16 ? &sg_norm_visits_16 : &sg_norm_visits_8;
}

#endif
