/* fit.c - rectangle to square, as boxes and as a matrix.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/fit.h"

#include <string.h>

/* The shorter side when the longer becomes `size`, rounded, never 0. */
static int scaled_side(int shorter, int longer, int size) {
    int64_t side = (2 * (int64_t)shorter * size + longer) / (2 * (int64_t)longer);
    return side < 1 ? 1 : (int)side;
}

static sg_fit_boxes place_padded(int width, int height, int size) {
    int w = width >= height ? size : scaled_side(width, height, size);
    int h = height >= width ? size : scaled_side(height, width, size);
    return (sg_fit_boxes){{0, 0, width, height}, {(size - w) / 2, (size - h) / 2, w, h}};
}

static sg_fit_boxes place_cropped(int width, int height, int size) {
    int side = width < height ? width : height;
    return (sg_fit_boxes){
            {(width - side) / 2, (height - side) / 2, side, side}, {0, 0, size, size}};
}

sg_fit_boxes sg_fit_place(int width, int height, int size, sg_fit fit) {
    if (fit == SG_FIT_PAD) return place_padded(width, height, size);
    if (fit == SG_FIT_CROP) return place_cropped(width, height, size);
    return (sg_fit_boxes){{0, 0, width, height}, {0, 0, size, size}};
}

void sg_fit_matrix(double m[6], int width, int height, int size, sg_fit fit) {
    sg_fit_boxes b = sg_fit_place(width, height, size, fit);
    double sx = (double)b.source.width / b.target.width;
    double sy = (double)b.source.height / b.target.height;
    const double made[6] = {sx, 0, (0.5 - b.target.x) * sx - 0.5 + b.source.x, 0, sy,
            (0.5 - b.target.y) * sy - 0.5 + b.source.y};
    memcpy(m, made, sizeof made);
}

void sg_affine_compose(double out[6], const double a[6], const double b[6]) {
    const double made[6] = {
            a[0] * b[0] + a[1] * b[3],
            a[0] * b[1] + a[1] * b[4],
            a[0] * b[2] + a[1] * b[5] + a[2],
            a[3] * b[0] + a[4] * b[3],
            a[3] * b[1] + a[4] * b[4],
            a[3] * b[2] + a[4] * b[5] + a[5],
    };
    memcpy(out, made, sizeof made);
}
