/* combine.inc.h - what joins several tensors: add, concat along channels, channel scale.
 * Template: see kernels.inc.h.
 * SPDX-License-Identifier: Apache-2.0 */

/* May run in place: element i is written after all its inputs were read. */
static void add_forward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    real *dst = args[SG_ARG_DST];
    int64_t count = sg_shape_count(&p->dst);
    for (int64_t i = 0; i < count; i++) {
        double sum = 0;
        for (int k = 0; k < p->src_count; k++) sum += ((const real *)args[SG_ARG_SRC0 + k])[i];
        dst[i] = finish(sum, p);
    }
}

/* Elements of one image of input k. */
static int64_t part_size(const sg_problem *p, int k) {
    return sg_shape_count(&p->src[k]) / p->src[k].dims[0];
}

static void concat_forward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    real *to = args[SG_ARG_DST];
    for (int64_t n = 0; n < p->dst.dims[0]; n++)
        for (int k = 0; k < p->src_count; k++) {
            int64_t part = part_size(p, k);
            memcpy(to, (const real *)args[SG_ARG_SRC0 + k] + n * part, (size_t)part * sizeof *to);
            to += part;
        }
}

static void concat_backward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    const real *from = args[SG_ARG_DIFF_DST];
    for (int64_t n = 0; n < p->dst.dims[0]; n++)
        for (int k = 0; k < p->src_count; k++) {
            int64_t part = part_size(p, k);
            memcpy((real *)args[SG_ARG_DIFF_SRC0 + k] + n * part, from,
                    (size_t)part * sizeof *from);
            from += part;
        }
}

static void channel_scale_forward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    const real *src = args[SG_ARG_SRC0], *gate = args[SG_ARG_SRC0 + 1];
    const real *summand = p->fuse_sum ? args[SG_ARG_SRC0 + 2] : NULL;
    real *dst = args[SG_ARG_DST];
    int64_t planes = p->dst.dims[0] * p->dst.dims[1], plane = plane_size(&p->dst);
    for (int64_t c = 0; c < planes; c++)
        for (int64_t i = c * plane; i < (c + 1) * plane; i++)
            dst[i] = finish((double)src[i] * gate[c] + (summand ? summand[i] : 0), p);
}

static void channel_scale_backward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    const real *src = args[SG_ARG_SRC0], *gate = args[SG_ARG_SRC0 + 1];
    incoming g = pass_summand(p, args);
    real *diff_src = args[SG_ARG_DIFF_SRC0], *diff_gate = args[SG_ARG_DIFF_SRC0 + 1];
    int64_t planes = p->dst.dims[0] * p->dst.dims[1], plane = plane_size(&p->dst);
    for (int64_t c = 0; c < planes; c++) {
        double sum = 0;
        for (int64_t i = c * plane; i < (c + 1) * plane; i++) {
            real dy = (real)incoming_at(&g, i); /* it or src may be the bytes of diff_src */
            sum += (double)dy * src[i];
            diff_src[i] = dy * gate[c];
        }
        diff_gate[c] = (real)sum;
    }
}
