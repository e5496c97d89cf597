/* augment.h - what happens to a training image, and to no other: one affine warp (left-right flip,
 * rotation, scale, aspect, shift), then gain, contrast, gamma, speckle noise and cutout on the
 * plane 0..1, then mixup between the images of a batch.
 *
 * Everything is drawn from (seed, epoch, sample): the same whatever the number of loader threads,
 * and across a resume. Up-down flips are not offered: skin is above, shadow and enhancement below.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_DATA_AUGMENT_H
#define SG_DATA_AUGMENT_H

#include "base/rng.h"
#include "image/image.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct sg_augment {
    bool on;             /* false: nothing below counts */
    bool flip;           /* left-right, half of the time */
    double rotation_deg; /* uniform in +-, 0..180 */
    double scale;        /* log-uniform in [1/scale, scale], 1..4 */
    double aspect;       /* width over height, log-uniform in [1/aspect, aspect], 1..4 */
    double shift;        /* each axis uniform in +- this share of the side, 0..1 */
    double gain;         /* percent: factor uniform in 1 +- gain/100, 0..90 */
    double contrast;     /* percent: factor about the mean, likewise, 0..90 */
    double gamma;        /* percent: exponent log-uniform in [1/g, g], g = 1 + gamma/100, 0..300 */
    double speckle;      /* sd of the multiplicative noise, 0..1; 0 = off */
    double cutout;       /* side of a black square as share of the image's, 0..1; 0 = off */
    double mixup_alpha;  /* Beta(alpha, alpha) of the shares, 0..10; 0 = off */
} sg_augment;

#define SG_AUGMENT_INIT                                                                            \
    { true, true, 15.0, 1.25, 1.0, 0.1, 10.0, 25.0, 25.0, 0.0, 0.0, 0.0 }
#define SG_AUGMENT_OFF                                                                             \
    { false, false, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0 }

/* SG_ERR_USAGE naming the field and its range. */
SG_MUST_CHECK sg_status sg_augment_check(const sg_augment *options, sg_error *err);

/* One sample's parameters. */
typedef struct sg_augment_draw {
    double affine[6]; /* pixel of the augmented square -> pixel of the square, as recipe.h wants it
                       */
    double gain, contrast, gamma; /* 1 = unchanged */
    double speckle;
    sg_rect cutout; /* width 0 = none */
    bool flip;
    sg_rng noise; /* stream of the speckle noise */
} sg_augment_draw;

/* size: side of the square in pixels. repeat: how often this sample came before in the epoch
 * (0 without replacement), so that a sampler's second helping differs from its first. */
void sg_augment_draw_sample(sg_augment_draw *out, const sg_augment *options, int size,
        uint64_t seed, uint32_t epoch, uint32_t sample, uint32_t repeat);

/* plane[size][size], 0..1, in place; clamped to 0..1. Contrast turns about the mean of the pixels
 * above 0, and its offset fades out below 0.1, so that black stays black: padding has no echo to
 * amplify. */
void sg_augment_apply(float *plane, int size, const sg_augment_draw *draw);

/* Mixup (Zhang et al. 2018) for one batch of n: image i becomes share[i] * image i +
 * (1 - share[i]) * image partner[i]; share[i] >= 1/2, so that the own label leads.
 * alpha 0 gives share 1 and partner i. */
void sg_augment_draw_mixup(float *share, int *partner, int n, double alpha, uint64_t seed,
        uint32_t epoch, uint32_t batch);

#endif
