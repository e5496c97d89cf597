/* warp.h - one affine warp of a grey image into a float plane, so that rotation, scale, shift and
 * the change to the network's size cost one interpolation.
 *
 * Sampling is bilinear where the warp enlarges; where it shrinks, the triangle widens by the local
 * reduction along each source axis, as in resize.h, so that nothing aliases: a pure scale gives
 * what sg_resize_grey_box gives. A target pixel whose centre falls outside the image gets `fill`;
 * near the border weights are renormalised over the pixels that exist. Results do not depend on the
 * CPU. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_WARP_H
#define SG_IMAGE_WARP_H

#include "image/image.h"

/* dst[dh][dw]: values 0..255. m maps a target pixel (u, v) to the source: x = m0 u + m1 v + m2,
 * y = m3 u + m4 v + m5, pixel centres at whole numbers. Only pixels of `box` are sampled (the whole
 * image when its width is 0). SG_ERR_USAGE on a matrix that is not finite or reduces more than
 * 64-fold. */
SG_MUST_CHECK sg_status sg_warp_affine(float *dst, int dw, int dh, const sg_image *grey,
        sg_rect box, const double m[6], float fill, sg_error *err);

/* Nearest pixel, for masks: values are copied, never mixed. */
SG_MUST_CHECK sg_status sg_warp_nearest(uint8_t *dst, int dw, int dh, const sg_image *grey,
        const double m[6], uint8_t fill, sg_error *err);

#endif
