/* Text that is safe, numbers that ignore the locale, base64.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/html.h"

#include "support/markup.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void expect_text(const char *input, const char *expected) {
    sg_str out;
    sg_str_init(&out, 0);
    sg_html_put_text(&out, input);
    assert_string_equal(sg_str_text(&out), expected);
    sg_str_dispose(&out);
}

static void test_markup_is_escaped(void **state) {
    (void)state;
    expect_text("<b>\"Tom\" & 'Co'</b>", "&lt;b&gt;&quot;Tom&quot; &amp; &#39;Co&#39;&lt;/b&gt;");
    expect_text("benign (12).png", "benign (12).png");
    expect_text(NULL, "");
    expect_text("Gr\xC3\xB6\xC3\x9F"
                "e \xE2\x80\x93 \xF0\x9F\xA9\xBB",
            "Gr\xC3\xB6\xC3\x9F"
            "e \xE2\x80\x93 \xF0\x9F\xA9\xBB");
}

#define R "\xEF\xBF\xBD"

static void test_bytes_that_are_not_utf8_are_replaced(void **state) {
    (void)state;
    expect_text("a\xFF"
                "b",
            "a" R "b");
    expect_text("\xC0\xAF", R R);             /* overlong '/' */
    expect_text("\xED\xA0\x80", R R R);       /* surrogate */
    expect_text("\xF4\x90\x80\x80", R R R R); /* past U+10FFFF */
    expect_text("\xE2\x80", R R);             /* cut short */
    expect_text("\xC3<b>", R "&lt;b&gt;");    /* must not swallow the '<' */
    expect_text("a\x01"
                "b\x1B"
                "c\x7F",
            "a" R "b" R "c" R);
    expect_text("\xEF\xBF\xBE\xEF\xBF\xBF", R R);
    expect_text("tab\tline\n", "tab\tline\n");
}

/* Every pair of bytes comes out well formed. */
static void test_any_bytes_give_well_formed_text(void **state) {
    (void)state;
    sg_str out;
    sg_str_init(&out, 0);
    sg_str_append(&out, "<p>");
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b += 3) {
            char text[3] = {(char)a, (char)b, 'x'};
            sg_html_put_text_n(&out, text, 3);
        }
    sg_str_append(&out, "</p>");
    markup_assert_well_formed(sg_str_text(&out), out.len);
    sg_str_dispose(&out);
}

static void expect_fixed(double value, int decimals, const char *expected) {
    char buffer[40];
    assert_string_equal(sg_html_format_fixed(buffer, sizeof buffer, value, decimals), expected);
}

static void test_numbers(void **state) {
    (void)state;
    expect_fixed(0.8789, 3, "0.879");
    expect_fixed(-12.5, 1, "-12.5");
    expect_fixed(-0.001, 2, "0.00");
    expect_fixed(99.996, 2, "100.00");
    expect_fixed(7, 0, "7");
    expect_fixed(NAN, 2, "-");
    expect_fixed(INFINITY, 0, "-");
    expect_fixed(1e300, 2, "-");
    expect_fixed(0.05, 9, "0.050000000");
    sg_str out;
    sg_str_init(&out, 0);
    sg_html_put_short(&out, 12.50, 2);
    sg_html_put_short(&out, 100, 2);
    sg_html_put_percent(&out, 0.8791, 1);
    sg_html_put_percent(&out, NAN, 1);
    assert_string_equal(sg_str_text(&out), "12.510087.9 %-");
    sg_str_dispose(&out);
}

static void test_numbers_ignore_the_locale(void **state) {
    (void)state;
    static const char *const commas[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    for (size_t i = 0; i < sizeof commas / sizeof *commas; i++)
        if (setlocale(LC_ALL, commas[i])) break;
    expect_fixed(1.25, 2, "1.25");
    setlocale(LC_ALL, "C");
}

/* RFC 4648, section 10. */
static void test_base64(void **state) {
    (void)state;
    static const char *const known[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
            {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        sg_str out;
        sg_str_init(&out, 0);
        sg_html_put_base64(&out, known[i][0], strlen(known[i][0]));
        assert_string_equal(sg_str_text(&out), known[i][1]);
        sg_str_dispose(&out);
    }
    static unsigned char many[10000];
    sg_str out;
    sg_str_init(&out, 0);
    sg_html_put_base64(&out, many, sizeof many);
    assert_int_equal(out.len, (sizeof many + 2) / 3 * 4);
    sg_str_dispose(&out);
}

static void test_images_name_their_kind(void **state) {
    (void)state;
    sg_str out;
    sg_str_init(&out, 0);
    sg_html_put_image(&out, "\x89PNG", 4, "a \"lesion\"");
    sg_html_put_image(&out, "\xFF\xD8\xFF", 3, NULL);
    assert_string_equal(sg_str_text(&out),
            "<img src=\"data:image/png;base64,iVBORw==\" alt=\"a &quot;lesion&quot;\">"
            "<img src=\"data:image/jpeg;base64,/9j/\" alt=\"\">");
    sg_str_dispose(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_markup_is_escaped),
            cmocka_unit_test(test_bytes_that_are_not_utf8_are_replaced),
            cmocka_unit_test(test_any_bytes_give_well_formed_text),
            cmocka_unit_test(test_numbers),
            cmocka_unit_test(test_numbers_ignore_the_locale),
            cmocka_unit_test(test_base64),
            cmocka_unit_test(test_images_name_their_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
