/* depthwise.c - 3 x 3 depthwise convolution while training, by own loops: strides 1 and 2, one
 * pixel of padding, no bias, on channels in blocks of 16 (AVX-512). The library's take twice the
 * time that their memory needs. All else is left to it.
 *
 * Weights stay plain. A unit of work is one block of channels of one image; gradients of the
 * weights are summed in parts that are cut by the shape alone, so that they are the same for any
 * number of threads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/depthwise_kernels.h"
#include <stdio.h>
#include <string.h>

enum { SUMS = SG_DW_TAPS * SG_DW_LANES };

typedef struct depthwise_job {
    const sg_problem *problem;
    sg_dnn_view src, dst; /* of the forward direction */
    sg_dw_plane plane;    /* of the first unit */
    const float *weights; /* plain */
    int64_t parts;
    double *sums; /* [parts][blocks][SUMS] */
} depthwise_job;

static size_t zeros_count(const sg_problem *q) {
    return (size_t)(sg_dnn_max(q->src[0].dims[3], q->dst.dims[3]) * SG_DW_LANES);
}

/* Images are summed in so many parts: enough pieces for any number of threads. */
static int64_t part_count(const sg_dnn_view *v) {
    int64_t parts = 64 / v->groups;
    return parts < 1 ? 1 : parts < v->n ? parts : v->n;
}

static depthwise_job job_of(const sg_dnn_primitive *p, void *const args[SG_ARG_COUNT]) {
    const sg_problem *q = &p->base.problem;
    bool data = q->pass == SG_PASS_BACKWARD_DATA, forward = q->pass == SG_PASS_TRAIN;
    const sg_layout *src = p->layout[data ? SG_ARG_DIFF_SRC0 : SG_ARG_SRC0];
    const sg_layout *dst = p->layout[forward ? SG_ARG_DST : SG_ARG_DIFF_DST];
    float *zeros = args[SG_ARG_SCRATCH];
    memset(zeros, 0, zeros_count(q) * sizeof *zeros);
    depthwise_job job = {.problem = q,
            .src = ((const sg_dnn_layout *)src)->view,
            .dst = ((const sg_dnn_layout *)dst)->view,
            .weights = args[SG_ARG_WEIGHT],
            .sums = (void *)(zeros + zeros_count(q))};
    job.parts = part_count(&job.src);
    job.plane = (sg_dw_plane){.from = args[forward ? SG_ARG_SRC0 : SG_ARG_DIFF_DST],
            .to = args[forward ? SG_ARG_DST : SG_ARG_DIFF_SRC0],
            .src = args[SG_ARG_SRC0],
            .zeros = zeros,
            .height = q->src[0].dims[2],
            .width = q->src[0].dims[3],
            .out_height = q->dst.dims[2],
            .out_width = q->dst.dims[3]};
    return job;
}

/* The plane of one block of channels of one image. */
static sg_dw_plane plane_at(const depthwise_job *job, int64_t n, int64_t block) {
    sg_dw_plane p = job->plane;
    int64_t src = n * job->src.stride_n + block * job->src.stride_group;
    int64_t dst = n * job->dst.stride_n + block * job->dst.stride_group;
    bool forward = job->problem->pass == SG_PASS_TRAIN;
    p.from += forward ? src : dst;
    if (p.to) p.to += forward ? dst : src;
    if (p.src) p.src += src;
    return p;
}

/* Channels of a block side by side; those behind the last are 0, and so is what they make. */
static void load_weights(float *w, const depthwise_job *job, int64_t block) {
    for (int64_t l = 0; l < SG_DW_LANES; l++) {
        int64_t c = block * SG_DW_LANES + l;
        for (int64_t k = 0; k < SG_DW_TAPS; k++)
            w[k * SG_DW_LANES + l] = c < job->src.channels ? job->weights[c * SG_DW_TAPS + k] : 0;
    }
}

static void planes_body(const void *user, int64_t begin, int64_t end) {
    const depthwise_job *job = user;
    int stride = (int)job->problem->stride[0];
    for (int64_t unit = begin; unit < end; unit++) {
        float w[SUMS];
        int64_t n = unit / job->src.groups, block = unit % job->src.groups;
        sg_dw_plane plane = plane_at(job, n, block);
        load_weights(w, job, block);
        if (job->problem->pass == SG_PASS_TRAIN)
            sg_dw_forward(&plane, w, stride);
        else
            sg_dw_backward_data(&plane, w, stride);
    }
}

static sg_status run_planes(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    (void)err;
    depthwise_job job = job_of(p, args);
    sg_dnn_parallel(p->backend->threads, job.src.n * job.src.groups, 1, planes_body, &job);
    return SG_OK;
}

static void sums_body(const void *user, int64_t begin, int64_t end) {
    const depthwise_job *job = user;
    for (int64_t unit = begin; unit < end; unit++) {
        int64_t part = unit / job->src.groups, block = unit % job->src.groups;
        double *sums = job->sums + unit * SUMS;
        memset(sums, 0, SUMS * sizeof *sums);
        for (int64_t n = job->src.n * part / job->parts; n < job->src.n * (part + 1) / job->parts;
                n++) {
            sg_dw_plane plane = plane_at(job, n, block);
            sg_dw_backward_weights(&plane, sums, (int)job->problem->stride[0]);
        }
    }
}

static sg_status run_weights(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    (void)err;
    depthwise_job job = job_of(p, args);
    float *gradient = args[SG_ARG_DIFF_WEIGHT];
    sg_dnn_parallel(p->backend->threads, job.parts * job.src.groups, 1, sums_body, &job);
    for (int64_t c = 0; c < job.src.channels; c++)
        for (int64_t k = 0; k < SG_DW_TAPS; k++) {
            int64_t at = c / SG_DW_LANES * SUMS + k * SG_DW_LANES + c % SG_DW_LANES;
            double sum = 0;
            for (int64_t part = 0; part < job.parts; part++)
                sum += job.sums[part * job.src.groups * SUMS + at];
            gradient[c * SG_DW_TAPS + k] = (float)sum;
        }
    return SG_OK;
}

/* ---- compilation ---- */

bool sg_dnn_depthwise_offers(const sg_problem *q, const sg_wanted *wanted) {
    if (!sg_dnn_has_avx512() || q->pass == SG_PASS_INFER || q->has_bias ||
            q->groups != q->src[0].dims[1] || q->groups != q->dst.dims[1] ||
            q->stride[0] != q->stride[1] || q->stride[0] > 2)
        return false;
    if (q->dst.dims[2] * q->dst.dims[3] == 1) return false; /* such a layout is the plain one */
    for (int i = 0; i < 2; i++)
        if (q->kernel[i] != SG_DW_SIDE || q->dilation[i] != 1 || q->pad_begin[i] != 1 ||
                q->pad_end[i] != 1)
            return false;
    for (int arg = 0; arg < SG_ARG_COUNT; arg++)
        if (wanted->arg[arg]) return false;
    return true;
}

sg_status sg_dnn_depthwise_compile(sg_dnn_primitive *p, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    sg_status status = SG_OK;
    sg_shape shape;
    for (int arg = 0; arg < SG_ARG_COUNT && !status; arg++) {
        if (!sg_problem_arg(&shape, q, (sg_arg)arg)) continue;
        bool weight = arg == SG_ARG_WEIGHT || arg == SG_ARG_DIFF_WEIGHT;
        status = weight ? sg_dnn_layout_plain(&p->layout[arg], p->backend, &shape, SG_F32, err)
                        : sg_dnn_layout_blocked(&p->layout[arg], p->backend, &shape, err);
    }
    if (status) return status;
    bool weights = q->pass == SG_PASS_BACKWARD_WEIGHTS;
    const sg_layout *src =
            p->layout[weights || q->pass == SG_PASS_TRAIN ? SG_ARG_SRC0 : SG_ARG_DIFF_SRC0];
    sg_dnn_view view;
    status = sg_dnn_layout_view(&view, src, err);
    if (status) return status;
    size_t bytes = zeros_count(q) * sizeof(float);
    if (weights) bytes += (size_t)(part_count(&view) * view.groups) * SUMS * sizeof(double);
    snprintf(p->text, sizeof p->text, "conv depthwise loop");
    p->run = weights ? run_weights : run_planes;
    return sg_dnn_layout_bytes(&p->layout[SG_ARG_SCRATCH], p->backend, bytes, err);
}
