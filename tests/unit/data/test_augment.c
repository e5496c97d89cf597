/* test_augment.c - ranges, repeatability and independence of the draws; what they do to a plane.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/augment.h"
#include "support/check.h"

#include <math.h>

static sg_augment_draw draw_one(const sg_augment *o, uint32_t epoch, uint32_t sample) {
    sg_augment_draw d;
    sg_augment_draw_sample(&d, o, 64, 5, epoch, sample, 0);
    return d;
}

static void test_check_names_the_field(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_augment o = SG_AUGMENT_INIT;
    CHECK_OK(sg_augment_check(&o, &err));
    o.scale = 0.5;
    CHECK_FAILS(sg_augment_check(&o, &err), SG_ERR_USAGE, "scale");
    o.scale = 1.0;
    o.gamma = NAN;
    CHECK_FAILS(sg_augment_check(&o, &err), SG_ERR_USAGE, "gamma");
}

static void test_off_changes_nothing(void **state) {
    (void)state;
    sg_augment o = SG_AUGMENT_INIT;
    o.on = false;
    sg_augment_draw d = draw_one(&o, 1, 2);
    static const double identity[6] = {1, 0, 0, 0, 1, 0};
    for (int i = 0; i < 6; i++) assert_true(d.affine[i] == identity[i]);
    float plane[64 * 64];
    for (int i = 0; i < 64 * 64; i++) plane[i] = (float)i / 4096.0f;
    sg_augment_apply(plane, 64, &d);
    for (int i = 0; i < 64 * 64; i++) assert_true(plane[i] == (float)i / 4096.0f);
}

/* The warp keeps its promises: rotation, scale and shift can be read back from the matrix. */
static void test_draws_stay_in_range(void **state) {
    (void)state;
    sg_augment o = SG_AUGMENT_INIT;
    int flips = 0, bigger = 0;
    double widest = 0.0, farthest = 0.0;
    for (uint32_t i = 0; i < 2000; i++) {
        sg_augment_draw d = draw_one(&o, 3, i);
        const double *m = d.affine;
        double det = m[0] * m[4] - m[1] * m[3], zoom = 1.0 / sqrt(fabs(det));
        assert_true(zoom > 0.79 && zoom < 1.26);
        assert_true((det < 0) == d.flip);
        double turn = atan2(m[1] * (d.flip ? -1 : 1), m[0] * (d.flip ? -1 : 1)) * 57.29577951;
        assert_true(fabs(turn) <= 15.0 + 1e-9);
        /* The centre of the square comes from this far away, in pixels of the target. */
        double dx = m[0] * 31.5 + m[1] * 31.5 + m[2] - 31.5;
        double dy = m[3] * 31.5 + m[4] * 31.5 + m[5] - 31.5;
        assert_true(hypot(dx, dy) * zoom <= 6.4 * 1.41422);
        assert_true(d.gain >= 0.9 && d.gain <= 1.1 && d.contrast >= 0.75 && d.contrast <= 1.25);
        assert_true(d.gamma >= 0.8 && d.gamma <= 1.25);
        flips += d.flip;
        bigger += zoom > 1.0;
        if (fabs(turn) > widest) widest = fabs(turn);
        if (hypot(dx, dy) > farthest) farthest = hypot(dx, dy);
    }
    assert_in_range(flips, 900, 1100);
    assert_in_range(bigger, 900, 1100);
    assert_true(widest > 14.5 && farthest > 6.4);
}

static void test_draws_differ_and_repeat(void **state) {
    (void)state;
    sg_augment o = SG_AUGMENT_INIT;
    sg_augment_draw a = draw_one(&o, 1, 7), again = draw_one(&o, 1, 7), other;
    assert_memory_equal(a.affine, again.affine, sizeof a.affine);
    assert_true(a.gain == again.gain && a.gamma == again.gamma);
    other = draw_one(&o, 2, 7);
    assert_true(a.gain != other.gain);
    other = draw_one(&o, 1, 8);
    assert_true(a.gain != other.gain);
    sg_augment_draw_sample(&other, &o, 64, 5, 1, 7, 1);
    assert_true(a.gain != other.gain);
    /* Switching rotation off leaves the gain as it was. */
    o.rotation_deg = 0.0;
    other = draw_one(&o, 1, 7);
    assert_true(a.gain == other.gain);
}

static void test_black_stays_black(void **state) {
    (void)state;
    float plane[16 * 16] = {0};
    for (int i = 64; i < 128; i++) plane[i] = 0.25f + 0.5f * (float)(i - 64) / 64.0f;
    sg_augment_draw d = {.gain = 1.05, .contrast = 0.75, .gamma = 0.9};
    sg_augment_apply(plane, 16, &d);
    for (int i = 0; i < 256; i++) {
        if (i < 64 || i >= 128)
            assert_true(plane[i] == 0.0f);
        else
            assert_true(plane[i] > 0.0f && plane[i] <= 1.0f);
    }
    for (int i = 65; i < 128; i++) assert_true(plane[i] > plane[i - 1]);
}

/* gain, contrast about the mean of 0.2 and 0.6, gamma: by hand. */
static void test_photometric_values(void **state) {
    (void)state;
    float plane[4] = {0.2f, 0.6f, 0.0f, 0.0f};
    sg_augment_draw d = {.gain = 1.1, .contrast = 0.8, .gamma = 2.0};
    sg_augment_apply(plane, 2, &d);
    double low = 0.44 + 0.8 * (0.22 - 0.44), high = 0.44 + 0.8 * (0.66 - 0.44);
    assert_true(fabs((double)plane[0] - low * low) < 1e-6);
    assert_true(fabs((double)plane[1] - high * high) < 1e-6);
}

static void test_speckle_and_cutout(void **state) {
    (void)state;
    sg_augment o = SG_AUGMENT_OFF;
    o.on = true;
    o.speckle = 0.2;
    o.cutout = 0.25;
    sg_augment_draw d = draw_one(&o, 0, 3);
    static float a[64 * 64], b[64 * 64];
    for (int i = 0; i < 64 * 64; i++) a[i] = b[i] = 0.5f;
    sg_augment_apply(a, 64, &d);
    sg_augment_apply(b, 64, &d);
    assert_memory_equal(a, b, sizeof a);
    double sum = 0.0, squares = 0.0;
    int black = 0, n = 0;
    for (int i = 0; i < 64 * 64; i++) {
        if (a[i] == 0.0f) {
            black++;
            continue;
        }
        sum += (double)a[i];
        squares += (double)a[i] * (double)a[i];
        n++;
    }
    double mean = sum / n, sd = sqrt(squares / n - mean * mean);
    assert_int_equal(black, 16 * 16);
    assert_true(fabs(mean - 0.5) < 0.01 && fabs(sd - 0.1) < 0.01);
}

static void test_mixup_shares(void **state) {
    (void)state;
    float share[64], again[64];
    int partner[64], same[64], seen[64] = {0};
    sg_augment_draw_mixup(share, partner, 64, 0.0, 1, 2, 3);
    for (int i = 0; i < 64; i++) assert_true(share[i] == 1.0f && partner[i] == i);
    sg_augment_draw_mixup(share, partner, 64, 0.4, 1, 2, 3);
    sg_augment_draw_mixup(again, same, 64, 0.4, 1, 2, 3);
    assert_memory_equal(share, again, sizeof share);
    assert_memory_equal(partner, same, sizeof partner);
    for (int i = 0; i < 64; i++) {
        assert_true(share[i] >= 0.5f && share[i] <= 1.0f);
        seen[partner[i]]++;
    }
    for (int i = 0; i < 64; i++) assert_int_equal(seen[i], 1);
    /* alpha = 1 is uniform: folded to [1/2, 1] its mean is 3/4. */
    double sum = 0.0;
    for (uint32_t b = 0; b < 100; b++) {
        sg_augment_draw_mixup(share, partner, 64, 1.0, 1, 2, b);
        for (int i = 0; i < 64; i++) sum += (double)share[i];
    }
    assert_true(fabs(sum / 6400.0 - 0.75) < 0.01);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_check_names_the_field),
            cmocka_unit_test(test_off_changes_nothing),
            cmocka_unit_test(test_draws_stay_in_range),
            cmocka_unit_test(test_draws_differ_and_repeat),
            cmocka_unit_test(test_black_stays_black),
            cmocka_unit_test(test_photometric_values),
            cmocka_unit_test(test_speckle_and_cutout),
            cmocka_unit_test(test_mixup_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
