/* test_evaluation_marks.c - what makes figures mean less is marked on the page: each cause sets its
 * own mark and no other. SPDX-License-Identifier: Apache-2.0 */
#include "cli/evaluation_facts.h"
#include "support/check.h"

/* Two images, one right each way. */
static char *classes[2] = {"benign", "malignant"};
static double values[2][2] = {{0.9, 0.1}, {0.2, 0.8}};

static sg_predictions make_table(sg_prediction_row rows[2], const char *fit, bool phantom_model) {
    for (int i = 0; i < 2; i++)
        rows[i] = (sg_prediction_row){.path = i ? "b.png" : "a.png",
                .group = i ? "b" : "a",
                .split = "test",
                .fold = -1,
                .label = i,
                .predicted = i,
                .p = values[i],
                .logit = values[i]};
    json_t *models = json_pack("[{s:{s:s}, s:{s:b}}]", "recipe", "fit", fit, "training", "phantom",
            (int)phantom_model);
    assert_non_null(models);
    return (sg_predictions){
            .rows = rows, .count = 2, .classes = classes, .class_count = 2, .models = models};
}

/* The marks of these predictions, the texts not looked at. */
static sg_evaluation_marks marks_of(const sg_predictions *p, const sg_evaluation_source *source) {
    sg_error err = SG_ERROR_INIT;
    sg_evaluation_marks marks = {0};
    const char *more[SG_MARKS_MORE];
    sg_metrics m;
    sg_keep keep = {0};
    CHECK_OK(sg_metrics_measure(&m, p, 200, &err));
    sg_evaluation_fill_marks(&marks, more, &keep, &m, p, source);
    assert_false(keep.failed);
    marks.more = NULL;
    sg_keep_dispose(&keep);
    sg_metrics_dispose(&m);
    return marks;
}

/* Bits: ungrouped, seen, stretched, phantom model, phantom data, looked at, sentences. */
static unsigned as_bits(const sg_evaluation_marks *m) {
    return (unsigned)m->ungrouped_split | (unsigned)m->allow_seen << 1 |
           (unsigned)m->stretched_images << 2 | (unsigned)m->phantom_model << 3 |
           (unsigned)m->phantom_data << 4 | (unsigned)(m->looked_at != NULL) << 5 |
           (unsigned)m->more_count << 6;
}

static void test_each_cause_has_its_mark(void **state) {
    (void)state;
    static const sg_test_look unseen = {.order = SG_LOOK_NOT_ENTERED};
    static const struct {
        const char *fit;
        bool ungrouped, phantom_model;
        int uniform_side;
        sg_evaluation_source source;
        unsigned bits;
    } cases[] = {
            {"pad", false, false, 0, {.data = "d"}, 0},
            {"crop", false, false, 0, {.data = "d"}, 0},
            {"pad", true, false, 0, {.data = "d"}, 1},
            {"pad", false, false, 0, {.data = "d", .allow_seen = true, .seen_images = 2}, 2},
            {"stretch", false, false, 0, {.data = "d"}, 4},
            {"pad", false, true, 0, {.data = "d"}, 8},
            {"pad", false, false, 0, {.data = "d", .phantom_data = true}, 16},
            {"pad", false, false, 0, {.data = "d", .look = &unseen}, 32},
            {"pad", false, false, 256, {.data = "d"}, 64},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sg_prediction_row rows[2];
        sg_predictions p = make_table(rows, cases[i].fit, cases[i].phantom_model);
        p.ungrouped = cases[i].ungrouped;
        p.uniform_side = cases[i].uniform_side;
        sg_evaluation_marks m = marks_of(&p, &cases[i].source);
        if (as_bits(&m) != cases[i].bits)
            fail_msg("case %zu: marks %#x, not %#x", i, as_bits(&m), cases[i].bits);
        assert_int_equal(m.seen_images, cases[i].source.seen_images);
        json_decref(p.models);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_cause_has_its_mark)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
