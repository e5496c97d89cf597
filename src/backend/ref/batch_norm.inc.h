/* batch_norm.inc.h - normalisation per channel over N, H, W (Ioffe and Szegedy 2015)
 *
 *   y = gamma * (x - mean) / sqrt(var + eps) + beta [+ summand],
 *   with a fused ReLU min(max(y, 0), clip).
 *
 * TRAIN with batch statistics writes mean and the biased variance (divided by the count). With
 * fixed statistics they are inputs, and the gradient does not flow through them. With a fused ReLU,
 * TRAIN leaves one byte per element in WORKSPACE: 1 where it lets the gradient pass. With a summand
 * DST tells.
 *
 * Template: see kernels.inc.h.
 * SPDX-License-Identifier: Apache-2.0 */

static double norm_scale(const sg_problem *p, double var) {
    return 1 / sqrt(var + p->eps);
}

/* Applies known statistics to channel c; mask may be NULL. */
static void norm_apply(const sg_problem *p, void *const args[SG_ARG_COUNT], uint8_t *mask,
        int64_t c, double mean, double var) {
    const real *src = args[SG_ARG_SRC0], *gamma = args[SG_ARG_WEIGHT], *beta = args[SG_ARG_BIAS];
    const real *summand = p->fuse_sum ? args[SG_ARG_SRC0 + 1] : NULL;
    real *dst = args[SG_ARG_DST];
    int64_t channels = p->dst.dims[1], plane = plane_size(&p->dst);
    double scale = norm_scale(p, var) * gamma[c];
    for (int64_t n = 0; n < p->dst.dims[0]; n++) {
        int64_t at = (n * channels + c) * plane;
        for (int64_t i = at; i < at + plane; i++) {
            double y = (src[i] - mean) * scale + beta[c] + (summand ? summand[i] : 0);
            if (mask) mask[i] = y > 0 && (p->clip <= 0 || y < p->clip);
            dst[i] = finish(y, p);
        }
    }
}

static void batch_norm_infer(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    const real *mean = args[SG_ARG_MEAN], *var = args[SG_ARG_VAR];
    for (int64_t c = 0; c < p->dst.dims[1]; c++) norm_apply(p, args, NULL, c, mean[c], var[c]);
}

/* Mean of (x - centre)^power over one channel; power 1 or 2. */
static double channel_moment(
        const sg_problem *p, const real *src, int64_t c, double centre, int power) {
    int64_t channels = p->dst.dims[1], plane = plane_size(&p->dst);
    double sum = 0;
    for (int64_t n = 0; n < p->dst.dims[0]; n++) {
        const real *x = src + (n * channels + c) * plane;
        for (int64_t i = 0; i < plane; i++) {
            double d = x[i] - centre;
            sum += power == 2 ? d * d : d;
        }
    }
    return sum / (double)(p->dst.dims[0] * plane);
}

static void batch_norm_train(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    const real *src = args[SG_ARG_SRC0];
    real *mean = args[SG_ARG_MEAN], *var = args[SG_ARG_VAR];
    uint8_t *mask = p->fuse_relu && !p->fuse_sum ? args[SG_ARG_WORKSPACE] : NULL;
    for (int64_t c = 0; c < p->dst.dims[1]; c++) {
        if (!p->fixed_statistics) {
            double m = channel_moment(p, src, c, 0, 1);
            mean[c] = (real)m;
            var[c] = (real)channel_moment(p, src, c, m, 2);
        }
        norm_apply(p, args, mask, c, mean[c], var[c]); /* as stored: INFER repeats it */
    }
}

/* With s = 1 / sqrt(var + eps), h = (x - mean) * s and M elements per channel:
 *   d_beta = sum(dy),  d_gamma = sum(dy * h)
 *   dx = gamma * s * (dy - d_beta / M - h * d_gamma / M)   batch statistics
 *   dx = gamma * s * dy                                    fixed statistics */
static void batch_norm_backward(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    const real *src = args[SG_ARG_SRC0];
    incoming g = pass_summand(p, args);
    const real *gamma = args[SG_ARG_WEIGHT], *mean = args[SG_ARG_MEAN], *var = args[SG_ARG_VAR];
    const uint8_t *mask = p->fuse_relu && !p->fuse_sum ? args[SG_ARG_WORKSPACE] : NULL;
    real *diff_src = args[SG_ARG_DIFF_SRC0];
    real *diff_gamma = args[SG_ARG_DIFF_WEIGHT], *diff_beta = args[SG_ARG_DIFF_BIAS];
    int64_t batch = p->dst.dims[0], channels = p->dst.dims[1], plane = plane_size(&p->dst);
    for (int64_t c = 0; c < channels; c++) {
        double scale = norm_scale(p, var[c]), sum = 0, sum_h = 0;
        for (int64_t n = 0; n < batch; n++) {
            int64_t at = (n * channels + c) * plane;
            for (int64_t i = at; i < at + plane; i++) {
                double dy = !mask || mask[i] ? incoming_at(&g, i) : 0;
                sum += dy;
                sum_h += dy * (src[i] - mean[c]) * scale;
            }
        }
        diff_beta[c] = (real)sum;
        diff_gamma[c] = (real)sum_h;
        double count = (double)(batch * plane);
        double shift = p->fixed_statistics ? 0 : sum / count;
        double slope = p->fixed_statistics ? 0 : sum_h / count;
        for (int64_t n = 0; n < batch; n++) {
            int64_t at = (n * channels + c) * plane;
            for (int64_t i = at; i < at + plane; i++) {
                double dy = !mask || mask[i] ? incoming_at(&g, i) : 0;
                double h = (src[i] - mean[c]) * scale;
                diff_src[i] = (real)(gamma[c] * scale * (dy - shift - h * slope));
            }
        }
    }
}
