/* Kappa against statsmodels and Fleiss' own example.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/kappa.h"

#include "support/check.h"
#include "support/stats_golden.h"

#include <math.h>

enum { N = 70, RATERS = 3, GRADES = 4 };
static uint32_t grades[RATERS * N];

static int load(void **state) {
    (void)state;
    sg_csv csv;
    stats_golden_open(&csv, "agreement_rows.csv");
    assert_int_equal(csv.rows, N);
    for (size_t r = 0; r < RATERS; r++)
        for (size_t i = 0; i < N; i++) {
            char name[4] = {'g', (char)('0' + r)};
            grades[r * N + i] = (uint32_t)stats_golden_number(&csv, i, name);
        }
    sg_csv_dispose(&csv);
    return 0;
}

static void test_two_raters_equal_statsmodels(void **state) {
    (void)state;
    static const char *const names[] = {"plain", "linear", "quadratic"};
    for (int kind = SG_KAPPA_PLAIN; kind <= SG_KAPPA_QUADRATIC; kind++) {
        sg_kappa k;
        sg_error err = SG_ERROR_INIT;
        CHECK_OK(
                sg_kappa_cohen(&k, grades, grades + N, N, GRADES, (sg_kappa_kind)kind, 0.95, &err));
        const struct {
            const char *figure;
            double value;
        } all[] = {{"kappa", k.value}, {"se", k.standard_error}, {"low", k.interval.low},
                {"high", k.interval.high}};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            stats_assert_close(all[i].value,
                    stats_golden_value("agreement.csv", names[kind], all[i].figure), 1e-9,
                    all[i].figure);
    }
}

/* Fleiss 1971: 10 subjects, 14 raters, 5 categories, kappa 0.210 (the worked example as retold in
 * textbooks, 0.20993). */
static void test_fleiss_example(void **state) {
    (void)state;
    static const int counts[10][5] = {{0, 0, 0, 0, 14}, {0, 2, 6, 4, 2}, {0, 0, 3, 5, 6},
            {0, 3, 9, 2, 0}, {2, 2, 8, 1, 1}, {7, 7, 0, 0, 0}, {3, 2, 6, 3, 0}, {2, 5, 3, 2, 2},
            {6, 5, 2, 1, 0}, {0, 2, 2, 3, 7}};
    uint32_t ratings[14 * 10];
    double kappa;
    sg_error err = SG_ERROR_INIT;
    for (size_t i = 0; i < 10; i++) {
        size_t rater = 0;
        for (uint32_t k = 0; k < 5; k++)
            for (int c = 0; c < counts[i][k]; c++) ratings[rater++ * 10 + i] = k;
        assert_int_equal(rater, 14);
    }
    CHECK_OK(sg_kappa_fleiss(&kappa, ratings, 14, 10, 5, &err));
    assert_true(fabs(kappa - 0.20993) < 5e-6);
    CHECK_OK(sg_kappa_fleiss(&kappa, grades, RATERS, N, GRADES, &err));
    stats_assert_close(kappa, stats_golden_value("agreement.csv", "fleiss", "kappa"), 1e-9, "k");
}

static void test_intervals_over_groups(void **state) {
    (void)state;
    uint32_t labels[N] = {0}, twice[2 * 2 * N], groups[2 * N], two[2 * N] = {0};
    sg_bootstrap_options options = {1000, 0.95, 5};
    sg_bootstrap_figure once, copied, fleiss;
    sg_kappa k;
    sg_error err = SG_ERROR_INIT;
    sg_bootstrap_sample sample = {labels, NULL, N, 1};
    CHECK_OK(
            sg_kappa_bootstrap(&once, &sample, grades, 2, GRADES, SG_KAPPA_LINEAR, &options, &err));
    CHECK_OK(sg_kappa_cohen(&k, grades, grades + N, N, GRADES, SG_KAPPA_LINEAR, 0.95, &err));
    stats_assert_close(once.estimate, k.value, 1e-12, "kappa");
    assert_true(fabs(once.standard_error / k.standard_error - 1) < 0.15);
    for (size_t i = 0; i < 2 * N; i++) {
        groups[i] = (uint32_t)(i % N);
        twice[i] = grades[i % N];
        twice[2 * N + i] = grades[N + i % N];
    }
    sg_bootstrap_sample pairs = {two, groups, 2 * N, 1};
    CHECK_OK(
            sg_kappa_bootstrap(&copied, &pairs, twice, 2, GRADES, SG_KAPPA_LINEAR, &options, &err));
    stats_assert_close(copied.bca.low, once.bca.low, 1e-12, "low");
    CHECK_OK(sg_kappa_bootstrap(
            &fleiss, &sample, grades, RATERS, GRADES, SG_KAPPA_FLEISS, &options, &err));
    assert_true(fleiss.bca.low < fleiss.estimate && fleiss.estimate < fleiss.bca.high);
}

static void test_limits_and_bad_input(void **state) {
    (void)state;
    const uint32_t same[3] = {1, 1, 1}, other[3] = {0, 1, 5};
    sg_kappa k;
    double fleiss;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_kappa_cohen(&k, same, same, 3, 2, SG_KAPPA_PLAIN, 0.95, &err));
    assert_true(isnan(k.value) && isnan(k.interval.low) && k.agreement == 1);
    CHECK_OK(sg_kappa_cohen(&k, grades, grades, N, GRADES, SG_KAPPA_PLAIN, 0.95, &err));
    assert_true(k.value == 1 && k.standard_error == 0);
    CHECK_FAILS(sg_kappa_cohen(&k, same, other, 3, 2, SG_KAPPA_PLAIN, 0.95, &err), SG_ERR_INPUT,
            "rater 1 says class 5 of 2 in row 2");
    CHECK_FAILS(sg_kappa_cohen(&k, same, same, 3, 2, SG_KAPPA_FLEISS, 0.95, &err), SG_ERR_INPUT,
            "raters");
    CHECK_FAILS(sg_kappa_fleiss(&fleiss, same, 1, 3, 2, &err), SG_ERR_INPUT, "1 raters");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_two_raters_equal_statsmodels),
            cmocka_unit_test(test_fleiss_example),
            cmocka_unit_test(test_intervals_over_groups),
            cmocka_unit_test(test_limits_and_bad_input),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
