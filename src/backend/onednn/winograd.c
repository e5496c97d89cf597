/* winograd.c - prediction of dense 3 x 3 convolutions by own Winograd loops on channels-last images
 * (AVX-512): the layout that the library's direct convolutions prefer in prediction, so that
 * nothing is reordered. Weights are transformed once, when the planner packs them.
 *
 * Each tile's outputs are the same however tiles are shared out, so also for any number of threads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/winograd_kernels.h"
#include <stdio.h>

/* Fewer tiles do not pay for weights four times as large; nor do tiles that are mostly empty.
 * PORTION tiles and their products fit into a second-level cache, and so do FEW_WEIGHTS.
 * Measured: docs/internals/onednn.md. */
enum {
    TILES = 12,
    FULL = 6,
    PORTION = 28,
    SHARED_PORTION = 56,
    PLENTY = 24,
    FEW_WEIGHTS = 1 << 18
};

typedef struct winograd_job {
    sg_wino_conv conv;
    int64_t tiles;
    float *scratch;
} winograd_job;

static int64_t tiles_along(int64_t outputs) {
    return (outputs + SG_WINO_TILE - 1) / SG_WINO_TILE;
}

static int64_t tile_count(const sg_problem *q) {
    return q->dst.dims[0] * tiles_along(q->dst.dims[2]) * tiles_along(q->dst.dims[3]);
}

static int64_t weight_count(int64_t in, int64_t out) {
    return SG_WINO_SPOTS * in * out;
}

/* ---- running ---- */

/* Floats for so many tiles, entered and multiplied. */
static int64_t scratch_count(int64_t tiles, int64_t in, int64_t out) {
    return SG_WINO_SPOTS * (sg_wino_spot(tiles, in) + sg_wino_spot(tiles, out));
}

/* All threads on the same tiles, phase by phase: where there are few for each, and more weights
 * than its cache holds, which it would then read for itself alone. */
static bool shares_tiles(const sg_problem *q, int threads) {
    return weight_count(q->src[0].dims[1], q->dst.dims[1]) > FEW_WEIGHTS &&
           tile_count(q) < (int64_t)threads * PLENTY;
}

static size_t scratch_bytes(const sg_problem *q, int threads) {
    int64_t in = q->src[0].dims[1], out = q->dst.dims[1];
    int64_t floats = shares_tiles(q, threads) ? scratch_count(SHARED_PORTION, in, out)
                                              : threads * scratch_count(PORTION, in, out);
    return (size_t)floats * sizeof(float);
}

static sg_wino_tiles tiles_at(
        const winograd_job *job, float *scratch, int64_t first, int64_t end, int64_t portion) {
    int64_t count = end - first < portion ? end - first : portion;
    return (sg_wino_tiles){&job->conv, first, count, scratch,
            scratch + SG_WINO_SPOTS * sg_wino_spot(count, job->conv.in)};
}

static void run_alone(const void *user, int64_t begin, int64_t end) {
    const winograd_job *job = user;
    float *scratch =
            job->scratch + sg_dnn_thread() * scratch_count(PORTION, job->conv.in, job->conv.out);
    for (int64_t first = begin; first < end; first += PORTION) {
        sg_wino_tiles tiles = tiles_at(job, scratch, first, end, PORTION);
        sg_wino_enter(&tiles, 0, tiles.count);
        sg_wino_multiply(&tiles, 0, SG_WINO_SPOTS * sg_wino_panels(job->conv.out));
        sg_wino_leave(&tiles, 0, tiles.count);
    }
}

static void run_together(const winograd_job *job, int threads) {
    int64_t products = SG_WINO_SPOTS * sg_wino_panels(job->conv.out);
    for (int64_t first = 0; first < job->tiles; first += SHARED_PORTION) {
        sg_wino_tiles tiles = tiles_at(job, job->scratch, first, job->tiles, SHARED_PORTION);
        sg_dnn_parallel(threads, tiles.count, 1, sg_wino_enter, &tiles);
        sg_dnn_parallel(threads, products, 1, sg_wino_multiply, &tiles);
        sg_dnn_parallel(threads, tiles.count, 1, sg_wino_leave, &tiles);
    }
}

static sg_status run(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    (void)err;
    const sg_problem *q = &p->base.problem;
    winograd_job job = {.tiles = tile_count(q), .scratch = args[SG_ARG_SCRATCH]};
    job.conv = (sg_wino_conv){.src = args[SG_ARG_SRC0],
            .weights = args[SG_ARG_WEIGHT],
            .bias = q->has_bias ? args[SG_ARG_BIAS] : NULL,
            .dst = args[SG_ARG_DST],
            .height = q->src[0].dims[2],
            .width = q->src[0].dims[3],
            .in = q->src[0].dims[1],
            .out_height = q->dst.dims[2],
            .out_width = q->dst.dims[3],
            .out = q->dst.dims[1],
            .pad_top = q->pad_begin[0],
            .pad_left = q->pad_begin[1],
            .rows = tiles_along(q->dst.dims[2]),
            .columns = tiles_along(q->dst.dims[3]),
            .sum = q->fuse_sum,
            .relu = q->fuse_relu,
            .clip = q->fuse_relu ? (float)q->clip : 0.0f};
    if (shares_tiles(q, p->backend->threads))
        run_together(&job, p->backend->threads);
    else
        sg_dnn_parallel(p->backend->threads, job.tiles, 1, run_alone, &job);
    return SG_OK;
}

static sg_status run_weights(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    (void)err;
    const int64_t *dims = p->base.problem.dst.dims;
    sg_wino_change change = {args[SG_ARG_SRC0], args[SG_ARG_DST], dims[1], dims[0]};
    sg_dnn_parallel(p->backend->threads, change.out / SG_WINO_LANES, 1, sg_wino_weights, &change);
    return SG_OK;
}

/* ---- compilation ---- */

static bool suits(const sg_dnn_backend *b, const sg_problem *q, const sg_wanted *wanted) {
    if (!b->winograd || !sg_dnn_has_avx512() || q->pass != SG_PASS_INFER || q->groups != 1)
        return false;
    for (int i = 0; i < 2; i++)
        if (q->kernel[i] != 3 || q->stride[i] != 1 || q->dilation[i] != 1) return false;
    if (q->src[0].dims[1] % SG_WINO_LANES || q->dst.dims[1] % SG_WINO_LANES) return false;
    for (int arg = 0; arg < SG_ARG_COUNT; arg++)
        if (wanted->quant[arg]) return false;
    int64_t tiles = tile_count(q);
    return !wanted->arg[SG_ARG_WEIGHT] && tiles >= TILES &&
           q->dst.dims[0] * q->dst.dims[2] * q->dst.dims[3] >= FULL * tiles;
}

sg_status sg_dnn_winograd_compile(sg_dnn_primitive *p, const sg_wanted *wanted, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    const sg_layout *src, *dst;
    if (!suits(p->backend, q, wanted)) return SG_ERR_UNSUPPORTED;
    sg_status status = sg_dnn_layout_channels_last(&src, p->backend, &q->src[0], err);
    if (!status) status = sg_dnn_layout_channels_last(&dst, p->backend, &q->dst, err);
    if (status) return status;
    const sg_layout *wanted_src = wanted->arg[SG_ARG_SRC0], *wanted_dst = wanted->arg[SG_ARG_DST];
    if ((wanted_src && wanted_src != src) || (wanted_dst && wanted_dst != dst))
        return SG_ERR_UNSUPPORTED;
    sg_shape bias = sg_shape_of(1, &q->dst.dims[1]), weight;
    sg_problem_arg(&weight, q, SG_ARG_WEIGHT);
    p->layout[SG_ARG_SRC0] = src;
    p->layout[SG_ARG_DST] = dst;
    status = sg_dnn_layout_winograd(&p->layout[SG_ARG_WEIGHT], p->backend, &weight,
            (size_t)weight_count(weight.dims[1], weight.dims[0]) * sizeof(float), err);
    if (!status && q->has_bias)
        status = sg_dnn_layout_plain(&p->layout[SG_ARG_BIAS], p->backend, &bias, SG_F32, err);
    if (!status)
        status = sg_dnn_layout_bytes(
                &p->layout[SG_ARG_SCRATCH], p->backend, scratch_bytes(q, p->backend->threads), err);
    if (status) return status;
    snprintf(p->text, sizeof p->text, "conv winograd loop");
    p->run = run;
    return SG_OK;
}

void sg_dnn_winograd_reorder(sg_dnn_primitive *p, const sg_layout *from, const sg_layout *to) {
    p->layout[SG_ARG_SRC0] = from;
    p->layout[SG_ARG_DST] = to;
    p->run = run_weights;
}
