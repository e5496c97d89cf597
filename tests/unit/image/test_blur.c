/* test_blur.c - the blur is a Gaussian: against the sum written out, and what any average keeps.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "image/blur.h"
#include "support/check.h"
#include <math.h>

static void make_plane(sg_plane *plane, int width, int height) {
    assert_int_equal(sg_plane_create(plane, width, height, NULL), SG_OK);
    sg_rng rng = sg_rng_make(3, SG_RNG_TEST, (uint32_t)width, (uint32_t)height);
    for (int i = 0; i < width * height; i++) plane->values[i] = (float)sg_rng_between(&rng, 0, 255);
}

static int mirror(int i, int n) {
    while (i < 0 || i >= n) i = n == 1 ? 0 : i < 0 ? -i : 2 * n - 2 - i;
    return i;
}

static double blurred_at(const sg_plane *in, int x, int y, double sigma) {
    int radius = (int)ceil(3 * sigma);
    double sum = 0, total = 0;
    for (int j = -radius; j <= radius; j++)
        for (int i = -radius; i <= radius; i++) {
            double weight = exp(-(i * i + j * j) / (2 * sigma * sigma));
            total += weight;
            sum += weight * (double)in->values[mirror(y + j, in->height) * in->width +
                                               mirror(x + i, in->width)];
        }
    return sum / total;
}

static void equals_the_sum_written_out(void **state) {
    (void)state;
    const struct {
        int width, height;
        double sigma;
    } cases[] = {{23, 17, 0.7}, {40, 9, 3}, {5, 4, 6.5}, {1, 8, 2}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        sg_plane in = {0}, out = {0};
        sg_error err = SG_ERROR_INIT;
        make_plane(&in, cases[k].width, cases[k].height);
        CHECK_OK(sg_blur_plane(&out, &in, cases[k].sigma, &err));
        for (int y = 0; y < in.height; y++)
            for (int x = 0; x < in.width; x++)
                assert_true(fabs((double)out.values[y * in.width + x] -
                                    blurred_at(&in, x, y, cases[k].sigma)) < 1e-3);
        sg_plane_dispose(&in);
        sg_plane_dispose(&out);
    }
}

static void refuses_other_sigmas(void **state) {
    (void)state;
    sg_plane in = {0}, out = {0};
    sg_error err = SG_ERROR_INIT;
    make_plane(&in, 4, 4);
    const double bad[] = {0, 0.2, 65, -1, NAN};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        CHECK_FAILS(sg_blur_plane(&out, &in, bad[k], &err), SG_ERR_USAGE, "sigma");
    sg_plane_dispose(&in);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(equals_the_sum_written_out),
            cmocka_unit_test(refuses_other_sigmas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
