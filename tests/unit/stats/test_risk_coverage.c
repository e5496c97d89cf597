/* Risk against coverage: golden curves, ties against all their orders, intervals.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/risk_coverage.h"

#include "support/check.h"
#include "support/stats_golden.h"

#include <math.h>
#include <stdio.h>

typedef struct sure {
    size_t n;
    double confidence[STATS_CASE_ROWS_MAX];
    uint8_t wrong[STATS_CASE_ROWS_MAX];
    uint32_t labels[STATS_CASE_ROWS_MAX];
} sure;

static void load(sure *out, const char *name) {
    stats_case c;
    stats_case_load(&c, name);
    out->n = c.n;
    for (size_t i = 0; i < c.n; i++) {
        out->confidence[i] = c.probabilities[i * c.classes + c.predicted[i]];
        out->wrong[i] = c.predicted[i] != c.labels[i];
        out->labels[i] = c.labels[i];
    }
}

static double golden(const char *name, const char *figure, size_t point) {
    char text[32];
    snprintf(text, sizeof text, "%s%zu", figure, point);
    return stats_golden_value("decisions.csv", name, text);
}

static void test_curves_equal_the_reference(void **state) {
    (void)state;
    static const char *const cases[] = {"plain", "ties", "binary"};
    for (size_t i = 0; i < 3; i++) {
        sure s;
        sg_risk_coverage c;
        sg_error err = SG_ERROR_INIT;
        load(&s, cases[i]);
        CHECK_OK(sg_risk_coverage_measure(&c, s.confidence, s.wrong, s.n, &err));
        stats_assert_close(
                c.aurc, stats_golden_value("decisions.csv", cases[i], "aurc"), 1e-12, "aurc");
        stats_assert_close(c.aurc_best, stats_golden_value("decisions.csv", cases[i], "aurc_best"),
                1e-12, "aurc_best");
        assert_int_equal(c.count, stats_golden_value("decisions.csv", cases[i], "rc_points"));
        for (size_t p = 0; p < c.count; p += 7) {
            stats_assert_close(c.coverage[p], golden(cases[i], "rc_coverage", p), 1e-12, "x");
            stats_assert_close(c.risk[p], golden(cases[i], "rc_risk", p), 1e-12, "y");
        }
        assert_true(c.coverage[c.count - 1] == 1);
        sg_risk_coverage_dispose(&c);
    }
}

static double aurc_in_order(const uint8_t *wrong, const int *order, int n) {
    double errors = 0, sum = 0;
    for (int i = 0; i < n; i++) {
        errors += wrong[order[i]];
        sum += errors / (i + 1) / n;
    }
    return sum;
}

/* Five rows, the middle three tied: the mean over their six orders. */
static void test_ties_are_the_mean_over_orders(void **state) {
    (void)state;
    const double confidence[5] = {0.9, 0.7, 0.7, 0.7, 0.6};
    const uint8_t wrong[5] = {0, 1, 0, 0, 1};
    const int orders[6][5] = {{0, 1, 2, 3, 4}, {0, 1, 3, 2, 4}, {0, 2, 1, 3, 4}, {0, 2, 3, 1, 4},
            {0, 3, 1, 2, 4}, {0, 3, 2, 1, 4}};
    double mean = 0;
    for (int i = 0; i < 6; i++) mean += aurc_in_order(wrong, orders[i], 5) / 6;
    sg_risk_coverage c;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_risk_coverage_measure(&c, confidence, wrong, 5, &err));
    stats_assert_close(c.aurc, mean, 1e-15, "aurc");
    assert_int_equal(c.count, 3);
    assert_int_equal(sg_risk_coverage_at_risk(&c, 0.25), 1);
    assert_true(c.coverage[1] == 0.8 && c.least[1] == 0.7);
    assert_int_equal(sg_risk_coverage_at_risk(&c, 0.4), 2);
    sg_risk_coverage_dispose(&c);
    const uint8_t all[5] = {1, 1, 1, 1, 1};
    CHECK_OK(sg_risk_coverage_measure(&c, confidence, all, 5, &err));
    assert_int_equal(sg_risk_coverage_at_risk(&c, 0.9), c.count);
    assert_true(c.aurc == 1 && c.aurc_best == 1);
    sg_risk_coverage_dispose(&c);
}

static void test_intervals(void **state) {
    (void)state;
    sure s;
    sg_risk_coverage c;
    sg_bootstrap_figure f[3];
    sg_bootstrap_options options = {500, 0.95, 9};
    const double coverage[2] = {0.5, 1};
    sg_error err = SG_ERROR_INIT;
    load(&s, "plain");
    sg_bootstrap_sample sample = {s.labels, NULL, s.n, 3};
    CHECK_OK(sg_risk_coverage_bootstrap(
            f, &sample, s.confidence, s.wrong, coverage, 2, &options, &err));
    CHECK_OK(sg_risk_coverage_measure(&c, s.confidence, s.wrong, s.n, &err));
    stats_assert_close(f[0].estimate, c.aurc, 1e-12, "aurc");
    assert_true(f[0].bca.low < c.aurc && c.aurc < f[0].bca.high);
    size_t half = 0;
    while (c.coverage[half] < 0.5 - 1e-9) half++;
    stats_assert_close(f[1].estimate, c.risk[half], 1e-12, "risk at half"); /* no tie there */
    stats_assert_close(f[2].estimate, c.risk[c.count - 1], 1e-12, "risk of all");
    sg_risk_coverage_dispose(&c);
    const double none = 0;
    CHECK_FAILS(
            sg_risk_coverage_bootstrap(f, &sample, s.confidence, s.wrong, &none, 1, &options, &err),
            SG_ERR_INPUT, "coverage of 0");
    s.confidence[7] = NAN;
    CHECK_FAILS(
            sg_risk_coverage_measure(&c, s.confidence, s.wrong, s.n, &err), SG_ERR_INPUT, "row 7");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_curves_equal_the_reference),
            cmocka_unit_test(test_ties_are_the_mean_over_orders),
            cmocka_unit_test(test_intervals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
