/* test_explain.c - the page of a map study is well formed whatever the names, says what fails, and
 * the SVG outlines the hot region. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "report/explain.h"
#include "support/check.h"
#include "support/image_folder.h"
#include "support/markup.h"
#include <math.h>
#include <stdlib.h>

static void test_page(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    char folder[SG_TEST_PATH], *text;
    size_t size;
    const double x[] = {0, 1}, y[] = {1, 0.2};
    const sg_explain_row row = {.name = "<b>Grad & \"CAM\"",
            .mark = "fails sanity check",
            .images = 31,
            .values = {{0.871, 0.71, 0.95}, {0.5, NAN, NAN}, {NAN, NAN, NAN}, {NAN, NAN, NAN},
                    {NAN, NAN, NAN}, {12.34, 10, 20}, {NAN, NAN, NAN}, {NAN, NAN, NAN}}};
    const sg_explain_table table = {"Against the lesions", "lead", &row, 1};
    const sg_explain_sanity sanity = {"<i>", 0.81, NAN, 0.1, true};
    const sg_explain_calm calm = {"c & m", 20, {0.256, 0.1, 0.4}};
    const sg_explain_line line = {"a & b", x, y, NULL, NULL, 2};
    const sg_explain_marked marked = {"m", {0.123, NAN, NAN}, {0.01, NAN, NAN}};
    const char *const flips[] = {"<u>.png: looks most like"}, *const warnings[] = {"mark", "<&>"};
    const sg_explain_page page = {.data = "<data>",
            .distance_unit = "mm",
            .warnings = warnings,
            .warning_count = 1,
            .tables = &table,
            .table_count = 1,
            .calm = &calm,
            .calm_count = 1,
            .sanity = &sanity,
            .sanity_count = 1,
            .cascade = &line,
            .cascade_count = 1,
            .deletion = &line,
            .insertion = &line,
            .curve_count = 1,
            .gates = &line,
            .gate_count = 1,
            .marked = &marked,
            .marked_count = 1,
            .marked_images = 3,
            .flipped = 1,
            .flips = flips};
    sg_test_folder_make(folder);
    char *path = sg_path_join(folder, "report.html");
    CHECK_OK(sg_explain_page_write(&page, path, &err));
    CHECK_OK(sg_file_read(&text, &size, path, 1 << 20, &err));
    markup_assert_well_formed(text, size);
    const char *const said[] = {"&lt;b&gt;Grad &amp;", "[fails sanity check]", "87.1", "0.50",
            "12.3\n(10.0, 20.0)", "peak to lesion, mm", "fails", "never where", "25.6",
            "&lt;u&gt;.png", "12.3", "Research use only"};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (!strstr(text, said[i])) fail_msg("'%s' is not on the page", said[i]);
    free(text);
    free(path);
    sg_test_folder_remove(folder);
}

static void test_outline(void **state) {
    (void)state;
    float map[12] = {0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0}; /* 4 x 3, a block of 2 x 2 */
    const sg_explain_picture p = {.title = "<t>",
            .width = 4,
            .height = 3,
            .plain = "png",
            .plain_size = 3,
            .overlay = "PNG",
            .overlay_size = 3,
            .map = map,
            .threshold = 0.5};
    sg_str s;
    sg_str_init(&s, 0);
    sg_explain_put_svg(&s, &p);
    const char *text = sg_str_text(&s);
    assert_non_null(strstr(text, "d=\"M1 0h2M1 2h2M1 0v2M3 0v2\""));
    assert_non_null(strstr(text, "base64,cG5n")); /* "png" */
    assert_non_null(strstr(text, "&lt;t&gt;"));
    assert_non_null(strstr(text, "translate(12 0)"));
    sg_str_dispose(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_page),
            cmocka_unit_test(test_outline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
