/* What is said about the published table follows from its numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/paper.h"

#include "support/markup.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_three_f1_values_lie_above_their_bound(void **state) {
    (void)state;
    static const bool impossible[SG_PAPER_ROWS] = {true, false, false, true, true};
    for (size_t i = 0; i < SG_PAPER_ROWS; i++)
        assert_true(sg_paper_f1_impossible(&sg_paper_table[i]) == impossible[i]);
    assert_true(fabs(sg_paper_f1_bound(&sg_paper_table[4]) - 95.815) < 1e-9);
    /* Rounding of the printed digits alone never raises the flag. */
    const sg_paper_row rounded = {"x", 0, 90.00, 80.00, 85.01, 0};
    assert_false(sg_paper_f1_impossible(&rounded));
}

static void test_fractions_behind_the_accuracy(void **state) {
    (void)state;
    sg_paper_fraction f[4];
    assert_int_equal(sg_paper_fractions(f, 4, 98.46, 200), 3);
    assert_true(f[0].right == 64 && f[0].images == 65);
    assert_true(f[1].right == 128 && f[1].images == 130);
    assert_true(f[2].right == 192 && f[2].images == 195);
    assert_int_equal(sg_paper_fractions(f, 1, 50, 4), 2);
    assert_true(f[0].right == 1 && f[0].images == 2);
}

static void test_the_section_shows_both_and_their_source(void **state) {
    (void)state;
    sg_page page;
    sg_str text;
    const sg_paper_ours ours = {"here: <mobilenetv2>", 0.879, 0.87, 0.855, 0.862, "84.5-90.6"};
    sg_page_open(&page, "t", NULL);
    sg_paper_put_section(&page, &ours, 1);
    sg_str_init(&text, 0);
    sg_page_render(&page, &text);
    const char *t = sg_str_text(&text);
    markup_assert_well_formed(t, text.len);
    markup_assert_order(t, ">98.46<", "here: &lt;mobilenetv2&gt;");
    assert_non_null(strstr(t, ">87.90<"));
    assert_non_null(strstr(t, "64 of 65, 128 of 130, 192 of 195"));
    assert_non_null(strstr(t, "3 of the 5 F1 values (ResNet-50, VGG, mResNet)"));
    assert_non_null(strstr(t, "10.1109/IEEECONF64992.2025.10963186"));
    assert_non_null(strstr(t, "117 test"));
    sg_str_dispose(&text);
    sg_page_dispose(&page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_three_f1_values_lie_above_their_bound),
            cmocka_unit_test(test_fractions_behind_the_accuracy),
            cmocka_unit_test(test_the_section_shows_both_and_their_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
