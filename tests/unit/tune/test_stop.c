/* When trials are stopped: the median rule and asynchronous successive halving.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tune/stop.h"

#include "support/check.h"

#include <math.h>

enum { STEPS = 9, OTHERS = 6 };

static const int steps[STEPS] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

/* Six finished trials; trial i stays at (i + 1) / 10. */
static void fill(sg_step_values *others, double values[OTHERS][STEPS]) {
    for (int i = 0; i < OTHERS; i++) {
        for (int k = 0; k < STEPS; k++) values[i][k] = 0.1 * (i + 1);
        others[i] = (sg_step_values){steps, values[i], STEPS};
    }
}

static bool stops(const sg_stop_options *o, double value, size_t count,
        const sg_step_values *others, size_t n) {
    double mine[STEPS];
    for (int k = 0; k < STEPS; k++) mine[k] = value;
    const sg_step_values v = {steps, mine, count};
    return sg_stop_now(o, &v, others, n);
}

static void test_median(void **state) {
    (void)state;
    sg_step_values others[OTHERS];
    double values[OTHERS][STEPS];
    sg_stop_options o = {SG_STOP_MEDIAN, true, 3, 4};
    fill(others, values); /* the median is 0.35 */
    assert_true(stops(&o, 0.34, 3, others, OTHERS));
    assert_false(stops(&o, 0.36, 3, others, OTHERS));
    assert_false(stops(&o, 0.34, 2, others, OTHERS)); /* too early */
    assert_false(stops(&o, 0.01, 3, others, 3));      /* too few others */
    assert_true(stops(&o, NAN, 3, others, OTHERS));
    o.maximise = false;
    assert_false(stops(&o, 0.34, 3, others, OTHERS));
    assert_true(stops(&o, 0.36, 3, others, OTHERS));
    o.rule = SG_STOP_NONE;
    assert_false(stops(&o, 0.36, 3, others, OTHERS));
}

/* The best value so far counts, not the last. */
static void test_median_remembers_the_best(void **state) {
    (void)state;
    sg_step_values others[OTHERS];
    double values[OTHERS][STEPS], mine[3] = {0.1, 0.9, 0.1};
    const sg_stop_options o = {SG_STOP_MEDIAN, true, 1, 4};
    fill(others, values);
    const sg_step_values v = {steps, mine, 3};
    assert_false(sg_stop_now(&o, &v, others, OTHERS));
}

static void test_nan_is_the_worst(void **state) {
    (void)state;
    sg_step_values others[OTHERS];
    double values[OTHERS][STEPS];
    const sg_stop_options o = {SG_STOP_MEDIAN, false, 1, 4};
    fill(others, values);
    assert_true(stops(&o, NAN, 3, others, OTHERS));
    assert_false(stops(&o, 0.05, 3, others, OTHERS));
}

static void test_halving(void **state) {
    (void)state;
    sg_step_values others[OTHERS];
    double values[OTHERS][STEPS];
    const sg_stop_options o = {SG_STOP_ASHA, true, 3, 0};
    fill(others, values);
    /* Seven at the rung: the best two go on. */
    assert_false(stops(&o, 0.55, 3, others, OTHERS));
    assert_true(stops(&o, 0.45, 3, others, OTHERS));
    assert_false(stops(&o, 0.45, 4, others, OTHERS)); /* no rung */
    assert_true(stops(&o, 0.45, 9, others, OTHERS));
    /* Six at the rung: still the best two. */
    assert_false(stops(&o, 0.45, 3, others, 5));
    assert_true(stops(&o, 0.35, 3, others, 5));
    /* Two at the rung: only the best goes on. */
    assert_false(stops(&o, 0.15, 3, others, 1));
    assert_true(stops(&o, 0.05, 3, others, 1));
    assert_false(stops(&o, 0.05, 3, others, 0));
}

/* Others that have not come as far do not count. */
static void test_only_the_same_step_counts(void **state) {
    (void)state;
    sg_step_values others[OTHERS];
    double values[OTHERS][STEPS];
    const sg_stop_options o = {SG_STOP_MEDIAN, true, 1, 4};
    fill(others, values);
    for (int i = 0; i < 4; i++) others[i].count = 2;
    assert_true(stops(&o, 0.1, 2, others, OTHERS));
    assert_false(stops(&o, 0.1, 3, others, OTHERS));
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_median),
            cmocka_unit_test(test_median_remembers_the_best),
            cmocka_unit_test(test_nan_is_the_worst),
            cmocka_unit_test(test_halving),
            cmocka_unit_test(test_only_the_same_step_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
