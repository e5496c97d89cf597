/* test_json.c - duplicate keys, digits, NaN, and names that are not UTF-8.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/str.h"
#include "support/check.h"
#include <math.h>
#include <stdlib.h>

static sg_status parse(json_t **value, const char *text, sg_error *err) {
    return sg_json_parse(value, text, strlen(text), "x.json", err);
}

static void bad_json_is_refused_with_its_place(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    json_t *value;
    CHECK_FAILS(parse(&value, "{\"a\": 1, \"a\": 2}", &err), SG_ERR_FORMAT, "duplicate");
    CHECK_FAILS(parse(&value, "{\n\"a\": ]", &err), SG_ERR_FORMAT, "x.json: line 2");
    CHECK_FAILS(parse(&value, "", &err), SG_ERR_FORMAT, "x.json");
    CHECK_FAILS(parse(&value, "{} {}", &err), SG_ERR_FORMAT, "x.json");
    CHECK_FAILS(sg_json_read(&value, "/no/such.json", &err), SG_ERR_MISSING, "/no/such.json");
}

static void keys_keep_their_order_and_numbers_their_digits(void **state) {
    (void)state;
    json_t *value = json_object();
    json_object_set_new(value, "z", sg_json_number(1.0 / 3));
    json_object_set_new(value, "a", sg_json_number(NAN));
    json_object_set_new(value, "m", sg_json_number(-INFINITY));
    char *text = sg_json_line(value);
    assert_string_equal(text, "{\"z\":0.33333333333333331,\"a\":null,\"m\":null}");
    free(text);
    json_decref(value);
}

static void a_file_comes_back(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    const char *base = getenv("TMPDIR");
    char *path = sg_strdupf("%s/sg-json-test.json", base ? base : "/tmp");
    json_t *value = json_pack("{s:i, s:[i,i]}", "n", 3, "list", 1, 2), *back;
    CHECK_OK(sg_json_write(value, path, &err));
    CHECK_OK(sg_json_read(&back, path, &err));
    assert_true(json_equal(value, back));
    CHECK_FAILS(sg_json_write(value, "/dev/full", &err), SG_ERR_IO, "/dev/full");
    remove(path);
    json_decref(value);
    json_decref(back);
    free(path);
}

static void names_need_not_be_utf8(void **state) {
    (void)state;
    static const struct {
        const char *bytes, *text;
    } cases[] = {
            {"caf\xC3\xA9", "caf\xC3\xA9"},
            {"caf\xE9.png", "caf\\xe9.png"},
            {"\xC0\xAF", "\\xc0\\xaf"},
            {"\xED\xA0\x80", "\\xed\\xa0\\x80"},
            {"\xE2\x82", "\\xe2\\x82"},
            {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *value = sg_json_text(cases[i].bytes);
        assert_string_equal(json_string_value(value), cases[i].text);
        json_decref(value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(bad_json_is_refused_with_its_place),
            cmocka_unit_test(keys_keep_their_order_and_numbers_their_digits),
            cmocka_unit_test(a_file_comes_back),
            cmocka_unit_test(names_need_not_be_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
