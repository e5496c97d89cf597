/* Vector scaling against scipy, isotonic calibration against scikit-learn, cross-fitting.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/calibrator.h"

#include "support/check.h"
#include "support/stats_golden.h"

#include <math.h>
#include <stdio.h>

enum { ROWS = 520, CLASSES = 3 };
static uint32_t labels[ROWS];
static double logits[ROWS * CLASSES], vector[ROWS * CLASSES], isotonic[ROWS * CLASSES];

static int load_rows(void **state) {
    (void)state;
    sg_csv csv;
    stats_golden_open(&csv, "calibrator_rows.csv");
    assert_int_equal(csv.rows, ROWS);
    for (size_t r = 0; r < csv.rows; r++) {
        labels[r] = (uint32_t)stats_golden_number(&csv, r, "label");
        for (size_t k = 0; k < CLASSES; k++) {
            char name[16];
            snprintf(name, sizeof name, "z%u", (unsigned)k);
            logits[r * CLASSES + k] = stats_golden_number(&csv, r, name);
            snprintf(name, sizeof name, "vector%u", (unsigned)k);
            vector[r * CLASSES + k] = stats_golden_number(&csv, r, name);
            snprintf(name, sizeof name, "isotonic%u", (unsigned)k);
            isotonic[r * CLASSES + k] = stats_golden_number(&csv, r, name);
        }
    }
    sg_csv_dispose(&csv);
    return 0;
}

static void test_vector_scaling_equals_scipy(void **state) {
    (void)state;
    static const char *const cases[] = {"plain", "four", "binary"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        stats_case c;
        sg_vector_scaling v;
        sg_error err = SG_ERROR_INIT;
        char figure[16];
        stats_case_load(&c, cases[i]);
        CHECK_OK(sg_vector_scaling_fit(&v, c.logits, c.labels, c.n, c.classes, &err));
        for (size_t k = 0; k < c.classes; k++) {
            snprintf(figure, sizeof figure, "weight%u", (unsigned)k);
            stats_assert_close(v.weight[k], stats_golden_value("calibration.csv", cases[i], figure),
                    1e-9, figure);
            snprintf(figure, sizeof figure, "bias%u", (unsigned)k);
            stats_assert_close(v.bias[k], stats_golden_value("calibration.csv", cases[i], figure),
                    1e-9, figure);
        }
        stats_assert_close(v.nll_before,
                stats_golden_value("calibration.csv", cases[i], "nll_before"), 1e-12, "before");
        stats_assert_close(v.nll_after,
                stats_golden_value("calibration.csv", cases[i], "nll_after"), 1e-12, "after");
    }
}

/* A constant added to a row's logits says nothing and changes nothing. */
static void test_log_probabilities_give_the_same_model(void **state) {
    (void)state;
    static double p[ROWS * CLASSES], again[ROWS * CLASSES];
    sg_error err = SG_ERROR_INIT;
    sg_vector_scaling v;
    CHECK_OK(sg_vector_scaling_fit(&v, logits, labels, ROWS, CLASSES, &err));
    sg_vector_scaling_apply(&v, p, logits, ROWS);
    for (size_t i = 0; i < ROWS * CLASSES; i++) stats_assert_close(p[i], vector[i], 1e-9, "p");
    sg_calibration_softmax(again, logits, ROWS, CLASSES, 1);
    for (size_t i = 0; i < ROWS * CLASSES; i++) again[i] = log(again[i]);
    CHECK_OK(sg_vector_scaling_fit(&v, again, labels, ROWS, CLASSES, &err));
    sg_vector_scaling_apply(&v, again, again, ROWS);
    for (size_t i = 0; i < ROWS * CLASSES; i++) stats_assert_close(again[i], p[i], 1e-9, "p");
}

static void test_vector_scaling_needs_errors_and_every_class(void **state) {
    (void)state;
    const double sure[6] = {3, 0, 2, 1, 0, 3};
    const uint32_t right[3] = {0, 0, 1}, lacking[3] = {0, 0, 0};
    sg_vector_scaling v;
    sg_error err = SG_ERROR_INIT;
    CHECK_FAILS(
            sg_vector_scaling_fit(&v, sure, right, 3, 2, &err), SG_ERR_INPUT, "no finite optimum");
    CHECK_FAILS(sg_vector_scaling_fit(&v, sure, lacking, 3, 2, &err), SG_ERR_INPUT,
            "class 1 has no row");
}

static void test_isotonic_equals_scikit_learn(void **state) {
    (void)state;
    sg_csv csv;
    double x[128], y[128];
    size_t n = 0, asked = 0;
    sg_isotonic f;
    sg_error err = SG_ERROR_INIT;
    stats_golden_open(&csv, "isotonic.csv");
    for (size_t r = 0; r < csv.rows; r++) {
        if (strcmp(stats_golden_text(&csv, r, "kind"), "fit") != 0) continue;
        x[n] = stats_golden_number(&csv, r, "x");
        y[n++] = stats_golden_number(&csv, r, "y");
    }
    CHECK_OK(sg_isotonic_fit(&f, x, y, n, &err));
    for (size_t i = 1; i < f.count; i++) assert_true(f.x[i] > f.x[i - 1] && f.y[i] >= f.y[i - 1]);
    for (size_t r = n; r < csv.rows; r++, asked++)
        stats_assert_close(sg_isotonic_value(&f, stats_golden_number(&csv, r, "x")),
                stats_golden_number(&csv, r, "y"), 1e-12, "isotonic");
    assert_int_equal(asked, 71);
    sg_isotonic_dispose(&f);
    sg_csv_dispose(&csv);
    x[3] = INFINITY;
    CHECK_FAILS(sg_isotonic_fit(&f, x, y, n, &err), SG_ERR_INPUT, "row 3");
}

static void test_isotonic_calibrator(void **state) {
    (void)state;
    static double p[ROWS * CLASSES];
    sg_calibrator c;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_calibrator_fit(&c, SG_CALIBRATOR_ISOTONIC, logits, labels, ROWS, CLASSES, &err));
    sg_calibrator_apply(&c, p, logits, ROWS);
    sg_calibrator_dispose(&c);
    for (size_t i = 0; i < ROWS * CLASSES; i++) stats_assert_close(p[i], isotonic[i], 1e-9, "p");
    CHECK_FAILS(sg_calibrator_fit(&c, SG_CALIBRATOR_ISOTONIC, logits, labels, 499, CLASSES, &err),
            SG_ERR_INPUT, "at least 500 images, but there are 499");
}

static void test_crossfitting_never_sees_its_own_fold(void **state) {
    (void)state;
    static double p[ROWS * CLASSES], again[ROWS * CLASSES], by_hand[ROWS * CLASSES];
    static uint32_t folds[ROWS], changed[ROWS];
    sg_error err = SG_ERROR_INIT;
    for (size_t i = 0; i < ROWS; i++) folds[i] = i < 300 ? 7 : 2;
    CHECK_OK(sg_calibrator_crossfit(
            p, SG_CALIBRATOR_VECTOR, logits, labels, folds, ROWS, CLASSES, &err));
    sg_calibrator c;
    CHECK_OK(sg_calibrator_fit(
            &c, SG_CALIBRATOR_VECTOR, logits + 300 * CLASSES, labels + 300, 220, CLASSES, &err));
    sg_calibrator_apply(&c, by_hand, logits, 300);
    sg_calibrator_dispose(&c);
    assert_memory_equal(p, by_hand, 300 * CLASSES * sizeof *p);
    /* Other labels in a fold change the other fold's probabilities only. */
    for (size_t i = 0; i < ROWS; i++) changed[i] = i < 300 ? (labels[i] + 1) % CLASSES : labels[i];
    CHECK_OK(sg_calibrator_crossfit(
            again, SG_CALIBRATOR_VECTOR, logits, changed, folds, ROWS, CLASSES, &err));
    assert_memory_equal(p, again, 300 * CLASSES * sizeof *p);
    assert_true(p[300 * CLASSES] != again[300 * CLASSES]);
    CHECK_FAILS(sg_calibrator_crossfit(
                        p, SG_CALIBRATOR_ISOTONIC, logits, labels, folds, ROWS, CLASSES, &err),
            SG_ERR_INPUT, "without fold 7");
    memset(folds, 0, sizeof folds);
    CHECK_FAILS(sg_calibrator_crossfit(
                        p, SG_CALIBRATOR_NONE, logits, labels, folds, ROWS, CLASSES, &err),
            SG_ERR_INPUT, "two folds");
}

static void test_kinds_have_names(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    for (int k = SG_CALIBRATOR_NONE; k <= SG_CALIBRATOR_ISOTONIC; k++) {
        sg_calibrator_kind kind;
        const char *name = sg_calibrator_kind_name((sg_calibrator_kind)k);
        CHECK_OK(sg_calibrator_kind_parse(&kind, name, &err));
        assert_int_equal(kind, k);
    }
    sg_calibrator_kind kind;
    CHECK_FAILS(sg_calibrator_kind_parse(&kind, "platt", &err), SG_ERR_USAGE, "temperature");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_vector_scaling_equals_scipy),
            cmocka_unit_test(test_log_probabilities_give_the_same_model),
            cmocka_unit_test(test_vector_scaling_needs_errors_and_every_class),
            cmocka_unit_test(test_isotonic_equals_scikit_learn),
            cmocka_unit_test(test_isotonic_calibrator),
            cmocka_unit_test(test_crossfitting_never_sees_its_own_fold),
            cmocka_unit_test(test_kinds_have_names),
    };
    return cmocka_run_group_tests(tests, load_rows, NULL);
}
