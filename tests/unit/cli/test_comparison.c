/* test_comparison.c - which trainings may be paired, and lists of ARM=VALUE.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "cli/arm_pairs.h"
#include "cli/comparison.h"
#include <stdlib.h>

static void test_starts_that_may_be_paired(void **state) {
    (void)state;
    assert_true(sg_same_start(0, 0));
    assert_true(sg_same_start(0.998, 0.97));
    assert_false(sg_same_start(0.998, 0.33));
    assert_true(sg_same_start(0.50, 0.54));
    assert_false(sg_same_start(0.50, 0.56));
    assert_false(sg_same_start(0, 0.02)); /* given weights, however few, are no random start */
    assert_false(sg_same_start(0.02, 0));
}

static void test_lists_of_arms(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_arm_pairs p;
    CHECK_OK(sg_arm_pairs_read(&p, "models", "a,b=c", false, &err));
    assert_int_equal(p.count, 2);
    assert_string_equal(sg_arm_pairs_find(&p, "a"), "a");
    assert_string_equal(sg_arm_pairs_find(&p, "b"), "c");
    assert_null(sg_arm_pairs_find(&p, "c"));
    free(p.text);
    CHECK_OK(sg_arm_pairs_read(&p, "models", NULL, false, &err));
    assert_int_equal(p.count, 0);
}

static void test_bad_lists_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *list;
        bool needs_value;
    } cases[] = {{"", false}, {"a,,b", false}, {"=a", false}, {"a", true}, {"a=b,c", true}};
    sg_error err = SG_ERROR_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sg_arm_pairs p;
        CHECK_FAILS(sg_arm_pairs_read(&p, "weights", cases[i].list, cases[i].needs_value, &err),
                SG_ERR_USAGE, "--weights");
        free(p.text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_starts_that_may_be_paired),
            cmocka_unit_test(test_lists_of_arms),
            cmocka_unit_test(test_bad_lists_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
