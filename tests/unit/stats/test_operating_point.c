/* Thresholds against scikit-learn's ROC points, predictive values against the published formulas,
 * probabilities moved to another prevalence against Bayes' rule.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/operating_point.h"

#include "stats/prevalence.h"
#include "support/check.h"
#include "support/stats_golden.h"

#include <math.h>
#include <stdio.h>

typedef struct binary {
    size_t n;
    double scores[STATS_CASE_ROWS_MAX];
    uint8_t positive[STATS_CASE_ROWS_MAX];
    uint32_t labels[STATS_CASE_ROWS_MAX]; /* 0, 1 */
} binary;

static void load(binary *out, const char *name) {
    stats_case c;
    stats_case_load(&c, name);
    out->n = c.n;
    for (size_t i = 0; i < c.n; i++) {
        out->scores[i] = c.probabilities[i * c.classes + 1];
        out->positive[i] = c.labels[i] == 1;
        out->labels[i] = out->positive[i];
    }
}

static double golden(const char *name, const char *format, const char *target) {
    char figure[48];
    snprintf(figure, sizeof figure, "%s%s", format, target);
    return stats_golden_value("decisions.csv", name, figure);
}

static void test_thresholds_equal_the_curve(void **state) {
    (void)state;
    static const char *const cases[] = {"plain", "ties", "binary", "four"};
    static const char *const targets[] = {"0.5", "0.8", "0.9", "0.95", "1.0"};
    static const double values[] = {0.5, 0.8, 0.9, 0.95, 1};
    for (size_t i = 0; i < 4; i++) {
        binary b;
        sg_error err = SG_ERROR_INIT;
        load(&b, cases[i]);
        for (size_t t = 0; t < 5; t++) {
            sg_operating_point p;
            char name[32];
            CHECK_OK(sg_operating_point_for_specificity(
                    &p, b.scores, b.positive, b.n, values[t], &err));
            snprintf(name, sizeof name, "%s_sensitivity", targets[t]);
            stats_assert_close(p.sensitivity, golden(cases[i], "spec", name), 1e-12, name);
            snprintf(name, sizeof name, "%s_specificity", targets[t]);
            stats_assert_close(p.specificity, golden(cases[i], "spec", name), 1e-12, name);
            CHECK_OK(sg_operating_point_for_sensitivity(
                    &p, b.scores, b.positive, b.n, values[t], &err));
            stats_assert_close(p.specificity, golden(cases[i], "sens", name), 1e-12, name);
            snprintf(name, sizeof name, "%s_threshold", targets[t]);
            stats_assert_close(p.threshold, golden(cases[i], "sens", name), 1e-12, name);
            assert_int_equal(
                    p.true_positive + p.false_negative + p.false_positive + p.true_negative, b.n);
        }
    }
}

/* The best negative outranks all positives: full specificity calls nothing positive. */
static void test_a_threshold_may_call_nothing(void **state) {
    (void)state;
    const double scores[4] = {0.9, 0.5, 0.4, 0.1};
    const uint8_t positive[4] = {0, 1, 1, 0}, none[4] = {0, 0, 0, 0};
    sg_operating_point p;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_operating_point_for_specificity(&p, scores, positive, 4, 1, &err));
    assert_true(isinf(p.threshold) && p.sensitivity == 0 && p.specificity == 1);
    CHECK_FAILS(sg_operating_point_for_specificity(&p, scores, none, 4, 0.9, &err), SG_ERR_INPUT,
            "both sides");
    CHECK_FAILS(sg_operating_point_for_sensitivity(&p, scores, positive, 4, 1.5, &err),
            SG_ERR_INPUT, "target of 1.5");
}

static void close_values(const sg_predictive_values *v, const char *name) {
    const struct {
        const char *figure;
        double value;
    } all[] = {{"ppv", v->ppv}, {"npv", v->npv}, {"ppv_low", v->ppv_interval.low},
            {"ppv_high", v->ppv_interval.high}, {"npv_low", v->npv_interval.low},
            {"npv_high", v->npv_interval.high}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        stats_assert_close(all[i].value, stats_golden_value("decisions.csv", name, all[i].figure),
                1e-9, all[i].figure);
}

static void test_predictive_values_equal_the_formulas(void **state) {
    (void)state;
    sg_predictive_values v;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_predictive_values_measure(&v, 240, 178, 87, 288, 0.03, 0.95, &err));
    close_values(&v, "counts");
    CHECK_OK(sg_predictive_values_measure(&v, 20, 0, 3, 57, 0.2, 0.95, &err));
    close_values(&v, "zero");
    CHECK_OK(sg_predictive_values_measure(&v, 20, 5, 0, 57, 0.2, 0.95, &err));
    assert_true(v.ppv == 1 && v.ppv_interval.low > 0.5 && v.ppv_interval.low < 1);
    CHECK_OK(sg_predictive_values_measure(&v, 20, 5, 57, 0, 0.2, 0.95, &err));
    assert_true(v.npv == 0 && v.npv_interval.low == 0 && v.npv_interval.high < 0.95);
    /* Nothing is called positive: there is no PPV, and so no interval of it. */
    CHECK_OK(sg_predictive_values_measure(&v, 0, 25, 0, 57, 0.2, 0.95, &err));
    assert_true(isnan(v.ppv) && isnan(v.ppv_interval.low) && isnan(v.ppv_interval.high));
    assert_true(v.npv > 0.79 && v.npv < 0.81 && v.npv_interval.low < v.npv);
    CHECK_FAILS(sg_predictive_values_measure(&v, 0, 0, 3, 57, 0.2, 0.95, &err), SG_ERR_INPUT,
            "0 of 60 rows");
    CHECK_FAILS(sg_predictive_values_measure(&v, 9, 1, 3, 57, 1, 0.95, &err), SG_ERR_INPUT,
            "prevalence of 1");
}

static void test_figures_at_a_threshold(void **state) {
    (void)state;
    binary b;
    sg_operating_figures f, given;
    sg_bootstrap_options options = {500, 0.95, 1};
    sg_error err = SG_ERROR_INIT;
    load(&b, "plain");
    sg_bootstrap_sample sample = {b.labels, NULL, b.n, 2};
    CHECK_OK(sg_operating_point_measure(
            &f, &sample, b.scores, b.positive, 0.4, NAN, &options, &err));
    sg_operating_point p = sg_operating_point_at(0.4, b.scores, b.positive, b.n);
    assert_true(f.sensitivity.wilson && f.sensitivity.value == p.sensitivity);
    assert_int_equal(f.specificity.hits, p.true_negative);
    sg_interval wilson =
            sg_interval_wilson(p.true_positive, p.true_positive + p.false_positive, 0.95);
    assert_true(f.ppv_interval.low == wilson.low && f.ppv_interval.high == wilson.high);
    stats_assert_close(f.ppv,
            (double)p.true_positive / (double)(p.true_positive + p.false_positive), 1e-15, "ppv");
    CHECK_OK(sg_operating_point_measure(
            &given, &sample, b.scores, b.positive, 0.4, 0.03, &options, &err));
    sg_predictive_values v;
    CHECK_OK(sg_predictive_values_measure(&v, p.true_positive, p.false_negative, p.false_positive,
            p.true_negative, 0.03, 0.95, &err));
    assert_true(given.ppv_interval.low == v.ppv_interval.low);
    stats_assert_close(given.npv, v.npv, 1e-15, "npv");
    assert_true(given.ppv < f.ppv && given.npv > f.npv);
    /* Pairs of rows in groups: a bootstrap, and wider than Wilson's of as many single rows. */
    uint32_t groups[STATS_CASE_ROWS_MAX];
    for (size_t i = 0; i < b.n; i++) groups[i] = (uint32_t)(i / 2);
    sample.groups = groups;
    CHECK_OK(sg_operating_point_measure(
            &f, &sample, b.scores, b.positive, 0.4, NAN, &options, &err));
    assert_false(f.specificity.wilson);
    assert_true(f.specificity.interval.low < f.specificity.value);
    assert_true(f.ppv_interval.low < f.ppv && f.ppv < f.ppv_interval.high);
}

/* Three Gaussians: probabilities at one mixture, moved to another, are those at the other. */
static void test_adjusted_probabilities_are_bayes(void **state) {
    (void)state;
    const double from[3] = {0.5, 0.3, 0.2};
    double to[3], p[30], moved[30];
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_prevalence_shares(to, from, 3, 1, 0.05, &err));
    stats_assert_close(to[0] + to[1] + to[2], 1, 1e-15, "sum");
    stats_assert_close(to[1], 0.05, 1e-15, "share");
    stats_assert_close(to[0] / to[2], 2.5, 1e-15, "ratio");
    for (size_t i = 0; i < 10; i++) {
        double density[3], before = 0, after = 0;
        for (size_t k = 0; k < 3; k++) {
            double z = 0.4 * (double)i - (double)k;
            density[k] = exp(-0.5 * z * z);
            before += density[k] * from[k];
            after += density[k] * to[k];
        }
        for (size_t k = 0; k < 3; k++) {
            p[3 * i + k] = density[k] * from[k] / before;
            moved[3 * i + k] = density[k] * to[k] / after;
        }
    }
    CHECK_OK(sg_prevalence_adjust(p, p, 10, 3, from, to, &err));
    for (size_t i = 0; i < 30; i++) stats_assert_close(p[i], moved[i], 1e-12, "adjusted");
    const double without[3] = {1, 0, 0}, odd[3] = {0.5, 0.3, 0.3};
    CHECK_FAILS(sg_prevalence_adjust(p, p, 10, 3, without, to, &err), SG_ERR_INPUT, "class 1");
    CHECK_FAILS(sg_prevalence_adjust(p, p, 10, 3, odd, to, &err), SG_ERR_INPUT, "sum to 1.1");
    CHECK_FAILS(sg_prevalence_shares(to, without, 3, 0, 0.5, &err), SG_ERR_INPUT, "no other");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_thresholds_equal_the_curve),
            cmocka_unit_test(test_a_threshold_may_call_nothing),
            cmocka_unit_test(test_predictive_values_equal_the_formulas),
            cmocka_unit_test(test_figures_at_a_threshold),
            cmocka_unit_test(test_adjusted_probabilities_are_bayes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
