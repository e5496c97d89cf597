/* Figures of hard decisions against scikit-learn's, to 1e-12, ties and missing classes included.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/classification.h"

#include "support/stats_golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void check_case(const char *name) {
    stats_case c;
    sg_classification f;
    stats_case_load(&c, name);
    assert_int_equal(
            sg_classification_measure(&f, c.labels, c.predicted, c.n, c.classes, NULL), SG_OK);
    const struct {
        const char *name;
        double value;
    } scalar[] = {{"accuracy", f.accuracy}, {"balanced_accuracy", f.balanced_accuracy},
            {"precision_macro", f.precision_macro}, {"recall_macro", f.recall_macro},
            {"f1_macro", f.f1_macro}};
    for (size_t i = 0; i < sizeof scalar / sizeof *scalar; i++)
        stats_assert_close(scalar[i].value, stats_case_figure(name, scalar[i].name, -1), 1e-12,
                scalar[i].name);
    for (size_t k = 0; k < c.classes; k++) {
        const sg_class_figures *p = &f.per_class[k];
        int kk = (int)k;
        stats_assert_close(p->precision, stats_case_figure(name, "precision", kk), 1e-12, name);
        stats_assert_close(p->recall, stats_case_figure(name, "recall", kk), 1e-12, name);
        stats_assert_close(p->f1, stats_case_figure(name, "f1", kk), 1e-12, name);
        stats_assert_close(p->specificity, stats_case_figure(name, "specificity", kk), 1e-12, name);
        for (size_t j = 0; j < c.classes; j++)
            assert_int_equal(f.confusion[k][j],
                    (int)stats_case_figure(name, "confusion", (int)(k * c.classes + j)));
    }
}

static void test_figures_equal_scikit_learn(void **state) {
    (void)state;
    for (const char *const *name = stats_case_names; *name; name++) check_case(*name);
}

static void test_decision_takes_the_first_of_tied_classes(void **state) {
    (void)state;
    for (const char *const *name = stats_case_names; *name; name++) {
        stats_case c;
        uint32_t predicted[STATS_CASE_ROWS_MAX];
        stats_case_load(&c, *name);
        assert_int_equal(
                sg_classification_decide(predicted, c.probabilities, c.n, c.classes, NULL), SG_OK);
        assert_memory_equal(predicted, c.predicted, c.n * sizeof *predicted);
    }
}

static void test_one_class_against_the_rest(void **state) {
    (void)state;
    /* truth 0: 5 3 0, truth 1: 1 8 1, truth 2: 0 0 2 */
    static const size_t confusion[3][3] = {{5, 3, 0}, {1, 8, 1}, {0, 0, 2}};
    uint32_t labels[20], predicted[20];
    size_t n = 0;
    for (uint32_t i = 0; i < 3; i++)
        for (uint32_t j = 0; j < 3; j++)
            for (size_t r = 0; r < confusion[i][j]; r++, n++) {
                labels[n] = i;
                predicted[n] = j;
            }
    sg_classification f;
    assert_int_equal(sg_classification_measure(&f, labels, predicted, n, 3, NULL), SG_OK);
    sg_binary_figures b = sg_classification_against_rest(&f, 1);
    assert_int_equal(b.true_positive, 8);
    assert_int_equal(b.false_negative, 2);
    assert_int_equal(b.false_positive, 3);
    assert_int_equal(b.true_negative, 7);
    stats_assert_close(b.sensitivity, 0.8, 1e-15, "sensitivity");
    stats_assert_close(b.specificity, 0.7, 1e-15, "specificity");
}

static void test_bad_rows_are_named(void **state) {
    (void)state;
    sg_classification f;
    sg_error err = SG_ERROR_INIT;
    uint32_t labels[3] = {0, 1, 7}, predicted[3] = {0, 0, 0};
    assert_int_equal(sg_classification_measure(&f, labels, predicted, 3, 3, &err), SG_ERR_INPUT);
    assert_non_null(strstr(err.message, "row 2"));
    assert_int_equal(sg_classification_measure(&f, labels, predicted, 0, 3, &err), SG_ERR_INPUT);
    assert_int_equal(sg_classification_measure(&f, labels, predicted, 2, 99, &err), SG_ERR_INPUT);
    double scores[6] = {0.5, 0.5, 0.2, 0.8, NAN, 1};
    assert_int_equal(sg_classification_decide(predicted, scores, 3, 2, &err), SG_ERR_INPUT);
    assert_non_null(strstr(err.message, "row 2"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_figures_equal_scikit_learn),
            cmocka_unit_test(test_decision_takes_the_first_of_tied_classes),
            cmocka_unit_test(test_one_class_against_the_rest),
            cmocka_unit_test(test_bad_rows_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
