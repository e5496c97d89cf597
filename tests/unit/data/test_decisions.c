/* test_decisions.c - a table of verdicts is read as it is meant or refused with the row named.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/decisions.h"
#include "support/check.h"

static sg_status parse(sg_decisions *out, const char *text, sg_error *err) {
    return sg_decisions_parse(out, text, strlen(text), "v.csv", err);
}

static void orders_and_drops_repeats(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_decisions d;
    CHECK_OK(parse(&d,
            "score,verdict,b,a\n"
            "0.9,reject,x.png,y.png\n"
            "0.8,,p,q\n"
            "0.7,confirm,a b.png,m\n"
            "0.9,reject,y.png,x.png\n",
            &err));
    assert_int_equal(d.count, 2);
    assert_string_equal(d.items[0].a, "a b.png");
    assert_string_equal(d.items[0].b, "m");
    assert_int_equal(d.items[0].verdict, SG_VERDICT_CONFIRMED);
    assert_string_equal(d.items[1].a, "x.png");
    assert_string_equal(d.items[1].b, "y.png");
    assert_int_equal(d.items[1].verdict, SG_VERDICT_REJECTED);
    sg_decisions_dispose(&d);
}

static void a_row_without_b_is_about_one_image(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_decisions d;
    CHECK_OK(parse(&d, "a,b,verdict\nx,,exclude\ny,,keep\nx,,exclude\nx,z,reject\n", &err));
    assert_int_equal(d.count, 3);
    assert_string_equal(d.items[0].a, "x");
    assert_string_equal(d.items[0].b, "");
    assert_int_equal(d.items[0].verdict, SG_VERDICT_CONFIRMED);
    assert_string_equal(d.items[1].b, "z");
    assert_string_equal(d.items[2].a, "y");
    assert_int_equal(d.items[2].verdict, SG_VERDICT_REJECTED);
    sg_decisions_dispose(&d);
}

static void empty_table_decides_nothing(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_decisions d;
    CHECK_OK(parse(&d, "a,b,verdict\n", &err));
    assert_int_equal(d.count, 0);
    sg_decisions_dispose(&d);
}

static void refuses_what_makes_no_sense(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_decisions d;
    CHECK_FAILS(parse(&d, "a,b\nx,y\n", &err), SG_ERR_FORMAT, "no column 'verdict'");
    CHECK_FAILS(parse(&d, "a,b,verdict\nx,y,yes\n", &err), SG_ERR_FORMAT, "row 1: verdict 'yes'");
    CHECK_FAILS(parse(&d, "a,b,verdict\nx,x,reject\n", &err), SG_ERR_INPUT, "row 1");
    CHECK_FAILS(
            parse(&d, "a,b,verdict\nx,,reject\n", &err), SG_ERR_FORMAT, "neither exclude nor keep");
    CHECK_FAILS(parse(&d, "a,b,verdict\nx,y,keep\n", &err), SG_ERR_FORMAT, "neither confirm");
    CHECK_FAILS(parse(&d, "a,b,verdict\n,,keep\n", &err), SG_ERR_INPUT, "row 1");
    CHECK_FAILS(parse(&d, "a,b,verdict\nx,,keep\nx,,exclude\n", &err), SG_ERR_INPUT,
            "both excludes and keeps 'x'");
    CHECK_FAILS(parse(&d, "a,b,verdict\nx,y,reject\ny,x,confirm\n", &err), SG_ERR_INPUT,
            "both confirms and rejects 'x' with 'y'");
    CHECK_FAILS(parse(&d, "", &err), SG_ERR_FORMAT, "v.csv");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(orders_and_drops_repeats),
            cmocka_unit_test(a_row_without_b_is_about_one_image),
            cmocka_unit_test(empty_table_decides_nothing),
            cmocka_unit_test(refuses_what_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
