/* test_marks.c - burnt-in marks: boxes where they were drawn, nothing where nothing was.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/phantom.h"
#include "image/draw.h"
#include "image/marks.h"
#include "support/check.h"
#include "support/image_folder.h"
#include "support/marks_score.h"

#include <math.h>

enum { SIDE = 160, WHITE = 0xffffff };

/* Soft waves as tissue has them, 40 to 120. */
static void make_tissue(sg_image *out, int channels) {
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_image_create(out, SIDE, SIDE, channels, &err));
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < channels; c++)
                out->pixels[(y * SIDE + x) * channels + c] =
                        (uint8_t)(80.0 + 25.0 * sin(0.21 * x + 0.1 * y) + 15.0 * sin(0.35 * y));
}

static void find(sg_marks *marks, const sg_image *image) {
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_marks_find(marks, image, &err));
}

static void assert_mark(const sg_mark *m, sg_mark_kind kind, int x, int y, int w, int h) {
    if (m->kind != kind || m->box.x != x || m->box.y != y || m->box.width != w ||
            m->box.height != h)
        fail_msg("%s at %d,%d %d x %d, not %s at %d,%d %d x %d", sg_mark_name(m->kind), m->box.x,
                m->box.y, m->box.width, m->box.height, sg_mark_name(kind), x, y, w, h);
    assert_true(m->contrast > 40.0);
}

static void test_tissue_has_no_marks(void **state) {
    (void)state;
    sg_image image;
    sg_marks marks;
    make_tissue(&image, 1);
    /* A bright septum, a patch and a bright speck are no marks. */
    sg_draw_line(&image, 10, 40, 150, 52, WHITE);
    sg_draw_fill(&image, (sg_rect){30, 90, 20, 9}, WHITE);
    sg_draw_fill(&image, (sg_rect){100, 100, 2, 2}, WHITE);
    find(&marks, &image);
    assert_int_equal(marks.count, 0);
    sg_marks_dispose(&marks);
    sg_image_dispose(&image);
}

static void test_crosses_with_a_dotted_line(void **state) {
    (void)state;
    sg_image image;
    sg_marks marks;
    make_tissue(&image, 1);
    sg_draw_cross(&image, 40, 60, 4, WHITE);
    sg_draw_cross(&image, 100, 70, 4, WHITE);
    for (int i = 2; i < 11; i++)
        sg_draw_fill(&image, (sg_rect){40 + 5 * i, 60 + 10 * i / 12, 1, 1}, WHITE);
    find(&marks, &image);
    assert_int_equal(marks.count, 2);
    assert_mark(&marks.items[0], SG_MARK_CALIPER, 36, 56, 9, 9);
    assert_mark(&marks.items[1], SG_MARK_CALIPER, 96, 66, 9, 9);
    sg_marks_dispose(&marks);
    sg_image_dispose(&image);
}

static void test_a_line_of_text(void **state) {
    (void)state;
    sg_image image;
    sg_marks marks;
    make_tissue(&image, 1);
    sg_draw_text(&image, 20, 130, "RT BREAST 2", 1, WHITE);
    sg_draw_text(&image, 100, 20, "8", 1, WHITE); /* one sign is no line */
    find(&marks, &image);
    assert_int_equal(marks.count, 1);
    assert_mark(&marks.items[0], SG_MARK_TEXT, 20, 130, 65, 7);
    sg_marks_dispose(&marks);
    sg_image_dispose(&image);
}

static void test_a_body_mark(void **state) {
    (void)state;
    sg_image image;
    sg_marks marks;
    make_tissue(&image, 1);
    for (int i = 0; i < 400; i++) {
        int x = (int)lround(120.0 + 14.0 * cos(i * 0.015708));
        int y = (int)lround(130.0 + 14.0 * sin(i * 0.015708));
        sg_draw_fill(&image, (sg_rect){x, y, 1, 1}, WHITE);
    }
    sg_draw_line(&image, 122, 124, 127, 128, WHITE);
    find(&marks, &image);
    assert_int_equal(marks.count, 1);
    assert_mark(&marks.items[0], SG_MARK_PICTOGRAM, 106, 116, 29, 29);
    sg_marks_dispose(&marks);
    sg_image_dispose(&image);
}

static void test_a_coloured_frame(void **state) {
    (void)state;
    sg_image image;
    sg_marks marks;
    make_tissue(&image, 3);
    sg_draw_box(&image, (sg_rect){30, 40, 60, 50}, 0x807840);
    find(&marks, &image);
    assert_int_equal(marks.count, 1);
    assert_mark(&marks.items[0], SG_MARK_OVERLAY, 30, 40, 60, 50);
    sg_marks_dispose(&marks);
    sg_image_dispose(&image);
}

static void test_tiny_and_flat_pictures(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    const int sides[][2] = {{1, 1}, {47, 300}, {48, 48}, {65, 50}};
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        sg_image image;
        sg_marks marks;
        CHECK_OK(sg_image_create(&image, sides[i][0], sides[i][1], 3, &err));
        find(&marks, &image);
        assert_int_equal(marks.count, 0);
        memset(image.pixels, 255, sg_image_size(&image));
        find(&marks, &image);
        assert_int_equal(marks.count, 0);
        sg_image_dispose(&image);
    }
}

/* The promise of docs/internals/audit.md, on few phantoms; bench/marks.c has many. */
static void test_marks_of_phantoms(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    char dir[SG_TEST_PATH];
    sg_marks_score s = {0};
    sg_test_folder_make(dir);
    sg_phantom_options o = {16, 128, 9, 0.2, 0.0, 0.5};
    CHECK_OK(sg_phantom_write_set(dir, &o, false, NULL, NULL, &err));
    CHECK_OK(sg_marks_score_set(&s, dir, &err));
    int found = 0, missed = 0, extra = 0;
    for (int k = 0; k < SG_MARK_KINDS; k++) {
        found += s.found[k];
        missed += s.missed[k];
        extra += s.extra[k];
    }
    assert_int_equal(s.images, 48);
    assert_true(found > 40 && s.clean > 8);
    assert_true(20 * missed <= found + missed && 20 * extra <= found + extra);
    assert_int_equal(s.clean_flagged, 0);
    sg_test_folder_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_tissue_has_no_marks),
            cmocka_unit_test(test_crosses_with_a_dotted_line),
            cmocka_unit_test(test_a_line_of_text),
            cmocka_unit_test(test_a_body_mark),
            cmocka_unit_test(test_a_coloured_frame),
            cmocka_unit_test(test_tiny_and_flat_pictures),
            cmocka_unit_test(test_marks_of_phantoms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
