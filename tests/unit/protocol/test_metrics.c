/* test_metrics.c - figures of predictions: folds ranked by their own model, the right interval for
 * the grouping, and the document that other programs read. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/metrics.h"
#include "support/check.h"
#include <math.h>

enum { ROWS = 8 };

/* Two folds of two classes. Inside each fold the ranking is perfect; fold 1 scores all lower, so
 * the pooled ranking is not. */
static sg_prediction_row rows[ROWS];
static double values[ROWS][4];
static char *classes[2] = {"benign", "malignant"};
static char *groups[ROWS] = {"a", "b", "c", "d", "e", "f", "g", "h"};

static sg_predictions make_table(bool shared_group) {
    static const double malignant[ROWS] = {0.6, 0.7, 0.8, 0.9, 0.1, 0.2, 0.3, 0.4};
    for (int i = 0; i < ROWS; i++) {
        values[i][0] = 1 - malignant[i];
        values[i][1] = malignant[i];
        rows[i] = (sg_prediction_row){.path = groups[i],
                .group = shared_group && i == 1 ? groups[0] : groups[i],
                .split = "test",
                .fold = i / 4,
                .label = i % 4 >= 2,
                .predicted = malignant[i] > 0.5,
                .p = values[i],
                .logit = values[i] + 2};
    }
    return (sg_predictions){
            .rows = rows, .count = ROWS, .classes = classes, .class_count = 2, .folds = 2};
}

static void test_auroc_is_averaged_over_folds(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_predictions p = make_table(false);
    sg_metrics m;
    CHECK_OK(sg_metrics_measure(&m, &p, 200, &err));
    assert_true(m.auroc_macro == 1.0);
    assert_true(fabs(m.auroc_macro_pooled - 0.75) < 1e-12);
    assert_int_equal(m.fold_count, 2);
    assert_true(m.folds[1].auroc_macro == 1.0);
    sg_metrics_dispose(&m);
}

/* Fold 0 calls all malignant, fold 1 none: 4 of 8 right, 2 of 4 malignancies found. */
static void test_wilson_where_rows_are_independent(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_predictions p = make_table(false);
    sg_metrics m;
    CHECK_OK(sg_metrics_measure(&m, &p, 200, &err));
    sg_interval wilson = sg_interval_wilson(4, 8, 0.95);
    assert_true(m.wilson);
    assert_true(m.c.accuracy == 0.5);
    assert_true(m.accuracy_interval.low == wilson.low && m.accuracy_interval.high == wilson.high);
    assert_int_equal(m.malignant, 1);
    assert_true(m.malignant_rest.sensitivity == 0.5);
    /* One figure, one interval: sensitivity is the recall of that class. */
    wilson = sg_interval_wilson(2, 4, 0.95);
    assert_true(m.sensitivity_interval.low == wilson.low);
    assert_true(m.boot.recall[1].bca.low == wilson.low);
    assert_true(m.boot.specificity[1].bca.high == m.specificity_interval.high);
    assert_true(m.boot.precision[1].bca.high == wilson.high);
    sg_metrics_dispose(&m);
}

/* All three groups of class 0 are right, one of them twice over: 3 of 3, not 4 of 4, and no less
 * than an interval because every draw agrees. */
static void test_a_perfect_share_has_an_interval(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_predictions p = make_table(true);
    for (int i = 0; i < ROWS; i++) rows[i].predicted = rows[i].label ? i % 2 : 0;
    sg_metrics m;
    CHECK_OK(sg_metrics_measure(&m, &p, 200, &err));
    sg_interval wilson = sg_interval_wilson(3, 3, 0.95);
    assert_false(m.wilson);
    assert_true(m.c.per_class[0].recall == 1);
    assert_true(m.boot.recall[0].bca.low == wilson.low && m.boot.recall[0].bca.high == 1);
    assert_true(m.specificity_interval.low == wilson.low);
    sg_metrics_dispose(&m);
}

static void test_groups_take_the_bootstrap(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_predictions p = make_table(true);
    sg_metrics m;
    CHECK_OK(sg_metrics_measure(&m, &p, 200, &err));
    assert_false(m.wilson);
    assert_int_equal(m.groups, ROWS - 1);
    assert_int_equal(m.largest_group, 2);
    sg_metrics_dispose(&m);
}

static void test_document_has_the_promised_keys(void **state) {
    (void)state;
    static const char *const keys[] = {"n", "classes", "accuracy", "accuracy_ci", "precision_macro",
            "recall_macro", "macro_f1", "auroc_macro", "per_class", "sensitivity_malignant",
            "specificity_malignant", "confusion", "split_unit", "initialisation"};
    sg_error err = SG_ERROR_INIT;
    sg_predictions p = make_table(false);
    p.models = json_array();
    sg_metrics m;
    CHECK_OK(sg_metrics_measure(&m, &p, 200, &err));
    json_t *document = sg_metrics_to_json(&m, &p);
    assert_non_null(document);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!json_object_get(document, keys[i])) fail_msg("metrics.json lacks %s", keys[i]);
    const json_t *truth = json_array_get(json_object_get(document, "confusion"), 1);
    assert_int_equal(json_integer_value(json_array_get(truth, 0)), 2);
    json_decref(document);
    json_decref(p.models);
    sg_metrics_dispose(&m);
}

static void test_no_rows_are_refused(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_predictions p = make_table(false);
    p.count = 0;
    sg_metrics m;
    CHECK_FAILS(sg_metrics_measure(&m, &p, 200, &err), SG_ERR_INPUT, "no predictions");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_auroc_is_averaged_over_folds),
            cmocka_unit_test(test_wilson_where_rows_are_independent),
            cmocka_unit_test(test_a_perfect_share_has_an_interval),
            cmocka_unit_test(test_groups_take_the_bootstrap),
            cmocka_unit_test(test_document_has_the_promised_keys),
            cmocka_unit_test(test_no_rows_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
