/* adaptive_pool.c - means over a fixed number of windows, which the library does not offer: own
 * loops over whatever layout flows in. The output comes in the manner of the input. Windows may
 * overlap and, where the output is the larger map, repeat pixels; sums are taken in double, in one
 * order. SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"
#include <string.h>

typedef struct axis {
    int64_t in, out;
} axis;

typedef struct range {
    int64_t begin, end;
} range;

typedef struct adaptive_job {
    axis h, w;
    sg_dnn_view src, dst;   /* of the input and the output, or of their gradients */
    const sg_dnn_view *cut; /* that of the two with the smaller blocks: chunks suit both */
    float *to;
    const float *from;
} adaptive_job;

static range window_at(const axis *a, int64_t o) {
    return (range){o * a->in / a->out, ((o + 1) * a->in + a->out - 1) / a->out};
}

static double pixels_in(range ys, range xs) {
    return (double)((ys.end - ys.begin) * (xs.end - xs.begin));
}

/* The channels of a chunk at one output position: their means over its window. */
static void average(
        const adaptive_job *job, float *to, const float *from, int64_t count, range ys, range xs) {
    double sum[SG_DNN_CHUNK] = {0};
    for (int64_t y = ys.begin; y < ys.end; y++)
        for (int64_t x = xs.begin; x < xs.end; x++) {
            const float *at = from + (y * job->w.in + x) * job->src.stride_spatial;
            for (int64_t i = 0; i < count; i++) sum[i] += at[i];
        }
    double pixels = pixels_in(ys, xs);
    for (int64_t i = 0; i < count; i++) to[i] = (float)(sum[i] / pixels);
}

/* A unit is one chunk of one image. */
static void forward_body(const void *user, int64_t begin, int64_t end) {
    const adaptive_job *job = user;
    int64_t chunks = sg_dnn_chunk_count(job->cut);
    for (int64_t unit = begin; unit < end; unit++) {
        int64_t n = unit / chunks;
        sg_dnn_chunk at = sg_dnn_chunk_at(job->cut, unit % chunks);
        const float *from = job->from + sg_dnn_view_offset(&job->src, n, at.first);
        float *to = job->to + sg_dnn_view_offset(&job->dst, n, at.first);
        for (int64_t y = 0; y < job->h.out; y++)
            for (int64_t x = 0; x < job->w.out; x++)
                average(job, to + (y * job->w.out + x) * job->dst.stride_spatial, from, at.count,
                        window_at(&job->h, y), window_at(&job->w, x));
        sg_dnn_zero_padding(job->to, &job->dst, n, at);
    }
}

/* What one output position gives back to the pixels of its window. */
static void spread(
        const adaptive_job *job, float *to, const float *from, int64_t count, range ys, range xs) {
    float share[SG_DNN_CHUNK];
    double pixels = pixels_in(ys, xs);
    for (int64_t i = 0; i < count; i++) share[i] = (float)(from[i] / pixels);
    for (int64_t y = ys.begin; y < ys.end; y++)
        for (int64_t x = xs.begin; x < xs.end; x++) {
            float *at = to + (y * job->w.in + x) * job->src.stride_spatial;
            for (int64_t i = 0; i < count; i++) at[i] += share[i];
        }
}

static void backward_body(const void *user, int64_t begin, int64_t end) {
    const adaptive_job *job = user;
    int64_t chunks = sg_dnn_chunk_count(job->cut);
    for (int64_t unit = begin; unit < end; unit++) {
        int64_t n = unit / chunks;
        sg_dnn_chunk at = sg_dnn_chunk_at(job->cut, unit % chunks);
        float *to = job->to + sg_dnn_view_offset(&job->src, n, at.first);
        const float *from = job->from + sg_dnn_view_offset(&job->dst, n, at.first);
        for (int64_t s = 0; s < job->src.spatial; s++)
            memset(to + s * job->src.stride_spatial, 0,
                    (size_t)(at.count + at.padding) * sizeof *to);
        for (int64_t y = 0; y < job->h.out; y++)
            for (int64_t x = 0; x < job->w.out; x++)
                spread(job, to, from + (y * job->w.out + x) * job->dst.stride_spatial, at.count,
                        window_at(&job->h, y), window_at(&job->w, x));
    }
}

static sg_status run_adaptive(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    const sg_problem *q = &p->base.problem;
    bool backward = q->pass == SG_PASS_BACKWARD_DATA;
    sg_arg src = backward ? SG_ARG_DIFF_SRC0 : SG_ARG_SRC0;
    sg_arg dst = backward ? SG_ARG_DIFF_DST : SG_ARG_DST;
    adaptive_job job = {.h = {q->src[0].dims[2], q->dst.dims[2]},
            .w = {q->src[0].dims[3], q->dst.dims[3]},
            .to = args[backward ? src : dst],
            .from = args[backward ? dst : src]};
    sg_status status = sg_dnn_layout_view(&job.src, p->layout[src], err);
    if (!status) status = sg_dnn_layout_view(&job.dst, p->layout[dst], err);
    if (status) return status;
    job.cut = job.dst.block < job.src.block ? &job.dst : &job.src; /* one pixel suits any block */
    sg_dnn_parallel(p->backend->threads, job.src.n * sg_dnn_chunk_count(job.cut), 1,
            backward ? backward_body : forward_body, &job);
    return SG_OK;
}

sg_status sg_dnn_adaptive_pool_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    bool backward = q->pass == SG_PASS_BACKWARD_DATA;
    if (q->pass == SG_PASS_BACKWARD_WEIGHTS) return sg_dnn_unsupported(err, q);
    sg_arg src = backward ? SG_ARG_DIFF_SRC0 : SG_ARG_SRC0;
    const sg_layout *in = wanted->arg[src], *out;
    sg_dnn_view view;
    sg_status status = SG_OK;
    if (!in && forward) in = forward->layout[SG_ARG_SRC0];
    if (in)
        status = sg_dnn_check_wanted(p, in, src, err);
    else
        status = sg_dnn_layout_plain(&in, p->backend, &q->src[0], SG_F32, err);
    if (!status) status = sg_dnn_layout_view(&view, in, err);
    if (!status) status = sg_dnn_layout_like(&out, p->backend, &q->dst, in, err);
    if (status) return status;
    p->layout[src] = in;
    p->layout[backward ? SG_ARG_DIFF_DST : SG_ARG_DST] = out;
    p->run = run_adaptive;
    return SG_OK;
}
