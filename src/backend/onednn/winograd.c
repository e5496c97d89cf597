/* winograd.c - dense 3 x 3 convolutions by own Winograd loops (AVX-512), in the layout that the
 * library's convolutions around them prefer, so that nothing is reordered: channels-last images in
 * prediction, whose weights are transformed once, when the planner packs them; blocks of 16
 * channels in training, where weights come plain and are transformed at each step. The gradient of
 * the source is such a convolution, too.
 *
 * Outputs are the same however tiles are shared out, so also for any number of threads. Gradients
 * of weights repeat for the same number of them, as the threads' sums are added in their order.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/winograd_kernels.h"
#include <stdio.h>
#include <string.h>

/* Fewer tiles do not pay for weights four times as large; nor do tiles that are mostly empty.
 * PORTION tiles and their products fit into a second-level cache, and so do FEW_WEIGHTS; no cache
 * holds MANY_WEIGHTS, and transforming them costs what the products gain. For their gradient:
 * a tile pays for WEIGHTS_OF_TILE; GATHERED floats of tiles stay in a third-level cache, as do so
 * many sums, which are at most ALL_SUMS for all threads. Measured: docs/internals/onednn.md. */
enum {
    TILES = 12,
    FULL = 6,
    PORTION = 28,
    SHARED_PORTION = 56,
    PLENTY = 24,
    FEW_WEIGHTS = 1 << 18,
    MANY_WEIGHTS = 1 << 22,
    WEIGHTS_OF_TILE = 1 << 16,
    GATHERED = 1 << 21, /* floats */
    ALL_SUMS = 1 << 24
};

/* The convolution that is computed: that of the problem, or the one that its gradient is; for the
 * gradient of the weights, the one that they belong to. */
typedef struct geometry {
    sg_arg src, dst;
    const sg_shape *in, *out;
    int64_t pad_top, pad_left, rows, columns, tiles;
} geometry;

typedef struct winograd_job {
    sg_wino_conv conv;
    int64_t tiles;
    float *scratch;
} winograd_job;

static int64_t tiles_along(int64_t outputs) {
    return sg_dnn_ceil_div(outputs, SG_WINO_TILE);
}

static geometry geometry_of(const sg_problem *q) {
    enum { REACH = 2 }; /* of the kernel beyond the pixel it begins at */
    bool back = q->pass == SG_PASS_BACKWARD_DATA;
    geometry g = {.src = SG_ARG_SRC0, .dst = SG_ARG_DST, .in = &q->src[0], .out = &q->dst};
    if (back)
        g = (geometry){
                .src = SG_ARG_DIFF_DST, .dst = SG_ARG_DIFF_SRC0, .in = &q->dst, .out = &q->src[0]};
    if (q->pass == SG_PASS_BACKWARD_WEIGHTS) g.dst = SG_ARG_DIFF_DST;
    g.pad_top = back ? REACH - q->pad_begin[0] : q->pad_begin[0];
    g.pad_left = back ? REACH - q->pad_begin[1] : q->pad_begin[1];
    g.rows = tiles_along(g.out->dims[2]);
    g.columns = tiles_along(g.out->dims[3]);
    g.tiles = g.out->dims[0] * g.rows * g.columns;
    return g;
}

static int64_t weight_count(const geometry *g) {
    return SG_WINO_SPOTS * g->in->dims[1] * g->out->dims[1];
}

/* ---- scratch memory ---- */

/* Floats for so many tiles, entered and multiplied. */
static int64_t scratch_count(int64_t tiles, int64_t in, int64_t out) {
    return SG_WINO_SPOTS * (sg_wino_spot(tiles, in) + sg_wino_spot(tiles, out));
}

/* Of one thread that takes its tiles through all phases, a panel of output channels at a time. */
static int64_t own_scratch_count(int64_t in) {
    return scratch_count(PORTION, in, SG_WINO_PANEL);
}

/* All threads on the same tiles, phase by phase: where there are few for each, and more weights
 * than its cache holds, which it would then read for itself alone. */
static bool shares_tiles(const geometry *g, int threads) {
    return weight_count(g) > FEW_WEIGHTS && g->tiles < (int64_t)threads * PLENTY;
}

/* From their plain form, each time. */
static bool changes_weights(const sg_problem *q) {
    return q->pass != SG_PASS_INFER;
}

/* Of the gradient of the weights: threads sum for themselves, since what one has just written is
 * far from another whose third-level cache is not the same; unless there is more to sum than to
 * read, or the sums of all would fill the memory. */
static int64_t gathering_parts(const geometry *g, int threads) {
    int64_t sums = threads * weight_count(g);
    bool many = g->tiles >= (int64_t)threads * PLENTY;
    return many && weight_count(g) <= GATHERED && sums <= ALL_SUMS ? threads : 1;
}

/* Tiles that one part sums at a time: portions of equal size. Many parts take fewer each. */
static int64_t gathering_portion(const geometry *g, int64_t parts) {
    int64_t tiles = sg_dnn_ceil_div(g->tiles, parts), floats = GATHERED * 2 / sg_dnn_max(parts, 2);
    int64_t most = sg_dnn_max(floats / scratch_count(1, g->in->dims[1], g->out->dims[1]), 1);
    return sg_dnn_ceil_div(tiles, sg_dnn_ceil_div(tiles, most));
}

static int64_t gathering_count(const geometry *g, int threads) {
    int64_t parts = gathering_parts(g, threads), portion = gathering_portion(g, parts);
    return parts * (weight_count(g) + scratch_count(portion, g->in->dims[1], g->out->dims[1]));
}

static size_t scratch_bytes(const sg_problem *q, int threads) {
    geometry g = geometry_of(q);
    int64_t in = g.in->dims[1], out = g.out->dims[1];
    if (q->pass == SG_PASS_BACKWARD_WEIGHTS)
        return (size_t)gathering_count(&g, threads) * sizeof(float);
    int64_t floats = shares_tiles(&g, threads) ? scratch_count(SHARED_PORTION, in, out)
                                               : threads * own_scratch_count(in);
    if (changes_weights(q)) floats += weight_count(&g);
    return (size_t)floats * sizeof(float);
}

/* ---- running ---- */

static sg_wino_tiles tiles_at(
        const winograd_job *job, float *scratch, int64_t first, int64_t end, int64_t portion) {
    int64_t count = sg_dnn_min(end - first, portion);
    return (sg_wino_tiles){.conv = &job->conv,
            .first = first,
            .count = count,
            .outs = {0, job->conv.dst.channels},
            .entered = scratch,
            .products = scratch + SG_WINO_SPOTS * sg_wino_spot(count, job->conv.src.channels)};
}

static void run_alone(const void *user, int64_t begin, int64_t end) {
    const winograd_job *job = user;
    const sg_wino_conv *c = &job->conv;
    float *scratch = job->scratch + sg_dnn_thread() * own_scratch_count(c->src.channels);
    for (int64_t first = begin; first < end; first += PORTION) {
        sg_wino_tiles tiles = tiles_at(job, scratch, first, end, PORTION);
        sg_wino_enter(&tiles, 0, tiles.count);
        for (int64_t i = 0; i < sg_wino_panels(c->dst.channels); i++) {
            tiles.first_panel = i;
            tiles.outs = sg_wino_panel_at(c->dst.channels, i);
            sg_wino_multiply(&tiles, 0, SG_WINO_SPOTS);
            sg_wino_leave(&tiles, 0, tiles.count);
        }
    }
}

static void run_together(const winograd_job *job, int threads) {
    int64_t products = SG_WINO_SPOTS * sg_wino_panels(job->conv.dst.channels);
    for (int64_t first = 0; first < job->tiles; first += SHARED_PORTION) {
        sg_wino_tiles tiles = tiles_at(job, job->scratch, first, job->tiles, SHARED_PORTION);
        sg_dnn_parallel(threads, tiles.count, 1, sg_wino_enter, &tiles);
        sg_dnn_parallel(threads, products, 1, sg_wino_multiply, &tiles);
        sg_dnn_parallel(threads, tiles.count, 1, sg_wino_leave, &tiles);
    }
}

/* Of weights [out][in], as they are multiplied forward or, `back`, by gradients of the outputs. */
static sg_wino_change change_of(int64_t out, int64_t in, bool back, float *plain, float *changed) {
    enum { TAPS = 9 };
    if (back) return (sg_wino_change){plain, changed, out, in, in * TAPS, TAPS, true, 1};
    return (sg_wino_change){plain, changed, in, out, TAPS, in * TAPS, false, 1};
}

static void share_strips(
        const sg_dnn_primitive *p, sg_backend_body body, const sg_wino_change *change) {
    sg_dnn_parallel(p->backend->threads, change->out / SG_WINO_LANES, 1, body, change);
}

/* Images as their layout has them: blocks of 16 channels, or all side by side. */
static sg_wino_images images(const sg_layout *layout, void *data) {
    sg_dnn_view v = ((const sg_dnn_layout *)layout)->view;
    return (sg_wino_images){.data = data,
            .height = layout->shape.dims[2],
            .width = layout->shape.dims[3],
            .channels = v.channels,
            .image = v.stride_n,
            .pixel = v.stride_spatial,
            .group = v.block == SG_WINO_LANES ? v.stride_group : SG_WINO_LANES};
}

static sg_wino_conv conv_of(
        const sg_dnn_primitive *p, const geometry *g, void *const args[SG_ARG_COUNT]) {
    const sg_problem *q = &p->base.problem;
    return (sg_wino_conv){.src = images(p->layout[g->src], args[g->src]),
            .dst = images(p->layout[g->dst], args[g->dst]),
            .weights = args[SG_ARG_WEIGHT],
            .bias = q->has_bias && g->dst == SG_ARG_DST ? args[SG_ARG_BIAS] : NULL,
            .pad_top = g->pad_top,
            .pad_left = g->pad_left,
            .rows = g->rows,
            .columns = g->columns,
            .sum = q->fuse_sum,
            .stream = !q->fuse_sum && p->layout[g->dst]->bytes >= SG_DNN_STREAM_BYTES,
            .relu = q->fuse_relu,
            .clip = q->fuse_relu ? (float)q->clip : 0.0f};
}

static sg_status run(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    (void)err;
    const sg_problem *q = &p->base.problem;
    geometry g = geometry_of(q);
    int threads = p->backend->threads;
    winograd_job job = {conv_of(p, &g, args), g.tiles, args[SG_ARG_SCRATCH]};
    if (changes_weights(q)) {
        bool back = q->pass == SG_PASS_BACKWARD_DATA;
        sg_wino_change change = change_of(
                q->dst.dims[1], q->src[0].dims[1], back, args[SG_ARG_WEIGHT], job.scratch);
        share_strips(p, sg_wino_weights, &change);
        job.conv.weights = change.changed;
        job.scratch += weight_count(&g);
    }
    if (shares_tiles(&g, threads))
        run_together(&job, threads);
    else
        sg_dnn_parallel(threads, job.tiles, 1, run_alone, &job);
    return SG_OK;
}

typedef struct gradient_job {
    winograd_job of;
    int64_t parts, portion; /* portion: tiles at a time */
    float *gathered;        /* [parts], each as large as the transformed weights */
} gradient_job;

static void gather_part(const gradient_job *job, int64_t part, int threads) {
    int64_t in = job->of.conv.src.channels, out = job->of.conv.dst.channels;
    int64_t begin = job->of.tiles * part / job->parts;
    int64_t end = job->of.tiles * (part + 1) / job->parts;
    float *scratch = job->of.scratch + part * scratch_count(job->portion, in, out);
    for (int64_t first = begin; first < end; first += job->portion) {
        sg_wino_tiles tiles = tiles_at(&job->of, scratch, first, end, job->portion);
        tiles.gathered = job->gathered + part * SG_WINO_SPOTS * in * out;
        tiles.adds = first > begin;
        sg_dnn_parallel(threads, tiles.count, 1, sg_wino_enter, &tiles);
        sg_dnn_parallel(threads, tiles.count, 1, sg_wino_enter_gradient, &tiles);
        sg_dnn_parallel(threads, SG_WINO_SPOTS * sg_wino_panels(out), 1, sg_wino_gather, &tiles);
    }
}

static void gather_parts(const void *user, int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; part++) gather_part(user, part, 1);
}

static sg_status run_gradient(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    (void)err;
    geometry g = geometry_of(&p->base.problem);
    int threads = p->backend->threads;
    int64_t parts = gathering_parts(&g, threads);
    float *gathered = args[SG_ARG_SCRATCH];
    gradient_job job = {{conv_of(p, &g, args), g.tiles, gathered + parts * weight_count(&g)}, parts,
            gathering_portion(&g, parts), gathered};
    if (parts > 1)
        sg_dnn_parallel(threads, parts, 1, gather_parts, &job);
    else
        gather_part(&job, 0, threads);
    sg_wino_change change =
            change_of(g.out->dims[1], g.in->dims[1], false, args[SG_ARG_DIFF_WEIGHT], gathered);
    change.parts = parts;
    share_strips(p, sg_wino_leave_weights, &change);
    return SG_OK;
}

static sg_status run_weights(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    (void)err;
    const int64_t *dims = p->base.problem.dst.dims;
    sg_wino_change change = change_of(dims[0], dims[1], false, args[SG_ARG_SRC0], args[SG_ARG_DST]);
    share_strips(p, sg_wino_weights, &change);
    return SG_OK;
}

/* ---- compilation ---- */

/* The gradient of a bias is the library's. */
static bool suits_pass(const sg_problem *q) {
    return q->pass != SG_PASS_BACKWARD_WEIGHTS || !q->has_bias;
}

/* Transformed weights are a fixed cost: their gradient wants a tile for so many of them. */
static bool pays_in_training(const sg_problem *q, const geometry *g) {
    bool gradient = q->pass == SG_PASS_BACKWARD_WEIGHTS;
    if (!sg_dnn_winograd_pays(q, gradient) || weight_count(g) > MANY_WEIGHTS) return false;
    return !gradient || g->tiles >= weight_count(g) / WEIGHTS_OF_TILE;
}

static bool pays(const sg_problem *q) {
    geometry g = geometry_of(q);
    bool enough = q->pass == SG_PASS_INFER ? g.tiles >= TILES : pays_in_training(q, &g);
    return enough && g.out->dims[0] * g.out->dims[2] * g.out->dims[3] >= FULL * g.tiles;
}

static bool suits(const sg_dnn_backend *b, const sg_problem *q, const sg_wanted *wanted) {
    if (!b->winograd || !sg_dnn_has_avx512() || q->groups != 1 || !suits_pass(q)) return false;
    for (int i = 0; i < 2; i++)
        if (q->kernel[i] != 3 || q->stride[i] != 1 || q->dilation[i] != 1) return false;
    if (q->src[0].dims[1] % SG_WINO_LANES || q->dst.dims[1] % SG_WINO_LANES) return false;
    for (int arg = 0; arg < SG_ARG_COUNT; arg++)
        if (wanted->quant[arg]) return false;
    return pays(q);
}

/* Takes the layout unless another is wanted. */
static sg_status choose(
        sg_dnn_primitive *p, sg_arg arg, const sg_layout *layout, const sg_wanted *wanted) {
    p->layout[arg] = layout;
    return wanted->arg[arg] && wanted->arg[arg] != layout ? SG_ERR_UNSUPPORTED : SG_OK;
}

static sg_status choose_images(sg_dnn_primitive *p, sg_arg arg, const sg_shape *shape,
        const sg_wanted *wanted, sg_error *err) {
    const sg_layout *layout;
    sg_status status = p->base.problem.pass == SG_PASS_INFER
                               ? sg_dnn_layout_channels_last(&layout, p->backend, shape, err)
                               : sg_dnn_layout_blocked(&layout, p->backend, shape, err);
    if (status) return status;
    return layout->plain ? SG_ERR_UNSUPPORTED : choose(p, arg, layout, wanted);
}

static sg_status choose_weights(sg_dnn_primitive *p, const sg_wanted *wanted, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    sg_arg arg = q->pass == SG_PASS_BACKWARD_WEIGHTS ? SG_ARG_DIFF_WEIGHT : SG_ARG_WEIGHT;
    const sg_layout *layout;
    sg_shape shape;
    sg_problem_arg(&shape, q, arg);
    size_t changed = (size_t)(SG_WINO_SPOTS * shape.dims[0] * shape.dims[1]) * sizeof(float);
    sg_status status = changes_weights(q)
                               ? sg_dnn_layout_plain(&layout, p->backend, &shape, SG_F32, err)
                               : sg_dnn_layout_winograd(&layout, p->backend, &shape, changed, err);
    return status ? status : choose(p, arg, layout, wanted);
}

static sg_status choose_layouts(sg_dnn_primitive *p, const sg_wanted *wanted, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    geometry g = geometry_of(q);
    sg_shape bias = sg_shape_of(1, &q->dst.dims[1]);
    sg_status status = choose_images(p, g.src, g.in, wanted, err);
    if (!status) status = choose_images(p, g.dst, g.out, wanted, err);
    if (!status) status = choose_weights(p, wanted, err);
    if (!status && q->has_bias && g.dst == SG_ARG_DST)
        status = sg_dnn_layout_plain(&p->layout[SG_ARG_BIAS], p->backend, &bias, SG_F32, err);
    if (status) return status;
    return sg_dnn_layout_bytes(
            &p->layout[SG_ARG_SCRATCH], p->backend, scratch_bytes(q, p->backend->threads), err);
}

sg_status sg_dnn_winograd_compile(sg_dnn_primitive *p, const sg_wanted *wanted, sg_error *err) {
    if (!suits(p->backend, &p->base.problem, wanted)) return SG_ERR_UNSUPPORTED;
    sg_status status = choose_layouts(p, wanted, err);
    if (status) {
        memset(p->layout, 0, sizeof p->layout);
        return status;
    }
    snprintf(p->text, sizeof p->text, "conv winograd loop");
    p->run = p->base.problem.pass == SG_PASS_BACKWARD_WEIGHTS ? run_gradient : run;
    return SG_OK;
}

void sg_dnn_winograd_reorder(sg_dnn_primitive *p, const sg_layout *from, const sg_layout *to) {
    p->layout[SG_ARG_SRC0] = from;
    p->layout[SG_ARG_DST] = to;
    p->run = run_weights;
}
