/* test_split.c - balance, integrity of groups, repeatability, and what a split file may not do.
 * Manifests are made in memory; only the look at pixels needs files.
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

#include "base/rng.h"
#include "base/str.h"
#include "data/split.h"
#include "support/image_folder.h"

enum { CLASSES = 3 };

static char *copy(const char *text) {
    char *out = sg_strdup(text);
    assert_non_null(out);
    return out;
}

/* counts[class] images; each next one joins the group of the one before with `share` percent. */
static sg_manifest make_manifest(const size_t counts[CLASSES], uint32_t share, uint32_t seed) {
    static const char *const names[CLASSES] = {"benign", "malignant", "normal"};
    sg_manifest m = {.class_count = CLASSES, .grouping = SG_GROUPING_COLUMN};
    for (int c = 0; c < CLASSES; c++) m.count += counts[c];
    m.root = copy(".");
    m.grouping_detail = copy("patient");
    m.class_names = calloc(CLASSES, sizeof *m.class_names);
    m.rows = calloc(m.count + 1, sizeof *m.rows);
    m.group_labels = calloc(m.count + 1, sizeof *m.group_labels);
    sg_rng rng = sg_rng_make(seed, SG_RNG_TEST, 1, 0);
    size_t row = 0;
    for (int c = 0; c < CLASSES; c++) {
        m.class_names[c] = copy(names[c]);
        for (size_t i = 0; i < counts[c]; i++, row++) {
            char text[64];
            (void)snprintf(text, sizeof text, "%s/%04zu.png", names[c], i);
            m.rows[row] = (sg_manifest_row){.path = copy(text), .class_index = c};
            (void)snprintf(m.rows[row].sha256, SG_SHA256_HEX, "%064zx", row);
            if (row == 0 || sg_rng_below(&rng, 100) >= share) {
                (void)snprintf(text, sizeof text, "P%zu", m.group_count + 1);
                m.group_labels[m.group_count++] = copy(text);
            }
            m.rows[row].group = (int)m.group_count - 1;
        }
    }
    return m;
}

static const sg_split_options seed_7 = {.seed = 7};

static void assert_groups_whole(sg_split *split, const sg_manifest *m) {
    sg_error err = SG_ERROR_INIT;
    if (sg_split_check(split, m, NULL, &err)) fail_msg("%s", err.message);
}

/* Images of the class in its largest group. */
static double largest_group(const sg_manifest *m, int class_index) {
    size_t largest = 0;
    for (int g = 0; g < (int)m->group_count; g++) {
        size_t n = 0;
        for (size_t i = 0; i < m->count; i++)
            n += m->rows[i].group == g && m->rows[i].class_index == class_index;
        largest = n > largest ? n : largest;
    }
    return (double)largest;
}

/* Every class count is within one image of its share, or as near as its largest group allows. */
static void assert_balanced(const sg_split *split, const sg_manifest *m, const double *shares) {
    size_t counts[100 * CLASSES], totals[CLASSES] = {0};
    sg_split_count(counts, split, m);
    for (size_t i = 0; i < m->count; i++) totals[m->rows[i].class_index]++;
    for (int c = 0; c < CLASSES; c++) {
        double largest = largest_group(m, c);
        for (int b = 0; b < sg_split_bins(split); b++) {
            double share = (shares ? shares[b] : 1.0 / split->folds) * (double)totals[c];
            double distance = fabs((double)counts[b * CLASSES + c] - share);
            if (distance > 1 + 1e-9 && distance > largest - share)
                fail_msg(
                        "%zu of %zu images of class %d in bin %d of %d; share %g, largest group %g",
                        counts[b * CLASSES + c], totals[c], c, b, sg_split_bins(split), share,
                        largest);
        }
    }
}

static void folds_are_balanced_and_whole(void **state) {
    (void)state;
    static const size_t counts[][CLASSES] = {
            {371, 179, 113}, {40, 40, 40}, {400, 30, 11}, {13, 12, 200}};
    for (size_t t = 0; t < sizeof counts / sizeof *counts; t++)
        for (int folds = 2; folds <= 10; folds += 4)
            for (uint32_t share = 0; share <= 40; share += 20) {
                sg_manifest m = make_manifest(counts[t], share, (uint32_t)t);
                sg_split split = {0};
                sg_error err = SG_ERROR_INIT;
                if (sg_split_make_folds(&split, &m, folds, &seed_7, &err)) {
                    assert_int_equal(err.code, SG_ERR_INPUT);
                } else {
                    assert_groups_whole(&split, &m);
                    assert_balanced(&split, &m, NULL);
                    sg_split_dispose(&split);
                }
                sg_manifest_dispose(&m);
            }
}

/* With images alone the best possible is reached: counts differ by at most one. */
static void single_images_are_spread_evenly(void **state) {
    (void)state;
    const size_t counts[CLASSES] = {103, 51, 17};
    sg_manifest m = make_manifest(counts, 0, 1);
    sg_split split = {0};
    assert_int_equal(sg_split_make_folds(&split, &m, 5, &seed_7, NULL), SG_OK);
    size_t found[5 * CLASSES], smallest = 1000, largest = 0;
    sg_split_count(found, &split, &m);
    for (int b = 0; b < 5; b++) {
        size_t all = 0;
        for (int c = 0; c < CLASSES; c++) {
            size_t low = counts[c] / 5, n = found[b * CLASSES + c];
            assert_true(n == low || n == low + 1);
            all += n;
        }
        smallest = all < smallest ? all : smallest;
        largest = all > largest ? all : largest;
    }
    assert_true(largest - smallest <= 1);
    sg_split_dispose(&split);
    sg_manifest_dispose(&m);
}

static void parts_follow_their_shares(void **state) {
    (void)state;
    const size_t counts[CLASSES] = {371, 179, 113};
    const double shares[] = {0.7, 0.15, 0.15}, no_val[] = {4, 0, 1}, scaled[] = {0.8, 0, 0.2};
    sg_manifest m = make_manifest(counts, 25, 3);
    sg_split split = {0};
    assert_int_equal(sg_split_make_parts(&split, &m, shares, &seed_7, NULL), SG_OK);
    assert_groups_whole(&split, &m);
    assert_balanced(&split, &m, shares);
    sg_split_dispose(&split);
    assert_int_equal(sg_split_make_parts(&split, &m, no_val, &seed_7, NULL), SG_OK);
    assert_balanced(&split, &m, scaled);
    for (size_t i = 0; i < m.count; i++) assert_int_not_equal(split.bins[i], SG_PART_VAL);
    sg_split_dispose(&split);
    sg_manifest_dispose(&m);
}

static void seed_decides(void **state) {
    (void)state;
    const size_t counts[CLASSES] = {60, 50, 40};
    sg_manifest m = make_manifest(counts, 20, 4);
    sg_split a = {0}, b = {0}, c = {0};
    const sg_split_options other = {.seed = 8};
    assert_int_equal(sg_split_make_folds(&a, &m, 5, &seed_7, NULL), SG_OK);
    assert_int_equal(sg_split_make_folds(&b, &m, 5, &seed_7, NULL), SG_OK);
    assert_int_equal(sg_split_make_folds(&c, &m, 5, &other, NULL), SG_OK);
    assert_memory_equal(a.bins, b.bins, m.count * sizeof *a.bins);
    assert_memory_not_equal(a.bins, c.bins, m.count * sizeof *a.bins);
    sg_split_dispose(&a);
    sg_split_dispose(&b);
    sg_split_dispose(&c);
    sg_manifest_dispose(&m);
}

static void inner_split_takes_from_training_only(void **state) {
    (void)state;
    const size_t counts[CLASSES] = {100, 60, 40};
    sg_manifest m = make_manifest(counts, 30, 5);
    sg_split folds = {0}, parts = {0}, bare = {0};
    assert_int_equal(sg_split_make_folds(&folds, &m, 5, &seed_7, NULL), SG_OK);
    folds.bins[3] = SG_PART_NONE;
    for (int fold = 0; fold < 5; fold++) {
        assert_int_equal(sg_split_fold_parts(&parts, &folds, &m, fold, 0.2, 1, NULL), SG_OK);
        assert_int_equal(sg_split_fold_parts(&bare, &folds, &m, fold, 0, 1, NULL), SG_OK);
        size_t val = 0, train = 0;
        for (size_t i = 0; i < m.count; i++) {
            if (folds.bins[i] < 0) assert_int_equal(parts.bins[i], SG_PART_NONE);
            assert_int_equal(parts.bins[i] == SG_PART_TEST, folds.bins[i] == fold);
            assert_int_not_equal(bare.bins[i], SG_PART_VAL);
            val += parts.bins[i] == SG_PART_VAL;
            train += parts.bins[i] == SG_PART_TRAIN;
        }
        assert_groups_whole(&parts, &m);
        assert_true(fabs((double)val / (double)(val + train) - 0.2) < 0.02);
        sg_split_dispose(&parts);
        sg_split_dispose(&bare);
    }
    assert_int_equal(sg_split_fold_parts(&parts, &folds, &m, 5, 0.2, 1, NULL), SG_ERR_USAGE);
    sg_split_dispose(&folds);
    sg_manifest_dispose(&m);
}

static void small_classes(void **state) {
    (void)state;
    const size_t two[CLASSES] = {20, 2, 20}, one[CLASSES] = {20, 20, 1};
    const double shares[] = {0.9, 0.05, 0.05};
    sg_error err = SG_ERROR_INIT;
    sg_split split = {0};
    sg_manifest m = make_manifest(two, 0, 6);
    assert_int_equal(sg_split_make_folds(&split, &m, 3, &seed_7, &err), SG_ERR_INPUT);
    assert_non_null(strstr(err.message, "'malignant' (2 images)"));
    assert_int_equal(sg_split_make_folds(&split, &m, 2, &seed_7, &err), SG_OK);
    sg_split_dispose(&split);
    sg_manifest_dispose(&m);
    /* A class of three still gets one image in each part, whatever the shares. */
    const size_t three[CLASSES] = {60, 3, 60};
    m = make_manifest(three, 0, 6);
    assert_int_equal(sg_split_make_parts(&split, &m, shares, &seed_7, &err), SG_OK);
    size_t counts[SG_PART_COUNT * CLASSES];
    sg_split_count(counts, &split, &m);
    for (int b = 0; b < SG_PART_COUNT; b++) assert_int_equal(counts[b * CLASSES + 1], 1);
    sg_split_dispose(&split);
    sg_manifest_dispose(&m);
    m = make_manifest(one, 0, 6);
    assert_int_equal(sg_split_make_parts(&split, &m, shares, &seed_7, &err), SG_ERR_INPUT);
    assert_int_equal(sg_split_make_folds(&split, &m, 1, &seed_7, &err), SG_ERR_USAGE);
    sg_manifest_dispose(&m);
}

static void ungrouped_is_marked(void **state) {
    (void)state;
    const size_t counts[CLASSES] = {50, 50, 50};
    sg_manifest m = make_manifest(counts, 60, 7);
    sg_split split = {0};
    const sg_split_options options = {.seed = 1, .ungrouped = true};
    assert_int_equal(sg_split_make_folds(&split, &m, 5, &options, NULL), SG_OK);
    assert_true(split.ungrouped);
    sg_error err = SG_ERROR_INIT;
    assert_int_equal(sg_split_check(&split, &m, NULL, &err), SG_ERR_INPUT);
    assert_non_null(strstr(err.message, "divides group 'P"));
    sg_split_dispose(&split);
    sg_manifest_dispose(&m);
}

/* ---- files ---- */

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

static void table_goes_round(void **state) {
    (void)state;
    const size_t counts[CLASSES] = {30, 20, 10};
    sg_manifest m = make_manifest(counts, 30, 8);
    char *csv = sg_path_join(folder, "splits.csv");
    for (int k = 0; k < 2; k++) {
        const double shares[] = {0.6, 0.2, 0.2};
        sg_split a = {0}, b = {0};
        sg_error err = SG_ERROR_INIT;
        assert_int_equal(k ? sg_split_make_folds(&a, &m, 3, &seed_7, &err)
                           : sg_split_make_parts(&a, &m, shares, &seed_7, &err),
                SG_OK);
        a.bins[5] = SG_PART_NONE;
        if (sg_split_write(&a, &m, csv, &err)) fail_msg("%s", err.message);
        if (sg_split_read(&b, csv, &m, NULL, &err)) fail_msg("%s", err.message);
        assert_int_equal(a.folds, b.folds);
        assert_int_equal(b.seed, 7);
        assert_memory_equal(a.bins, b.bins, m.count * sizeof *a.bins);
        sg_split_dispose(&a);
        sg_split_dispose(&b);
    }
    free(csv);
    sg_manifest_dispose(&m);
}

static void refuses_bad_tables(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
            {"path,class\nbenign/0000.png,benign\n", "no column 'fold'"},
            {"path,class,fold\n", "lists no image"},
            {"path,class,fold\nbenign/9999.png,benign,0\n", "'benign/9999.png' is not among"},
            {"path,class,fold\nbenign/0000.png,normal,0\n", "'normal' here but 'benign'"},
            {"path,class,fold\nbenign/0000.png,benign,0\nbenign/0000.png,benign,1\n", "twice"},
            {"path,class,fold\nbenign/0000.png,benign,-1\n", "fold '-1'"},
            {"path,class,fold\nbenign/0000.png,benign,x\n", "fold 'x'"},
            {"path,class,fold\nbenign/0000.png,benign,1\nnormal/0000.png,normal,2\n", "fold 0 has"},
            {"path,class,fold\nbenign/0000.png,benign,0\n", "in one fold"},
            {"path,class,split\nbenign/0000.png,benign,dev\n", "split 'dev'"},
            {"path,class,split\nbenign/0000.png,benign,val\n", "neither training nor test"},
    };
    const size_t counts[CLASSES] = {3, 3, 3};
    sg_manifest m = make_manifest(counts, 0, 9);
    char *csv = sg_path_join(folder, "splits.csv");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sg_test_text_write(folder, "splits.csv", cases[i].text);
        sg_split split = {0};
        sg_error err = SG_ERROR_INIT;
        assert_int_not_equal(sg_split_read(&split, csv, &m, NULL, &err), SG_OK);
        if (!strstr(err.message, cases[i].words))
            fail_msg("'%s' does not say '%s'", err.message, cases[i].words);
        assert_null(split.bins);
    }
    free(csv);
    sg_manifest_dispose(&m);
}

static void divided_group_is_refused_or_marked(void **state) {
    (void)state;
    const size_t counts[CLASSES] = {4, 2, 2};
    sg_manifest m = make_manifest(counts, 0, 10);
    m.rows[1].group = m.rows[0].group;
    sg_test_text_write(folder, "splits.csv",
            "path,class,split\nbenign/0000.png,benign,train\nbenign/0001.png,benign,test\n"
            "benign/0002.png,benign,train\nmalignant/0000.png,malignant,train\n");
    char *csv = sg_path_join(folder, "splits.csv");
    sg_split split = {0};
    sg_error err = SG_ERROR_INIT;
    assert_int_equal(sg_split_read(&split, csv, &m, NULL, &err), SG_ERR_INPUT);
    assert_non_null(strstr(err.message, "'P1'"));
    assert_non_null(strstr(err.message, "'benign/0000.png' is in train"));
    assert_non_null(strstr(err.message, "'benign/0001.png' in test"));
    sg_split_options options = SG_SPLIT_OPTIONS_INIT;
    options.ungrouped = true;
    assert_int_equal(sg_split_read(&split, csv, &m, &options, &err), SG_OK);
    assert_true(split.ungrouped);
    assert_int_equal(split.bins[7], SG_PART_NONE);
    sg_split_dispose(&split);
    m.rows[1].group = 1;
    assert_int_equal(sg_split_read(&split, csv, &m, &options, &err), SG_OK);
    assert_false(split.ungrouped);
    sg_split_dispose(&split);
    free(csv);
    sg_manifest_dispose(&m);
}

/* Bright above and dark below, with noise of its own: alike only coarsely. */
static void write_gradient(const char *name, uint32_t seed) {
    sg_image image = {0};
    assert_int_equal(sg_image_create(&image, 112, 112, 1, NULL), SG_OK);
    sg_rng rng = sg_rng_make(5, SG_RNG_TEST, seed, 0);
    for (int y = 0; y < 112; y++)
        for (int x = 0; x < 112; x++)
            image.pixels[y * 112 + x] = (uint8_t)(200 - y * 3 / 2 + (int)sg_rng_below(&rng, 50));
    sg_test_image_write(folder, name, &image);
    sg_image_dispose(&image);
}

static void pixels_are_looked_at_again(void **state) {
    (void)state;
    write_gradient("benign/1.png", 1);
    write_gradient("benign/2.png", 2);
    write_gradient("normal/1 again.png", 1);
    sg_test_picture_write(folder, "normal/4.png", 4);
    sg_manifest m = {0};
    sg_error err = SG_ERROR_INIT;
    if (sg_manifest_scan(&m, folder, NULL, &err)) fail_msg("%s", err.message);
    assert_int_equal(m.group_count, 2);
    sg_test_text_write(folder, "doubt.csv",
            "path,class,fold\nbenign/1.png,benign,0\nbenign/2.png,benign,1\n"
            "normal/1 again.png,normal,0\nnormal/4.png,normal,1\n");
    sg_test_text_write(folder, "sure.csv",
            "path,class,fold\nbenign/1.png,benign,0\nbenign/2.png,benign,1\n"
            "normal/1 again.png,normal,1\nnormal/4.png,normal,0\n");
    char *doubt = sg_path_join(folder, "doubt.csv"), *sure = sg_path_join(folder, "sure.csv");
    sg_split split = {0};
    if (sg_split_read(&split, doubt, &m, NULL, &err)) fail_msg("%s", err.message);
    assert_int_equal(split.doubtful, 1);
    assert_false(split.ungrouped);
    sg_split_dispose(&split);
    assert_int_equal(sg_split_read(&split, sure, &m, NULL, &err), SG_ERR_INPUT);
    assert_non_null(strstr(err.message, "normal/1 again.png"));
    free(doubt);
    free(sure);
    sg_manifest_dispose(&m);
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, open_folder, close_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(folds_are_balanced_and_whole),
            cmocka_unit_test(single_images_are_spread_evenly),
            cmocka_unit_test(parts_follow_their_shares),
            cmocka_unit_test(seed_decides),
            cmocka_unit_test(inner_split_takes_from_training_only),
            cmocka_unit_test(small_classes),
            cmocka_unit_test(ungrouped_is_marked),
            IN_FOLDER(table_goes_round),
            IN_FOLDER(refuses_bad_tables),
            IN_FOLDER(divided_group_is_refused_or_marked),
            IN_FOLDER(pixels_are_looked_at_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
