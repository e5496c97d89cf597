/* keypoint.h - places in a picture that are found again when it was cropped, scaled, mirrored,
 * turned a little or brightened, each with a short code of what is around it.
 *
 * Places are extrema of the difference of Gaussians over position and scale (Lowe 2004), in a
 * working picture of about SG_WORK_SIDE^2 pixels whatever the size of the image, so that a change
 * of size alone changes nothing. The code is upright: turns are small here. It is the low part of
 * the cosine transform of an 8 x 8 grid of grey levels, mean and contrast taken out; a mirrored
 * picture has the same codes with the signs of the odd terms turned, which costs no second look.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_DATA_KEYPOINT_H
#define SG_DATA_KEYPOINT_H

#include "image/image.h"
#include <stdbool.h>

enum {
    SG_WORK_SIDE = 192, /* side of a square working picture */
    SG_KEYPOINT_CODE = 32,
    SG_KEYPOINT_MAX = 160,  /* per picture */
    SG_KEYPOINT_LEAST = 24, /* images with a shorter side have no keypoints */
    SG_FLIPS = 4            /* bit 0: left-right, bit 1: up-down */
};

typedef struct sg_keypoint {
    float x, y;    /* in the working picture, pixel centres at whole numbers */
    int8_t level;  /* of the scale space */
    int8_t bright; /* 1 brighter than what is around it, 0 darker */
    int8_t code[SG_KEYPOINT_CODE];
} sg_keypoint;

typedef struct sg_keypoints {
    sg_image work; /* grey */
    sg_keypoint *points;
    int count;
} sg_keypoints;

/* 8-bit grey in. Tiny or flat images have no points. */
SG_MUST_CHECK sg_status sg_keypoints_find(sg_keypoints *out, const sg_image *grey, sg_error *err);
void sg_keypoints_dispose(sg_keypoints *keypoints); /* NULL-safe */

/* The code that the same place has in the flipped picture. */
void sg_keypoint_flip_code(int8_t *out, const int8_t *code, int flip);

#endif
