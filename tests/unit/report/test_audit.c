/* test_audit.c - audit.html: whole, self-contained, escaped, repeatable; pairs in the order in
 * which a person should see them, paths that come back byte by byte. SPDX-License-Identifier:
 * Apache-2.0
 */
#include "report/audit.h"

#include "base/file.h"
#include "support/check.h"
#include "support/markup.h"

#include <stdlib.h>
#include <unistd.h>

static const char hostile[] = "<img src=x onerror=alert(1)>\"&\xFE";
static const char png[] = "\x89PNG not looked into";

static const sg_audit_picture picture = {png, sizeof png, 12, 8};

/* Two classes, a pair of each part of the page, a finding of each kind; all names hostile. */
static char *write_page(size_t *size, const sg_audit_page_pair *pairs, size_t count) {
    static const char *const classes[] = {hostile, "normal"};
    static const size_t images[] = {7, 5}, kept[] = {4, 3}, left[] = {3, 2};
    static const sg_audit_page_reason reason = {hostile, left};
    static const sg_audit_page_box boxes[] = {
            {0.1, 0.2, 0.3, 0.25, "caliper"}, {0.5, 0.5, 0.1, 0.1, "text"}};
    const sg_audit_page_image findings[] = {{.path = hostile,
                                                    .class_name = hostile,
                                                    .what = hostile,
                                                    .detail = hostile,
                                                    .picture = picture,
                                                    .text = picture,
                                                    .boxes = boxes,
                                                    .box_count = 2},
            {.path = hostile, .class_name = "normal", .what = "blank", .leaves = true}};
    static const char *const unreadable[] = {hostile, hostile};
    const sg_audit_page page = {.name = hostile,
            .classes = classes,
            .class_count = 2,
            .images = images,
            .kept = kept,
            .reasons = &reason,
            .reason_count = 1,
            .groups = 9,
            .shared_groups = 2,
            .shared_images = 5,
            .conflicting_groups = 1,
            .join_score = 0.5,
            .doubt_score = 0.25,
            .pairs = pairs,
            .pair_count = count,
            .pairs_left_out = 3,
            .outside = {findings, 2, 4},
            .marks = {findings, 1, 0},
            .outliers = {findings, 2, 0},
            .marked_images = 1,
            .unreadable = unreadable,
            .unreadable_count = 1};
    sg_error err = SG_ERROR_INIT;
    char folder[] = "/tmp/sg-audit-XXXXXX", *text;
    assert_non_null(mkdtemp(folder));
    char *path = sg_path_join(folder, "audit.html");
    CHECK_OK(sg_audit_page_write(&page, path, &err));
    CHECK_OK(sg_file_read(&text, size, path, 1 << 20, &err));
    CHECK_OK(sg_dir_remove(folder, &err));
    free(path);
    return text;
}

static const sg_audit_page_pair all_pairs[] = {
        {.path_a = "b/rest 1.png",
                .path_b = "b/rest 2.png",
                .class_a = "b",
                .class_b = "b",
                .kind = "near copy",
                .score = 0.9,
                .overlap = 0.8,
                .joined = true,
                .verdict = 1,
                .first = {png, sizeof png, 12, 8},
                .second = {png, sizeof png, 12, 8}},
        {.path_a = "b/across.png",
                .path_b = hostile,
                .class_a = hostile,
                .class_b = "normal",
                .kind = hostile,
                .score = 1,
                .overlap = 1,
                .joined = true,
                .across = true},
        {.path_a = "b/doubt.png",
                .path_b = "b/%41.png",
                .class_a = "b",
                .class_b = "b",
                .kind = "near copy",
                .score = 0.3,
                .overlap = 0.5,
                .first = {png, sizeof png, 12, 8},
                .second = {png, sizeof png, 12, 8}},
        {.path_a = "b/no 1.png",
                .path_b = "b/no 2.png",
                .class_a = "b",
                .class_b = "b",
                .kind = "near copy",
                .score = 0.6,
                .overlap = 0.5,
                .verdict = 2},
};

static void test_the_page_is_well_formed_whatever_the_names(void **state) {
    (void)state;
    size_t size;
    char *text = write_page(&size, all_pairs, 4);
    markup_assert_well_formed_with_script(text, size);
    assert_null(strstr(text, "<img src=x"));
    assert_int_equal(markup_count(text, "<li class=\"pair\""), 4);
    assert_int_equal(markup_count(text, "class=\"shots\""), 2);
    assert_int_equal(
            markup_count(text, "<rect "), 12); /* three lists, two boxes, two strokes each */
    assert_non_null(strstr(text, "Research use only"));
    assert_non_null(strstr(text, "3 more pairs are in audit.json"));
    assert_non_null(strstr(text, "4 more are in audit.json"));
    free(text);
}

static void test_doubt_comes_first(void **state) {
    (void)state;
    size_t size;
    char *text = write_page(&size, all_pairs, 4);
    markup_assert_order(text, "b/doubt.png", "b/across.png");
    markup_assert_order(text, "b/across.png", "b/rest 1.png");
    markup_assert_order(text, "b/rest 1.png", "b/no 1.png");
    assert_non_null(strstr(text, "value=\"confirm\" checked=\"checked\"/>"));
    assert_non_null(strstr(text, "value=\"reject\" checked=\"checked\"/>"));
    assert_int_equal(markup_count(text, "value=\"\" checked=\"checked\"/>"), 2);
    free(text);
}

/* An image that leaves may be kept, one that stays may be left out. */
static void test_single_images_can_be_decided(void **state) {
    (void)state;
    size_t size;
    char *text = write_page(&size, all_pairs, 4);
    assert_int_equal(markup_count(text, "value=\"exclude\"/>leave it out"), 3);
    assert_int_equal(markup_count(text, "value=\"keep\"/>keep it"), 2);
    free(text);
}

/* The script turns %HH into bytes again, so a path that holds a percent sign is encoded too. */
static void test_paths_travel_byte_by_byte(void **state) {
    (void)state;
    size_t size;
    char *text = write_page(&size, all_pairs, 4);
    assert_non_null(strstr(text, "data-b=\"b/%2541.png\""));
    assert_non_null(strstr(text, "data-b=\"%3Cimg src%3Dx onerror%3Dalert(1)%3E%22%26%FE\""));
    free(text);
}

static void test_the_flow_adds_up(void **state) {
    (void)state;
    size_t size;
    char *text = write_page(&size, all_pairs, 0);
    markup_assert_well_formed_with_script(text, size);
    assert_non_null(strstr(text, "<td class=\"r\">12</td>")); /* all */
    assert_non_null(strstr(text, "<td class=\"r\">\xE2\x88\x92"
                                 "5</td>")); /* left */
    markup_assert_order(text, "<tr class=\"strong\">", "<td class=\"r\">7</td></tr>");
    assert_non_null(strstr(text, "No two images look like one picture."));
    assert_int_equal(markup_count(text, "id=\"save\""), 1); /* for verdicts on single images */
    free(text);
}

static void test_writing_twice_gives_the_same_bytes(void **state) {
    (void)state;
    size_t size[2];
    char *one = write_page(&size[0], all_pairs, 4), *two = write_page(&size[1], all_pairs, 4);
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(one, two, size[0]);
    free(one);
    free(two);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_the_page_is_well_formed_whatever_the_names),
            cmocka_unit_test(test_doubt_comes_first),
            cmocka_unit_test(test_single_images_can_be_decided),
            cmocka_unit_test(test_paths_travel_byte_by_byte),
            cmocka_unit_test(test_the_flow_adds_up),
            cmocka_unit_test(test_writing_twice_gives_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
