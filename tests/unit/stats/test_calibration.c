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

static void test_brier_parts_equal_scikit_learn(void **state) {
    (void)state;
    for (const char *const *name = stats_case_names; *name; name++) {
        stats_case c;
        sg_brier_parts b;
        stats_case_load(&c, *name);
        assert_int_equal(
                sg_brier_decompose(&b, c.probabilities, c.labels, c.n, c.classes, NULL), SG_OK);
        const struct {
            const char *figure;
            double value;
        } parts[] = {{"brier", b.brier}, {"miscalibration", b.miscalibration},
                {"discrimination", b.discrimination}, {"uncertainty", b.uncertainty}};
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            stats_assert_close(parts[i].value,
                    stats_golden_value("calibration.csv", *name, parts[i].figure), 1e-9,
                    parts[i].figure);
        stats_assert_close(
                b.miscalibration - b.discrimination + b.uncertainty, b.brier, 1e-12, "sum");
    }
}

/* The figures' intervals: about the estimates, and no narrower for copies of every row. */
static void test_intervals_respect_groups(void **state) {
    (void)state;
    enum { HALF = 60 };
    stats_case c;
    double p[2 * HALF * 3];
    uint32_t labels[2 * HALF], groups[2 * HALF];
    sg_bootstrap_options options = {1000, 0.95, 3};
    sg_calibration f;
    sg_calibration_intervals single, grouped;
    stats_case_load(&c, "plain");
    assert_int_equal(c.n, HALF);
    for (size_t i = 0; i < 2 * HALF; i++) {
        labels[i] = c.labels[i % HALF];
        groups[i] = (uint32_t)(i % HALF);
        memcpy(p + 3 * i, c.probabilities + 3 * (i % HALF), 3 * sizeof *p);
    }
    sg_bootstrap_sample once = {labels, NULL, HALF, 3}, twice = {labels, groups, 2 * HALF, 3};
    assert_int_equal(sg_calibration_bootstrap(&single, &once, p, &options, NULL), SG_OK);
    assert_int_equal(sg_calibration_bootstrap(&grouped, &twice, p, &options, NULL), SG_OK);
    assert_int_equal(sg_calibration_measure(&f, p, labels, HALF, 3, NULL), SG_OK);
    assert_true(single.brier.low < f.brier && f.brier < single.brier.high);
    assert_true(single.log_loss.low < f.log_loss && f.log_loss < single.log_loss.high);
    assert_true(single.ece.low >= 0 && single.ece.low < f.ece_debiased);
    assert_true(f.ece_debiased < single.ece.high);
    stats_assert_close(grouped.brier.low, single.brier.low, 1e-12, "low");
    stats_assert_close(grouped.log_loss.high, single.log_loss.high, 1e-12, "high");
}

/* Probabilities that are off by a known amount: the interval of the error holds it. */
static void test_the_error_lies_in_its_interval(void **state) {
    (void)state;
    enum { N = 2000 };
    static double p[N * 2];
    static uint32_t labels[N];
    sg_rng rng = sg_rng_make(4, SG_RNG_TEST, 0, 0);
    for (size_t i = 0; i < N; i++) {
        double truth = sg_rng_between(&rng, 0.6, 0.8);
        p[2 * i] = truth + 0.1;
        p[2 * i + 1] = 1 - p[2 * i];
        labels[i] = sg_rng_uniform(&rng) >= truth;
    }
    sg_bootstrap_sample sample = {labels, NULL, N, 2};
    sg_bootstrap_options options = {300, 0.95, 0};
    sg_calibration_intervals found;
    assert_int_equal(sg_calibration_bootstrap(&found, &sample, p, &options, NULL), SG_OK);
    assert_true(found.ece.low < 0.1 && 0.1 < found.ece.high);
    assert_true(found.ece.low > 0.05 && found.ece.high - found.ece.low < 0.06);
    assert_true(found.consistency_p <= 1.0 / 301);
    /* Without the gap the same rows refute nothing, so the interval starts at 0. */
    for (size_t i = 0; i < N; i++) {
        p[2 * i] -= 0.1;
        p[2 * i + 1] += 0.1;
    }
    assert_int_equal(sg_calibration_bootstrap(&found, &sample, p, &options, NULL), SG_OK);
    assert_true(found.consistency_p > 0.025 && found.ece.low == 0 && found.ece.high < 0.06);
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

/* Where groups are single rows a bin has Wilson's interval. Rows written twice as groups of two are
 * the same evidence: the bins' intervals are about as wide as before, not narrower by 1.4; and a
 * bin of few groups has none. */
static void test_bins_respect_groups(void **state) {
    (void)state;
    enum { ONCE = 300 };
    double p[4 * ONCE];
    uint32_t labels[2 * ONCE], groups[2 * ONCE];
    sg_rng rng = sg_rng_make(3, SG_RNG_TEST, 0, 0);
    for (size_t i = 0; i < ONCE; i++) {
        double top = 0.5 + 0.5 * ((double)i + 0.5) / ONCE;
        for (size_t copy = 0; copy < 2; copy++) {
            size_t row = i + copy * ONCE;
            p[2 * row] = 1 - top;
            p[2 * row + 1] = top;
            groups[row] = (uint32_t)i;
        }
        labels[i] = labels[i + ONCE] = sg_rng_uniform(&rng) < top;
    }
    const sg_bootstrap_options options = {1000, 0.95, 0};
    const sg_bootstrap_sample once = {labels, groups, ONCE, 2},
                              twice = {labels, groups, 2 * ONCE, 2};
    sg_calibration figures;
    sg_calibration_intervals one, two;
    assert_int_equal(sg_calibration_measure(&figures, p, labels, ONCE, 2, NULL), SG_OK);
    assert_int_equal(sg_calibration_bootstrap(&one, &once, p, &options, NULL), SG_OK);
    assert_int_equal(sg_calibration_bootstrap(&two, &twice, p, &options, NULL), SG_OK);
    assert_true(one.wilson && !two.wilson);
    for (size_t b = 0; b < figures.bins; b++) {
        const sg_reliability_bin *bin = &figures.bin[b];
        sg_interval wilson = sg_interval_wilson(
                (size_t)lround(bin->accuracy * (double)bin->count), bin->count, 0.95);
        assert_true(one.bin[b].low == wilson.low && one.bin[b].high == wilson.high);
        double ratio = (two.bin[b].high - two.bin[b].low) / (wilson.high - wilson.low);
        assert_true(ratio > 0.8 && ratio < 1.25);
    }
    for (size_t i = 0; i < 2 * ONCE; i++) groups[i] %= 2;
    assert_int_equal(sg_calibration_bootstrap(&two, &twice, p, &options, NULL), SG_OK);
    for (size_t b = 0; b < figures.bins; b++)
        if (figures.bin[b].accuracy < 1) assert_true(isnan(two.bin[b].low));
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
            cmocka_unit_test(test_brier_parts_equal_scikit_learn),
            cmocka_unit_test(test_intervals_respect_groups),
            cmocka_unit_test(test_the_error_lies_in_its_interval),
            cmocka_unit_test(test_bins_respect_groups),
            cmocka_unit_test(test_temperature_equals_scipy),
            cmocka_unit_test(test_temperature_is_recovered),
            cmocka_unit_test(test_temperature_at_its_bounds),
            cmocka_unit_test(test_bad_rows_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
