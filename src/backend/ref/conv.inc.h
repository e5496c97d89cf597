/* conv.inc.h - 2-d convolution, grouped, depthwise, strided, dilated; directly from the definition
 *
 *   y[n,o,y,x] = b[o] + sum over c,k,l of w[o,c,k,l] * x[n, c, y*s-p+k*d, x*s-p+l*d]
 *
 * The innermost loop always runs along image rows. Rows are summed in double, a tile at a time.
 * Template: see kernels.inc.h.
 * SPDX-License-Identifier: Apache-2.0 */

enum { CONV_TILE = 256 };

typedef struct conv_geometry {
    axis h, w;
    int64_t batch, groups, in, out; /* channels per group */
    int64_t taps;                   /* kernel height * width */
} conv_geometry;

static conv_geometry conv_geometry_of(const sg_problem *p) {
    conv_geometry g = {axis_of(p, 0), axis_of(p, 1), p->src[0].dims[0], p->groups,
            p->src[0].dims[1] / p->groups, p->dst.dims[1] / p->groups, p->kernel[0] * p->kernel[1]};
    bool pointwise = g.taps == 1 && g.h.stride == 1 && g.w.stride == 1 && g.h.in == g.h.out &&
                     g.w.in == g.w.out;
    if (pointwise) { /* the image as one long row */
        g.w.in = g.w.out = g.h.in * g.w.in;
        g.h.in = g.h.out = 1;
    }
    return g;
}

/* Adds what one input row under one kernel row gives to outputs [x0, x0 + count). */
static void conv_row(
        double *sum, const real *row, const real *w, const axis *a, int64_t x0, int64_t count) {
    for (int64_t l = 0; l < a->kernel; l++) {
        range r = outputs_over(a, l, 0, a->in);
        double tap = w[l];
        int64_t begin = higher(r.begin, x0), end = lower(r.end, x0 + count);
        int64_t offset = tap_offset(a, l);
        if (a->stride == 1)
            for (int64_t x = begin; x < end; x++) sum[x - x0] += tap * row[x + offset];
        else
            for (int64_t x = begin; x < end; x++) sum[x - x0] += tap * row[x * a->stride + offset];
    }
}

static void conv_forward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    conv_geometry g = conv_geometry_of(p);
    const real *src = args[SG_ARG_SRC0], *weight = args[SG_ARG_WEIGHT], *bias = args[SG_ARG_BIAS];
    real *dst = args[SG_ARG_DST];
    int64_t channels = g.groups * g.out, in_plane = g.h.in * g.w.in;
    for (int64_t n = 0; n < g.batch; n++)
        for (int64_t o = 0; o < channels; o++) {
            const real *image = src + (n * g.groups + o / g.out) * g.in * in_plane;
            const real *w = weight + o * g.in * g.taps;
            real *out = dst + (n * channels + o) * g.h.out * g.w.out;
            for (int64_t y = 0; y < g.h.out; y++, out += g.w.out)
                for (int64_t x0 = 0; x0 < g.w.out; x0 += CONV_TILE) {
                    double sum[CONV_TILE];
                    int64_t count = lower(CONV_TILE, g.w.out - x0);
                    for (int64_t i = 0; i < count; i++)
                        sum[i] = (bias ? bias[o] : 0.0) + (p->fuse_sum ? out[x0 + i] : 0.0);
                    for (int64_t c = 0; c < g.in; c++)
                        for (int64_t k = 0; k < g.h.kernel; k++) {
                            int64_t iy = y * g.h.stride + tap_offset(&g.h, k);
                            if (iy < 0 || iy >= g.h.in) continue;
                            conv_row(sum, image + c * in_plane + iy * g.w.in,
                                    w + c * g.taps + k * g.w.kernel, &g.w, x0, count);
                        }
                    for (int64_t i = 0; i < count; i++) out[x0 + i] = finish(sum[i], p);
                }
        }
}

/* The transpose of conv_row: adds what output row `row` gives to inputs [x0, x0 + count). */
static void conv_row_back(
        double *sum, const real *row, const real *w, const axis *a, int64_t x0, int64_t count) {
    for (int64_t l = 0; l < a->kernel; l++) {
        range r = outputs_over(a, l, x0, x0 + count);
        double tap = w[l];
        int64_t offset = tap_offset(a, l) - x0;
        if (a->stride == 1)
            for (int64_t x = r.begin; x < r.end; x++) sum[x + offset] += tap * row[x];
        else
            for (int64_t x = r.begin; x < r.end; x++) sum[x * a->stride + offset] += tap * row[x];
    }
}

static void conv_backward_data(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    conv_geometry g = conv_geometry_of(p);
    const real *diff_dst = args[SG_ARG_DIFF_DST], *weight = args[SG_ARG_WEIGHT];
    real *diff_src = args[SG_ARG_DIFF_SRC0];
    int64_t channels = g.groups * g.in, out_plane = g.h.out * g.w.out;
    for (int64_t n = 0; n < g.batch; n++)
        for (int64_t c = 0; c < channels; c++) {
            int64_t group = c / g.in;
            const real *image = diff_dst + (n * g.groups + group) * g.out * out_plane;
            const real *w = weight + (group * g.out * g.in + c % g.in) * g.taps;
            real *to = diff_src + (n * channels + c) * g.h.in * g.w.in;
            for (int64_t y = 0; y < g.h.in; y++, to += g.w.in)
                for (int64_t x0 = 0; x0 < g.w.in; x0 += CONV_TILE) {
                    double sum[CONV_TILE] = {0};
                    int64_t count = lower(CONV_TILE, g.w.in - x0);
                    for (int64_t k = 0; k < g.h.kernel; k++) {
                        int64_t at = y - tap_offset(&g.h, k), oy = at / g.h.stride;
                        if (at < 0 || at % g.h.stride || oy >= g.h.out) continue;
                        for (int64_t o = 0; o < g.out; o++)
                            conv_row_back(sum, image + o * out_plane + oy * g.w.out,
                                    w + o * g.in * g.taps + k * g.w.kernel, &g.w, x0, count);
                    }
                    for (int64_t i = 0; i < count; i++) to[x0 + i] = (real)sum[i];
                }
        }
}

/* Sum of a[i] * b[i * step]; four sums side by side hide the latency of the additions. */
static double dot_step(const real *a, const real *b, int64_t count, int64_t step) {
    double sum[4] = {0};
    int64_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (int64_t k = 0; k < 4; k++) sum[k] += (double)a[i + k] * b[(i + k) * step];
    for (; i < count; i++) sum[0] += (double)a[i] * b[i * step];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* Gradient of one tap (k, l) between one input and one output channel, over the whole batch. */
static double conv_tap_gradient(const conv_geometry *g, const real *src, const real *diff_dst,
        int64_t src_step, int64_t dst_step, int64_t k, int64_t l) {
    range ys = outputs_over(&g->h, k, 0, g->h.in), xs = outputs_over(&g->w, l, 0, g->w.in);
    double sum = 0;
    if (xs.end <= xs.begin) return 0;
    for (int64_t n = 0; n < g->batch; n++, src += src_step, diff_dst += dst_step)
        for (int64_t y = ys.begin; y < ys.end; y++) {
            int64_t iy = y * g->h.stride + tap_offset(&g->h, k);
            int64_t ix = xs.begin * g->w.stride + tap_offset(&g->w, l);
            sum += dot_step(diff_dst + y * g->w.out + xs.begin, src + iy * g->w.in + ix,
                    xs.end - xs.begin, g->w.stride);
        }
    return sum;
}

static void conv_backward_weights(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    conv_geometry g = conv_geometry_of(p);
    const real *src = args[SG_ARG_SRC0], *diff_dst = args[SG_ARG_DIFF_DST];
    real *diff_weight = args[SG_ARG_DIFF_WEIGHT], *diff_bias = args[SG_ARG_DIFF_BIAS];
    int64_t in_plane = g.h.in * g.w.in, out_plane = g.h.out * g.w.out;
    int64_t src_step = g.groups * g.in * in_plane, dst_step = g.groups * g.out * out_plane;
    for (int64_t o = 0; o < g.groups * g.out; o++) {
        const real *out = diff_dst + o * out_plane;
        for (int64_t c = 0; c < g.in; c++) {
            const real *in = src + (o / g.out * g.in + c) * in_plane;
            for (int64_t k = 0; k < g.h.kernel; k++)
                for (int64_t l = 0; l < g.w.kernel; l++)
                    *diff_weight++ = (real)conv_tap_gradient(&g, in, out, src_step, dst_step, k, l);
        }
        if (!diff_bias) continue;
        double sum = 0;
        for (int64_t n = 0; n < g.batch; n++)
            for (int64_t i = 0; i < out_plane; i++) sum += out[n * dst_step + i];
        diff_bias[o] = (real)sum;
    }
}
