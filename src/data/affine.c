/* affine.c - see affine.h. SPDX-License-Identifier: Apache-2.0 */
#include "data/affine.h"
#include <math.h>
#include <string.h>

void sg_affine_apply(double *x, double *y, const double m[6]) {
    double u = *x, v = *y;
    *x = m[0] * u + m[1] * v + m[2];
    *y = m[3] * u + m[4] * v + m[5];
}

void sg_affine_chain(double out[6], const double first[6], const double second[6]) {
    const double *a = second, *b = first;
    const double m[6] = {a[0] * b[0] + a[1] * b[3], a[0] * b[1] + a[1] * b[4],
            a[0] * b[2] + a[1] * b[5] + a[2], a[3] * b[0] + a[4] * b[3], a[3] * b[1] + a[4] * b[4],
            a[3] * b[2] + a[4] * b[5] + a[5]};
    memcpy(out, m, sizeof m);
}

bool sg_affine_invert(double out[6], const double m[6]) {
    double det = m[0] * m[4] - m[1] * m[3];
    if (!(fabs(det) > 1e-12)) return false;
    const double i[6] = {m[4] / det, -m[1] / det, (m[1] * m[5] - m[4] * m[2]) / det, -m[3] / det,
            m[0] / det, (m[3] * m[2] - m[0] * m[5]) / det};
    memcpy(out, i, sizeof i);
    return true;
}

bool sg_affine_fit(double out[6], const double (*from)[2], const double (*to)[2],
        const double *weights, size_t n) {
    double sum = 0, mean[4] = {0};
    for (size_t i = 0; i < n; i++) {
        double w = weights ? weights[i] : 1;
        sum += w;
        mean[0] += w * from[i][0];
        mean[1] += w * from[i][1];
        mean[2] += w * to[i][0];
        mean[3] += w * to[i][1];
    }
    if (n < 3 || !(sum > 0)) return false;
    for (int k = 0; k < 4; k++) mean[k] /= sum;
    double xx = 0, xy = 0, yy = 0, xu = 0, yu = 0, xv = 0, yv = 0;
    for (size_t i = 0; i < n; i++) {
        double w = weights ? weights[i] : 1;
        double x = from[i][0] - mean[0], y = from[i][1] - mean[1];
        double u = to[i][0] - mean[2], v = to[i][1] - mean[3];
        xx += w * x * x;
        xy += w * x * y;
        yy += w * y * y;
        xu += w * x * u;
        yu += w * y * u;
        xv += w * x * v;
        yv += w * y * v;
    }
    double det = xx * yy - xy * xy;
    if (!(det > 1e-9 * xx * yy)) return false;
    out[0] = (xu * yy - yu * xy) / det;
    out[1] = (yu * xx - xu * xy) / det;
    out[3] = (xv * yy - yv * xy) / det;
    out[4] = (yv * xx - xv * xy) / det;
    out[2] = mean[2] - out[0] * mean[0] - out[1] * mean[1];
    out[5] = mean[3] - out[3] * mean[0] - out[4] * mean[1];
    return true;
}
