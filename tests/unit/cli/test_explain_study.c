/* test_explain_study.c - when a method fails its sanity check.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "cli/explain_study.h"
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

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_a_map_that_hardly_changes_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
