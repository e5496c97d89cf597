/* affine.c - y = x * weight[c] + bias[c] by two loops: scale and shift the rows of a channel; sum
 * the rows of a product. Sums are taken in double, in one order whatever the number of threads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"

typedef struct affine_job {
    sg_dnn_view view; /* of x, y and dy */
    float *y;
    const float *x, *dy;
    const float *factor, *shift;     /* [channels]; NULL: all zero */
    float *diff_factor, *diff_shift; /* [channels]; NULL: not wanted */
} affine_job;

static void load(float *to, const float *from, int64_t c, int64_t count) {
    for (int64_t i = 0; i < count; i++) to[i] = from ? from[c + i] : 0.0f;
}

static void store(float *to, const double *from, int64_t c, int64_t count) {
    for (int64_t i = 0; i < count && to; i++) to[c + i] = (float)from[i];
}

/* ---- y = x * factor + shift ---- */

SG_DNN_INLINE void scale_rows(float *y, const float *x, const float *factor, const float *shift,
        int64_t count, int64_t spatial, int64_t stride) {
    if (count == 1 && stride == 1) {
        float a = factor[0], b = shift[0];
        SG_DNN_INDEPENDENT
        for (int64_t s = 0; s < spatial; s++) y[s] = x[s] * a + b;
        return;
    }
    for (int64_t s = 0; s < spatial; s++, x += stride, y += stride) {
        SG_DNN_INDEPENDENT
        for (int64_t i = 0; i < count; i++) y[i] = x[i] * factor[i] + shift[i];
    }
}

SG_DNN_INLINE void scale_chunk(const affine_job *job, int64_t n, sg_dnn_chunk at) {
    const sg_dnn_view *v = &job->view;
    float factor[SG_DNN_CHUNK], shift[SG_DNN_CHUNK];
    int64_t offset = sg_dnn_view_offset(v, n, at.first);
    load(factor, job->factor, at.first, at.count);
    load(shift, job->shift, at.first, at.count);
    scale_rows(job->y + offset, job->x + offset, factor, shift, at.count, v->spatial,
            v->stride_spatial);
    sg_dnn_zero_padding(job->y, v, n, at);
}

/* A unit is one chunk of one image. */
SG_WIDE static void scale_body(const void *user, int64_t begin, int64_t end) {
    const affine_job *job = user;
    int64_t chunks = sg_dnn_chunk_count(&job->view);
    for (int64_t unit = begin; unit < end; unit++)
        scale_chunk(job, unit / chunks, sg_dnn_chunk_at(&job->view, unit % chunks));
}

/* ---- gradients: of the factor sum of x * dy, of the shift sum of dy ---- */

SG_DNN_INLINE void sum_rows(double *product, double *plain, const float *x, const float *dy,
        int64_t count, int64_t spatial, int64_t stride) {
    for (int64_t s = 0; s < spatial; s++, x += stride, dy += stride) {
        for (int64_t i = 0; i < count; i++) {
            product[i] += (double)x[i] * dy[i];
            plain[i] += dy[i];
        }
    }
}

/* A unit is one chunk of all images. */
SG_WIDE static void sum_body(const void *user, int64_t begin, int64_t end) {
    const affine_job *job = user;
    const sg_dnn_view *v = &job->view;
    for (int64_t unit = begin; unit < end; unit++) {
        sg_dnn_chunk at = sg_dnn_chunk_at(v, unit);
        double product[SG_DNN_CHUNK] = {0}, plain[SG_DNN_CHUNK] = {0};
        for (int64_t n = 0; n < v->n; n++) {
            int64_t offset = sg_dnn_view_offset(v, n, at.first);
            sum_rows(product, plain, job->x + offset, job->dy + offset, at.count, v->spatial,
                    v->stride_spatial);
        }
        store(job->diff_factor, product, at.first, at.count);
        store(job->diff_shift, plain, at.first, at.count);
    }
}

/* ---- the operation ---- */

static sg_status run(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    sg_pass pass = p->base.problem.pass;
    int threads = p->backend->threads;
    affine_job job = {.x = args[SG_ARG_SRC0], .dy = args[SG_ARG_DIFF_DST]};
    sg_arg model = pass == SG_PASS_BACKWARD_DATA ? SG_ARG_DIFF_DST : SG_ARG_SRC0;
    sg_status status = sg_dnn_layout_view(&job.view, p->layout[model], err);
    if (status) return status;
    if (pass == SG_PASS_BACKWARD_WEIGHTS) {
        job.diff_factor = args[SG_ARG_DIFF_WEIGHT];
        job.diff_shift = args[SG_ARG_DIFF_BIAS];
        sg_dnn_parallel(threads, sg_dnn_chunk_count(&job.view), 1, sum_body, &job);
        return SG_OK;
    }
    job.factor = args[SG_ARG_WEIGHT];
    job.shift = pass == SG_PASS_BACKWARD_DATA ? NULL : args[SG_ARG_BIAS];
    job.y = args[SG_ARG_DST];
    if (pass == SG_PASS_BACKWARD_DATA) {
        job.y = args[SG_ARG_DIFF_SRC0];
        job.x = job.dy;
    }
    sg_dnn_parallel(threads, job.view.n * sg_dnn_chunk_count(&job.view), 1, scale_body, &job);
    return SG_OK;
}

sg_status sg_dnn_affine_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    const sg_layout *layout, *channels;
    sg_dnn_view view;
    sg_shape shape = sg_shape_of(1, &p->base.problem.src[0].dims[1]);
    sg_status status = sg_dnn_follow(&layout, p, wanted, forward, err);
    if (!status) status = sg_dnn_layout_view(&view, layout, err);
    if (!status) status = sg_dnn_layout_plain(&channels, p->backend, &shape, SG_F32, err);
    for (int arg = 0; arg < SG_ARG_COUNT && !status; arg++)
        if (sg_problem_arg(&shape, &p->base.problem, (sg_arg)arg))
            p->layout[arg] = shape.rank == 1 ? channels : layout;
    p->run = run;
    return status;
}
