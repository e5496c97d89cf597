/* blur.c - see blur.h. Each pass reads along its axis with an index table for the mirrored border,
 * so that the inner loop is a plain sum of rows. SPDX-License-Identifier: Apache-2.0 */
#include "image/blur.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RADIUS = 192 };

/* Weights of -radius..radius; returns the radius. */
static int make_kernel(float *weights, double sigma) {
    int radius = (int)ceil(3 * sigma);
    double sum = 0;
    for (int k = -radius; k <= radius; k++) sum += exp(-k * k / (2 * sigma * sigma));
    for (int k = -radius; k <= radius; k++)
        weights[k + radius] = (float)(exp(-k * k / (2 * sigma * sigma)) / sum);
    return radius;
}

/* However far outside. */
static int mirror(int i, int n) {
    if (n == 1) return 0;
    int period = 2 * (n - 1);
    i = abs(i) % period;
    return i < n ? i : period - i;
}

static void blur_rows(float *dst, const float *src, int width, int height, const float *weights,
        int radius, float *line) {
    for (int y = 0; y < height; y++) {
        const float *row = src + (size_t)y * (size_t)width;
        float *out = dst + (size_t)y * (size_t)width;
        for (int x = -radius; x < width + radius; x++) line[x + radius] = row[mirror(x, width)];
        memset(out, 0, (size_t)width * sizeof *out);
        for (int k = 0; k <= 2 * radius; k++) {
            const float *shifted = line + k;
            float weight = weights[k];
            for (int x = 0; x < width; x++) out[x] += weight * shifted[x];
        }
    }
}

static void blur_columns(
        float *dst, const float *src, int width, int height, const float *weights, int radius) {
    for (int y = 0; y < height; y++) {
        float *out = dst + (size_t)y * (size_t)width;
        memset(out, 0, (size_t)width * sizeof *out);
        for (int k = -radius; k <= radius; k++) {
            const float *row = src + (size_t)mirror(y + k, height) * (size_t)width;
            float weight = weights[k + radius];
            for (int x = 0; x < width; x++) out[x] += weight * row[x];
        }
    }
}

sg_status sg_blur_plane(sg_plane *out, const sg_plane *in, double sigma, sg_error *err) {
    if (!(sigma >= 0.3 && sigma <= 64))
        return sg_fail(err, SG_ERR_USAGE, "a blur of sigma %g is outside 0.3..64", sigma);
    float weights[2 * MAX_RADIUS + 1];
    int radius = make_kernel(weights, sigma);
    sg_plane once = {0}, twice = {0};
    float *line = malloc(((size_t)in->width + 2 * (size_t)radius) * sizeof *line);
    sg_status status = line ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory for a blur");
    if (!status) status = sg_plane_create(&once, in->width, in->height, err);
    if (!status) status = sg_plane_create(&twice, in->width, in->height, err);
    if (!status) {
        blur_rows(once.values, in->values, in->width, in->height, weights, radius, line);
        blur_columns(twice.values, once.values, in->width, in->height, weights, radius);
        *out = twice;
        twice = (sg_plane){0};
    }
    sg_plane_dispose(&once);
    sg_plane_dispose(&twice);
    free(line);
    return status;
}
