/* median.h - median of a square window, bit-equal to OpenCV medianBlur on 8-bit grey images (the
 * border is replicated).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_MEDIAN_H
#define SG_IMAGE_MEDIAN_H

#include "image/image.h"

/* size: 3 or 5. SG_ERR_USAGE otherwise, or when in is not grey. */
SG_MUST_CHECK sg_status sg_median_apply(sg_image *out, const sg_image *in, int size, sg_error *err);

#endif
