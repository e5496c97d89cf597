/* test_drift.c - against scipy and numpy, and against what chance gives.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "stats/drift.h"
#include "support/check.h"
#include "support/stats_golden.h"
#include <math.h>
#include <stdlib.h>

/* The formula of tests/golden/stats/make_drift.py. */
static double *batch(size_t n, double shift, double scale, double step) {
    double *x = malloc(n * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) {
        double k = (double)(i + 1);
        x[i] = shift + scale * sin(12.9898 * k) + 0.3 * cos(4.1414 * k * k);
        if (step > 0) x[i] = nearbyint(x[i] / step) * step;
    }
    return x;
}

static void test_golden(void **state) {
    (void)state;
    sg_csv csv;
    stats_golden_open(&csv, "drift.csv");
    for (size_t r = 0; r < csv.rows; r++) {
        sg_error err = SG_ERROR_INIT;
        sg_bootstrap_options options = {200, 0.95, 1};
        size_t n = (size_t)stats_golden_number(&csv, r, "n");
        size_t m = (size_t)stats_golden_number(&csv, r, "m");
        double step = stats_golden_number(&csv, r, "step");
        double *a = batch(n, 0, 1, step);
        double *b = batch(m, stats_golden_number(&csv, r, "shift"),
                stats_golden_number(&csv, r, "scale"), step);
        sg_drift d;
        CHECK_OK(sg_drift_measure(&d, a, n, b, m, &options, &err));
        assert_true(fabs(d.ks - stats_golden_number(&csv, r, "ks")) < 1e-9);
        assert_true(fabs(d.index - stats_golden_number(&csv, r, "index")) < 1e-9);
        assert_int_equal(d.bins, (int)stats_golden_number(&csv, r, "bins"));
        double exact = stats_golden_number(&csv, r, "p"); /* ours is asymptotic */
        if (step == 0 && fabs(d.ks_p - exact) > 0.002 + 0.15 * exact)
            fail_msg("row %zu: p %g, exact %g", r, d.ks_p, exact);
        assert_true(fabs(d.excess - (d.index - (d.bins - 1) * (1. / (double)n + 1. / (double)m))) <
                    1e-12);
        assert_true(d.interval.low <= d.interval.high);
        free(a);
        free(b);
    }
    sg_csv_dispose(&csv);
}

/* Batches of one source: the excess is about 0 on average (the half images in each bin
 * draw it a little below) and its interval mostly holds 0. */
static void test_no_drift(void **state) {
    (void)state;
    enum { N = 100, M = 60, REPEATS = 200 };
    sg_error err = SG_ERROR_INIT;
    sg_bootstrap_options options = {200, 0.95, 3};
    double a[N], b[M], sum = 0;
    int covered = 0, significant = 0;
    for (uint32_t k = 0; k < REPEATS; k++) {
        sg_rng rng = sg_rng_make(11, SG_RNG_TEST, k, 0);
        for (int i = 0; i < N; i++) a[i] = sg_rng_normal(&rng);
        for (int i = 0; i < M; i++) b[i] = sg_rng_normal(&rng);
        sg_drift d;
        CHECK_OK(sg_drift_measure(&d, a, N, b, M, &options, &err));
        sum += d.excess;
        covered += d.interval.low <= 0 && d.interval.high >= 0;
        significant += d.ks_p < 0.05;
    }
    if (fabs(sum / REPEATS) > 0.05) fail_msg("mean excess %g", sum / REPEATS);
    if (covered < 0.9 * REPEATS) fail_msg("%d of %d intervals hold 0", covered, REPEATS);
    if (significant > 0.1 * REPEATS) fail_msg("%d of %d are significant", significant, REPEATS);
}

/* scipy.stats.kstwobign.sf((e + 0.12 + 0.11 / e) D), e = sqrt(nm / (n + m)): the corrected p of two
 * batches of 20 whose distribution functions are 0.3 apart, which without the correction is 0.329.
 */
static void test_small_batches_are_corrected(void **state) {
    (void)state;
    enum { N = 20 };
    sg_error err = SG_ERROR_INIT;
    sg_bootstrap_options options = {100, 0.95, 0};
    double a[N], b[N];
    for (int i = 0; i < N; i++) {
        a[i] = i;
        b[i] = i < 6 ? i + 100 : i;
    }
    sg_drift d;
    CHECK_OK(sg_drift_measure(&d, a, N, b, N, &options, &err));
    assert_true(fabs(d.ks - 0.3) < 1e-12);
    assert_true(fabs(d.ks_p - 0.27526886726742134) < 1e-9);
}

/* A column that never changes has nothing to draw: its index is 0 whatever is drawn. */
static void test_constant_columns(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_bootstrap_options options = {100, 0.95, 0};
    double same[30] = {0}, other[40];
    for (int i = 0; i < 40; i++) other[i] = 1;
    sg_drift d;
    CHECK_OK(sg_drift_measure(&d, same, 30, same, 30, &options, &err));
    assert_true(d.excess == 0 && d.chance == 0 && d.interval.low == 0 && d.interval.high == 0);
    CHECK_OK(sg_drift_measure(&d, same, 30, other, 40, &options, &err));
    assert_true(d.excess > 0.2 && isnan(d.interval.low) && isnan(d.interval.high));
}

static void test_edges(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_bootstrap_options options = {100, 0.95, 0};
    double same[30] = {0}, other[30], few[19] = {0};
    for (int i = 0; i < 30; i++) other[i] = 1;
    sg_drift d;
    CHECK_FAILS(sg_drift_measure(&d, same, 30, few, 19, &options, &err), SG_ERR_INPUT, "needs 20");
    CHECK_FAILS(sg_drift_measure(&d, few, 19, same, 30, &options, &err), SG_ERR_INPUT, "needs 20");
    CHECK_OK(sg_drift_measure(&d, same, 30, same, 30, &options, &err));
    assert_true(d.ks == 0 && d.ks_p == 1 && d.index == 0);
    CHECK_OK(sg_drift_measure(&d, same, 30, other, 30, &options, &err));
    assert_true(d.ks == 1 && d.ks_p < 1e-10 && d.excess > 0.2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_golden),
            cmocka_unit_test(test_no_drift),
            cmocka_unit_test(test_small_batches_are_corrected),
            cmocka_unit_test(test_constant_columns),
            cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
