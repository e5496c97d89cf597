/* test_manifest.c - folders and tables as they come: BUSI's names, hostile names, masks, groups,
 * and what must be refused. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/manifest.h"
#include "support/image_folder.h"

static char folder[SG_TEST_PATH];

static int open_folder(void **state) {
    (void)state;
    sg_test_folder_make(folder);
    return 0;
}

static int close_folder(void **state) {
    (void)state;
    sg_test_folder_remove(folder);
    return 0;
}

static sg_manifest scan(const char *dir) {
    sg_manifest m = {0};
    sg_error err = SG_ERROR_INIT;
    if (sg_manifest_scan(&m, dir, NULL, &err)) fail_msg("%s", err.message);
    return m;
}

static char *inside(const char *name) {
    char *path = sg_path_join(folder, name);
    assert_non_null(path);
    return path;
}

static const sg_manifest_row *row_of(const sg_manifest *m, const char *path) {
    long row = sg_manifest_find(m, path);
    if (row < 0) fail_msg("'%s' is not in the manifest", path);
    return &m->rows[row];
}

static void expect_refusal(sg_status code, const char *words, const sg_manifest_options *options) {
    sg_manifest m = {0};
    sg_error err = SG_ERROR_INIT;
    sg_status status = sg_manifest_scan(&m, folder, options, &err);
    if (status == SG_OK) fail_msg("taken, though '%s' was expected", words);
    if (!strstr(err.message, words)) fail_msg("'%s' does not say '%s'", err.message, words);
    assert_int_equal(status, code);
    assert_null(m.rows);
}

static void write_busi(void) {
    sg_test_picture_write(folder, "normal/normal (1).png", 1);
    sg_test_picture_write(folder, "normal/normal (1)_mask.png", 2);
    sg_test_picture_write(folder, "malignant/malignant (2).png", 3);
    sg_test_picture_write(folder, "benign/benign (100).png", 4);
    sg_test_picture_write(folder, "benign/benign (100)_mask.png", 5);
    sg_test_picture_write(folder, "benign/benign (100)_mask_1.png", 6);
    sg_test_picture_write(folder, "benign/benign (9).png", 7);
    sg_test_text_write(folder, "benign/Thumbs.db", "x");
    sg_test_text_write(folder, "benign/._benign (9).png", "x");
}

static void check_busi(const sg_manifest *m) {
    assert_int_equal(m->count, 4);
    assert_int_equal(m->class_count, 3);
    assert_string_equal(m->class_names[0], "benign");
    assert_string_equal(m->class_names[1], "malignant");
    assert_string_equal(m->class_names[2], "normal");
    assert_string_equal(m->rows[0].path, "benign/benign (100).png");
    assert_string_equal(m->rows[3].path, "normal/normal (1).png");
    assert_int_equal(m->rows[3].class_index, 2);
    assert_int_equal(m->rows[0].mask_count, 2);
    assert_string_equal(m->rows[0].masks[0], "benign/benign (100)_mask.png");
    assert_string_equal(m->rows[0].masks[1], "benign/benign (100)_mask_1.png");
    assert_int_equal(m->rows[1].mask_count, 0);
    assert_int_equal(m->rows[0].width, 72);
    assert_int_equal(m->rows[0].height, 64);
    assert_int_equal(m->rows[0].channels, 1);
    assert_int_equal(m->rows[0].bit_depth, 8);
    assert_int_equal(m->group_count, 4);
    assert_string_equal(m->group_labels[0], "g0001");
    assert_int_equal(strlen(m->rows[2].sha256), 64);
}

static void reads_busi(void **state) {
    (void)state;
    write_busi();
    sg_manifest m = scan(folder);
    check_busi(&m);
    assert_int_equal(m.stray_masks, 0);
    char hash[SG_SHA256_HEX], *file = sg_manifest_file(&m, 0);
    assert_int_equal(sg_sha256_file(hash, file, NULL), SG_OK);
    assert_string_equal(hash, m.rows[0].sha256);
    free(file);
    sg_manifest_dispose(&m);
}

/* The folder around the class folders, and the one around that, as the archive unpacks. */
static void finds_classes_further_down(void **state) {
    (void)state;
    char outer[SG_TEST_PATH];
    memcpy(outer, folder, sizeof outer);
    char *deeper = inside("archive/Dataset_BUSI_with_GT");
    assert_int_equal(sg_dir_make(deeper, NULL), SG_OK);
    assert_true(strlen(deeper) < sizeof folder);
    memcpy(folder, deeper, strlen(deeper) + 1);
    write_busi();
    memcpy(folder, outer, sizeof folder);
    sg_manifest m = scan(folder);
    check_busi(&m);
    assert_string_equal(m.root, deeper);
    sg_manifest_dispose(&m);
    free(deeper);
}

static void takes_deeper_folders_and_mask_folders(void **state) {
    (void)state;
    sg_test_picture_write(folder, "Benign/p1/left/a.png", 1);
    sg_test_picture_write(folder, "Benign/p1/left/masks/a.png", 2);
    sg_test_picture_write(folder, "Benign/p2/images/b.PNG", 3);
    sg_test_picture_write(folder, "Benign/p2/masks/b_mask.png", 4);
    sg_test_picture_write(folder, "cyst/c.png", 5);
    sg_test_picture_write(folder, "cyst/lost_mask.png", 6);
    sg_test_picture_write(folder, "cyst/_mask.png", 7);
    sg_test_picture_write(folder, "abscess/d.png", 8);
    sg_test_picture_write(folder, "masks/cyst/c.png", 9);
    sg_manifest m = scan(folder);
    assert_int_equal(m.count, 4);
    assert_string_equal(m.class_names[0], "Benign");
    assert_string_equal(m.class_names[1], "abscess");
    assert_string_equal(m.class_names[2], "cyst");
    assert_string_equal(row_of(&m, "Benign/p1/left/a.png")->masks[0], "Benign/p1/left/masks/a.png");
    assert_string_equal(
            row_of(&m, "Benign/p2/images/b.PNG")->masks[0], "Benign/p2/masks/b_mask.png");
    assert_int_equal(row_of(&m, "cyst/c.png")->mask_count, 0);
    assert_int_equal(m.stray_masks, 2);
    sg_manifest_dispose(&m);
}

static const char *const hostile_names[] = {"a/=cmd|' /C calc'!A0.png",
        "a/with \"quotes\", comma.png", "a/line\nbreak.png", "a/not-utf8-\xff\xfe.png",
        "a/'apostrophe.png", "a/<b>&amp;.png", "=1+1/-x.png", "=1+1/back\\slash|pipe.png"};
enum { HOSTILE = sizeof hostile_names / sizeof *hostile_names };

static void hostile_names_survive_the_table(void **state) {
    (void)state;
    for (uint32_t i = 0; i < HOSTILE; i++) sg_test_picture_write(folder, hostile_names[i], i);
    sg_test_picture_write(folder, "=1+1/back\\slash|pipe_mask.png", 20);
    sg_test_picture_write(folder, "=1+1/back\\slash|pipe_mask_1.png", 21);
    sg_manifest m = scan(folder), again = {0};
    assert_int_equal(m.count, HOSTILE);
    char *csv = inside("m.csv");
    sg_error err = SG_ERROR_INIT;
    if (sg_manifest_write(&m, csv, &err)) fail_msg("%s", err.message);
    if (sg_manifest_read(&again, csv, NULL, NULL, &err)) fail_msg("%s", err.message);
    for (size_t i = 0; i < HOSTILE; i++) (void)row_of(&again, hostile_names[i]);
    const sg_manifest_row *masked = row_of(&again, "=1+1/back\\slash|pipe.png");
    assert_int_equal(masked->mask_count, 2);
    assert_string_equal(masked->masks[1], "=1+1/back\\slash|pipe_mask_1.png");
    char a[SG_SHA256_HEX], b[SG_SHA256_HEX];
    assert_int_equal(sg_manifest_digest(a, &m, NULL), SG_OK);
    assert_int_equal(sg_manifest_digest(b, &again, NULL), SG_OK);
    assert_string_equal(a, b);
    assert_int_equal(again.grouping, SG_GROUPING_PIXELS);
    assert_string_equal(again.root, folder);
    free(csv);
    sg_manifest_dispose(&m);
    sg_manifest_dispose(&again);
}

static void groups_copies_and_likenesses_across_classes(void **state) {
    (void)state;
    sg_test_picture_write(folder, "benign/a.png", 1);
    sg_test_picture_write(folder, "benign/b.png", 2);
    sg_test_picture_write(folder, "malignant/copy of a.png", 1);
    sg_image image = {0};
    sg_test_picture(&image, 2, 72, 64);
    for (int i = 0; i < 72 * 64; i++) image.pixels[i] = (uint8_t)(image.pixels[i] / 2 + 30);
    sg_test_image_write(folder, "malignant/b darker.png", &image);
    sg_image_dispose(&image);
    sg_test_picture_write(folder, "malignant/c.png", 3);
    sg_image black = {0};
    assert_int_equal(sg_image_create(&black, 40, 40, 1, NULL), SG_OK);
    sg_test_image_write(folder, "normal/black.png", &black);
    sg_image_dispose(&black);
    assert_int_equal(sg_image_create(&black, 50, 40, 1, NULL), SG_OK);
    sg_test_image_write(folder, "normal/black too.png", &black);
    sg_image_dispose(&black);
    sg_manifest m = scan(folder);
    assert_int_equal(m.group_count, 5);
    assert_int_equal(
            row_of(&m, "benign/a.png")->group, row_of(&m, "malignant/copy of a.png")->group);
    assert_int_equal(
            row_of(&m, "benign/b.png")->group, row_of(&m, "malignant/b darker.png")->group);
    sg_manifest_summary s;
    assert_int_equal(sg_manifest_summarize(&s, &m, NULL), SG_OK);
    assert_int_equal(s.images, 7);
    assert_int_equal(s.shared_groups, 2);
    assert_int_equal(s.shared_images, 4);
    assert_int_equal(s.largest_group, 2);
    assert_int_equal(s.exact_duplicates, 1);
    assert_int_equal(s.exact_conflicts, 1);
    assert_int_equal(s.conflicting_groups, 2);
    assert_int_equal(s.conflicting_images, 4);
    sg_manifest_dispose(&m);
}

static void groups_by_pattern(void **state) {
    (void)state;
    sg_test_picture_write(folder, "a/p07_left.png", 1);
    sg_test_picture_write(folder, "b/p07_right.png", 2);
    sg_test_picture_write(folder, "b/p08_left.png", 3);
    sg_manifest_options options = SG_MANIFEST_OPTIONS_INIT;
    options.group_by = "p([0-9]+)_";
    sg_manifest m = {0};
    assert_int_equal(sg_manifest_scan(&m, folder, &options, NULL), SG_OK);
    assert_int_equal(m.group_count, 2);
    assert_string_equal(m.group_labels[0], "07");
    assert_int_equal(m.rows[0].group, m.rows[1].group);
    assert_int_equal(m.grouping, SG_GROUPING_REGEX);
    sg_manifest_dispose(&m);
    options.group_by = "q([0-9]+)_";
    expect_refusal(SG_ERR_INPUT, "a/p07_left.png", &options);
    options.group_by = "patient";
    expect_refusal(SG_ERR_USAGE, "no such column", &options);
    options.group_by = "p([0-9]+";
    expect_refusal(SG_ERR_USAGE, "not a pattern", &options);
    options.group_by = "(p)([0-9]+)_";
    expect_refusal(SG_ERR_USAGE, "2 parts in parentheses", &options);
}

static void reads_a_table_of_ones_own(void **state) {
    (void)state;
    sg_test_picture_write(folder, "img/1.png", 1);
    sg_test_picture_write(folder, "img/1_mask.png", 2);
    sg_test_picture_write(folder, "img/2.png", 3);
    sg_test_picture_write(folder, "img/3.png", 4);
    sg_test_text_write(folder, "own.csv",
            "patient,class,path,note\nP1,benign,img/1.png,\nP2,malignant,img/2.png,x\n"
            "P1,benign,img/3.png,\n");
    char *csv = inside("own.csv");
    sg_manifest_options options = SG_MANIFEST_OPTIONS_INIT;
    options.group_by = "patient";
    sg_manifest m = {0}, pixels = {0};
    sg_error err = SG_ERROR_INIT;
    if (sg_manifest_read(&m, csv, NULL, &options, &err)) fail_msg("%s", err.message);
    assert_int_equal(m.count, 3);
    assert_int_equal(m.group_count, 2);
    assert_string_equal(m.group_labels[m.rows[2].group], "P2");
    assert_int_equal(m.grouping, SG_GROUPING_COLUMN);
    assert_string_equal(m.grouping_detail, "patient");
    assert_int_equal(row_of(&m, "img/1.png")->mask_count, 1);
    assert_int_equal(row_of(&m, "img/1.png")->width, 72);
    if (sg_manifest_read(&pixels, csv, folder, NULL, &err)) fail_msg("%s", err.message);
    assert_int_equal(pixels.group_count, 3);
    assert_int_equal(pixels.grouping, SG_GROUPING_PIXELS);
    sg_manifest_dispose(&m);
    sg_manifest_dispose(&pixels);
    free(csv);
}

static void refuses_bad_tables(void **state) {
    (void)state;
    sg_test_picture_write(folder, "1.png", 1);
    sg_test_picture_write(folder, "2.png", 2);
    sg_test_picture_write(folder, "2_mask.png", 2);
    static const struct {
        const char *text, *words;
    } cases[] = {
            {"path,label\n1.png,a\n", "no column 'class'"},
            {"path,class\n", "lists no image"},
            {"path,class\n1.png,a\n3.png,b\n", "3.png: this file is not there"},
            {"path,class\n1.png,a\n1.png,b\n", "lists '1.png' twice"},
            {"path,class\n1.png,a\n2_mask.png,b\n", "named like a mask"},
            {"path,class\n1.png,a\n2.png,\n", "row 2 has no class"},
            {"path,class,patient\n1.png,a,\n2.png,b,P\n", "is empty in some rows"},
            {"path,class,sha256,width,height,channels,bit_depth\n1.png,a,12,1,1,1,1\n"
             "2.png,b,34,1,1,1,1\n",
                    "not a SHA-256"},
    };
    char *csv = inside("own.csv");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sg_test_text_write(folder, "own.csv", cases[i].text);
        sg_manifest_options options = SG_MANIFEST_OPTIONS_INIT;
        if (strstr(cases[i].text, "patient")) options.group_by = "patient";
        sg_manifest m = {0};
        sg_error err = SG_ERROR_INIT;
        assert_int_not_equal(sg_manifest_read(&m, csv, NULL, &options, &err), SG_OK);
        if (!strstr(err.message, cases[i].words))
            fail_msg("'%s' does not say '%s'", err.message, cases[i].words);
    }
    free(csv);
}

static void refuses_what_cannot_be_classified(void **state) {
    (void)state;
    expect_refusal(SG_ERR_INPUT, "no class folder", NULL);
    sg_test_picture_write(folder, "benign/a.png", 1);
    expect_refusal(SG_ERR_INPUT, "one class, 'benign'", NULL);
    sg_manifest_options lone = SG_MANIFEST_OPTIONS_INIT;
    lone.any_classes = true;
    sg_manifest m = {0};
    assert_int_equal(sg_manifest_scan(&m, folder, &lone, NULL), SG_OK);
    sg_manifest_dispose(&m);
    sg_test_picture_write(folder, "normal/a_mask.png", 1);
    expect_refusal(SG_ERR_INPUT, "normal: this class folder holds no", NULL);
}

static void bad_files_are_named_or_skipped(void **state) {
    (void)state;
    sg_test_picture_write(folder, "benign/a.png", 1);
    sg_test_picture_write(folder, "benign/b.png", 2);
    sg_test_picture_write(folder, "normal/c.png", 3);
    sg_test_text_write(folder, "benign/empty.png", "");
    sg_test_text_write(folder, "normal/text.jpg", "this is no image");
    expect_refusal(SG_ERR_INPUT, "--skip-bad", NULL);
    expect_refusal(SG_ERR_INPUT, "benign/empty.png", NULL);
    sg_manifest_options options = SG_MANIFEST_OPTIONS_INIT;
    options.skip_bad = true;
    sg_manifest m = {0};
    assert_int_equal(sg_manifest_scan(&m, folder, &options, NULL), SG_OK);
    assert_int_equal(m.count, 3);
    assert_int_equal(m.group_count, 3);
    assert_int_equal(m.skip_count, 2);
    assert_string_equal(m.skips[0].path, "benign/empty.png");
    assert_string_equal(m.skips[1].path, "normal/text.jpg");
    sg_manifest_dispose(&m);
    sg_test_text_write(folder, "normal/c.png", "broken");
    expect_refusal(SG_ERR_INPUT, "no image of class 'normal'", &options);
}

static void refuses_circles(void **state) {
    (void)state;
    sg_test_picture_write(folder, "benign/a.png", 1);
    sg_test_picture_write(folder, "normal/b.png", 2);
    char *link = inside("normal/self");
    assert_int_equal(symlink(".", link), 0);
    expect_refusal(SG_ERR_INPUT, "nested more than", NULL);
    free(link);
}

/* The pool changes nothing. */
static void threads_do_not_matter(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 150; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s/%u.png", i % 2 ? "benign" : "normal", i);
        sg_test_picture_write(folder, name, i % 90);
    }
    sg_pool *pool;
    assert_int_equal(sg_pool_create(&pool, 3, NULL), SG_OK);
    sg_manifest_options options = SG_MANIFEST_OPTIONS_INIT;
    char digests[2][SG_SHA256_HEX];
    for (int k = 0; k < 2; k++) {
        options.pool = k ? pool : NULL;
        sg_manifest m = {0};
        assert_int_equal(sg_manifest_scan(&m, folder, &options, NULL), SG_OK);
        assert_int_equal(m.group_count, 90);
        assert_int_equal(sg_manifest_digest(digests[k], &m, NULL), SG_OK);
        sg_manifest_dispose(&m);
    }
    assert_string_equal(digests[0], digests[1]);
    sg_pool_destroy(pool);
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, open_folder, close_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
            IN_FOLDER(reads_busi),
            IN_FOLDER(finds_classes_further_down),
            IN_FOLDER(takes_deeper_folders_and_mask_folders),
            IN_FOLDER(hostile_names_survive_the_table),
            IN_FOLDER(groups_copies_and_likenesses_across_classes),
            IN_FOLDER(groups_by_pattern),
            IN_FOLDER(reads_a_table_of_ones_own),
            IN_FOLDER(refuses_bad_tables),
            IN_FOLDER(refuses_what_cannot_be_classified),
            IN_FOLDER(bad_files_are_named_or_skipped),
            IN_FOLDER(refuses_circles),
            IN_FOLDER(threads_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
