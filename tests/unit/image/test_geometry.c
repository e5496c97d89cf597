/* test_geometry.c - fit, affine warps, crop to the scan area, drawing.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "image/crop.h"
#include "image/draw.h"
#include "image/fit.h"
#include "image/sheet.h"
#include "image/warp.h"

static void boxes_of_every_fit(void **state) {
    (void)state;
    static const struct {
        int width, height, size;
        sg_fit fit;
        sg_rect source, target;
    } cases[] = {
            {500, 400, 224, SG_FIT_PAD, {0, 0, 500, 400}, {0, 22, 224, 179}},
            {400, 500, 224, SG_FIT_PAD, {0, 0, 400, 500}, {22, 0, 179, 224}},
            {9000, 3, 64, SG_FIT_PAD, {0, 0, 9000, 3}, {0, 31, 64, 1}},
            {64, 64, 64, SG_FIT_PAD, {0, 0, 64, 64}, {0, 0, 64, 64}},
            {500, 400, 224, SG_FIT_CROP, {50, 0, 400, 400}, {0, 0, 224, 224}},
            {500, 400, 224, SG_FIT_STRETCH, {0, 0, 500, 400}, {0, 0, 224, 224}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sg_fit_boxes b = sg_fit_place(cases[i].width, cases[i].height, cases[i].size, cases[i].fit);
        assert_memory_equal(&b.source, &cases[i].source, sizeof b.source);
        assert_memory_equal(&b.target, &cases[i].target, sizeof b.target);
        double m[6]; /* maps the target's outer corners onto the source's */
        sg_fit_matrix(m, cases[i].width, cases[i].height, cases[i].size, cases[i].fit);
        double left = m[0] * (b.target.x - 0.5) + m[2] + 0.5;
        double bottom = m[4] * (b.target.y + b.target.height - 0.5) + m[5] + 0.5;
        assert_true(fabs(left - b.source.x) < 1e-9);
        assert_true(fabs(bottom - (b.source.y + b.source.height)) < 1e-6);
    }
}

static void compose_is_one_after_the_other(void **state) {
    (void)state;
    static const double a[6] = {2, 0.5, 3, -1, 1.5, 4}, b[6] = {0.5, -2, 1, 3, 0.25, -6};
    double c[6];
    sg_affine_compose(c, a, b);
    double u = 7, v = -3;
    double x = b[0] * u + b[1] * v + b[2], y = b[3] * u + b[4] * v + b[5];
    assert_true(fabs(c[0] * u + c[1] * v + c[2] - (a[0] * x + a[1] * y + a[2])) < 1e-12);
    assert_true(fabs(c[3] * u + c[4] * v + c[5] - (a[3] * x + a[4] * y + a[5])) < 1e-12);
    double aliased[6];
    memcpy(aliased, a, sizeof a);
    sg_affine_compose(aliased, aliased, b);
    assert_memory_equal(aliased, c, sizeof c);
}

static sg_image ramp(int width, int height) {
    sg_image image = {0};
    assert_int_equal(sg_image_create(&image, width, height, 1, NULL), SG_OK);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) image.pixels[y * width + x] = (uint8_t)(x + 2 * y);
    return image;
}

/* A linear image sampled by any symmetric filter gives the line's own value. */
static void warp_reproduces_a_ramp(void **state) {
    (void)state;
    sg_image image = ramp(60, 60);
    static const double maps[][6] = {
            {1, 0, 3.25, 0, 1, 7.5},
            {0.3, 0.1, 20, -0.1, 0.3, 20},
            {2.2, 0.4, 10, -0.4, 2.2, 14},
            {5, 0, 20, 0, 5, 20},
    };
    for (size_t k = 0; k < sizeof maps / sizeof *maps; k++) {
        float out[25];
        const double *m = maps[k];
        assert_int_equal(sg_warp_affine(out, 5, 5, &image, (sg_rect){0}, m, -1, NULL), SG_OK);
        for (int v = 0; v < 5; v++)
            for (int u = 0; u < 5; u++) {
                double x = m[0] * u + m[1] * v + m[2], y = m[3] * u + m[4] * v + m[5];
                double reach_x = fmax(1, hypot(m[0], m[1])), reach_y = fmax(1, hypot(m[3], m[4]));
                if (x < reach_x || y < reach_y || x > 59 - reach_x || y > 59 - reach_y) continue;
                /* the sampled triangle is symmetric only in the limit: within a tenth of a pixel */
                assert_true(fabs(out[v * 5 + u] - (x + 2 * y)) < 0.3);
            }
    }
    sg_image_dispose(&image);
}

static void warp_fills_outside_and_keeps_to_its_box(void **state) {
    (void)state;
    sg_image image = ramp(20, 20);
    for (int i = 0; i < 400; i++) image.pixels[i] = i % 20 < 10 ? 100 : 255;
    static const double shift[6] = {1, 0, -3, 0, 1, 0};
    float out[400];
    sg_rect left = {0, 0, 10, 20};
    assert_int_equal(sg_warp_affine(out, 20, 20, &image, left, shift, 7, NULL), SG_OK);
    for (int y = 0; y < 20; y++)
        for (int x = 0; x < 20; x++) {
            float want = x >= 3 && x < 13 ? 100.0f : 7.0f;
            assert_true(fabsf(out[y * 20 + x] - want) < 1e-4f);
        }
    static const double not_finite[6] = {NAN, 0, 0, 0, 1, 0}, huge[6] = {65, 0, 0, 0, 1, 0};
    assert_int_equal(sg_warp_affine(out, 20, 20, &image, left, not_finite, 0, NULL), SG_ERR_USAGE);
    assert_int_equal(sg_warp_affine(out, 20, 20, &image, left, huge, 0, NULL), SG_ERR_USAGE);
    static const double far_away[6] = {1, 0, 1e300, 0, 1, -1e300};
    assert_int_equal(sg_warp_affine(out, 20, 20, &image, left, far_away, 5, NULL), SG_OK);
    for (int i = 0; i < 400; i++) assert_true(out[i] == 5);
    uint8_t bytes[400];
    assert_int_equal(sg_warp_nearest(bytes, 20, 20, &image, far_away, 9, NULL), SG_OK);
    for (int i = 0; i < 400; i++) assert_int_equal(bytes[i], 9);
    sg_image_dispose(&image);
}

/* A fine checkerboard shrunk by a rotated warp must come out grey, not as moire. */
static void warp_does_not_alias(void **state) {
    (void)state;
    sg_image image = ramp(200, 200);
    for (int i = 0; i < 200 * 200; i++) image.pixels[i] = (i % 200 + i / 200) & 1 ? 255 : 0;
    double turn = 0.2, scale = 3.3;
    const double m[6] = {
            scale * cos(turn), -scale * sin(turn), 40, scale * sin(turn), scale * cos(turn), 20};
    float out[30 * 30];
    assert_int_equal(sg_warp_affine(out, 30, 30, &image, (sg_rect){0}, m, 127.5f, NULL), SG_OK);
    for (int i = 0; i < 900; i++) assert_true(fabsf(out[i] - 127.5f) < 12);
    sg_image_dispose(&image);
}

static sg_image screenshot(sg_rect scan) {
    sg_image image = {0};
    assert_int_equal(sg_image_create(&image, 320, 240, 1, NULL), SG_OK);
    sg_rng rng = sg_rng_make(3, SG_RNG_TEST, 1, 0);
    for (int y = scan.y; y < scan.y + scan.height; y++)
        for (int x = scan.x; x < scan.x + scan.width; x++)
            image.pixels[y * 320 + x] = (uint8_t)(20 + sg_rng_below(&rng, 200));
    return image;
}

static void scan_area_is_found(void **state) {
    (void)state;
    sg_rect scan = {60, 30, 200, 170};
    sg_image image = screenshot(scan);
    sg_draw_text(&image, 4, 4, "HOSPITAL 12:34 MI 1.1", 1, 0xffffff);
    sg_draw_text(&image, 100, 225, "L12-5 GAIN 60", 1, 0xffffff);
    sg_draw_box(&image, (sg_rect){1, 1, 318, 238}, 0xffffff);
    sg_draw_line(&image, 290, 20, 290, 200, 0xffffff);
    sg_draw_fill(&image, (sg_rect){120, 90, 50, 40}, 0);  /* a cyst is black and belongs to it */
    sg_draw_fill(&image, (sg_rect){60, 100, 200, 25}, 0); /* a shadow that cuts it in two */
    sg_rect found = {0};
    assert_int_equal(sg_crop_find(&found, &image, NULL), SG_OK);
    assert_true(abs(found.x - scan.x) <= 5 && abs(found.y - scan.y) <= 5);
    assert_true(abs(found.width - scan.width) <= 10 && abs(found.height - scan.height) <= 10);
    sg_image_dispose(&image);
}

static void nothing_to_crop_gives_the_whole(void **state) {
    (void)state;
    static const sg_rect scans[] = {{0, 0, 320, 240}, {0, 0, 0, 0}, {10, 10, 40, 30}};
    for (size_t i = 0; i < sizeof scans / sizeof *scans; i++) {
        sg_image image = screenshot(scans[i]);
        sg_rect found = {0};
        assert_int_equal(sg_crop_find(&found, &image, NULL), SG_OK);
        assert_true(found.x == 0 && found.y == 0 && found.width == 320 && found.height == 240);
        sg_image_dispose(&image);
    }
    sg_image dot = {0};
    sg_rect found = {0};
    assert_int_equal(sg_image_create(&dot, 1, 1, 1, NULL), SG_OK);
    assert_int_equal(sg_crop_find(&found, &dot, NULL), SG_OK);
    assert_int_equal(found.width, 1);
    sg_image_dispose(&dot);
}

static void drawing_is_clipped(void **state) {
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        sg_image on = {0}, stamp = {0};
        assert_int_equal(sg_image_create(&on, 16, 12, channels, NULL), SG_OK);
        assert_int_equal(sg_image_create(&stamp, 5, 5, 4 - channels, NULL), SG_OK);
        memset(stamp.pixels, 200, sg_image_size(&stamp));
        sg_draw_fill(&on, (sg_rect){-5, -5, 100, 100}, 0x102030);
        sg_draw_box(&on, (sg_rect){-2, 3, 30, 30}, 0xffffff);
        sg_draw_line(&on, -50, -3, 70, 40, 0xff0000);
        sg_draw_cross(&on, 15, 11, 9, 0x00ff00);
        sg_draw_text(&on, -3, -3, "A\xff~", 2, 0x0000ff);
        sg_draw_image(&on, -2, -2, &stamp);
        sg_draw_image(&on, 14, 10, &stamp);
        assert_int_equal(on.pixels[0], 200);
        assert_int_equal(on.pixels[sg_image_size(&on) - 1], 200);
        sg_image_dispose(&on);
        sg_image_dispose(&stamp);
    }
}

static void glyphs_have_their_shape(void **state) {
    (void)state;
    static const char *const want[] = {
            "#####", "#....", "#....", "####.", "#....", "#....", "#####"};
    sg_image on = {0};
    assert_int_equal(sg_image_create(&on, 6, 8, 1, NULL), SG_OK);
    sg_draw_text(&on, 0, 0, "E", 1, 0xffffff);
    for (int y = 0; y < 7; y++)
        for (int x = 0; x < 5; x++)
            assert_int_equal(on.pixels[y * 6 + x], want[y][x] == '#' ? 255 : 0);
    assert_int_equal(sg_draw_text_width("abc", 2), 36);
    sg_image_dispose(&on);
}

static void sheets_hold_their_pictures(void **state) {
    (void)state;
    sg_sheet_layout layout = {3, 40, "title", "footer"};
    sg_image sheet = {0}, wide = {0};
    assert_int_equal(sg_sheet_create(&sheet, 4, &layout, NULL), SG_OK);
    assert_int_equal(sg_image_create(&wide, 100, 50, 1, NULL), SG_OK);
    memset(wide.pixels, 77, sg_image_size(&wide));
    assert_int_equal(
            sg_sheet_place(&sheet, &layout, 3, &wide, "a label far too long", NULL), SG_OK);
    int lit = 0, last_row = 0;
    for (int i = 0; i < sheet.width * sheet.height; i++)
        if (sheet.pixels[3 * i] == 77) {
            lit++;
            last_row = i / sheet.width;
        }
    assert_int_equal(lit, 40 * 20);
    assert_true(last_row > sheet.height / 2);
    layout.columns = 0;
    assert_int_equal(sg_sheet_create(&wide, 4, &layout, NULL), SG_ERR_USAGE);
    layout.columns = 1;
    assert_int_equal(sg_sheet_create(&wide, 100000, &layout, NULL), SG_ERR_USAGE);
    sg_image_dispose(&sheet);
    sg_image_dispose(&wide);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(boxes_of_every_fit),
            cmocka_unit_test(compose_is_one_after_the_other),
            cmocka_unit_test(warp_reproduces_a_ramp),
            cmocka_unit_test(warp_fills_outside_and_keeps_to_its_box),
            cmocka_unit_test(warp_does_not_alias),
            cmocka_unit_test(scan_area_is_found),
            cmocka_unit_test(nothing_to_crop_gives_the_whole),
            cmocka_unit_test(drawing_is_clipped),
            cmocka_unit_test(glyphs_have_their_shape),
            cmocka_unit_test(sheets_hold_their_pictures),
    };
    return cmocka_run_group_tests_name("image geometry", tests, NULL, NULL);
}
