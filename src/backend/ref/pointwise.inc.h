/* pointwise.inc.h - what looks at one element at a time: ReLU, sigmoid, dropout, reorder. All may
 * run in place. Backward passes read the output, not the input. Template: see kernels.inc.h.
 * SPDX-License-Identifier: Apache-2.0 */

static void relu_forward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    const real *src = args[SG_ARG_SRC0];
    real *dst = args[SG_ARG_DST], top = p->clip > 0 ? (real)p->clip : (real)INFINITY;
    int64_t count = sg_shape_count(&p->dst);
    for (int64_t i = 0; i < count; i++) {
        real y = src[i] < 0 ? 0 : src[i]; /* lets NaN through */
        dst[i] = y > top ? top : y;
    }
}

/* The gradient is zero at both ends, as in torch. */
static void relu_backward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    const real *dst = args[SG_ARG_DST], *diff_dst = args[SG_ARG_DIFF_DST];
    real *diff_src = args[SG_ARG_DIFF_SRC0];
    real top = p->clip > 0 ? (real)p->clip : (real)INFINITY;
    int64_t count = sg_shape_count(&p->dst);
    for (int64_t i = 0; i < count; i++) diff_src[i] = dst[i] > 0 && dst[i] < top ? diff_dst[i] : 0;
}

static double sigmoid_scale(const sg_problem *p) {
    return p->sigmoid_scale == 0 ? 1 : p->sigmoid_scale;
}

static void sigmoid_forward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    const real *src = args[SG_ARG_SRC0];
    real *dst = args[SG_ARG_DST];
    double scale = sigmoid_scale(p);
    int64_t count = sg_shape_count(&p->dst);
    for (int64_t i = 0; i < count; i++) dst[i] = (real)(scale / (1 + exp(-(double)src[i])));
}

/* y = a s(x) has y' = y (1 - y / a). */
static void sigmoid_backward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    const real *dst = args[SG_ARG_DST], *diff_dst = args[SG_ARG_DIFF_DST];
    real *diff_src = args[SG_ARG_DIFF_SRC0];
    double scale = sigmoid_scale(p);
    int64_t count = sg_shape_count(&p->dst);
    for (int64_t i = 0; i < count; i++)
        diff_src[i] = (real)(diff_dst[i] * (double)dst[i] * (1 - dst[i] / scale));
}

static void apply_mask(const sg_problem *p, real *to, const real *from, const real *mask) {
    int64_t count = sg_shape_count(&p->dst);
    for (int64_t i = 0; i < count; i++) to[i] = from[i] * mask[i];
}

static void dropout_forward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    apply_mask(p, args[SG_ARG_DST], args[SG_ARG_SRC0], args[SG_ARG_MASK]);
}

static void dropout_backward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    apply_mask(p, args[SG_ARG_DIFF_SRC0], args[SG_ARG_DIFF_DST], args[SG_ARG_MASK]);
}

/* Only the plain layout is known here: a copy. */
static void reorder_forward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    memmove(args[SG_ARG_DST], args[SG_ARG_SRC0], (size_t)sg_shape_count(&p->dst) * sizeof(real));
}
