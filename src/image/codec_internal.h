/* codec_internal.h - what the formats offer to codec.c. Each decoder checks the header against the
 * limits before it allocates, fills *info, and leaves *out untouched on failure.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_CODEC_INTERNAL_H
#define SG_IMAGE_CODEC_INTERNAL_H

#include "image/codec.h"

/* A file's bytes and what errors call it. */
typedef struct sg_codec_source {
    const uint8_t *bytes;
    size_t size;
    const char *name;
    const sg_image_limits *limits;
} sg_codec_source;

/* out NULL = header only. */
SG_MUST_CHECK sg_status sg_png_decode(
        sg_image *out, sg_image_info *info, const sg_codec_source *source, sg_error *err);
SG_MUST_CHECK sg_status sg_jpeg_decode(
        sg_image *out, sg_image_info *info, const sg_codec_source *source, sg_error *err);

/* SG_ERR_FORMAT when info's size passes the limits. */
SG_MUST_CHECK sg_status sg_codec_check(
        const sg_image_info *info, const sg_codec_source *source, sg_error *err);

#endif
