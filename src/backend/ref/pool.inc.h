/* pool.inc.h - maximum and mean over windows, mean over the whole image, mean over a fixed number
 * of windows.
 *
 * Padding never wins a maximum. A mean divides by the pixels of the image under the window, or,
 * where padding counts, by those of the image and as much padding behind as in front: what ceil
 * mode adds beyond that does not count, as in torch. WORKSPACE of the maximum: int32 per output,
 * the position of the winner in its plane (the first one among equals; NaN wins). Template: see
 * kernels.inc.h. SPDX-License-Identifier: Apache-2.0 */

static int64_t find_maximum(const real *plane, const axis *w, range ys, range xs) {
    int64_t best = ys.begin * w->in + xs.begin;
    for (int64_t y = ys.begin; y < ys.end; y++)
        for (int64_t x = xs.begin; x < xs.end; x++) {
            int64_t at = y * w->in + x;
            if (plane[at] > plane[best] || isnan(plane[at])) best = at;
        }
    return best;
}

static void max_pool_forward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    axis h = axis_of(p, 0), w = axis_of(p, 1);
    const real *plane = args[SG_ARG_SRC0];
    real *dst = args[SG_ARG_DST];
    int32_t *winner = p->pass == SG_PASS_TRAIN ? args[SG_ARG_WORKSPACE] : NULL;
    for (int64_t c = 0; c < p->dst.dims[0] * p->dst.dims[1]; c++, plane += h.in * w.in)
        for (int64_t y = 0; y < h.out; y++)
            for (int64_t x = 0; x < w.out; x++) {
                int64_t best = find_maximum(plane, &w, inputs_under(&h, y), inputs_under(&w, x));
                *dst++ = plane[best];
                if (winner) *winner++ = (int32_t)best;
            }
}

static void max_pool_backward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    const real *diff_dst = args[SG_ARG_DIFF_DST];
    const int32_t *winner = args[SG_ARG_WORKSPACE];
    real *plane = args[SG_ARG_DIFF_SRC0];
    int64_t in = plane_size(&p->src[0]), out = plane_size(&p->dst);
    for (int64_t c = 0; c < p->dst.dims[0] * p->dst.dims[1]; c++, plane += in) {
        memset(plane, 0, (size_t)in * sizeof *plane);
        for (int64_t i = 0; i < out; i++) plane[*winner++] += *diff_dst++;
    }
}

/* Positions of the padded image under the window of output o. */
static int64_t counted_under(const axis *a, int64_t o) {
    int64_t begin = o * a->stride - a->pad;
    return lower(begin + a->kernel, a->in + a->pad) - begin;
}

static double pool_divisor(
        const sg_problem *p, const axis *h, const axis *w, int64_t y, int64_t x) {
    if (p->count_include_pad) return (double)(counted_under(h, y) * counted_under(w, x));
    range ys = inputs_under(h, y), xs = inputs_under(w, x);
    return (double)((ys.end - ys.begin) * (xs.end - xs.begin));
}

static void avg_pool_forward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    axis h = axis_of(p, 0), w = axis_of(p, 1);
    const real *plane = args[SG_ARG_SRC0];
    real *dst = args[SG_ARG_DST];
    for (int64_t c = 0; c < p->dst.dims[0] * p->dst.dims[1]; c++, plane += h.in * w.in)
        for (int64_t y = 0; y < h.out; y++)
            for (int64_t x = 0; x < w.out; x++) {
                range ys = inputs_under(&h, y), xs = inputs_under(&w, x);
                double sum = 0;
                for (int64_t iy = ys.begin; iy < ys.end; iy++)
                    for (int64_t ix = xs.begin; ix < xs.end; ix++) sum += plane[iy * w.in + ix];
                *dst++ = (real)(sum / pool_divisor(p, &h, &w, y, x));
            }
}

static void avg_pool_backward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    axis h = axis_of(p, 0), w = axis_of(p, 1);
    const real *diff_dst = args[SG_ARG_DIFF_DST];
    real *plane = args[SG_ARG_DIFF_SRC0];
    for (int64_t c = 0; c < p->dst.dims[0] * p->dst.dims[1]; c++, plane += h.in * w.in) {
        memset(plane, 0, (size_t)(h.in * w.in) * sizeof *plane);
        for (int64_t y = 0; y < h.out; y++)
            for (int64_t x = 0; x < w.out; x++) {
                range ys = inputs_under(&h, y), xs = inputs_under(&w, x);
                double share = *diff_dst++ / pool_divisor(p, &h, &w, y, x);
                for (int64_t iy = ys.begin; iy < ys.end; iy++)
                    for (int64_t ix = xs.begin; ix < xs.end; ix++)
                        plane[iy * w.in + ix] += (real)share;
            }
    }
}

static void global_pool_forward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    const real *src = args[SG_ARG_SRC0];
    real *dst = args[SG_ARG_DST];
    int64_t plane = plane_size(&p->src[0]);
    for (int64_t c = 0; c < p->dst.dims[0] * p->dst.dims[1]; c++) {
        double sum = 0;
        for (int64_t i = 0; i < plane; i++) sum += *src++;
        dst[c] = (real)(sum / (double)plane);
    }
}

static void global_pool_backward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    const real *diff_dst = args[SG_ARG_DIFF_DST];
    real *diff_src = args[SG_ARG_DIFF_SRC0];
    int64_t plane = plane_size(&p->src[0]);
    for (int64_t c = 0; c < p->dst.dims[0] * p->dst.dims[1]; c++) {
        real share = (real)(diff_dst[c] / (double)plane);
        for (int64_t i = 0; i < plane; i++) *diff_src++ = share;
    }
}

static void adaptive_pool_forward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    int64_t h = p->src[0].dims[2], w = p->src[0].dims[3];
    const real *plane = args[SG_ARG_SRC0];
    real *dst = args[SG_ARG_DST];
    for (int64_t c = 0; c < p->dst.dims[0] * p->dst.dims[1]; c++, plane += h * w)
        for (int64_t y = 0; y < p->dst.dims[2]; y++)
            for (int64_t x = 0; x < p->dst.dims[3]; x++) {
                range ys = adaptive_window(h, p->dst.dims[2], y);
                range xs = adaptive_window(w, p->dst.dims[3], x);
                double sum = 0;
                for (int64_t iy = ys.begin; iy < ys.end; iy++)
                    for (int64_t ix = xs.begin; ix < xs.end; ix++) sum += plane[iy * w + ix];
                *dst++ = (real)(sum / (double)((ys.end - ys.begin) * (xs.end - xs.begin)));
            }
}

static void adaptive_pool_backward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    int64_t h = p->src[0].dims[2], w = p->src[0].dims[3];
    const real *diff_dst = args[SG_ARG_DIFF_DST];
    real *plane = args[SG_ARG_DIFF_SRC0];
    for (int64_t c = 0; c < p->dst.dims[0] * p->dst.dims[1]; c++, plane += h * w) {
        memset(plane, 0, (size_t)(h * w) * sizeof *plane);
        for (int64_t y = 0; y < p->dst.dims[2]; y++)
            for (int64_t x = 0; x < p->dst.dims[3]; x++) {
                range ys = adaptive_window(h, p->dst.dims[2], y);
                range xs = adaptive_window(w, p->dst.dims[3], x);
                double share = *diff_dst++ / (double)((ys.end - ys.begin) * (xs.end - xs.begin));
                for (int64_t iy = ys.begin; iy < ys.end; iy++)
                    for (int64_t ix = xs.begin; ix < xs.end; ix++)
                        plane[iy * w + ix] += (real)share;
            }
    }
}
