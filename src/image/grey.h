/* grey.h - colour to grey, bit-equal to OpenCV 4.6 cvtColor RGB2GRAY on 8 bits:
 * (9798 R + 19235 G + 3735 B + 2^14) >> 15, the BT.601 weights in 15-bit fixed point (Pillow's "L"
 * uses 16 bits and may differ by one level). Equal channels come out unchanged.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_GREY_H
#define SG_IMAGE_GREY_H

#include "image/image.h"

/* A grey image is copied. */
SG_MUST_CHECK sg_status sg_grey_convert(sg_image *out, const sg_image *in, sg_error *err);
/* Grey replicated to three equal channels; RGB is copied. */
SG_MUST_CHECK sg_status sg_grey_to_rgb(sg_image *out, const sg_image *in, sg_error *err);

#endif
