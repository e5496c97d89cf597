/* Own Winograd loops of the oneDNN backend: which convolutions they take, that they give what the
 * reference gives whatever hangs over an edge, and the same bits for any number of threads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/backend.h"
#include "support/op_run.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Tiles cut at either edge, by all numbers of rows that a block may have; panels of 16 to 64 output
 * channels; few weights (threads take tiles) and many (they share them, in one portion and more).
 */
static const char *const taken[] = {
        "conv:infer:f32 n1c64h56w56 o64 k3x3 s1x1 p1x1 bias relu",
        "conv:infer:f32 n3c16h9w11 o16 k3x3 s1x1 p1x1",
        "conv:infer:f32 n2c32h14w10 o48 k3x3 s1x1 p1x1 bias sum relu",
        "conv:infer:f32 n5c48h7w7 o32 k3x3 s1x1 p1x1 bias relu clip6",
        "conv:infer:f32 n2c16h13w16 o80 k3x3 s1x1 p0x2:1x0 bias sum",
        "conv:infer:f32 n2c16h21w6 o16 k3x3 s1x1 p3x2 relu",
        "conv:infer:f32 n1c96h14w15 o80 k3x3 s1x1 p1x1 bias sum relu clip8",
        "conv:infer:f32 n7c64h11w12 o128 k3x3 s1x1 p1x1 bias relu",
        /* Training: panels of unequal width, padding on one side and beyond the kernel's reach,
         * weights shared by threads, gradients in one portion and more, a streamed output. */
        "conv:train:f32 n5c16h13w16 o16 k3x3 s1x1 p1x1 bias",
        "conv:train:f32 n3c48h17w15 o208 k3x3 s1x1 p0x2:1x0",
        "conv:train:f32 n3c160h13w16 o320 k3x3 s1x1 p1x1",
        "conv:train:f32 n3c336h13w16 o336 k3x3 s1x1 p1x1",
        "conv:train:f32 n2c16h160w161 o96 k3x3 s1x1 p1x1",
        "conv:backward_data:f32 n5c16h13w16 o16 k3x3 s1x1 p1x1 bias",
        "conv:backward_data:f32 n3c208h17w15 o48 k3x3 s1x1 p0x2:1x0",
        "conv:backward_data:f32 n4c32h17w15 o80 k3x3 s1x1 p3x1:0x2",
        "conv:backward_data:f32 n3c160h13w16 o320 k3x3 s1x1 p1x1",
        "conv:backward_weights:f32 n1c16h13w16 o16 k3x3 s1x1 p1x1",
        "conv:backward_weights:f32 n3c48h17w15 o208 k3x3 s1x1 p0x2:1x0",
        "conv:backward_weights:f32 n4c32h17w15 o80 k3x3 s1x1 p3x1:0x2",
        "conv:backward_weights:f32 n3c160h13w16 o320 k3x3 s1x1 p1x1",
        "conv:backward_weights:f32 n6c64h41w40 o96 k3x3 s1x1 p1x1",
        "conv:backward_weights:f32 n12c64h41w40 o96 k3x3 s1x1 p1x1",
        "conv:backward_weights:f32 n4c256h15w13 o256 k3x3 s1x1 p1x1",
};

static const char *const left[] = {
        "conv:infer:f32 n1c64h12w11 o64 k3x3 s1x1 p1x1", /* too few tiles */
        "conv:infer:f32 n16c64h2w2 o64 k3x3 s1x1 p1x1",  /* too empty ones */
        "conv:infer:f32 n1c24h28w28 o64 k3x3 s1x1 p1x1",
        "conv:infer:f32 n1c64h28w28 o24 k3x3 s1x1 p1x1",
        "conv:infer:f32 n1c64h28w28 o64 k3x3 s2x2 p1x1",
        "conv:infer:f32 n1c64h28w28 o64 k3x3 s1x2 p1x1",
        "conv:infer:f32 n1c64h28w28 o64 k3x3 s1x1 p2x2 d2x2",
        "conv:infer:f32 n1c64h28w28 o64 k3x3 s1x1 p1x1 g2",
        "conv:infer:f32 n1c64h28w28 o64 k5x5 s1x1 p2x2",
        "conv:train:f32 n2c64h16w16 o64 k3x3 s1x1 p1x1",
        "conv:backward_data:f32 n2c64h16w16 o64 k3x3 s1x1 p1x1",
        "conv:train:f32 n64c64h2w2 o64 k3x3 s1x1 p1x1", /* too empty tiles */
        "conv:train:f32 n4c336h16w16 o352 k3x3 s1x1 p1x1",
        "conv:backward_weights:f32 n4c320h7w7 o320 k3x3 s1x1 p1x1", /* few tiles for them */
        "conv:train:f32 n8c512h14w14 o512 k3x3 s1x1 p1x1",          /* too many weights */
        "conv:backward_weights:f32 n1c64h12w11 o64 k3x3 s1x1 p1x1", /* too few tiles */
        "conv:backward_weights:f32 n32c64h3w3 o64 k3x3 s1x1 p1x1",  /* none of them full */
        "conv:backward_weights:f32 n4c32h16w16 o32 k3x3 s1x1 p1x1 bias",
};

static void check(sg_status status, const sg_error *err) {
    if (status) fail_msg("%s", err->message);
}

static sg_backend *backend(int threads, bool winograd, bool deterministic) {
    sg_backend_options options = {threads, deterministic, winograd};
    sg_backend *b;
    sg_error err;
    check(sg_backend_create(&b, "onednn", &options, &err), &err);
    return b;
}

static bool is_taken(sg_backend *b, const char *line, const sg_wanted *wanted) {
    sg_problem q;
    sg_primitive *p;
    sg_error err;
    check(sg_problem_parse(&q, line, &err), &err);
    check(sg_primitive_compile(&p, b, &q, wanted, NULL, &err), &err);
    bool ours = strcmp(b->ops->primitive_describe(p), "conv winograd loop") == 0;
    sg_primitive_destroy(p);
    return ours;
}

/* The processor has the vectors. */
static bool offered(void) {
    sg_backend *b = backend(1, true, false);
    bool ours = is_taken(b, taken[0], NULL);
    sg_backend_destroy(b);
    return ours;
}

static void shapes_decide(void **state) {
    (void)state;
    if (!offered()) skip();
    sg_backend *b = backend(2, true, false), *direct = backend(2, false, false);
    sg_backend *repeatable = backend(2, true, true);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (!is_taken(b, taken[i], NULL)) fail_msg("not taken: %s", taken[i]);
        if (is_taken(direct, taken[i], NULL)) fail_msg("not direct: %s", taken[i]);
        if (is_taken(repeatable, taken[i], NULL)) fail_msg("not repeatable: %s", taken[i]);
    }
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        if (is_taken(b, left[i], NULL)) fail_msg("taken: %s", left[i]);
    sg_backend_destroy(repeatable);
    sg_backend_destroy(direct);
    sg_backend_destroy(b);
}

/* Weights of training are plain; all else is not. */
static void other_layouts_are_left_to_the_library(void **state) {
    (void)state;
    if (!offered()) skip();
    sg_backend *b = backend(1, true, false);
    static const sg_arg args[] = {SG_ARG_SRC0, SG_ARG_DST, SG_ARG_WEIGHT, SG_ARG_DIFF_DST,
            SG_ARG_DIFF_SRC0, SG_ARG_DIFF_WEIGHT};
    for (size_t line = 0; line < sizeof taken / sizeof *taken; line++) {
        sg_problem q;
        sg_error err;
        check(sg_problem_parse(&q, taken[line], &err), &err);
        for (size_t i = 0; i < sizeof args / sizeof *args; i++) {
            sg_wanted wanted = {.arg = {NULL}};
            sg_shape shape;
            if (!sg_problem_arg(&shape, &q, args[i])) continue;
            bool weights = args[i] == SG_ARG_WEIGHT || args[i] == SG_ARG_DIFF_WEIGHT;
            check(b->ops->plain_layout(&wanted.arg[args[i]], b, &shape, SG_F32, &err), &err);
            if (is_taken(b, taken[line], &wanted) != (weights && q.pass != SG_PASS_INFER))
                fail_msg("%s with plain %s", taken[line], sg_arg_name(args[i]));
        }
    }
    sg_backend_destroy(b);
}

static sg_arg result_of(const sg_problem *q) {
    return q->pass == SG_PASS_BACKWARD_DATA      ? SG_ARG_DIFF_SRC0
           : q->pass == SG_PASS_BACKWARD_WEIGHTS ? SG_ARG_DIFF_WEIGHT
                                                 : SG_ARG_DST;
}

/* Largest difference over the root mean square. */
static double difference(const op_values *a, const op_values *b, sg_arg of) {
    double worst = 0, square = 0;
    int64_t count = a->count[of];
    assert_true(count > 0);
    for (int64_t i = 0; i < count; i++) {
        double d = fabs(a->of[of][i] - b->of[of][i]);
        if (!(d <= worst)) worst = d;
        square += b->of[of][i] * b->of[of][i];
    }
    return worst / sqrt(square / (double)count);
}

static void run(op_values *out, sg_backend *b, const sg_problem *q, const op_values *start) {
    sg_error err;
    check(op_values_copy(out, start, &err), &err);
    check(op_run(out, b, q, OP_CHOSEN, &err), &err);
}

/* The same bits, too; but for gradients of weights, which each thread sums for itself. */
static void loops_give_the_reference_for_any_threads(void **state) {
    (void)state;
    if (!offered()) skip();
    sg_error err;
    sg_backend *ref;
    check(sg_backend_create(&ref, "ref", NULL, &err), &err);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        sg_problem q;
        op_values start, expected, one;
        check(sg_problem_parse(&q, taken[i], &err), &err);
        check(op_values_create(&start, &q, i + 1, &err), &err);
        run(&expected, ref, &q, &start);
        for (int threads = 1; threads <= 3; threads++) {
            sg_backend *b = backend(threads, true, false);
            op_values got;
            run(&got, b, &q, &start);
            sg_backend_destroy(b);
            sg_arg of = result_of(&q);
            double d = difference(&got, &expected, of);
            if (!(d < 5e-5)) fail_msg("%s differs by %g", taken[i], d);
            if (threads == 1) {
                one = got;
                continue;
            }
            if (q.pass != SG_PASS_BACKWARD_WEIGHTS)
                assert_memory_equal(got.of[of], one.of[of], (size_t)one.count[of] * sizeof(double));
            op_values_dispose(&got);
        }
        op_values_dispose(&one);
        op_values_dispose(&expected);
        op_values_dispose(&start);
    }
    sg_backend_destroy(ref);
}

/* A pixel that is no number reaches its outputs through a ReLU. */
static void nan_stays(void **state) {
    (void)state;
    if (!offered()) skip();
    static const char *const lines[] = {"conv:infer:f32 n1c64h28w28 o64 k3x3 s1x1 p1x1 relu",
            "conv:infer:f32 n1c64h28w28 o64 k3x3 s1x1 p1x1 relu clip6"};
    sg_backend *b = backend(1, true, false);
    for (int i = 0; i < 2; i++) {
        sg_problem q;
        sg_error err;
        op_values start, got;
        check(sg_problem_parse(&q, lines[i], &err), &err);
        assert_true(is_taken(b, lines[i], NULL));
        check(op_values_create(&start, &q, 1, &err), &err);
        start.of[SG_ARG_SRC0][0] = NAN;
        run(&got, b, &q, &start);
        assert_true(isnan(got.of[SG_ARG_DST][0]));
        op_values_dispose(&got);
        op_values_dispose(&start);
    }
    sg_backend_destroy(b);
}

/* Weights go in; they are never asked back. */
static void transformed_weights_are_a_one_way_street(void **state) {
    (void)state;
    if (!offered()) skip();
    sg_backend *b = backend(1, true, false);
    sg_problem q, reorder = {.op = SG_OP_REORDER, .pass = SG_PASS_INFER, .src_count = 1};
    sg_primitive *p, *back;
    sg_wanted wanted = {.arg = {NULL}};
    sg_error err;
    check(sg_problem_parse(&q, taken[0], &err), &err);
    check(sg_primitive_compile(&p, b, &q, NULL, NULL, &err), &err);
    wanted.arg[SG_ARG_SRC0] = sg_primitive_layout(p, SG_ARG_WEIGHT);
    reorder.src[0] = reorder.dst = wanted.arg[SG_ARG_SRC0]->shape;
    check(b->ops->plain_layout(&wanted.arg[SG_ARG_DST], b, &reorder.dst, SG_F32, &err), &err);
    assert_int_equal(
            sg_primitive_compile(&back, b, &reorder, &wanted, NULL, &err), SG_ERR_UNSUPPORTED);
    sg_primitive_destroy(p);
    sg_backend_destroy(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(shapes_decide),
            cmocka_unit_test(other_layouts_are_left_to_the_library),
            cmocka_unit_test(loops_give_the_reference_for_any_threads),
            cmocka_unit_test(nan_stays),
            cmocka_unit_test(transformed_weights_are_a_one_way_street),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
