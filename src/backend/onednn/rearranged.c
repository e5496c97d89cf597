/* rearranged.c - convolutions of a training step that become 3 x 3 ones, and so Winograd's, once
 * their images are laid out anew:
 *
 *   dilated by d, output as large as the source: pixels that lie d apart make an image of their
 *     own, d * d of them; the batch grows as much as the images shrink
 *   5 x 5: the sum of four 3 x 3 convolutions, of images that are moved against one another and
 *     stand behind one another as channels; 36 products in place of 25
 *
 * The new images ("parts") hold zeros where the old one ends, which is what the convolution sees
 * there, so all three passes are exact. Tensors are nChw16c: whole vectors of 16 channels move.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 16, WIDE = 5, SIDE = 3, HALVES = 2, PARTS = HALVES * HALVES };

/* Below so many pairs of channels the transforms cost what the products gain; nor may tiles of
 * 4 x 4 outputs hang over too far where the kernel is split, or its parts fill the memory.
 * Measured: docs/internals/onednn.md. */
enum { TILE = 4, CHANNEL_PAIRS = 8192, SPLIT_BYTES = 1 << 28 };
#define SPLIT_OVERHANG 1.2

typedef float lanes __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/* Rows or columns of an image of `whole` pixels, whose parts have `size`: pixel i of part k is
 * pixel first + k * next + i * step of the whole. */
typedef struct axis {
    int64_t whole, size, parts, first, next, step;
} axis;

/* One tensor: as the caller has it, and its parts. */
typedef struct images {
    sg_arg arg;
    bool moves, is_read;
    bool as_channels; /* parts stand behind one another as channels, else as images */
    axis axis[2];
    sg_dnn_view whole, part;
    size_t at; /* bytes into the scratch memory */
} images;

struct sg_dnn_rearranged {
    bool splits_kernel; /* else it was dilated */
    images source, output;
    sg_primitive *inner;
    sg_primitive *packing; /* of the split weights, or of their gradient back; NULL = plain */
    size_t split_at, packed_at, scratch_at;
};

/* ---- moving images ---- */

typedef struct move {
    const images *of;
    float *whole, *part;
} move;

typedef struct range {
    int64_t begin, end;
} range;

/* Pixels of a part that lie inside the image, of which its first is pixel `first`. */
static range inside(const axis *a, int64_t first) {
    range r = {first < 0 ? sg_dnn_ceil_div(-first, a->step) : 0,
            a->whole > first ? sg_dnn_ceil_div(a->whole - first, a->step) : 0};
    if (r.end > a->size) r.end = a->size;
    if (r.begin > r.end) r.begin = r.end;
    return r;
}

SG_DNN_INLINE lanes *pixel(float *row, int64_t x) {
    return (lanes *)(row + x * LANES);
}

SG_DNN_INLINE void copy_part(
        const axis a[2], float *whole, float *part, int64_t top, int64_t left) {
    int64_t width = a[1].size, step = a[1].step;
    range ys = inside(&a[0], top), xs = inside(&a[1], left);
    memset(part, 0, (size_t)(ys.begin * width) * sizeof(lanes));
    for (int64_t y = ys.begin; y < ys.end; y++) {
        float *from = whole + (top + y * a[0].step) * a[1].whole * LANES;
        float *to = part + y * width * LANES;
        memset(to, 0, (size_t)xs.begin * sizeof(lanes));
        for (int64_t x = xs.begin; x < xs.end; x++) *pixel(to, x) = *pixel(from, left + x * step);
        memset(pixel(to, xs.end), 0, (size_t)(width - xs.end) * sizeof(lanes));
    }
    memset(part + ys.end * width * LANES, 0,
            (size_t)((a[0].size - ys.end) * width) * sizeof(lanes));
}

SG_DNN_INLINE void add_part(const axis a[2], float *whole, float *part, int64_t top, int64_t left) {
    int64_t step = a[1].step;
    range ys = inside(&a[0], top), xs = inside(&a[1], left);
    for (int64_t y = ys.begin; y < ys.end; y++) {
        float *to = whole + (top + y * a[0].step) * a[1].whole * LANES;
        float *from = part + y * a[1].size * LANES;
        for (int64_t x = xs.begin; x < xs.end; x++) *pixel(to, left + x * step) += *pixel(from, x);
    }
}

/* A unit is one block of channels of one image, with all its parts. */
SG_WIDE static void move_body(const void *user, int64_t begin, int64_t end) {
    const move *m = user;
    const sg_dnn_view *whole_view = &m->of->whole, *part_view = &m->of->part;
    const axis *a = m->of->axis;
    int64_t groups = whole_view->groups, parts = a[0].parts * a[1].parts;
    for (int64_t unit = begin; unit < end; unit++) {
        int64_t n = unit / groups, group = unit % groups;
        float *whole = m->whole + n * whole_view->stride_n + group * whole_view->stride_group;
        if (!m->of->is_read) memset(whole, 0, (size_t)whole_view->spatial * sizeof(lanes));
        for (int64_t k = 0; k < parts; k++) {
            int64_t image = m->of->as_channels ? n : n * parts + k;
            int64_t block = m->of->as_channels ? k * groups + group : group;
            float *part = m->part + image * part_view->stride_n + block * part_view->stride_group;
            int64_t top = a[0].first + k / a[1].parts * a[0].next;
            int64_t left = a[1].first + k % a[1].parts * a[1].next;
            if (m->of->is_read)
                copy_part(a, whole, part, top, left);
            else
                add_part(a, whole, part, top, left);
        }
    }
}

static void move_images(sg_dnn_primitive *p, const images *of, void *whole, void *part) {
    move m = {of, whole, part};
    sg_dnn_parallel(p->backend->threads, of->whole.n * of->whole.groups, 1, move_body, &m);
}

/* ---- splitting kernels ---- */

typedef struct split {
    float *wide, *parts; /* [out][in][5][5], [out][part][in][3][3], plain */
    int64_t in;
    bool back;
} split;

/* The first half of an axis has taps 0 to 2; the second has 3 and 4, behind an empty one. */
static void split_body(const void *user, int64_t begin, int64_t end) {
    const split *s = user;
    for (int64_t o = begin; o < end; o++) {
        float *wide = s->wide + o * s->in * WIDE * WIDE;
        float *parts = s->parts + o * PARTS * s->in * SIDE * SIDE;
        if (!s->back) memset(parts, 0, (size_t)(PARTS * s->in * SIDE * SIDE) * sizeof *parts);
        for (int64_t c = 0; c < s->in; c++)
            for (int y = 0; y < WIDE; y++)
                for (int x = 0; x < WIDE; x++) {
                    int part = y / SIDE * HALVES + x / SIDE;
                    int tap = (y < SIDE ? y : y - 2) * SIDE + (x < SIDE ? x : x - 2);
                    float *a = &wide[(c * WIDE + y) * WIDE + x];
                    float *b = &parts[(part * s->in + c) * SIDE * SIDE + tap];
                    if (s->back)
                        *a = *b;
                    else
                        *b = *a;
                }
    }
}

static void split_weights(sg_dnn_primitive *p, void *wide, void *parts, bool back) {
    const sg_problem *q = &p->base.problem;
    split s = {wide, parts, q->src[0].dims[1], back};
    sg_dnn_parallel(p->backend->threads, q->dst.dims[1], 1, split_body, &s);
}

static sg_status repack(
        const sg_dnn_rearranged *r, void *from, void *to, void *scratch, sg_error *err) {
    void *args[SG_ARG_COUNT] = {NULL};
    if (!r->packing) return SG_OK;
    args[SG_ARG_SRC0] = from;
    args[SG_ARG_DST] = to;
    args[SG_ARG_SCRATCH] = scratch;
    return sg_primitive_execute(r->packing, args, err);
}

/* ---- running ---- */

static sg_status run(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    const sg_dnn_rearranged *r = p->rearranged;
    const images *const all[] = {&r->source, &r->output};
    unsigned char *scratch = args[SG_ARG_SCRATCH];
    void *inner[SG_ARG_COUNT], *plain = scratch + r->split_at, *packed = scratch + r->packed_at;
    void *rest = scratch + r->scratch_at;
    bool gradient = p->base.problem.pass == SG_PASS_BACKWARD_WEIGHTS;
    memcpy(inner, args, sizeof inner);
    inner[SG_ARG_SCRATCH] = rest;
    for (int i = 0; i < 2; i++) {
        if (!all[i]->moves) continue;
        inner[all[i]->arg] = scratch + all[i]->at;
        if (all[i]->is_read) move_images(p, all[i], args[all[i]->arg], inner[all[i]->arg]);
    }
    sg_status status = SG_OK;
    if (r->splits_kernel) inner[gradient ? SG_ARG_DIFF_WEIGHT : SG_ARG_WEIGHT] = packed;
    if (r->splits_kernel && !gradient) {
        split_weights(p, args[SG_ARG_WEIGHT], plain, false);
        status = repack(r, plain, packed, rest, err);
    }
    if (!status) status = sg_primitive_execute(r->inner, inner, err);
    if (status) return status;
    for (int i = 0; i < 2; i++)
        if (all[i]->moves && !all[i]->is_read)
            move_images(p, all[i], args[all[i]->arg], inner[all[i]->arg]);
    if (!r->splits_kernel || !gradient) return SG_OK;
    status = repack(r, packed, plain, rest, err);
    if (!status) split_weights(p, args[SG_ARG_DIFF_WEIGHT], plain, true);
    return status;
}

/* ---- what becomes what ---- */

static bool is_square(const int64_t kernel[2], int64_t side) {
    return kernel[0] == side && kernel[1] == side;
}

/* The problem of the parts of a dilated convolution: false where it is none. */
static bool undilate(sg_problem *inner, sg_dnn_rearranged *r, const sg_problem *q) {
    *inner = *q;
    if (!is_square(q->kernel, SIDE) || (q->dilation[0] == 1 && q->dilation[1] == 1)) return false;
    for (int i = 0; i < 2; i++) {
        int64_t d = q->dilation[i], whole = q->src[0].dims[2 + i], size = sg_dnn_ceil_div(whole, d);
        if (q->dst.dims[2 + i] != whole || q->pad_begin[i] % d != 0) return false;
        r->source.axis[i] = r->output.axis[i] =
                (axis){.whole = whole, .size = size, .parts = d, .next = 1, .step = d};
        inner->src[0].dims[0] *= d;
        inner->dst.dims[0] *= d;
        inner->src[0].dims[2 + i] = inner->dst.dims[2 + i] = size;
        inner->pad_begin[i] = q->pad_begin[i] / d;
        inner->pad_end[i] = SIDE - 1 - inner->pad_begin[i];
        inner->dilation[i] = 1;
    }
    return true;
}

/* The first half of the taps is one pixel of padding and a kernel of 3; so is the second, whose
 * empty tap meets that pixel. There is none behind, except backward to the data, where the library
 * wants as much of it as in front: the output then gets one more row and column, of zeros. */
static bool split_kernel(sg_problem *inner, sg_dnn_rearranged *r, const sg_problem *q) {
    *inner = *q;
    if (!is_square(q->kernel, WIDE) || q->dilation[0] != 1 || q->dilation[1] != 1 ||
            q->src[0].dims[1] % LANES != 0)
        return false;
    inner->src[0].dims[1] *= PARTS;
    r->source.as_channels = true;
    for (int i = 0; i < 2; i++) {
        int64_t size = q->dst.dims[2 + i] + 1, behind = q->pass == SG_PASS_BACKWARD_DATA;
        if (q->pad_begin[i] < 1) return false;
        r->source.axis[i] = (axis){.whole = q->src[0].dims[2 + i],
                .size = size,
                .parts = HALVES,
                .first = 1 - q->pad_begin[i],
                .next = 2,
                .step = 1};
        r->output.axis[i] = (axis){.whole = size - 1, .size = size, .parts = 1, .step = 1};
        inner->kernel[i] = SIDE;
        inner->src[0].dims[2 + i] = size;
        inner->dst.dims[2 + i] += behind;
        inner->pad_begin[i] = 1;
        inner->pad_end[i] = behind;
    }
    return true;
}

static bool split_pays(const sg_problem *inner) {
    int64_t height = inner->dst.dims[2], width = inner->dst.dims[3];
    int64_t tiled = sg_dnn_ceil_div(height, TILE) * TILE * sg_dnn_ceil_div(width, TILE) * TILE;
    return (double)tiled <= SPLIT_OVERHANG * (double)(height * width) &&
           sg_shape_count(&inner->src[0]) <= SPLIT_BYTES / (int64_t)sizeof(float);
}

static bool find_inner(sg_problem *inner, sg_dnn_rearranged *r, const sg_problem *q) {
    if (q->pass == SG_PASS_INFER || q->groups != 1 || q->stride[0] != 1 || q->stride[1] != 1 ||
            q->src[0].dims[1] * q->dst.dims[1] < CHANNEL_PAIRS)
        return false;
    if (!undilate(inner, r, q)) {
        r->splits_kernel = split_kernel(inner, r, q) && split_pays(inner);
        if (!r->splits_kernel) return false;
    }
    return sg_dnn_winograd_pays(inner, q->pass == SG_PASS_BACKWARD_WEIGHTS);
}

/* ---- compilation ---- */

static bool is_one_pixel(const sg_shape *s) {
    return s->dims[2] * s->dims[3] == 1; /* its layout in blocks is the plain one */
}

/* Layouts are our choice: tensors in blocks, weights as the inner convolution likes them. */
static bool may_choose(const sg_dnn_primitive *p, const sg_wanted *wanted) {
    for (int arg = 0; arg < SG_ARG_COUNT; arg++)
        if (wanted->quant[arg] || (wanted->arg[arg] && wanted->arg[arg] != p->layout[arg]))
            return false;
    return true;
}

void sg_dnn_rearranged_destroy(sg_dnn_rearranged *r) {
    if (!r) return;
    sg_primitive_destroy(r->inner);
    sg_primitive_destroy(r->packing);
    free(r);
}

static sg_status layout_images(images *of, sg_dnn_primitive *p, sg_arg arg, const sg_shape *whole,
        const sg_shape *part, sg_wanted *wanted, sg_error *err) {
    const sg_layout *inner;
    of->arg = arg;
    of->is_read = arg == SG_ARG_SRC0 || arg == SG_ARG_DIFF_DST;
    of->moves = !sg_shape_equal(whole, part);
    sg_status status = sg_dnn_layout_blocked(&p->layout[arg], p->backend, whole, err);
    if (!status) status = sg_dnn_layout_blocked(&inner, p->backend, part, err);
    if (!status) status = sg_dnn_layout_view(&of->whole, p->layout[arg], err);
    if (!status) status = sg_dnn_layout_view(&of->part, inner, err);
    if (!status) wanted->arg[arg] = inner;
    return status;
}

static sg_status compile_packing(sg_dnn_rearranged *r, sg_dnn_primitive *p, sg_arg weight,
        const sg_layout **packed, sg_error *err) {
    const sg_layout *plain, *chosen = sg_primitive_layout(r->inner, weight);
    bool back = weight == SG_ARG_DIFF_WEIGHT;
    sg_status status = sg_dnn_layout_plain(&plain, p->backend, &chosen->shape, SG_F32, err);
    *packed = chosen;
    if (status || chosen == plain) return status;
    sg_problem q = {.op = SG_OP_REORDER, .src_count = 1, .dst = chosen->shape};
    q.src[0] = chosen->shape;
    sg_wanted wanted = {.arg = {NULL}};
    wanted.arg[SG_ARG_SRC0] = back ? chosen : plain;
    wanted.arg[SG_ARG_DST] = back ? plain : chosen;
    return sg_primitive_compile(&r->packing, &p->backend->base, &q, &wanted, NULL, err);
}

static size_t scratch_of(const sg_primitive *p) {
    const sg_layout *layout = p ? sg_primitive_layout(p, SG_ARG_SCRATCH) : NULL;
    return layout ? layout->bytes : 0;
}

/* Scratch memory is cut at lines of the cache. */
static size_t cut(size_t *end, size_t bytes) {
    size_t at = *end;
    *end += (bytes + 63) / 64 * 64;
    return at;
}

/* Weights, and how the scratch memory is cut. */
static sg_status finish(sg_dnn_rearranged *r, sg_dnn_primitive *p, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    sg_arg weight = q->pass == SG_PASS_BACKWARD_WEIGHTS ? SG_ARG_DIFF_WEIGHT : SG_ARG_WEIGHT;
    sg_arg bias = q->pass == SG_PASS_BACKWARD_WEIGHTS ? SG_ARG_DIFF_BIAS : SG_ARG_BIAS;
    const images *const all[] = {&r->source, &r->output};
    const sg_layout *packed;
    size_t end = 0;
    r->source.at =
            r->source.moves ? cut(&end, sg_primitive_layout(r->inner, all[0]->arg)->bytes) : 0;
    r->output.at =
            r->output.moves ? cut(&end, sg_primitive_layout(r->inner, all[1]->arg)->bytes) : 0;
    p->layout[bias] = sg_primitive_layout(r->inner, bias);
    p->layout[weight] = sg_primitive_layout(r->inner, weight);
    if (r->splits_kernel) {
        sg_shape shape;
        sg_problem_arg(&shape, q, weight);
        sg_status status = sg_dnn_layout_plain(&p->layout[weight], p->backend, &shape, SG_F32, err);
        if (!status) status = compile_packing(r, p, weight, &packed, err);
        if (status) return status;
        size_t plain = (size_t)sg_shape_count(&packed->shape) * sizeof(float);
        r->split_at = r->packed_at = cut(&end, plain);
        if (r->packing) r->packed_at = cut(&end, packed->bytes);
    }
    size_t inner = scratch_of(r->inner), packing = scratch_of(r->packing);
    r->scratch_at = cut(&end, inner > packing ? inner : packing);
    snprintf(p->text, sizeof p->text, "%s", r->inner->ops->primitive_describe(r->inner));
    return sg_dnn_layout_bytes(&p->layout[SG_ARG_SCRATCH], p->backend, end, err);
}

static bool is_winograd(const sg_primitive *p) {
    return strstr(p->ops->primitive_describe(p), "wino");
}

static sg_status compile(
        sg_dnn_rearranged *r, sg_dnn_primitive *p, const sg_wanted *wanted, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    bool data = q->pass == SG_PASS_BACKWARD_DATA, forward = q->pass == SG_PASS_TRAIN;
    sg_problem inner;
    sg_wanted parts = {.arg = {NULL}};
    if (!p->backend->winograd || !sg_dnn_has_avx512() || !find_inner(&inner, r, q) ||
            is_one_pixel(&q->src[0]) || is_one_pixel(&inner.src[0]) || is_one_pixel(&inner.dst))
        return sg_dnn_unsupported(err, q);
    sg_status status = layout_images(&r->source, p, data ? SG_ARG_DIFF_SRC0 : SG_ARG_SRC0,
            &q->src[0], &inner.src[0], &parts, err);
    if (!status)
        status = layout_images(&r->output, p, forward ? SG_ARG_DST : SG_ARG_DIFF_DST, &q->dst,
                &inner.dst, &parts, err);
    if (!status && !may_choose(p, wanted)) return sg_dnn_unsupported(err, q);
    if (!status)
        status = sg_primitive_compile(&r->inner, &p->backend->base, &inner, &parts, NULL, err);
    if (!status && !is_winograd(r->inner)) return sg_dnn_unsupported(err, q);
    return status ? status : finish(r, p, err);
}

sg_status sg_dnn_rearranged_compile(sg_dnn_primitive *p, const sg_wanted *wanted, sg_error *err) {
    sg_dnn_rearranged *r = calloc(1, sizeof *r);
    if (!r) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a primitive");
    sg_status status = compile(r, p, wanted, err);
    if (status) {
        sg_dnn_rearranged_destroy(r);
        memset(p->layout, 0, sizeof p->layout);
        return status;
    }
    p->rearranged = r;
    p->run = run;
    return SG_OK;
}
