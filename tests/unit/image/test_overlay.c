/* test_overlay.c - colours and outline of a map over its image, and marks painted over.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/overlay.h"
#include "image/paint_over.h"
#include "support/check.h"
#include <stdbool.h>
#include <stdlib.h>

static void test_viridis(void **state) {
    (void)state;
    uint8_t rgb[3];
    sg_viridis(rgb, 0);
    assert_true(rgb[0] == 68 && rgb[1] == 1 && rgb[2] == 84);
    sg_viridis(rgb, 2); /* clamped */
    assert_true(rgb[0] == 253 && rgb[1] == 231 && rgb[2] == 37);
    sg_viridis(rgb, 0.5f);
    assert_true(rgb[0] == 33 && rgb[1] == 145 && rgb[2] == 140);
    int before = 0; /* rising lightness is what the scale is for */
    for (int i = 0; i <= 64; i++) {
        sg_viridis(rgb, (float)i / 64);
        int luma = 299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2];
        assert_true(luma > before);
        before = luma;
    }
}

static void test_overlay(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_image grey, out, pair;
    sg_plane map;
    sg_overlay o = {0.5, 0.5};
    CHECK_OK(sg_image_create(&grey, 5, 5, 1, &err));
    CHECK_OK(sg_plane_create(&map, 5, 5, &err));
    memset(grey.pixels, 100, 25);
    for (int y = 1; y < 4; y++)
        for (int x = 1; x < 4; x++) map.values[y * 5 + x] = 1;
    CHECK_OK(sg_overlay_draw(&out, &grey, &map, &o, &err));
    assert_int_equal(out.channels, 3);
    const uint8_t *cold = out.pixels, *edge = out.pixels + 3 * 6, *hot = out.pixels + 3 * 12;
    assert_true(cold[0] == 84 && cold[1] == 51 && cold[2] == 92); /* half of 100, half of 68 1 84 */
    assert_true(edge[0] == 255 && edge[1] == 255 && edge[2] == 255);
    assert_true(hot[0] == 177 && hot[1] == 166 && hot[2] == 69);
    CHECK_OK(sg_overlay_pair(&pair, &grey, &map, &o, &err));
    assert_int_equal(pair.width, 18);
    assert_true(pair.pixels[0] == 100 && pair.pixels[3 * 5] == 255);
    assert_memory_equal(pair.pixels + 3 * 13, out.pixels, 15);
    map.width = 4;
    CHECK_FAILS(sg_overlay_draw(&out, &grey, &map, &o, &err), SG_ERR_USAGE, "4 x 5");
    sg_image_dispose(&grey);
    sg_image_dispose(&out);
    sg_image_dispose(&pair);
    sg_plane_dispose(&map);
}

/* A ramp with a bright box on it becomes the ramp again: it solves Laplace's equation. */
static void test_paint_over(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_image image, out;
    sg_mark box = {SG_MARK_TEXT, {20, 10, 12, 6}, 100};
    const sg_marks marks = {&box, 1};
    uint8_t covered[64 * 32];
    CHECK_OK(sg_image_create(&image, 64, 32, 1, &err));
    sg_marks_cover(covered, 64, 32, &marks);
    for (int i = 0; i < 64 * 32; i++) {
        int x = i % 64, y = i / 64;
        bool inside = x >= 20 && x < 32 && y >= 10 && y < 16;
        assert_int_equal(covered[i], inside);
        image.pixels[i] = inside ? 255 : (uint8_t)(2 * x + y);
    }
    CHECK_OK(sg_paint_over(&out, &image, &marks, &err));
    for (int i = 0; i < 64 * 32; i++)
        assert_true(abs(out.pixels[i] - (2 * (i % 64) + i / 64)) <= 1);
    sg_image_dispose(&out);
    box.box = (sg_rect){-5, -5, 100, 100}; /* nothing is left to go by */
    CHECK_OK(sg_paint_over(&out, &image, &marks, &err));
    sg_image_dispose(&out);
    sg_image_dispose(&image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_viridis),
            cmocka_unit_test(test_overlay),
            cmocka_unit_test(test_paint_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
