/* The oneDNN backend in every layout that it meets: each operation's passes, in the plain and in
 * the channel-blocked layout (padded channels included), give what the reference backend gives.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/backend.h"
#include "support/op_run.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum manner { CHOSEN, PLAIN, BLOCKED, MANNERS };
static const char *const manner_names[MANNERS] = {"chosen", "plain", "blocked"};

/* Plain values of every argument, and the raw workspace that passes hand on. */
typedef struct values {
    float *plain[SG_ARG_COUNT];
    void *workspace;
} values;

static void *take(size_t bytes) {
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
    assert_non_null(p);
    memset(p, 0xFF, (bytes + 63) / 64 * 64); /* NaN: what is not written shows */
    return p;
}

static void check(sg_status status, const sg_error *err) {
    if (status) fail_msg("%s", err->message);
}

static bool is_output(const sg_problem *q, int arg) {
    if (arg == SG_ARG_DST) return q->pass == SG_PASS_INFER || q->pass == SG_PASS_TRAIN;
    if (arg == SG_ARG_MEAN || arg == SG_ARG_VAR)
        return q->pass == SG_PASS_TRAIN && !q->fixed_statistics;
    return arg >= SG_ARG_DIFF_SRC0 && arg <= SG_ARG_DIFF_BIAS;
}

/* The channel-blocked layout of a shape: what a convolution likes to write. */
static const sg_layout *blocked_layout(sg_backend *b, const sg_shape *shape) {
    sg_error err;
    if (shape->rank != 4) return NULL;
    sg_problem q = {.op = SG_OP_CONV, .pass = SG_PASS_TRAIN, .src_count = 1, .kernel = {1, 1}};
    q.src[0] = sg_shape4(shape->dims[0], 32, shape->dims[2], shape->dims[3]);
    q.dst = *shape;
    check(sg_problem_infer(&q, &err), &err);
    sg_primitive *p;
    check(sg_primitive_compile(&p, b, &q, NULL, NULL, &err), &err);
    const sg_layout *layout = sg_primitive_layout(p, SG_ARG_DST);
    sg_primitive_destroy(p);
    return layout;
}

static bool is_map(int arg) {
    return arg <= SG_ARG_SRC_LAST || arg == SG_ARG_MASK || arg == SG_ARG_DST ||
           arg == SG_ARG_DIFF_DST || (arg >= SG_ARG_DIFF_SRC0 && arg <= SG_ARG_DIFF_SRC_LAST);
}

static void want(sg_wanted *w, sg_backend *b, const sg_problem *q, enum manner manner) {
    sg_error err;
    memset(w, 0, sizeof *w);
    for (int arg = 0; arg < SG_ARG_COUNT && manner != CHOSEN; arg++) {
        sg_shape shape;
        if (!is_map(arg) || !sg_problem_arg(&shape, q, (sg_arg)arg)) continue;
        if (manner == BLOCKED)
            w->arg[arg] = blocked_layout(b, &shape);
        else
            check(b->ops->plain_layout(&w->arg[arg], b, &shape, SG_F32, &err), &err);
    }
}

static void move(sg_backend *b, void *to, const sg_layout *to_layout, void *from,
        const sg_layout *from_layout) {
    sg_error err;
    if (to_layout == from_layout) {
        memcpy(to, from, to_layout->bytes);
        return;
    }
    sg_problem q = {.op = SG_OP_REORDER,
            .src_count = 1,
            .src = {to_layout->shape},
            .dst = to_layout->shape};
    sg_wanted w = {.arg = {NULL}};
    w.arg[SG_ARG_SRC0] = from_layout;
    w.arg[SG_ARG_DST] = to_layout;
    sg_primitive *p;
    check(sg_primitive_compile(&p, b, &q, &w, NULL, &err), &err);
    void *args[SG_ARG_COUNT] = {NULL};
    args[SG_ARG_SRC0] = from;
    args[SG_ARG_DST] = to;
    const sg_layout *scratch = sg_primitive_layout(p, SG_ARG_SCRATCH);
    if (scratch) args[SG_ARG_SCRATCH] = take(scratch->bytes);
    check(sg_primitive_execute(p, args, &err), &err);
    free(args[SG_ARG_SCRATCH]);
    sg_primitive_destroy(p);
}

/* The way to the plain layout and back leaves every byte as it was: the padding is zero, as the
 * next primitive expects. */
static void check_padding(sg_backend *b, const sg_problem *q, int arg, const float *data,
        const sg_layout *layout, float *plain_data, const sg_layout *plain) {
    char text[SG_PROBLEM_TEXT];
    float *back = take(layout->bytes);
    move(b, back, layout, plain_data, plain);
    for (size_t i = 0; i < layout->bytes / sizeof *back; i++)
        if (data[i] != back[i])
            fail_msg("%s: %s has %g in its padding", sg_problem_text(text, q),
                    sg_arg_name((sg_arg)arg), data[i]);
    free(back);
}

static void execute(sg_backend *b, sg_primitive *p, values *v, bool in_place) {
    sg_error err;
    const sg_problem *q = &p->problem;
    void *args[SG_ARG_COUNT] = {NULL};
    const sg_layout *plain[SG_ARG_COUNT] = {NULL};
    bool ahead = q->pass == SG_PASS_INFER || q->pass == SG_PASS_TRAIN;
    int to = ahead ? SG_ARG_DST : SG_ARG_DIFF_SRC0, from = ahead ? SG_ARG_SRC0 : SG_ARG_DIFF_DST;
    in_place = in_place && p->ops->primitive_can_alias(p, (sg_arg)from, (sg_arg)to);
    for (int arg = 0; arg < SG_ARG_COUNT; arg++) {
        const sg_layout *layout = sg_primitive_layout(p, (sg_arg)arg);
        sg_shape shape;
        bool raw = arg == SG_ARG_WORKSPACE || arg == SG_ARG_SCRATCH;
        if (!raw) assert_int_equal(sg_problem_arg(&shape, q, (sg_arg)arg), layout != NULL);
        if (!layout) continue;
        if (arg == SG_ARG_WORKSPACE) {
            if (!v->workspace) v->workspace = take(layout->bytes);
            args[arg] = v->workspace;
            continue;
        }
        args[arg] = in_place && arg == to ? args[from] : take(layout->bytes);
        if (raw) continue;
        check(b->ops->plain_layout(&plain[arg], b, &layout->shape, SG_F32, &err), &err);
        if (is_output(q, arg)) {
            if (!v->plain[arg]) v->plain[arg] = take(plain[arg]->bytes);
            if (!(q->op == SG_OP_CONV && q->fuse_sum && arg == SG_ARG_DST)) continue;
        }
        move(b, args[arg], layout, v->plain[arg], plain[arg]);
    }
    check(sg_primitive_execute(p, args, &err), &err);
    for (int arg = 0; arg < SG_ARG_COUNT; arg++) {
        const sg_layout *layout = sg_primitive_layout(p, (sg_arg)arg);
        if (!plain[arg] || !is_output(q, arg)) continue;
        move(b, v->plain[arg], plain[arg], args[arg], layout);
        if (is_map(arg)) check_padding(b, q, arg, args[arg], layout, v->plain[arg], plain[arg]);
    }
    for (int arg = 0; arg < SG_ARG_COUNT; arg++)
        if (arg != SG_ARG_WORKSPACE && !(in_place && arg == to)) free(args[arg]);
}

/* Repeatable values: statistics and masks positive, the rest about zero. */
static void fill(values *v, const sg_problem *q) {
    static const sg_pass passes[] = {
            SG_PASS_TRAIN, SG_PASS_BACKWARD_DATA, SG_PASS_BACKWARD_WEIGHTS};
    unsigned state = 12345;
    for (int i = 0; i < 3; i++) {
        sg_problem of = *q;
        if (q->pass != SG_PASS_INFER) of.pass = passes[i];
        for (int arg = 0; arg < SG_ARG_COUNT; arg++) {
            sg_shape shape;
            bool summand = q->op == SG_OP_CONV && q->fuse_sum && arg == SG_ARG_DST;
            if (v->plain[arg] || !sg_problem_arg(&shape, &of, (sg_arg)arg)) continue;
            if (is_output(&of, arg) && !summand) continue;
            if (arg == SG_ARG_DST && !summand) continue; /* comes from the forward pass */
            int64_t n = sg_shape_count(&shape);
            v->plain[arg] = take((size_t)n * sizeof(float));
            for (int64_t k = 0; k < n; k++) {
                state = state * 1664525u + 1013904223u;
                float x = (float)(state >> 8) / 8388608.0f - 1.0f;
                if (arg == SG_ARG_VAR) x = fabsf(x) + 0.25f;
                if (arg == SG_ARG_MASK) x = x < 0 ? 0.0f : 2.0f;
                v->plain[arg][k] = x;
            }
        }
    }
}

static void run_all(
        sg_backend *b, const sg_problem *base, enum manner manner, bool in_place, values *v) {
    sg_error err;
    sg_problem q = *base;
    sg_wanted w;
    sg_primitive *forward = NULL;
    char text[SG_PROBLEM_TEXT];
    fill(v, base);
    for (int pass = q.pass; pass <= SG_PASS_BACKWARD_WEIGHTS; pass++) {
        q.pass = (sg_pass)pass;
        if (!sg_problem_has_pass(&q)) continue;
        want(&w, b, &q, manner);
        sg_primitive *p;
        check(sg_primitive_compile(&p, b, &q, &w, forward, &err), &err);
        for (int arg = 0; arg < SG_ARG_COUNT && manner != CHOSEN; arg++)
            if (w.arg[arg] && !(pass > SG_PASS_TRAIN && q.op == SG_OP_MAX_POOL))
                if (sg_primitive_layout(p, (sg_arg)arg) != w.arg[arg])
                    fail_msg("%s: %s is not in the %s layout asked for", sg_problem_text(text, &q),
                            sg_arg_name((sg_arg)arg), manner_names[manner]);
        execute(b, p, v, in_place);
        if (pass == SG_PASS_INFER) {
            sg_primitive_destroy(p);
            break;
        }
        if (pass == SG_PASS_TRAIN)
            forward = p;
        else
            sg_primitive_destroy(p);
    }
    sg_primitive_destroy(forward);
}

static void dispose(values *v) {
    for (int i = 0; i < SG_ARG_COUNT; i++) free(v->plain[i]);
    free(v->workspace);
}

/* Largest difference over the root mean square of the reference. */
static void compare(const char *line, const char *how, int in_place, const sg_problem *base,
        const values *a, const values *ref) {
    for (int arg = 0; arg < SG_ARG_COUNT; arg++) {
        sg_problem q = *base;
        sg_shape shape;
        bool taken = false;
        for (int pass = base->pass; pass <= SG_PASS_BACKWARD_WEIGHTS && !taken; pass++) {
            q.pass = (sg_pass)pass;
            taken = sg_problem_arg(&shape, &q, (sg_arg)arg) && is_output(&q, arg);
            if (pass == SG_PASS_INFER) break;
        }
        if (!taken) continue;
        assert_non_null(a->plain[arg]);
        int64_t n = sg_shape_count(&shape);
        double worst = 0, square = 0;
        for (int64_t k = 0; k < n; k++) {
            double d = fabs((double)a->plain[arg][k] - ref->plain[arg][k]);
            if (!(d <= worst)) worst = d;
            square += (double)ref->plain[arg][k] * ref->plain[arg][k];
        }
        double scale = sqrt(square / (double)n) + 1e-3;
        if (!(worst / scale < 2e-4))
            fail_msg("%s (%s, in place %d): %s differs by %g of %g", line, how, in_place,
                    sg_arg_name((sg_arg)arg), worst, scale);
    }
}

static const char *const lines[] = {
        "conv:train:f32 n2c32h14w14 o48 k3x3 s1x1 p1x1 d1x1 g1 bias",
        "conv:train:f32 n2c20h9w11 o24 k3x3 s2x2 p1x1 d1x1 g1",
        "conv:train:f32 n2c3h32w32 o16 k7x7 s2x2 p3x3 d1x1 g1",
        "conv:train:f32 n1c1h16w16 o32 k3x3 s1x1 p1x1 d1x1 g1 bias",
        "conv:train:f32 n2c32h14w14 o32 k3x3 s1x1 p2x2 d2x2 g1",
        "conv:train:f32 n2c32h14w14 o32 k3x3 s1x1 p1x1 d1x1 g32",
        "conv:train:f32 n2c24h14w14 o24 k3x3 s2x2 p1x1 d1x1 g24",
        "conv:train:f32 n2c32h10w10 o64 k3x3 s1x1 p1x1 d1x1 g4 bias",
        "conv:train:f32 n2c64h7w7 o32 k1x1 s1x1 p0x0 d1x1 g1",
        "conv:train:f32 n16c64h28w28 o64 k3x3 s1x1 p1x1 d1x1 g1",
        "conv:infer:f32 n2c32h14w14 o48 k3x3 s1x1 p1x1 d1x1 g1 bias sum relu",
        "conv:infer:f32 n2c20h9w11 o24 k3x3 s1x1 p1x1 d1x1 g1 clip6 bias relu",
        "conv:infer:f32 n8c64h28w28 o64 k3x3 s1x1 p1x1 d1x1 g1 bias sum relu",
        "batch_norm:train:f32 n4c32h7w7 eps1e-5",
        "batch_norm:train:f32 n4c20h7w7 eps1e-3 relu",
        "batch_norm:train:f32 n4c20h7w7 eps1e-5 fixed relu",
        "batch_norm:train:f32 n4c64h7w7 eps1e-5 fixed",
        "batch_norm:train:f32 n8c10 eps1e-5",
        "batch_norm:infer:f32 n2c20h5w5 eps1e-5 relu",
        "batch_norm:train:f32 n4c32h7w7 eps1e-5 sum relu",
        "batch_norm:train:f32 n4c20h7w7 eps1e-5 clip0.5 sum relu",
        "batch_norm:train:f32 n4c20h7w7 eps1e-3 sum",
        "batch_norm:infer:f32 n2c20h5w5 eps1e-5 sum relu",
        "relu:train:f32 n2c20h7w7",
        "relu:train:f32 n2c32h7w7 clip0.5",
        "relu:infer:f32 n3c10",
        "max_pool:train:f32 n2c32h15w15 k3x3 s2x2 p1x1",
        "max_pool:train:f32 n2c20h14w14 k3x3 s2x2 p0x0:1x1",
        "avg_pool:train:f32 n2c32h14w14 k3x3 s2x2 p1x1",
        "avg_pool:train:f32 n2c20h14w14 k2x2 s2x2 p1x1 include_pad",
        "global_pool:train:f32 n2c32h7w7",
        "global_pool:train:f32 n2c20h7w7",
        "adaptive_pool:train:f32 n2c20h7w7 o3x4",
        "linear:train:f32 n4c64h1w1 o10 bias",
        "linear:train:f32 n4c32h3w3 o10 bias",
        "linear:train:f32 n4c20h3w3 o7",
        "linear:train:f32 n4c100 o3 bias",
        "linear:infer:f32 n2c64 o32 bias relu",
        "add:train:f32 n2c20h7w7 x2",
        "add:infer:f32 n2c32h40w40 x4",
        "concat:train:f32 n2c16+32+16h7w7",
        "concat:train:f32 n2c20+12+5h6w7",
        "channel_scale:train:f32 n2c32h7w7",
        "channel_scale:train:f32 n2c20h7w7",
        "channel_scale:train:f32 n2c32h7w7 sum relu",
        "channel_scale:train:f32 n2c20h7w7 clip0.5 sum relu",
        "channel_scale:train:f32 n2c20h7w7 sum",
        "sigmoid:train:f32 n2c32h1w1",
        "sigmoid:train:f32 n2c20h3w3 scale2",
        "dropout:train:f32 n2c20h3w3",
        "dropout:train:f32 n3c50",
        "affine:train:f32 n2c20h7w7",
        "affine:train:f32 n2c32h7w7",
        "affine:train:f32 n3c10",
};

static void compare_lines(const sg_backend_options *options) {
    sg_error err;
    sg_backend *ref, *fast;
    check(sg_backend_create(&ref, "ref", NULL, &err), &err);
    check(sg_backend_create(&fast, "onednn", options, &err), &err);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        sg_problem q;
        check(sg_problem_parse(&q, lines[i], &err), &err);
        values expected = {{NULL}, NULL};
        run_all(ref, &q, CHOSEN, false, &expected);
        for (int manner = 0; manner < MANNERS; manner++) {
            for (int in_place = 0; in_place < 2; in_place++) {
                values got = {{NULL}, NULL};
                run_all(fast, &q, (enum manner)manner, in_place, &got);
                compare(lines[i], manner_names[manner], in_place, &q, &got, &expected);
                dispose(&got);
            }
        }
        dispose(&expected);
    }
    sg_backend_destroy(fast);
    sg_backend_destroy(ref);
}

static void every_layout_gives_the_reference(void **state) {
    (void)state;
    compare_lines(NULL);
}

static void deterministic_gives_the_reference(void **state) {
    (void)state;
    sg_backend_options options = SG_BACKEND_OPTIONS_INIT;
    options.deterministic = true;
    options.threads = 1;
    compare_lines(&options);
}

static void layouts_are_interned(void **state) {
    (void)state;
    sg_error err;
    sg_backend *b;
    check(sg_backend_create(&b, "onednn", NULL, &err), &err);
    sg_shape map = sg_shape4(2, 32, 7, 7), point = sg_shape4(2, 32, 1, 1);
    const sg_layout *first = blocked_layout(b, &map), *plain;
    assert_ptr_equal(first, blocked_layout(b, &map));
    check(b->ops->plain_layout(&plain, b, &map, SG_F32, &err), &err);
    assert_ptr_not_equal(first, plain);
    assert_false(first->plain);
    assert_true(plain->plain);
    /* One pixel of 32 channels has the same bytes blocked and plain. */
    check(b->ops->plain_layout(&plain, b, &point, SG_F32, &err), &err);
    assert_ptr_equal(blocked_layout(b, &point), plain);
    sg_backend_destroy(b);
}

static void doubles_are_unsupported(void **state) {
    (void)state;
    sg_error err;
    sg_backend *b;
    sg_primitive *p;
    sg_problem q;
    check(sg_backend_create(&b, "onednn", NULL, &err), &err);
    check(sg_problem_parse(&q, "relu:infer:f64 n2c3", &err), &err);
    assert_int_equal(sg_primitive_compile(&p, b, &q, NULL, NULL, &err), SG_ERR_UNSUPPORTED);
    sg_backend_destroy(b);
}

/* Threads share a batch norm by channels where these suffice, else by images, the gradient of
 * depthwise weights by parts, and rearranged images by blocks of channels: one answer. */
static void loops_are_the_same_for_any_threads(void **state) {
    (void)state;
    static const char *const norms[] = {
            "batch_norm:train:f32 n5c80h9w9 eps1e-05 relu",
            "batch_norm:backward_data:f32 n5c80h9w9 eps1e-05 relu clip6",
            "batch_norm:backward_data:f32 n3c20h7w9 eps1e-05",
            "conv:backward_weights:f32 n5c40h9w9 o40 k3x3 s1x1 p1x1 g40",
            "conv:backward_data:f32 n5c40h9w9 o40 k3x3 s2x2 p1x1 g40",
            "conv:backward_data:f32 n3c96h13w14 o88 k3x3 s1x1 p2x2 d2x2",
            "conv:backward_data:f32 n3c64h16w15 o136 k5x5 s1x1 p2x2",
            "linear:train:f32 n3c1030 o1022",
    };
    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++) {
        op_values start, one = {{NULL}, {0}};
        sg_problem q;
        sg_error err;
        check(sg_problem_parse(&q, norms[i], &err), &err);
        check(op_values_create(&start, &q, 1, &err), &err);
        for (int threads = 1; threads <= 5; threads++) {
            sg_backend_options options = SG_BACKEND_OPTIONS_INIT;
            options.threads = threads;
            sg_backend *b;
            op_values got;
            check(sg_backend_create(&b, "onednn", &options, &err), &err);
            check(op_values_copy(&got, &start, &err), &err);
            op_mode mode = q.op == SG_OP_CONV     ? OP_CHOSEN
                           : q.op == SG_OP_LINEAR ? OP_PLAIN
                                                  : OP_BLOCKED;
            check(op_run(&got, b, &q, mode, &err), &err);
            for (int arg = 0; arg < SG_ARG_COUNT && threads > 1; arg++)
                if (got.of[arg])
                    assert_memory_equal(
                            got.of[arg], one.of[arg], (size_t)got.count[arg] * sizeof(double));
            if (threads == 1)
                one = got;
            else
                op_values_dispose(&got);
            sg_backend_destroy(b);
        }
        op_values_dispose(&one);
        op_values_dispose(&start);
    }
}

/* A large output in blocks is written past the caches, one in planes is not. */
static void a_large_batch_norm_is_like_a_small_one(void **state) {
    (void)state;
    op_values start, got[2];
    sg_problem q;
    sg_error err;
    sg_backend *b;
    check(sg_problem_parse(&q, "batch_norm:train:f32 n2c16h363w362 eps1e-05 relu", &err), &err);
    check(sg_backend_create(&b, "onednn", NULL, &err), &err);
    check(op_values_create(&start, &q, 1, &err), &err);
    for (int i = 0; i < 2; i++) {
        check(op_values_copy(&got[i], &start, &err), &err);
        check(op_run(&got[i], b, &q, i ? OP_BLOCKED : OP_PLAIN, &err), &err);
    }
    assert_true((size_t)got[0].count[SG_ARG_DST] * sizeof(float) > 16u << 20);
    for (int64_t i = 0; i < got[0].count[SG_ARG_DST]; i++)
        if (!(fabs(got[0].of[SG_ARG_DST][i] - got[1].of[SG_ARG_DST][i]) < 1e-5))
            fail_msg("element %lld is %g in planes and %g in blocks", (long long)i,
                    got[0].of[SG_ARG_DST][i], got[1].of[SG_ARG_DST][i]);
    for (int i = 0; i < 2; i++) op_values_dispose(&got[i]);
    op_values_dispose(&start);
    sg_backend_destroy(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(loops_are_the_same_for_any_threads),
            cmocka_unit_test(a_large_batch_norm_is_like_a_small_one),
            cmocka_unit_test(layouts_are_interned),
            cmocka_unit_test(doubles_are_unsupported),
            cmocka_unit_test(every_layout_gives_the_reference),
            cmocka_unit_test(deterministic_gives_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
