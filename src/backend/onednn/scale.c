/* scale.c - operations with one coefficient per channel: affine (y = x * weight[c] + bias[c]) and
 * channel scale (y = x * gate[n][c], squeeze-and-excitation). Both are the same two loops: scale
 * and shift the rows of a channel; sum the rows of a product. Sums are taken in double, in one
 * order whatever the number of threads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"
#include <string.h>

/* Coefficients of channels: plain [c], or gates [n,c,1,1] in any layout. */
typedef struct coefficients {
    float *data; /* NULL: all zero */
    sg_dnn_view view;
} coefficients;

typedef struct scale_job {
    sg_dnn_view view; /* of x, y and dy */
    float *y;
    const float *x, *dy;
    coefficients factor, shift; /* read by scaling; written by summing */
} scale_job;

static void load(float *to, const coefficients *from, int64_t n, int64_t c, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        to[i] = from->data ? from->data[sg_dnn_view_offset(&from->view, n, c + i)] : 0.0f;
}

static void store(const coefficients *to, const double *from, int64_t n, int64_t c, int64_t count) {
    if (!to->data) return;
    for (int64_t i = 0; i < count; i++)
        to->data[sg_dnn_view_offset(&to->view, n, c + i)] = (float)from[i];
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

SG_DNN_INLINE void scale_chunk(const scale_job *job, int64_t n, sg_dnn_chunk at) {
    const sg_dnn_view *v = &job->view;
    float factor[SG_DNN_CHUNK], shift[SG_DNN_CHUNK];
    int64_t offset = sg_dnn_view_offset(v, n, at.first);
    load(factor, &job->factor, n, at.first, at.count);
    load(shift, &job->shift, n, at.first, at.count);
    scale_rows(job->y + offset, job->x + offset, factor, shift, at.count, v->spatial,
            v->stride_spatial);
    sg_dnn_zero_padding(job->y, v, n, at);
}

/* A unit is one chunk of one image. */
SG_WIDE static void scale_body(const void *user, int64_t begin, int64_t end) {
    const scale_job *job = user;
    int64_t chunks = sg_dnn_chunk_count(&job->view);
    for (int64_t unit = begin; unit < end; unit++)
        scale_chunk(job, unit / chunks, sg_dnn_chunk_at(&job->view, unit % chunks));
}

/* ---- factor = sum of x * dy, shift = sum of dy ---- */

SG_DNN_INLINE void sum_rows(double *product, double *plain, const float *x, const float *dy,
        int64_t count, int64_t spatial, int64_t stride) {
    for (int64_t s = 0; s < spatial; s++, x += stride, dy += stride) {
        for (int64_t i = 0; i < count; i++) {
            product[i] += (double)x[i] * dy[i];
            plain[i] += dy[i];
        }
    }
}

/* Sums a chunk of the images [n, n_end) and stores the sums as those of image n. */
SG_DNN_INLINE void sum_chunk(const scale_job *job, int64_t n, int64_t n_end, sg_dnn_chunk at) {
    const sg_dnn_view *v = &job->view;
    double product[SG_DNN_CHUNK] = {0}, plain[SG_DNN_CHUNK] = {0};
    for (int64_t image = n; image < n_end; image++) {
        int64_t offset = sg_dnn_view_offset(v, image, at.first);
        sum_rows(product, plain, job->x + offset, job->dy + offset, at.count, v->spatial,
                v->stride_spatial);
    }
    store(&job->factor, product, n, at.first, at.count);
    store(&job->shift, plain, n, at.first, at.count);
}

/* A unit is one chunk of all images. */
SG_WIDE static void sum_images_body(const void *user, int64_t begin, int64_t end) {
    const scale_job *job = user;
    for (int64_t unit = begin; unit < end; unit++)
        sum_chunk(job, 0, job->view.n, sg_dnn_chunk_at(&job->view, unit));
}

/* A unit is one chunk of one image. */
SG_WIDE static void sum_image_body(const void *user, int64_t begin, int64_t end) {
    const scale_job *job = user;
    int64_t chunks = sg_dnn_chunk_count(&job->view);
    for (int64_t unit = begin; unit < end; unit++) {
        int64_t n = unit / chunks;
        sum_chunk(job, n, n + 1, sg_dnn_chunk_at(&job->view, unit % chunks));
    }
}

/* ---- the operations ---- */

/* A coefficient per channel, the same for all images. */
static coefficients of_channels(void *data) {
    return (coefficients){data, {.block = 1, .stride_group = 1}};
}

static sg_status run_affine(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    sg_pass pass = p->base.problem.pass;
    int threads = p->backend->threads;
    scale_job job = {.x = args[SG_ARG_SRC0], .dy = args[SG_ARG_DIFF_DST]};
    sg_arg model = pass == SG_PASS_BACKWARD_DATA ? SG_ARG_DIFF_DST : SG_ARG_SRC0;
    sg_status status = sg_dnn_layout_view(&job.view, p->layout[model], err);
    if (status) return status;
    if (pass == SG_PASS_BACKWARD_WEIGHTS) {
        job.factor = of_channels(args[SG_ARG_DIFF_WEIGHT]);
        job.shift = of_channels(args[SG_ARG_DIFF_BIAS]);
        sg_dnn_parallel(threads, sg_dnn_chunk_count(&job.view), 1, sum_images_body, &job);
        return SG_OK;
    }
    job.factor = of_channels(args[SG_ARG_WEIGHT]);
    job.shift = of_channels(pass == SG_PASS_BACKWARD_DATA ? NULL : args[SG_ARG_BIAS]);
    job.y = args[SG_ARG_DST];
    if (pass == SG_PASS_BACKWARD_DATA) {
        job.y = args[SG_ARG_DIFF_SRC0];
        job.x = job.dy;
    }
    sg_dnn_parallel(threads, job.view.n * sg_dnn_chunk_count(&job.view), 1, scale_body, &job);
    return SG_OK;
}

static sg_status run_channel_scale(
        sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    bool backward = p->base.problem.pass == SG_PASS_BACKWARD_DATA;
    int threads = p->backend->threads;
    sg_arg gate = SG_ARG_SRC0 + 1, gate_diff = SG_ARG_DIFF_SRC0 + 1;
    scale_job job = {.y = args[SG_ARG_DST], .x = args[SG_ARG_SRC0], .dy = args[SG_ARG_DIFF_DST]};
    sg_dnn_view gates;
    sg_status status = sg_dnn_layout_view(&job.view, p->layout[SG_ARG_SRC0], err);
    if (!status) status = sg_dnn_layout_view(&gates, p->layout[gate], err);
    if (status) return status;
    int64_t units = job.view.n * sg_dnn_chunk_count(&job.view);
    if (backward) {
        /* The gate's gradient first: DIFF_SRC0 may be the bytes of DIFF_DST. */
        job.factor = (coefficients){args[gate_diff], gates};
        memset(args[gate_diff], 0, p->layout[gate_diff]->bytes);
        sg_dnn_parallel(threads, units, 1, sum_image_body, &job);
        job.y = args[SG_ARG_DIFF_SRC0];
        job.x = job.dy;
    }
    job.factor = (coefficients){args[gate], gates};
    sg_dnn_parallel(threads, units, 1, scale_body, &job);
    return SG_OK;
}

static sg_status compile_affine(sg_dnn_primitive *p, const sg_layout *layout, sg_error *err) {
    const sg_layout *channels;
    sg_shape shape = sg_shape_of(1, &p->base.problem.src[0].dims[1]);
    sg_status status = sg_dnn_layout_plain(&channels, p->backend, &shape, SG_F32, err);
    if (status) return status;
    p->run = run_affine;
    switch (p->base.problem.pass) {
    case SG_PASS_BACKWARD_DATA:
        p->layout[SG_ARG_DIFF_DST] = p->layout[SG_ARG_DIFF_SRC0] = layout;
        p->layout[SG_ARG_WEIGHT] = channels;
        p->can_alias = true;
        break;
    case SG_PASS_BACKWARD_WEIGHTS:
        p->layout[SG_ARG_SRC0] = p->layout[SG_ARG_DIFF_DST] = layout;
        p->layout[SG_ARG_DIFF_WEIGHT] = p->layout[SG_ARG_DIFF_BIAS] = channels;
        break;
    default:
        p->layout[SG_ARG_SRC0] = p->layout[SG_ARG_DST] = layout;
        p->layout[SG_ARG_WEIGHT] = p->layout[SG_ARG_BIAS] = channels;
        p->can_alias = true;
    }
    return SG_OK;
}

static sg_status compile_channel_scale(
        sg_dnn_primitive *p, const sg_layout *layout, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    bool backward = q->pass == SG_PASS_BACKWARD_DATA;
    const sg_layout *gates;
    if (q->pass == SG_PASS_BACKWARD_WEIGHTS) return sg_dnn_unsupported(err, q);
    sg_status status = sg_dnn_layout_like(&gates, p->backend, &q->src[1], layout, err);
    if (status) return status;
    p->layout[SG_ARG_SRC0] = layout;
    p->layout[SG_ARG_SRC0 + 1] = gates;
    p->layout[backward ? SG_ARG_DIFF_DST : SG_ARG_DST] = layout;
    if (backward) {
        p->layout[SG_ARG_DIFF_SRC0] = layout;
        p->layout[SG_ARG_DIFF_SRC0 + 1] = gates;
    }
    p->can_alias = true;
    p->run = run_channel_scale;
    return SG_OK;
}

sg_status sg_dnn_scale_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    const sg_layout *layout;
    sg_dnn_view view;
    sg_status status = sg_dnn_follow(&layout, p, wanted, forward, err);
    if (!status) status = sg_dnn_layout_view(&view, layout, err);
    if (status) return status;
    return p->base.problem.op == SG_OP_AFFINE ? compile_affine(p, layout, err)
                                              : compile_channel_scale(p, layout, err);
}
