/* blur.h - Gaussian blur of float planes, separable, for scale spaces and band passes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_BLUR_H
#define SG_IMAGE_BLUR_H

#include "image/image.h"

/* A new plane; the kernel is cut at 3 sigma and sums to 1, the border is mirrored without repeating
 * the edge pixel. SG_ERR_USAGE unless 0.3 <= sigma <= 64. */
SG_MUST_CHECK sg_status sg_blur_plane(
        sg_plane *out, const sg_plane *in, double sigma, sg_error *err);

#endif
