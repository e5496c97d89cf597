/* png_filter.c - see png_filter.h. Each byte is given as the difference from what its neighbours to
 * the left, above and both predict. Pixels of three and four bytes go through vectors, one pixel a
 * time, since each needs the one before it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/png_filter.h"

#include <stdlib.h>
#include <string.h>

enum { NONE, SUB, UP, AVERAGE, PAETH };

/* Of left, above and corner the one nearest to left + above - corner, ties in this order. With
 * t = 3 corner - left - above that is the larger of left and above where t is at most the smaller,
 * the smaller where t is at least the larger, else the corner (as stb_image has it): no distances,
 * and little that waits for `left`. */
static uint8_t paeth(int left, int above, int corner) {
    int low = left < above ? left : above, high = left < above ? above : left;
    int t = 3 * corner - above - left;
    return (uint8_t)(t <= low ? high : t >= high ? low : corner);
}

/* Bytes [from, to) of a row; those of the first pixel have nothing to the left. */
static void undo_bytes(uint8_t *out, const uint8_t *in, const uint8_t *above, size_t from,
        size_t to, size_t pixel, int filter) {
    for (size_t i = from; i < to; i++) {
        int left = i >= pixel ? out[i - pixel] : 0, corner = i >= pixel ? above[i - pixel] : 0;
        int guess = filter == SUB       ? left
                    : filter == AVERAGE ? (left + above[i]) / 2
                                        : paeth(left, above[i], corner);
        out[i] = (uint8_t)(in[i] + guess);
    }
}

#if defined(__SSE2__)

#include <emmintrin.h>

#define INLINE static inline __attribute__((always_inline))

/* Four bytes, of which the last ones may belong to the next pixels. */
INLINE __m128i load_pixel(const uint8_t *p) {
    int32_t four;
    memcpy(&four, p, sizeof four);
    return _mm_cvtsi32_si128(four);
}

INLINE void store_pixel(uint8_t *p, __m128i v, size_t pixel) {
    int32_t four = _mm_cvtsi128_si32(v);
    memcpy(p, &four, pixel);
}

/* (left + above) / 2, where the instruction rounds up. */
INLINE __m128i average(__m128i left, __m128i above) {
    __m128i odd = _mm_and_si128(_mm_xor_si128(left, above), _mm_set1_epi8(1));
    return _mm_sub_epi8(_mm_avg_epu8(left, above), odd);
}

INLINE __m128i widen(__m128i bytes) {
    return _mm_unpacklo_epi8(bytes, _mm_setzero_si128());
}

/* paeth() in words of 16 bits. */
INLINE __m128i nearest(__m128i left, __m128i above, __m128i corner) {
    __m128i low = _mm_min_epi16(left, above), high = _mm_max_epi16(left, above);
    __m128i thrice = _mm_add_epi16(corner, _mm_add_epi16(corner, corner));
    __m128i t = _mm_sub_epi16(_mm_sub_epi16(thrice, above), left);
    __m128i not_high = _mm_cmpgt_epi16(t, low), not_low = _mm_cmpgt_epi16(high, t);
    __m128i amid = _mm_and_si128(corner, _mm_and_si128(not_high, not_low));
    return _mm_or_si128(
            amid, _mm_or_si128(_mm_andnot_si128(not_high, high), _mm_andnot_si128(not_low, low)));
}

/* Bytes of a row whose four bytes from any pixel on may be read. */
static size_t safe_bytes(size_t row, size_t pixel) {
    return row < 4 ? 0 : (row - 4) / pixel * pixel + pixel;
}

INLINE void undo_pixels(uint8_t *out, const uint8_t *in, const uint8_t *above, size_t end,
        size_t pixel, int filter) {
    __m128i left = _mm_setzero_si128(), corner = left;
    for (size_t i = 0; i < end; i += pixel) {
        __m128i given = load_pixel(in + i), up = load_pixel(above + i);
        if (filter == PAETH) {
            __m128i wide = widen(up);
            left = _mm_add_epi8(widen(given), nearest(left, wide, corner));
            corner = wide;
            store_pixel(out + i, _mm_packus_epi16(left, left), pixel);
        } else {
            left = _mm_add_epi8(given, filter == SUB ? left : average(left, up));
            store_pixel(out + i, left, pixel);
        }
    }
}

/* Two rows, the lower one a pixel behind, so that two pixels wait for theirs at a time: in the low
 * half of each vector the upper row's, whose last result is above the lower row's in the high half.
 * The lower row ends one pixel early. */
INLINE void undo_pair(uint8_t *out, const uint8_t *in, const uint8_t *above, size_t row, size_t end,
        size_t pixel) {
    uint8_t *lower_out = out + row;
    const uint8_t *lower_in = in + row + 1;
    __m128i left = _mm_setzero_si128(), corner = left;
    for (size_t i = 0; i < end; i += pixel) {
        __m128i given = widen(load_pixel(in + i)), up = widen(load_pixel(above + i));
        if (i) given = _mm_unpacklo_epi64(given, widen(load_pixel(lower_in + i - pixel)));
        up = _mm_unpacklo_epi64(up, left);
        left = _mm_add_epi8(given, nearest(left, up, corner));
        corner = up;
        __m128i bytes = _mm_packus_epi16(left, left);
        store_pixel(out + i, bytes, pixel);
        if (i) store_pixel(lower_out + i - pixel, _mm_srli_epi64(bytes, 32), pixel);
    }
}

/* A function of its own for each size of pixel and filter, made by the compiler. */
static size_t undo_fast(uint8_t *out, const uint8_t *in, const uint8_t *above, size_t row,
        size_t pixel, int filter) {
    size_t end = safe_bytes(row, pixel);
    if (pixel < 3 && filter != PAETH) return 0;
#define ONE(size, kind) undo_pixels(out, in, above, end, size, kind)
    if (pixel == 3 && filter == SUB) ONE(3, SUB);
    if (pixel == 3 && filter == AVERAGE) ONE(3, AVERAGE);
    if (pixel == 4 && filter == SUB) ONE(4, SUB);
    if (pixel == 4 && filter == AVERAGE) ONE(4, AVERAGE);
    if (pixel == 1 && filter == PAETH) ONE(1, PAETH);
    if (pixel == 2 && filter == PAETH) ONE(2, PAETH);
    if (pixel == 3 && filter == PAETH) ONE(3, PAETH);
    if (pixel == 4 && filter == PAETH) ONE(4, PAETH);
#undef ONE
    return end;
}

/* Bytes done of the upper row; of the lower one a pixel less. */
static size_t undo_fast_pair(
        uint8_t *out, const uint8_t *in, const uint8_t *above, size_t row, size_t pixel) {
    size_t end = safe_bytes(row, pixel);
    if (pixel == 1) undo_pair(out, in, above, row, end, 1);
    if (pixel == 2) undo_pair(out, in, above, row, end, 2);
    if (pixel == 3) undo_pair(out, in, above, row, end, 3);
    if (pixel == 4) undo_pair(out, in, above, row, end, 4);
    return end;
}

#else

static size_t undo_fast(uint8_t *out, const uint8_t *in, const uint8_t *above, size_t row,
        size_t pixel, int filter) {
    (void)out, (void)in, (void)above, (void)row, (void)pixel, (void)filter;
    return 0;
}

static size_t undo_fast_pair(
        uint8_t *out, const uint8_t *in, const uint8_t *above, size_t row, size_t pixel) {
    (void)out, (void)in, (void)above, (void)row, (void)pixel;
    return 0;
}

#endif

static void undo_row(uint8_t *out, const uint8_t *in, const uint8_t *above, size_t row,
        size_t pixel, int filter) {
    if (filter == NONE) {
        memcpy(out, in, row);
    } else if (filter == UP) {
        for (size_t i = 0; i < row; i++) out[i] = (uint8_t)(in[i] + above[i]);
    } else {
        size_t done = undo_fast(out, in, above, row, pixel, filter);
        undo_bytes(out, in, above, done, row, pixel, filter);
    }
}

/* Both rows by Paeth. */
static void undo_two_rows(
        uint8_t *out, const uint8_t *in, const uint8_t *above, size_t row, size_t pixel) {
    size_t done = undo_fast_pair(out, in, above, row, pixel);
    undo_bytes(out, in, above, done, row, pixel, PAETH);
    done = done < pixel ? 0 : done - pixel;
    undo_bytes(out + row, in + row + 1, out, done, row, pixel, PAETH);
}

bool sg_png_unfilter(uint8_t *pixels, const uint8_t *raw, int rows, size_t row, int pixel) {
    uint8_t *zeros = calloc(row + 1, 1);
    if (!zeros) return false;
    const uint8_t *above = zeros;
    int y = 0;
    while (y < rows && raw[0] <= PAETH) {
        int step = raw[0] == PAETH && y + 1 < rows && raw[row + 1] == PAETH ? 2 : 1;
        if (step == 2)
            undo_two_rows(pixels, raw + 1, above, row, (size_t)pixel);
        else
            undo_row(pixels, raw + 1, above, row, (size_t)pixel, raw[0]);
        y += step;
        pixels += (size_t)step * row;
        raw += (size_t)step * (row + 1);
        above = pixels - row;
    }
    free(zeros);
    return y == rows;
}
