/* test_published.c - BUS-BRA, BUS-UCLM and BrEaST as they come out of their archives, in small:
 * classes, groups, masks, official folds, and what must be refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/manifest.h"
#include "data/split.h"
#include "support/check.h"
#include "support/image_folder.h"
#include <stdio.h>
#include <stdlib.h>

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

static sg_manifest scan(void) {
    sg_manifest m = {0};
    sg_error err = SG_ERROR_INIT;
    sg_manifest_options options = SG_MANIFEST_OPTIONS_INIT;
    CHECK_OK(sg_manifest_scan(&m, folder, &options, &err));
    return m;
}

static void expect_refusal(sg_status code, const char *words) {
    sg_manifest m = {0};
    sg_error err = SG_ERROR_INIT;
    CHECK_FAILS(sg_manifest_scan(&m, folder, NULL, &err), code, words);
    assert_null(m.rows);
}

static const sg_manifest_row *row_of(const sg_manifest *m, const char *path) {
    long row = sg_manifest_find(m, path);
    if (row < 0) fail_msg("'%s' is not in the manifest", path);
    return &m->rows[row];
}

static const char *class_of(const sg_manifest *m, const char *path) {
    return m->class_names[row_of(m, path)->class_index];
}

/* ---- BUS-BRA ---- */

static void write_bus_bra(void) {
    static const char *const ids[] = {"0001-l", "0001-r", "0002-l", "0003-s"};
    char name[64];
    for (uint32_t i = 0; i < 4; i++) {
        (void)snprintf(name, sizeof name, "BUSBRA/Images/bus_%s.png", ids[i]);
        sg_test_picture_write(folder, name, i + 1);
        (void)snprintf(name, sizeof name, "BUSBRA/Masks/mask_%s.png", ids[i]);
        sg_test_picture_write(folder, name, i + 11);
    }
    sg_test_text_write(folder, "BUSBRA/bus_data.csv",
            "ID,Case,Histology,Pathology,BIRADS,Device,Width,Height,Side,BBOX\n"
            "bus_0001-l,1,Fibroadenoma,benign,3,GE Logiq 7,72,64,left,\"[1,2,3,4]\"\n"
            "bus_0001-r,1,Fibroadenoma,benign,2,GE Logiq 7,72,64,right,\"[1,2,3,4]\"\n"
            "bus_0002-l,2,IDC,malignant,5,Toshiba,72,64,left,\"[1,2,3,4]\"\n"
            "bus_0003-s,3,Cyst,benign,2,GE U-Systems,72,64,single,\"[1,2,3,4]\"\n");
    sg_test_text_write(folder, "BUSBRA/5-fold-cv.csv",
            "\xEF\xBB\xBFID,Pathology,kFold\n" /* with the mark that the file may carry */
            "bus_0003-s,benign,2\nbus_0001-l,benign,1\nbus_0001-r,benign,1\n"
            "bus_0002-l,malignant,2\n");
}

static void test_bus_bra(void **state) {
    (void)state;
    write_bus_bra();
    sg_manifest m = scan();
    assert_string_equal(m.published, "BUS-BRA");
    assert_int_equal(m.count, 4);
    assert_int_equal(m.class_count, 2);
    assert_string_equal(class_of(&m, "Images/bus_0002-l.png"), "malignant");
    assert_string_equal(class_of(&m, "Images/bus_0003-s.png"), "benign");
    assert_int_equal(m.group_count, 3);
    assert_int_equal(
            row_of(&m, "Images/bus_0001-l.png")->group, row_of(&m, "Images/bus_0001-r.png")->group);
    char *grouping = sg_manifest_grouping_text(&m);
    assert_string_equal(grouping, "column:BUS-BRA Case");
    free(grouping);
    const sg_manifest_row *row = row_of(&m, "Images/bus_0002-l.png");
    assert_int_equal(row->official_fold, 2);
    assert_int_equal(row->mask_count, 1);
    assert_string_equal(row->masks[0], "Masks/mask_0002-l.png");
    assert_int_equal(row_of(&m, "Images/bus_0001-r.png")->official_fold, 1);
    sg_manifest_dispose(&m);
}

/* The table that is written is a split by the official folds, and reads back the same. */
static void test_official_folds_are_a_split(void **state) {
    (void)state;
    write_bus_bra();
    sg_manifest m = scan(), back = {0};
    sg_split split = {0};
    sg_error err = SG_ERROR_INIT;
    char *table = sg_path_join(folder, "busbra.csv");
    assert_non_null(table);
    CHECK_OK(sg_manifest_write(&m, table, &err));
    CHECK_OK(sg_manifest_read(&back, table, NULL, NULL, &err));
    assert_string_equal(back.published, "BUS-BRA");
    for (size_t i = 0; i < m.count; i++)
        assert_int_equal(back.rows[i].official_fold, m.rows[i].official_fold);
    CHECK_OK(sg_split_read(&split, table, &back, NULL, &err));
    assert_int_equal(split.folds, 2);
    for (size_t i = 0; i < m.count; i++)
        assert_int_equal(split.bins[i], m.rows[i].official_fold - 1);
    sg_split_dispose(&split);
    sg_manifest_dispose(&back);
    sg_manifest_dispose(&m);
    free(table);
}

static void test_bus_bra_without_folds(void **state) {
    (void)state;
    write_bus_bra();
    char *path = sg_path_join(folder, "BUSBRA/5-fold-cv.csv");
    assert_non_null(path);
    assert_int_equal(remove(path), 0);
    free(path);
    sg_manifest m = scan();
    assert_int_equal(m.rows[0].official_fold, 0);
    sg_manifest_dispose(&m);
}

static void test_bus_bra_refusals(void **state) {
    (void)state;
    write_bus_bra();
    sg_test_text_write(folder, "BUSBRA/5-fold-cv.csv", "ID,Pathology,kFold\nbus_0001-l,benign,1\n");
    expect_refusal(SG_ERR_FORMAT, "names no fold (kFold, from 1) for 'bus_0001-r'");
    write_bus_bra();
    sg_test_text_write(folder, "BUSBRA/bus_data.csv",
            "ID,Case,Pathology\nbus_0001-l,1,benign\nbus_0009-l,2,malignant\n");
    sg_test_text_write(folder, "BUSBRA/5-fold-cv.csv", "ID,kFold\nbus_0001-l,1\nbus_0009-l,2\n");
    expect_refusal(SG_ERR_INPUT, "lists Images/bus_0009-l.png, which is not there");
    sg_test_text_write(folder, "BUSBRA/bus_data.csv",
            "ID,Case,Pathology\nbus_0001-l,1,benign\nbus_0001-l,2,malignant\n");
    expect_refusal(SG_ERR_INPUT, "lists 'Images/bus_0001-l.png' twice");
    sg_test_text_write(folder, "BUSBRA/bus_data.csv", "ID,Pathology\nbus_0001-l,benign\n");
    expect_refusal(SG_ERR_FORMAT, "no column 'Case'");
}

/* ---- BUS-UCLM ---- */

/* A colour mask: a block of each colour that is asked for. */
static void write_mask(const char *name, bool green, bool red, bool grey) {
    sg_image mask = {0};
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_image_create(&mask, 16, 16, 3, &err));
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 12; x++) {
            uint8_t *p = mask.pixels + 3 * (y * 16 + x);
            if (green && x < 4) p[1] = 255;
            if (red && x >= 4 && x < 8) p[0] = 255;
            if (grey && x >= 8) p[0] = p[1] = p[2] = 255;
        }
    sg_test_image_write(folder, name, &mask);
    sg_image_dispose(&mask);
}

static void write_bus_uclm(void) {
    sg_test_picture_write(folder, "images/ALWI_000.png", 1);
    sg_test_picture_write(folder, "images/ALWI_001.png", 2);
    sg_test_picture_write(folder, "images/COPE_000.png", 3);
    sg_test_picture_write(folder, "images/COPE_012.png", 4);
    write_mask("masks/ALWI_000.png", false, false, false);
    write_mask("masks/ALWI_001.png", true, false, false);
    write_mask("masks/COPE_000.png", false, true, false);
    write_mask("masks/COPE_012.png", true, true, false);
}

static void test_bus_uclm(void **state) {
    (void)state;
    write_bus_uclm();
    sg_manifest m = scan();
    assert_string_equal(m.published, "BUS-UCLM");
    assert_int_equal(m.count, 4);
    assert_string_equal(class_of(&m, "images/ALWI_000.png"), "normal");
    assert_string_equal(class_of(&m, "images/ALWI_001.png"), "benign");
    assert_string_equal(class_of(&m, "images/COPE_000.png"), "malignant");
    assert_string_equal(class_of(&m, "images/COPE_012.png"), "malignant");
    assert_int_equal(m.group_count, 2);
    const sg_manifest_row *row = row_of(&m, "images/ALWI_001.png");
    assert_string_equal(m.group_labels[row->group], "ALWI");
    assert_string_equal(row->masks[0], "masks/ALWI_001.png");
    assert_int_equal(row->official_fold, 0);
    sg_manifest_dispose(&m);
}

static void test_bus_uclm_refusals(void **state) {
    (void)state;
    write_bus_uclm();
    write_mask("masks/ALWI_000.png", false, false, true);
    expect_refusal(SG_ERR_FORMAT, "neither green (benign) nor red (malignant)");
    sg_test_picture_write(folder, "images/DEMA_000.png", 5);
    write_mask("masks/ALWI_000.png", false, false, false);
    expect_refusal(SG_ERR_INPUT, "the mask tells the class");
}

/* Folders named images and masks without such names are class folders as ever. */
static void test_other_names_are_no_uclm(void **state) {
    (void)state;
    sg_test_picture_write(folder, "images/a.png", 1);
    sg_test_picture_write(folder, "other/b.png", 2);
    sg_test_picture_write(folder, "masks/a.png", 3);
    sg_manifest m = scan();
    assert_null(m.published);
    assert_string_equal(m.class_names[0], "images");
    sg_manifest_dispose(&m);
}

/* ---- BrEaST ---- */

static void write_breast_images(void) {
    static const char *const names[] = {
            "case001", "case001_tumor", "case002", "case002_tumor1", "case002_tumor2", "case003"};
    char name[96];
    for (uint32_t i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof name, "BrEaST-Lesions_USG-images_and_masks/%s.png", names[i]);
        sg_test_picture_write(folder, name, i + 1);
    }
}

static const char breast_table[] =
        "CaseID,Image_filename,Mask_tumor_filename,Mask_other_filename,Pixel_size,Classification\n"
        "1,case001.png,case001_tumor.png,,0.007,benign\n"
        "2,case002.png,case002_tumor1.png&case002_tumor2.png,,0.006,malignant\n"
        "3,case003.png,,,0.006,normal\n";

static void test_breast(void **state) {
    (void)state;
    write_breast_images();
    sg_test_text_write(folder, "BrEaST-Lesions-USG-clinical-data-Dec-15-2023.csv", breast_table);
    sg_test_text_write(folder, "notes.csv", "a,b\n1,2\n");
    sg_manifest m = scan();
    assert_string_equal(m.published, "BrEaST");
    assert_int_equal(m.count, 3);
    assert_int_equal(m.class_count, 3);
    assert_int_equal(m.group_count, 3);
    const sg_manifest_row *row = row_of(&m, "BrEaST-Lesions_USG-images_and_masks/case002.png");
    assert_string_equal(m.class_names[row->class_index], "malignant");
    assert_int_equal(row->mask_count, 2);
    assert_string_equal(row->masks[1], "BrEaST-Lesions_USG-images_and_masks/case002_tumor2.png");
    sg_manifest_dispose(&m);
}

static void test_breast_refusals(void **state) {
    (void)state;
    write_breast_images();
    sg_test_text_write(folder, "BrEaST-Lesions-USG-clinical-data-Dec-15-2023.xlsx", "PK");
    expect_refusal(SG_ERR_INPUT, "save its sheet as CSV");
    sg_test_text_write(folder, "clinical.csv",
            "CaseID,Image_filename,Mask_tumor_filename,Classification\n1,case001.png,,\n");
    expect_refusal(SG_ERR_FORMAT, "case001.png has no class");
}

/* A pattern of the user's beats the published groups; missing files can be left out. */
static void test_options_hold_here_too(void **state) {
    (void)state;
    write_bus_bra();
    sg_manifest m = {0};
    sg_error err = SG_ERROR_INIT;
    sg_manifest_options options = SG_MANIFEST_OPTIONS_INIT;
    options.group_by = "bus_([0-9]+-[lrs])";
    CHECK_OK(sg_manifest_scan(&m, folder, &options, &err));
    assert_int_equal(m.group_count, 4);
    assert_int_equal(m.grouping, SG_GROUPING_REGEX);
    sg_manifest_dispose(&m);
    char *path = sg_path_join(folder, "BUSBRA/Images/bus_0003-s.png");
    assert_non_null(path);
    assert_int_equal(remove(path), 0);
    free(path);
    options = (sg_manifest_options)SG_MANIFEST_OPTIONS_INIT;
    options.skip_bad = true;
    CHECK_OK(sg_manifest_scan(&m, folder, &options, &err));
    assert_int_equal(m.count, 3);
    assert_int_equal(m.skip_count, 1);
    assert_string_equal(m.skips[0].path, "Images/bus_0003-s.png");
    sg_manifest_dispose(&m);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, open_folder, close_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
            IN_FOLDER(test_bus_bra),
            IN_FOLDER(test_official_folds_are_a_split),
            IN_FOLDER(test_bus_bra_without_folds),
            IN_FOLDER(test_bus_bra_refusals),
            IN_FOLDER(test_bus_uclm),
            IN_FOLDER(test_bus_uclm_refusals),
            IN_FOLDER(test_other_names_are_no_uclm),
            IN_FOLDER(test_breast),
            IN_FOLDER(test_breast_refusals),
            IN_FOLDER(test_options_hold_here_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
