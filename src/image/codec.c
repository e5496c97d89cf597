/* codec.c - which decoder a file gets, and the limits that all of them obey.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/codec.h"

#include "base/file.h"
#include "base/str.h"
#include "image/codec_internal.h"
#include <stdlib.h>
#include <string.h>

typedef struct format {
    const char *name;
    size_t magic_size;
    const char *magic;
    sg_status (*decode)(sg_image *, sg_image_info *, const sg_codec_source *, sg_error *);
} format;

/* In the order of sg_image_format. */
static const format formats[] = {
        {"png", 8, "\x89PNG\r\n\x1a\n", sg_png_decode},
        {"jpeg", 3, "\xff\xd8\xff", sg_jpeg_decode},
};
enum { FORMAT_COUNT = sizeof(formats) / sizeof(formats[0]) };

static const char *const extensions[] = {".png", ".jpg", ".jpeg"};

const char *sg_image_format_name(sg_image_format which) {
    return formats[which].name;
}

bool sg_image_has_extension(const char *name) {
    for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++)
        if (sg_ends_with(name, extensions[i])) return true;
    return false;
}

sg_status sg_codec_check(const sg_image_info *info, const sg_codec_source *source, sg_error *err) {
    const sg_image_limits *limits = source->limits;
    if (info->width < 1 || info->height < 1)
        return sg_fail(err, SG_ERR_FORMAT,
                "'%s' holds no picture (%d x %d pixels by its header); export it again",
                source->name, info->width, info->height);
    int64_t pixels = (int64_t)info->width * info->height;
    if (info->width > limits->max_side || info->height > limits->max_side ||
            pixels > limits->max_pixels)
        return sg_fail(err, SG_ERR_FORMAT,
                "'%s' claims %d x %d pixels, more than the limit of %d a side and %lld in all; "
                "scale it down first",
                source->name, info->width, info->height, limits->max_side,
                (long long)limits->max_pixels);
    return SG_OK;
}

static sg_status decode(
        sg_image *out, sg_image_info *info, const sg_codec_source *source, sg_error *err) {
    if (source->size == 0)
        return sg_fail(err, SG_ERR_FORMAT, "'%s' is empty (0 bytes); copy or download it again",
                source->name);
    for (int i = 0; i < FORMAT_COUNT; i++) {
        const format *f = &formats[i];
        if (source->size < f->magic_size || memcmp(source->bytes, f->magic, f->magic_size))
            continue;
        sg_image_info found = {0};
        sg_status status = f->decode(out, &found, source, err);
        if (!status && info) *info = found;
        return status;
    }
    return sg_fail(err, SG_ERR_FORMAT,
            "'%s' is neither PNG nor JPEG by its first bytes; convert it to one of them",
            source->name);
}

static const sg_image_limits default_limits = SG_IMAGE_LIMITS_INIT;

sg_status sg_image_decode(sg_image *out, sg_image_info *info, const void *bytes, size_t size,
        const char *name, const sg_image_limits *limits, sg_error *err) {
    sg_codec_source source = {bytes, size, name, limits ? limits : &default_limits};
    return decode(out, info, &source, err);
}

sg_status sg_image_probe(sg_image_info *info, const void *bytes, size_t size, const char *name,
        const sg_image_limits *limits, sg_error *err) {
    sg_codec_source source = {bytes, size, name, limits ? limits : &default_limits};
    return decode(NULL, info, &source, err);
}

sg_status sg_image_read(sg_image *out, sg_image_info *info, const char *path,
        const sg_image_limits *limits, sg_error *err) {
    char *bytes = NULL;
    size_t size = 0;
    size_t most = (limits ? limits : &default_limits)->max_file_bytes;
    sg_status status = sg_file_read(&bytes, &size, path, most, err);
    if (status) return status;
    status = sg_image_decode(out, info, bytes, size, path, limits, err);
    free(bytes);
    return status;
}

sg_status sg_image_write_png(const char *path, const sg_image *image, sg_error *err) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    sg_status status = sg_image_encode_png(&bytes, &size, image, err);
    if (status) return status;
    status = sg_file_write(path, bytes, size, err);
    free(bytes);
    return status;
}
