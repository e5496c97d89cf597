/* test_compare.c - the pages of leakage and compare: every figure given is on them, the printed
 * table stands whole, and names from disks stay text. SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "base/file.h"
#include "report/compare.h"
#include "report/leakage.h"
#include "support/image_folder.h"
#include "support/markup.h"
#include <stdio.h>
#include <stdlib.h>

static const char *const classes[2] = {"benign", "<b>malignant"};
static const size_t confusion[4] = {7, 1, 2, 5};
static const double folds[2] = {0.75, 0.85}, loss[3] = {1.0, 0.5, 0.25}, line[2] = {0, 1};
static const sg_compare_curve curves[1] = {{3, loss, NULL, NULL}};

static sg_compare_arm make_arm(const char *name, int paper) {
    return (sg_compare_arm){.name = name,
            .paper = paper,
            .epochs = 3,
            .initialisation = 0.357,
            .accuracy = {0.8123, 0.7011, 0.9022},
            .precision = {0.6, NAN, NAN},
            .recall = {0.5, 0.4, 0.6},
            .f1 = {0.55, 0.45, 0.65},
            .auroc = {0.912, 0.9, 0.95},
            .sensitivity = {0.71, 0.6, 0.8},
            .folds = folds,
            .fold_count = 2,
            .confusion = confusion,
            .roc_x = line,
            .roc_y = line,
            .roc_n = 2,
            .parameters = 25.6e6,
            .macs = 4.089e9,
            .ms_per_image = 12.34,
            .predict_bytes = 200e6,
            .train_bytes = 3000e6,
            .curves = curves,
            .curve_count = 1};
}

/* Writes the page and reads it back; the caller frees. */
static char *render(sg_status (*write)(const void *, const char *, sg_error *), const void *page) {
    char root[SG_TEST_PATH], path[SG_TEST_PATH + 16], *text;
    size_t size;
    sg_error err = SG_ERROR_INIT;
    sg_test_folder_make(root);
    (void)snprintf(path, sizeof path, "%s/p.html", root);
    CHECK_OK(write(page, path, &err));
    CHECK_OK(sg_file_read(&text, &size, path, (size_t)1 << 24, &err));
    sg_test_folder_remove(root);
    return text;
}

static sg_status write_compare(const void *page, const char *path, sg_error *err) {
    return sg_compare_page_write(page, path, err);
}

static sg_status write_leakage(const void *page, const char *path, sg_error *err) {
    return sg_leakage_page_write(page, path, err);
}

static void expect(const char *text, const char *const *parts, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!strstr(text, parts[i])) fail_msg("'%s' is not on the page", parts[i]);
}

static void test_compare_shows_what_it_is_given(void **state) {
    (void)state;
    const sg_compare_arm arms[2] = {make_arm("mresnetv2", 4), make_arm("<i>other", -1)};
    const sg_compare_pair pairs[1] = {{0, 1, {0.034, -0.012, 0.071}, {0.02, NAN, NAN},
            {0.031, -0.1, 0.2}, 0.125, 0.375, 9, 4}};
    sg_compare_page page = {.title = "Models side by side",
            .data = "data",
            .classes = classes,
            .class_count = 2,
            .arms = arms,
            .arm_count = 2,
            .pairs = pairs,
            .pair_count = 1,
            .with_paper = true};
    static const char *const parts[] = {"81.2 (70.1", "35.7", "60.0", "0.912", "25.60", "4.089",
            "12.3", "3000", "+3.4 (-1.2 to 7.1)", "+3.1 (-10.0 to 20.0)", "0.125", "0.375", "98.46",
            "90.30", "printed F1 above (P + R) / 2", "&lt;b&gt;malignant", "&lt;i&gt;other",
            "was not measured"};
    char *text = render(write_compare, &page);
    expect(text, parts, sizeof parts / sizeof *parts);
    assert_null(strstr(text, "<i>other"));
    free(text);
    page.with_paper = false;
    text = render(write_compare, &page);
    assert_null(strstr(text, "98.46"));
    free(text);
}

static void test_leakage_shows_worth_and_curve(void **state) {
    (void)state;
    const sg_leakage_arm arms[2] = {{.name = "grouped",
                                            .meaning = "by group",
                                            .images = 40,
                                            .groups = 31,
                                            .accuracy = {0.807, 0.7, 0.9},
                                            .reference = true,
                                            .folds = folds,
                                            .fold_count = 2},
            {.name = "random",
                    .meaning = "by image",
                    .images = 40,
                    .groups = 31,
                    .accuracy = {0.864, 0.8, 0.9},
                    .worth = {0.057, 0.011, 0.102},
                    .p = 0.021,
                    .folds = folds,
                    .fold_count = 2}};
    const sg_leakage_point points[2] = {{0.25, 133.4, {0.7, 0.6, 0.8}, {0.6, 0.5, 0.7}},
            {1, 530, {0.807, 0.7, 0.9}, {0.8, 0.7, 0.9}}};
    sg_leakage_page page = {
            .data = "data", .arms = arms, .arm_count = 2, .points = points, .point_count = 2};
    static const char *const parts[] = {
            "reference", "+5.7 (1.1 to 10.2)", "0.021", "by image", "Learning curve", ">133<"};
    char *text = render(write_leakage, &page);
    expect(text, parts, sizeof parts / sizeof *parts);
    free(text);
    page.point_count = 0;
    text = render(write_leakage, &page);
    assert_null(strstr(text, "Learning curve"));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_compare_shows_what_it_is_given),
            cmocka_unit_test(test_leakage_shows_worth_and_curve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
