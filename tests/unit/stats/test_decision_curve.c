/* Net benefit against the formula over scikit-learn's confusion matrices.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/decision_curve.h"

#include "support/check.h"
#include "support/stats_golden.h"

#include <math.h>
#include <stdio.h>

enum { POINTS = 6 };
static const double thresholds[POINTS] = {0.05, 0.1, 0.25, 0.4, 0.6, 0.9};
static const char *const names[POINTS] = {"0.05", "0.1", "0.25", "0.4", "0.6", "0.9"};

typedef struct binary {
    size_t n;
    double p[STATS_CASE_ROWS_MAX];
    uint8_t positive[STATS_CASE_ROWS_MAX];
    uint32_t labels[STATS_CASE_ROWS_MAX];
} binary;

static void load(binary *out, const char *name) {
    stats_case c;
    stats_case_load(&c, name);
    out->n = c.n;
    for (size_t i = 0; i < c.n; i++) {
        out->p[i] = c.probabilities[i * c.classes + 1];
        out->positive[i] = c.labels[i] == 1;
        out->labels[i] = out->positive[i];
    }
}

static double golden(const char *name, const char *kind, size_t point, const char *end) {
    char figure[32];
    snprintf(figure, sizeof figure, "%s%s%s", kind, names[point], end);
    return stats_golden_value("decisions.csv", name, figure);
}

static void test_net_benefit_equals_the_formula(void **state) {
    (void)state;
    static const char *const cases[] = {"plain", "ties", "binary", "four"};
    sg_bootstrap_options none = {0, 0.95, 0};
    for (size_t i = 0; i < 4; i++) {
        binary b;
        sg_net_benefit own[POINTS], rare[POINTS];
        sg_error err = SG_ERROR_INIT;
        load(&b, cases[i]);
        sg_bootstrap_sample sample = {b.labels, NULL, b.n, 2};
        CHECK_OK(sg_decision_curve(
                own, thresholds, POINTS, &sample, b.p, b.positive, NAN, &none, &err));
        CHECK_OK(sg_decision_curve(
                rare, thresholds, POINTS, &sample, b.p, b.positive, 0.03, &none, &err));
        for (size_t t = 0; t < POINTS; t++) {
            stats_assert_close(own[t].model, golden(cases[i], "nb", t, ""), 1e-12, names[t]);
            stats_assert_close(own[t].all, golden(cases[i], "all", t, ""), 1e-12, names[t]);
            stats_assert_close(
                    rare[t].model, golden(cases[i], "nb", t, "_at0.03"), 1e-12, names[t]);
            assert_true(isnan(own[t].interval.low) && isnan(own[t].gain.high));
        }
    }
}

static void test_intervals_lie_about_the_curve(void **state) {
    (void)state;
    binary b;
    sg_net_benefit points[POINTS], again[POINTS];
    sg_bootstrap_options options = {500, 0.95, 2};
    sg_error err = SG_ERROR_INIT;
    load(&b, "plain");
    sg_bootstrap_sample sample = {b.labels, NULL, b.n, 2};
    CHECK_OK(sg_decision_curve(
            points, thresholds, POINTS, &sample, b.p, b.positive, NAN, &options, &err));
    CHECK_OK(sg_decision_curve(
            again, thresholds, POINTS, &sample, b.p, b.positive, NAN, &options, &err));
    assert_memory_equal(points, again, sizeof points);
    const sg_net_benefit *middle = &points[3];
    assert_true(middle->interval.low < middle->model && middle->model < middle->interval.high);
    double gain = middle->model - fmax(0, middle->all);
    assert_true(middle->gain.low < gain && gain < middle->gain.high);
}

static void test_bad_requests(void **state) {
    (void)state;
    binary b;
    sg_net_benefit points[2];
    sg_bootstrap_options none = {0, 0.95, 0};
    sg_error err = SG_ERROR_INIT;
    const double falling[2] = {0.3, 0.2}, certain[2] = {0.3, 1};
    load(&b, "plain");
    sg_bootstrap_sample sample = {b.labels, NULL, b.n, 2};
    CHECK_FAILS(sg_decision_curve(points, falling, 2, &sample, b.p, b.positive, NAN, &none, &err),
            SG_ERR_INPUT, "threshold 0.2");
    CHECK_FAILS(sg_decision_curve(points, certain, 2, &sample, b.p, b.positive, NAN, &none, &err),
            SG_ERR_INPUT, "threshold 1");
    CHECK_FAILS(sg_decision_curve(points, thresholds, 2, &sample, b.p, b.positive, 0, &none, &err),
            SG_ERR_INPUT, "prevalence of 0");
    b.p[5] = 1.5;
    CHECK_FAILS(
            sg_decision_curve(points, thresholds, 2, &sample, b.p, b.positive, NAN, &none, &err),
            SG_ERR_INPUT, "row 5");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_net_benefit_equals_the_formula),
            cmocka_unit_test(test_intervals_lie_about_the_curve),
            cmocka_unit_test(test_bad_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
