/* traits.h - what one picture says about itself beside its content: colour, flat areas, grey
 * levels, where its scan lies. What an audit judges by; nothing here knows other pictures.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_DATA_TRAITS_H
#define SG_DATA_TRAITS_H

#include "image/image.h"

typedef struct sg_traits {
    double mean, sd;  /* of the grey levels, 0..255 */
    double low, high; /* grey levels below and above which half a percent of the pixels lie */
    double coloured;  /* share of pixels whose channels differ by 40 levels or more */
    double solid;     /* share of pixels with 3 x 3 such around them: areas, not lines */
    double two_level; /* share of pixels within 8 levels of the darkest or the brightest level */
    double flat;      /* share of the most frequent level, black (below 16) left out */
    double scan;      /* share of the picture that the box of its scan covers (image/crop.h) */
    int levels;       /* grey levels that occur */
} sg_traits;

/* 8-bit; colour traits of a grey picture are 0. */
SG_MUST_CHECK sg_status sg_traits_measure(
        sg_traits *out, const sg_image *image, const sg_image *grey, sg_error *err);

#endif
