/* McNemar's exact test and the sign-flip test against enumeration.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/paired.h"

#include "support/stats_golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* scipy.stats.binomtest(min, n).pvalue */
static void test_mcnemar_equals_the_binomial_test(void **state) {
    (void)state;
    static const double known[][3] = {{0, 0, 1}, {5, 5, 1}, {1, 9, 0.021484375}, {0, 6, 0.03125},
            {10, 25, 0.016673847800120715}, {3, 4, 1}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t a = (size_t)known[i][0], b = (size_t)known[i][1];
        stats_assert_close(sg_mcnemar_exact(a, b), known[i][2], 1e-12, "McNemar");
        stats_assert_close(sg_mcnemar_exact(b, a), known[i][2], 1e-12, "McNemar");
    }
}

/* Where each group is one row of -1, 0 or 1, sign-flip is McNemar. */
static void test_sign_flip_of_single_rows_is_mcnemar(void **state) {
    (void)state;
    const double d[12] = {1, 1, 1, 0, 1, -1, 1, 1, 0, 1, 1, 1};
    sg_sign_flip t;
    assert_int_equal(sg_sign_flip_test(&t, d, NULL, 12, 0, 0, NULL), SG_OK);
    assert_true(t.exact);
    assert_int_equal(t.groups, 10);
    stats_assert_close(t.p, sg_mcnemar_exact(9, 1), 1e-12, "p");
    stats_assert_close(t.difference, 8.0 / 12, 1e-15, "difference");
}

/* Ten equal rows in one group are one piece of evidence: p = 1. */
static void test_groups_flip_as_one(void **state) {
    (void)state;
    const double d[6] = {1, 1, 1, 1, 1, 1};
    const uint32_t one[6] = {4, 4, 4, 4, 4, 4}, three[6] = {1, 1, 2, 2, 9, 9};
    sg_sign_flip t;
    assert_int_equal(sg_sign_flip_test(&t, d, one, 6, 0, 0, NULL), SG_OK);
    assert_true(t.p == 1 && t.groups == 1);
    assert_int_equal(sg_sign_flip_test(&t, d, three, 6, 0, 0, NULL), SG_OK);
    stats_assert_close(t.p, 0.25, 1e-15, "p");
}

static void test_sampling_agrees_with_the_exact_value(void **state) {
    (void)state;
    double d[40];
    for (int i = 0; i < 40; i++) d[i] = i < 28 ? 1 : -1;
    sg_sign_flip t, again;
    assert_int_equal(sg_sign_flip_test(&t, d, NULL, 40, 20000, 7, NULL), SG_OK);
    assert_int_equal(sg_sign_flip_test(&again, d, NULL, 40, 20000, 7, NULL), SG_OK);
    assert_false(t.exact);
    assert_true(t.p == again.p);
    stats_assert_close(t.p, sg_mcnemar_exact(28, 12), 0.003, "p");
}

static void test_bad_input(void **state) {
    (void)state;
    const double d[2] = {0, NAN};
    sg_sign_flip t;
    assert_int_equal(sg_sign_flip_test(&t, d, NULL, 2, 0, 0, NULL), SG_ERR_INPUT);
    assert_int_equal(sg_sign_flip_test(&t, d, NULL, 0, 0, 0, NULL), SG_ERR_INPUT);
    assert_int_equal(sg_sign_flip_test(&t, d, NULL, 1, 0, 0, NULL), SG_OK);
    assert_true(t.p == 1 && t.groups == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_mcnemar_equals_the_binomial_test),
            cmocka_unit_test(test_sign_flip_of_single_rows_is_mcnemar),
            cmocka_unit_test(test_groups_flip_as_one),
            cmocka_unit_test(test_sampling_agrees_with_the_exact_value),
            cmocka_unit_test(test_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
