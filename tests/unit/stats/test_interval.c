/* Wilson's interval against its definition and against exact binomial enumeration; the normal
 * distribution against known values.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/interval.h"

#include "support/stats_golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* scipy.special.ndtri */
static void test_normal_quantile(void **state) {
    (void)state;
    static const double known[][2] = {{1e-300, -37.0470962993612}, {1e-20, -9.262340089798409},
            {1e-5, -4.264890793922825}, {0.01, -2.3263478740408408}, {0.074, -1.4466320671589785},
            {0.0751, -1.4388253927525403}, {0.5, 0}, {0.6, 0.2533471031357997},
            {0.975, 1.959963984540054}, {0.999, 3.090232306167813}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        stats_assert_close(sg_normal_quantile(known[i][0]), known[i][1], 1e-15, "quantile");
        stats_assert_close(sg_normal_cdf(known[i][1]), known[i][0], 1e-15, "distribution");
    }
    assert_true(isinf(sg_normal_quantile(0)) && isinf(sg_normal_quantile(1)));
    assert_true(isnan(sg_normal_quantile(-0.1)) && isnan(sg_normal_quantile(NAN)));
}

/* The bounds solve (p_hat - p)^2 = z^2 p (1 - p) / n: checked by putting them in. */
static void test_wilson_solves_its_equation(void **state) {
    (void)state;
    double z2 = 1.959963984540054 * 1.959963984540054;
    for (size_t n = 1; n <= 60; n++)
        for (size_t k = 0; k <= n; k++) {
            sg_interval w = sg_interval_wilson(k, n, 0.95);
            double size = (double)n, p = (double)k / size, bound[2] = {w.low, w.high};
            assert_true(0 <= w.low && w.low <= p && p <= w.high && w.high <= 1);
            for (int side = 0; side < 2; side++)
                stats_assert_close((p - bound[side]) * (p - bound[side]),
                        z2 * bound[side] * (1 - bound[side]) / size, 1e-14, "Wilson");
        }
}

/* scipy 1.10 binomtest(k, n).proportion_ci(method="wilson"); 64 of 65 is the paper's likely count.
 */
static void test_wilson_known_values(void **state) {
    (void)state;
    sg_interval w = sg_interval_wilson(64, 65, 0.95);
    stats_assert_close(w.low, 0.9178671527044853, 1e-14, "64/65");
    stats_assert_close(w.high, 0.9972790553979765, 1e-14, "64/65");
    w = sg_interval_wilson(0, 10, 0.95);
    assert_true(w.low == 0);
    stats_assert_close(w.high, 0.27753279986288926, 1e-14, "0/10");
    assert_true(sg_interval_wilson(10, 10, 0.95).high == 1);
    assert_true(isnan(sg_interval_wilson(0, 0, 0.95).low));
}

/* Share of binomial(n, p) outcomes whose interval holds p. */
static double coverage(size_t n, double p) {
    double covered = 0;
    for (size_t k = 0; k <= n; k++) {
        sg_interval w = sg_interval_wilson(k, n, 0.95);
        if (w.low > p || w.high < p) continue;
        covered += exp(lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1) +
                       (double)k * log(p) + (double)(n - k) * log(1 - p));
    }
    return covered;
}

/* Agresti and Coull 1998: mean coverage over p is close to nominal even at small n, and the
 * interval inverts the score test exactly: p lies in it when and only when |p_hat - p| <= z se(p).
 */
static void test_wilson_coverage_by_enumeration(void **state) {
    (void)state;
    static const size_t sizes[] = {5, 10, 30, 65, 117};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t n = sizes[s];
        double mean = 0;
        for (int i = 0; i < 400; i++) {
            double p = (i + 0.5) / 400, exact = 0;
            for (size_t k = 0; k <= n; k++) {
                double gap = fabs((double)k / (double)n - p);
                if (gap > 1.959963984540054 * sqrt(p * (1 - p) / (double)n)) continue;
                exact += exp(lgamma((double)n + 1) - lgamma((double)k + 1) -
                             lgamma((double)(n - k) + 1) + (double)k * log(p) +
                             (double)(n - k) * log(1 - p));
            }
            stats_assert_close(coverage(n, p), exact, 1e-9, "coverage");
            mean += exact / 400;
        }
        assert_true(mean > 0.945 && mean < 0.965);
    }
}

static void test_quantile_is_numpys(void **state) {
    (void)state;
    const double sorted[4] = {1, 2, 4, 8};
    stats_assert_close(sg_quantile_sorted(sorted, 4, 0.5), 3, 1e-15, "median");
    stats_assert_close(sg_quantile_sorted(sorted, 4, 0.9), 6.8, 1e-14, "0.9");
    assert_true(sg_quantile_sorted(sorted, 4, 0) == 1 && sg_quantile_sorted(sorted, 4, 1) == 8);
    assert_true(sg_quantile_sorted(sorted, 1, 0.3) == 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_normal_quantile),
            cmocka_unit_test(test_wilson_solves_its_equation),
            cmocka_unit_test(test_wilson_known_values),
            cmocka_unit_test(test_wilson_coverage_by_enumeration),
            cmocka_unit_test(test_quantile_is_numpys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
