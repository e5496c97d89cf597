/* warp.c - affine sampling with a triangle as wide as the local reduction. The support is the same
 * for the whole warp (it is affine), so most pixels take one short path: a fixed number of columns,
 * weighted after the rows were summed; wide supports and the border take the general one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/warp.h"

#include <math.h>
#include <stdbool.h>

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

static inline int first_tap(double at, double support) {
    return (int)floor(at - support) + 1;
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

/* All taps inside the box and at most SHORT_TAPS a side. */
static float sample_short(const sampler *s, double x, double y, int x0, int y0, int rows) {
    float across[SHORT_TAPS], down[SHORT_TAPS], columns[SHORT_TAPS] = {0};
    weigh(across, SHORT_TAPS, x0, x, s->inverse_x);
    weigh(down, SHORT_TAPS, y0, y, s->inverse_y);
    const uint8_t *p = s->pixels + (size_t)y0 * s->stride + x0;
    for (int j = 0; j < rows; j++, p += s->stride)
        for (int i = 0; i < SHORT_TAPS; i++) columns[i] += (float)p[i] * down[j];
    float total = 0, wide = 0, high = 0;
    for (int i = 0; i < SHORT_TAPS; i++) {
        total += columns[i] * across[i];
        wide += across[i];
        high += down[i];
    }
    return total / (wide * high);
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
