/* recipe.h - preprocessing as a value. One recipe goes with every checkpoint and bundle, so that
 * prediction repeats training exactly. It runs in three calls:
 *   prepare      8 bits, source size, once per image (a loader may keep the result):
 *                grey -> crop to the scan area -> despeckle -> CLAHE
 *   sample       fit to the square and resize in one interpolation, the augmentation's warp
 * included: float plane, 0..1 standardise  (x - mean) / std per channel into CHW planes, grey
 * replicated Photometric augmentation works on the plane between the last two. finish = sample +
 * standardise. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_RECIPE_H
#define SG_IMAGE_RECIPE_H

#include "base/json.h"
#include "image/fit.h"
#include "image/image.h"
#include "image/resize.h"
#include "image/srad.h"
#include <stdbool.h>

typedef enum sg_contrast { SG_CONTRAST_NONE, SG_CONTRAST_CLAHE } sg_contrast;
typedef enum sg_despeckle {
    SG_DESPECKLE_NONE,
    SG_DESPECKLE_MEDIAN,
    SG_DESPECKLE_SRAD
} sg_despeckle;

typedef struct sg_recipe {
    int size; /* side of the square, 8..4096 */
    sg_fit fit;
    bool crop; /* to the scan area first */
    sg_despeckle despeckle;
    int median_size; /* 3 or 5 */
    sg_srad_options srad;
    sg_contrast contrast;
    double clahe_clip;       /* 0 < clip <= 256 */
    int clahe_tiles;         /* per axis, 1..64 */
    sg_resize_filter filter; /* without a warp; warped sampling is always bilinear */
    int channels;            /* 1, or 3 with grey replicated */
    float mean[3], std[3];   /* of values 0..1; the first `channels` count; std > 0 */
} sg_recipe;

/* Plain by default: grey, padded to 224, ImageNet's mean and deviation. CLAHE and despeckling are
 * off because networks pretrained on photographs learn better from the untouched speckle than from
 * one fixed idea of contrast; switch them on where a validation set says so. */
#define SG_RECIPE_INIT                                                                             \
    {                                                                                              \
        224, SG_FIT_PAD, false, SG_DESPECKLE_NONE, 3, SG_SRAD_OPTIONS_INIT, SG_CONTRAST_NONE, 2.0, \
                8, SG_RESIZE_BILINEAR, 3, {0.485f, 0.456f, 0.406f}, {                              \
            0.229f, 0.224f, 0.225f                                                                 \
        }                                                                                          \
    }

/* SG_ERR_USAGE naming the field and its range. */
SG_MUST_CHECK sg_status sg_recipe_check(const sg_recipe *recipe, sg_error *err);
bool sg_recipe_equal(const sg_recipe *a, const sg_recipe *b);

/* *out: new grey image. *box (may be NULL): the part of `in` that it shows, the whole unless
 * cropped. */
SG_MUST_CHECK sg_status sg_recipe_prepare(
        sg_image *out, sg_rect *box, const sg_image *in, const sg_recipe *recipe, sg_error *err);

/* plane[size][size], 0..1. affine (NULL = none) maps a pixel of the square to a pixel of the
 * unaugmented square, pixel centres at whole numbers; pixels from outside the image are 0. */
SG_MUST_CHECK sg_status sg_recipe_sample(float *plane, const sg_image *prepared,
        const sg_recipe *recipe, const double affine[6], sg_error *err);
/* chw[channels][size][size] */
void sg_recipe_standardise(float *chw, const float *plane, const sg_recipe *recipe);
SG_MUST_CHECK sg_status sg_recipe_finish(float *chw, const sg_image *prepared,
        const sg_recipe *recipe, const double affine[6], sg_error *err);

/* A mask brought the same way: crop box and fit (and warp), nearest pixel. mask must have the size
 * of the image `box` came from. plane[size][size]: 0 or 255. */
SG_MUST_CHECK sg_status sg_recipe_sample_mask(uint8_t *plane, const sg_image *mask, sg_rect box,
        const sg_recipe *recipe, const double affine[6], sg_error *err);

/* One flat object with every field, names as text ("pad", "clahe"). New reference; NULL when out of
 * memory. Reading refuses unknown, missing and out-of-range fields (SG_ERR_FORMAT). */
json_t *sg_recipe_to_json(const sg_recipe *recipe);
SG_MUST_CHECK sg_status sg_recipe_from_json(sg_recipe *out, const json_t *object, sg_error *err);

/* Names as used in JSON and on the command line, "a|b|c", in the order of the enums. */
#define SG_FIT_NAMES       "pad|crop|stretch"
#define SG_CONTRAST_NAMES  "none|clahe"
#define SG_DESPECKLE_NAMES "none|median|srad"
#define SG_FILTER_NAMES    "bilinear|area"

#endif
