/* pointwise.c - operations that treat each element alone: addition, ReLU and ReLU6, dropout,
 * sigmoid. They run over the bytes of whatever layout the source has, in place if asked. Padding of
 * blocked layouts must stay zero: all but the sigmoid keep it by themselves; that one, where f(0)
 * is not 0, walks the channels.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"
#include <math.h>

enum { GRAIN = 4096 }; /* elements; also the piece that stays in the first-level cache */

typedef struct flat_job {
    float *out;
    const float *in[SG_MAX_INPUTS];
    int in_count;
    bool relu;  /* behind the sum */
    float most; /* ReLU's upper bound */
} flat_job;

static int64_t element_count(const sg_layout *layout) {
    return (int64_t)(layout->bytes / sizeof(float));
}

SG_DNN_INLINE void rectify(float *out, const float *x, int64_t n, float most) {
    SG_DNN_INDEPENDENT
    for (int64_t i = 0; i < n; i++) {
        float y = x[i] < 0.0f ? 0.0f : x[i]; /* NaN passes */
        out[i] = y > most ? most : y;
    }
}

/* ---- addition, optionally with ReLU behind it ---- */

SG_DNN_INLINE void add_pair(float *out, const float *a, const float *b, int64_t n) {
    SG_DNN_INDEPENDENT
    for (int64_t i = 0; i < n; i++) out[i] = a[i] + b[i];
}

/* `out` may be in[0]. */
SG_WIDE static void add_body(const void *user, int64_t begin, int64_t end) {
    const flat_job *job = user;
    for (int64_t at = begin; at < end; at += GRAIN) {
        int64_t n = end - at < GRAIN ? end - at : GRAIN;
        add_pair(job->out + at, job->in[0] + at, job->in[1] + at, n);
        for (int i = 2; i < job->in_count; i++)
            add_pair(job->out + at, job->out + at, job->in[i] + at, n);
        if (job->relu) rectify(job->out + at, job->out + at, n, job->most);
    }
}

static sg_status run_add(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    (void)err;
    const sg_problem *q = &p->base.problem;
    flat_job job = {.out = args[SG_ARG_DST],
            .in_count = q->src_count,
            .relu = q->fuse_relu,
            .most = q->clip > 0 ? (float)q->clip : INFINITY};
    for (int i = 0; i < job.in_count; i++) job.in[i] = args[SG_ARG_SRC0 + i];
    sg_dnn_parallel(
            p->backend->threads, element_count(p->layout[SG_ARG_DST]), GRAIN, add_body, &job);
    return SG_OK;
}

/* ---- ReLU, and ReLU6 where clip is 6 ---- */

SG_WIDE static void relu_body(const void *user, int64_t begin, int64_t end) {
    const flat_job *job = user;
    rectify(job->out + begin, job->in[0] + begin, end - begin, job->most);
}

/* in: the gradient and the forward pass's output. Nothing flows at the bounds. */
SG_WIDE static void relu_backward_body(const void *user, int64_t begin, int64_t end) {
    const flat_job *job = user;
    const float *dy = job->in[0], *y = job->in[1];
    float *out = job->out, most = job->most;
    SG_DNN_INDEPENDENT
    for (int64_t i = begin; i < end; i++) {
        float passed = y[i] > 0.0f ? dy[i] : 0.0f;
        out[i] = y[i] < most ? passed : 0.0f;
    }
}

static sg_status run_relu(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    (void)err;
    const sg_problem *q = &p->base.problem;
    bool backward = q->pass == SG_PASS_BACKWARD_DATA;
    flat_job job = {.most = q->clip > 0 ? (float)q->clip : INFINITY};
    job.out = args[backward ? SG_ARG_DIFF_SRC0 : SG_ARG_DST];
    job.in[0] = args[backward ? SG_ARG_DIFF_DST : SG_ARG_SRC0];
    job.in[1] = args[SG_ARG_DST];
    sg_dnn_parallel(p->backend->threads, element_count(p->layout[SG_ARG_DST]), GRAIN,
            backward ? relu_backward_body : relu_body, &job);
    return SG_OK;
}

/* ---- dropout ---- */

SG_WIDE static void multiply_body(const void *user, int64_t begin, int64_t end) {
    const flat_job *job = user;
    const float *x = job->in[0], *mask = job->in[1];
    float *out = job->out;
    SG_DNN_INDEPENDENT
    for (int64_t i = begin; i < end; i++) out[i] = x[i] * mask[i];
}

static sg_status run_dropout(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    (void)err;
    bool backward = p->base.problem.pass == SG_PASS_BACKWARD_DATA;
    flat_job job = {.out = args[backward ? SG_ARG_DIFF_SRC0 : SG_ARG_DST],
            .in = {args[backward ? SG_ARG_DIFF_DST : SG_ARG_SRC0], args[SG_ARG_MASK]}};
    sg_dnn_parallel(
            p->backend->threads, element_count(p->layout[SG_ARG_MASK]), GRAIN, multiply_body, &job);
    return SG_OK;
}

/* ---- sigmoid ---- */

typedef struct sigmoid_job {
    sg_dnn_view view;
    float scale;
    float *out;
    const float *in, *diff; /* diff: backward only, `in` then being the output */
} sigmoid_job;

static float sigmoid(const sigmoid_job *job, int64_t i) {
    if (job->diff) return job->diff[i] * job->in[i] * (1.0f - job->in[i] / job->scale);
    return job->scale / (1.0f + expf(-job->in[i]));
}

static void sigmoid_body(const void *user, int64_t begin, int64_t end) {
    const sigmoid_job *job = user;
    const sg_dnn_view *v = &job->view;
    for (int64_t unit = begin; unit < end; unit++) {
        int64_t group = unit % v->groups;
        int64_t at = unit / v->groups * v->stride_n + group * v->stride_group;
        int64_t real = v->channels - group * v->block;
        if (real > v->block) real = v->block;
        for (int64_t s = 0; s < v->spatial; s++, at += v->stride_spatial) {
            for (int64_t i = 0; i < real; i++) job->out[at + i] = sigmoid(job, at + i);
            for (int64_t i = real; i < v->block; i++) job->out[at + i] = 0.0f;
        }
    }
}

static sg_status run_sigmoid(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    bool backward = p->base.problem.pass == SG_PASS_BACKWARD_DATA;
    double scale = p->base.problem.sigmoid_scale;
    sigmoid_job job = {.scale = scale != 0 ? (float)scale : 1.0f,
            .out = args[backward ? SG_ARG_DIFF_SRC0 : SG_ARG_DST],
            .in = args[backward ? SG_ARG_DST : SG_ARG_SRC0],
            .diff = backward ? args[SG_ARG_DIFF_DST] : NULL};
    sg_status status = sg_dnn_layout_view(&job.view, p->layout[SG_ARG_DST], err);
    if (status) return status;
    sg_dnn_parallel(p->backend->threads, job.view.n * job.view.groups, 1, sigmoid_body, &job);
    return SG_OK;
}

/* ---- compilation ---- */

static void set_layouts(
        sg_dnn_primitive *p, const sg_layout *layout, const sg_arg *args, int count) {
    for (int i = 0; i < count; i++) p->layout[args[i]] = layout;
}

static void compile_add(sg_dnn_primitive *p, const sg_layout *layout) {
    p->layout[SG_ARG_DST] = layout;
    for (int i = 0; i < p->base.problem.src_count; i++) p->layout[SG_ARG_SRC0 + i] = layout;
    p->run = run_add;
}

static void compile_relu(sg_dnn_primitive *p, const sg_layout *layout, bool backward) {
    static const sg_arg ahead[] = {SG_ARG_SRC0, SG_ARG_DST};
    static const sg_arg back[] = {SG_ARG_DST, SG_ARG_DIFF_DST, SG_ARG_DIFF_SRC0};
    set_layouts(p, layout, backward ? back : ahead, backward ? 3 : 2);
    p->run = run_relu;
}

static void compile_dropout(sg_dnn_primitive *p, const sg_layout *layout, bool backward) {
    static const sg_arg ahead[] = {SG_ARG_SRC0, SG_ARG_MASK, SG_ARG_DST};
    static const sg_arg back[] = {SG_ARG_DIFF_DST, SG_ARG_MASK, SG_ARG_DIFF_SRC0};
    set_layouts(p, layout, backward ? back : ahead, 3);
    p->run = run_dropout;
}

static sg_status compile_sigmoid(
        sg_dnn_primitive *p, const sg_layout *layout, bool backward, sg_error *err) {
    static const sg_arg ahead[] = {SG_ARG_SRC0, SG_ARG_DST};
    static const sg_arg back[] = {SG_ARG_DST, SG_ARG_DIFF_DST, SG_ARG_DIFF_SRC0};
    sg_dnn_view view;
    sg_status status = sg_dnn_layout_view(&view, layout, err);
    if (status) return status;
    set_layouts(p, layout, backward ? back : ahead, backward ? 3 : 2);
    p->run = run_sigmoid;
    return SG_OK;
}

sg_status sg_dnn_pointwise_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    bool backward = q->pass == SG_PASS_BACKWARD_DATA;
    /* A sum's gradient is each summand's gradient: nothing to compute. */
    if (q->pass == SG_PASS_BACKWARD_WEIGHTS || (backward && q->op == SG_OP_ADD))
        return sg_dnn_unsupported(err, q);
    const sg_layout *layout;
    sg_status status = sg_dnn_follow(&layout, p, wanted, forward, err);
    if (status) return status;
    switch (q->op) {
    case SG_OP_ADD:
        compile_add(p, layout);
        return SG_OK;
    case SG_OP_RELU:
        compile_relu(p, layout, backward);
        return SG_OK;
    case SG_OP_DROPOUT:
        compile_dropout(p, layout, backward);
        return SG_OK;
    case SG_OP_SIGMOID:
        return compile_sigmoid(p, layout, backward, err);
    default:
        return sg_dnn_unsupported(err, q);
    }
}
