/* batch_norm.c - batch normalisation over N, H, W (Ioffe & Szegedy 2015), optionally with ReLU or
 * ReLU6 behind it, by own loops on any layout. The library's version waits in spinning barriers,
 * which takes many times as long as soon as something else runs on the machine, and keeps a mask
 * per element. Here the backward pass works the ReLU's mask out again: the workspace is a copy of
 * beta.
 *
 * Forward: y = (x - mean) * scale + beta, scale = gamma / sqrt(var + eps).
 * Backward, with g = dy where 0 < y < clip, else 0, and m elements per channel:
 *   dbeta = sum g, dgamma = sum g (x - mean) / sqrt(var + eps),
 *   dx = scale * g + slope * (x - mean) + offset,
 *   slope = -scale * dgamma / sqrt(var + eps) / m, offset = -scale * dbeta / m; both 0 when the
 *   statistics are fixed.
 * Sums are single within a tile of pixels and double beyond; the variance is taken about a rough
 * mean.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"
#include <math.h>
#include <string.h>

typedef float lanes __attribute__((vector_size(4 * SG_DNN_LANES)));
typedef uint32_t lane_bits __attribute__((vector_size(4 * SG_DNN_LANES)));

typedef struct norm_job {
    sg_dnn_view view;
    const float *x, *dy;
    float *out;
    bool relu;
    float most;                       /* of ReLU6 */
    const float *mean, *scale, *beta; /* [channels], as all coefficients */
    const float *slope, *offset;
    sg_dnn_visit visit;
    int64_t parts; /* the images are summed in this many parts */
    double *sums;  /* [parts][chunks][SG_DNN_CHUNK][2] */
} norm_job;

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

/* ---- kernels: one column of lanes ---- */

SG_DNN_INLINE void load(lanes *out, const float *from, int count) {
    lanes v = {0};
    memcpy(&v, from, (size_t)count * sizeof *from);
    *out = v;
}

SG_DNN_INLINE void store(float *to, const lanes *v, int count) {
    memcpy(to, v, (size_t)count * sizeof *to);
}

SG_DNN_INLINE void load_coefficients(lanes *out, const float *from, const sg_dnn_column *column) {
    if (column->lanes == SG_DNN_LANES && !column->one_channel) {
        load(out, from + column->channel, SG_DNN_LANES);
        return;
    }
    *out = (lanes){0};
    for (int i = 0; i < column->lanes; i++)
        (*out)[i] = from[column->channel + (column->one_channel ? 0 : i)];
}

SG_DNN_INLINE void add_sums(
        double *sums, const sg_dnn_column *column, const lanes *a, const lanes *b) {
    for (int i = 0; i < column->lanes; i++) {
        double *to = sums + (column->one_channel ? 0 : 2 * i);
        to[0] += (*a)[i];
        to[1] += (*b)[i];
    }
}

/* sum (x - mean), sum (x - mean)^2 */
SG_DNN_INLINE void moments(
        const norm_job *job, const sg_dnn_column *column, int count, double *sums) {
    const float *x = job->x + column->offset;
    lanes mean, first = {0}, second = {0};
    load_coefficients(&mean, job->mean, column);
    for (int64_t r = 0; r < column->rows; r++, x += column->stride) {
        lanes v;
        load(&v, x, count);
        v -= mean;
        first += v;
        second += v * v;
    }
    add_sums(sums, column, &first, &second);
}

/* y = min(max(y, 0), most). (y + |y|) / 2 is max(y, 0) and lets NaN pass. Of positive numbers the
 * bits are ordered as the numbers are, so the rest is the sign of a difference: compilers turn all
 * this into vectors of any width, unlike comparisons. */
SG_DNN_INLINE void clamp(lanes *y, float bound) {
    lanes most = bound - (lanes){0};
    *y = (*y + (lanes)((lane_bits)*y & 0x7FFFFFFFu)) * 0.5f;
    if (bound == INFINITY) return;
    lane_bits above = -(((lane_bits)most - (lane_bits)*y) >> 31);
    *y = (lanes)(((lane_bits)most & above) | ((lane_bits)*y & ~above));
}

SG_DNN_INLINE void normalise(const norm_job *job, const sg_dnn_column *column, int count) {
    const float *x = job->x + column->offset;
    float *out = job->out + column->offset;
    lanes mean, scale, beta;
    load_coefficients(&mean, job->mean, column);
    load_coefficients(&scale, job->scale, column);
    load_coefficients(&beta, job->beta, column);
    for (int64_t r = 0; r < column->rows; r++, x += column->stride, out += column->stride) {
        lanes v;
        load(&v, x, count);
        v = (v - mean) * scale + beta;
        if (job->relu) clamp(&v, job->most);
        store(out, &v, count);
    }
}

/* The gradient behind the ReLU, where 0 < y < most: again by the signs of differences. */
SG_DNN_INLINE void pass_gradient(lanes *g, const norm_job *job, const lanes *centred,
        const lanes *scale, const lanes *beta) {
    lanes value = *centred * *scale + *beta;
    lane_bits y = (lane_bits)value, most = (lane_bits)(job->most - (lanes){0});
    *g = (lanes)((lane_bits)*g & -((~y & -y & (y - most)) >> 31));
}

/* sum g, sum g (x - mean) */
SG_DNN_INLINE void gradient_sums(
        const norm_job *job, const sg_dnn_column *column, int count, double *sums) {
    const float *x = job->x + column->offset, *dy = job->dy + column->offset;
    lanes mean, scale, beta, first = {0}, second = {0};
    load_coefficients(&mean, job->mean, column);
    load_coefficients(&scale, job->scale, column);
    load_coefficients(&beta, job->beta, column);
    for (int64_t r = 0; r < column->rows; r++, x += column->stride, dy += column->stride) {
        lanes v, g;
        load(&v, x, count);
        load(&g, dy, count);
        v -= mean;
        if (job->relu) pass_gradient(&g, job, &v, &scale, &beta);
        first += g;
        second += g * v;
    }
    add_sums(sums, column, &first, &second);
}

SG_DNN_INLINE void gradient(const norm_job *job, const sg_dnn_column *column, int count) {
    const float *x = job->x + column->offset, *dy = job->dy + column->offset;
    float *out = job->out + column->offset;
    lanes mean, scale, beta, slope, offset;
    load_coefficients(&mean, job->mean, column);
    load_coefficients(&scale, job->scale, column);
    load_coefficients(&beta, job->beta, column);
    load_coefficients(&slope, job->slope, column);
    load_coefficients(&offset, job->offset, column);
    for (int64_t r = 0; r < column->rows; r++) {
        lanes v, g;
        load(&v, x + r * column->stride, count);
        load(&g, dy + r * column->stride, count);
        v -= mean;
        if (job->relu) pass_gradient(&g, job, &v, &scale, &beta);
        v = scale * g + slope * v + offset;
        store(out + r * column->stride, &v, count);
    }
}

/* Full columns have their number of lanes as a constant, which makes loads and stores vectors. */
SG_DNN_WIDE static void visit_moments(const void *user, const sg_dnn_column *column, double *sums) {
    if (column->lanes == SG_DNN_LANES)
        moments(user, column, SG_DNN_LANES, sums);
    else
        moments(user, column, column->lanes, sums);
}

SG_DNN_WIDE static void visit_normalise(
        const void *user, const sg_dnn_column *column, double *sums) {
    (void)sums;
    if (column->lanes == SG_DNN_LANES)
        normalise(user, column, SG_DNN_LANES);
    else
        normalise(user, column, column->lanes);
}

SG_DNN_WIDE static void visit_gradient_sums(
        const void *user, const sg_dnn_column *column, double *sums) {
    if (column->lanes == SG_DNN_LANES)
        gradient_sums(user, column, SG_DNN_LANES, sums);
    else
        gradient_sums(user, column, column->lanes, sums);
}

SG_DNN_WIDE static void visit_gradient(
        const void *user, const sg_dnn_column *column, double *sums) {
    (void)sums;
    if (column->lanes == SG_DNN_LANES)
        gradient(user, column, SG_DNN_LANES);
    else
        gradient(user, column, column->lanes);
}

/* ---- passes over the tensor ---- */

/* A unit is one chunk of one part of the images. */
static void sum_body(const void *user, int64_t begin, int64_t end) {
    const norm_job *job = user;
    const sg_dnn_view *v = &job->view;
    int64_t chunks = sg_dnn_chunk_count(v);
    for (int64_t unit = begin; unit < end; unit++) {
        int64_t part = unit / chunks;
        double *sums = job->sums + unit * SG_DNN_CHUNK * 2;
        memset(sums, 0, SG_DNN_CHUNK * 2 * sizeof *sums);
        for (int64_t n = v->n * part / job->parts; n < v->n * (part + 1) / job->parts; n++)
            sg_dnn_walk(v, n, sg_dnn_chunk_at(v, unit % chunks), job->visit, job, sums);
    }
}

static void sum_parts(norm_job *job, int threads, sg_dnn_visit visit) {
    job->visit = visit;
    job->parts = part_count(&job->view);
    sg_dnn_parallel(threads, job->parts * sg_dnn_chunk_count(&job->view), 1, sum_body, job);
}

static void total(double out[2], const norm_job *job, int64_t chunk, int64_t lane) {
    int64_t chunks = sg_dnn_chunk_count(&job->view);
    out[0] = out[1] = 0;
    for (int64_t part = 0; part < job->parts; part++) {
        const double *from = job->sums + ((part * chunks + chunk) * SG_DNN_CHUNK + lane) * 2;
        out[0] += from[0];
        out[1] += from[1];
    }
}

/* A unit is one chunk of one image. */
static void map_body(const void *user, int64_t begin, int64_t end) {
    const norm_job *job = user;
    int64_t chunks = sg_dnn_chunk_count(&job->view);
    for (int64_t unit = begin; unit < end; unit++) {
        sg_dnn_chunk at = sg_dnn_chunk_at(&job->view, unit % chunks);
        sg_dnn_walk(&job->view, unit / chunks, at, job->visit, job, NULL);
        sg_dnn_zero_padding(job->out, &job->view, unit / chunks, at);
    }
}

static void map(norm_job *job, int threads, sg_dnn_visit visit) {
    job->visit = visit;
    sg_dnn_parallel(threads, job->view.n * sg_dnn_chunk_count(&job->view), 1, map_body, job);
}

/* ---- forward ---- */

/* The mean of a channel's first few pixels: near enough to keep digits in the variance. */
static void rough_means(float *out, const norm_job *job) {
    const sg_dnn_view *v = &job->view;
    int64_t few = v->spatial < 16 ? v->spatial : 16;
    for (int64_t c = 0; c < v->channels; c++) {
        const float *x = job->x + sg_dnn_view_offset(v, 0, c);
        float sum = 0;
        for (int64_t s = 0; s < few; s++) sum += x[s * v->stride_spatial];
        out[c] = sum / (float)few;
    }
}

static void batch_statistics(norm_job *job, int threads, norm_scratch s, float *mean, float *var) {
    const sg_dnn_view *v = &job->view;
    double m = (double)(v->n * v->spatial);
    rough_means(s.slope, job);
    job->mean = s.slope;
    job->sums = s.sums;
    sum_parts(job, threads, visit_moments);
    for (int64_t i = 0; i < sg_dnn_chunk_count(v); i++) {
        sg_dnn_chunk at = sg_dnn_chunk_at(v, i);
        for (int64_t lane = 0; lane < at.count; lane++) {
            double sums[2];
            total(sums, job, i, lane);
            double shift = sums[0] / m, variance = sums[1] / m - shift * shift;
            mean[at.first + lane] = (float)(s.slope[at.first + lane] + shift);
            var[at.first + lane] = (float)(variance > 0 ? variance : isnan(variance) ? NAN : 0);
        }
    }
}

static norm_job job_of(const sg_dnn_primitive *p, void *const args[SG_ARG_COUNT]) {
    const sg_problem *q = &p->base.problem;
    return (norm_job){.x = args[SG_ARG_SRC0],
            .mean = args[SG_ARG_MEAN],
            .relu = q->fuse_relu,
            .most = q->clip > 0 ? (float)q->clip : INFINITY};
}

static void scales(float *out, const sg_dnn_primitive *p, void *const args[SG_ARG_COUNT]) {
    const float *gamma = args[SG_ARG_WEIGHT], *var = args[SG_ARG_VAR];
    for (int64_t c = 0; c < p->base.problem.src[0].dims[1]; c++)
        out[c] = (float)(gamma[c] / sqrt(var[c] + p->base.problem.eps));
}

static sg_status run_forward(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    const sg_problem *q = &p->base.problem;
    int threads = p->backend->threads;
    norm_job job = job_of(p, args);
    sg_status status = sg_dnn_layout_view(&job.view, p->layout[SG_ARG_SRC0], err);
    if (status) return status;
    norm_scratch s = carve(args[SG_ARG_SCRATCH], &job.view);
    if (q->pass == SG_PASS_TRAIN && !q->fixed_statistics)
        batch_statistics(&job, threads, s, args[SG_ARG_MEAN], args[SG_ARG_VAR]);
    scales(s.scale, p, args);
    job.mean = args[SG_ARG_MEAN];
    job.scale = s.scale;
    job.beta = args[SG_ARG_BIAS];
    job.out = args[SG_ARG_DST];
    map(&job, threads, visit_normalise);
    if (p->layout[SG_ARG_WORKSPACE])
        memcpy(args[SG_ARG_WORKSPACE], job.beta, (size_t)job.view.channels * sizeof(float));
    return SG_OK;
}

/* ---- backward ---- */

/* From the sums to the gradients of gamma and beta, and to the coefficients of dx. */
static void finish_sums(const norm_job *job, const sg_dnn_primitive *p, norm_scratch s,
        void *const args[SG_ARG_COUNT]) {
    const sg_dnn_view *v = &job->view;
    const float *var = args[SG_ARG_VAR];
    float *dgamma = args[SG_ARG_DIFF_WEIGHT], *dbeta = args[SG_ARG_DIFF_BIAS];
    double m = (double)(v->n * v->spatial);
    bool fixed = p->base.problem.fixed_statistics;
    for (int64_t i = 0; i < sg_dnn_chunk_count(v); i++) {
        sg_dnn_chunk at = sg_dnn_chunk_at(v, i);
        for (int64_t lane = 0; lane < at.count; lane++) {
            int64_t c = at.first + lane;
            double sums[2], scale = s.scale[c], invert = 1 / sqrt(var[c] + p->base.problem.eps);
            total(sums, job, i, lane);
            dbeta[c] = (float)sums[0];
            dgamma[c] = (float)(sums[1] * invert);
            s.slope[c] = fixed ? 0.0f : (float)(-scale * sums[1] * invert * invert / m);
            s.offset[c] = fixed ? 0.0f : (float)(-scale * sums[0] / m);
        }
    }
}

static sg_status run_backward(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    int threads = p->backend->threads;
    norm_job job = job_of(p, args);
    sg_status status = sg_dnn_layout_view(&job.view, p->layout[SG_ARG_SRC0], err);
    if (status) return status;
    norm_scratch s = carve(args[SG_ARG_SCRATCH], &job.view);
    scales(s.scale, p, args);
    job.dy = args[SG_ARG_DIFF_DST];
    job.scale = s.scale;
    job.beta = job.relu ? args[SG_ARG_WORKSPACE] : s.scale; /* not read without ReLU */
    job.sums = s.sums;
    sum_parts(&job, threads, visit_gradient_sums);
    finish_sums(&job, p, s, args);
    job.slope = s.slope;
    job.offset = s.offset;
    job.out = args[SG_ARG_DIFF_SRC0];
    map(&job, threads, visit_gradient);
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
    if (q->fuse_relu && q->pass != SG_PASS_INFER)
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
    p->can_alias = q->pass != SG_PASS_TRAIN; /* backward reads the source */
    p->run = backward ? run_backward : run_forward;
    return status;
}
