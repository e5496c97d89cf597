/* linear.inc.h - y[n,o] = b[o] + sum over i of w[o,i] * x[n,i], the input as [n, features].
 * Template: see kernels.inc.h; uses dot_step of conv.inc.h.
 * SPDX-License-Identifier: Apache-2.0 */

enum { LINEAR_TILE = 256 };

static int64_t features_of(const sg_problem *p) {
    return sg_shape_count(&p->src[0]) / p->src[0].dims[0];
}

static void linear_forward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    const real *src = args[SG_ARG_SRC0], *weight = args[SG_ARG_WEIGHT], *bias = args[SG_ARG_BIAS];
    real *dst = args[SG_ARG_DST];
    int64_t features = features_of(p), outputs = p->dst.dims[1];
    for (int64_t n = 0; n < p->dst.dims[0]; n++)
        for (int64_t o = 0; o < outputs; o++) {
            double y = dot_step(weight + o * features, src + n * features, features, 1);
            *dst++ = finish(y + (bias ? bias[o] : 0), p);
        }
}

/* to[i] = sum over k < terms of scale[k * scale_step] * rows[k * row_step + i], for i < count. */
static void weighted_rows(real *to, const real *rows, int64_t row_step, const real *scale,
        int64_t scale_step, int64_t terms, int64_t count) {
    for (int64_t i0 = 0; i0 < count; i0 += LINEAR_TILE) {
        double sum[LINEAR_TILE] = {0};
        int64_t size = lower(LINEAR_TILE, count - i0);
        for (int64_t k = 0; k < terms; k++) {
            double factor = scale[k * scale_step];
            const real *row = rows + k * row_step + i0;
            for (int64_t i = 0; i < size; i++) sum[i] += factor * row[i];
        }
        for (int64_t i = 0; i < size; i++) to[i0 + i] = (real)sum[i];
    }
}

static void linear_backward_data(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    const real *diff_dst = args[SG_ARG_DIFF_DST], *weight = args[SG_ARG_WEIGHT];
    real *diff_src = args[SG_ARG_DIFF_SRC0];
    int64_t features = features_of(p), outputs = p->dst.dims[1];
    for (int64_t n = 0; n < p->dst.dims[0]; n++)
        weighted_rows(diff_src + n * features, weight, features, diff_dst + n * outputs, 1, outputs,
                features);
}

static void linear_backward_weights(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    const real *src = args[SG_ARG_SRC0], *diff_dst = args[SG_ARG_DIFF_DST];
    real *diff_weight = args[SG_ARG_DIFF_WEIGHT], *diff_bias = args[SG_ARG_DIFF_BIAS];
    int64_t features = features_of(p), outputs = p->dst.dims[1], batch = p->dst.dims[0];
    for (int64_t o = 0; o < outputs; o++) {
        weighted_rows(
                diff_weight + o * features, src, features, diff_dst + o, outputs, batch, features);
        if (!diff_bias) continue;
        double sum = 0;
        for (int64_t n = 0; n < batch; n++) sum += diff_dst[n * outputs + o];
        diff_bias[o] = (real)sum;
    }
}
