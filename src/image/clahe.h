/* clahe.h - contrast limited adaptive histogram equalisation (Zuiderveld 1994), bit-equal to OpenCV
 * 4.6 createCLAHE(clip, {tiles, tiles}).apply() on 8-bit grey images, sizes not divisible by the
 * tiles included (the image is then extended right and below by reflect-101).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_CLAHE_H
#define SG_IMAGE_CLAHE_H

#include "image/image.h"

/* clip: limit of a histogram bin relative to a flat histogram, > 0 limits, 0 does not; tiles: per
 * axis, 1..64. SG_ERR_USAGE outside, or when in is not grey. out may be in: the change is in place.
 */
SG_MUST_CHECK sg_status sg_clahe_apply(
        sg_image *out, const sg_image *in, double clip, int tiles, sg_error *err);

#endif
