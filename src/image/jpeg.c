/* jpeg.c - JPEG in and out, through libturbojpeg. Any warning is a failure: libjpeg warns, and
 * fills with grey, where data is missing or damaged, and a classifier must not look at such pixels.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/codec_internal.h"
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

static sg_status damaged(tjhandle handle, const sg_codec_source *source, sg_error *err) {
    return sg_fail(err, SG_ERR_FORMAT, "'%s' is a damaged or unusual JPEG (%s); export it again",
            source->name, tjGetErrorStr2(handle));
}

/* Adobe's programs store CMYK inverted and say so by an APP14 marker. */
static bool has_adobe_marker(const sg_codec_source *source) {
    const uint8_t *p = source->bytes;
    size_t at = 2;
    while (at + 4 <= source->size && p[at] == 0xff) {
        unsigned marker = p[at + 1];
        if (marker == 0xda || marker == 0xd9) break;
        if (marker == 0xff) { /* padding */
            at++;
            continue;
        }
        size_t length = (size_t)p[at + 2] << 8 | p[at + 3];
        if (marker == 0xee && length >= 7 && at + 9 <= source->size &&
                !memcmp(p + at + 4, "Adobe", 5))
            return true;
        at += 2 + length;
    }
    return false;
}

static void cmyk_to_rgb(uint8_t *rgb, const uint8_t *cmyk, size_t count, bool inverted) {
    unsigned flip = inverted ? 0 : 255;
    for (size_t i = 0; i < count; i++) {
        unsigned k = cmyk[4 * i + 3] ^ flip;
        for (size_t c = 0; c < 3; c++)
            rgb[3 * i + c] = (uint8_t)(((cmyk[4 * i + c] ^ flip) * k + 127) / 255);
    }
}

static sg_status read_header(
        sg_image_info *info, tjhandle handle, const sg_codec_source *source, sg_error *err) {
    int width = 0, height = 0, subsampling = 0, space = 0;
    if (tjDecompressHeader3(
                handle, source->bytes, source->size, &width, &height, &subsampling, &space))
        return damaged(handle, source, err);
    bool cmyk = space == TJCS_CMYK || space == TJCS_YCCK;
    *info = (sg_image_info){
            .format = SG_IMAGE_JPEG,
            .width = width,
            .height = height,
            .channels = space == TJCS_GRAY ? 1
                        : cmyk             ? 4
                                           : 3,
            .bit_depth = 8,
            .cmyk = cmyk,
    };
    return sg_codec_check(info, source, err);
}

static sg_status decompress(uint8_t *pixels, tjhandle handle, const sg_image_info *info,
        const sg_codec_source *source, sg_error *err) {
    int layout = info->channels == 1 ? TJPF_GRAY : info->cmyk ? TJPF_CMYK : TJPF_RGB;
    if (tjDecompress2(handle, source->bytes, source->size, pixels, info->width, 0, info->height,
                layout, TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT))
        return damaged(handle, source, err);
    return SG_OK;
}

static sg_status decode_cmyk(sg_image *image, tjhandle handle, const sg_image_info *info,
        const sg_codec_source *source, sg_error *err) {
    size_t count = (size_t)info->width * (size_t)info->height;
    uint8_t *cmyk = malloc(count * 4);
    if (!cmyk) return sg_fail(err, SG_ERR_MEMORY, "no memory for '%s'", source->name);
    sg_status status = decompress(cmyk, handle, info, source, err);
    if (!status) cmyk_to_rgb(image->pixels, cmyk, count, has_adobe_marker(source));
    free(cmyk);
    return status;
}

static sg_status decode_with(sg_image *out, sg_image_info *info, tjhandle handle,
        const sg_codec_source *source, sg_error *err) {
    sg_status status = read_header(info, handle, source, err);
    if (status || !out) return status;
    sg_image image = {0};
    status = sg_image_create(&image, info->width, info->height, info->channels == 1 ? 1 : 3, err);
    if (status) return status;
    status = info->cmyk ? decode_cmyk(&image, handle, info, source, err)
                        : decompress(image.pixels, handle, info, source, err);
    if (status) {
        sg_image_dispose(&image);
        return status;
    }
    *out = image;
    return SG_OK;
}

sg_status sg_jpeg_decode(
        sg_image *out, sg_image_info *info, const sg_codec_source *source, sg_error *err) {
    tjhandle handle = tjInitDecompress();
    if (!handle) return sg_fail(err, SG_ERR_MEMORY, "no memory to read '%s'", source->name);
    sg_status status = decode_with(out, info, handle, source, err);
    tjDestroy(handle);
    return status;
}

sg_status sg_image_encode_jpeg(
        uint8_t **bytes, size_t *size, const sg_image *image, int quality, sg_error *err) {
    tjhandle handle = tjInitCompress();
    if (!handle) return sg_fail(err, SG_ERR_MEMORY, "no memory to write a JPEG");
    unsigned char *packed = NULL;
    unsigned long packed_size = 0;
    bool grey = image->channels == 1;
    bool done = tjCompress2(handle, image->pixels, image->width, 0, image->height,
                        grey ? TJPF_GRAY : TJPF_RGB, &packed, &packed_size,
                        grey ? TJSAMP_GRAY : TJSAMP_444, quality, TJFLAG_ACCURATEDCT) == 0;
    uint8_t *own = done ? malloc(packed_size) : NULL;
    if (own) memcpy(own, packed, packed_size);
    tjFree(packed);
    tjDestroy(handle);
    if (!own) return sg_fail(err, SG_ERR_MEMORY, "no memory to write a JPEG");
    *bytes = own;
    *size = packed_size;
    return SG_OK;
}
