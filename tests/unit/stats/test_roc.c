/* Areas, curves and average precision against scikit-learn's, to 1e-12.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/roc.h"

#include "support/stats_golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void take_column(const stats_case *c, size_t k, double *scores, uint8_t *positive) {
    for (size_t i = 0; i < c->n; i++) {
        scores[i] = c->probabilities[i * c->classes + k];
        positive[i] = c->labels[i] == k;
    }
}

static void test_areas_equal_scikit_learn(void **state) {
    (void)state;
    for (const char *const *name = stats_case_names; *name; name++) {
        stats_case c;
        double macro, area[STATS_CASE_CLASSES_MAX], precision;
        double scores[STATS_CASE_ROWS_MAX];
        uint8_t positive[STATS_CASE_ROWS_MAX];
        stats_case_load(&c, *name);
        assert_int_equal(
                sg_roc_one_vs_rest(&macro, area, c.probabilities, c.labels, c.n, c.classes, NULL),
                SG_OK);
        stats_assert_close(macro, stats_case_figure(*name, "auroc_macro", -1), 1e-12, *name);
        for (size_t k = 0; k < c.classes; k++) {
            stats_assert_close(area[k], stats_case_figure(*name, "auroc", (int)k), 1e-12, *name);
            take_column(&c, k, scores, positive);
            assert_int_equal(sg_average_precision(&precision, scores, positive, c.n, NULL), SG_OK);
            stats_assert_close(
                    precision, stats_case_figure(*name, "average_precision", (int)k), 1e-12, *name);
        }
    }
}

/* scikit-learn leaves our starting point out of the golden file: it depends on its version. */
static void check_curve(const sg_csv *csv, size_t *row, const char *kind, size_t k) {
    stats_case c;
    double scores[STATS_CASE_ROWS_MAX];
    uint8_t positive[STATS_CASE_ROWS_MAX];
    sg_curve curve;
    stats_case_load(&c, stats_golden_text(csv, *row, "case"));
    take_column(&c, k, scores, positive);
    bool roc = strcmp(kind, "roc") == 0;
    assert_int_equal(
            (roc ? sg_roc_curve : sg_precision_recall_curve)(&curve, scores, positive, c.n, NULL),
            SG_OK);
    assert_true(curve.x[0] == 0 && curve.y[0] == (roc ? 0 : 1) && isinf(curve.threshold[0]));
    assert_true(curve.x[curve.count - 1] == 1);
    for (size_t i = 1; i < curve.count; i++, ++*row) {
        assert_string_equal(stats_golden_text(csv, *row, "kind"), kind);
        stats_assert_close(curve.x[i], stats_golden_number(csv, *row, "x"), 1e-12, "x");
        stats_assert_close(curve.y[i], stats_golden_number(csv, *row, "y"), 1e-12, "y");
        stats_assert_close(
                curve.threshold[i], stats_golden_number(csv, *row, "threshold"), 0, "threshold");
    }
    sg_curve_dispose(&curve);
}

static void test_curves_equal_scikit_learn(void **state) {
    (void)state;
    sg_csv csv;
    size_t row = 0, curves = 0;
    stats_golden_open(&csv, "curves.csv");
    for (; row < csv.rows; curves++)
        check_curve(&csv, &row, stats_golden_text(&csv, row, "kind"),
                (size_t)stats_golden_number(&csv, row, "class"));
    assert_int_equal(curves, 14);
    sg_csv_dispose(&csv);
}

static void test_ties_count_half(void **state) {
    (void)state;
    const double scores[4] = {1, 1, 1, 1};
    const uint8_t positive[4] = {1, 0, 0, 1};
    double area;
    assert_int_equal(sg_roc_auc(&area, scores, positive, 4, NULL), SG_OK);
    assert_true(area == 0.5);
}

static void test_one_sided_and_nan_input(void **state) {
    (void)state;
    double scores[3] = {0.1, 0.2, 0.3}, area = 0;
    const uint8_t none[3] = {0, 0, 0}, some[3] = {0, 1, 0};
    sg_curve curve;
    sg_error err = SG_ERROR_INIT;
    assert_int_equal(sg_roc_auc(&area, scores, none, 3, NULL), SG_OK);
    assert_true(isnan(area));
    assert_int_equal(sg_roc_curve(&curve, scores, none, 3, &err), SG_ERR_INPUT);
    assert_int_equal(sg_precision_recall_curve(&curve, scores, none, 3, &err), SG_ERR_INPUT);
    scores[1] = NAN;
    assert_int_equal(sg_roc_auc(&area, scores, some, 3, &err), SG_ERR_INPUT);
    assert_non_null(strstr(err.message, "row 1"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_areas_equal_scikit_learn),
            cmocka_unit_test(test_curves_equal_scikit_learn),
            cmocka_unit_test(test_ties_count_half),
            cmocka_unit_test(test_one_sided_and_nan_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
