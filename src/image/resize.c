/* resize.c - separable resizing: rows first, then columns. The 8-bit bilinear path repeats Pillow's
 * fixed point step by step; everything else runs in float.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/resize.h"

#include "image/axis.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PRECISION = 32 - 8 - 2 }; /* Pillow's PRECISION_BITS */

typedef struct axes {
    sg_axis x, y;
} axes;

static void dispose_axes(axes *a) {
    sg_axis_dispose(&a->x);
    sg_axis_dispose(&a->y);
}

static sg_status create_axes(axes *out, int from_w, int from_h, int to_w, int to_h,
        sg_resize_filter filter, sg_error *err) {
    if (to_w < 1 || to_h < 1 || to_w > 65535 || to_h > 65535)
        return sg_fail(
                err, SG_ERR_USAGE, "an image cannot be resized to %d x %d pixels", to_w, to_h);
    bool enlarges = to_w > from_w || to_h > from_h;
    axes a = {0};
    sg_status status = sg_axis_create(&a.x, from_w, to_w, filter, enlarges, err);
    if (!status) status = sg_axis_create(&a.y, from_h, to_h, filter, enlarges, err);
    if (status) {
        dispose_axes(&a);
        return status;
    }
    *out = a;
    return SG_OK;
}

/* Source rows that the y axis uses: [*first, *last). */
static void used_rows(int *first, int *last, const sg_axis *y) {
    *first = y->first[0];
    *last = y->first[y->length - 1] + y->count[y->length - 1];
}

/* ---- 8-bit bilinear, Pillow's arithmetic ---- */

static uint8_t clip_fixed(int v) {
    v >>= PRECISION;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* [length][taps]; NULL when out of memory. */
static int *fixed_weights(const sg_axis *axis) {
    size_t n = (size_t)axis->length * (size_t)axis->taps;
    int *fixed = malloc(n * sizeof *fixed);
    if (!fixed) return NULL;
    for (size_t i = 0; i < n; i++) fixed[i] = (int)(0.5 + axis->weights[i] * (1 << PRECISION));
    return fixed;
}

static void rows_fixed(uint8_t *out, const sg_image *in, const sg_axis *axis, const int *fixed,
        int first, int last) {
    int c = in->channels;
    for (int y = first; y < last; y++) {
        const uint8_t *row = in->pixels + (size_t)y * (size_t)in->width * (size_t)c;
        for (int x = 0; x < axis->length; x++) {
            const int *w = fixed + (size_t)x * (size_t)axis->taps;
            for (int k = 0; k < c; k++) {
                const uint8_t *p = row + (size_t)axis->first[x] * (size_t)c + k;
                int sum = 1 << (PRECISION - 1);
                for (int i = 0; i < axis->count[x]; i++) sum += p[(size_t)i * (size_t)c] * w[i];
                *out++ = clip_fixed(sum);
            }
        }
    }
}

/* rows: first row is source row `first`. */
static void columns_fixed(uint8_t *out, const uint8_t *rows, size_t width, const sg_axis *axis,
        const int *fixed, int *sums, int first) {
    for (int y = 0; y < axis->length; y++, out += width) {
        const int *w = fixed + (size_t)y * (size_t)axis->taps;
        const uint8_t *p = rows + (size_t)(axis->first[y] - first) * width;
        for (size_t x = 0; x < width; x++) sums[x] = 1 << (PRECISION - 1);
        for (int i = 0; i < axis->count[y]; i++, p += width)
            for (size_t x = 0; x < width; x++) sums[x] += p[x] * w[i];
        for (size_t x = 0; x < width; x++) out[x] = clip_fixed(sums[x]);
    }
}

static sg_status resize_fixed(sg_image *out, const sg_image *in, const axes *a, sg_error *err) {
    int first, last;
    used_rows(&first, &last, &a->y);
    size_t width = (size_t)a->x.length * (size_t)in->channels;
    sg_image result = {0};
    sg_status status = SG_OK;
    int *fixed_x = fixed_weights(&a->x), *fixed_y = fixed_weights(&a->y);
    int *sums = malloc(width * sizeof *sums);
    uint8_t *rows = malloc(width * (size_t)(last - first));
    if (!fixed_x || !fixed_y || !sums || !rows)
        status = sg_fail(err, SG_ERR_MEMORY, "no memory to resize an image");
    else
        status = sg_image_create(&result, a->x.length, a->y.length, in->channels, err);
    if (!status) {
        rows_fixed(rows, in, &a->x, fixed_x, first, last);
        columns_fixed(result.pixels, rows, width, &a->y, fixed_y, sums, first);
        *out = result;
    }
    free(fixed_x);
    free(fixed_y);
    free(sums);
    free(rows);
    return status;
}

/* ---- float ---- */

static float *float_weights(const sg_axis *axis) {
    size_t n = (size_t)axis->length * (size_t)axis->taps;
    float *w = malloc(n * sizeof *w);
    if (!w) return NULL;
    for (size_t i = 0; i < n; i++) w[i] = (float)axis->weights[i];
    return w;
}

static void row_float(
        float *out, const float *in, int channels, const sg_axis *axis, const float *weights) {
    for (int x = 0; x < axis->length; x++) {
        const float *w = weights + (size_t)x * (size_t)axis->taps;
        for (int k = 0; k < channels; k++) {
            const float *p = in + (size_t)axis->first[x] * (size_t)channels + k;
            float sum = 0;
            for (int i = 0; i < axis->count[x]; i++) sum += p[(size_t)i * (size_t)channels] * w[i];
            *out++ = sum;
        }
    }
}

static void column_float(float *out, const float *rows, size_t width, const float *w, int count) {
    for (size_t x = 0; x < width; x++) out[x] = rows[x] * w[0];
    for (int i = 1; i < count; i++)
        for (size_t x = 0; x < width; x++) out[x] += rows[(size_t)i * width + x] * w[i];
}

/* Either 8-bit or float pixels, `stride` elements from row to row. */
typedef struct pixels {
    const uint8_t *bytes;
    const float *values;
    size_t stride;
    int width, channels;
} pixels;

static const float *row_of(const pixels *in, int y, float *scratch) {
    if (in->values) return in->values + (size_t)y * in->stride;
    const uint8_t *row = in->bytes + (size_t)y * in->stride;
    size_t n = (size_t)in->width * (size_t)in->channels;
    for (size_t i = 0; i < n; i++) scratch[i] = row[i];
    return scratch;
}

static sg_status resize_float(
        float *dst, size_t stride, const pixels *in, const axes *a, sg_error *err) {
    int first, last;
    used_rows(&first, &last, &a->y);
    size_t width = (size_t)a->x.length * (size_t)in->channels;
    float *weights_x = float_weights(&a->x), *weights_y = float_weights(&a->y);
    float *scratch = malloc((size_t)in->width * (size_t)in->channels * sizeof *scratch);
    float *rows = malloc(width * (size_t)(last - first) * sizeof *rows);
    sg_status status = SG_OK;
    if (!weights_x || !weights_y || !scratch || !rows) {
        status = sg_fail(err, SG_ERR_MEMORY, "no memory to resize an image");
        goto done;
    }
    for (int y = first; y < last; y++)
        row_float(rows + (size_t)(y - first) * width, row_of(in, y, scratch), in->channels, &a->x,
                weights_x);
    for (int y = 0; y < a->y.length; y++)
        column_float(dst + (size_t)y * stride, rows + (size_t)(a->y.first[y] - first) * width,
                width, weights_y + (size_t)y * (size_t)a->y.taps, a->y.count[y]);
done:
    free(weights_x);
    free(weights_y);
    free(scratch);
    free(rows);
    return status;
}

/* Area on 8 bits: float sums, rounded half to even as OpenCV's saturate_cast does. */
static sg_status resize_rounded(sg_image *out, const sg_image *in, const axes *a, sg_error *err) {
    sg_image result = {0};
    sg_status status = sg_image_create(&result, a->x.length, a->y.length, in->channels, err);
    if (status) return status;
    size_t n = sg_image_size(&result);
    size_t width = (size_t)a->x.length * (size_t)in->channels;
    float *values = malloc(n * sizeof *values);
    pixels from = {
            in->pixels, NULL, (size_t)in->width * (size_t)in->channels, in->width, in->channels};
    status = values ? resize_float(values, width, &from, a, err)
                    : sg_fail(err, SG_ERR_MEMORY, "no memory to resize an image");
    if (status) {
        sg_image_dispose(&result);
    } else {
        for (size_t i = 0; i < n; i++) {
            float v = rintf(values[i]);
            result.pixels[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
        *out = result;
    }
    free(values);
    return status;
}

sg_status sg_resize_image(sg_image *out, const sg_image *in, int width, int height,
        sg_resize_filter filter, sg_error *err) {
    if (width == in->width && height == in->height) return sg_image_clone(out, in, err);
    axes a = {0};
    sg_status status = create_axes(&a, in->width, in->height, width, height, filter, err);
    if (status) return status;
    status = filter == SG_RESIZE_BILINEAR ? resize_fixed(out, in, &a, err)
                                          : resize_rounded(out, in, &a, err);
    dispose_axes(&a);
    return status;
}

sg_status sg_resize_plane(sg_plane *out, const sg_plane *in, int width, int height,
        sg_resize_filter filter, sg_error *err) {
    axes a = {0};
    sg_status status = create_axes(&a, in->width, in->height, width, height, filter, err);
    if (status) return status;
    sg_plane result = {0};
    status = sg_plane_create(&result, width, height, err);
    pixels from = {NULL, in->values, (size_t)in->width, in->width, 1};
    if (!status) status = resize_float(result.values, (size_t)width, &from, &a, err);
    dispose_axes(&a);
    if (status) {
        sg_plane_dispose(&result);
        return status;
    }
    *out = result;
    return SG_OK;
}

sg_status sg_resize_grey_box(float *dst, size_t stride, int width, int height, const sg_image *grey,
        sg_rect box, sg_resize_filter filter, sg_error *err) {
    if (grey->channels != 1)
        return sg_fail(
                err, SG_ERR_USAGE, "a grey image is wanted, not %d channels", grey->channels);
    axes a = {0};
    sg_status status = create_axes(&a, box.width, box.height, width, height, filter, err);
    if (status) return status;
    pixels from = {grey->pixels + (size_t)box.y * (size_t)grey->width + box.x, NULL,
            (size_t)grey->width, box.width, 1};
    status = resize_float(dst, stride, &from, &a, err);
    dispose_axes(&a);
    return status;
}
