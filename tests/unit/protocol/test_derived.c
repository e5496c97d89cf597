/* test_derived.c - masks drawn into images and augmented copies: pixels, names, groups, and a set
 * that is made once. SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "image/codec.h"
#include "protocol/derived.h"
#include "support/image_folder.h"
#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 24 };

static char root[SG_TEST_PATH], derived[SG_TEST_PATH + 16];
static sg_manifest source;

/* Two classes of two images; one has a mask of half its size whose right half is white. */
static int make_source(void **state) {
    (void)state;
    static const char *const names[] = {
            "benign/a.png", "benign/b.png", "normal/c.png", "normal/d.png"};
    sg_error err = SG_ERROR_INIT;
    sg_image mask;
    sg_test_folder_make(root);
    for (uint32_t i = 0; i < 4; i++) {
        sg_image image;
        sg_test_picture(&image, i + 1, SIDE, SIDE);
        sg_test_image_write(root, names[i], &image);
        sg_image_dispose(&image);
    }
    CHECK_OK(sg_image_create(&mask, SIDE / 2, SIDE / 2, 1, &err));
    for (int i = 0; i < SIDE * SIDE / 4; i++) mask.pixels[i] = i % (SIDE / 2) >= SIDE / 4 ? 255 : 0;
    sg_test_image_write(root, "benign/a_mask.png", &mask);
    sg_image_dispose(&mask);
    CHECK_OK(sg_manifest_scan(&source, root, NULL, &err));
    (void)snprintf(derived, sizeof derived, "%s-derived", root);
    return 0;
}

static int remove_source(void **state) {
    (void)state;
    sg_manifest_dispose(&source);
    sg_test_folder_remove(root);
    sg_test_folder_remove(derived);
    return 0;
}

static sg_image read_image(const sg_manifest *m, const char *path) {
    sg_error err = SG_ERROR_INIT;
    sg_image image;
    long row = sg_manifest_find(m, path);
    assert_true(row >= 0);
    char *file = sg_manifest_file(m, (size_t)row);
    CHECK_OK(sg_image_read(&image, NULL, file, NULL, &err));
    free(file);
    return image;
}

static void test_masked_pixels_move_half_way_to_white(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_manifest m;
    const sg_derivation d = {derived, &source, NULL, NULL};
    CHECK_OK(sg_derive_masked(&m, &d, &err));
    assert_int_equal(m.count, source.count);
    sg_image before = read_image(&source, "benign/a.png"), after = read_image(&m, "benign/a.png");
    for (int i = 0; i < SIDE * SIDE; i++) {
        int p = before.pixels[i];
        assert_int_equal(after.pixels[i], i % SIDE >= SIDE / 2 ? (p + 255) / 2 : p);
    }
    sg_image_dispose(&before);
    sg_image_dispose(&after);
    before = read_image(&source, "normal/c.png");
    after = read_image(&m, "normal/c.png");
    assert_memory_equal(before.pixels, after.pixels, SIDE * SIDE);
    sg_image_dispose(&before);
    sg_image_dispose(&after);
    sg_manifest_dispose(&m);
}

static void test_copies_stay_in_their_group(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_manifest m;
    const sg_derivation d = {derived, &source, NULL, NULL};
    sg_copies how = {2, SG_RECIPE_INIT, SG_AUGMENT_INIT, 5};
    how.recipe.size = 16;
    CHECK_OK(sg_derive_copies(&m, &d, &how, &err));
    assert_int_equal(m.count, 3 * source.count);
    assert_int_equal(m.group_count, source.group_count);
    long original = sg_manifest_find(&m, "normal/d.png");
    for (int k = 1; k <= 2; k++) {
        char name[32];
        (void)snprintf(name, sizeof name, "normal/d_copy%d.png", k);
        long row = sg_manifest_find(&m, name);
        assert_true(row >= 0);
        assert_int_equal(m.rows[row].group, m.rows[original].group);
        assert_int_equal(m.rows[row].width, 16);
    }
    long one = sg_manifest_find(&m, "normal/d_copy1.png");
    long two = sg_manifest_find(&m, "normal/d_copy2.png");
    assert_string_not_equal(m.rows[one].sha256, m.rows[two].sha256);
    sg_manifest_dispose(&m);
}

/* A whole set is opened as it is; what was stopped half-way is made anew. */
static void test_a_set_is_made_once(void **state) {
    (void)state;
    static const volatile sig_atomic_t stop = 1;
    sg_error err = SG_ERROR_INIT;
    sg_manifest m;
    sg_derivation d = {derived, &source, NULL, &stop};
    CHECK_FAILS(sg_derive_masked(&m, &d, &err), SG_ERR_INTERRUPTED, "stopped");
    d.stop = NULL;
    CHECK_OK(sg_derive_masked(&m, &d, &err));
    sg_manifest_dispose(&m);
    d.stop = &stop;
    CHECK_OK(sg_derive_masked(&m, &d, &err));
    assert_int_equal(m.count, source.count);
    sg_manifest_dispose(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(
                    test_masked_pixels_move_half_way_to_white, make_source, remove_source),
            cmocka_unit_test_setup_teardown(
                    test_copies_stay_in_their_group, make_source, remove_source),
            cmocka_unit_test_setup_teardown(test_a_set_is_made_once, make_source, remove_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
