/* quality.h - is a picture fit to be read? Eight traits of one B-mode picture, limits on them that
 * are learned from the pictures a model was trained on, and a score.
 *
 * Traits are taken in the box of the scan (crop.h), contact and depth in the whole picture, either
 * brought to at most 256 pixels a side; size is that of the whole picture as it is.
 * docs/internals/reading.md says what each one is and what cannot be seen in one picture. Nothing
 * here knows anatomy or a network. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_QUALITY_H
#define SG_IMAGE_QUALITY_H

#include "base/json.h"
#include "image/image.h"
#include <stdbool.h>

typedef enum sg_quality_trait {
    SG_QUALITY_SHARPNESS, /* log10(variance of the Laplacian / variance of the grey levels) */
    SG_QUALITY_CONTRAST,  /* 95th less 5th percentile of the grey levels, 0..1 */
    SG_QUALITY_DROPOUT,   /* share of the width: narrow columns darker than their neighbours */
    SG_QUALITY_CONTACT,   /* share of the width: wide columns dark from the skin on */
    SG_QUALITY_CLIPPING,  /* share of the pixels at 250 or above */
    SG_QUALITY_BLACK,     /* share of the pixels at 5 or below */
    SG_QUALITY_DEPTH,     /* share of the height at the bottom that is next to empty */
    SG_QUALITY_SIZE,      /* log2 of the shorter side in pixels */
    SG_QUALITY_TRAITS
} sg_quality_trait;

typedef struct sg_quality {
    double traits[SG_QUALITY_TRAITS];
} sg_quality;

/* "sharpness"...: of columns and keys. */
const char *sg_quality_name(sg_quality_trait trait);

/* 8-bit, grey or RGB. */
SG_MUST_CHECK sg_status sg_quality_measure(sg_quality *out, const sg_image *image, sg_error *err);

enum { SG_QUALITY_FEWEST = 20 };

/* Sharpness, contrast and size are bad below their limits, the others above; sharpness also above a
 * second one, where a picture is all noise. */
typedef struct sg_quality_limits {
    double median[SG_QUALITY_TRAITS], limit[SG_QUALITY_TRAITS];
    double noise; /* of sharpness, above its median */
    size_t images;
} sg_quality_limits;
/* SG_ERR_INPUT for fewer than SG_QUALITY_FEWEST pictures. */
SG_MUST_CHECK sg_status sg_quality_learn(
        sg_quality_limits *out, const sg_quality *pictures, size_t n, sg_error *err);

typedef struct sg_quality_verdict {
    double score;           /* 1 as most training pictures, 0 at a limit or beyond */
    sg_quality_trait worst; /* that the score rests on */
    const char *problem; /* "blurred", "gain too high"...: what is wrong with it beyond the limit */
    bool poor;           /* a trait is beyond its limit */
} sg_quality_verdict;
sg_quality_verdict sg_quality_judge(const sg_quality *picture, const sg_quality_limits *limits);

/* {"images": n, "traits": {"sharpness": {"median": m, "limit": l, "noise": u}, ...}}. New
 * reference, NULL when out of memory; reading is SG_ERR_FORMAT for a missing trait or a limit on
 * the wrong side. Sections of before have no noise, which is then as far above the median as the
 * limit lies below it, and no size, whose limit is then 32 pixels. */
json_t *sg_quality_limits_to_json(const sg_quality_limits *limits);
SG_MUST_CHECK sg_status sg_quality_limits_from_json(
        sg_quality_limits *out, const json_t *section, sg_error *err);

#endif
