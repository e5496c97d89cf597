/* Shares of rows with their intervals, and parts of the rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/strata.h"

#include "support/check.h"
#include "support/stats_golden.h"

#include <math.h>

enum { N = 40 };

static void test_single_rows_take_wilson(void **state) {
    (void)state;
    uint32_t labels[N], groups[N];
    uint8_t hit[N], among[N];
    sg_share s;
    sg_bootstrap_options options = {500, 0.9, 0};
    sg_error err = SG_ERROR_INIT;
    for (size_t i = 0; i < N; i++) {
        labels[i] = i % 2;
        groups[i] = (uint32_t)(i < 20 ? i : 20 + i / 2); /* pairs in the second half */
        hit[i] = i % 5 != 0;
        among[i] = i < 20;
    }
    sg_bootstrap_sample sample = {labels, groups, N, 2};
    CHECK_OK(sg_share_measure(&s, &sample, among, hit, &options, &err));
    sg_interval wilson = sg_interval_wilson(16, 20, 0.9);
    assert_true(s.wilson && s.hits == 16 && s.n == 20 && s.groups == 20);
    assert_true(s.interval.low == wilson.low && s.interval.high == wilson.high);
    CHECK_OK(sg_share_measure(&s, &sample, NULL, hit, &options, &err));
    assert_true(!s.wilson && s.n == N && s.groups == 30);
    assert_true(s.interval.low < 0.8 && 0.8 < s.interval.high);
}

/* Twenty rows, all right, in four groups: as sure as four right rows, no surer. */
static void test_agreement_counts_groups(void **state) {
    (void)state;
    uint32_t labels[20], groups[20];
    uint8_t hit[20], none[20] = {0};
    sg_share s;
    sg_bootstrap_options options = {500, 0.95, 0};
    sg_error err = SG_ERROR_INIT;
    for (size_t i = 0; i < 20; i++) {
        labels[i] = 0;
        groups[i] = (uint32_t)(i / 5);
        hit[i] = 1;
    }
    sg_bootstrap_sample sample = {labels, groups, 20, 1};
    CHECK_OK(sg_share_measure(&s, &sample, NULL, hit, &options, &err));
    assert_true(s.value == 1 && s.interval.low == sg_interval_wilson(4, 4, 0.95).low);
    CHECK_OK(sg_share_measure(&s, &sample, NULL, none, &options, &err));
    assert_true(s.value == 0 && s.interval.high == sg_interval_wilson(0, 4, 0.95).high);
    CHECK_OK(sg_share_measure(&s, &sample, none, hit, &options, &err));
    assert_true(s.n == 0 && isnan(s.value) && isnan(s.interval.low));
}

static void test_strata_part_the_rows(void **state) {
    (void)state;
    uint32_t labels[N], stratum[N];
    uint8_t hit[N];
    sg_share shares[3];
    sg_bootstrap_options options = {200, 0.95, 0};
    sg_error err = SG_ERROR_INIT;
    for (size_t i = 0; i < N; i++) {
        labels[i] = 0;
        stratum[i] = (uint32_t)(i % 4); /* 3 is in no stratum */
        hit[i] = stratum[i] != 1;
    }
    sg_bootstrap_sample sample = {labels, NULL, N, 1};
    CHECK_OK(sg_strata_measure(shares, stratum, 3, &sample, hit, &options, &err));
    assert_true(shares[0].n == 10 && shares[0].value == 1);
    assert_true(shares[1].n == 10 && shares[1].value == 0);
    assert_true(shares[2].n == 10 && shares[2].value == 1);
}

static void test_quantiles_part_the_rows(void **state) {
    (void)state;
    double values[9] = {5, 1, 4, 2, 3, 6, 8, 7, NAN}, edges[3];
    uint32_t stratum[9], count[5] = {0};
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_strata_by_quantile(stratum, edges, values, 9, 4, &err));
    for (size_t i = 0; i < 9; i++) count[stratum[i]]++;
    for (int k = 0; k < 4; k++) assert_int_equal(count[k], 2);
    assert_int_equal(stratum[8], 4);
    stats_assert_close(edges[0], 2.75, 1e-15, "edge"); /* numpy.quantile(range(1, 9), 0.25) */
    stats_assert_close(edges[2], 6.25, 1e-15, "edge");
    /* Equal values share a part. */
    for (size_t i = 0; i < 9; i++) values[i] = i < 6 ? 0 : 1;
    CHECK_OK(sg_strata_by_quantile(stratum, edges, values, 9, 3, &err));
    for (size_t i = 1; i < 6; i++) assert_int_equal(stratum[i], stratum[0]);
    for (size_t i = 0; i < 9; i++) values[i] = NAN;
    CHECK_FAILS(sg_strata_by_quantile(stratum, edges, values, 9, 3, &err), SG_ERR_INPUT, "no rows");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_single_rows_take_wilson),
            cmocka_unit_test(test_agreement_counts_groups),
            cmocka_unit_test(test_strata_part_the_rows),
            cmocka_unit_test(test_quantiles_part_the_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
