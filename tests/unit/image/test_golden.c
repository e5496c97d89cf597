/* test_golden.c - every row of tests/golden/image/cases.csv: our operation against the bytes that
 * OpenCV 4.6, Pillow 9.4 or (SRAD) numpy made of the same image.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "image/clahe.h"
#include "image/codec.h"
#include "image/grey.h"
#include "image/median.h"
#include "image/resize.h"
#include "image/srad.h"

#define FOLDER "tests/golden/image/"

static sg_status run_decode(sg_image *out, const sg_image *in, double a, double b, sg_error *err) {
    (void)a;
    (void)b;
    return sg_image_clone(out, in, err);
}

static sg_status run_grey(sg_image *out, const sg_image *in, double a, double b, sg_error *err) {
    (void)a;
    (void)b;
    return sg_grey_convert(out, in, err);
}

static sg_status run_clahe(sg_image *out, const sg_image *in, double a, double b, sg_error *err) {
    return sg_clahe_apply(out, in, a, (int)b, err);
}

static sg_status run_median(sg_image *out, const sg_image *in, double a, double b, sg_error *err) {
    (void)b;
    return sg_median_apply(out, in, (int)a, err);
}

static sg_status run_bilinear(
        sg_image *out, const sg_image *in, double a, double b, sg_error *err) {
    return sg_resize_image(out, in, (int)a, (int)b, SG_RESIZE_BILINEAR, err);
}

static sg_status run_area(sg_image *out, const sg_image *in, double a, double b, sg_error *err) {
    return sg_resize_image(out, in, (int)a, (int)b, SG_RESIZE_AREA, err);
}

static sg_status run_srad(sg_image *out, const sg_image *in, double a, double b, sg_error *err) {
    sg_srad_options options = SG_SRAD_OPTIONS_INIT;
    options.iterations = (int)a;
    options.q0 = b;
    sg_plane plane = {0};
    sg_status status = sg_plane_from_image(&plane, in, err);
    if (!status) status = sg_srad_apply(&plane, &options, err);
    if (!status) status = sg_image_from_plane(out, &plane, err);
    sg_plane_dispose(&plane);
    return status;
}

static const struct {
    const char *name;
    sg_status (*run)(sg_image *, const sg_image *, double, double, sg_error *);
} operations[] = {
        {"decode", run_decode},
        {"grey", run_grey},
        {"clahe", run_clahe},
        {"median", run_median},
        {"bilinear", run_bilinear},
        {"area", run_area},
        {"srad", run_srad},
};

static void load(sg_image *image, const char *name) {
    char path[256];
    snprintf(path, sizeof path, FOLDER "%s", name);
    sg_error err = SG_ERROR_INIT;
    if (sg_image_read(image, NULL, path, NULL, &err)) fail_msg("%s", err.message);
}

static int largest_difference(const sg_image *a, const sg_image *b) {
    int most = 0;
    for (size_t i = 0; i < sg_image_size(a); i++) {
        int d = abs(a->pixels[i] - b->pixels[i]);
        most = d > most ? d : most;
    }
    return most;
}

static void check_row(const sg_csv *csv, size_t row) {
    const char *op = sg_csv_cell(csv, row, 0), *want = sg_csv_cell(csv, row, 2);
    double a = atof(sg_csv_cell(csv, row, 3)), b = atof(sg_csv_cell(csv, row, 4));
    sg_image in = {0}, expected = {0}, got = {0};
    sg_error err = SG_ERROR_INIT;
    sg_status status = SG_ERR_INTERNAL;
    load(&in, sg_csv_cell(csv, row, 1));
    load(&expected, want);
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (!strcmp(op, operations[i].name)) status = operations[i].run(&got, &in, a, b, &err);
    if (status) fail_msg("%s: %s", want, err.message);
    if (got.width != expected.width || got.height != expected.height ||
            got.channels != expected.channels)
        fail_msg("%s: %dx%dx%d, expected %dx%dx%d", want, got.width, got.height, got.channels,
                expected.width, expected.height, expected.channels);
    int difference = largest_difference(&got, &expected);
    if (difference > atoi(sg_csv_cell(csv, row, 5)))
        fail_msg("%s: off by %d levels", want, difference);
    sg_image_dispose(&in);
    sg_image_dispose(&expected);
    sg_image_dispose(&got);
}

static void golden_rows(void **state) {
    (void)state;
    sg_csv csv;
    sg_error err = SG_ERROR_INIT;
    if (sg_csv_read(&csv, FOLDER "cases.csv", &err)) fail_msg("%s", err.message);
    assert_int_equal(csv.columns, 6);
    assert_true(csv.rows > 40);
    for (size_t row = 0; row < csv.rows; row++) check_row(&csv, row);
    sg_csv_dispose(&csv);
}

static void clahe_in_place_is_the_same(void **state) {
    (void)state;
    sg_image in = {0}, apart = {0};
    load(&in, "grey61x47.png");
    assert_int_equal(sg_clahe_apply(&apart, &in, 2.0, 8, NULL), SG_OK);
    assert_int_equal(sg_clahe_apply(&in, &in, 2.0, 8, NULL), SG_OK);
    assert_memory_equal(in.pixels, apart.pixels, sg_image_size(&in));
    sg_image_dispose(&in);
    sg_image_dispose(&apart);
}

/* Float results are what the 8-bit ones are rounded from. */
static void float_resize_agrees(void **state) {
    (void)state;
    sg_image in = {0}, small = {0};
    sg_plane plane = {0}, resized = {0};
    load(&in, "grey61x47.png");
    assert_int_equal(sg_plane_from_image(&plane, &in, NULL), SG_OK);
    for (int filter = SG_RESIZE_BILINEAR; filter <= SG_RESIZE_AREA; filter++) {
        assert_int_equal(sg_resize_image(&small, &in, 23, 31, filter, NULL), SG_OK);
        assert_int_equal(sg_resize_plane(&resized, &plane, 23, 31, filter, NULL), SG_OK);
        for (size_t i = 0; i < sg_image_size(&small); i++)
            assert_true(fabsf(resized.values[i] - small.pixels[i]) <= 1.01f);
        sg_image_dispose(&small);
        sg_plane_dispose(&resized);
    }
    sg_plane_dispose(&plane);
    sg_image_dispose(&in);
}

static void wrong_use_is_refused(void **state) {
    (void)state;
    sg_image rgb = {0}, grey = {0}, out = {0};
    load(&rgb, "rgb37x53.png");
    load(&grey, "grey37x53.png");
    assert_int_equal(sg_clahe_apply(&out, &rgb, 2, 8, NULL), SG_ERR_USAGE);
    assert_int_equal(sg_clahe_apply(&out, &grey, NAN, 8, NULL), SG_ERR_USAGE);
    assert_int_equal(sg_clahe_apply(&out, &grey, 2, 0, NULL), SG_ERR_USAGE);
    assert_int_equal(sg_median_apply(&out, &grey, 4, NULL), SG_ERR_USAGE);
    assert_int_equal(sg_median_apply(&out, &rgb, 3, NULL), SG_ERR_USAGE);
    assert_int_equal(sg_resize_image(&out, &grey, 0, 5, SG_RESIZE_AREA, NULL), SG_ERR_USAGE);
    assert_null(out.pixels);
    sg_image_dispose(&rgb);
    sg_image_dispose(&grey);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(golden_rows),
            cmocka_unit_test(clahe_in_place_is_the_same),
            cmocka_unit_test(float_resize_agrees),
            cmocka_unit_test(wrong_use_is_refused),
    };
    return cmocka_run_group_tests_name("image golden", tests, NULL, NULL);
}
