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
    assert_true(isnan(pair.interval.low) && isnan(pair.interval.high));
    /* A perfect score against one that says nothing: no variance, and no p either. */
    load(&d, "perfect");
    for (size_t i = 0; i < d.n; i++) d.second[i] = 7;
    CHECK_OK(sg_delong_compare(&pair, d.first, d.second, d.positive, d.n, 0.95, &err));
    assert_true(pair.degenerate && pair.difference == 0.5 && isnan(pair.p));
}

enum { STUDY = 70 };
static double study[2 * STUDY]; /* a reader, the model */
static uint8_t study_truth[STUDY];

static void load_study(void) {
    sg_csv csv;
    stats_golden_open(&csv, "agreement_rows.csv");
    assert_int_equal(csv.rows, STUDY);
    for (size_t i = 0; i < STUDY; i++) {
        study_truth[i] = stats_golden_number(&csv, i, "truth") != 0;
        study[i] = stats_golden_number(&csv, i, "w0r0");
        study[STUDY + i] = stats_golden_number(&csv, i, "model");
    }
    sg_csv_dispose(&csv);
}

static void test_jackknife_equals_numpy(void **state) {
    (void)state;
    static const char *const names[] = {"jackknife", "jackknife_grouped"};
    uint32_t groups[STUDY];
    sg_error err = SG_ERROR_INIT;
    load_study();
    for (size_t i = 0; i < STUDY; i++) groups[i] = (uint32_t)(i * 7 % 23);
    for (int grouped = 0; grouped < 2; grouped++) {
        double areas[2], c[4];
        CHECK_OK(sg_area_jackknife(
                areas, c, study, 2, study_truth, grouped ? groups : NULL, STUDY, &err));
        const double found[3] = {c[0], c[1], c[3]};
        const char *const figures[3] = {"first", "both", "second"};
        for (int k = 0; k < 3; k++) {
            double expected = stats_golden_value("agreement.csv", names[grouped], figures[k]);
            if (!(fabs(found[k] - expected) <= 1e-9 * expected))
                fail_msg("%s %s: got %.17g, expected %.17g", names[grouped], figures[k], found[k],
                        expected);
        }
        double area;
        CHECK_OK(sg_roc_auc(&area, study, study_truth, STUDY, &err));
        stats_assert_close(areas[0], area, 1e-12, "area");
    }
}

/* Every row twice, in one group with itself: the same covariances as once. */
static void test_copies_in_a_group_change_nothing(void **state) {
    (void)state;
    double twice[2 * 2 * STUDY], areas[2], once[4], doubled[4];
    uint8_t truth[2 * STUDY];
    uint32_t groups[2 * STUDY];
    sg_error err = SG_ERROR_INIT;
    load_study();
    for (size_t i = 0; i < 2 * STUDY; i++) {
        twice[i] = study[i % STUDY];
        twice[2 * STUDY + i] = study[STUDY + i % STUDY];
        truth[i] = study_truth[i % STUDY];
        groups[i] = (uint32_t)(i % STUDY);
    }
    CHECK_OK(sg_area_jackknife(areas, once, study, 2, study_truth, NULL, STUDY, &err));
    CHECK_OK(sg_area_jackknife(areas, doubled, twice, 2, truth, groups, 2 * STUDY, &err));
    for (int k = 0; k < 4; k++) stats_assert_close(doubled[k], once[k], 1e-12, "covariance");
    memset(groups, 0, sizeof groups);
    for (size_t i = 0; i < STUDY; i++) groups[i] = study_truth[i] ? 0 : 1 + (uint32_t)i;
    CHECK_FAILS(sg_area_jackknife(areas, once, study, 2, study_truth, groups, STUDY, &err),
            SG_ERR_INPUT, "single group");
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
            cmocka_unit_test(test_jackknife_equals_numpy),
            cmocka_unit_test(test_copies_in_a_group_change_nothing),
            cmocka_unit_test(test_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
