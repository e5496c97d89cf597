/* test_cohort.c - an audit's files as an evaluation uses them: groups, the kept part, the exclusion
 * flow, relatives across a split, and files that do not fit together.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "protocol/cohort.h"
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

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define D "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"

static void write_audit(void) {
    sg_test_text_write(folder, "manifest.csv",
            "path,class,sha256,group\n"
            "b/1.png,benign," A ",g1\nb/2.png,benign," B ",g1\n"
            "m/1.png,malignant," C ",g2\nx/1.png,other," D ",g3\n");
    sg_test_text_write(
            folder, "cohort.csv", "path,class,group\nb/1.png,benign,g1\nm/1.png,malignant,g2\n");
    sg_test_text_write(folder, "excluded.csv",
            "path,class,group,reason,because\nb/2.png,benign,g1,copy,b/1.png\n"
            "x/1.png,other,g3,outside_domain,\n");
}

static char *classes[2] = {"benign", "malignant"};

/* Three predictions; the last one's path is another than the audit's. */
static sg_predictions make_table(void) {
    static const char *const paths[] = {"b/1.png", "b/2.png", "moved/m.png"};
    static const char *const hashes[] = {A, B, C};
    sg_predictions p = {.class_count = 2, .classes = classes, .count = 3};
    p.rows = calloc(3, sizeof *p.rows);
    p.values = calloc(12, sizeof *p.values);
    p.root = sg_strdup("/data");
    p.models = json_array();
    for (int i = 0; i < 3; i++) {
        p.rows[i] = (sg_prediction_row){.path = sg_strdup(paths[i]),
                .group = sg_strdup("old"),
                .split = "test",
                .fold = -1,
                .label = i == 2,
                .p = p.values + 4 * i,
                .logit = p.values + 4 * i + 2};
        memcpy(p.rows[i].sha256, hashes[i], SG_SHA256_HEX);
        p.rows[i].p[0] = 0.25 * i;
    }
    return p;
}

static void dispose_table(sg_predictions *p) {
    p->classes = NULL; /* static here */
    sg_predictions_dispose(p);
}

static void test_groups_and_the_kept_part(void **state) {
    (void)state;
    write_audit();
    sg_cohort cohort;
    sg_predictions p = make_table(), kept;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_cohort_read(&cohort, folder, &err));
    assert_int_equal(cohort.count, 4);
    assert_int_equal(cohort.kept, 2);
    CHECK_OK(sg_cohort_regroup(&p, &cohort, &err));
    assert_string_equal(p.rows[1].group, "g1");
    assert_string_equal(p.rows[2].group, "g2"); /* found by its hash */
    CHECK_OK(sg_cohort_select(&kept, &p, &cohort, &err));
    assert_int_equal(kept.count, 2);
    assert_string_equal(kept.rows[0].path, "b/1.png");
    assert_string_equal(kept.rows[1].path, "moved/m.png");
    assert_true(kept.rows[1].p[0] == 0.5);
    assert_string_equal(kept.classes[1], "malignant");
    sg_predictions_dispose(&kept);
    dispose_table(&p);
    sg_cohort_dispose(&cohort);
}

static void test_flow(void **state) {
    (void)state;
    write_audit();
    sg_cohort cohort;
    sg_predictions p = make_table();
    sg_exclusion flow[SG_EXCLUSIONS_MAX];
    size_t count, left = 0;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_cohort_read(&cohort, folder, &err));
    CHECK_OK(sg_cohort_flow(flow, &count, &cohort, &p, &err));
    assert_null(flow[count - 1].reason);
    assert_int_equal(flow[count - 1].images, 2);
    assert_int_equal(flow[count - 1].by_class[1], 1);
    for (size_t i = 0; i + 1 < count; i++) {
        left += flow[i].images;
        if (strcmp(flow[i].reason, "copy") == 0) assert_int_equal(flow[i].by_class[0], 1);
        if (strcmp(flow[i].reason, "outside_domain") == 0) assert_int_equal(flow[i].images, 1);
    }
    assert_int_equal(left, 2);
    dispose_table(&p);
    sg_cohort_dispose(&cohort);
}

/* A patient holds together what the audit has apart, a copy holds patients together. */
static void test_patients_and_copies_join(void **state) {
    (void)state;
    write_audit();
    sg_cohort cohort;
    sg_predictions p = make_table();
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_cohort_read(&cohort, folder, &err));
    p.rows[0].own_group = sg_strdup("patient 1");
    p.rows[1].own_group = sg_strdup("patient 2"); /* a copy of 1's by the audit */
    p.rows[2].own_group = sg_strdup("patient 3");
    CHECK_OK(sg_cohort_regroup(&p, &cohort, &err));
    assert_string_equal(p.rows[0].group, "g1");
    assert_string_equal(p.rows[1].group, "g1");
    assert_string_equal(p.rows[2].group, "g2");
    p.rows[2].own_group[8] = '2';
    CHECK_OK(sg_cohort_regroup(&p, &cohort, &err));
    assert_string_equal(p.rows[2].group, "g1");
    dispose_table(&p);
    sg_cohort_dispose(&cohort);
}

/* A run of two folds on the audited images. folds: one digit an image, in the audit's order. */
static void write_run(const char *grouping, const char *folds) {
    static const char *const rows[] = {
            "b/1.png,benign," A, "b/2.png,benign," B, "m/1.png,malignant," C, "x/1.png,other," D};
    static const char *const patients[] = {"5", "6", "7", "7"};
    sg_str table, split;
    sg_str_init(&table, 0);
    sg_str_init(&split, 0);
    sg_str_append(&table, "path,class,sha256,width,height,channels,bit_depth,group,grouping\n");
    sg_str_append(&split, "path,class,fold\n");
    for (size_t k = 0; k < 4; k++) {
        const char *class_end = strrchr(rows[k], ',');
        sg_str_appendf(&table, "%s,8,8,1,8,%s,%s\n", rows[k], patients[k], grouping);
        sg_str_append_n(&split, rows[k], (size_t)(class_end - rows[k]));
        sg_str_appendf(&split, ",%c\n", folds[k]);
    }
    sg_test_text_write(folder, "run/manifest.csv", sg_str_text(&table));
    sg_test_text_write(folder, "run/splits.csv", sg_str_text(&split));
    sg_str_dispose(&table);
    sg_str_dispose(&split);
}

/* What is counted are judged rows with a relative in another fold: copies by the audit, and
 * patients where the run's groups are the set's own. */
static void test_relatives_across_the_split(void **state) {
    (void)state;
    static const struct {
        const char *grouping, *folds;
        int run;
        size_t leaks;
    } cases[] = {
            {"audit", "0101", 0, 2},
            {"audit", "0001", 0, 0},
            {"column:patient", "0101", 0, 3},
            {"column:patient", "0001", 0, 1},
            {"column:patient", "1100", 0, 0},
            {"column:patient", "0101", 1, 0},
    };
    write_audit();
    sg_cohort cohort;
    sg_predictions p = make_table();
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_cohort_read(&cohort, folder, &err));
    free(p.rows[2].path);
    p.rows[2].path = sg_strdup("m/1.png");
    char *run = sg_path_join(folder, "run");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t leaks;
        write_run(cases[i].grouping, cases[i].folds);
        CHECK_OK(sg_cohort_count_leaks(&leaks, &p, &cohort, run, cases[i].run, &err));
        assert_int_equal(leaks, cases[i].leaks);
    }
    free(run);
    dispose_table(&p);
    sg_cohort_dispose(&cohort);
}

/* Of the lesion of b/1 and b/2 the audit kept the first; a run that judged the second alone has
 * answered for the lesion by another image. m/1 was judged by nobody. */
static void test_another_image_of_a_lesion(void **state) {
    (void)state;
    write_audit();
    sg_cohort cohort;
    sg_predictions p = make_table();
    size_t unjudged, by_copy;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_cohort_read(&cohort, folder, &err));
    CHECK_OK(sg_cohort_count_unjudged(&unjudged, &by_copy, &cohort, &p, &err));
    assert_int_equal(unjudged, 0);
    assert_int_equal(by_copy, 0);
    const bool keep[3] = {false, true, false};
    sg_predictions_keep(&p, keep);
    CHECK_OK(sg_cohort_count_unjudged(&unjudged, &by_copy, &cohort, &p, &err));
    assert_int_equal(unjudged, 2);
    assert_int_equal(by_copy, 1);
    dispose_table(&p);
    sg_cohort_dispose(&cohort);
}

/* Files that cannot be read are in no manifest and leave all the same. */
static void test_unreadable_files_are_in_the_flow(void **state) {
    (void)state;
    write_audit();
    sg_test_text_write(folder, "excluded.csv",
            "path,class,group,reason,because\na.png,benign,,unreadable,\n"
            "b/2.png,benign,g1,copy,b/1.png\nx/1.png,other,g3,outside_domain,\n");
    sg_cohort cohort;
    sg_predictions p = make_table();
    sg_exclusion flow[SG_EXCLUSIONS_MAX];
    size_t count;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_cohort_read(&cohort, folder, &err));
    assert_int_equal(cohort.count, 5);
    CHECK_OK(sg_cohort_regroup(&p, &cohort, &err));
    CHECK_OK(sg_cohort_flow(flow, &count, &cohort, &p, &err));
    assert_string_equal(flow[0].reason, "unreadable");
    assert_int_equal(flow[0].images, 1);
    assert_int_equal(flow[0].by_class[0], 1);
    assert_int_equal(flow[count - 1].images, 2);
    dispose_table(&p);
    sg_cohort_dispose(&cohort);
}

/* An image that was not audited, and an audit of something else. */
static void test_other_images_are_refused(void **state) {
    (void)state;
    write_audit();
    sg_cohort cohort;
    sg_predictions p = make_table(), kept;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_cohort_read(&cohort, folder, &err));
    memset(p.rows[2].sha256, 'f', SG_SHA256_HEX - 1);
    CHECK_FAILS(sg_cohort_regroup(&p, &cohort, &err), SG_ERR_INPUT,
            "moved/m.png was judged but not audited");
    for (int i = 0; i < 3; i++) memset(p.rows[i].sha256, 'f', SG_SHA256_HEX - 1);
    CHECK_FAILS(sg_cohort_select(&kept, &p, &cohort, &err), SG_ERR_INPUT, "none of the 3 images");
    dispose_table(&p);
    sg_cohort_dispose(&cohort);
}

static void test_files_that_do_not_fit_are_refused(void **state) {
    (void)state;
    sg_cohort cohort;
    sg_error err = SG_ERROR_INIT;
    CHECK_FAILS(sg_cohort_read(&cohort, folder, &err), SG_ERR_MISSING, "manifest.csv");
    write_audit();
    sg_test_text_write(folder, "cohort.csv", "path,class,group\nb/2.png,benign,g1\n");
    CHECK_FAILS(sg_cohort_read(&cohort, folder, &err), SG_ERR_INPUT, "excluded too");
    sg_test_text_write(folder, "cohort.csv", "path,class,group\nb/9.png,benign,g1\n");
    CHECK_FAILS(sg_cohort_read(&cohort, folder, &err), SG_ERR_INPUT, "not in manifest.csv");
    sg_test_text_write(folder, "cohort.csv", "path,class,group\nb/1.png,benign,g1\n");
    CHECK_FAILS(sg_cohort_read(&cohort, folder, &err), SG_ERR_INPUT, "lists 1 images where");
    sg_test_text_write(folder, "cohort.csv", "path,class\nb/1.png,benign\n");
    CHECK_FAILS(sg_cohort_read(&cohort, folder, &err), SG_ERR_FORMAT, "lacks one of the columns");
    sg_test_text_write(folder, "excluded.csv", "path,class,group\n");
    write_audit();
    sg_test_text_write(folder, "excluded.csv", "path,class,group\nb/2.png,benign,g1\n");
    CHECK_FAILS(sg_cohort_read(&cohort, folder, &err), SG_ERR_FORMAT, "column reason");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, open_folder, close_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
            IN_FOLDER(test_groups_and_the_kept_part),
            IN_FOLDER(test_flow),
            IN_FOLDER(test_patients_and_copies_join),
            IN_FOLDER(test_relatives_across_the_split),
            IN_FOLDER(test_another_image_of_a_lesion),
            IN_FOLDER(test_unreadable_files_are_in_the_flow),
            IN_FOLDER(test_other_images_are_refused),
            IN_FOLDER(test_files_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
