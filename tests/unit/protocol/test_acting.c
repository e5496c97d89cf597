/* test_acting.c - thresholds and sets come from rows that are not judged with them, whatever the
 * layout; scores moved to a prevalence; parts of the images. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/acting.h"
#include "protocol/strata.h"
#include "support/check.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 40, VALIDATION = 20 };
static sg_prediction_row rows[ROWS], validation_rows[VALIDATION];
static double values[ROWS][4], validation_values[VALIDATION][4];
static char names[ROWS][8];
static char *classes[2] = {"benign", "malignant"};

static void fill(sg_prediction_row *row, double *block, int i, int fold, double malignant) {
    (void)snprintf(names[i], sizeof names[i], "r%d", i);
    block[0] = 1 - malignant;
    block[1] = malignant;
    *row = (sg_prediction_row){.path = names[i],
            .group = names[i],
            .split = "test",
            .fold = fold,
            .label = i % 2,
            .predicted = malignant > 0.5,
            .width = 100 + i,
            .height = 100 + i,
            .brightness = i,
            .p = block,
            .logit = block + 2};
}

/* Even rows are benign with low scores, odd ones malignant with high ones, and they overlap. Fold 1
 * scores all 0.3 lower than fold 0. */
static sg_predictions make_folds(void) {
    for (int i = 0; i < ROWS; i++) {
        int fold = i >= ROWS / 2;
        fill(&rows[i], values[i], i, fold, 0.35 + 0.01 * (i % 20) + 0.25 * (i % 2) - 0.3 * fold);
    }
    return (sg_predictions){
            .rows = rows, .count = ROWS, .classes = classes, .class_count = 2, .folds = 2};
}

static void test_thresholds_come_from_the_other_folds(void **state) {
    (void)state;
    sg_predictions p = make_folds();
    sg_acting a;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_acting_measure(&a, &p, NULL, NAN, 200, &err));
    assert_int_equal(a.reference, SG_REFERENCE_OTHER_FOLDS);
    assert_int_equal(a.reference_rows, ROWS / 2);
    assert_int_equal(a.point_count, SG_ACTING_POINTS);
    /* fold 0 gets fold 1's threshold, 0.3 too low: all positive; fold 1 the opposite */
    assert_true(fabs(a.points[0].threshold_high - a.points[0].threshold_low - 0.3) < 1e-9);
    assert_true(a.points[0].figures.sensitivity.value == 0.5);
    assert_true(a.points[0].figures.specificity.value < 0.9);
    assert_true(a.has_sets);
    assert_true(isnan(a.prevalence) && a.points[0].figures.prevalence == 0.5);
    json_t *document = sg_acting_to_json(&a, &p);
    assert_string_equal(
            json_string_value(json_object_get(document, "reference")), "the other folds");
    json_decref(document);
    sg_acting_dispose(&a);
}

/* Two runs of two like folds, on the same images; run 1 scores all 0.3 lower. */
static void test_thresholds_come_from_the_same_run(void **state) {
    (void)state;
    sg_predictions p = make_folds();
    for (int i = 0; i < ROWS; i++) {
        int run = i / (ROWS / 2), image = i % (ROWS / 2);
        fill(&rows[i], values[i], i, image / 10,
                0.35 + 0.02 * (i % 10) + 0.25 * (i % 2) - 0.3 * run);
        rows[i].run = run;
        rows[i].path = rows[i].group = names[image];
    }
    p.runs = 2;
    sg_acting a;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_acting_measure(&a, &p, NULL, NAN, 200, &err));
    assert_int_equal(a.reference, SG_REFERENCE_OTHER_FOLDS);
    assert_int_equal(a.reference_rows, ROWS / 4);
    assert_true(fabs(a.points[0].threshold_high - a.points[0].threshold_low - 0.3) < 1e-9);
    assert_true(a.points[0].figures.sensitivity.value == 1);
    assert_true(a.points[0].figures.specificity.value == 1);
    sg_acting_dispose(&a);
}

/* Validation rows of each fold's own model have its own level: targets are met. */
static void test_thresholds_come_from_validation_where_there_is_any(void **state) {
    (void)state;
    sg_predictions p = make_folds();
    for (int i = 0; i < VALIDATION; i++) {
        int fold = i >= VALIDATION / 2;
        double score = 0.35 + 0.02 * (i % 10) + 0.25 * (i % 2) - 0.3 * fold;
        fill(&validation_rows[i], validation_values[i], i, fold, score);
    }
    sg_predictions validation = {
            .rows = validation_rows, .count = VALIDATION, .classes = classes, .class_count = 2};
    sg_acting a;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_acting_measure(&a, &p, &validation, 0.1, 200, &err));
    assert_int_equal(a.reference, SG_REFERENCE_VALIDATION);
    assert_int_equal(a.reference_rows, VALIDATION / 2);
    assert_true(a.points[0].figures.specificity.value >= 0.9);
    assert_true(a.points[0].figures.sensitivity.value >= 0.9);
    assert_true(a.points[0].figures.prevalence == 0.1);
    double sens = a.decision.sensitivity.value, spec = a.decision.specificity.value;
    double ppv = sens * 0.1 / (sens * 0.1 + (1 - spec) * 0.9);
    assert_true(fabs(a.decision.ppv - ppv) < 1e-12);
    sg_acting_dispose(&a);
}

static json_t *model_with(const sg_acting_rules *rules) {
    return json_pack("{s:{s:f, s:o}}", "calibration", "temperature", 1.0, "acting",
            sg_acting_rules_to_json(rules));
}

/* What a bundle carries is what its reference rows gave: figures on foreign rows are the same as
 * with those rows at hand. Not for answers of two views, nor where members differ. */
static void test_rules_travel_with_a_bundle(void **state) {
    (void)state;
    sg_predictions p = make_folds();
    double reference[2 * VALIDATION];
    uint32_t labels[VALIDATION];
    for (int i = 0; i < ROWS; i++) rows[i].fold = -1;
    for (int i = 0; i < VALIDATION; i++) {
        fill(&validation_rows[i], validation_values[i], i, -1,
                0.3 + 0.02 * (i % 10) + 0.2 * (i % 2));
        memcpy(&reference[2 * i], validation_values[i], 2 * sizeof *reference);
        labels[i] = (uint32_t)validation_rows[i].label;
    }
    p.folds = 0;
    const sg_predictions validation = {
            .rows = validation_rows, .count = VALIDATION, .classes = classes, .class_count = 2};
    sg_acting_rules rules;
    sg_acting a, b;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_acting_rules_make(&rules, reference, labels, VALIDATION, 2, 1, &err));
    CHECK_OK(sg_acting_measure(&a, &p, &validation, NAN, 200, &err));
    p.models = json_array();
    json_array_append_new(p.models, model_with(&rules));
    json_array_append_new(p.models, model_with(&rules));
    CHECK_OK(sg_acting_measure(&b, &p, NULL, NAN, 200, &err));
    assert_int_equal(b.reference, SG_REFERENCE_BUNDLE);
    assert_int_equal(b.reference_rows, VALIDATION);
    assert_int_equal(b.point_count, SG_ACTING_POINTS);
    for (size_t i = 0; i < SG_ACTING_POINTS; i++) {
        assert_true(a.points[i].threshold_low == b.points[i].threshold_high);
        assert_int_equal(
                a.points[i].figures.sensitivity.hits, b.points[i].figures.sensitivity.hits);
    }
    assert_true(b.has_sets && a.sets.coverage.hits == b.sets.coverage.hits);
    assert_int_equal(a.sets_by_class.coverage.hits, b.sets_by_class.coverage.hits);
    sg_acting_dispose(&a);
    sg_acting_dispose(&b);

    p.flip_averaged = true;
    CHECK_OK(sg_acting_measure(&b, &p, NULL, NAN, 200, &err));
    assert_int_equal(b.reference, SG_REFERENCE_NONE);
    sg_acting_dispose(&b);
    p.flip_averaged = false;
    rules.threshold[0] = INFINITY; /* JSON has no infinity: it must come back */
    json_array_set_new(p.models, 1, model_with(&rules));
    CHECK_OK(sg_acting_measure(&b, &p, NULL, NAN, 200, &err));
    assert_int_equal(b.reference, SG_REFERENCE_NONE);
    sg_acting_dispose(&b);
    json_array_set_new(p.models, 0, model_with(&rules));
    CHECK_OK(sg_acting_measure(&b, &p, NULL, NAN, 200, &err));
    assert_true(isinf(b.points[0].threshold_low));
    assert_true(b.points[0].figures.sensitivity.value == 0);
    sg_acting_dispose(&b);

    json_t *section =
            json_object_get(json_object_get(json_array_get(p.models, 0), "calibration"), "acting");
    json_object_set_new(section, "quantile", json_array());
    json_array_set(p.models, 1, json_array_get(p.models, 0));
    CHECK_FAILS(sg_acting_measure(&b, &p, NULL, NAN, 200, &err), SG_ERR_FORMAT, "'acting'");
    json_decref(p.models);
}

static void test_nothing_to_set_thresholds_on(void **state) {
    (void)state;
    sg_predictions p = make_folds();
    for (int i = 0; i < ROWS; i++) rows[i].fold = -1;
    sg_acting a;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_acting_measure(&a, &p, NULL, NAN, 200, &err));
    assert_int_equal(a.reference, SG_REFERENCE_NONE);
    assert_int_equal(a.point_count, 0);
    assert_false(a.has_sets);
    assert_true(a.binary && a.curve_count == SG_ACTING_CURVE);
    sg_acting_dispose(&a);
    for (int i = 0; i < ROWS; i++) rows[i].label = 0; /* one class only: no point, no curve */
    CHECK_OK(sg_acting_measure(&a, &p, NULL, NAN, 200, &err));
    assert_false(a.binary);
    assert_int_equal(a.curve_count, 0);
    sg_acting_dispose(&a);
}

/* Trained on 30 benign and 10 malignant images, weighted so that the loss saw `benign` of them. */
static json_t *model_of_fold(int fold, const char *calibration, double benign) {
    return json_pack("{s:{s:i, s:{s:i, s:i}, s:{s:f, s:f}}, s:{s:s}}", "training", "fold", fold,
            "class_counts", "benign", 30, "malignant", 10, "class_prior", "benign", benign,
            "malignant", 1 - benign, "calibration", "kind", calibration);
}

/* Rows of a run and fold, moved to 5 % from these shares. */
static void check_moved(sg_predictions *p, int run, int fold, double benign) {
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_predictions_adjust_prior(p, 0.05, &err));
    for (int i = 0; i < ROWS; i++) {
        double m = rows[i].p[1] * 0.05 / (1 - benign), b = rows[i].p[0] * 0.95 / benign;
        if (rows[i].run == run && rows[i].fold == fold)
            assert_true(fabs(p->adjusted[2 * i + 1] - m / (m + b)) < 1e-12);
    }
    free(p->adjusted);
    p->adjusted = NULL;
}

static void test_scores_move_with_the_prevalence(void **state) {
    (void)state;
    sg_predictions p = make_folds();
    sg_error err = SG_ERROR_INIT;
    p.models = json_array();
    json_array_append_new(p.models, model_of_fold(0, "temperature", 0.6));
    json_array_append_new(p.models, model_of_fold(1, "temperature", 0.8));
    check_moved(&p, 0, 0, 0.6); /* each fold from the shares that its own model learned */
    check_moved(&p, 0, 1, 0.8);
    json_array_set_new(p.models, 1, model_of_fold(1, "vector", 0.8));
    check_moved(&p, 0, 0, 0.6);
    check_moved(&p, 0, 1, 0.75); /* brought back to the images' own shares */

    /* an ensemble answers outside the folds: from what its members learned on the mean */
    json_array_set_new(p.models, 1, model_of_fold(1, "temperature", 0.8));
    for (int i = 0; i < ROWS; i++) rows[i].fold = -1;
    check_moved(&p, 0, -1, 0.7);
    json_object_del(json_object_get(json_array_get(p.models, 0), "training"), "class_prior");
    CHECK_FAILS(sg_predictions_adjust_prior(&p, 0.05, &err), SG_ERR_INPUT, "was trained");
    json_decref(p.models);
    classes[1] = "other";
    p.models = NULL;
    CHECK_FAILS(sg_predictions_adjust_prior(&p, 0.05, &err), SG_ERR_INPUT, "'malignant'");
    classes[1] = "malignant";
}

/* The same fold of another run has its own model, which did not answer here. */
static void test_scores_move_run_by_run(void **state) {
    (void)state;
    sg_predictions p = make_folds();
    p.models = json_array();
    p.runs = 2;
    for (int i = 0; i < ROWS; i++) {
        rows[i].run = rows[i].fold;
        rows[i].fold = 0;
    }
    for (int run = 0; run < p.runs; run++) {
        json_t *model = model_of_fold(0, "temperature", run ? 0.8 : 0.6);
        json_object_set_new(model, "run", json_integer(run));
        json_array_append_new(p.models, model);
    }
    check_moved(&p, 0, 0, 0.6);
    check_moved(&p, 1, 0, 0.8);
    json_decref(p.models);
}

static void test_strata(void **state) {
    (void)state;
    sg_predictions p = make_folds();
    for (int i = 0; i < ROWS; i++)
        rows[i].width = rows[i].height = 64; /* two sizes are no thirds */
    rows[0].width = 32;
    sg_strata s;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_strata_measure_all(&s, &p, NULL, 200, &err));
    assert_int_equal(s.count, 3);
    assert_int_equal(s.undivided_count, 1);
    assert_string_equal(s.undivided[0], "size");
    size_t n = 0, hits = 0, right = 0;
    for (size_t i = 0; i < s.count; i++) {
        assert_string_equal(s.rows[i].kind, "brightness");
        n += s.rows[i].accuracy.n;
        hits += s.rows[i].accuracy.hits;
    }
    for (int i = 0; i < ROWS; i++) right += rows[i].label == rows[i].predicted;
    assert_int_equal(n, ROWS);
    assert_int_equal(hits, right);
    assert_non_null(strstr(s.rows[0].name, "darkest third (up to 13 mean grey)"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_thresholds_come_from_the_other_folds),
            cmocka_unit_test(test_thresholds_come_from_the_same_run),
            cmocka_unit_test(test_thresholds_come_from_validation_where_there_is_any),
            cmocka_unit_test(test_rules_travel_with_a_bundle),
            cmocka_unit_test(test_nothing_to_set_thresholds_on),
            cmocka_unit_test(test_scores_move_with_the_prevalence),
            cmocka_unit_test(test_scores_move_run_by_run),
            cmocka_unit_test(test_strata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
