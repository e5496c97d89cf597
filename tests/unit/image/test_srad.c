/* test_srad.c - what the paper promises of SRAD: speckle goes, edges stay, and the mean with them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/rng.h"
#include "image/srad.h"

enum { SIDE = 96, EDGE = SIDE / 2 };

/* Two homogeneous halves, 60 and 160, under multiplicative noise of deviation `noise`. */
static sg_plane two_halves(double noise) {
    sg_plane plane = {0};
    assert_int_equal(sg_plane_create(&plane, SIDE, SIDE, NULL), SG_OK);
    sg_rng rng = sg_rng_make(7, SG_RNG_TEST, 0, 0);
    for (int i = 0; i < SIDE * SIDE; i++) {
        double level = i % SIDE < EDGE ? 60 : 160;
        plane.values[i] = (float)fmax(0, level * (1 + noise * sg_rng_normal(&rng)));
    }
    return plane;
}

/* Mean and deviation of columns [from, to). */
static void columns(double *mean, double *deviation, const sg_plane *plane, int from, int to) {
    double sum = 0, square = 0, n = (double)(to - from) * SIDE;
    for (int y = 0; y < SIDE; y++)
        for (int x = from; x < to; x++) {
            double v = plane->values[y * SIDE + x];
            sum += v;
            square += v * v;
        }
    *mean = sum / n;
    *deviation = sqrt(fmax(0, square / n - *mean * *mean));
}

static void speckle_goes_and_the_edge_stays(void **state) {
    (void)state;
    sg_plane plane = two_halves(0.15);
    double left, left_sd, right, right_sd, mean, sd;
    columns(&left, &left_sd, &plane, 8, EDGE - 8);
    columns(&right, &right_sd, &plane, EDGE + 8, SIDE - 8);
    sg_srad_options options = SG_SRAD_OPTIONS_INIT;
    assert_int_equal(sg_srad_apply(&plane, &options, NULL), SG_OK);

    columns(&mean, &sd, &plane, 8, EDGE - 8);
    assert_true(sd < 0.4 * left_sd);
    assert_true(fabs(mean - left) < 2);
    columns(&mean, &sd, &plane, EDGE + 8, SIDE - 8);
    assert_true(sd < 0.4 * right_sd);
    assert_true(fabs(mean - right) < 4);

    double before, after; /* the columns on either side keep most of the step */
    columns(&before, &sd, &plane, EDGE - 2, EDGE - 1);
    columns(&after, &sd, &plane, EDGE + 1, EDGE + 2);
    assert_true(after - before > 0.8 * (right - left));
    sg_plane_dispose(&plane);
}

static void the_mean_is_conserved(void **state) {
    (void)state;
    sg_plane plane = two_halves(0.2);
    double before, after, sd;
    columns(&before, &sd, &plane, 0, SIDE);
    sg_srad_options options = {100, 0.5, 0.1, 0.3};
    assert_int_equal(sg_srad_apply(&plane, &options, NULL), SG_OK);
    columns(&after, &sd, &plane, 0, SIDE);
    assert_true(fabs(after - before) < 0.01);
    sg_plane_dispose(&plane);
}

static void speckle_scale_is_found(void **state) {
    (void)state;
    static const double levels[] = {0.05, 0.1, 0.2};
    for (int i = 0; i < 3; i++) {
        sg_plane plane = two_halves(levels[i]);
        double found = sg_srad_speckle_scale(&plane);
        assert_true(found > 0.8 * levels[i] && found < 1.1 * levels[i]);
        sg_plane_dispose(&plane);
    }
}

static void extremes_stay_finite(void **state) {
    (void)state;
    static const struct {
        int width, height;
        float low, high;
    } cases[] = {{1, 1, 9, 9}, {1, 50, 0, 255}, {50, 1, 0, 255}, {40, 40, 0, 0}, {40, 40, 0, 255},
            {40, 40, 255, 255}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        sg_plane plane = {0};
        assert_int_equal(sg_plane_create(&plane, cases[c].width, cases[c].height, NULL), SG_OK);
        int n = plane.width * plane.height;
        for (int i = 0; i < n; i++) plane.values[i] = i & 1 ? cases[c].high : cases[c].low;
        sg_srad_options options = {200, 1.0, 0, 0};
        assert_int_equal(sg_srad_apply(&plane, &options, NULL), SG_OK);
        for (int i = 0; i < n; i++)
            assert_true(plane.values[i] >= cases[c].low - 0.1f &&
                        plane.values[i] <= cases[c].high + 0.1f);
        sg_plane_dispose(&plane);
    }
}

static void options_are_checked(void **state) {
    (void)state;
    static const sg_srad_options wrong[] = {
            {-1, 0.1, 0, 0},
            {1001, 0.1, 0, 0},
            {5, 0, 0, 0},
            {5, 1.5, 0, 0},
            {5, NAN, 0, 0},
            {5, 0.1, -1, 0},
            {5, 0.1, 0, NAN},
    };
    sg_plane plane = two_halves(0.1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(sg_srad_apply(&plane, &wrong[i], NULL), SG_ERR_USAGE);
    sg_plane_dispose(&plane);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(speckle_goes_and_the_edge_stays),
            cmocka_unit_test(the_mean_is_conserved),
            cmocka_unit_test(speckle_scale_is_found),
            cmocka_unit_test(extremes_stay_finite),
            cmocka_unit_test(options_are_checked),
    };
    return cmocka_run_group_tests_name("image srad", tests, NULL, NULL);
}
