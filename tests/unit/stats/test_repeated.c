/* t and F against scipy, the corrected resampled t-test, Holm against statsmodels, areas by fold.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/repeated.h"

#include "stats/distribution.h"
#include "support/check.h"
#include "support/stats_golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double golden(const char *name, const char *figure) {
    return stats_golden_value("agreement.csv", name, figure);
}

/* Every row of a case: the figure's name holds the arguments. */
static void test_distributions_equal_scipy(void **state) {
    (void)state;
    sg_csv csv;
    size_t checked = 0;
    stats_golden_open(&csv, "agreement.csv");
    for (size_t r = 0; r < csv.rows; r++) {
        const char *name = stats_golden_text(&csv, r, "case");
        const char *figure = stats_golden_text(&csv, r, "figure");
        double value = stats_golden_number(&csv, r, "value"), a, b, c, got;
        if (strcmp(name, "student") == 0) {
            char *end;
            a = strtod(figure + 1, &end);
            b = strtod(end + 3, NULL);
            got = figure[0] == 't' ? sg_student_two_sided(a, b) : sg_student_quantile(a, b);
        } else if (strcmp(name, "fisher") == 0) {
            char *end;
            a = strtod(figure + 1, &end);
            b = strtod(end + 1, &end);
            c = strtod(end + 1, NULL);
            got = sg_fisher_above(a, b, c);
        } else {
            continue;
        }
        if (!(fabs(got - value) <= 1e-9 * fabs(value)))
            fail_msg("%s: got %.17g, expected %.17g", figure, got, value);
        checked++;
    }
    sg_csv_dispose(&csv);
    assert_int_equal(checked, 19);
}

static void test_limits_of_the_distributions(void **state) {
    (void)state;
    stats_assert_close(sg_student_two_sided(1.96, INFINITY), 2 * sg_normal_cdf(-1.96), 1e-15, "p");
    stats_assert_close(sg_student_quantile(0.975, INFINITY), sg_normal_quantile(0.975), 1e-15, "q");
    assert_true(sg_student_quantile(0.5, 3) == 0);
    assert_true(sg_fisher_above(0, 2, 3) == 1 && sg_student_two_sided(INFINITY, 3) == 0);
    assert_true(isnan(sg_student_two_sided(NAN, 3)));
}

static void test_resampled_t_equals_the_formula(void **state) {
    (void)state;
    double d[15];
    sg_resampled_t t;
    sg_error err = SG_ERROR_INIT;
    for (int i = 0; i < 15; i++) {
        char name[16];
        snprintf(name, sizeof name, "d%d", i);
        d[i] = golden("resampled", name);
    }
    CHECK_OK(sg_resampled_t_test(&t, d, 15, 356, 89, 0.95, &err));
    const struct {
        const char *figure;
        double value;
    } all[] = {{"mean", t.mean}, {"se", t.standard_error}, {"t", t.t}, {"p", t.p},
            {"low", t.interval.low}, {"high", t.interval.high}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        stats_assert_close(all[i].value, golden("resampled", all[i].figure), 1e-9, all[i].figure);
    const double same[3] = {0.5, 0.5, 0.5}, zero[3] = {0, 0, 0};
    CHECK_OK(sg_resampled_t_test(&t, same, 3, 80, 20, 0.95, &err));
    assert_true(isnan(t.p) && t.mean == 0.5);
    CHECK_OK(sg_resampled_t_test(&t, zero, 3, 80, 20, 0.95, &err));
    assert_true(t.p == 1);
    CHECK_FAILS(sg_resampled_t_test(&t, d, 1, 80, 20, 0.95, &err), SG_ERR_INPUT, "two runs");
    CHECK_FAILS(sg_resampled_t_test(&t, d, 9, 80, 0, 0.95, &err), SG_ERR_INPUT, "0 test rows");
}

static void test_holm_equals_statsmodels(void **state) {
    (void)state;
    double p[9] = {0.01, 0.04, 0.03, 0.005, 0.5, 0.04, 1.0, 0.0, NAN};
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_holm_adjust(p, p, 9, &err));
    for (int i = 0; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        stats_assert_close(p[i], golden("holm", name), 1e-12, name);
    }
    assert_true(isnan(p[8]));
    p[2] = 1.5;
    CHECK_FAILS(sg_holm_adjust(p, p, 9, &err), SG_ERR_INPUT, "test 2 has a p of 1.5");
}

static void test_areas_by_fold(void **state) {
    (void)state;
    enum { N = 70 };
    sg_csv csv;
    double scores[N];
    uint8_t positive[N];
    uint32_t folds[N];
    sg_fold_auc f;
    sg_error err = SG_ERROR_INIT;
    stats_golden_open(&csv, "agreement_rows.csv");
    assert_int_equal(csv.rows, N);
    for (size_t i = 0; i < N; i++) {
        scores[i] = stats_golden_number(&csv, i, "model");
        positive[i] = stats_golden_number(&csv, i, "truth") != 0;
        folds[i] = 10 + (uint32_t)stats_golden_number(&csv, i, "fold");
    }
    sg_csv_dispose(&csv);
    CHECK_OK(sg_fold_auc_measure(&f, scores, positive, folds, N, 0.95, &err));
    stats_assert_close(f.mean, golden("folds", "mean"), 1e-9, "mean");
    stats_assert_close(f.variance, golden("folds", "variance"), 1e-9, "variance");
    stats_assert_close(f.mixing_models, golden("folds", "mixing"), 1e-9, "mixing");
    assert_int_equal(f.folds, 4);
    assert_true(f.interval.low < f.mean && f.mean < f.interval.high);
    /* Another scale in one fold changes the area over all rows and nothing else. */
    double mean = f.mean, mixing = f.mixing_models;
    for (size_t i = 0; i < N; i++)
        if (folds[i] == 11) scores[i] += 5;
    CHECK_OK(sg_fold_auc_measure(&f, scores, positive, folds, N, 0.95, &err));
    assert_true(f.mean == mean && fabs(f.mixing_models - mixing) > 0.01);
    for (size_t i = 0; i < N; i++) folds[i] = (uint32_t)i;
    CHECK_FAILS(sg_fold_auc_measure(&f, scores, positive, folds, N, 0.95, &err), SG_ERR_INPUT,
            "no fold");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_distributions_equal_scipy),
            cmocka_unit_test(test_limits_of_the_distributions),
            cmocka_unit_test(test_resampled_t_equals_the_formula),
            cmocka_unit_test(test_holm_equals_statsmodels),
            cmocka_unit_test(test_areas_by_fold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
