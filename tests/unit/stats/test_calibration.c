/* Calibration figures against scikit-learn and scipy.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/calibration.h"

#include "base/rng.h"
#include "support/stats_golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_scores_equal_the_references(void **state) {
    (void)state;
    for (const char *const *name = stats_case_names; *name; name++) {
        stats_case c;
        sg_calibration f;
        stats_case_load(&c, *name);
        assert_int_equal(
                sg_calibration_measure(&f, c.probabilities, c.labels, c.n, c.classes, NULL), SG_OK);
        stats_assert_close(f.log_loss, stats_case_figure(*name, "log_loss", -1), 1e-12, *name);
        stats_assert_close(f.brier, stats_case_figure(*name, "brier", -1), 1e-12, *name);
        stats_assert_close(f.ece, stats_case_figure(*name, "ece", -1), 1e-12, *name);
        stats_assert_close(
                f.ece_debiased, stats_case_figure(*name, "ece_debiased", -1), 1e-12, *name);
        size_t rows = 0;
        for (size_t b = 0; b < f.bins; b++) rows += f.bin[b].count;
        assert_int_equal(rows, c.n);
    }
}

static void test_temperature_equals_scipy(void **state) {
    (void)state;
    for (const char *const *name = stats_case_names; *name; name++) {
        stats_case c;
        sg_temperature t;
        stats_case_load(&c, *name);
        assert_int_equal(sg_temperature_fit(&t, c.logits, c.labels, c.n, c.classes, NULL), SG_OK);
        stats_assert_close(t.value, stats_case_figure(*name, "temperature", -1), 1e-9, *name);
        stats_assert_close(t.nll_before, stats_case_figure(*name, "nll_before", -1), 1e-12, *name);
        stats_assert_close(t.nll_after, stats_case_figure(*name, "nll_after", -1), 1e-12, *name);
        assert_true(t.nll_after <= t.nll_before + 1e-15);
    }
}

/* Logits drawn with temperature 1, then multiplied by 2.5: the fit must find 2.5 again. */
static void test_temperature_is_recovered(void **state) {
    (void)state;
    enum { N = 20000 };
    static double logits[N * 3], p[N * 3];
    static uint32_t labels[N];
    sg_rng rng = sg_rng_make(1, SG_RNG_TEST, 0, 0);
    for (size_t i = 0; i < N * 3; i++) logits[i] = 1.5 * sg_rng_normal(&rng);
    sg_calibration_softmax(p, logits, N, 3, 1);
    for (size_t i = 0; i < N; i++) {
        double u = sg_rng_uniform(&rng);
        labels[i] = u < p[3 * i] ? 0 : u < p[3 * i] + p[3 * i + 1] ? 1 : 2;
    }
    sg_calibration honest, proud;
    assert_int_equal(sg_calibration_measure(&honest, p, labels, N, 3, NULL), SG_OK);
    assert_true(fabs(honest.ece_debiased) < 0.008 && honest.ece_debiased < honest.ece);
    for (size_t i = 0; i < N * 3; i++) logits[i] *= 2.5;
    sg_calibration_softmax(p, logits, N, 3, 1);
    assert_int_equal(sg_calibration_measure(&proud, p, labels, N, 3, NULL), SG_OK);
    assert_true(proud.ece_debiased > 0.1);
    sg_temperature t;
    assert_int_equal(sg_temperature_fit(&t, logits, labels, N, 3, NULL), SG_OK);
    stats_assert_close(t.value, 2.5, 0.03, "temperature");
}

static void test_temperature_at_its_bounds(void **state) {
    (void)state;
    const double sure[4] = {3, 0, 0, 3}, wrong[4] = {0, 3, 3, 0}, flat[4] = {1, 1, 2, 2};
    const uint32_t labels[2] = {0, 1};
    sg_temperature t;
    assert_int_equal(sg_temperature_fit(&t, sure, labels, 2, 2, NULL), SG_OK);
    assert_true(t.at_bound && fabs(t.value - 0.05) < 1e-15);
    assert_int_equal(sg_temperature_fit(&t, wrong, labels, 2, 2, NULL), SG_OK);
    assert_true(t.at_bound && fabs(t.value - 20) < 1e-12);
    assert_int_equal(sg_temperature_fit(&t, flat, labels, 2, 2, NULL), SG_OK);
    assert_true(t.at_bound && t.value == 1);
}

static void test_bad_rows_are_named(void **state) {
    (void)state;
    sg_calibration f;
    sg_temperature t;
    sg_error err = SG_ERROR_INIT;
    uint32_t labels[2] = {0, 1};
    double p[4] = {0.5, 0.5, 0.9, 0.3}, z[4] = {0, 1, INFINITY, 0};
    assert_int_equal(sg_calibration_measure(&f, p, labels, 2, 2, &err), SG_ERR_INPUT);
    assert_non_null(strstr(err.message, "row 1"));
    p[3] = NAN;
    assert_int_equal(sg_calibration_measure(&f, p, labels, 2, 2, &err), SG_ERR_INPUT);
    assert_int_equal(sg_temperature_fit(&t, z, labels, 2, 2, &err), SG_ERR_INPUT);
    assert_non_null(strstr(err.message, "row 1"));
    labels[0] = 2;
    assert_int_equal(sg_temperature_fit(&t, z, labels, 1, 2, &err), SG_ERR_INPUT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_scores_equal_the_references),
            cmocka_unit_test(test_temperature_equals_scipy),
            cmocka_unit_test(test_temperature_is_recovered),
            cmocka_unit_test(test_temperature_at_its_bounds),
            cmocka_unit_test(test_bad_rows_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
