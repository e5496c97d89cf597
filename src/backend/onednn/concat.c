/* concat.c - concatenation along channels, and its backward pass, which cuts. One loop copies runs
 * of channels between any two views; where the blocks of a channel-blocked layout meet, a run is a
 * whole block and copying it is one memcpy over H x W.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"
#include <string.h>

typedef struct concat_job {
    int count;
    bool backward;
    sg_dnn_view whole, part[SG_MAX_INPUTS];
    float *whole_data, *part_data[SG_MAX_INPUTS];
} concat_job;

/* Copies `count` channels of image n. */
static void copy_channels(float *to, const sg_dnn_view *tv, int64_t tc, const float *from,
        const sg_dnn_view *fv, int64_t fc, int64_t count, int64_t n) {
    while (count > 0) {
        int64_t run = sg_dnn_min(
                count, sg_dnn_min(tv->block - tc % tv->block, fv->block - fc % fv->block));
        float *out = to + sg_dnn_view_offset(tv, n, tc);
        const float *in = from + sg_dnn_view_offset(fv, n, fc);
        if (run == tv->stride_spatial && run == fv->stride_spatial)
            memcpy(out, in, (size_t)(run * tv->spatial) * sizeof *out);
        else
            for (int64_t s = 0; s < tv->spatial; s++)
                memcpy(out + s * tv->stride_spatial, in + s * fv->stride_spatial,
                        (size_t)run * sizeof *out);
        tc += run;
        fc += run;
        count -= run;
    }
}

static void zero_padding(float *to, const sg_dnn_view *v, int64_t n) {
    int64_t real = v->channels % v->block;
    if (real == 0) return;
    float *out = to + sg_dnn_view_offset(v, n, v->channels - real) + real;
    for (int64_t s = 0; s < v->spatial; s++, out += v->stride_spatial)
        memset(out, 0, (size_t)(v->block - real) * sizeof *out);
}

/* A unit is one part of one image. */
static void concat_body(const void *user, int64_t begin, int64_t end) {
    const concat_job *job = user;
    for (int64_t unit = begin; unit < end; unit++) {
        int64_t n = unit / job->count, i = unit % job->count, first = 0;
        for (int64_t k = 0; k < i; k++) first += job->part[k].channels;
        const sg_dnn_view *part = &job->part[i];
        if (job->backward) {
            copy_channels(job->part_data[i], part, 0, job->whole_data, &job->whole, first,
                    part->channels, n);
            zero_padding(job->part_data[i], part, n);
            continue;
        }
        copy_channels(
                job->whole_data, &job->whole, first, job->part_data[i], part, 0, part->channels, n);
        if (i == job->count - 1) zero_padding(job->whole_data, &job->whole, n);
    }
}

static sg_status run_concat(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    concat_job job = {.count = p->base.problem.src_count,
            .backward = p->base.problem.pass == SG_PASS_BACKWARD_DATA};
    sg_arg whole = job.backward ? SG_ARG_DIFF_DST : SG_ARG_DST;
    sg_arg part = job.backward ? SG_ARG_DIFF_SRC0 : SG_ARG_SRC0;
    job.whole_data = args[whole];
    sg_status status = sg_dnn_layout_view(&job.whole, p->layout[whole], err);
    for (int i = 0; i < job.count && !status; i++) {
        job.part_data[i] = args[part + i];
        status = sg_dnn_layout_view(&job.part[i], p->layout[part + i], err);
    }
    if (status) return status;
    sg_dnn_parallel(p->backend->threads, job.whole.n * job.count, 1, concat_body, &job);
    return SG_OK;
}

/* The layout whose manner all tensors take: the wanted one of the whole, else of the first part. */
static sg_status model_of(const sg_layout **out, const sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    static const sg_arg parts[] = {SG_ARG_SRC0, SG_ARG_DIFF_SRC0},
                        wholes[] = {SG_ARG_DST, SG_ARG_DIFF_DST};
    int backward = q->pass == SG_PASS_BACKWARD_DATA;
    for (int i = 0; i < q->src_count; i++) {
        sg_arg arg = parts[backward] + i;
        if (!wanted->arg[arg] || wanted->arg[arg]->plain) continue;
        *out = wanted->arg[arg];
        return sg_dnn_check_wanted(p, *out, arg, err);
    }
    *out = wanted->arg[wholes[backward]];
    if (*out) return sg_dnn_check_wanted(p, *out, wholes[backward], err);
    if (backward && forward) {
        *out = forward->layout[SG_ARG_DST];
        return SG_OK;
    }
    return sg_dnn_layout_plain(out, p->backend, &q->src[0], SG_F32, err);
}

sg_status sg_dnn_concat_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    bool backward = q->pass == SG_PASS_BACKWARD_DATA;
    if (q->pass == SG_PASS_BACKWARD_WEIGHTS || q->src[0].rank != 4)
        return sg_dnn_unsupported(err, q);
    const sg_layout *model;
    sg_status status = model_of(&model, p, wanted, forward, err);
    for (int i = 0; i < q->src_count && !status; i++)
        status = sg_dnn_layout_like(&p->layout[(backward ? SG_ARG_DIFF_SRC0 : SG_ARG_SRC0) + i],
                p->backend, &q->src[i], model, err);
    if (!status)
        status = sg_dnn_layout_like(&p->layout[backward ? SG_ARG_DIFF_DST : SG_ARG_DST], p->backend,
                &q->dst, model, err);
    sg_dnn_view view;
    if (!status)
        status = sg_dnn_layout_view(&view, p->layout[backward ? SG_ARG_DIFF_DST : SG_ARG_DST], err);
    p->run = run_concat;
    return status;
}
