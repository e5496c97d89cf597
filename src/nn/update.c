/* update.c - see update.h. Compiled for each vector width, since all numbers of a model pass here
 * once per step. SPDX-License-Identifier: Apache-2.0 */
#include "nn/update.h"
#include "base/wide.h"
#include <math.h>

enum { LANES = 32 }; /* enough sums side by side that none waits for its own last addition */

SG_WIDE double sg_update_squares(const float *x, size_t n) {
    double lane[LANES] = {0}, sum = 0.0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) lane[j] += (double)x[i + j] * x[i + j];
    for (; i < n; i++) lane[0] += (double)x[i] * x[i];
    for (int j = 0; j < LANES; j++) sum += lane[j];
    return sum;
}

SG_WIDE void sg_update_sgd(float *restrict p, float *restrict m, const float *restrict g, size_t n,
        const sg_update_rates *restrict r) {
    float scale = r->grad_scale, decay = r->decay, momentum = r->momentum, rate = r->rate;
    if (r->nesterov) {
        for (size_t i = 0; i < n; i++) {
            float d = scale * g[i] + decay * p[i];
            m[i] = momentum * m[i] + d;
            p[i] -= rate * (d + momentum * m[i]);
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        m[i] = momentum * m[i] + (scale * g[i] + decay * p[i]);
        p[i] -= rate * m[i];
    }
}

SG_WIDE void sg_update_adamw(float *restrict p, float *restrict m, float *restrict v,
        const float *restrict g, size_t n, const sg_update_rates *restrict r) {
    float scale = r->grad_scale, keep = r->decay, rate = r->rate, eps = r->eps;
    float beta1 = r->beta1, beta2 = r->beta2, invert_root = r->invert_root;
    for (size_t i = 0; i < n; i++) {
        float d = scale * g[i];
        m[i] = beta1 * m[i] + (1.0f - beta1) * d;
        v[i] = beta2 * v[i] + (1.0f - beta2) * d * d;
        p[i] = p[i] * keep - rate * m[i] / (sqrtf(v[i]) * invert_root + eps);
    }
}

SG_WIDE void sg_update_average(
        float *restrict average, const float *restrict p, size_t n, float decay) {
    for (size_t i = 0; i < n; i++) average[i] += (1.0f - decay) * (p[i] - average[i]);
}
