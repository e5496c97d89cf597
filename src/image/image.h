/* image.h - the two pixel containers: 8-bit images as files hold them, float planes as arithmetic
 * wants them. Rows are dense, top to bottom; an image interleaves its channels (RGBRGB...).
 * Both own their pixels; zero-initialised structs are empty and safe to dispose.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_IMAGE_H
#define SG_IMAGE_IMAGE_H

#include "sonograde/error.h"
#include <stddef.h>
#include <stdint.h>

typedef struct sg_image {
    int width, height;
    int channels;    /* 1 grey, 3 RGB */
    uint8_t *pixels; /* [height][width][channels] */
} sg_image;

typedef struct sg_plane {
    int width, height;
    float *values; /* [height][width]; the range is the maker's */
} sg_plane;

typedef struct sg_rect {
    int x, y, width, height;
} sg_rect;

/* Zeroed. SG_ERR_USAGE unless 1 <= width, height <= 65535 and channels is 1 or 3. */
SG_MUST_CHECK sg_status sg_image_create(
        sg_image *out, int width, int height, int channels, sg_error *err);
SG_MUST_CHECK sg_status sg_image_clone(sg_image *out, const sg_image *in, sg_error *err);
void sg_image_dispose(sg_image *image);      /* NULL-safe; leaves it empty */
size_t sg_image_size(const sg_image *image); /* bytes of pixels */

SG_MUST_CHECK sg_status sg_plane_create(sg_plane *out, int width, int height, sg_error *err);
void sg_plane_dispose(sg_plane *plane); /* NULL-safe; leaves it empty */

/* One-channel image to a plane with values 0..255, and back (rounded half up, clamped to 0..255,
 * NaN becomes 0). */
SG_MUST_CHECK sg_status sg_plane_from_image(sg_plane *out, const sg_image *grey, sg_error *err);
SG_MUST_CHECK sg_status sg_image_from_plane(sg_image *out, const sg_plane *plane, sg_error *err);

#endif
