/* affine.inc.h - y = x * weight[c] + bias[c]. May run in place. Template: see kernels.inc.h.
 * SPDX-License-Identifier: Apache-2.0 */

static void affine_forward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    const real *src = args[SG_ARG_SRC0], *weight = args[SG_ARG_WEIGHT], *bias = args[SG_ARG_BIAS];
    real *dst = args[SG_ARG_DST];
    int64_t channels = p->dst.dims[1], plane = plane_size(&p->dst);
    for (int64_t nc = 0; nc < p->dst.dims[0] * channels; nc++) {
        double w = weight[nc % channels], b = bias[nc % channels];
        for (int64_t i = nc * plane; i < (nc + 1) * plane; i++) dst[i] = (real)(src[i] * w + b);
    }
}

static void affine_backward_data(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    const real *diff_dst = args[SG_ARG_DIFF_DST], *weight = args[SG_ARG_WEIGHT];
    real *diff_src = args[SG_ARG_DIFF_SRC0];
    int64_t channels = p->dst.dims[1], plane = plane_size(&p->dst);
    for (int64_t nc = 0; nc < p->dst.dims[0] * channels; nc++)
        for (int64_t i = nc * plane; i < (nc + 1) * plane; i++)
            diff_src[i] = diff_dst[i] * weight[nc % channels];
}

static void affine_backward_weights(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    const real *src = args[SG_ARG_SRC0], *diff_dst = args[SG_ARG_DIFF_DST];
    real *diff_weight = args[SG_ARG_DIFF_WEIGHT], *diff_bias = args[SG_ARG_DIFF_BIAS];
    int64_t channels = p->dst.dims[1], plane = plane_size(&p->dst);
    for (int64_t c = 0; c < channels; c++) {
        double weighted = 0, sum = 0;
        for (int64_t n = 0; n < p->dst.dims[0]; n++) {
            int64_t at = (n * channels + c) * plane;
            for (int64_t i = at; i < at + plane; i++) {
                weighted += (double)diff_dst[i] * src[i];
                sum += diff_dst[i];
            }
        }
        diff_weight[c] = (real)weighted;
        diff_bias[c] = (real)sum;
    }
}
