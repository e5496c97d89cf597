/* test_recalibrate.c - mended probabilities are measured on rows that the mending has not seen.
 * SPDX-License-Identifier: Apache-2.0 */
#include "protocol/recalibrate.h"
#include "support/check.h"
#include <math.h>
#include <stdio.h>

enum { ROWS = 80 };
static sg_prediction_row rows[ROWS];
static double values[ROWS][4];
static char names[ROWS][16];
static char *classes[2] = {"benign", "malignant"};

/* Three of four right at a stated 0.982: logits four times too large for what comes true. */
static sg_predictions make_table(int folds) {
    for (int i = 0; i < ROWS; i++) {
        bool malignant = i % 2, right = i % 8 < 6;
        double logit = malignant == right ? 4 : -4;
        double *v = values[i];
        v[2] = 0;
        v[3] = logit;
        v[1] = 1 / (1 + exp(-logit));
        v[0] = 1 - v[1];
        (void)snprintf(names[i], sizeof names[i], "r%d", i);
        rows[i] = (sg_prediction_row){.path = names[i],
                .group = names[i],
                .split = "test",
                .fold = folds ? i / (ROWS / folds) : -1,
                .label = malignant,
                .predicted = logit > 0,
                .p = v,
                .logit = v + 2};
    }
    return (sg_predictions){
            .rows = rows, .count = ROWS, .classes = classes, .class_count = 2, .folds = folds};
}

static void test_overconfidence_is_mended_across_folds(void **state) {
    (void)state;
    sg_predictions p = make_table(2);
    sg_recalibration r;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_recalibrate_measure(&r, SG_CALIBRATOR_TEMPERATURE, &p, NULL, 200, &err));
    assert_int_equal(r.reference, SG_REFERENCE_OTHER_FOLDS);
    assert_int_equal(r.reference_rows, ROWS / 2);
    assert_true(r.figures.ece < 1e-6); /* 4 / T = ln 3 gives 0.75 */
    assert_true(fabs(r.figures.log_loss - (-0.75 * log(0.75) - 0.25 * log(0.25))) < 1e-9);
    json_t *document = sg_recalibration_to_json(&r);
    assert_string_equal(json_string_value(json_object_get(document, "kind")), "temperature");
    json_decref(document);
}

/* Of folds that differ, each is mended by the other: what fits one is wrong for the other. */
static void test_a_fold_is_not_fitted_on_itself(void **state) {
    (void)state;
    sg_predictions p = make_table(2);
    for (int i = ROWS / 2; i < ROWS; i++) { /* the second fold is always right */
        double logit = i % 2 ? 4 : -4;
        rows[i].logit[1] = logit;
        rows[i].p[1] = 1 / (1 + exp(-logit));
        rows[i].p[0] = 1 - rows[i].p[1];
        rows[i].predicted = i % 2;
    }
    sg_recalibration r;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_recalibrate_measure(&r, SG_CALIBRATOR_TEMPERATURE, &p, NULL, 200, &err));
    assert_true(r.figures.ece > 0.2);
}

/* The other run saw the same images, and states its answers half as surely: each run is mended by
 * its own other fold. */
static void test_a_run_is_not_fitted_on_another(void **state) {
    (void)state;
    sg_predictions p = make_table(2);
    for (int i = 0; i < ROWS; i++) {
        int image = i % (ROWS / 2);
        rows[i].run = i / (ROWS / 2);
        rows[i].fold = image / 8 % 2; /* of every eight, six are right */
        rows[i].path = rows[i].group = names[image];
        if (rows[i].run) rows[i].logit[1] /= 2;
    }
    p.runs = 2;
    sg_recalibration r;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_recalibrate_measure(&r, SG_CALIBRATOR_TEMPERATURE, &p, NULL, 200, &err));
    assert_int_equal(r.reference_rows, 16);
    assert_true(r.figures.ece < 1e-6);
}

static void test_nothing_to_fit_on(void **state) {
    (void)state;
    sg_predictions p = make_table(0);
    sg_recalibration r;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_recalibrate_measure(&r, SG_CALIBRATOR_TEMPERATURE, &p, NULL, 200, &err));
    assert_int_equal(r.reference, SG_REFERENCE_NONE);
    json_t *document = sg_recalibration_to_json(&r);
    assert_true(json_is_null(document));
    json_decref(document);
    p = make_table(2);
    CHECK_OK(sg_recalibrate_measure(&r, SG_CALIBRATOR_NONE, &p, NULL, 200, &err));
    assert_int_equal(r.reference, SG_REFERENCE_NONE);
    CHECK_FAILS(sg_recalibrate_measure(&r, SG_CALIBRATOR_ISOTONIC, &p, NULL, 200, &err),
            SG_ERR_INPUT, "isotonic");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_overconfidence_is_mended_across_folds),
            cmocka_unit_test(test_a_fold_is_not_fitted_on_itself),
            cmocka_unit_test(test_a_run_is_not_fitted_on_another),
            cmocka_unit_test(test_nothing_to_fit_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
