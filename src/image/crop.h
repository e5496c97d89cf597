/* crop.h - where in a screenshot the scan is: the box of the large dense regions, so that black
 * borders, burnt-in text, scales and thin frames beside it fall away. Never empty: an image in
 * which nothing stands out gives the whole image. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_CROP_H
#define SG_IMAGE_CROP_H

#include "image/image.h"

SG_MUST_CHECK sg_status sg_crop_find(sg_rect *out, const sg_image *grey, sg_error *err);
/* Copy of a box; SG_ERR_USAGE when it is empty or leaves the image. */
SG_MUST_CHECK sg_status sg_crop_copy(sg_image *out, const sg_image *in, sg_rect box, sg_error *err);

#endif
