/* A reader study from its tables: matching, verdicts, refusals, and the figures against those that
 * stats gives for the same arrays. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/readers.h"

#include "base/file.h"
#include "support/check.h"
#include "support/stats_golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char predictions[] = "path,group,fold,label,predicted,p_benign,p_malignant,p_normal\n"
                                  "benign/a (1).png,1,0,benign,benign,0.8,0.1,0.1\n"
                                  "benign/a (2).png,1,0,benign,malignant,0.3,0.6,0.1\n"
                                  "benign/a (3).png,3,0,benign,benign,0.7,0.2,0.1\n"
                                  "malignant/b (1).png,4,0,malignant,malignant,0.1,0.8,0.1\n"
                                  "malignant/b (2).png,5,0,malignant,benign,0.6,0.3,0.1\n"
                                  "malignant/b (3).png,6,0,malignant,malignant,0.1,0.9,0.0\n"
                                  "normal/c (1).png,7,0,normal,normal,0.1,0.05,0.85\n"
                                  "normal/x.png,8,0,normal,normal,0.1,0.05,0.85\n"
                                  "benign/x.png,9,0,benign,benign,0.9,0.05,0.05\n";

static const char reads[] = "reader,image,score,verdict\n"
                            "Anna,a (1).png,1,benign\n"
                            "Anna,a (2).png,2,benign\n"
                            "Anna,a (3).png,4,malignant\n"
                            "Anna,b (1).png,5,malignant\n"
                            "Anna,b (2).png,3,malignant\n"
                            "Anna,malignant/b (3).png,2,benign\n"
                            "Anna,c (1).png,1,normal\n"
                            "Ben,a (1).png,2,benign\n"
                            "Ben,a (2).png,3,malignant\n"
                            "Ben,a (3).png,1,benign\n"
                            "Ben,b (1).png,5,malignant\n"
                            "Ben,b (2).png,4,malignant\n"
                            "Ben,b (3).png,4,malignant\n"
                            "Ben,c (1).png,1,normal\n";

static char folder[] = "/tmp/sonograde-readers.XXXXXX";
static char table_path[64], predictions_path[64];

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(table_path, sizeof table_path, "%s/R.csv", folder);
    snprintf(predictions_path, sizeof predictions_path, "%s/predictions.csv", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    return sg_dir_remove(folder, &err) ? -1 : 0;
}

static sg_status open_study(sg_reader_study *s, const char *table, const char *model,
        const char *positive, double cut, sg_error *err) {
    sg_status st = sg_file_write(table_path, table, strlen(table), err);
    if (!st && model) st = sg_file_write(predictions_path, model, strlen(model), err);
    if (st) return st;
    sg_reader_options o = {table_path, model ? predictions_path : NULL, positive, cut, 300};
    return sg_reader_study_open(s, &o, err);
}

static void test_figures_are_those_of_stats(void **state) {
    (void)state;
    sg_reader_study s;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(open_study(&s, reads, predictions, "malignant", NAN, &err));
    CHECK_OK(sg_reader_study_measure(&s, NULL, NULL, &err));
    assert_int_equal(s.image_count, 7); /* two images were read by nobody */
    assert_int_equal(s.positives, 3);
    assert_int_equal(s.groups, 6);
    assert_int_equal(s.largest_group, 2);
    assert_int_equal(s.reader_count, 2);
    assert_int_equal(s.category_count, 3);
    const sg_reading *anna = &s.readings[0], *ben = &s.readings[1];
    assert_string_equal(anna->reader, "Anna");
    assert_true(anna->sensitivity.hits == 2 && anna->sensitivity.n == 3);
    assert_true(anna->specificity.hits == 3 && anna->specificity.n == 4);
    assert_true(ben->sensitivity.hits == 3 && ben->specificity.hits == 3);
    assert_true(s.model_sensitivity.hits == 2 && s.model_specificity.hits == 3);
    /* Anna's area by hand: positives 5, 3, 2 against 1, 2, 4, 1: 4 + 3 + 2.5 of 12 pairs. */
    stats_assert_close(anna->area.auc, 9.5 / 12, 1e-12, "area");
    stats_assert_close(ben->area.auc, 12.0 / 12, 1e-12, "area");
    assert_true(ben->area.degenerate);
    /* Two images are one group: the variance is the jackknife's over groups. */
    const double scores[7] = {1, 2, 4, 5, 3, 2, 1};
    const uint8_t positive[7] = {0, 0, 0, 1, 1, 1, 0};
    const uint32_t groups[7] = {1, 1, 3, 4, 5, 6, 7};
    double area, variance;
    CHECK_OK(sg_area_jackknife(&area, &variance, scores, 1, positive, groups, 7, &err));
    stats_assert_close(anna->area.variance, variance, 1e-12, "variance");
    /* The model: 0.8, 0.3, 0.9 against 0.1, 0.6, 0.2, 0.05: 11 of 12. */
    stats_assert_close(s.model_area.auc, 11.0 / 12, 1e-12, "area");
    stats_assert_close(anna->against.difference, -1.5 / 12, 1e-12, "difference");
    assert_true(anna->against_holm >= anna->against.p);
    assert_int_equal(s.common_images, 7);
    assert_int_equal(s.way_count, 1);
    stats_assert_close(s.ways[0].area.mean, 21.5 / 24, 1e-12, "mean");
    stats_assert_close(s.ways[0].against.mean, 21.5 / 24 - 11.0 / 12, 1e-12, "against");
    /* Kappa of the two over three classes. */
    const uint32_t first[7] = {0, 0, 1, 1, 1, 0, 2}, second[7] = {0, 1, 0, 1, 1, 1, 2};
    sg_kappa k;
    CHECK_OK(sg_kappa_cohen(&k, first, second, 7, 3, SG_KAPPA_PLAIN, 0.95, &err));
    assert_int_equal(s.pair_count, 1);
    stats_assert_close(s.pairs[0].kappa.estimate, k.value, 1e-12, "kappa");
    assert_false(s.model_mixed);
    json_t *document = sg_reader_study_to_json(&s);
    assert_non_null(document);
    assert_int_equal(json_array_size(json_object_get(document, "readings")), 2);
    assert_true(json_is_null(json_object_get(document, "comparison_of_ways")));
    json_decref(document);
    sg_reader_study_dispose(&s);
}

static void test_scores_become_verdicts_at_a_cut(void **state) {
    (void)state;
    static const char scores[] = "reader,image,score,truth\n"
                                 "A,1,1,no\nA,2,4,no\nA,3,5,yes\nA,4,3,yes\nA,5,4,yes\n";
    sg_reader_study s;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(open_study(&s, scores, NULL, "malignant", 4, &err));
    CHECK_OK(sg_reader_study_measure(&s, NULL, NULL, &err));
    assert_true(s.readings[0].sensitivity.hits == 2 && s.readings[0].sensitivity.n == 3);
    assert_true(s.readings[0].specificity.hits == 1 && s.readings[0].specificity.n == 2);
    assert_false(s.has_model);
    json_t *document = sg_reader_study_to_json(&s);
    assert_true(json_is_null(json_object_get(document, "model")));
    json_decref(document);
    sg_reader_study_dispose(&s);
    /* Without a cut scores give areas and no verdicts; one reader is no sample of readers. */
    CHECK_OK(open_study(&s, scores, NULL, "malignant", NAN, &err));
    CHECK_OK(sg_reader_study_measure(&s, NULL, NULL, &err));
    assert_true(s.readings[0].judged == 0 && s.readings[0].has_area);
    assert_int_equal(s.ways[0].readers, 1);
    document = sg_reader_study_to_json(&s);
    json_t *way = json_array_get(json_object_get(document, "ways"), 0);
    assert_true(json_is_null(json_object_get(way, "mean_auroc")));
    json_decref(document);
    sg_reader_study_dispose(&s);
}

static void test_verdicts_alone_leave_the_model_its_area(void **state) {
    (void)state;
    sg_reader_study s;
    sg_error err = SG_ERROR_INIT;
    char text[sizeof reads];
    size_t n = 0;
    for (const char *line = reads; *line; line = strchr(line, '\n') + 1) {
        int comma = 0;
        for (const char *c = line; *c != '\n'; c++) {
            comma += *c == ',';
            if (comma != 2) text[n++] = *c; /* the score is left out */
        }
        text[n++] = '\n';
    }
    text[n] = '\0';
    CHECK_OK(open_study(&s, text, predictions, "malignant", NAN, &err));
    CHECK_OK(sg_reader_study_measure(&s, NULL, NULL, &err));
    assert_true(s.readings[0].scored == 0 && !s.readings[0].has_area);
    assert_true(s.has_model_area && s.ways[0].readers == 0);
    stats_assert_close(s.model_area.auc, 11.0 / 12, 1e-12, "area");
    sg_reader_study_dispose(&s);
}

static void test_two_ways_are_compared(void **state) {
    (void)state;
    char text[4096];
    int n = snprintf(text, sizeof text, "reader,image,score,way,truth\n");
    for (int way = 0; way < 2; way++)
        for (int reader = 0; reader < 3; reader++)
            for (int i = 0; i < 12; i++)
                n += snprintf(text + n, sizeof text - (size_t)n, "R%d,i%d,%d,%s,%d\n", reader, i,
                        (i * 7 + reader * 5 + way * 3) % 11 + (i % 2) * (way ? 6 : 3),
                        way ? "aided" : "unaided", i % 2);
    sg_reader_study s;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(open_study(&s, text, NULL, "malignant", NAN, &err));
    CHECK_OK(sg_reader_study_measure(&s, NULL, NULL, &err));
    assert_int_equal(s.reading_count, 6);
    assert_int_equal(s.reader_count, 3);
    assert_int_equal(s.way_count, 2);
    assert_true(s.has_comparison && s.comparison.df1 == 1);
    stats_assert_close(s.differences[0].mean, s.ways[0].area.mean - s.ways[1].area.mean, 1e-12,
            "aided less unaided");
    stats_assert_close(s.differences[0].p, s.comparison.p, 1e-12, "p");
    sg_reader_study_dispose(&s);
}

static void test_bad_tables_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *table, *model, *positive, *part;
    } bad[] = {
            {"reader,image\nA,1\n", predictions, "malignant", "neither a column 'score'"},
            {"image,score\n1,1\n", predictions, "malignant", "no column 'reader'"},
            {"reader,image,score\n", predictions, "malignant", "no readings"},
            {"reader,image,score\nA,a (1).png,1\n", NULL, "malignant", "what is true"},
            {"reader,image,score\nA,z.png,1\n", predictions, "malignant", "not in the model's"},
            {"reader,image,score\nA,x.png,1\n", predictions, "malignant", "several predicted"},
            {"reader,image,score\nA,a (1).png,high\n", predictions, "malignant", "is no score"},
            {"reader,image,verdict\nA,a (1).png,cyst\n", predictions, "malignant", "line 2"},
            {"reader,image,score\nA,a (1).png,1\nA,benign/a (1).png,2\n", predictions, "malignant",
                    "has read"},
            {"reader,image,score,verdict\nA,a (1).png,,\n", predictions, "malignant", "neither a"},
            {"reader,image,score,truth\nA,a (1).png,1,yes\n", predictions, "malignant",
                    "something else"},
            {"reader,image,score,truth\nA,1,1,\n", NULL, "malignant", "truth is missing"},
            {"reader,image,score\nA,a (1).png,1\n", predictions, "cancer", "p_cancer"},
            {"reader,image,score\nA,a (1).png,1\n", "path,label\nx,y\n", "malignant",
                    "no column 'predicted'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sg_reader_study s;
        sg_error err = SG_ERROR_INIT;
        sg_status st = open_study(&s, bad[i].table, bad[i].model, bad[i].positive, NAN, &err);
        assert_true(st == SG_ERR_INPUT || st == SG_ERR_FORMAT);
        if (!strstr(err.message, bad[i].part)) fail_msg("%zu: %s", i, err.message);
    }
}

static void test_a_stop_is_obeyed(void **state) {
    (void)state;
    sg_reader_study s;
    sg_error err = SG_ERROR_INIT;
    volatile sig_atomic_t stop = 1;
    CHECK_OK(open_study(&s, reads, predictions, "malignant", NAN, &err));
    CHECK_FAILS(sg_reader_study_measure(&s, NULL, &stop, &err), SG_ERR_INTERRUPTED, "stopped");
    sg_reader_study_dispose(&s);
}

static void test_one_side_has_no_figures(void **state) {
    (void)state;
    sg_reader_study s;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(open_study(&s, "reader,image,score\nA,a (1).png,1\nA,a (3).png,1\n", predictions,
            "malignant", NAN, &err));
    CHECK_FAILS(sg_reader_study_measure(&s, NULL, NULL, &err), SG_ERR_INPUT, "0 of the 2 images");
    sg_reader_study_dispose(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_figures_are_those_of_stats),
            cmocka_unit_test(test_scores_become_verdicts_at_a_cut),
            cmocka_unit_test(test_verdicts_alone_leave_the_model_its_area),
            cmocka_unit_test(test_two_ways_are_compared),
            cmocka_unit_test(test_bad_tables_are_refused),
            cmocka_unit_test(test_a_stop_is_obeyed),
            cmocka_unit_test(test_one_side_has_no_figures),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
