/* codec.h - PNG and JPEG, in and out, from hostile bytes. The format is told by the first bytes,
 * never by the name. A file that is truncated, damaged, lies about itself or would not fit the
 * limits is SG_ERR_FORMAT with a sentence that names it and a remedy; nothing is allocated before
 * the header's claims were checked. What comes out is always 8-bit grey or RGB: 16-bit samples keep
 * their high byte, scaled as v / 257 rounded (info.bit_depth tells); 1, 2 and 4 bits are widened to
 * 0..255; palettes are resolved (grey when all entries used are grey); alpha is composited on
 * black; CMYK and YCCK become RGB; gamma, ICC profiles and EXIF orientation are ignored: an
 * ultrasound image is data, not a photograph. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_CODEC_H
#define SG_IMAGE_CODEC_H

#include "image/image.h"
#include <stdbool.h>

typedef struct sg_image_limits {
    int max_side;          /* pixels */
    int64_t max_pixels;    /* width * height */
    size_t max_file_bytes; /* of the compressed file */
} sg_image_limits;
#define SG_IMAGE_LIMITS_INIT                                                                       \
    { 16384, 100000000, (size_t)512 << 20 }

typedef enum sg_image_format { SG_IMAGE_PNG, SG_IMAGE_JPEG } sg_image_format;

/* What the file says about itself, before anything was converted. */
typedef struct sg_image_info {
    sg_image_format format;
    int width, height;
    int channels;  /* in the file: 1 grey or palette index, 2 grey + alpha, 3, 4 RGBA or CMYK */
    int bit_depth; /* per sample or index: 1 2 4 8 16 */
    bool palette, alpha, interlaced, cmyk;
} sg_image_info;

/* limits NULL = SG_IMAGE_LIMITS_INIT; info may be NULL. Expected failures: SG_ERR_IO,
 * SG_ERR_MISSING, SG_ERR_FORMAT. */
SG_MUST_CHECK sg_status sg_image_read(sg_image *out, sg_image_info *info, const char *path,
        const sg_image_limits *limits, sg_error *err);
/* The same from memory; `name` is what errors call it. */
SG_MUST_CHECK sg_status sg_image_decode(sg_image *out, sg_image_info *info, const void *bytes,
        size_t size, const char *name, const sg_image_limits *limits, sg_error *err);
/* Header only: cheap, and no promise that the pixels are sound. */
SG_MUST_CHECK sg_status sg_image_probe(sg_image_info *info, const void *bytes, size_t size,
        const char *name, const sg_image_limits *limits, sg_error *err);

/* PNG with fixed settings and no time stamp or text: the same pixels give the same bytes with the
 * same libpng and zlib. *bytes is the caller's (free). */
SG_MUST_CHECK sg_status sg_image_encode_png(
        uint8_t **bytes, size_t *size, const sg_image *image, sg_error *err);
SG_MUST_CHECK sg_status sg_image_write_png(const char *path, const sg_image *image, sg_error *err);

/* JPEG for people to look at, chroma unreduced; quality 1..100. *bytes is the caller's (free). */
SG_MUST_CHECK sg_status sg_image_encode_jpeg(
        uint8_t **bytes, size_t *size, const sg_image *image, int quality, sg_error *err);

/* "png", "jpeg". */
const char *sg_image_format_name(sg_image_format format);
/* True for names that end in .png .jpg .jpeg, whatever the case: what a folder scan considers. */
bool sg_image_has_extension(const char *name);

#endif
