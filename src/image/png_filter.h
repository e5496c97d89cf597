/* png_filter.h - undoing PNG's filters (PNG specification, third edition, section 9).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_PNG_FILTER_H
#define SG_IMAGE_PNG_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* pixels[rows][row] from raw[rows][1 + row], behind which three more bytes may be read; each raw
 * row begins with its filter. pixel: bytes of a pixel, 1 to 4. False on a filter that is none. */
bool sg_png_unfilter(uint8_t *pixels, const uint8_t *raw, int rows, size_t row, int pixel);

#endif
