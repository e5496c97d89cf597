/* The bootstrap: BCa against scipy, the classifier's fast figures against the plain ones, groups
 * that move together, redraws, repeatability. SPDX-License-Identifier: Apache-2.0 */
#include "stats/bootstrap.h"

#include "base/rng.h"
#include "stats/classification.h"
#include "stats/order.h"
#include "stats/roc.h"
#include "support/stats_golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_bca(const char *name) {
    sg_csv csv;
    double draws[256], jackknife[64], estimate = NAN, low = NAN, high = NAN, acceleration;
    uint32_t stratum[64];
    size_t count = 0, left = 0;
    stats_golden_open(&csv, "bca.csv");
    for (size_t r = 0; r < csv.rows; r++) {
        const char *what = stats_golden_text(&csv, r, "what");
        double value = stats_golden_number(&csv, r, "value");
        if (strcmp(stats_golden_text(&csv, r, "case"), name) != 0) continue;
        if (!strcmp(what, "estimate")) estimate = value;
        if (!strcmp(what, "low")) low = value;
        if (!strcmp(what, "high")) high = value;
        if (!strcmp(what, "draw")) draws[count++] = value;
        if (!strcmp(what, "jackknife")) {
            stratum[left] = (uint32_t)stats_golden_number(&csv, r, "stratum");
            jackknife[left++] = value;
        }
    }
    sg_csv_dispose(&csv);
    assert_int_equal(count, 199);
    sg_order_sort(draws, count);
    assert_int_equal(
            sg_bootstrap_acceleration(&acceleration, jackknife, stratum, left, 2, NULL), SG_OK);
    sg_interval bca = sg_bootstrap_bca(draws, count, estimate, acceleration, 0.95);
    stats_assert_close(bca.low, low, 1e-9, "BCa low");
    stats_assert_close(bca.high, high, 1e-9, "BCa high");
}

static void test_bca_equals_scipy(void **state) {
    (void)state;
    check_bca("one");
    check_bca("two");
}

static void test_estimates_equal_the_plain_figures(void **state) {
    (void)state;
    sg_bootstrap_options options = SG_BOOTSTRAP_OPTIONS_INIT;
    options.draws = 50;
    for (const char *const *name = stats_case_names; *name; name++) {
        stats_case c;
        sg_bootstrap_classifier b;
        stats_case_load(&c, *name);
        sg_bootstrap_sample sample = {c.labels, NULL, c.n, c.classes};
        assert_int_equal(
                sg_bootstrap_classify(&b, &sample, c.predicted, c.probabilities, &options, NULL),
                SG_OK);
        const struct {
            const char *figure;
            double value;
        } scalar[] = {{"accuracy", b.accuracy.estimate},
                {"balanced_accuracy", b.balanced_accuracy.estimate},
                {"precision_macro", b.precision_macro.estimate},
                {"recall_macro", b.recall_macro.estimate}, {"f1_macro", b.f1_macro.estimate},
                {"auroc_macro", b.auroc_macro.estimate}};
        for (size_t i = 0; i < sizeof scalar / sizeof *scalar; i++)
            stats_assert_close(scalar[i].value, stats_case_figure(*name, scalar[i].figure, -1),
                    1e-12, scalar[i].figure);
        for (size_t k = 0; k < c.classes; k++) {
            int kk = (int)k;
            stats_assert_close(b.precision[k].estimate, stats_case_figure(*name, "precision", kk),
                    1e-12, "precision");
            stats_assert_close(
                    b.recall[k].estimate, stats_case_figure(*name, "recall", kk), 1e-12, "recall");
            stats_assert_close(b.f1[k].estimate, stats_case_figure(*name, "f1", kk), 1e-12, "f1");
            stats_assert_close(b.specificity[k].estimate,
                    stats_case_figure(*name, "specificity", kk), 1e-12, "specificity");
            stats_assert_close(
                    b.auroc[k].estimate, stats_case_figure(*name, "auroc", kk), 1e-12, "auroc");
        }
        assert_int_equal(b.largest_group, 1);
        assert_int_equal(b.groups, c.n);
        sg_bootstrap_classifier_dispose(&b);
    }
}

/* Row weights seen by a statistic, to check what a draw is. */
typedef struct watch {
    const uint32_t *labels, *groups;
    size_t n, calls, uneven, wrong_class_totals;
} watch;

static void watch_weights(double *values, const uint32_t *weights, void *user) {
    watch *w = user;
    size_t total[2] = {0, 0};
    for (size_t i = 0; i < w->n; i++) {
        total[w->labels[i]] += weights[i];
        for (size_t j = 0; j < i; j++)
            w->uneven += w->groups[i] == w->groups[j] && weights[i] != weights[j];
    }
    /* Both classes have three groups of two rows; a jackknife step lacks one group. */
    for (int k = 0; k < 2; k++) w->wrong_class_totals += total[k] != 6 && total[k] != 4;
    values[0] = (double)total[0] + 2e-15 * (double)(w->calls % 2); /* as sums in other orders are */
    w->calls++;
}

static void test_groups_move_together_within_classes(void **state) {
    (void)state;
    static const uint32_t labels[12] = {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1};
    static const uint32_t groups[12] = {90, 7, 7, 90, 5, 5, 11, 12, 13, 13, 12, 11};
    sg_bootstrap_sample sample = {labels, groups, 12, 2};
    sg_bootstrap_options options = {200, 0.95, 3};
    sg_bootstrap_figure figure;
    watch w = {labels, groups, 12, 0, 0, 0};
    assert_int_equal(
            sg_bootstrap_run(&figure, NULL, &sample, watch_weights, &w, 1, &options, NULL), SG_OK);
    assert_int_equal(w.calls, 1 + 6 + 200);
    assert_int_equal(w.uneven, 0);
    assert_int_equal(w.wrong_class_totals, 0);
    assert_true(figure.degenerate && figure.estimate == 6);
}

/* Class 1 lives only as the second row of a group of class 0: some draws lack it. */
static void test_draws_without_a_class_are_redrawn(void **state) {
    (void)state;
    static const uint32_t labels[5] = {0, 1, 0, 0, 0}, groups[5] = {0, 0, 1, 2, 3};
    static const uint32_t predicted[5] = {0, 1, 0, 1, 0};
    sg_bootstrap_sample sample = {labels, groups, 5, 2};
    sg_bootstrap_options options = {1000, 0.95, 1};
    sg_bootstrap_classifier b;
    assert_int_equal(sg_bootstrap_classify(&b, &sample, predicted, NULL, &options, NULL), SG_OK);
    /* A draw lacks the group with probability (3/4)^4 = 0.316: 463 redraws per 1000 expected. */
    assert_true(b.redraws > 380 && b.redraws < 550);
    assert_int_equal(b.groups, 4);
    assert_int_equal(b.largest_group, 2);
    assert_true(isnan(b.auroc_macro.estimate) && isnan(b.auroc_macro.bca.low));
    sg_bootstrap_classifier_dispose(&b);
}

enum { ROWS = 500, CLASSES = 3 };
static uint32_t many_labels[ROWS], many_predicted[ROWS], many_groups[ROWS];
static double many_probabilities[ROWS * CLASSES];

static void make_many(void) {
    sg_rng rng = sg_rng_make(5, SG_RNG_TEST, 0, 0);
    for (size_t i = 0; i < ROWS; i++) {
        double sum = 0, *p = many_probabilities + i * CLASSES;
        many_labels[i] = (uint32_t)(i % CLASSES);
        many_groups[i] = (uint32_t)(i / 6 * CLASSES + i % CLASSES); /* pairs of one class */
        for (uint32_t k = 0; k < CLASSES; k++) {
            p[k] = exp(sg_rng_normal(&rng) + (k == many_labels[i] ? 1.5 : 0));
            sum += p[k];
        }
        for (uint32_t k = 0; k < CLASSES; k++) p[k] /= sum;
    }
    assert_int_equal(
            sg_classification_decide(many_predicted, many_probabilities, ROWS, CLASSES, NULL),
            SG_OK);
}

static void test_same_seed_same_bytes(void **state) {
    (void)state;
    sg_bootstrap_sample sample = {many_labels, many_groups, ROWS, CLASSES};
    sg_bootstrap_options options = {500, 0.95, 42};
    sg_bootstrap_classifier a, b, c;
    assert_int_equal(
            sg_bootstrap_classify(&a, &sample, many_predicted, many_probabilities, &options, NULL),
            SG_OK);
    assert_int_equal(
            sg_bootstrap_classify(&b, &sample, many_predicted, many_probabilities, &options, NULL),
            SG_OK);
    options.seed = 43;
    assert_int_equal(
            sg_bootstrap_classify(&c, &sample, many_predicted, many_probabilities, &options, NULL),
            SG_OK);
    assert_true(a.auroc_macro.bca.low == b.auroc_macro.bca.low);
    assert_true(a.f1_macro.standard_error == b.f1_macro.standard_error);
    assert_true(a.auroc_macro.bca.low != c.auroc_macro.bca.low);
    sg_bootstrap_classifier_dispose(&a);
    sg_bootstrap_classifier_dispose(&b);
    sg_bootstrap_classifier_dispose(&c);
}

/* Copying every row into its group changes no estimate, and the grouped interval must not shrink as
 * one over independent rows would. */
static void test_copies_in_a_group_do_not_narrow_the_interval(void **state) {
    (void)state;
    enum { HALF = ROWS / 2 };
    static uint32_t labels[ROWS], predicted[ROWS], groups[ROWS];
    for (size_t i = 0; i < HALF; i++)
        for (size_t copy = 0; copy < 2; copy++) {
            size_t at = i + copy * HALF;
            labels[at] = many_labels[i];
            predicted[at] = many_predicted[i];
            groups[at] = (uint32_t)i;
        }
    sg_bootstrap_options options = {4000, 0.95, 0};
    sg_bootstrap_classifier single, grouped, naive;
    sg_bootstrap_sample half = {labels, NULL, HALF, CLASSES};
    sg_bootstrap_sample with_groups = {labels, groups, ROWS, CLASSES};
    sg_bootstrap_sample without = {labels, NULL, ROWS, CLASSES};
    assert_int_equal(sg_bootstrap_classify(&single, &half, predicted, NULL, &options, NULL), SG_OK);
    assert_int_equal(
            sg_bootstrap_classify(&grouped, &with_groups, predicted, NULL, &options, NULL), SG_OK);
    assert_int_equal(
            sg_bootstrap_classify(&naive, &without, predicted, NULL, &options, NULL), SG_OK);
    assert_true(single.accuracy.estimate == grouped.accuracy.estimate);
    assert_true(single.accuracy.bca.low == grouped.accuracy.bca.low);
    assert_true(single.accuracy.bca.high == grouped.accuracy.bca.high);
    assert_true(naive.accuracy.standard_error < 0.8 * grouped.accuracy.standard_error);
    sg_bootstrap_classifier_dispose(&single);
    sg_bootstrap_classifier_dispose(&grouped);
    sg_bootstrap_classifier_dispose(&naive);
}

static void test_senseless_requests_are_refused(void **state) {
    (void)state;
    sg_bootstrap_classifier b;
    sg_error err = SG_ERROR_INIT;
    sg_bootstrap_sample sample = {many_labels, NULL, ROWS, CLASSES};
    sg_bootstrap_options none = {0, 0.95, 0}, sure = {100, 1, 0};
    assert_int_equal(
            sg_bootstrap_classify(&b, &sample, many_predicted, NULL, &none, &err), SG_ERR_INPUT);
    assert_int_equal(
            sg_bootstrap_classify(&b, &sample, many_predicted, NULL, &sure, &err), SG_ERR_INPUT);
    sample.n = 0;
    assert_int_equal(
            sg_bootstrap_classify(&b, &sample, many_predicted, NULL, &none, &err), SG_ERR_INPUT);
}

int main(void) {
    make_many();
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_bca_equals_scipy),
            cmocka_unit_test(test_estimates_equal_the_plain_figures),
            cmocka_unit_test(test_groups_move_together_within_classes),
            cmocka_unit_test(test_draws_without_a_class_are_redrawn),
            cmocka_unit_test(test_same_seed_same_bytes),
            cmocka_unit_test(test_copies_in_a_group_do_not_narrow_the_interval),
            cmocka_unit_test(test_senseless_requests_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
