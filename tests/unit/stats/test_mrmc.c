/* The reader study against numpy, and against the figures that MRMCaov prints for Van Dyke's data.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/mrmc.h"

#include "stats/delong.h"
#include "support/check.h"
#include "support/stats_golden.h"

#include <math.h>

enum { N = 70, READERS = 3, WAYS = 2, ALL = WAYS * READERS };
static double scores[(ALL + 1) * N]; /* the model last */
static uint8_t positive[N];

static int load(void **state) {
    (void)state;
    static const char *const columns[ALL + 1] = {
            "w0r0", "w0r1", "w0r2", "w1r0", "w1r1", "w1r2", "model"};
    sg_csv csv;
    stats_golden_open(&csv, "agreement_rows.csv");
    assert_int_equal(csv.rows, N);
    for (size_t i = 0; i < N; i++) {
        positive[i] = stats_golden_number(&csv, i, "truth") != 0;
        for (size_t s = 0; s <= ALL; s++)
            scores[s * N + i] = stats_golden_number(&csv, i, columns[s]);
    }
    sg_csv_dispose(&csv);
    return 0;
}

static void close_to(double got, const char *name, const char *figure) {
    double expected = stats_golden_value("agreement.csv", name, figure);
    if (!(fabs(got - expected) <= 1e-9 * fabs(expected)))
        fail_msg("%s %s: got %.17g, expected %.17g", name, figure, got, expected);
}

static void close_mean(const sg_mrmc_mean *m, const char *name) {
    close_to(m->mean, name, "mean");
    close_to(m->standard_error, name, "se");
    close_to(m->df, name, "df");
    close_to(m->interval.low, name, "low");
    close_to(m->interval.high, name, "high");
    close_to(m->p, name, "p");
}

static void test_two_ways_equal_numpy(void **state) {
    (void)state;
    double areas[ALL], covariance[ALL * ALL];
    sg_mrmc_test t;
    sg_mrmc_mean means[WAYS], difference;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_delong_covariance(areas, covariance, scores, ALL, positive, N, &err));
    CHECK_OK(sg_mrmc_compare(&t, means, &difference, areas, covariance, WAYS, READERS, 0.95, &err));
    const struct {
        const char *figure;
        double value;
    } all[] = {{"ms_way", t.ms_way}, {"ms_reader", t.ms_reader}, {"ms_both", t.ms_both},
            {"variance", t.variance}, {"cov1", t.cov1}, {"cov2", t.cov2}, {"cov3", t.cov3},
            {"f", t.f}, {"df2", t.df2}, {"p", t.p}, {"difference", difference.mean},
            {"se", difference.standard_error}, {"low", difference.interval.low},
            {"high", difference.interval.high}, {"p", difference.p}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        close_to(all[i].value, "compare", all[i].figure);
    close_mean(&means[0], "way0");
    close_mean(&means[1], "way1");
}

static void test_readers_against_a_model_equal_numpy(void **state) {
    (void)state;
    double own[(READERS + 1) * N], areas[READERS + 1], covariance[(READERS + 1) * (READERS + 1)];
    sg_mrmc_mean m;
    sg_error err = SG_ERROR_INIT;
    memcpy(own, scores, READERS * N * sizeof *own);
    memcpy(own + READERS * N, scores + ALL * N, N * sizeof *own);
    CHECK_OK(sg_delong_covariance(areas, covariance, own, READERS + 1, positive, N, &err));
    CHECK_OK(sg_mrmc_against(&m, areas, covariance, READERS, 0.95, &err));
    close_mean(&m, "against");
    /* One reader is DeLong's paired test. */
    double two[4] = {covariance[0], covariance[3], covariance[12], covariance[15]};
    double pair[2] = {areas[0], areas[3]};
    sg_delong_pair d;
    CHECK_OK(sg_mrmc_against(&m, pair, two, 1, 0.95, &err));
    CHECK_OK(sg_delong_compare(&d, own, own + 3 * N, positive, N, 0.95, &err));
    stats_assert_close(m.p, d.p, 1e-12, "p");
    stats_assert_close(m.interval.low, d.interval.low, 1e-12, "low");
    assert_true(isinf(m.df));
}

/* Perfect readers have neither spread nor luck: no interval can be had from that, and no p. */
static void test_perfect_readers_have_no_interval(void **state) {
    (void)state;
    const double figures[3] = {1, 1, 0.9}, none[9] = {0};
    sg_mrmc_mean m;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_mrmc_average(&m, figures, none, 2, 0.95, &err));
    assert_true(m.mean == 1 && isnan(m.interval.low) && isnan(m.interval.high));
    CHECK_OK(sg_mrmc_against(&m, figures, none, 2, 0.95, &err));
    assert_true(isnan(m.interval.low) && isnan(m.p));
}

/* Sensitivities of five readers in two ways of reading 45 positive cases (Van Dyke et al. 1993), as
 * analysed in the user guide of MRMCaov (Smith and Hillis 2020), which prints the covariances. */
static void test_published_example(void **state) {
    (void)state;
    enum { R = 5, A = 2 * R };
    static const double right[A] = {40, 35, 37, 42, 31, 44, 37, 41, 45, 40};
    const double variance = 0.0023681257, cov1 = 0.0009943883, cov3 = 0.0006604938;
    const double cov2[2] = {0.001646465, 0.000382716};
    double figures[A], covariance[A * A];
    for (size_t i = 0; i < A; i++) {
        figures[i] = right[i] / 45;
        for (size_t j = 0; j < A; j++)
            covariance[i * A + j] = i == j           ? variance
                                    : i / R == j / R ? cov2[i / R]
                                    : i % R == j % R ? cov1
                                                     : cov3;
    }
    sg_mrmc_test t;
    sg_mrmc_mean means[2], d;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_mrmc_compare(&t, means, &d, figures, covariance, 2, R, 0.95, &err));
    const struct {
        const char *name;
        double got, printed;
    } all[] = {{"MS(T)", t.ms_way, 0.02390123}, {"MS(TR)", t.ms_both, 0.001802469},
            {"Cov2", t.cov2, 0.00101459}, {"F", t.f, 6.689493}, {"df2", t.df2, 15.71732},
            {"p", t.p, 0.02008822}, {"difference", d.mean, -0.09777778},
            {"SE", d.standard_error, 0.03780451}, {"low", d.interval.low, -0.1780371},
            {"high", d.interval.high, -0.0175185}, {"t", d.t, -2.586405},
            {"SE 1", means[0].standard_error, 0.05893747}, {"df 1", means[0].df, 14.456811},
            {"low 1", means[0].interval.low, 0.6961876},
            {"high 1", means[0].interval.high, 0.9482568},
            {"SE 2", means[1].standard_error, 0.03741657}, {"df 2", means[1].df, 7.575855},
            {"low 2", means[1].interval.low, 0.8328691}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!(fabs(all[i].got - all[i].printed) <= 2e-6 * fabs(all[i].printed)))
            fail_msg("%s: got %.9g, printed %.9g", all[i].name, all[i].got, all[i].printed);
}

static void test_limits_and_bad_input(void **state) {
    (void)state;
    const double same[2] = {0.8, 0.8}, covariance[4] = {0.002, 0.001, 0.001, 0.002};
    const double missing[2] = {0.8, NAN};
    sg_mrmc_mean m;
    sg_mrmc_test t;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_mrmc_average(&m, same, covariance, 2, 0.95, &err));
    assert_true(isinf(m.df) && m.mean == 0.8);
    stats_assert_close(m.standard_error, sqrt(0.001), 1e-15, "images alone");
    CHECK_FAILS(sg_mrmc_average(&m, missing, covariance, 2, 0.95, &err), SG_ERR_INPUT, "reader 1");
    CHECK_FAILS(sg_mrmc_average(&m, same, covariance, 0, 0.95, &err), SG_ERR_INPUT, "no readers");
    CHECK_FAILS(sg_mrmc_compare(&t, NULL, NULL, same, covariance, 2, 1, 0.95, &err), SG_ERR_INPUT,
            "two of each");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_perfect_readers_have_no_interval),
            cmocka_unit_test(test_two_ways_equal_numpy),
            cmocka_unit_test(test_readers_against_a_model_equal_numpy),
            cmocka_unit_test(test_published_example),
            cmocka_unit_test(test_limits_and_bad_input),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
