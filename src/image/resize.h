/* resize.h - change of size. Bilinear is Pillow's: a triangle filter whose support grows with the
 * reduction, so that shrinking does not alias; 8-bit results are bit-equal to
 * Image.resize(BILINEAR) of Pillow 9.4 (two passes, 22-bit fixed-point weights, a rounded 8-bit
 * image in between). Area is OpenCV's INTER_AREA (box average with fractional edges; when
 * enlarging, its linear variant), within one level. The float versions skip the rounding.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_RESIZE_H
#define SG_IMAGE_RESIZE_H

#include "image/image.h"

typedef enum sg_resize_filter { SG_RESIZE_BILINEAR, SG_RESIZE_AREA } sg_resize_filter;

/* 8-bit, 1 or 3 channels. SG_ERR_USAGE on a size outside 1..65535. */
SG_MUST_CHECK sg_status sg_resize_image(sg_image *out, const sg_image *in, int width, int height,
        sg_resize_filter filter, sg_error *err);
SG_MUST_CHECK sg_status sg_resize_plane(sg_plane *out, const sg_plane *in, int width, int height,
        sg_resize_filter filter, sg_error *err);
/* The part `box` of a one-channel image, resized into dst[height][width] whose rows are `stride`
 * floats apart; values 0..255. Pixels outside the box do not contribute. */
SG_MUST_CHECK sg_status sg_resize_grey_box(float *dst, size_t stride, int width, int height,
        const sg_image *grey, sg_rect box, sg_resize_filter filter, sg_error *err);

#endif
