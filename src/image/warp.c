/* warp.c - affine sampling with a triangle as wide as the local reduction. The support is the same
 * for the whole warp (it is affine), so most pixels take one short path: a fixed number of columns,
 * weighted after the rows were summed; wide supports and the border take the general one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/warp.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { SHORT_TAPS = 8, MAX_REDUCTION = 64, MAX_TAPS = 2 * MAX_REDUCTION + 2 };

typedef struct sampler {
    const uint8_t *pixels; /* of the box's top left */
    size_t stride;
    int width, height; /* of the box */
    double support_x, support_y;
    float inverse_x, inverse_y; /* 1 / support */
} sampler;

/* Triangle weights of `taps` samples from `first` on around `at`. */
static inline void weigh(float *weights, int taps, int first, double at, float inverse) {
    float start = (float)(first - at);
    for (int k = 0; k < taps; k++) {
        float w = 1.0f - fabsf(start + (float)k) * inverse;
        weights[k] = w > 0.0f ? w : 0.0f;
    }
}

/* First sample nearer than `support`. Positions lie inside the image here and the support is at
 * most MAX_REDUCTION, so the shifted value is positive and truncation is floor (the library's is a
 * call). */
static inline int first_tap(double at, double support) {
    return (int)(at - support + 2 * MAX_REDUCTION) - 2 * MAX_REDUCTION + 1;
}

static float sum_weights(const float *weights, int taps) {
    float sum = 0;
    for (int k = 0; k < taps; k++) sum += weights[k];
    return sum;
}

/* Any support, any place: taps beyond the box are left out and the rest renormalised. */
static float sample_general(const sampler *s, double x, double y) {
    int x0 = first_tap(x, s->support_x), x1 = (int)ceil(x + s->support_x);
    int y0 = first_tap(y, s->support_y), y1 = (int)ceil(y + s->support_y);
    x0 = x0 < 0 ? 0 : x0;
    y0 = y0 < 0 ? 0 : y0;
    x1 = x1 > s->width ? s->width : x1;
    y1 = y1 > s->height ? s->height : y1;
    float across[MAX_TAPS], down[MAX_TAPS];
    weigh(across, x1 - x0, x0, x, s->inverse_x);
    weigh(down, y1 - y0, y0, y, s->inverse_y);
    float total = 0;
    for (int j = 0; j < y1 - y0; j++) {
        const uint8_t *p = s->pixels + (size_t)(y0 + j) * s->stride + x0;
        float row = 0;
        for (int i = 0; i < x1 - x0; i++) row += p[i] * across[i];
        total += row * down[j];
    }
    return total / (sum_weights(across, x1 - x0) * sum_weights(down, y1 - y0));
}

/* Four numbers at once, in the vector notation that gcc and clang share: the compiler maps it to
 * what the processor has, and every lane is plain IEEE arithmetic, so results are the same
 * everywhere. */
typedef float quad __attribute__((vector_size(16)));
typedef int32_t quad_int __attribute__((vector_size(16)));
typedef uint64_t two_longs __attribute__((vector_size(16)));
typedef uint16_t eight_words __attribute__((vector_size(16)));
typedef uint8_t sixteen_bytes __attribute__((vector_size(16)));

/* Eight pixels as floats. */
static inline void load_eight(quad out[2], const uint8_t *p) {
    const sixteen_bytes no_bytes = {0};
    const eight_words no_words = {0};
    uint64_t eight;
    memcpy(&eight, p, SHORT_TAPS);
    sixteen_bytes raw = (sixteen_bytes)(two_longs){eight, 0};
    eight_words words = (eight_words)__builtin_shufflevector(
            raw, no_bytes, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    quad_int low = (quad_int)__builtin_shufflevector(words, no_words, 0, 8, 1, 9, 2, 10, 3, 11);
    quad_int high = (quad_int)__builtin_shufflevector(words, no_words, 4, 12, 5, 13, 6, 14, 7, 15);
    out[0] = __builtin_convertvector(low, quad);
    out[1] = __builtin_convertvector(high, quad);
}

/* weigh() for SHORT_TAPS taps. */
static inline void weigh_eight(quad weights[2], int first, double at, float inverse) {
    const quad_int magnitude = {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX};
    const quad steps = {0, 1, 2, 3};
    float start = (float)(first - at);
    for (int i = 0; i < 2; i++) {
        quad distance = steps + (start + 4.0f * (float)i);
        quad w = 1.0f - (quad)((quad_int)distance & magnitude) * inverse;
        weights[i] = (quad)((quad_int)w & (quad_int)(w > 0.0f));
    }
}

static inline float sum_quad(quad v) {
    return (v[0] + v[1]) + (v[2] + v[3]);
}

/* All taps inside the box and at most SHORT_TAPS a side: columns are summed down first, then
 * across. */
static inline float sample_short(const sampler *s, double x, double y, int x0, int y0, int rows) {
    quad across[2], down[2], columns[2] = {{0}, {0}}, pixels[2];
    float weights[SHORT_TAPS];
    weigh_eight(across, x0, x, s->inverse_x);
    weigh_eight(down, y0, y, s->inverse_y);
    memcpy(weights, down, sizeof weights);
    const uint8_t *p = s->pixels + (size_t)y0 * s->stride + x0;
    for (int j = 0; j < rows; j++, p += s->stride) {
        load_eight(pixels, p);
        columns[0] += pixels[0] * weights[j];
        columns[1] += pixels[1] * weights[j];
    }
    float total = sum_quad(columns[0] * across[0] + columns[1] * across[1]);
    return total / (sum_quad(across[0] + across[1]) * sum_quad(down[0] + down[1]));
}

static void sample_row(float *out, int count, const sampler *s, double x, double y,
        const double m[6], float fill) {
    double reach_x = 2 * s->support_x, reach_y = 2 * s->support_y;
    int rows = (int)ceil(reach_y);
    int last_x =
            reach_x <= SHORT_TAPS - 1 && reach_y <= SHORT_TAPS - 1 ? s->width - SHORT_TAPS : -1;
    int last_y = s->height - SHORT_TAPS;
    for (int u = 0; u < count; u++) {
        double at_x = x + m[0] * u, at_y = y + m[3] * u;
        if (!(at_x >= -0.5 && at_x < s->width - 0.5 && at_y >= -0.5 && at_y < s->height - 0.5)) {
            out[u] = fill;
            continue;
        }
        int x0 = first_tap(at_x, s->support_x), y0 = first_tap(at_y, s->support_y);
        if (x0 >= 0 && x0 <= last_x && y0 >= 0 && y0 <= last_y)
            out[u] = sample_short(s, at_x, at_y, x0, y0, rows);
        else
            out[u] = sample_general(s, at_x, at_y);
    }
}

static double support(double a, double b) {
    double reduction = hypot(a, b);
    return reduction < 1.0 ? 1.0 : reduction;
}

static sg_status check_matrix(const double m[6], sg_error *err) {
    for (int i = 0; i < 6; i++)
        if (!isfinite(m[i])) return sg_fail(err, SG_ERR_USAGE, "a warp's matrix is not finite");
    if (hypot(m[0], m[1]) > MAX_REDUCTION || hypot(m[3], m[4]) > MAX_REDUCTION)
        return sg_fail(err, SG_ERR_USAGE,
                "a warp may shrink up to %d times; resize the image first", MAX_REDUCTION);
    return SG_OK;
}

sg_status sg_warp_affine(float *dst, int dw, int dh, const sg_image *grey, sg_rect box,
        const double m[6], float fill, sg_error *err) {
    sg_status status = check_matrix(m, err);
    if (status) return status;
    if (box.width == 0) box = (sg_rect){0, 0, grey->width, grey->height};
    double sx = support(m[0], m[1]), sy = support(m[3], m[4]);
    sampler s = {grey->pixels + (size_t)box.y * (size_t)grey->width + (size_t)box.x,
            (size_t)grey->width, box.width, box.height, sx, sy, (float)(1 / sx), (float)(1 / sy)};
    for (int v = 0; v < dh; v++)
        sample_row(dst + (size_t)v * (size_t)dw, dw, &s, m[1] * v + m[2] - box.x,
                m[4] * v + m[5] - box.y, m, fill);
    return SG_OK;
}

sg_status sg_warp_nearest(uint8_t *dst, int dw, int dh, const sg_image *grey, const double m[6],
        uint8_t fill, sg_error *err) {
    sg_status status = check_matrix(m, err);
    if (status) return status;
    for (int v = 0; v < dh; v++)
        for (int u = 0; u < dw; u++, dst++) {
            double x = floor(m[0] * u + m[1] * v + m[2] + 0.5);
            double y = floor(m[3] * u + m[4] * v + m[5] + 0.5);
            bool inside = x >= 0 && y >= 0 && x < grey->width && y < grey->height;
            *dst = inside ? grey->pixels[(size_t)y * (size_t)grey->width + (size_t)x] : fill;
        }
    return SG_OK;
}
