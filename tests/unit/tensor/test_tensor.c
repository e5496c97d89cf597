/* test_tensor.c - shapes from hostile files, element types, conversion to float.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"
#include "tensor/tensor.h"
#include <math.h>

static void elements_are_counted_without_overflow(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    int64_t n = 77;
    sg_shape scalar = {0}, normal = sg_shape4(2, 3, 5, 7), empty = sg_shape4(2, 0, 5, 7);
    CHECK_OK(sg_shape_elements(&n, &scalar, &err));
    assert_int_equal(n, 1);
    CHECK_OK(sg_shape_elements(&n, &normal, &err));
    assert_int_equal(n, 210);
    assert_int_equal(sg_shape_count(&normal), 210);
    CHECK_OK(sg_shape_elements(&n, &empty, &err));
    assert_int_equal(n, 0);
    const int64_t at_edge[] = {INT64_MAX, 2}, behind_zero[] = {0, INT64_MAX, INT64_MAX};
    sg_shape negative = sg_shape4(1, -1, 1, 1), edge = sg_shape_of(2, at_edge);
    sg_shape huge = sg_shape4(1 << 20, 1 << 20, 1 << 20, 1 << 20), ranks = {.rank = 99};
    sg_shape hidden = sg_shape_of(3, behind_zero);
    n = 77;
    CHECK_FAILS(sg_shape_elements(&n, &negative, &err), SG_ERR_SHAPE, "[1, -1, 1, 1]");
    CHECK_FAILS(sg_shape_elements(&n, &huge, &err), SG_ERR_SHAPE, "more elements");
    CHECK_FAILS(sg_shape_elements(&n, &edge, &err), SG_ERR_SHAPE, "more elements");
    CHECK_FAILS(sg_shape_elements(&n, &hidden, &err), SG_ERR_SHAPE, "more elements");
    CHECK_FAILS(sg_shape_elements(&n, &ranks, &err), SG_ERR_SHAPE, "99");
    assert_int_equal(n, 77);
}

static void shapes_are_told_and_compared(void **state) {
    (void)state;
    char text[SG_SHAPE_TEXT];
    sg_shape a = sg_shape4(64, 3, 7, 7), b = a, scalar = {0};
    assert_string_equal(sg_shape_text(text, &a), "[64, 3, 7, 7]");
    assert_string_equal(sg_shape_text(text, &scalar), "[]");
    int64_t longest[SG_MAX_RANK];
    for (int i = 0; i < SG_MAX_RANK; i++) longest[i] = INT64_MIN;
    sg_shape wide = sg_shape_of(SG_MAX_RANK, longest);
    assert_true(strlen(sg_shape_text(text, &wide)) < SG_SHAPE_TEXT);
    assert_true(sg_shape_equal(&a, &b));
    b.dims[3] = 8;
    assert_false(sg_shape_equal(&a, &b));
    b = sg_shape_of(3, a.dims);
    assert_false(sg_shape_equal(&a, &b));
}

static void names_of_types_go_both_ways(void **state) {
    (void)state;
    sg_dtype back;
    for (int i = 0; i < SG_DTYPE_COUNT; i++) {
        assert_true(sg_dtype_from_name(&back, sg_dtype_name((sg_dtype)i)));
        assert_int_equal(back, i);
        assert_true(sg_dtype_size((sg_dtype)i) > 0);
    }
    assert_false(sg_dtype_from_name(&back, "f32"));
    assert_int_equal(sg_dtype_size(SG_DTYPE_COUNT), 0);
}

static void storage_is_zeroed_aligned_and_refused_when_absurd(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_tensor t;
    sg_shape shape = sg_shape4(1, 3, 5, 7), empty = sg_shape4(0, 3, 5, 7);
    CHECK_OK(sg_tensor_create(&t, SG_F32, &shape, &err));
    assert_true(t.owned);
    assert_int_equal((uintptr_t)t.data % 64, 0);
    for (int i = 0; i < 105; i++) assert_true(((float *)t.data)[i] == 0);
    sg_tensor_dispose(&t);
    assert_null(t.data);
    sg_tensor_dispose(NULL);
    CHECK_OK(sg_tensor_create(&t, SG_F32, &empty, &err));
    assert_non_null(t.data);
    sg_tensor_dispose(&t);
    sg_shape absurd = sg_shape4(1 << 2, 1 << 20, 1 << 20, 1 << 20);
    CHECK_FAILS(sg_tensor_create(&t, SG_F64, &absurd, &err), SG_ERR_MEMORY, "F64");
}

static void everything_converts_to_float(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    const int64_t three[] = {3};
    float out[3];
    double f64[] = {1, -5, 0x1p-24};
    uint16_t f16[] = {0x3C00, 0xC500, 0x0001}, bf16[] = {0x3F80, 0xC0A0, 0x3380};
    int64_t i64[] = {1, -5, 0};
    int32_t i32[] = {1, -5, 0};
    int16_t i16[] = {1, -5, 0};
    int8_t i8[] = {1, -5, 0};
    uint8_t u8[] = {1, 251, 0};
    const struct {
        sg_dtype dtype;
        void *data;
        float expected[3];
    } cases[] = {
            {SG_F64, f64, {1, -5, 0x1p-24f}},
            {SG_F16, f16, {1, -5, 0x1p-24f}},
            {SG_BF16, bf16, {1, -5, 0x1p-24f}},
            {SG_I64, i64, {1, -5, 0}},
            {SG_I32, i32, {1, -5, 0}},
            {SG_I16, i16, {1, -5, 0}},
            {SG_I8, i8, {1, -5, 0}},
            {SG_U8, u8, {1, 251, 0}},
            {SG_BOOL, u8, {1, 251, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sg_tensor t = {
                .dtype = cases[i].dtype, .shape = sg_shape_of(1, three), .data = cases[i].data};
        CHECK_OK(sg_tensor_to_f32(out, &t, &err));
        assert_memory_equal(out, cases[i].expected, sizeof out);
    }
    uint16_t special[] = {0x7C00, 0xFE00, 0x8000}; /* infinity, NaN, -0 */
    sg_tensor t = {.dtype = SG_F16, .shape = sg_shape_of(1, three), .data = special};
    CHECK_OK(sg_tensor_to_f32(out, &t, &err));
    assert_true(isinf(out[0]) && isnan(out[1]) && out[2] == 0 && signbit(out[2]));
    t.dtype = SG_DTYPE_COUNT;
    CHECK_FAILS(sg_tensor_to_f32(out, &t, &err), SG_ERR_UNSUPPORTED, "unknown element type");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(elements_are_counted_without_overflow),
            cmocka_unit_test(shapes_are_told_and_compared),
            cmocka_unit_test(names_of_types_go_both_ways),
            cmocka_unit_test(storage_is_zeroed_aligned_and_refused_when_absurd),
            cmocka_unit_test(everything_converts_to_float),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
