/* The Gaussian process against scikit-learn, a closed form, and finite differences; Sobol' points
 * against SciPy; log expected improvement against 50 digits. SPDX-License-Identifier: Apache-2.0 */
#include "tune/gp.h"

#include "base/csv.h"
#include "support/check.h"
#include "tune/acquisition.h"
#include "tune/sobol.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 30, WIDTH = 4, NEW = 6 };

/* The same line stands in tests/golden/tune/make.py. */
static double formula(int i, int j) {
    double x = sin(12.9898 * (i + 1) + 78.233 * (j + 1)) * 43.5453;
    return x - floor(x);
}

typedef struct fixture {
    double x[N * WIDTH], y[N], at[NEW * WIDTH];
    int group[WIDTH];
    sg_gp_theta theta;
} fixture;

static void fill(fixture *f) {
    static const double lengths[WIDTH] = {0.3, 0.7, 1.1, 2.0};
    memset(f, 0, sizeof *f);
    for (int i = 0; i < N; i++) {
        double *r = f->x + i * WIDTH;
        for (int j = 0; j < WIDTH; j++) r[j] = formula(i, j);
        f->y[i] = sin(3 * r[0]) + r[1] * r[2] - 0.5 * r[3];
    }
    for (int i = 0; i < NEW; i++)
        for (int j = 0; j < WIDTH; j++) f->at[i * WIDTH + j] = formula(100 + i, j);
    for (int j = 0; j < WIDTH; j++) {
        f->group[j] = j;
        f->theta.log_length[j] = log(lengths[j]);
    }
    f->theta.log_signal = log(1.7);
    f->theta.log_noise = log(0.01);
}

static void golden_open(sg_csv *csv, const char *file) {
    sg_error err = SG_ERROR_INIT;
    char path[128];
    snprintf(path, sizeof path, "tests/golden/tune/%s", file);
    CHECK_OK(sg_csv_read(csv, path, &err));
}

static double golden(const sg_csv *csv, const char *kind, int index) {
    for (size_t r = 0; r < csv->rows; r++) {
        long long at;
        double value;
        assert_true(sg_parse_int64(&at, sg_csv_cell(csv, r, 1)));
        if (strcmp(sg_csv_cell(csv, r, 0), kind) != 0 || at != index) continue;
        assert_true(sg_parse_double(&value, sg_csv_cell(csv, r, 2)));
        return value;
    }
    fail_msg("gp.csv has no %s %d", kind, index);
    return NAN;
}

static void assert_close(double got, double expected, double tolerance) {
    if (!(fabs(got - expected) <= tolerance * fmax(1, fabs(expected))))
        fail_msg("%.17g is not %.17g", got, expected);
}

static void test_equals_scikit_learn(void **state) {
    (void)state;
    fixture f;
    sg_csv csv;
    sg_gp gp;
    sg_error err = SG_ERROR_INIT;
    double value, gradient[WIDTH + 2], work[N * N + N];
    fill(&f);
    golden_open(&csv, "gp.csv");
    CHECK_OK(sg_gp_likelihood(
            &value, gradient, f.x, f.y, N, WIDTH, f.group, WIDTH, &f.theta, work, &err));
    assert_close(value, golden(&csv, "likelihood", 0), 1e-10);
    for (int k = 0; k < WIDTH + 2; k++)
        assert_close(gradient[k], golden(&csv, "gradient", k), 1e-8);
    CHECK_OK(sg_gp_condition(&gp, f.x, f.y, N, WIDTH, f.group, WIDTH, &f.theta, &err));
    for (int i = 0; i < NEW; i++) {
        double mean, variance;
        sg_gp_predict(&gp, f.at + i * WIDTH, &mean, &variance, NULL, NULL);
        assert_close(mean, golden(&csv, "mean", i), 1e-8);
        assert_close(variance, golden(&csv, "variance", i), 1e-8);
    }
    sg_gp_dispose(&gp);
    sg_csv_dispose(&csv);
}

/* Two observations: the posterior written out by hand. */
static void test_equals_the_closed_form(void **state) {
    (void)state;
    const double x[2] = {0.2, 0.9}, y[2] = {1.0, -0.4}, at = 0.5, s2 = 1.3, noise = 0.05, l = 0.4;
    const int group[1] = {0};
    sg_gp_theta theta = {{log(l)}, log(s2), log(noise), 0};
    sg_error err = SG_ERROR_INIT;
    sg_gp gp;
    CHECK_OK(sg_gp_condition(&gp, x, y, 2, 1, group, 1, &theta, &err));
    double k[3], distance[3] = {fabs(x[0] - x[1]), fabs(at - x[0]), fabs(at - x[1])};
    for (int i = 0; i < 3; i++) {
        double r = sqrt(5) * distance[i] / l;
        k[i] = s2 * (1 + r + r * r / 3) * exp(-r);
    }
    double d = s2 + noise, det = d * d - k[0] * k[0];
    double mean = (k[1] * (d * y[0] - k[0] * y[1]) + k[2] * (d * y[1] - k[0] * y[0])) / det;
    double explained = (k[1] * (d * k[1] - k[0] * k[2]) + k[2] * (d * k[2] - k[0] * k[1])) / det;
    double got_mean, got_variance;
    sg_gp_predict(&gp, &at, &got_mean, &got_variance, NULL, NULL);
    assert_close(got_mean, mean, 1e-12);
    assert_close(got_variance, s2 - explained, 1e-12);
    sg_gp_dispose(&gp);
}

/* Hardly any noise and a point seen twice: rounding would leave no Cholesky factor. */
static void test_noise_grows_where_points_coincide(void **state) {
    (void)state;
    const double x[3] = {0.2, 0.2, 0.9}, y[3] = {1.0, 1.0, -0.4};
    const int group[1] = {0};
    sg_gp_theta theta = {{log(0.4)}, log(100), log(1e-17), 0};
    sg_error err = SG_ERROR_INIT;
    sg_gp gp;
    double mean, variance;
    CHECK_OK(sg_gp_condition(&gp, x, y, 3, 1, group, 1, &theta, &err));
    assert_true(gp.theta.log_noise > theta.log_noise && gp.theta.log_noise < log(1e-11));
    assert_true(gp.theta.log_signal == theta.log_signal);
    sg_gp_predict(&gp, x, &mean, &variance, NULL, NULL);
    assert_close(mean, 1, 1e-6);
    sg_gp_dispose(&gp);
    theta.log_noise = log(1e-30);
    assert_int_equal(sg_gp_condition(&gp, x, y, 3, 1, group, 1, &theta, &err), SG_ERR_NUMERIC);
}

static double *theta_at(sg_gp_theta *t, int k) {
    return k < WIDTH ? &t->log_length[k] : k == WIDTH ? &t->log_signal : &t->log_noise;
}

static void test_gradients_equal_finite_differences(void **state) {
    (void)state;
    fixture f;
    sg_error err = SG_ERROR_INIT;
    double value, gradient[WIDTH + 2], work[N * N + N];
    const double h = 1e-5;
    fill(&f);
    CHECK_OK(sg_gp_likelihood(
            &value, gradient, f.x, f.y, N, WIDTH, f.group, WIDTH, &f.theta, work, &err));
    value += sg_gp_prior(gradient, WIDTH, &f.theta);
    for (int k = 0; k < WIDTH + 2; k++) {
        double side[2];
        for (int s = 0; s < 2; s++) {
            sg_gp_theta t = f.theta;
            *theta_at(&t, k) += s ? h : -h;
            CHECK_OK(sg_gp_likelihood(
                    &side[s], NULL, f.x, f.y, N, WIDTH, f.group, WIDTH, &t, work, &err));
            side[s] += sg_gp_prior(NULL, WIDTH, &t);
        }
        assert_close(gradient[k], (side[1] - side[0]) / (2 * h), 1e-5);
    }
    sg_gp gp;
    CHECK_OK(sg_gp_condition(&gp, f.x, f.y, N, WIDTH, f.group, WIDTH, &f.theta, &err));
    double mean, variance, by_mean[WIDTH], by_variance[WIDTH];
    sg_gp_predict(&gp, f.at, &mean, &variance, by_mean, by_variance);
    for (int j = 0; j < WIDTH; j++) {
        double at[WIDTH], m[2], v[2];
        for (int s = 0; s < 2; s++) {
            memcpy(at, f.at, sizeof at);
            at[j] += s ? h : -h;
            sg_gp_predict(&gp, at, &m[s], &v[s], NULL, NULL);
        }
        assert_close(by_mean[j], (m[1] - m[0]) / (2 * h), 1e-6);
        assert_close(by_variance[j], (v[1] - v[0]) / (2 * h), 1e-6);
    }
    sg_gp_dispose(&gp);
}

static double log_of_normal(double x, double middle, double spread) {
    double z = (x - middle) / spread;
    return log(exp(-0.5 * z * z) / (spread * sqrt(2 * acos(-1))));
}

/* Lengths: median 0.5 sqrt(4) = 1; signal: median 1; noise: Cauchy about 0.01. Away from the
 * medians, where a slope is not zero. */
static void test_priors_are_as_written(void **state) {
    (void)state;
    const double noises[3] = {1e-11, 1e-3, 0.4}, h = 1e-5;
    fixture f;
    fill(&f);
    for (int n = 0; n < 3; n++) {
        double gradient[WIDTH + 2] = {0}, z = log(noises[n] / 0.01);
        f.theta.log_noise = log(noises[n]);
        double expected = log_of_normal(f.theta.log_signal, 0, 2) - log(acos(-1) * (1 + z * z));
        for (int j = 0; j < WIDTH; j++) expected += log_of_normal(f.theta.log_length[j], 0, 1);
        assert_close(sg_gp_prior(gradient, WIDTH, &f.theta), expected, 1e-12);
        for (int k = 0; k < WIDTH + 2; k++) {
            double side[2];
            for (int s = 0; s < 2; s++) {
                sg_gp_theta t = f.theta;
                *theta_at(&t, k) += s ? h : -h;
                side[s] = sg_gp_prior(NULL, WIDTH, &t);
            }
            assert_close(gradient[k], (side[1] - side[0]) / (2 * h), 1e-8);
        }
    }
}

/* The last coordinate as time: its factor on the kernel, and the gradient with respect to it. */
static void test_time_fades(void **state) {
    (void)state;
    enum { GROUPS = WIDTH - 1 };
    fixture f;
    sg_error err = SG_ERROR_INIT;
    double value, side[2], gradient[GROUPS + 3], work[N * N + N];
    const double h = 1e-5;
    fill(&f);
    f.group[GROUPS] = SG_GP_TIME;
    f.theta.forget = 0.4;
    CHECK_OK(sg_gp_likelihood(
            &value, gradient, f.x, f.y, N, WIDTH, f.group, GROUPS, &f.theta, work, &err));
    for (int k = 0; k < GROUPS + 3; k++) {
        for (int s = 0; s < 2; s++) {
            sg_gp_theta t = f.theta;
            double *at = k < GROUPS        ? &t.log_length[k]
                         : k == GROUPS     ? &t.log_signal
                         : k == GROUPS + 1 ? &t.log_noise
                                           : &t.forget;
            *at += s ? h : -h;
            CHECK_OK(sg_gp_likelihood(
                    &side[s], NULL, f.x, f.y, N, WIDTH, f.group, GROUPS, &t, work, &err));
        }
        assert_close(gradient[k], (side[1] - side[0]) / (2 * h), 1e-5);
    }
    /* One observation of 1 at time 0: the mean elsewhere in time is the kernel's share of it. */
    const double x[2] = {0.3, 0}, y = 1, later[2] = {0.3, 5};
    const int group[2] = {0, SG_GP_TIME};
    const sg_gp_theta theta = {{0}, 0, log(1e-6), 0.1};
    double mean, variance;
    sg_gp gp;
    CHECK_OK(sg_gp_condition(&gp, x, &y, 1, 2, group, 1, &theta, &err));
    sg_gp_predict(&gp, later, &mean, &variance, NULL, NULL);
    assert_close(mean, exp(-0.5), 1e-5);
    assert_close(variance, 1 - exp(-1), 1e-5);
    sg_gp_dispose(&gp);
}

static void test_fit_climbs_and_finds_the_idle_coordinate(void **state) {
    (void)state;
    fixture f;
    sg_error err = SG_ERROR_INIT;
    sg_gp_theta fitted;
    double before, after, work[N * N + N];
    fill(&f);
    for (int i = 0; i < N; i++) f.y[i] = sin(9 * f.x[i * WIDTH]);
    CHECK_OK(sg_gp_fit(&fitted, f.x, f.y, N, WIDTH, f.group, WIDTH, 3, 200, 7, &err));
    CHECK_OK(sg_gp_likelihood(
            &before, NULL, f.x, f.y, N, WIDTH, f.group, WIDTH, &f.theta, work, &err));
    CHECK_OK(sg_gp_likelihood(
            &after, NULL, f.x, f.y, N, WIDTH, f.group, WIDTH, &fitted, work, &err));
    before += sg_gp_prior(NULL, WIDTH, &f.theta);
    after += sg_gp_prior(NULL, WIDTH, &fitted);
    assert_true(after > before + 5);
    for (int j = 1; j < WIDTH; j++)
        assert_true(fitted.log_length[j] > fitted.log_length[0] + log(3));
}

/* A function without noise is told as such: its last digits are all that is left to find. */
static void test_fit_sees_that_there_is_no_noise(void **state) {
    (void)state;
    enum { POINTS = 16 };
    const int group[1] = {0};
    double x[POINTS], y[POINTS];
    sg_error err = SG_ERROR_INIT;
    sg_gp_theta fitted;
    for (int i = 0; i < POINTS; i++) {
        x[i] = (double)i / (POINTS - 1);
        y[i] = sin(4 * x[i]);
    }
    CHECK_OK(sg_gp_fit(&fitted, x, y, POINTS, 1, group, 1, 3, 200, 7, &err));
    assert_true(fitted.log_noise < log(1e-6));
    for (int i = 0; i < POINTS; i++) y[i] += i % 2 ? 0.3 : -0.3;
    CHECK_OK(sg_gp_fit(&fitted, x, y, POINTS, 1, group, 1, 3, 200, 7, &err));
    assert_true(fitted.log_noise > log(0.01));
}

static void test_sobol_equals_scipy(void **state) {
    (void)state;
    sg_csv csv;
    sg_sobol sobol;
    sg_sobol_init(&sobol, SG_SOBOL_MAX);
    golden_open(&csv, "sobol.csv");
    assert_int_equal(csv.rows, 5 * SG_SOBOL_MAX);
    for (size_t r = 0; r < csv.rows; r++) {
        double point[SG_SOBOL_MAX], value;
        long long index, dim;
        assert_true(sg_parse_int64(&index, sg_csv_cell(&csv, r, 0)));
        assert_true(sg_parse_int64(&dim, sg_csv_cell(&csv, r, 1)));
        assert_true(sg_parse_double(&value, sg_csv_cell(&csv, r, 2)));
        sg_sobol_point(point, &sobol, (uint32_t)index);
        if (point[dim] != value) fail_msg("point %lld, dimension %lld", index, dim);
    }
    sg_csv_dispose(&csv);
}

/* Scrambling keeps one point in each of 16 equal intervals, and differs by seed. */
static void test_scrambling_keeps_evenness(void **state) {
    (void)state;
    double differs = 0;
    sg_sobol sobol;
    sg_sobol_init(&sobol, 10);
    for (uint64_t seed = 1; seed <= 3; seed++)
        for (size_t d = 0; d < 10; d++) {
            unsigned seen = 0;
            for (uint32_t i = 0; i < 16; i++) {
                double a[10], b[10];
                sg_sobol_scrambled(a, &sobol, i, seed);
                sg_sobol_scrambled(b, &sobol, i, seed + 1);
                seen |= 1u << (int)(a[d] * 16);
                differs += fabs(a[d] - b[d]);
            }
            assert_int_equal(seen, 0xffff);
        }
    assert_true(differs / 480 > 0.2);
}

static void test_log_expected_improvement(void **state) {
    (void)state;
    sg_csv csv;
    golden_open(&csv, "acquisition.csv");
    assert_int_equal(csv.rows, 11);
    for (size_t r = 0; r < csv.rows; r++) {
        double v[6], by_mean, by_sd;
        for (int c = 0; c < 6; c++) assert_true(sg_parse_double(&v[c], sg_csv_cell(&csv, r, c)));
        double got = sg_log_expected_improvement(v[0], v[1], v[2], &by_mean, &by_sd);
        assert_close(got, v[3], 1e-10);
        assert_close(by_mean, v[4], 1e-9);
        assert_close(by_sd, v[5], 1e-8);
    }
    sg_csv_dispose(&csv);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_equals_scikit_learn),
            cmocka_unit_test(test_equals_the_closed_form),
            cmocka_unit_test(test_noise_grows_where_points_coincide),
            cmocka_unit_test(test_gradients_equal_finite_differences),
            cmocka_unit_test(test_priors_are_as_written),
            cmocka_unit_test(test_time_fades),
            cmocka_unit_test(test_fit_climbs_and_finds_the_idle_coordinate),
            cmocka_unit_test(test_fit_sees_that_there_is_no_noise),
            cmocka_unit_test(test_sobol_equals_scipy),
            cmocka_unit_test(test_scrambling_keeps_evenness),
            cmocka_unit_test(test_log_expected_improvement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
