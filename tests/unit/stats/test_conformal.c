/* Conformal sets against numpy, and their promise by enumeration.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/conformal.h"

#include "support/check.h"
#include "support/stats_golden.h"

#include <math.h>
#include <stdio.h>

static double golden(const char *name, const char *format, const char *alpha, const char *end) {
    char figure[48];
    snprintf(figure, sizeof figure, "%s%s%s", format, alpha, end);
    double value = stats_golden_value("decisions.csv", name, figure);
    return value < 0 ? INFINITY : value;
}

static void close_quantile(double got, double expected) {
    if (isinf(expected))
        assert_true(isinf(got));
    else
        stats_assert_close(got, expected, 1e-12, "quantile");
}

static void check_case(const char *name, double alpha, const char *text) {
    stats_case c;
    sg_conformal all, by_class;
    sg_conformal_figures f;
    sg_bootstrap_options options = {200, 0.95, 0};
    sg_error err = SG_ERROR_INIT;
    uint8_t member[STATS_CASE_ROWS_MAX * STATS_CASE_CLASSES_MAX];
    stats_case_load(&c, name);
    size_t half = c.n / 2, rest = c.n - half;
    const double *held = c.probabilities + half * c.classes;
    CHECK_OK(
            sg_conformal_fit(&all, c.probabilities, c.labels, half, c.classes, alpha, false, &err));
    CHECK_OK(sg_conformal_fit(
            &by_class, c.probabilities, c.labels, half, c.classes, alpha, true, &err));
    size_t rows = 0;
    for (size_t k = 0; k < c.classes; k++) {
        char end[16];
        snprintf(end, sizeof end, "_class%u", (unsigned)k);
        close_quantile(all.quantile[k], golden(name, "q", text, "_all"));
        close_quantile(by_class.quantile[k], golden(name, "q", text, end));
        rows += by_class.calibrated[k];
    }
    assert_int_equal(rows, half);
    sg_conformal_sets(&all, member, held, rest);
    sg_bootstrap_sample sample = {c.labels + half, NULL, rest, c.classes};
    CHECK_OK(sg_conformal_measure(&f, &sample, member, &options, &err));
    stats_assert_close(f.coverage.value, golden(name, "coverage", text, ""), 1e-12, "coverage");
    stats_assert_close(f.mean_size, golden(name, "size", text, ""), 1e-12, "size");
    size_t sets = 0, covered = 0;
    for (size_t k = 0; k <= c.classes; k++) sets += f.sizes[k];
    for (size_t k = 0; k < c.classes; k++) covered += f.by_class[k].hits;
    assert_int_equal(sets, rest);
    assert_int_equal(covered, f.coverage.hits);
    assert_int_equal(f.single.hits, f.sizes[1]);
}

static void test_sets_equal_numpy(void **state) {
    (void)state;
    static const char *const cases[] = {"plain", "ties", "binary", "four"};
    for (size_t i = 0; i < 4; i++) {
        check_case(cases[i], 0.1, "0.1");
        check_case(cases[i], 0.3, "0.3");
    }
}

/* Each of n + 1 rows in turn is the new one: exactly ceil((n + 1)(1 - alpha)) of them are covered,
 * where no two scores are equal. */
static void test_the_promise_by_enumeration(void **state) {
    (void)state;
    enum { N = 21 };
    const double alphas[3] = {0.1, 0.25, 0.02};
    const int covered_of[3] = {19, 16, 21};
    for (int a = 0; a < 3; a++) {
        int covered = 0;
        for (int left = 0; left < N; left++) {
            double p[2 * N], one[2] = {0, 0};
            uint32_t labels[N];
            size_t n = 0;
            for (int i = 0; i < N; i++) {
                double truth = 0.99 - 0.043 * i;
                if (i == left) {
                    one[0] = truth;
                    one[1] = 1 - truth;
                    continue;
                }
                p[2 * n] = truth;
                p[2 * n + 1] = 1 - truth;
                labels[n++] = 0;
            }
            sg_conformal model;
            uint8_t member[2];
            sg_error err = SG_ERROR_INIT;
            CHECK_OK(sg_conformal_fit(&model, p, labels, n, 2, alphas[a], false, &err));
            sg_conformal_sets(&model, member, one, 1);
            covered += member[0];
        }
        assert_int_equal(covered, covered_of[a]);
    }
}

static void test_bad_requests(void **state) {
    (void)state;
    const double p[4] = {0.4, 0.6, 0.9, 0.1}, odd[4] = {0.4, 0.6, 0.9, -0.1};
    const uint32_t labels[2] = {0, 1}, beyond[2] = {0, 2};
    sg_conformal model;
    sg_error err = SG_ERROR_INIT;
    CHECK_FAILS(sg_conformal_fit(&model, p, labels, 0, 2, 0.1, false, &err), SG_ERR_INPUT, "no");
    CHECK_FAILS(sg_conformal_fit(&model, p, labels, 2, 2, 1, false, &err), SG_ERR_INPUT, "rate");
    CHECK_FAILS(sg_conformal_fit(&model, p, beyond, 2, 2, 0.1, false, &err), SG_ERR_INPUT, "row 1");
    CHECK_FAILS(
            sg_conformal_fit(&model, odd, labels, 2, 2, 0.1, false, &err), SG_ERR_INPUT, "row 1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_sets_equal_numpy),
            cmocka_unit_test(test_the_promise_by_enumeration),
            cmocka_unit_test(test_bad_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
