/* median.c - exact median of a 3 x 3 or 5 x 5 window by bisection on the bits of the answer: the
 * median is the largest t that at least half of the window reaches. Counting runs over a block of
 * pixels at once, with no branch, so that compilers turn it into byte-wide vector code.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/median.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64, MAX_SIZE = 5 };

/* rows[size]: padded source rows, the window of pixel 0 starts at element 0. */
static void median_block(uint8_t *out, const uint8_t *const rows[MAX_SIZE], int size, size_t at) {
    uint8_t half = (uint8_t)(size * size / 2 + 1);
    uint8_t best[BLOCK] = {0};
    for (int bit = 128; bit; bit >>= 1) {
        uint8_t trial[BLOCK], reached[BLOCK] = {0};
        for (int i = 0; i < BLOCK; i++) trial[i] = (uint8_t)(best[i] | bit);
        for (int dy = 0; dy < size; dy++)
            for (int dx = 0; dx < size; dx++) {
                const uint8_t *p = rows[dy] + at + dx;
                for (int i = 0; i < BLOCK; i++) reached[i] += p[i] >= trial[i];
            }
        for (int i = 0; i < BLOCK; i++) best[i] = reached[i] >= half ? trial[i] : best[i];
    }
    memcpy(out, best, BLOCK);
}

/* A copy with the border replicated `radius` wide and the right edge filled up to whole blocks. */
static uint8_t *pad(const sg_image *in, int radius, size_t stride) {
    int rows = in->height + 2 * radius;
    uint8_t *padded = malloc(stride * (size_t)rows);
    if (!padded) return NULL;
    for (int y = 0; y < rows; y++) {
        int source = y - radius;
        source = source < 0 ? 0 : source >= in->height ? in->height - 1 : source;
        const uint8_t *from = in->pixels + (size_t)source * (size_t)in->width;
        uint8_t *to = padded + (size_t)y * stride;
        memset(to, from[0], (size_t)radius);
        memcpy(to + radius, from, (size_t)in->width);
        memset(to + radius + in->width, from[in->width - 1],
                stride - (size_t)radius - (size_t)in->width);
    }
    return padded;
}

sg_status sg_median_apply(sg_image *out, const sg_image *in, int size, sg_error *err) {
    if (in->channels != 1 || (size != 3 && size != 5))
        return sg_fail(err, SG_ERR_USAGE,
                "the median wants a grey image and size 3 or 5, not %d channels and %d",
                in->channels, size);
    int radius = size / 2;
    size_t width = (size_t)in->width;
    size_t stride = (width + BLOCK - 1) / BLOCK * BLOCK + 2 * (size_t)radius;
    sg_image result = {0};
    sg_status status = sg_image_create(&result, in->width, in->height, 1, err);
    if (status) return status;
    uint8_t *padded = pad(in, radius, stride);
    if (!padded) {
        sg_image_dispose(&result);
        return sg_fail(err, SG_ERR_MEMORY, "no memory for a median filter");
    }
    for (int y = 0; y < in->height; y++) {
        const uint8_t *rows[MAX_SIZE] = {0};
        for (int k = 0; k < size; k++) rows[k] = padded + (size_t)(y + k) * stride;
        for (size_t x = 0; x < width; x += BLOCK) {
            uint8_t block[BLOCK];
            median_block(block, rows, size, x);
            memcpy(result.pixels + (size_t)y * width + x, block,
                    width - x < BLOCK ? width - x : BLOCK);
        }
    }
    free(padded);
    *out = result;
    return SG_OK;
}
