/* test_csv.c - tables as RFC 4180 has them, hostile ones, and what is written comes back.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "support/check.h"
#include <math.h>
#include <stdlib.h>

static sg_status parse(sg_csv *csv, const char *text, sg_error *err) {
    return sg_csv_parse(csv, text, strlen(text), "t.csv", err);
}

static void quotes_line_ends_and_blank_lines(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_csv csv;
    CHECK_OK(parse(
            &csv, "\xEF\xBB\xBFpath,note\r\n\"a, \"\"b\"\"\",\"two\nlines\"\r\n\n,last", &err));
    assert_int_equal(csv.rows, 2);
    assert_int_equal(csv.columns, 2);
    assert_int_equal(sg_csv_column(&csv, "path"), 0);
    assert_int_equal(sg_csv_column(&csv, "note"), 1);
    assert_int_equal(sg_csv_column(&csv, "absent"), -1);
    assert_string_equal(sg_csv_cell(&csv, 0, 0), "a, \"b\"");
    assert_string_equal(sg_csv_cell(&csv, 0, 1), "two\nlines");
    assert_string_equal(sg_csv_cell(&csv, 1, 0), "");
    assert_string_equal(sg_csv_cell(&csv, 1, 1), "last");
    sg_csv_dispose(&csv);
}

static void hostile_tables_are_refused_with_their_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
            {"", "empty"},
            {"\n\n\r\n", "empty"},
            {"a,b\n1\n", "line 2 has 1 fields"},
            {"a,b\n1,2\n1,2,3\n", "line 3 has 3 fields"},
            {"a\n\"open\nand on\n", "line 2: a quoted field is not closed"},
            {"a\n\"x\"y\n", "line 2: text follows"},
            {"a\n\"", "not closed"},
    };
    sg_error err = SG_ERROR_INIT;
    sg_csv csv = {.rows = 77};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_FAILS(parse(&csv, cases[i].text, &err), SG_ERR_FORMAT, cases[i].part);
    CHECK_FAILS(sg_csv_parse(&csv, "a\nb\0c\n", 6, "t.csv", &err), SG_ERR_FORMAT,
            "line 2: holds a NUL");
    assert_int_equal(csv.rows, 77);
}

/* Cut at every byte: parsed or refused, never beyond the end (the sanitizer watches). */
static void any_prefix_is_safe(void **state) {
    (void)state;
    static const char text[] = "a,\"b\"\r\n\"x\"\"y\",'=1\r\n,\r\n";
    for (size_t n = 0; n <= sizeof text - 1; n++) {
        char *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy, text, n);
        sg_csv csv;
        if (sg_csv_parse(&csv, copy, n, "t.csv", NULL) == SG_OK) sg_csv_dispose(&csv);
        free(copy);
    }
}

static void what_is_written_comes_back(void **state) {
    (void)state;
    static const char *const fields[] = {"", "plain", "a,b", "say \"x\"", "two\nlines", "=cmd()",
            "+1+1", "-x", "@sum", "-5", "+2.5e3", "'quoted", "'=x", "''-5", "'-5", "\tx", "\rx",
            "caf\xE9", " spaced ", "'", "-"};
    enum { N = sizeof fields / sizeof *fields };
    sg_error err = SG_ERROR_INIT;
    sg_str s;
    sg_str_init(&s, 0);
    sg_csv_put(&s, "first");
    sg_csv_put(&s, "second");
    sg_csv_end_row(&s);
    for (size_t i = 0; i < N; i++) {
        sg_csv_put(&s, fields[i]);
        sg_csv_put(&s, fields[N - 1 - i]);
        sg_csv_end_row(&s);
    }
    CHECK_OK(sg_str_check(&s, &err));
    sg_csv csv;
    CHECK_OK(sg_csv_parse(&csv, s.data, s.len, "t.csv", &err));
    assert_int_equal(csv.rows, N);
    for (size_t i = 0; i < N; i++) {
        assert_string_equal(sg_csv_cell(&csv, i, 0), fields[i]);
        assert_string_equal(sg_csv_cell(&csv, i, 1), fields[N - 1 - i]);
    }
    sg_csv_dispose(&csv);
    sg_str_dispose(&s);
}

static void spreadsheets_see_no_formula(void **state) {
    (void)state;
    sg_str s;
    sg_str_init(&s, 0);
    sg_csv_put(&s, "=cmd|' /C calc'!A0");
    sg_csv_put(&s, "-1.5");
    sg_csv_put(&s, "-x,y");
    sg_csv_end_row(&s);
    assert_string_equal(sg_str_text(&s), "'=cmd|' /C calc'!A0,-1.5,\"'-x,y\"\n");
    sg_str_dispose(&s);
}

static void numbers_and_empty_first_fields(void **state) {
    (void)state;
    sg_str s;
    sg_str_init(&s, 0);
    sg_csv_put_double(&s, NAN);
    sg_csv_put_double(&s, 0.25);
    sg_csv_put_int(&s, -3);
    sg_csv_put_double(&s, NAN);
    sg_csv_end_row(&s);
    assert_string_equal(sg_str_text(&s), "\"\",0.25,-3,\n");
    sg_str_dispose(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(quotes_line_ends_and_blank_lines),
            cmocka_unit_test(hostile_tables_are_refused_with_their_line),
            cmocka_unit_test(any_prefix_is_safe),
            cmocka_unit_test(what_is_written_comes_back),
            cmocka_unit_test(spreadsheets_see_no_formula),
            cmocka_unit_test(numbers_and_empty_first_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
