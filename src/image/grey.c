/* grey.c - colour to grey in OpenCV's 15-bit fixed point, and back.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/grey.h"

enum { SHIFT = 15, RED = 9798, GREEN = 19235, BLUE = 3735 };

sg_status sg_grey_convert(sg_image *out, const sg_image *in, sg_error *err) {
    if (in->channels == 1) return sg_image_clone(out, in, err);
    sg_image grey = {0};
    sg_status status = sg_image_create(&grey, in->width, in->height, 1, err);
    if (status) return status;
    size_t count = sg_image_size(&grey);
    const uint8_t *rgb = in->pixels;
    for (size_t i = 0; i < count; i++)
        grey.pixels[i] = (uint8_t)((RED * rgb[3 * i] + GREEN * rgb[3 * i + 1] +
                                           BLUE * rgb[3 * i + 2] + (1 << (SHIFT - 1))) >>
                                   SHIFT);
    *out = grey;
    return SG_OK;
}

sg_status sg_grey_to_rgb(sg_image *out, const sg_image *in, sg_error *err) {
    if (in->channels == 3) return sg_image_clone(out, in, err);
    sg_image rgb = {0};
    sg_status status = sg_image_create(&rgb, in->width, in->height, 3, err);
    if (status) return status;
    size_t count = sg_image_size(in);
    for (size_t i = 0; i < count; i++)
        rgb.pixels[3 * i] = rgb.pixels[3 * i + 1] = rgb.pixels[3 * i + 2] = in->pixels[i];
    *out = rgb;
    return SG_OK;
}
