/* gate.c - channel scale: y = x * gate[n][c] (squeeze-and-excitation), optionally with a sum and
 * ReLU behind it. Of one image this is a batch norm whose mean and beta are 0 and whose scale is
 * the gate, and so is its gradient; the kernels are those.
 *
 * Backward, with g = dy where the ReLU lets it pass: dx = g * gate, dgate = sum g * x. A unit of
 * work is one chunk of one image, small enough for the cache between the sum and the writing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/norm_kernels.h"
#include <math.h>
#include <string.h>

enum { GATE = SG_ARG_SRC0 + 1, GATE_DIFF = SG_ARG_DIFF_SRC0 + 1 };

typedef struct gate_job {
    sg_norm_job image;     /* of every image; its scale is the gates of the first */
    int64_t stride;        /* from gate to gate of the next image */
    float *diff;           /* gradient of the gates; NULL forward */
    sg_dnn_visit sum, map; /* sum: backward only */
} gate_job;

static void take_chunk(const gate_job *job, int64_t n, sg_dnn_chunk at) {
    const sg_dnn_view *v = &job->image.view;
    sg_norm_job image = sg_norm_image(&job->image, n);
    image.scale += n * job->stride;
    if (job->diff) {
        double sums[SG_DNN_CHUNK][2] = {{0}};
        float *diff = job->diff + n * job->stride + at.first;
        sg_dnn_walk(v, n, at, image.lanes, job->sum, &image, &sums[0][0]);
        for (int64_t i = 0; i < at.count; i++) diff[i] = (float)sums[i][1];
        if (image.passed) { /* added and masked by now */
            image.dy = image.passed;
            image.part = NULL;
        }
        image.relu = false;
    }
    sg_dnn_walk(v, n, at, image.lanes, job->map, &image, NULL);
}

static void body(const void *user, int64_t begin, int64_t end) {
    const gate_job *job = user;
    int64_t chunks = sg_dnn_chunk_count(&job->image.view);
    for (int64_t unit = begin; unit < end; unit++)
        take_chunk(job, unit / chunks, sg_dnn_chunk_at(&job->image.view, unit % chunks));
}

static void set_gradient(gate_job *job, const sg_dnn_primitive *p, void *const args[SG_ARG_COUNT]) {
    sg_norm_job *image = &job->image;
    job->sum = sg_norm_visits_of(image)->gradient_sums;
    job->map = sg_norm_visits_of(image)->gradient;
    job->diff = args[GATE_DIFF];
    memset(job->diff, 0, p->layout[GATE_DIFF]->bytes); /* the padding */
    image->dy = args[SG_ARG_DIFF_DST];
    image->part = args[SG_ARG_DIFF_PART];
    image->spread = sg_dnn_spread(p);
    image->out = args[SG_ARG_DIFF_SRC0];
    if (!image->relu) return;
    image->y = args[SG_ARG_DST];
    image->passed = args[SG_ARG_DIFF_SRC0 + sg_problem_summand(&p->base.problem)];
}

static sg_status run(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    const sg_problem *q = &p->base.problem;
    const sg_dnn_view *v = &((const sg_dnn_layout *)p->layout[SG_ARG_SRC0])->view;
    sg_dnn_view gates;
    sg_status status = sg_dnn_layout_view(&gates, p->layout[GATE], err);
    if (status) return status;
    float *zeros = memset(args[SG_ARG_SCRATCH], 0, p->layout[SG_ARG_SCRATCH]->bytes);
    gate_job job = {.stride = gates.stride_n,
            .image = {.view = *v,
                    .lanes = sg_norm_lanes(v),
                    .x = args[SG_ARG_SRC0],
                    .relu = q->fuse_relu,
                    .most = q->clip > 0 ? (float)q->clip : INFINITY,
                    .scale = args[GATE],
                    .mean = zeros,
                    .beta = zeros,
                    .slope = zeros,
                    .offset = zeros}};
    if (q->pass == SG_PASS_BACKWARD_DATA) {
        set_gradient(&job, p, args);
    } else {
        job.map = sg_norm_visits_of(&job.image)->normalise;
        job.image.summand = q->fuse_sum ? args[SG_ARG_SRC0 + sg_problem_summand(q)] : NULL;
        job.image.out = args[SG_ARG_DST];
    }
    sg_dnn_parallel(p->backend->threads, v->n * sg_dnn_chunk_count(v), 1, body, &job);
    return SG_OK;
}

sg_status sg_dnn_layout_means(
        const sg_layout **out, const sg_dnn_primitive *p, const sg_layout *data, sg_error *err) {
    const sg_shape *map = &data->shape;
    sg_shape shape = sg_shape4(map->dims[0], map->dims[1], 1, 1);
    sg_dnn_view v;
    sg_status status = sg_dnn_layout_like(out, p->backend, &shape, data, err);
    if (!status) status = sg_dnn_layout_view(&v, *out, err);
    if (!status && v.groups > 1 && v.stride_group != v.block)
        status = sg_dnn_unsupported(err, &p->base.problem);
    return status;
}

int64_t sg_dnn_spread(const sg_dnn_primitive *p) {
    if (p->base.problem.diff_part != SG_DIFF_SPREAD) return 0;
    return ((const sg_dnn_layout *)p->layout[SG_ARG_DIFF_PART])->view.stride_n;
}

sg_status sg_dnn_gate_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    const sg_layout *layout, *gates;
    sg_dnn_view view;
    if (q->pass == SG_PASS_BACKWARD_WEIGHTS) return sg_dnn_unsupported(err, q);
    sg_status status = sg_dnn_follow(&layout, p, wanted, forward, err);
    if (!status) status = sg_dnn_layout_view(&view, layout, err);
    if (!status) status = sg_dnn_layout_means(&gates, p, layout, err);
    if (status) return status;
    for (int arg = 0; arg < SG_ARG_COUNT; arg++) {
        sg_shape shape;
        if (!sg_problem_arg(&shape, q, (sg_arg)arg)) continue;
        p->layout[arg] = sg_shape_equal(&shape, &q->src[0]) ? layout : gates;
    }
    size_t zeros = (size_t)view.channels * sizeof(float);
    p->run = run;
    return sg_dnn_layout_bytes(&p->layout[SG_ARG_SCRATCH], p->backend, zeros, err);
}
