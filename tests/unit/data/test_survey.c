/* test_survey.c - figures of small images worked out by hand.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/survey.h"
#include "support/image_folder.h"

static void near(double value, double expected) {
    if (!(fabs(value - expected) < 1e-9)) fail_msg("%.12g in place of %.12g", value, expected);
}

static void one_bright_pixel(void **state) {
    (void)state;
    uint8_t pixels[25] = {[12] = 100};
    sg_survey s;
    sg_survey_measure(&s, &(sg_image){5, 5, 1, pixels});
    near(s.mean, 4);
    near(s.sd, sqrt(100.0 * 100.0 / 25 - 16));
    near(s.relative, s.sd / 4);
    near(s.sharpness, (400.0 * 400.0 + 4 * 100.0 * 100.0) / 25); /* the Laplacian sums to 0 */
    near(s.levels[0], 24.0 / 25);
    near(s.levels[100], 1.0 / 25);
}

/* The border mirrors without repeating the edge: a ramp has a kink there, and only there. */
static void border_mirrors(void **state) {
    (void)state;
    uint8_t pixels[4 * 3];
    for (int i = 0; i < 12; i++) pixels[i] = (uint8_t)(10 * (i % 4));
    sg_survey s;
    sg_survey_measure(&s, &(sg_image){4, 3, 1, pixels});
    near(s.sharpness, 3 * 2 * 400.0 / 12);
}

static void black_and_single_pixels(void **state) {
    (void)state;
    uint8_t pixels[3] = {0, 0, 0};
    sg_survey s;
    sg_survey_measure(&s, &(sg_image){3, 1, 1, pixels});
    assert_true(isnan(s.relative));
    near(s.sharpness, 0);
    pixels[0] = 9;
    sg_survey_measure(&s, &(sg_image){1, 1, 1, pixels});
    near(s.mean, 9);
    near(s.sd, 0);
    near(s.sharpness, 0);
}

static void one_per_row(void **state) {
    (void)state;
    char folder[SG_TEST_PATH];
    sg_test_folder_make(folder);
    sg_test_picture_write(folder, "a/1.png", 1);
    sg_test_picture_write(folder, "a/2.png", 2);
    sg_test_picture_write(folder, "b/3.png", 3);
    sg_manifest m = {0};
    sg_survey *all = NULL, one;
    assert_int_equal(sg_manifest_scan(&m, folder, NULL, NULL), SG_OK);
    assert_int_equal(sg_survey_run(&all, &m, NULL, NULL, NULL), SG_OK);
    for (uint32_t i = 0; i < 3; i++) {
        sg_image image = {0};
        sg_test_picture(&image, i + 1, 72, 64);
        sg_survey_measure(&one, &image);
        assert_memory_equal(&all[i], &one, sizeof one);
        sg_image_dispose(&image);
    }
    free(all);
    sg_manifest_dispose(&m);
    sg_test_folder_remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(one_bright_pixel),
            cmocka_unit_test(border_mirrors),
            cmocka_unit_test(black_and_single_pixels),
            cmocka_unit_test(one_per_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
