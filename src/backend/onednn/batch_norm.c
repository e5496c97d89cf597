/* batch_norm.c - batch normalisation over N, H, W (Ioffe & Szegedy 2015), optionally with a sum and
 * ReLU or ReLU6 behind it, by own loops on any layout. The library's version waits in spinning
 * barriers, which takes many times as long as soon as something else runs on the machine, and keeps
 * a mask per element. Here the backward pass works the ReLU's mask out again, the workspace being a
 * copy of beta; behind a sum, of which the summand is not kept, the output tells the mask.
 *
 * Forward: y = (x - mean) * scale + beta [+ summand], scale = gamma / sqrt(var + eps).
 * Backward, with g = dy where 0 < y < clip, else 0, and m elements per channel:
 *   dbeta = sum g, dgamma = sum g (x - mean) / sqrt(var + eps),
 *   dx = scale * g + slope * (x - mean) + offset,
 *   slope = -scale * dgamma / sqrt(var + eps) / m, offset = -scale * dbeta / m; both 0 when the
 *   statistics are fixed.
 * Sums are single within a tile of pixels and double beyond; the variance is taken about a rough
 * mean.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/norm_kernels.h"
#include <math.h>
#include <string.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

/* What the caller's scratch memory holds. */
typedef struct norm_scratch {
    double *sums;
    float *scale, *slope, *offset; /* [channels]; `slope` is the rough mean while summing forward */
} norm_scratch;

static int64_t part_count(const sg_dnn_view *v) {
    int64_t parts = 64 / sg_dnn_chunk_count(v); /* enough pieces for any number of threads */
    return parts < 1 ? 1 : parts < v->n ? parts : v->n;
}

static size_t sum_count(const sg_dnn_view *v) {
    return (size_t)(part_count(v) * sg_dnn_chunk_count(v) * SG_DNN_CHUNK * 2);
}

static size_t scratch_bytes(const sg_dnn_view *v) {
    return sum_count(v) * sizeof(double) + 3 * (size_t)v->channels * sizeof(float);
}

static norm_scratch carve(void *bytes, const sg_dnn_view *v) {
    norm_scratch s = {.sums = bytes};
    s.scale = (void *)(s.sums + sum_count(v));
    s.slope = s.scale + v->channels;
    s.offset = s.slope + v->channels;
    return s;
}

/* ---- passes over the tensor ---- */

/* A batch norm goes twice over its tensor: once for sums, once to write. Channels do not know of
 * one another, so both are done chunk by chunk: what the second reads is still in the cache. */
typedef struct norm_pass {
    sg_norm_job sum, map; /* what the visits of either see */
    const sg_problem *problem;
    norm_scratch scratch;
    void *const *args;
    int64_t together; /* so many chunks at a time */
    /* Before the sums of a chunk, and between them and the writing. */
    void (*begin)(const struct norm_pass *pass, sg_dnn_chunk at);
    void (*finish)(const struct norm_pass *pass, int64_t chunk);
} norm_pass;

static double *sums_of(const sg_norm_job *job, int64_t chunk, int64_t part) {
    int64_t chunks = sg_dnn_chunk_count(&job->view);
    return job->sums + (part * chunks + chunk) * SG_DNN_CHUNK * 2;
}

/* One part of the images of chunks [first, last). */
static void sum_part(const sg_norm_job *job, int64_t first, int64_t last, int64_t part) {
    const sg_dnn_view *v = &job->view;
    double *sums = sums_of(job, first, part);
    memset(sums, 0, (size_t)(last - first) * SG_DNN_CHUNK * 2 * sizeof *sums);
    for (int64_t n = v->n * part / job->parts; n < v->n * (part + 1) / job->parts; n++) {
        sg_norm_job image = sg_norm_image(job, n);
        for (int64_t i = first; i < last; i++)
            sg_dnn_walk(v, n, sg_dnn_chunk_at(v, i), job->lanes, job->visit, &image,
                    sums_of(job, i, part));
    }
}

static void map_image(const sg_norm_job *job, int64_t chunk, int64_t n) {
    sg_dnn_chunk at = sg_dnn_chunk_at(&job->view, chunk);
    sg_norm_job image = sg_norm_image(job, n);
    sg_dnn_walk(&job->view, n, at, job->lanes, job->visit, &image, NULL);
}

static void total(double out[2], const sg_norm_job *job, int64_t chunk, int64_t lane) {
    out[0] = out[1] = 0;
    for (int64_t part = 0; part < job->parts; part++) {
        const double *from = sums_of(job, chunk, part) + lane * 2;
        out[0] += from[0];
        out[1] += from[1];
    }
}

/* Before another thread reads what was streamed by this one. */
static void finish_stores(const sg_norm_job *job) {
#if defined(__SSE__)
    if (job->stream) _mm_sfence();
#else
    (void)job;
#endif
}

/* Chunks [first, last), which lie side by side in every image. */
static void take_chunks(const norm_pass *pass, int64_t first, int64_t last) {
    for (int64_t i = first; i < last; i++) pass->begin(pass, sg_dnn_chunk_at(&pass->sum.view, i));
    for (int64_t part = 0; part < pass->sum.parts; part++) sum_part(&pass->sum, first, last, part);
    for (int64_t i = first; i < last; i++) pass->finish(pass, i);
    /* backwards: the last image is the one most surely in the cache */
    for (int64_t n = pass->map.view.n - 1; n >= 0; n--)
        for (int64_t i = first; i < last; i++) map_image(&pass->map, i, n);
}

static void chunk_body(const void *user, int64_t begin, int64_t end) {
    const norm_pass *pass = user;
    for (int64_t i = begin; i < end; i += pass->together)
        take_chunks(pass, i, i + pass->together < end ? i + pass->together : end);
    finish_stores(&pass->map);
}

static void sum_body(const void *user, int64_t begin, int64_t end) {
    const sg_norm_job *job = user;
    int64_t chunks = sg_dnn_chunk_count(&job->view);
    for (int64_t unit = begin; unit < end; unit++)
        sum_part(job, unit % chunks, unit % chunks + 1, unit / chunks);
}

static void map_body(const void *user, int64_t begin, int64_t end) {
    const sg_norm_job *job = user;
    int64_t chunks = sg_dnn_chunk_count(&job->view);
    for (int64_t unit = begin; unit < end; unit++) map_image(job, unit % chunks, unit / chunks);
    finish_stores(job);
}

static void map(const sg_norm_job *job, int threads) {
    sg_dnn_parallel(threads, job->view.n * sg_dnn_chunk_count(&job->view), 1, map_body, job);
}

/* The chunks of small images are short runs of memory, and each begins with a wait: so many are
 * taken at a time that they make a long one. */
static int64_t chunks_together(const sg_dnn_view *v) {
    enum { RUN_BYTES = 64 << 10 };
    int64_t width = v->block < SG_DNN_CHUNK ? v->block : SG_DNN_CHUNK;
    int64_t bytes = v->spatial * width * (int64_t)sizeof(float);
    return bytes < RUN_BYTES ? RUN_BYTES / bytes : 1;
}

/* Do the chunks keep the threads busy alike? */
static bool shares_well(int64_t chunks, int threads) {
    int64_t rounds = (chunks + threads - 1) / threads;
    return chunks * 8 >= rounds * threads * 7;
}

/* The sums are the same either way: their parts do not depend on the threads. */
static void run_pass(norm_pass *pass, int threads) {
    int64_t chunks = sg_dnn_chunk_count(&pass->sum.view);
    pass->sum.parts = part_count(&pass->sum.view);
    pass->sum.sums = pass->scratch.sums;
    pass->together = chunks_together(&pass->sum.view);
    if (shares_well(chunks, threads)) {
        sg_dnn_parallel(threads, chunks, 1, chunk_body, pass);
        return;
    }
    for (int64_t i = 0; i < chunks; i++) pass->begin(pass, sg_dnn_chunk_at(&pass->sum.view, i));
    sg_dnn_parallel(threads, pass->sum.parts * chunks, 1, sum_body, &pass->sum);
    for (int64_t i = 0; i < chunks; i++) pass->finish(pass, i);
    map(&pass->map, threads);
}

static sg_norm_job job_of(const sg_dnn_primitive *p, void *const args[SG_ARG_COUNT]) {
    const sg_problem *q = &p->base.problem;
    const sg_dnn_view *v = &((const sg_dnn_layout *)p->layout[SG_ARG_SRC0])->view;
    return (sg_norm_job){.view = *v,
            .lanes = sg_norm_lanes(v),
            .x = args[SG_ARG_SRC0],
            .mean = args[SG_ARG_MEAN],
            .summand = q->fuse_sum ? args[SG_ARG_SRC0 + 1] : NULL,
            .relu = q->fuse_relu,
            .most = q->clip > 0 ? (float)q->clip : INFINITY};
}

static void scales(float *out, const sg_problem *q, void *const args[SG_ARG_COUNT], int64_t first,
        int64_t count) {
    const float *gamma = args[SG_ARG_WEIGHT], *var = args[SG_ARG_VAR];
    for (int64_t c = first; c < first + count; c++)
        out[c] = (float)(gamma[c] / sqrt(var[c] + q->eps));
}

/* ---- forward ---- */

/* The mean of a channel's first few pixels: near enough to keep digits in the variance. */
static void begin_forward(const norm_pass *pass, sg_dnn_chunk at) {
    const sg_dnn_view *v = &pass->sum.view;
    int64_t few = v->spatial < 16 ? v->spatial : 16;
    for (int64_t c = at.first; c < at.first + at.count; c++) {
        const float *x = pass->sum.x + sg_dnn_view_offset(v, 0, c);
        float sum = 0;
        for (int64_t s = 0; s < few; s++) sum += x[s * v->stride_spatial];
        pass->scratch.slope[c] = sum / (float)few;
    }
}

static void finish_forward(const norm_pass *pass, int64_t chunk) {
    const sg_dnn_view *v = &pass->sum.view;
    float *mean = pass->args[SG_ARG_MEAN], *var = pass->args[SG_ARG_VAR];
    double m = (double)(v->n * v->spatial);
    sg_dnn_chunk at = sg_dnn_chunk_at(v, chunk);
    for (int64_t lane = 0; lane < at.count; lane++) {
        double sums[2];
        total(sums, &pass->sum, chunk, lane);
        double shift = sums[0] / m, variance = sums[1] / m - shift * shift;
        mean[at.first + lane] = (float)(pass->scratch.slope[at.first + lane] + shift);
        var[at.first + lane] = (float)(variance > 0 ? variance : isnan(variance) ? NAN : 0);
    }
    scales(pass->scratch.scale, pass->problem, pass->args, at.first, at.count);
}

static sg_status run_forward(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    (void)err;
    const sg_problem *q = &p->base.problem;
    norm_pass pass = {.sum = job_of(p, args), .problem = q, .args = args};
    const sg_dnn_view *v = &pass.sum.view;
    pass.scratch = carve(args[SG_ARG_SCRATCH], v);
    pass.map = pass.sum;
    pass.map.visit = sg_norm_visits_of(&pass.sum)->normalise;
    pass.map.scale = pass.scratch.scale;
    pass.map.beta = args[SG_ARG_BIAS];
    pass.map.out = args[SG_ARG_DST];
    pass.map.stream = pass.map.out != pass.map.x && pass.map.out != pass.map.summand &&
                      v->block == pass.map.lanes &&
                      p->layout[SG_ARG_DST]->bytes >= SG_DNN_STREAM_BYTES;
    if (q->pass == SG_PASS_TRAIN && !q->fixed_statistics) {
        pass.sum.visit = sg_norm_visits_of(&pass.sum)->moments;
        pass.sum.mean = pass.scratch.slope;
        pass.begin = begin_forward;
        pass.finish = finish_forward;
        run_pass(&pass, p->backend->threads);
    } else {
        scales(pass.scratch.scale, q, args, 0, v->channels);
        map(&pass.map, p->backend->threads);
    }
    if (p->layout[SG_ARG_WORKSPACE])
        memcpy(args[SG_ARG_WORKSPACE], pass.map.beta, (size_t)v->channels * sizeof(float));
    return SG_OK;
}

/* ---- backward ---- */

static void begin_backward(const norm_pass *pass, sg_dnn_chunk at) {
    scales(pass->scratch.scale, pass->problem, pass->args, at.first, at.count);
}

/* From the sums to the gradients of gamma and beta, and to the coefficients of dx. */
static void finish_backward(const norm_pass *pass, int64_t chunk) {
    const sg_dnn_view *v = &pass->sum.view;
    const float *var = pass->args[SG_ARG_VAR];
    const norm_scratch *s = &pass->scratch;
    float *dgamma = pass->args[SG_ARG_DIFF_WEIGHT], *dbeta = pass->args[SG_ARG_DIFF_BIAS];
    double m = (double)(v->n * v->spatial);
    bool fixed = pass->problem->fixed_statistics;
    sg_dnn_chunk at = sg_dnn_chunk_at(v, chunk);
    for (int64_t lane = 0; lane < at.count; lane++) {
        int64_t c = at.first + lane;
        double sums[2], scale = s->scale[c], invert = 1 / sqrt(var[c] + pass->problem->eps);
        total(sums, &pass->sum, chunk, lane);
        dbeta[c] = (float)sums[0];
        dgamma[c] = (float)(sums[1] * invert);
        s->slope[c] = fixed ? 0.0f : (float)(-scale * sums[1] * invert * invert / m);
        s->offset[c] = fixed ? 0.0f : (float)(-scale * sums[0] / m);
    }
}

static sg_status run_backward(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    (void)err;
    norm_pass pass = {.sum = job_of(p, args),
            .problem = &p->base.problem,
            .args = args,
            .begin = begin_backward,
            .finish = finish_backward};
    pass.scratch = carve(args[SG_ARG_SCRATCH], &pass.sum.view);
    pass.sum.dy = args[SG_ARG_DIFF_DST];
    pass.sum.scale = pass.scratch.scale;
    pass.sum.beta = args[SG_ARG_WORKSPACE];
    pass.sum.part = args[SG_ARG_DIFF_PART];
    pass.sum.spread = sg_dnn_spread(p);
    pass.map = pass.sum;
    if (p->base.problem.fuse_sum && pass.sum.relu) { /* masked once, where the summand's belongs */
        pass.sum.y = args[SG_ARG_DST];
        pass.sum.passed = args[SG_ARG_DIFF_SRC0 + 1];
        pass.map.dy = pass.sum.passed;
        pass.map.part = NULL;
        pass.map.spread = 0;
        pass.map.relu = false;
    }
    pass.sum.visit = sg_norm_visits_of(&pass.sum)->gradient_sums;
    pass.map.visit = sg_norm_visits_of(&pass.sum)->gradient;
    pass.map.slope = pass.scratch.slope;
    pass.map.offset = pass.scratch.offset;
    pass.map.out = args[SG_ARG_DIFF_SRC0];
    run_pass(&pass, p->backend->threads);
    return SG_OK;
}

/* ---- compilation ---- */

static sg_status set_layouts(
        sg_dnn_primitive *p, const sg_layout *data, const sg_dnn_view *v, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    const sg_layout *channels;
    sg_shape shape = sg_shape_of(1, &q->src[0].dims[1]);
    sg_status status = sg_dnn_layout_plain(&channels, p->backend, &shape, SG_F32, err);
    if (status) return status;
    for (int arg = 0; arg < SG_ARG_COUNT; arg++) {
        if (!sg_problem_arg(&shape, q, (sg_arg)arg)) continue;
        p->layout[arg] = shape.rank == 1 ? channels : data;
    }
    if (q->diff_part == SG_DIFF_SPREAD && q->pass == SG_PASS_BACKWARD_DATA)
        status = sg_dnn_layout_means(&p->layout[SG_ARG_DIFF_PART], p, data, err);
    if (status) return status;
    if (q->fuse_relu && !q->fuse_sum && q->pass != SG_PASS_INFER)
        status =
                sg_dnn_layout_bytes(&p->layout[SG_ARG_WORKSPACE], p->backend, channels->bytes, err);
    if (status) return status;
    return sg_dnn_layout_bytes(&p->layout[SG_ARG_SCRATCH], p->backend, scratch_bytes(v), err);
}

sg_status sg_dnn_batch_norm_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    bool backward = q->pass == SG_PASS_BACKWARD_DATA;
    if (q->pass == SG_PASS_BACKWARD_WEIGHTS || (backward && q->fuse_relu && !forward))
        return sg_dnn_unsupported(err, q);
    const sg_layout *layout;
    sg_dnn_view view;
    sg_status status = sg_dnn_follow(&layout, p, wanted, forward, err);
    if (!status) status = sg_dnn_layout_view(&view, layout, err);
    if (!status) status = set_layouts(p, layout, &view, err);
    p->run = backward ? run_backward : run_forward;
    return status;
}
