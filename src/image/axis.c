/* axis.c - resampling weights along one axis: Pillow's widened triangle, OpenCV's area box and its
 * linear variant for enlarging.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/axis.h"

#include <math.h>
#include <stdlib.h>

/* Pillow, precompute_coeffs with the bilinear filter: support 1, widened by the reduction. */
static void fill_triangle(sg_axis *axis, int from, double scale) {
    double widen = scale < 1.0 ? 1.0 : scale;
    double inverse = 1.0 / widen;
    for (int i = 0; i < axis->length; i++) {
        double center = (i + 0.5) * scale;
        int low = (int)(center - widen + 0.5);
        int high = (int)(center + widen + 0.5);
        if (low < 0) low = 0;
        if (high > from) high = from;
        double *w = axis->weights + (size_t)i * (size_t)axis->taps;
        double total = 0;
        for (int k = 0; k < high - low; k++) {
            double d = fabs((k + low - center + 0.5) * inverse);
            w[k] = d < 1.0 ? 1.0 - d : 0.0;
            total += w[k];
        }
        for (int k = 0; k < high - low; k++) w[k] /= total;
        axis->first[i] = low;
        axis->count[i] = high - low;
    }
}

/* The share of each source sample in the interval [i, i + 1) * scale. */
static void fill_box(sg_axis *axis, int from, double scale) {
    for (int i = 0; i < axis->length; i++) {
        double low = i * scale, high = low + scale;
        int first = (int)low;
        int last = (int)ceil(high - 1e-9);
        if (last > from) last = from;
        if (first > last - 1) first = last - 1;
        double *w = axis->weights + (size_t)i * (size_t)axis->taps;
        for (int k = 0; k < last - first; k++) {
            double left = fmax(low, first + k), right = fmin(high, first + k + 1);
            w[k] = fmax(right - left, 0.0) / scale;
        }
        axis->first[i] = first;
        axis->count[i] = last - first;
    }
}

/* OpenCV's resize with INTER_AREA when an axis enlarges: pixels keep hard edges, only those that
 * straddle one are mixed. Both scales are rounded as OpenCV rounds them: floor() depends on it. */
static void fill_area_linear(sg_axis *axis, int from) {
    double inverse = (double)axis->length / from, scale = 1.0 / inverse;
    for (int i = 0; i < axis->length; i++) {
        int s = (int)floor(i * scale);
        float f = (float)((i + 1) - (s + 1) * inverse);
        f = f <= 0 ? 0 : f - floorf(f);
        if (s >= from - 1) {
            s = from - 1;
            f = 0;
        }
        double *w = axis->weights + (size_t)i * (size_t)axis->taps;
        axis->first[i] = s;
        axis->count[i] = f > 0 ? 2 : 1;
        w[0] = 1 - f;
        w[1] = f;
    }
}

sg_status sg_axis_create(
        sg_axis *out, int from, int to, sg_resize_filter filter, bool area_linear, sg_error *err) {
    double scale = (double)from / to;
    sg_axis axis = {.length = to, .taps = 2 * (int)ceil(scale < 1.0 ? 1.0 : scale) + 2};
    axis.first = calloc((size_t)to, sizeof *axis.first);
    axis.count = calloc((size_t)to, sizeof *axis.count);
    axis.weights = calloc((size_t)to * (size_t)axis.taps, sizeof *axis.weights);
    if (!axis.first || !axis.count || !axis.weights) {
        sg_axis_dispose(&axis);
        return sg_fail(err, SG_ERR_MEMORY, "no memory to resize %d samples to %d", from, to);
    }
    if (filter == SG_RESIZE_BILINEAR)
        fill_triangle(&axis, from, scale);
    else if (area_linear)
        fill_area_linear(&axis, from);
    else
        fill_box(&axis, from, scale);
    *out = axis;
    return SG_OK;
}

void sg_axis_dispose(sg_axis *axis) {
    free(axis->first);
    free(axis->count);
    free(axis->weights);
    *axis = (sg_axis){0};
}
