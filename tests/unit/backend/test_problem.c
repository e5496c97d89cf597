/* test_problem.c - the one-line form, inferred shapes, refused settings, the registry.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"
#include "support/op_lines.h"
#include <cmocka.h>
#include <string.h>

static void text_reads_back_as_the_same_problem(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    op_lines lines = {NULL, 0, 0};
    assert_int_equal(op_lines_read(&lines, "tests/conformance/problems.txt", &err), SG_OK);
    assert_true(lines.count > 200);
    for (size_t i = 0; i < lines.count; i++) {
        char once[SG_PROBLEM_TEXT], twice[SG_PROBLEM_TEXT];
        sg_problem again;
        sg_problem_text(once, &lines.items[i].problem);
        if (sg_problem_parse(&again, once, &err)) fail_msg("%s", err.message);
        assert_string_equal(sg_problem_text(twice, &again), once);
        assert_memory_equal(&again.dst, &lines.items[i].problem.dst, sizeof again.dst);
    }
    op_lines_dispose(&lines);
}

static void text_is_as_documented(void **state) {
    (void)state;
    static const char *const line = "conv:train:f32 n2c16h14w14 o32 k3x3 s1x1 p1x1 d1x1 g1 bias";
    sg_error err = SG_ERROR_INIT;
    sg_problem p;
    char text[SG_PROBLEM_TEXT];
    assert_int_equal(sg_problem_parse(&p, line, &err), SG_OK);
    assert_string_equal(sg_problem_text(text, &p), line);
    sg_shape expected = sg_shape4(2, 32, 14, 14);
    assert_true(sg_shape_equal(&p.dst, &expected));
    assert_true(p.has_bias && p.op == SG_OP_CONV && p.pass == SG_PASS_TRAIN);
}

static void output_shapes_follow(void **state) {
    (void)state;
    static const struct {
        const char *line;
        int64_t dst[4];
    } cases[] = {
            {"conv:infer:f32 n1c3h224w224 o64 k7x7 s2x2 p3x3", {1, 64, 112, 112}},
            {"conv:infer:f32 n1c3h9w8 o4 k3x3 d2x3", {1, 4, 5, 2}},
            {"max_pool:infer:f32 n1c8h112w112 k3x3 s2x2 p1x1", {1, 8, 56, 56}},
            {"max_pool:infer:f32 n1c8h112w112 k3x3 s2x2 p0x0:1x1", {1, 8, 56, 56}},
            {"global_pool:infer:f32 n2c8h7w5", {2, 8, 1, 1}},
            {"concat:infer:f32 n2c8+16+1h7w5", {2, 25, 7, 5}},
            {"linear:infer:f32 n2c8h7w5 o3", {2, 3, 0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sg_error err = SG_ERROR_INIT;
        sg_problem p;
        if (sg_problem_parse(&p, cases[i].line, &err)) fail_msg("%s", err.message);
        for (int k = 0; k < p.dst.rank; k++) assert_int_equal(p.dst.dims[k], cases[i].dst[k]);
    }
}

static void nonsense_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *line;
        sg_status expected;
    } cases[] = {
            {"", SG_ERR_USAGE},
            {"conv", SG_ERR_USAGE},
            {"conv:train", SG_ERR_USAGE},
            {"convolution:train:f32 n1c1h1w1", SG_ERR_USAGE},
            {"relu:train:f16 n1c1h1w1", SG_ERR_USAGE},
            {"relu:train:f32 n1c1h1w1 wobble", SG_ERR_USAGE},
            {"relu:train:f32 n1c1h1w99999999999999999999", SG_ERR_USAGE},
            {"relu:train:f32 n1h1c1w1", SG_ERR_USAGE},
            {"add:train:f32 n1c1h1w1 x9", SG_ERR_USAGE},
            {"concat:train:f32 n1c1+1+1+1+1+1+1+1+1h1w1", SG_ERR_USAGE},
            {"relu:train:f32", SG_ERR_SHAPE},
            {"relu:train:f32 n0c1h1w1", SG_ERR_SHAPE},
            {"add:train:f32 n1c1h1w1", SG_ERR_SHAPE},
            {"conv:train:f32 n1c4h8w8 k3x3", SG_ERR_SHAPE},
            {"conv:train:f32 n1c4h8w8 o8", SG_ERR_SHAPE},
            {"conv:train:f32 n1c4h8w8 o8 k3x3 g3", SG_ERR_SHAPE},
            {"conv:train:f32 n1c4h8w8 o6 k3x3 g4", SG_ERR_SHAPE},
            {"conv:train:f32 n1c4h8w8 o8 k9x9", SG_ERR_SHAPE},
            {"conv:train:f32 n1c4h8w8 o8 k5x5 d2x2", SG_ERR_SHAPE},
            {"linear:train:f32 n1c4h8w8", SG_ERR_SHAPE},
            {"channel_scale:train:f32", SG_ERR_SHAPE},
            {"channel_scale:train:f32 n1c4h8w8 x8", SG_ERR_SHAPE},
            {"max_pool:train:f32 n1c4h8w8 k2x2 s2x2 p2x2", SG_ERR_SHAPE},
            {"max_pool:train:f32 n1c4h8w8 k2x2 d2x2", SG_ERR_UNSUPPORTED},
            {"conv:train:f32 n1c4h8w8 o8 k3x3 relu", SG_ERR_UNSUPPORTED},
            {"conv:train:f32 n1c4h8w8 o8 k3x3 sum", SG_ERR_UNSUPPORTED},
            {"linear:infer:f32 n1c4 o8 sum", SG_ERR_UNSUPPORTED},
            {"conv:train:f32 n1c4h8w8 o4 k1x1 s1x1 p0x0 d1x1 g1 relu clip6", SG_ERR_UNSUPPORTED},
            {"relu:infer:f32 n1c4h8w8 clip-1", SG_ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sg_error err = SG_ERROR_INIT;
        sg_problem p = {.src_count = -7};
        sg_status status = sg_problem_parse(&p, cases[i].line, &err);
        if (status != cases[i].expected)
            fail_msg("\"%s\": %s (%s)", cases[i].line, sg_status_name(status), err.message);
        assert_int_equal(p.src_count, -7);
        assert_true(strlen(err.message) > 0);
    }
}

static void arguments_follow_the_pass(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_problem p;
    sg_shape shape, weight = sg_shape4(6, 2, 3, 5);
    assert_int_equal(sg_problem_parse(&p, "conv:train:f32 n2c4h9w9 o6 k3x5 g2", &err), SG_OK);
    assert_true(sg_problem_arg(&shape, &p, SG_ARG_WEIGHT));
    assert_true(sg_shape_equal(&shape, &weight));
    assert_false(sg_problem_arg(&shape, &p, SG_ARG_BIAS));
    assert_false(sg_problem_arg(&shape, &p, SG_ARG_DIFF_DST));
    p.pass = SG_PASS_BACKWARD_WEIGHTS;
    assert_true(sg_problem_arg(&shape, &p, SG_ARG_DIFF_WEIGHT));
    assert_true(sg_shape_equal(&shape, &weight));
    assert_false(sg_problem_arg(&shape, &p, SG_ARG_DIFF_SRC0));
    assert_int_equal(sg_problem_parse(&p, "concat:backward_data:f32 n2c4+3+2h9w9", &err), SG_OK);
    assert_true(sg_problem_arg(&shape, &p, SG_ARG_DIFF_SRC0 + 2));
    assert_int_equal(shape.dims[1], 2);
    assert_false(sg_problem_arg(&shape, &p, SG_ARG_DIFF_SRC0 + 3));
    assert_int_equal(sg_problem_parse(&p, "add:backward_data:f32 n2c4h9w9 x2", &err), SG_OK);
    assert_false(sg_problem_has_pass(&p));
}

static void registry_knows_its_backends(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_backend *backend = NULL;
    for (const char *const *name = sg_backend_names(); *name; name++) {
        assert_int_equal(sg_backend_create(&backend, *name, NULL, &err), SG_OK);
        assert_string_equal(backend->ops->name, *name);
        assert_non_null(strstr(backend->ops->describe(backend), "thread"));
        sg_backend_destroy(backend);
    }
    backend = NULL;
    assert_int_equal(sg_backend_create(&backend, "abacus", NULL, &err), SG_ERR_USAGE);
    assert_null(backend);
    assert_non_null(strstr(err.message, "abacus"));
    sg_backend_destroy(NULL);
    sg_primitive_destroy(NULL);
}

static void ref_layouts_are_interned_and_plain(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_backend *backend;
    const sg_layout *a, *b, *c;
    sg_shape shape = sg_shape4(2, 3, 4, 5), other = sg_shape4(2, 3, 5, 4);
    assert_int_equal(sg_backend_create(&backend, "ref", NULL, &err), SG_OK);
    assert_int_equal(backend->ops->plain_layout(&a, backend, &shape, SG_F32, &err), SG_OK);
    assert_int_equal(backend->ops->plain_layout(&b, backend, &shape, SG_F32, &err), SG_OK);
    assert_int_equal(backend->ops->plain_layout(&c, backend, &other, SG_F32, &err), SG_OK);
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    assert_true(a->plain && a->bytes == 480);

    sg_layout strange = {.shape = shape, .dtype = SG_F32, .bytes = 480};
    sg_wanted wanted = {.arg = {NULL}};
    sg_problem p;
    sg_primitive *primitive = NULL;
    assert_int_equal(sg_problem_parse(&p, "relu:infer:f32 n2c3h4w5", &err), SG_OK);
    wanted.arg[SG_ARG_SRC0] = &strange;
    assert_int_equal(
            sg_primitive_compile(&primitive, backend, &p, &wanted, NULL, &err), SG_ERR_UNSUPPORTED);
    p.dst = other;
    assert_int_equal(sg_primitive_compile(&primitive, backend, &p, NULL, NULL, &err), SG_ERR_SHAPE);
    p.dst = shape;
    p.dtype = SG_U8;
    assert_int_equal(
            sg_primitive_compile(&primitive, backend, &p, NULL, NULL, &err), SG_ERR_UNSUPPORTED);
    assert_null(primitive);
    sg_backend_destroy(backend);
}

static void ref_refuses_to_run_without_its_arguments(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_backend *backend;
    sg_problem p;
    sg_primitive *primitive;
    float src[2] = {-1, 2};
    void *args[SG_ARG_COUNT] = {[SG_ARG_SRC0] = src};
    assert_int_equal(sg_backend_create(&backend, "ref", NULL, &err), SG_OK);
    assert_int_equal(sg_problem_parse(&p, "relu:infer:f32 n1c2", &err), SG_OK);
    assert_int_equal(sg_primitive_compile(&primitive, backend, &p, NULL, NULL, &err), SG_OK);
    assert_int_equal(sg_primitive_execute(primitive, args, &err), SG_ERR_INTERNAL);
    args[SG_ARG_DST] = src;
    assert_int_equal(sg_primitive_execute(primitive, args, &err), SG_OK);
    assert_true(src[0] == 0 && src[1] == 2);
    sg_primitive_destroy(primitive);
    sg_backend_destroy(backend);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(text_reads_back_as_the_same_problem),
            cmocka_unit_test(text_is_as_documented),
            cmocka_unit_test(output_shapes_follow),
            cmocka_unit_test(nonsense_is_refused),
            cmocka_unit_test(arguments_follow_the_pass),
            cmocka_unit_test(registry_knows_its_backends),
            cmocka_unit_test(ref_layouts_are_interned_and_plain),
            cmocka_unit_test(ref_refuses_to_run_without_its_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
