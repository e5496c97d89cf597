/* image.c - making, copying and releasing the two pixel containers. Big blocks come from calloc, so
 * that pages nobody writes (a lying header) cost nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/image.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_SIDE = 65535 };

static sg_status check_size(int width, int height, sg_error *err) {
    if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE)
        return sg_fail(err, SG_ERR_USAGE,
                "an image of %d x %d pixels cannot be made (1 to %d a side)", width, height,
                MAX_SIDE);
    return SG_OK;
}

static sg_status allocate(
        void **out, size_t count, size_t element, int width, int height, sg_error *err) {
    void *block = calloc(count, element);
    if (!block)
        return sg_fail(
                err, SG_ERR_MEMORY, "no memory for an image of %d x %d pixels", width, height);
    *out = block;
    return SG_OK;
}

sg_status sg_image_create(sg_image *out, int width, int height, int channels, sg_error *err) {
    sg_status status = check_size(width, height, err);
    if (status) return status;
    if (channels != 1 && channels != 3)
        return sg_fail(err, SG_ERR_USAGE, "an image has 1 or 3 channels, not %d", channels);
    void *pixels = NULL;
    status =
            allocate(&pixels, (size_t)width * (size_t)height, (size_t)channels, width, height, err);
    if (status) return status;
    *out = (sg_image){width, height, channels, pixels};
    return SG_OK;
}

sg_status sg_image_clone(sg_image *out, const sg_image *in, sg_error *err) {
    sg_image copy = {0};
    sg_status status = sg_image_create(&copy, in->width, in->height, in->channels, err);
    if (status) return status;
    memcpy(copy.pixels, in->pixels, sg_image_size(in));
    *out = copy;
    return SG_OK;
}

void sg_image_dispose(sg_image *image) {
    if (!image) return;
    free(image->pixels);
    *image = (sg_image){0};
}

size_t sg_image_size(const sg_image *image) {
    return (size_t)image->width * (size_t)image->height * (size_t)image->channels;
}

sg_status sg_plane_create(sg_plane *out, int width, int height, sg_error *err) {
    sg_status status = check_size(width, height, err);
    if (status) return status;
    void *values = NULL;
    status = allocate(&values, (size_t)width * (size_t)height, sizeof(float), width, height, err);
    if (status) return status;
    *out = (sg_plane){width, height, values};
    return SG_OK;
}

void sg_plane_dispose(sg_plane *plane) {
    if (!plane) return;
    free(plane->values);
    *plane = (sg_plane){0};
}

sg_status sg_plane_from_image(sg_plane *out, const sg_image *grey, sg_error *err) {
    if (grey->channels != 1)
        return sg_fail(err, SG_ERR_USAGE, "a plane is made from a grey image, not from %d channels",
                grey->channels);
    sg_plane plane = {0};
    sg_status status = sg_plane_create(&plane, grey->width, grey->height, err);
    if (status) return status;
    size_t n = sg_image_size(grey);
    for (size_t i = 0; i < n; i++) plane.values[i] = grey->pixels[i];
    *out = plane;
    return SG_OK;
}

sg_status sg_image_from_plane(sg_image *out, const sg_plane *plane, sg_error *err) {
    sg_image image = {0};
    sg_status status = sg_image_create(&image, plane->width, plane->height, 1, err);
    if (status) return status;
    size_t n = sg_image_size(&image);
    for (size_t i = 0; i < n; i++) {
        float v = plane->values[i] + 0.5f;
        image.pixels[i] = v >= 255.0f ? 255 : v > 0.0f ? (uint8_t)v : 0;
    }
    *out = image;
    return SG_OK;
}
