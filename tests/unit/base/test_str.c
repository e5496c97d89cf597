/* test_str.c - the growing buffer, numbers in any locale, edit distance, errors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "support/check.h"
#include <locale.h>
#include <math.h>
#include <stdlib.h>

static void appends_add_up(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_str s;
    sg_str_init(&s, 0);
    assert_string_equal(sg_str_text(&s), "");
    sg_str_append(&s, "a");
    sg_str_appendf(&s, "%d-%s", 17, "x");
    sg_str_append_n(&s, "yz", 1);
    assert_string_equal(sg_str_text(&s), "a17-xy");
    CHECK_OK(sg_str_check(&s, &err));
    char *text = sg_str_take(&s);
    assert_string_equal(text, "a17-xy");
    free(text);
    assert_int_equal(s.len, 0);
    text = sg_str_take(&s);
    assert_string_equal(text, "");
    free(text);
    sg_str_dispose(&s);
}

static void past_its_limit_a_buffer_fails_and_remembers(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_str s;
    sg_str_init(&s, 10);
    sg_str_append(&s, "0123456789");
    CHECK_OK(sg_str_check(&s, &err));
    sg_str_append(&s, "!");
    sg_str_append(&s, "more");
    assert_string_equal(sg_str_text(&s), "");
    CHECK_FAILS(sg_str_check(&s, &err), SG_ERR_MEMORY, "10 bytes");
    assert_null(sg_str_take(&s));
    sg_str_dispose(&s);
    CHECK_OK(sg_str_check(&s, &err));
}

static void doubles_come_back_with_few_digits(void **state) {
    (void)state;
    static const double values[] = {0, -0.0, 0.1, 1.0 / 3, 1e-300, 1.7976931348623157e308, 5e-324,
            123456789.125, 100, -2.5};
    sg_str s;
    sg_str_init(&s, 0);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        double back;
        sg_str_clear(&s);
        sg_str_append_double(&s, values[i]);
        assert_true(sg_parse_double(&back, sg_str_text(&s)));
        assert_memory_equal(&back, &values[i], sizeof back);
    }
    sg_str_clear(&s);
    sg_str_append_double(&s, 0.1);
    assert_string_equal(sg_str_text(&s), "0.1");
    sg_str_clear(&s);
    sg_str_append_double(&s, NAN);
    assert_string_equal(sg_str_text(&s), "null");
    sg_str_dispose(&s);
}

static void only_whole_numbers_parse(void **state) {
    (void)state;
    static const char *const bad[] = {
            "", " 1", "1 ", "1x", "0x10", "nan", "inf", "-", "1e", "1,5", "1e999", "--1", "1.2.3"};
    double value = 7;
    long long whole = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(sg_parse_double(&value, bad[i]));
        assert_false(sg_parse_int64(&whole, bad[i]));
    }
    assert_true(value == 7 && whole == 7);
    assert_false(sg_parse_int64(&whole, "9223372036854775808"));
    assert_false(sg_parse_int64(&whole, "1.0"));
    assert_true(sg_parse_int64(&whole, "-9223372036854775808"));
    assert_true(whole == INT64_MIN);
    assert_true(sg_parse_double(&value, "-1e-3"));
    assert_true(value == -0.001);
}

/* Debian installs few locales; C.UTF-8 is always there and a comma locale is used where it is. */
static void numbers_ignore_the_locale(void **state) {
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "C.UTF-8"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (setlocale(LC_ALL, names[i])) break;
    double value = 0;
    assert_true(sg_parse_double(&value, "1.5"));
    assert_true(value == 1.5);
    sg_str s;
    sg_str_init(&s, 0);
    sg_str_append_double(&s, 2.5);
    assert_string_equal(sg_str_text(&s), "2.5");
    sg_str_dispose(&s);
    setlocale(LC_ALL, "C");
}

static void distance_counts_edits_and_swaps(void **state) {
    (void)state;
    assert_int_equal(sg_edit_distance("", ""), 0);
    assert_int_equal(sg_edit_distance("", "abc"), 3);
    assert_int_equal(sg_edit_distance("epochs", "epcohs"), 1);
    assert_int_equal(sg_edit_distance("kitten", "sitting"), 3);
    char huge[1000];
    memset(huge, 'x', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    assert_int_equal(sg_edit_distance(huge, "x"), 999);
}

static void suffixes_ignore_case(void **state) {
    (void)state;
    assert_true(sg_ends_with("a b (1).PNG", ".png"));
    assert_false(sg_ends_with("png", ".png"));
    assert_true(sg_ends_with("x", ""));
}

static void growth_is_checked_for_overflow(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    double *items = NULL;
    size_t capacity = 0;
    CHECK_OK(sg_grow(&items, &capacity, 3, sizeof *items, &err));
    assert_true(capacity >= 3);
    items[2] = 1;
    CHECK_FAILS(
            sg_grow(&items, &capacity, SIZE_MAX / 4, sizeof *items, &err), SG_ERR_MEMORY, "memory");
    assert_true(items[2] == 1);
    free(items);
}

static void errors_fit_and_stack(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    assert_int_equal(sg_fail(&err, SG_ERR_FORMAT, "row %d", 3), SG_ERR_FORMAT);
    assert_int_equal(sg_fail_context(&err, SG_ERR_IO, "a.csv"), SG_ERR_FORMAT);
    assert_string_equal(err.message, "a.csv: row 3");
    assert_int_equal(sg_fail(&err, SG_ERR_IO, "again %s", err.message), SG_ERR_IO);
    assert_string_equal(err.message, "again a.csv: row 3");
    char huge[3000];
    memset(huge, 'y', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    (void)sg_fail(&err, SG_ERR_IO, "%s", huge);
    assert_int_equal(strlen(err.message), SG_ERROR_MESSAGE_MAX - 1);
    (void)sg_fail_context(&err, SG_ERR_IO, "%s", huge);
    assert_int_equal(strlen(err.message), SG_ERROR_MESSAGE_MAX - 1);
    assert_int_equal(sg_fail(NULL, SG_ERR_NUMERIC, "x"), SG_ERR_NUMERIC);
    assert_string_equal(sg_status_name(SG_ERR_MISMATCH), "mismatch");
    assert_string_equal(sg_status_name((sg_status)999), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(appends_add_up),
            cmocka_unit_test(past_its_limit_a_buffer_fails_and_remembers),
            cmocka_unit_test(doubles_come_back_with_few_digits),
            cmocka_unit_test(only_whole_numbers_parse),
            cmocka_unit_test(numbers_ignore_the_locale),
            cmocka_unit_test(distance_counts_edits_and_swaps),
            cmocka_unit_test(suffixes_ignore_case),
            cmocka_unit_test(growth_is_checked_for_overflow),
            cmocka_unit_test(errors_fit_and_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
