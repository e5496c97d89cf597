/* test_difference.c - paired and part-paired differences of two sets of predictions.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "protocol/difference.h"
#include <math.h>
#include <stdlib.h>

enum { ROWS = 10, DRAWS = 500 };

static char *classes[2] = {"benign", "malignant"};
static char *paths[ROWS] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
static const int truth[ROWS] = {0, 0, 0, 0, 0, 1, 1, 1, 1, 1};

/* said[ROWS]; -1 leaves the image out. Rows are laid down backwards: order must not matter. */
static sg_predictions make(sg_prediction_row *rows, const int *said) {
    sg_predictions p = {.rows = rows, .classes = classes, .class_count = 2};
    for (int i = ROWS - 1; i >= 0; i--)
        if (said[i] >= 0)
            rows[p.count++] = (sg_prediction_row){.path = paths[i],
                    .group = paths[i],
                    .fold = -1,
                    .label = truth[i],
                    .predicted = said[i]};
    return p;
}

static void test_paired_figures_by_hand(void **state) {
    (void)state;
    static const int a[ROWS] = {0, 0, 0, 1, 1, 1, 1, 0, 0, 0}; /* 5 of 10, 2 of 5 found */
    static const int b[ROWS] = {0, 0, 0, 0, 1, 1, 1, 1, 1, 0}; /* 8 of 10, 4 of 5 found */
    sg_prediction_row rows_a[ROWS], rows_b[ROWS];
    sg_predictions base = make(rows_a, a), other = make(rows_b, b);
    sg_error err = SG_ERROR_INIT;
    sg_difference d;
    CHECK_OK(sg_difference_measure(&d, &base, &other, DRAWS, &err));
    assert_int_equal(d.shared, ROWS);
    assert_int_equal(d.groups, ROWS);
    assert_int_equal(d.only_base + d.only_other, 0);
    assert_true(fabs(d.accuracy.difference - 0.3) < 1e-12);
    assert_true(fabs(d.sensitivity.difference - 0.4) < 1e-12);
    /* base: F1 2*3/(5+6), 2*2/(5+4); other: 2*4/(5+5), 2*4/(5+5) */
    assert_true(fabs(d.macro_f1.base - 0.5 * (6.0 / 11 + 4.0 / 9)) < 1e-12);
    assert_true(fabs(d.macro_f1.other - 0.8) < 1e-12);
    assert_int_equal(d.gained, 3);
    assert_int_equal(d.lost, 0);
    assert_true(fabs(d.p - 0.25) < 1e-12); /* two of eight sign patterns are as extreme */
    assert_true(d.accuracy.interval.low < 0.3 && d.accuracy.interval.high > 0.3);
}

static void test_signs_flip_group_by_group(void **state) {
    (void)state;
    static const int a[ROWS] = {0, 0, 0, 1, 1, 1, 1, 0, 0, 0};
    static const int b[ROWS] = {0, 0, 0, 0, 1, 1, 1, 1, 1, 0};
    sg_prediction_row rows_a[ROWS], rows_b[ROWS];
    sg_predictions base = make(rows_a, a), other = make(rows_b, b);
    sg_error err = SG_ERROR_INIT;
    sg_difference d;
    for (int i = 0; i < ROWS; i++) /* h and i, both gained, are one patient */
        if (rows_a[i].path == paths[8]) rows_a[i].group = rows_b[i].group = paths[7];
    CHECK_OK(sg_difference_measure(&d, &base, &other, DRAWS, &err));
    assert_int_equal(d.groups, ROWS - 1);
    assert_true(fabs(d.p - 0.5) < 1e-12); /* +3, +1, -1, -3: two of four are as extreme */
}

static void test_images_of_one_side_count_there_alone(void **state) {
    (void)state;
    static const int a[ROWS] = {0, 0, 0, 0, 1, 1, 1, 1, 0, 0};     /* 7 of 10 */
    static const int b[ROWS] = {0, 0, -1, -1, -1, 1, 1, 1, 0, -1}; /* 5 of 6 */
    sg_prediction_row rows_a[ROWS], rows_b[ROWS];
    sg_predictions base = make(rows_a, a), other = make(rows_b, b);
    sg_error err = SG_ERROR_INIT;
    sg_difference d;
    CHECK_OK(sg_difference_measure(&d, &base, &other, DRAWS, &err));
    assert_int_equal(d.shared, 6);
    assert_int_equal(d.only_base, 4);
    assert_int_equal(d.only_other, 0);
    assert_true(fabs(d.accuracy.difference - (5.0 / 6 - 0.7)) < 1e-12);
    assert_true(d.gained + d.lost == 0 && d.p == 1); /* c and d, right there alone, say nothing */
    CHECK_OK(sg_difference_measure(&d, &other, &base, DRAWS, &err));
    assert_int_equal(d.only_other, 4);
    assert_true(fabs(d.accuracy.difference + (5.0 / 6 - 0.7)) < 1e-12);
    assert_true(d.gained + d.lost == 0 && d.p == 1);
}

static void test_equal_sides_have_no_interval(void **state) {
    (void)state;
    static const int a[ROWS] = {0, 0, 1, 1, 1, 1, 1, 1, 0, 0};
    sg_prediction_row rows_a[ROWS], rows_b[ROWS];
    sg_predictions base = make(rows_a, a), other = make(rows_b, a);
    sg_error err = SG_ERROR_INIT;
    sg_difference d;
    CHECK_OK(sg_difference_measure(&d, &base, &other, DRAWS, &err));
    assert_true(d.accuracy.difference == 0 && isnan(d.accuracy.interval.low));
    assert_true(d.p == 1);
}

static void test_shared_rows_in_order(void **state) {
    (void)state;
    static const int a[ROWS] = {0, -1, 1, 1, -1, 1, 1, 1, 0, 0};
    static const int b[ROWS] = {0, 0, -1, 1, -1, 1, 1, 1, 0, 0};
    sg_prediction_row rows_a[ROWS], rows_b[ROWS];
    sg_predictions base = make(rows_a, a), other = make(rows_b, b);
    sg_error err = SG_ERROR_INIT;
    sg_shared_row *rows;
    size_t n;
    CHECK_OK(sg_difference_shared(&rows, &n, &base, &other, &err));
    assert_int_equal(n, 7);
    assert_string_equal(rows[1].base->path, "d");
    for (size_t i = 0; i < n; i++) assert_string_equal(rows[i].base->path, rows[i].other->path);
    free(rows);
}

static void test_other_classes_are_refused(void **state) {
    (void)state;
    static const int a[ROWS] = {0, 0, 1, 1, 1, 1, 1, 1, 0, 0};
    static char *others[2] = {"benign", "cancer"};
    sg_prediction_row rows_a[ROWS], rows_b[ROWS];
    sg_predictions base = make(rows_a, a), other = make(rows_b, a);
    sg_error err = SG_ERROR_INIT;
    sg_difference d;
    other.classes = others;
    CHECK_FAILS(sg_difference_measure(&d, &base, &other, DRAWS, &err), SG_ERR_INPUT, "classes");
    other = make(rows_b, a);
    other.count = 0;
    CHECK_FAILS(sg_difference_measure(&d, &base, &other, DRAWS, &err), SG_ERR_INPUT, "no pred");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_paired_figures_by_hand),
            cmocka_unit_test(test_signs_flip_group_by_group),
            cmocka_unit_test(test_images_of_one_side_count_there_alone),
            cmocka_unit_test(test_equal_sides_have_no_interval),
            cmocka_unit_test(test_shared_rows_in_order),
            cmocka_unit_test(test_other_classes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
