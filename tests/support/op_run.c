/* op_run.c - see op_run.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/op_run.h"
#include "base/block.h"
#include "base/rng.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { GUARD = 256, GUARD_BYTE = 0xA5, UNWRITTEN_BYTE = 0xFF /* all ones is a NaN */ };

static bool is_backward(const sg_problem *p) {
    return p->pass == SG_PASS_BACKWARD_DATA || p->pass == SG_PASS_BACKWARD_WEIGHTS;
}

sg_problem op_forward(const sg_problem *problem) {
    sg_problem p = *problem;
    if (is_backward(&p)) p.pass = SG_PASS_TRAIN;
    return p;
}

const char *op_mode_name(op_mode mode) {
    static const char *const names[OP_MODES] = {
            "chosen", "plain", "in place", "flowing", "blocked"};
    return names[mode];
}

bool op_is_output(const sg_problem *p, sg_arg arg) {
    sg_shape shape;
    if (!sg_problem_arg(&shape, p, arg)) return false;
    if (is_backward(p)) return arg >= SG_ARG_DIFF_SRC0;
    bool statistics = p->op == SG_OP_BATCH_NORM && p->pass == SG_PASS_TRAIN && !p->fixed_statistics;
    return arg == SG_ARG_DST || (statistics && (arg == SG_ARG_MEAN || arg == SG_ARG_VAR));
}

/* ---- values ---- */

static double random_value(sg_rng *rng, const sg_problem *p, sg_arg arg) {
    double x = sg_rng_normal(rng);
    if (arg == SG_ARG_VAR) x = 0.5 + fabs(x);
    if (arg == SG_ARG_MASK) x = x < 0 ? 0 : 2;
    if (p->op == SG_OP_BATCH_NORM && arg == SG_ARG_SRC0) x = 0.7 + 1.5 * x;
    if (p->op == SG_OP_RELU && p->clip > 0 && arg == SG_ARG_SRC0) x *= p->clip;
    return (float)x;
}

sg_status op_values_create(op_values *v, const sg_problem *p, uint64_t seed, sg_error *err) {
    sg_problem passes[] = {op_forward(p), *p};
    *v = (op_values){{NULL}, {0}};
    for (int i = 0; i < 2; i++)
        for (int arg = 0; arg < SG_ARG_COUNT; arg++) {
            sg_shape shape;
            if (v->of[arg] || !sg_problem_arg(&shape, &passes[i], (sg_arg)arg)) continue;
            int64_t count = sg_shape_count(&shape);
            v->of[arg] = malloc((size_t)count * sizeof(double));
            v->count[arg] = count;
            if (!v->of[arg]) {
                op_values_dispose(v);
                return sg_fail(err, SG_ERR_MEMORY, "out of memory for test values");
            }
            sg_rng rng = sg_rng_make(seed, SG_RNG_TEST, (uint32_t)arg, 0);
            for (int64_t k = 0; k < count; k++) v->of[arg][k] = random_value(&rng, p, (sg_arg)arg);
        }
    return SG_OK;
}

sg_status op_values_copy(op_values *to, const op_values *from, sg_error *err) {
    op_values copy = *from;
    for (int arg = 0; arg < SG_ARG_COUNT; arg++) copy.of[arg] = NULL;
    for (int arg = 0; arg < SG_ARG_COUNT; arg++) {
        if (!from->of[arg]) continue;
        size_t bytes = (size_t)from->count[arg] * sizeof(double);
        copy.of[arg] = malloc(bytes);
        if (!copy.of[arg]) {
            op_values_dispose(&copy);
            return sg_fail(err, SG_ERR_MEMORY, "out of memory for test values");
        }
        memcpy(copy.of[arg], from->of[arg], bytes);
    }
    *to = copy;
    return SG_OK;
}

void op_values_dispose(op_values *v) {
    for (int arg = 0; arg < SG_ARG_COUNT; arg++) free(v->of[arg]);
    *v = (op_values){{NULL}, {0}};
}

/* ---- guarded buffers ---- */

typedef struct buffer {
    const sg_layout *layout;
    unsigned char *block; /* guard, content, guard */
    void *content;        /* 64-byte aligned */
} buffer;

static sg_status buffer_create(buffer *b, const sg_layout *layout, sg_error *err) {
    size_t size = GUARD + layout->bytes + GUARD;
    unsigned char *block = sg_block_create(size); /* its pages are those of a plan */
    if (!block) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a test buffer");
    memset(block, GUARD_BYTE, size);
    memset(block + GUARD, UNWRITTEN_BYTE, layout->bytes);
    *b = (buffer){layout, block, block + GUARD};
    return SG_OK;
}

static void buffer_dispose(buffer *b) {
    free(b->block);
    *b = (buffer){NULL, NULL, NULL};
}

static bool buffer_is_whole(const buffer *b) {
    if (!b->block) return true;
    const unsigned char *after = b->block + GUARD + b->layout->bytes;
    for (int i = 0; i < GUARD; i++)
        if (b->block[i] != GUARD_BYTE || after[i] != GUARD_BYTE) return false;
    return true;
}

static void values_to_plain(void *to, const double *from, int64_t count, sg_dtype dtype) {
    for (int64_t i = 0; i < count; i++)
        if (dtype == SG_F64)
            ((double *)to)[i] = from[i];
        else
            ((float *)to)[i] = (float)from[i];
}

static void plain_to_values(double *to, const void *from, int64_t count, sg_dtype dtype) {
    for (int64_t i = 0; i < count; i++)
        to[i] = dtype == SG_F64 ? ((const double *)from)[i] : ((const float *)from)[i];
}

static sg_status reorder(sg_backend *backend, const buffer *to, const buffer *from, sg_error *err) {
    sg_problem p = {.op = SG_OP_REORDER, .dtype = from->layout->dtype, .src_count = 1};
    p.src[0] = p.dst = from->layout->shape;
    sg_wanted wanted = {.arg = {NULL}};
    wanted.arg[SG_ARG_SRC0] = from->layout;
    wanted.arg[SG_ARG_DST] = to->layout;
    sg_primitive *primitive;
    sg_status status = sg_primitive_compile(&primitive, backend, &p, &wanted, NULL, err);
    if (status) return status;
    const sg_layout *scratch = sg_primitive_layout(primitive, SG_ARG_SCRATCH);
    buffer extra = {NULL, NULL, NULL};
    if (scratch) status = buffer_create(&extra, scratch, err);
    void *args[SG_ARG_COUNT] = {[SG_ARG_SRC0] = from->content,
            [SG_ARG_DST] = to->content,
            [SG_ARG_SCRATCH] = extra.content};
    if (!status) status = sg_primitive_execute(primitive, args, err);
    buffer_dispose(&extra);
    sg_primitive_destroy(primitive);
    if (!status && !buffer_is_whole(to))
        return sg_fail(err, SG_ERR_INTERNAL, "reorder wrote outside its output");
    return status;
}

/* Between plain values and a buffer of any layout, through a plain buffer where it is not plain. */
static sg_status move_values(
        buffer *b, double *values, bool in, sg_backend *backend, sg_error *err) {
    sg_dtype dtype = b->layout->dtype;
    int64_t count = sg_shape_count(&b->layout->shape);
    buffer plain = *b;
    if (!b->layout->plain) {
        const sg_layout *layout;
        sg_status status =
                backend->ops->plain_layout(&layout, backend, &b->layout->shape, dtype, err);
        if (!status) status = buffer_create(&plain, layout, err);
        if (status) return status;
    }
    sg_status status = SG_OK;
    if (in) {
        values_to_plain(plain.content, values, count, dtype);
        if (!b->layout->plain) status = reorder(backend, b, &plain, err);
    } else {
        if (!b->layout->plain) status = reorder(backend, &plain, b, err);
        if (!status) plain_to_values(values, plain.content, count, dtype);
    }
    if (!b->layout->plain) buffer_dispose(&plain);
    return status;
}

/* ---- one pass ---- */

typedef struct stage {
    sg_primitive *primitive;
    buffer buffers[SG_ARG_COUNT];
    void *args[SG_ARG_COUNT];
} stage;

static void stage_dispose(stage *s) {
    sg_primitive_destroy(s->primitive);
    for (int i = 0; i < SG_ARG_COUNT; i++) buffer_dispose(&s->buffers[i]);
    *s = (stage){.primitive = NULL};
}

static sg_status want_plain(
        sg_wanted *wanted, sg_backend *backend, const sg_problem *p, sg_error *err) {
    for (int i = 0; i < SG_ARG_COUNT; i++) {
        sg_shape shape;
        if (!sg_problem_arg(&shape, p, (sg_arg)i)) continue;
        sg_status status =
                backend->ops->plain_layout(&wanted->arg[i], backend, &shape, p->dtype, err);
        if (status) return status;
    }
    return SG_OK;
}

/* The layout that a convolution gives to its output of this shape. */
static sg_status convolved(const sg_layout **out, sg_backend *backend, const sg_shape *shape,
        sg_dtype dtype, sg_pass pass, sg_error *err) {
    if (shape->rank != 4) return backend->ops->plain_layout(out, backend, shape, dtype, err);
    sg_problem p = {.op = SG_OP_CONV, .dtype = dtype, .src_count = 1, .kernel = {3, 3}};
    p.pad_begin[0] = p.pad_begin[1] = p.pad_end[0] = p.pad_end[1] = 1;
    p.src[0] = p.dst = *shape;
    p.pass = pass;
    sg_primitive *primitive;
    sg_status status = sg_problem_infer(&p, err);
    if (!status) status = sg_primitive_compile(&primitive, backend, &p, NULL, NULL, err);
    if (status) return status;
    *out = sg_primitive_layout(primitive, SG_ARG_DST);
    sg_primitive_destroy(primitive);
    return SG_OK;
}

static bool is_source(int arg) {
    return arg >= SG_ARG_SRC0 && arg <= SG_ARG_SRC_LAST;
}

static sg_status want_flowing(sg_wanted *wanted, sg_backend *backend, const sg_problem *p,
        const sg_primitive *forward, sg_pass pass, sg_error *err) {
    for (int i = 0; i < SG_ARG_COUNT; i++) {
        sg_shape shape;
        if (!sg_problem_arg(&shape, p, (sg_arg)i)) continue;
        bool kept = is_source(i) || i == SG_ARG_DST || i == SG_ARG_MASK;
        if (forward && kept) wanted->arg[i] = sg_primitive_layout(forward, (sg_arg)i);
        if ((forward || !is_source(i)) && i != SG_ARG_DIFF_DST) continue;
        sg_status status = convolved(&wanted->arg[i], backend, &shape, p->dtype, pass, err);
        if (status) return status;
    }
    return SG_OK;
}

/* The primitive must take exactly the arguments that the problem says, in the shapes it says. */
static sg_status check_layouts(const stage *s, const sg_problem *p, op_mode mode, sg_error *err) {
    for (int i = 0; i < SG_ARG_COUNT; i++) {
        if (i == SG_ARG_WORKSPACE || i == SG_ARG_SCRATCH) continue;
        sg_shape shape;
        bool takes = sg_problem_arg(&shape, p, (sg_arg)i);
        const sg_layout *layout = sg_primitive_layout(s->primitive, (sg_arg)i);
        if (takes != (layout != NULL) || (takes && !sg_shape_equal(&shape, &layout->shape)))
            return sg_fail(err, SG_ERR_INTERNAL, "%s: argument %s is not what the problem says",
                    sg_pass_name(p->pass), sg_arg_name((sg_arg)i));
        if (takes && layout->plain &&
                layout->bytes != (size_t)sg_shape_count(&shape) * sg_dtype_size(p->dtype))
            return sg_fail(err, SG_ERR_INTERNAL, "%s: the plain layout of %s has %zu bytes",
                    sg_pass_name(p->pass), sg_arg_name((sg_arg)i), layout->bytes);
        if (takes && mode == OP_PLAIN && !layout->plain)
            return sg_fail(err, SG_ERR_INTERNAL, "%s: %s was wanted plain", sg_pass_name(p->pass),
                    sg_arg_name((sg_arg)i));
    }
    return SG_OK;
}

/* Lets outputs use the bytes of inputs they may overwrite, each input for one; `forwards`: the
 * first pair that may, else the last. */
static sg_status alias(stage *s, const sg_problem *p, bool forwards, sg_error *err) {
    enum { PAIRS = SG_ARG_COUNT * SG_ARG_COUNT };
    bool used[SG_ARG_COUNT] = {false};
    for (int i = 0; i < PAIRS; i++) {
        int pair = forwards ? i : PAIRS - 1 - i;
        sg_arg from = (sg_arg)(pair / SG_ARG_COUNT), to = (sg_arg)(pair % SG_ARG_COUNT);
        if (used[from] || !s->buffers[from].block || !s->buffers[to].block) continue;
        if (!s->primitive->ops->primitive_can_alias(s->primitive, from, to)) continue;
        if (s->buffers[to].layout != s->buffers[from].layout)
            return sg_fail(err, SG_ERR_INTERNAL, "%s may run in place, but its layouts differ",
                    sg_pass_name(p->pass));
        buffer_dispose(&s->buffers[to]);
        s->args[to] = s->args[from];
        used[from] = true;
    }
    return SG_OK;
}

/* Takes WORKSPACE from the forward pass. */
static sg_status hand_over(stage *s, const stage *forward, const sg_problem *p, sg_error *err) {
    buffer *to = &s->buffers[SG_ARG_WORKSPACE];
    const buffer *from = &forward->buffers[SG_ARG_WORKSPACE];
    if (!to->block) return SG_OK;
    if (!from->block || from->layout->bytes != to->layout->bytes)
        return sg_fail(err, SG_ERR_INTERNAL, "%s and train disagree on the workspace",
                sg_pass_name(p->pass));
    memcpy(to->content, from->content, from->layout->bytes);
    return SG_OK;
}

static sg_status stage_prepare(stage *s, sg_backend *backend, const sg_problem *p, op_mode mode,
        const stage *forward, const op_values *v, sg_error *err) {
    sg_wanted wanted = {.arg = {NULL}};
    sg_status status = SG_OK;
    if (mode == OP_PLAIN) status = want_plain(&wanted, backend, p, err);
    if (mode == OP_FLOWING || mode == OP_BLOCKED)
        status = want_flowing(&wanted, backend, p, forward ? forward->primitive : NULL,
                mode == OP_BLOCKED ? SG_PASS_TRAIN : SG_PASS_INFER, err);
    if (!status)
        status = sg_primitive_compile(
                &s->primitive, backend, p, &wanted, forward ? forward->primitive : NULL, err);
    if (!status) status = check_layouts(s, p, mode, err);
    for (int i = 0; i < SG_ARG_COUNT && !status; i++) {
        const sg_layout *layout = sg_primitive_layout(s->primitive, (sg_arg)i);
        if (!layout) continue;
        status = buffer_create(&s->buffers[i], layout, err);
        s->args[i] = s->buffers[i].content;
        bool sum = p->fuse_sum && sg_problem_summand(p) < 0 && i == SG_ARG_DST;
        if (!status && v->of[i] && (sum || !op_is_output(p, (sg_arg)i)))
            status = move_values(&s->buffers[i], v->of[i], true, backend, err);
    }
    if (!status && forward) status = hand_over(s, forward, p, err);
    return status;
}

/* Libraries count on zeros where a layout pads channels: packing the values anew must give the very
 * bytes that the primitive wrote. */
static sg_status check_padding(
        const buffer *b, double *values, sg_backend *backend, sg_arg arg, sg_error *err) {
    if (b->layout->plain) return SG_OK;
    buffer again;
    sg_status status = buffer_create(&again, b->layout, err);
    if (status) return status;
    status = move_values(&again, values, true, backend, err);
    bool same = !status && memcmp(again.content, b->content, b->layout->bytes) == 0;
    buffer_dispose(&again);
    if (!status && !same)
        return sg_fail(err, SG_ERR_INTERNAL, "%s has garbage where its layout pads channels",
                sg_arg_name(arg));
    return status;
}

static sg_status stage_finish(
        stage *s, op_values *v, sg_backend *backend, const sg_problem *p, sg_error *err) {
    for (int i = 0; i < SG_ARG_COUNT; i++)
        if (!buffer_is_whole(&s->buffers[i]))
            return sg_fail(err, SG_ERR_INTERNAL, "%s wrote outside its argument %s",
                    sg_pass_name(p->pass), sg_arg_name((sg_arg)i));
    for (int i = 0; i < SG_ARG_COUNT; i++) {
        if (!op_is_output(p, (sg_arg)i)) continue;
        buffer b = s->buffers[i];
        b.content = s->args[i]; /* aliased outputs live elsewhere */
        if (!b.layout) b.layout = sg_primitive_layout(s->primitive, (sg_arg)i);
        sg_status status = move_values(&b, v->of[i], false, backend, err);
        if (!status) status = check_padding(&b, v->of[i], backend, (sg_arg)i, err);
        if (status) return status;
    }
    return SG_OK;
}

sg_status op_run(
        op_values *v, sg_backend *backend, const sg_problem *p, op_mode mode, sg_error *err) {
    stage first = {.primitive = NULL}, second = {.primitive = NULL};
    sg_problem forward = op_forward(p);
    sg_status status = stage_prepare(&first, backend, &forward, mode, NULL, v, err);
    if (!status && mode >= OP_IN_PLACE) status = alias(&first, &forward, mode == OP_IN_PLACE, err);
    if (!status) status = sg_primitive_execute(first.primitive, first.args, err);
    if (!status) status = stage_finish(&first, v, backend, &forward, err);
    if (!status && is_backward(p)) {
        status = stage_prepare(&second, backend, p, mode, &first, v, err);
        if (!status && mode >= OP_IN_PLACE) status = alias(&second, p, mode == OP_IN_PLACE, err);
        if (!status) status = sg_primitive_execute(second.primitive, second.args, err);
        if (!status) status = stage_finish(&second, v, backend, p, err);
    }
    stage_dispose(&second);
    stage_dispose(&first);
    return status;
}

/* ---- time ---- */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

sg_status op_time(double *seconds, char what[SG_PROBLEM_TEXT], sg_backend *backend,
        const sg_problem *p, int rounds, sg_error *err) {
    stage first = {.primitive = NULL}, second = {.primitive = NULL}, *timed = &first;
    sg_problem forward = op_forward(p);
    op_mode mode = forward.pass == SG_PASS_TRAIN ? OP_BLOCKED : OP_FLOWING;
    op_values v;
    sg_status status = op_values_create(&v, p, 1, err);
    if (status) return status;
    status = stage_prepare(&first, backend, &forward, mode, NULL, &v, err);
    if (!status) status = sg_primitive_execute(first.primitive, first.args, err);
    if (!status && is_backward(p)) {
        timed = &second;
        status = stage_finish(&first, &v, backend, &forward, err);
        if (!status) status = stage_prepare(&second, backend, p, mode, &first, &v, err);
        if (!status) status = sg_primitive_execute(second.primitive, second.args, err);
    }
    double best = INFINITY;
    for (int i = 0; i < rounds && !status; i++) {
        double start = now();
        status = sg_primitive_execute(timed->primitive, timed->args, err);
        best = fmin(best, now() - start);
    }
    if (!status) {
        *seconds = best;
        if (what)
            snprintf(what, SG_PROBLEM_TEXT, "%s",
                    timed->primitive->ops->primitive_describe(timed->primitive));
    }
    stage_dispose(&second);
    stage_dispose(&first);
    op_values_dispose(&v);
    return status;
}
