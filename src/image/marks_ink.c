/* marks_ink.c - the ink map: where a picture has strokes. A white top-hat keeps what is narrower
 * than a square in some direction; ink is what stands out in it against the relief that tissue has
 * there anyhow. SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "image/marks_internal.h"

#include <stdlib.h>
#include <string.h>

enum { MIN_RELIEF = 42, MIN_LEVEL = 120, NOISE_REACH = 24 };

static int clamp(int v, int low, int high) {
    return v < low ? low : v > high ? high : v;
}

/* dst[i] = the smaller (or larger) of a[i] and b[i]. */
static void fold(uint8_t *dst, const uint8_t *a, const uint8_t *b, size_t n, bool largest) {
    if (largest)
        for (size_t i = 0; i < n; i++) dst[i] = a[i] > b[i] ? a[i] : b[i];
    else
        for (size_t i = 0; i < n; i++) dst[i] = a[i] < b[i] ? a[i] : b[i];
}

/* Minimum or maximum over a square of side 2 * reach + 1, borders cut: down the columns, then along
 * the rows, whole rows at a time. */
static void slide_square(uint8_t *dst, uint8_t *spare, const uint8_t *src, int width, int height,
        int reach, bool largest) {
    size_t w = (size_t)width;
    for (int y = 0; y < height; y++) {
        uint8_t *row = spare + (size_t)y * w;
        memcpy(row, src + (size_t)y * w, w);
        for (int v = clamp(y - reach, 0, height - 1); v <= clamp(y + reach, 0, height - 1); v++)
            fold(row, row, src + (size_t)v * w, w, largest);
    }
    for (int y = 0; y < height; y++) {
        uint8_t *to = dst + (size_t)y * w;
        const uint8_t *from = spare + (size_t)y * w;
        memcpy(to, from, w);
        for (size_t d = 1; d <= (size_t)reach && d < w; d++) {
            fold(to, to, from + d, w - d, largest);
            fold(to + d, to + d, from, w - d, largest);
        }
    }
}

/* Mean over a square window by a running sum over columns. */
static sg_status average(
        float *dst, const uint8_t *src, int width, int height, int reach, sg_error *err) {
    size_t stride = (size_t)width + 1;
    uint32_t *sum = calloc(stride * ((size_t)height + 1), sizeof *sum);
    if (!sum) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a picture's relief");
    for (int y = 0; y < height; y++) {
        uint32_t row = 0;
        for (int x = 0; x < width; x++) {
            row += src[(size_t)y * (size_t)width + (size_t)x];
            sum[(size_t)(y + 1) * stride + (size_t)x + 1] =
                    sum[(size_t)y * stride + (size_t)x + 1] + row;
        }
    }
    for (int y = 0; y < height; y++) {
        size_t top = (size_t)clamp(y - reach, 0, height),
               bottom = (size_t)clamp(y + reach + 1, 0, height);
        for (int x = 0; x < width; x++) {
            size_t left = (size_t)clamp(x - reach, 0, width),
                   right = (size_t)clamp(x + reach + 1, 0, width);
            uint32_t total = sum[bottom * stride + right] - sum[top * stride + right] -
                             sum[bottom * stride + left] + sum[top * stride + left];
            dst[(size_t)y * (size_t)width + (size_t)x] =
                    (float)total / (float)((bottom - top) * (right - left));
        }
    }
    free(sum);
    return SG_OK;
}

/* ---- components ---- */

/* Level and contrast of a finished component: mean grey of its brighter pixels; the mean of all
 * less that of what is no ink in the box grown by two. */
static void measure(sg_blob *blob, const sg_ink *ink, int number) {
    double inside = 0.0, around = 0.0;
    int n = 0, m = 0;
    sg_rect b = blob->box;
    for (int y = clamp(b.y - 2, 0, ink->height); y < clamp(b.y + b.height + 2, 0, ink->height);
            y++) {
        for (int x = clamp(b.x - 2, 0, ink->width); x < clamp(b.x + b.width + 2, 0, ink->width);
                x++) {
            int at = ink->label[(size_t)y * (size_t)ink->width + (size_t)x];
            if (at == number) {
                inside += sg_ink_grey(ink, x, y);
                n++;
            } else if (at < 0) {
                around += sg_ink_grey(ink, x, y);
                m++;
            }
        }
    }
    blob->contrast = m ? inside / n - around / m : 0.0;
    double floor = inside / n;
    inside = 0.0;
    n = 0;
    for (int y = b.y; y < b.y + b.height; y++) {
        for (int x = b.x; x < b.x + b.width; x++) {
            if (ink->label[(size_t)y * (size_t)ink->width + (size_t)x] != number) continue;
            if (sg_ink_grey(ink, x, y) < floor) continue;
            inside += sg_ink_grey(ink, x, y);
            n++;
        }
    }
    blob->level = inside / n;
}

static void flood(sg_ink *ink, int *stack, int number, int seed, sg_blob *blob) {
    int x0 = ink->width, y0 = ink->height, x1 = -1, y1 = -1, top = 0;
    stack[top++] = seed;
    ink->label[seed] = number;
    while (top) {
        int at = stack[--top], x = at % ink->width, y = at / ink->width;
        blob->area++;
        if (x < x0) x0 = x;
        if (x > x1) x1 = x;
        if (y < y0) y0 = y;
        if (y > y1) y1 = y;
        for (int v = clamp(y - 1, 0, ink->height - 1); v <= clamp(y + 1, 0, ink->height - 1); v++) {
            for (int u = clamp(x - 1, 0, ink->width - 1); u <= clamp(x + 1, 0, ink->width - 1);
                    u++) {
                int next = v * ink->width + u;
                if (!ink->ink[next] || ink->label[next] >= 0) continue;
                ink->label[next] = number;
                stack[top++] = next;
            }
        }
    }
    blob->box = (sg_rect){x0, y0, x1 - x0 + 1, y1 - y0 + 1};
}

static sg_status find_blobs(sg_ink *ink, sg_error *err) {
    size_t n = (size_t)ink->width * (size_t)ink->height, capacity = 0;
    int *stack = malloc(n * sizeof *stack);
    if (!stack) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a picture's strokes");
    sg_status status = SG_OK;
    for (size_t i = 0; i < n && !status; i++) {
        if (!ink->ink[i] || ink->label[i] >= 0) continue;
        status = sg_grow(&ink->blobs, &capacity, ink->blob_count + 1, sizeof *ink->blobs, err);
        if (status) break;
        sg_blob *blob = &ink->blobs[ink->blob_count];
        *blob = (sg_blob){0};
        flood(ink, stack, (int)ink->blob_count++, (int)i, blob);
    }
    for (size_t i = 0; i < ink->blob_count; i++) measure(&ink->blobs[i], ink, (int)i);
    free(stack);
    return status;
}

sg_status sg_ink_make(sg_ink *out, const sg_image *grey, sg_error *err) {
    int shorter = grey->width < grey->height ? grey->width : grey->height;
    int reach = shorter < 420 ? 2 : shorter < 800 ? 3 : 4;
    size_t n = (size_t)grey->width * (size_t)grey->height;
    sg_ink ink = {.width = grey->width,
            .height = grey->height,
            .stroke = 2 * reach,
            .grey = grey->pixels};
    uint8_t *opened = malloc(n), *spare = malloc(n);
    ink.relief = malloc(n);
    ink.ink = malloc(n);
    ink.noise = malloc(n * sizeof *ink.noise);
    ink.label = malloc(n * sizeof *ink.label);
    sg_status status = SG_OK;
    if (!opened || !spare || !ink.relief || !ink.ink || !ink.noise || !ink.label) {
        status = sg_fail(err, SG_ERR_MEMORY, "out of memory for the strokes of %d x %d pixels",
                grey->width, grey->height);
        goto done;
    }
    slide_square(opened, spare, grey->pixels, ink.width, ink.height, reach, false);
    slide_square(ink.relief, spare, opened, ink.width, ink.height, reach, true);
    for (size_t i = 0; i < n; i++) ink.relief[i] = (uint8_t)(grey->pixels[i] - ink.relief[i]);
    status = average(ink.noise, ink.relief, ink.width, ink.height, NOISE_REACH, err);
    if (status) goto done;
    for (size_t i = 0; i < n; i++) {
        float need = 1.6f * ink.noise[i];
        if (need < MIN_RELIEF) need = MIN_RELIEF;
        ink.ink[i] = ink.relief[i] >= need && grey->pixels[i] >= MIN_LEVEL;
        ink.label[i] = -1;
    }
    status = find_blobs(&ink, err);
done:
    free(opened);
    free(spare);
    if (status)
        sg_ink_dispose(&ink);
    else
        *out = ink;
    return status;
}

sg_status sg_ink_raise(sg_ink *ink, int level, sg_error *err) {
    size_t n = (size_t)ink->width * (size_t)ink->height;
    for (size_t i = 0; i < n; i++) {
        ink->ink[i] = ink->ink[i] && ink->grey[i] >= level;
        ink->label[i] = -1;
    }
    free(ink->blobs);
    ink->blobs = NULL;
    ink->blob_count = 0;
    return find_blobs(ink, err);
}

void sg_ink_dispose(sg_ink *ink) {
    if (!ink) return;
    free(ink->relief);
    free(ink->ink);
    free(ink->noise);
    free(ink->label);
    free(ink->blobs);
    *ink = (sg_ink){0};
}
