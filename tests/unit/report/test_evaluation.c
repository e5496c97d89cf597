/* The evaluation page: its order, its warnings, what it hides, and that it repeats.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/evaluation.h"

#include "base/file.h"
#include "report/training.h"
#include "support/markup.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const double x[3] = {0, 0.2, 1}, y[3] = {0, 0.8, 1}, loss[3] = {1.2, 0.8, NAN};
static const size_t confusion[9] = {50, 4, 1, 6, 20, 0, 2, 0, 17};
static const double sure[3] = {0.93, 0.05, 0.02}, unsure[3] = {0.48, 0.45, 0.07};

static const sg_evaluation_value value = {0.87, 0.81, 0.92}, none = SG_EVALUATION_VALUE_NONE;

static sg_evaluation_class classes[3];
static sg_evaluation_bin bins[2] = {{10, 0.6, 0.5, 0.2, 0.8}, {10, 0.9, 0.9, 0.6, 0.98}};
static const sg_evaluation_calibration calibration = {.ece = 0.04,
        .ece_debiased = {0.03, 0, 0.05},
        .brier = {0.2, 0.1, 0.3},
        .log_loss = {0.4, NAN, NAN},
        .miscalibration = 0.02,
        .discrimination = 0.3,
        .uncertainty = 0.48,
        .temperature = 1.3,
        .note = "inner",
        .bins = bins,
        .bin_count = 2};
static const sg_evaluation_fold folds[2] = {{"0", 3, loss, loss, x, y, 50, 0.8, 0.7, 0.9, 0.6},
        {"1", 3, loss, NULL, NULL, NULL, 50, 0.9, NAN, 0.95, 0.8}};
static const sg_evaluation_case failures[] = {
        {"aaaa0001", "normal/secret (1).png", 2, 0, unsure, "\x89PNG", 4, NULL},
        {"bbbb0002", "malignant/secret (2).png", 1, 0, unsure, "\x89PNG", 4, "fold 1"},
        {"cccc0003", "malignant/secret (3).png", 1, 0, sure, NULL, 0, NULL},
        {"dddd0004", "malignant/secret (4).png", 1, 2, NULL, NULL, 0, NULL},
        {"eeee0005", "benign/right.png", 0, 0, sure, NULL, 0, NULL}};

static sg_evaluation_page make_page(void) {
    static const char *const names[3] = {"benign", "malignant", "<normal>"};
    for (size_t k = 0; k < 3; k++)
        classes[k] = (sg_evaluation_class){
                names[k], 20, value, value, value, none, value, 0.9, x, y, 3, y, x, k == 2 ? 0 : 3};
    return (sg_evaluation_page){.title = "Evaluation",
            .images = 100,
            .groups = 90,
            .facts = {.data = "phantoms",
                    .split_unit = "group",
                    .model = "tiny",
                    .interval_method = "bootstrap over 90 groups"},
            .class_count = 3,
            .classes = classes,
            .confusion = confusion,
            .malignant = 1,
            .accuracy = value,
            .balanced_accuracy = value,
            .precision_macro = value,
            .recall_macro = value,
            .f1_macro = value,
            .auroc_macro = none,
            .sensitivity_malignant = value,
            .specificity_malignant = none,
            .calibration = &calibration,
            .folds = folds,
            .fold_count = 2,
            .failures = failures,
            .failure_count = 5};
}

/* The page's text; free it. */
static char *write_and_read(const sg_evaluation_page *e) {
    char folder[] = "/tmp/sg-report-XXXXXX", *data;
    size_t size;
    assert_non_null(mkdtemp(folder));
    char *path = sg_path_join(folder, "report.html");
    sg_error err = SG_ERROR_INIT;
    if (sg_evaluation_page_write(e, path, &err) != SG_OK) fail_msg("%s", err.message);
    assert_int_equal(sg_file_read(&data, &size, path, 1 << 24, NULL), SG_OK);
    markup_assert_well_formed(data, size);
    free(path);
    assert_int_equal(sg_dir_remove(folder, NULL), SG_OK);
    return data;
}

static void test_the_order_of_the_page(void **state) {
    (void)state;
    sg_evaluation_page e = make_page();
    char *t = write_and_read(&e);
    static const char *const order[] = {"<h2>Key figures", "<h2>What was measured",
            "<h2>Class by class", "Confusion matrix", "<h2>Ranking and calibration", "<h2>Fold by",
            "<h2>Where it was wrong", "Missed malignancies", "Other mistakes",
            "<h2>Beside the published table"};
    for (size_t i = 1; i < sizeof order / sizeof *order; i++)
        markup_assert_order(t, order[i - 1], order[i]);
    assert_non_null(strstr(t, "87.0 %"));
    assert_non_null(strstr(t, "(81.0\xE2\x80\x93"
                              "92.0)"));
    assert_non_null(strstr(t, "no interval"));
    assert_non_null(strstr(t, "lower bound"));
    assert_non_null(strstr(t, "Research use only"));
    assert_null(strstr(t, "class=\"warn\""));
    free(t);
}

static void test_calibration_is_told_with_intervals(void **state) {
    (void)state;
    sg_evaluation_page e = make_page();
    char *t = write_and_read(&e);
    assert_non_null(strstr(t, "0.0300 (0.0000\xE2\x80\x93"
                              "0.0500)"));
    assert_non_null(strstr(t, "miscalibration 0.0200 less discrimination 0.3000"));
    assert_non_null(strstr(t, "<dd>0.4000</dd>"));
    free(t);
}

static void test_few_images_draw_no_reliability_curve(void **state) {
    (void)state;
    sg_evaluation_page page = make_page();
    page.images = 50;
    char *t = write_and_read(&page);
    assert_non_null(strstr(t, "Reliability of the stated"));
    free(t);
    page.images = 49;
    t = write_and_read(&page);
    assert_null(strstr(t, "Reliability of the stated"));
    assert_non_null(strstr(t, "No reliability curve"));
    free(t);
}

static void test_cohort_beside_all_images(void **state) {
    (void)state;
    static const size_t left[3] = {3, 1, 0}, kept[3] = {7, 9, 4}, nobody[3] = {0, 0, 0};
    static const sg_evaluation_exclusion flow[] = {
            {"a <copy>", 4, left}, {"no such reason", 0, nobody}, {NULL, 20, kept}};
    static const sg_evaluation_beside beside[] = {
            {"accuracy", true, {0.8, 0.7, 0.9}, {0.9, NAN, NAN}}};
    sg_evaluation_page e = make_page();
    e.flow = flow;
    e.flow_count = 3;
    e.audited_images = 24;
    e.audit_digest = "abc";
    char *t = write_and_read(&e);
    markup_assert_order(t, "<h2>What was measured", "<h2>Cohort and excluded images");
    assert_non_null(strstr(t, "a &lt;copy&gt;"));
    assert_null(strstr(t, "no such reason"));
    assert_non_null(strstr(t, "Only images of the cohort were judged"));
    free(t);
    e.beside = beside;
    e.beside_count = 1;
    e.all_images = 24;
    e.relatives_in_training = 2;
    t = write_and_read(&e);
    assert_non_null(strstr(t, "80.0 (70.0\xE2\x80\x93"
                              "90.0)"));
    assert_non_null(strstr(t, ">90.0<"));
    assert_non_null(strstr(t, "2 of the 24 images judged have an image of their audit group"));
    free(t);
}

static void test_acting(void **state) {
    (void)state;
    static const sg_evaluation_point points[] = {{"most probable", "-", {0.9, 0.8, 0.95},
            {0.7, 0.6, 0.8}, {0.5, NAN, NAN}, {NAN, NAN, NAN}}};
    static const sg_evaluation_value by_class[3] = {
            {0.9, 0.8, 1}, {0.8, 0.7, 0.9}, {NAN, NAN, NAN}};
    static const sg_evaluation_sets sets[] = {
            {"one for all", {0.91, 0.8, 0.97}, {0.6, 0.5, 0.7}, by_class, 1.4, 0.95, 2}};
    static const double at[1] = {0.9}, all[3] = {0.2, -0.05, -3};
    static const sg_evaluation_value risk_at[1] = {{0.05, 0.01, 0.1}};
    sg_evaluation_acting acting = {.prevalence = NAN,
            .own_share = 0.3,
            .points = points,
            .point_count = 1,
            .threshold = x,
            .net = y,
            .net_low = x,
            .net_high = y,
            .all = all,
            .curve_n = 3,
            .coverage = x,
            .risk = y,
            .risk_n = 3,
            .aurc = {0.02, 0.01, 0.05},
            .aurc_best = 0.01,
            .at = at,
            .risk_at = risk_at,
            .at_n = 1};
    sg_evaluation_page e = make_page();
    e.acting = &acting;
    char *t = write_and_read(&e);
    assert_non_null(strstr(t, "own share of malignant images, 30.0 %: not those of a clinic"));
    assert_non_null(strstr(t, "No thresholds"));
    assert_non_null(strstr(t, "Decision curve"));
    assert_null(strstr(t, "Sets of classes"));
    free(t);
    acting.reference = "validation images, 20 images";
    acting.prevalence = 0.01;
    acting.sets = sets;
    acting.sets_n = 1;
    acting.promised = 0.9;
    t = write_and_read(&e);
    assert_non_null(strstr(t, "at the stated prevalence of 1.0 %"));
    assert_non_null(strstr(t, "were set on validation images, 20 images"));
    assert_non_null(strstr(t, "for images like the calibration images only"));
    assert_non_null(strstr(t, "holds the truth in 90 % of cases"));
    free(t);
}

static void test_missed_malignancies_come_first_most_confident_first(void **state) {
    (void)state;
    sg_evaluation_page e = make_page();
    char *t = write_and_read(&e);
    markup_assert_order(t, "cccc0003", "bbbb0002");
    markup_assert_order(t, "bbbb0002", "dddd0004");
    markup_assert_order(t, "dddd0004", "aaaa0001");
    assert_null(strstr(t, "eeee0005"));
    assert_non_null(
            strstr(t, "looks most like benign (0.93); malignant 0.05, &lt;normal&gt; 0.02"));
    free(t);
}

static void test_paths_are_hidden_unless_asked_for(void **state) {
    (void)state;
    sg_evaluation_page e = make_page();
    char *t = write_and_read(&e);
    assert_null(strstr(t, "secret"));
    free(t);
    e.show_full = true;
    t = write_and_read(&e);
    assert_int_equal(markup_count(t, "secret"), 4);
    free(t);
}

static void test_a_limit_says_how_many_are_left_out(void **state) {
    (void)state;
    sg_evaluation_page e = make_page();
    e.failures_shown_max = 1;
    char *t = write_and_read(&e);
    assert_non_null(strstr(t, "2 more are in predictions.csv"));
    free(t);
}

static void test_marks_are_warnings_before_the_figures(void **state) {
    (void)state;
    static const char *const more[1] = {"<something else>"};
    sg_evaluation_page e = make_page();
    e.marks = (sg_evaluation_marks){.ungrouped_split = true,
            .allow_seen = true,
            .seen_images = 17,
            .stretched_images = true,
            .phantom_model = true,
            .phantom_data = true,
            .reduced_settings = true,
            .more = more,
            .more_count = 1};
    char *t = write_and_read(&e);
    static const char *const marks[] = {"allow-seen", "ungrouped split", "stretched images",
            "phantom model", "phantom data", "reduced settings", "&lt;something else&gt;"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        markup_assert_order(t, marks[i], "<h2>Key figures");
    assert_int_equal(markup_count(t, "class=\"warn\""), 7);
    assert_non_null(strstr(t, "17 of the images judged"));
    free(t);
}

static void test_the_least_that_makes_a_page(void **state) {
    (void)state;
    static const sg_evaluation_class one = {.name = "only"};
    static const size_t count[1] = {0};
    sg_evaluation_page e = {.class_count = 1, .classes = &one, .confusion = count, .malignant = -1};
    char *t = write_and_read(&e);
    assert_null(strstr(t, "Missed malignancies"));
    free(t);
    e.class_count = 0;
    assert_int_equal(sg_evaluation_page_write(&e, "/tmp/never.html", NULL), SG_ERR_USAGE);
}

static void test_same_struct_same_bytes(void **state) {
    (void)state;
    sg_evaluation_page e = make_page();
    char *a = write_and_read(&e), *b = write_and_read(&e);
    assert_string_equal(a, b);
    free(a);
    free(b);
}

static void test_training_curves(void **state) {
    (void)state;
    sg_str out;
    sg_str_init(&out, 0);
    const sg_training_curves full = {"run & more", 3, loss, loss, x, y, y, x, 2, "best F1"};
    const sg_training_curves empty = {0};
    const sg_training_curves one = {"one epoch", 1, loss, NULL, NULL, NULL, NULL, x, 0, NULL};
    sg_training_put_curves(&out, &full);
    markup_assert_well_formed(sg_str_text(&out), out.len);
    assert_int_equal(markup_count(sg_str_text(&out), "best F1"), 3);
    assert_int_equal(markup_count(sg_str_text(&out), "<svg"), 4);
    assert_int_equal(markup_count(sg_str_text(&out), "<circle"), 0);
    sg_str_clear(&out);
    sg_training_put_curves(&out, &one);
    assert_true(markup_count(sg_str_text(&out), "<circle") >= 2); /* loss and learning rate */
    sg_str_clear(&out);
    sg_training_put_curves(&out, &empty);
    markup_assert_well_formed(sg_str_text(&out), out.len);
    sg_str_dispose(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_the_order_of_the_page),
            cmocka_unit_test(test_calibration_is_told_with_intervals),
            cmocka_unit_test(test_few_images_draw_no_reliability_curve),
            cmocka_unit_test(test_cohort_beside_all_images),
            cmocka_unit_test(test_acting),
            cmocka_unit_test(test_missed_malignancies_come_first_most_confident_first),
            cmocka_unit_test(test_paths_are_hidden_unless_asked_for),
            cmocka_unit_test(test_a_limit_says_how_many_are_left_out),
            cmocka_unit_test(test_marks_are_warnings_before_the_figures),
            cmocka_unit_test(test_the_least_that_makes_a_page),
            cmocka_unit_test(test_same_struct_same_bytes),
            cmocka_unit_test(test_training_curves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
