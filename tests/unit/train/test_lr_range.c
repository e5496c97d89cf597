/* test_lr_range.c - what a range test concludes from its losses.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "train/lr_range.h"
#include <math.h>

enum { STEPS = 60 };

static double rate[STEPS], loss[STEPS], smooth[STEPS];

static sg_lr_range make(const sg_lr_range_options *o) {
    for (int i = 0; i < STEPS; i++)
        rate[i] = o->low * pow(o->high / o->low, i / (double)(STEPS - 1));
    return (sg_lr_range){.rate = rate, .loss = loss, .smooth = smooth};
}

/* Flat, then falling to step 40, then rising steeply. */
static void test_a_tenth_of_the_lowest(void **state) {
    (void)state;
    const sg_lr_range_options o = {1e-6, 1, STEPS, 0, 4};
    sg_lr_range r = make(&o);
    for (int i = 0; i < STEPS; i++)
        loss[i] = i < 20 ? 1.0 : i <= 40 ? 1.0 - 0.04 * (i - 20) : 0.2 + 0.1 * (i - 40) * (i - 40);
    assert_true(sg_lr_range_judge(&r, STEPS, &o));
    assert_int_equal(r.lowest, 40);
    assert_true(sg_lr_range_fell(&r));
    assert_true(fabs(r.suggestion - rate[40] / 10) < 1e-15);
    assert_true(r.diverged);
    assert_int_equal(r.count, 44); /* 0.2 + 0.1 * 9 is the first above 4 * 0.2, and is kept */
}

/* Losses that jump by +-0.2 about a level: their average wanders, and that is no fall. */
static void test_noise_is_no_fall(void **state) {
    (void)state;
    const sg_lr_range_options o = {1e-6, 1, STEPS, 0.9, 4};
    sg_lr_range r = make(&o);
    for (int step = 0; step < 2; step++) {
        uint32_t dice = 329;
        for (int i = 0; i < STEPS; i++) {
            dice = dice * 1664525u + 1013904223u;
            loss[i] = 1.1 + 0.4 * ((dice >> 8) / 16777216.0 - 0.5);
            if (step && i > 20) loss[i] -= 0.3; /* a true one */
        }
        assert_true(sg_lr_range_judge(&r, STEPS, &o));
        assert_true(smooth[r.lowest] < 0.98 * smooth[0]);
        assert_int_equal(sg_lr_range_fell(&r), step);
    }
}

static void test_smoothing_is_unbiased(void **state) {
    (void)state;
    const sg_lr_range_options o = {1e-6, 1, STEPS, 0.9, 4};
    sg_lr_range r = make(&o);
    for (int i = 0; i < STEPS; i++) loss[i] = 0.7;
    assert_true(sg_lr_range_judge(&r, STEPS, &o));
    for (int i = 0; i < STEPS; i++) assert_true(fabs(smooth[i] - 0.7) < 1e-12);
    assert_false(sg_lr_range_fell(&r));
    loss[0] = 1;
    loss[1] = 0;
    assert_true(sg_lr_range_judge(&r, 2, &o));
    assert_true(fabs(smooth[1] - 0.09 / 0.19) < 1e-12);
}

static void test_a_loss_that_is_not_finite_ends_it(void **state) {
    (void)state;
    const sg_lr_range_options o = {1e-6, 1, STEPS, 0.5, 4};
    sg_lr_range r = make(&o);
    for (int i = 0; i < STEPS; i++) loss[i] = i == 30 ? NAN : 1.0 - 0.01 * i;
    assert_true(sg_lr_range_judge(&r, STEPS, &o));
    assert_true(r.diverged);
    assert_int_equal(r.count, 30);
    assert_int_equal(r.lowest, 29);
    loss[0] = INFINITY;
    assert_false(sg_lr_range_judge(&r, STEPS, &o));
}

static void test_ranges_are_checked(void **state) {
    (void)state;
    static const sg_lr_range_options cases[] = {{0, 1, 50, 0.9, 4}, {1e-2, 1e-3, 50, 0.9, 4},
            {1e-6, 1, 3, 0.9, 4}, {1e-6, 1, 50, 1, 4}, {1e-6, 1, 50, 0.9, 1}};
    sg_error err = SG_ERROR_INIT;
    const sg_train_job job = {.dir = "never-made"};
    sg_lr_range r;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_FAILS(sg_lr_range_run(&r, &job, &cases[i], &err), SG_ERR_USAGE, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_a_tenth_of_the_lowest),
            cmocka_unit_test(test_noise_is_no_fall),
            cmocka_unit_test(test_smoothing_is_unbiased),
            cmocka_unit_test(test_a_loss_that_is_not_finite_ends_it),
            cmocka_unit_test(test_ranges_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
