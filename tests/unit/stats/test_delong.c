/* DeLong's variance, interval and paired test against pROC.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/delong.h"

#include "stats/roc.h"
#include "support/check.h"
#include "support/stats_golden.h"

#include <math.h>

enum { ROWS_MAX = 128 };

typedef struct rows {
    size_t n;
    uint8_t positive[ROWS_MAX];
    double first[ROWS_MAX], second[ROWS_MAX];
} rows;

static const char *const cases[] = {"plain", "ties", "rare", "worse", "perfect"};
enum { CASES = sizeof cases / sizeof *cases };

static void load(rows *out, const char *name) {
    sg_csv csv;
    stats_golden_open(&csv, "delong_rows.csv");
    out->n = 0;
    for (size_t r = 0; r < csv.rows; r++) {
        if (strcmp(stats_golden_text(&csv, r, "case"), name) != 0) continue;
        assert_true(out->n < ROWS_MAX);
        out->positive[out->n] = stats_golden_number(&csv, r, "positive") != 0;
        out->first[out->n] = stats_golden_number(&csv, r, "first");
        out->second[out->n++] = stats_golden_number(&csv, r, "second");
    }
    sg_csv_dispose(&csv);
    assert_true(out->n > 0);
}

static void close_to(double got, const char *name, const char *figure) {
    stats_assert_close(got, stats_golden_value("delong.csv", name, figure), 1e-9, figure);
}

static void test_areas_and_intervals_equal_proc(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        rows d;
        sg_delong one, two;
        sg_error err = SG_ERROR_INIT;
        load(&d, cases[i]);
        CHECK_OK(sg_delong_measure(&one, d.first, d.positive, d.n, 0.95, &err));
        CHECK_OK(sg_delong_measure(&two, d.second, d.positive, d.n, 0.9, &err));
        close_to(one.auc, cases[i], "first");
        close_to(one.variance, cases[i], "variance");
        close_to(one.interval.low, cases[i], "low");
        close_to(one.interval.high, cases[i], "high");
        close_to(two.auc, cases[i], "second");
        close_to(two.interval.low, cases[i], "second_low_90");
        close_to(two.interval.high, cases[i], "second_high_90");
        double area;
        CHECK_OK(sg_roc_auc(&area, d.first, d.positive, d.n, &err));
        stats_assert_close(one.auc, area, 1e-12, "area");
        assert_int_equal(one.positives + one.negatives, d.n);
        assert_int_equal(one.degenerate, strcmp(cases[i], "perfect") == 0);
    }
}

static void test_paired_tests_equal_proc(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        rows d;
        sg_delong_pair pair;
        sg_error err = SG_ERROR_INIT;
        load(&d, cases[i]);
        CHECK_OK(sg_delong_compare(&pair, d.first, d.second, d.positive, d.n, 0.95, &err));
        close_to(pair.z, cases[i], "z");
        close_to(pair.p, cases[i], "p");
        assert_true(pair.interval.low < pair.difference && pair.difference < pair.interval.high);
        assert_int_equal(pair.interval.low > 0 || pair.interval.high < 0, pair.p < 0.05);
        double scores[2 * ROWS_MAX], areas[2], covariance[4];
        memcpy(scores, d.first, d.n * sizeof *scores);
        memcpy(scores + d.n, d.second, d.n * sizeof *scores);
        CHECK_OK(sg_delong_covariance(areas, covariance, scores, 2, d.positive, d.n, &err));
        close_to(covariance[1], cases[i], "covariance");
        assert_true(covariance[1] == covariance[2]);
    }
}

/* Any rising function of a score ranks as the score does. */
static void test_equal_rankings_do_not_differ(void **state) {
    (void)state;
    rows d;
    sg_delong_pair pair;
    sg_error err = SG_ERROR_INIT;
    load(&d, "plain");
    for (size_t i = 0; i < d.n; i++) d.second[i] = exp(0.5 * d.first[i]);
    CHECK_OK(sg_delong_compare(&pair, d.first, d.second, d.positive, d.n, 0.95, &err));
    assert_true(pair.degenerate && pair.difference == 0 && pair.p == 1);
    /* A perfect score against one that says nothing: no variance, and no p either. */
    load(&d, "perfect");
    for (size_t i = 0; i < d.n; i++) d.second[i] = 7;
    CHECK_OK(sg_delong_compare(&pair, d.first, d.second, d.positive, d.n, 0.95, &err));
    assert_true(pair.degenerate && pair.difference == 0.5 && isnan(pair.p));
}

static void test_bad_input(void **state) {
    (void)state;
    double scores[4] = {1, 2, 3, 4};
    const uint8_t one[4] = {0, 0, 1, 0}, two[4] = {0, 1, 1, 0};
    sg_delong d;
    sg_error err = SG_ERROR_INIT;
    CHECK_FAILS(sg_delong_measure(&d, scores, one, 4, 0.95, &err), SG_ERR_INPUT, "1 of 4 rows");
    CHECK_FAILS(sg_delong_measure(&d, scores, two, 4, 1, &err), SG_ERR_INPUT, "confidence of 1");
    scores[2] = NAN;
    CHECK_FAILS(sg_delong_measure(&d, scores, two, 4, 0.95, &err), SG_ERR_INPUT, "row 2");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_areas_and_intervals_equal_proc),
            cmocka_unit_test(test_paired_tests_equal_proc),
            cmocka_unit_test(test_equal_rankings_do_not_differ),
            cmocka_unit_test(test_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
