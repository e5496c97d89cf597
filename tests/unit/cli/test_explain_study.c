/* test_explain_study.c - when a method fails its sanity check.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "cli/explain_verdict.h"
#include <math.h>

static void test_a_map_that_hardly_changes_fails(void **state) {
    (void)state;
    static const struct {
        double untrained, permuted;
        bool fails;
    } cases[] = {{0.49, NAN, false}, {0.51, NAN, true}, {-0.9, NAN, true}, {0.1, 0.6, true},
            {0.1, -0.6, true}, {0.1, 0.4, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sg_explain_study s = {.stages = 3};
        s.cascade[SG_EXPLAIN_GRAD_CAM][3] = cases[i].untrained;
        s.permuted[SG_EXPLAIN_GRAD_CAM] = cases[i].permuted;
        assert_int_equal(sg_explain_study_fails(&s, SG_EXPLAIN_GRAD_CAM), cases[i].fails);
        s.stages = 0; /* no weights were drawn anew */
        assert_int_equal(sg_explain_study_fails(&s, SG_EXPLAIN_GRAD_CAM),
                !isnan(cases[i].permuted) && fabs(cases[i].permuted) > 0.5);
    }
}

static void add_map(sg_map_row *row, int map, size_t image, double auprc) {
    *row = (sg_map_row){.image = image, .map = map, .group = (uint32_t)image, .lesion = 1};
    for (int k = 0; k < SG_MAP_MEASURES; k++) row->values[k] = NAN;
    row->values[SG_MAP_AUPRC] = auprc;
}

/* Better by much, by nothing that is sure, and always by the same. */
static void test_a_map_that_may_be_no_better_is_marked(void **state) {
    (void)state;
    enum { IMAGES = 20 };
    static const struct {
        double mean, spread;
        bool loses;
    } cases[] = {{0.3, 0.1, false}, {0.01, 0.2, true}, {-0.3, 0.1, true}, {0, 0, true}};
    sg_error err = SG_ERROR_INIT;
    const sg_bootstrap_options draws = {300, 0.95, 1};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        sg_map_row rows[2 * IMAGES];
        sg_explained_image images[IMAGES] = {{.seen = c == 0}, {.seen = true}};
        sg_explain_study s = {
                .images = images, .count = IMAGES, .rows = rows, .row_count = 2 * IMAGES};
        s.permuted[SG_EXPLAIN_OCCLUSION] = NAN;
        for (size_t i = 0; i < IMAGES; i++) {
            double more = cases[c].mean + (i % 2 ? 1 : -1) * cases[c].spread;
            add_map(&rows[2 * i], SG_EXPLAIN_CENTRE, i, 0.01 * (double)i);
            add_map(&rows[2 * i + 1], SG_EXPLAIN_OCCLUSION, i, 0.01 * (double)i + more);
        }
        sg_explain_verdict v;
        sg_str marks;
        CHECK_OK(
                sg_explain_verdict_reach(&v, &s, SG_EXPLAIN_OCCLUSION, false, false, &draws, &err));
        assert_int_equal(v.lesions, IMAGES);
        assert_int_equal(v.seen, c == 0 ? 2 : 1);
        assert_int_equal(v.loses[SG_EXPLAIN_THE_CENTRE], cases[c].loses);
        assert_true(!v.compared[SG_EXPLAIN_THE_UNTRAINED] && !v.loses[SG_EXPLAIN_THE_UNTRAINED]);
        sg_str_init(&marks, 0);
        v.fails = true;
        sg_explain_verdict_put_marks(&marks, &v);
        assert_string_equal(sg_str_text(&marks),
                cases[c].loses ? "fails a sanity check; not shown to beat the middle of the image"
                               : "fails a sanity check");
        sg_str_dispose(&marks);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_a_map_that_hardly_changes_fails),
            cmocka_unit_test(test_a_map_that_may_be_no_better_is_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
