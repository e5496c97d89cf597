/* png_rows.h - the pixels of the PNGs that are met most, faster than libpng gets at them: grey or
 * colour, with or without alpha, 8 bits deep, not interlaced, nothing wrong.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_PNG_ROWS_H
#define SG_IMAGE_PNG_ROWS_H

#include "image/codec_internal.h"

/* pixels[height][width][channels] of a file whose header libpng has read. False when it is not such
 * a file, or not a sound one to the last byte of its last chunk: libpng then decides what becomes
 * of it, and `pixels` holds anything. */
bool sg_png_rows(uint8_t *pixels, const sg_image_info *info, const sg_codec_source *source);

#endif
