/* test_yaml.c - the strict subset: what is taken, what is refused, and that what is put reads back.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"
#include "support/check.h"
#include <stdlib.h>

static sg_status parse(sg_yaml *yaml, const char *text, sg_error *err) {
    return sg_yaml_parse(yaml, text, strlen(text), "s.yaml", err);
}

static void scalars_lists_and_comments(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_yaml yaml;
    CHECK_OK(parse(&yaml,
            "# c\nlr: 1e-4\nname: \"a: b\" # x\nclasses: [a, 'b c']\nlist:\n  - 1\n  - 2\nnone:\n",
            &err));
    assert_int_equal(yaml.count, 5);
    assert_string_equal(sg_yaml_find(&yaml, "lr")->value, "1e-4");
    assert_string_equal(sg_yaml_find(&yaml, "name")->value, "a: b");
    assert_string_equal(sg_yaml_find(&yaml, "classes")->value, "a,b c");
    assert_string_equal(sg_yaml_find(&yaml, "list")->value, "1,2");
    assert_string_equal(sg_yaml_find(&yaml, "none")->value, "");
    assert_int_equal(sg_yaml_find(&yaml, "classes")->line, 4);
    assert_null(sg_yaml_find(&yaml, "absent"));
    sg_yaml_dispose(&yaml);
    CHECK_OK(parse(&yaml, "", &err));
    assert_int_equal(yaml.count, 0);
    CHECK_OK(parse(&yaml, "# nothing\n", &err));
    assert_int_equal(yaml.count, 0);
}

static void everything_else_is_refused_with_its_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
            {"a: 1\nb: 2\na: 3\n", "line 3: 'a' was set before, in line 1"},
            {"a: &x 1\n", "line 1: anchors"},
            {"a: 1\nb: *a\n", "line 2: aliases"},
            {"a: !!int 1\n", "line 1: tags"},
            {"a:\n  b: 1\n", "line 2: only"},
            {"a: [[1]]\n", "line 1: only"},
            {"a: [1, {b: 2}]\n", "line 1: only"},
            {"- a\n- b\n", "line 1: expected lines"},
            {"just words\n", "line 1: expected lines"},
            {"a: 1\n---\nb: 2\n", "only one document"},
            {"a: \"open\n", "not valid YAML"},
            {"a: 1\n\tb: 2\n", "not valid YAML"},
            {"? [x]\n: 1\n", "only"},
            {"\"\": 1\n", "a key is empty"},
            {"a: \"\\0\"\n", "NUL"},
            {"&m\na: 1\n", "anchors"},
    };
    sg_error err = SG_ERROR_INIT;
    sg_yaml yaml = {.count = 77};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_FAILS(parse(&yaml, cases[i].text, &err), SG_ERR_FORMAT, cases[i].part);
    assert_int_equal(yaml.count, 77);
    CHECK_FAILS(sg_yaml_read(&yaml, "/no/such.yaml", &err), SG_ERR_MISSING, "/no/such.yaml");
}

static void what_is_put_reads_back(void **state) {
    (void)state;
    static const char *const values[] = {"", "plain", "0.5", "a b (1).png", "true", "no", "Null",
            "~", "- x", "---", "...", "#c", "a: b", "\"q\" \\", "'", "two\nlines\t.", "caf\xC3\xA9",
            "caf\xE9", "\xFF\x80", "\xEF\x9E\x80", "\xE2\x80\xA8", "\xC2\x85", "\xEF\xBB\xBF",
            "\xF0\x9F\x98\x80", "[1,2]", "{a}", "*x", "&x", "!t", "a,b", " lead", "trail "};
    sg_error err = SG_ERROR_INIT;
    sg_str s;
    sg_str_init(&s, 0);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        sg_str_clear(&s);
        sg_yaml_put(&s, "key", values[i]);
        sg_yaml yaml;
        CHECK_OK(sg_yaml_parse(&yaml, s.data, s.len, "s.yaml", &err));
        assert_int_equal(yaml.count, 1);
        assert_string_equal(yaml.entries[0].value, values[i]);
        sg_yaml_dispose(&yaml);
    }
    sg_str_dispose(&s);
}

static void any_prefix_is_safe(void **state) {
    (void)state;
    static const char text[] = "a: [1, \"x\\u00e9\"]\nb: 'y'\nc: &z {d: *z}\n";
    for (size_t n = 0; n <= sizeof text - 1; n++) {
        char *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy, text, n);
        sg_yaml yaml;
        if (sg_yaml_parse(&yaml, copy, n, "s.yaml", NULL) == SG_OK) sg_yaml_dispose(&yaml);
        free(copy);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(scalars_lists_and_comments),
            cmocka_unit_test(everything_else_is_refused_with_its_line),
            cmocka_unit_test(what_is_put_reads_back),
            cmocka_unit_test(any_prefix_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
