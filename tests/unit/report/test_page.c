/* Pages: whole, self-contained, escaped, repeatable.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/page.h"

#include "base/file.h"
#include "support/markup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char hostile[] = "<img src=x onerror=alert(1)>\xFE";

static void fill(sg_page *page) {
    const sg_page_figure figures[2] = {{hostile, hostile, hostile}, {"n", "1", NULL}};
    const sg_page_fact facts[2] = {{hostile, hostile}, {"left out", NULL}};
    static const char *const header[2] = {hostile, "count"};
    static const char *const cells[4] = {hostile, "1", NULL, "2"};
    sg_page_table table = SG_PAGE_TABLE_INIT;
    table.caption = hostile;
    table.header = header;
    table.cells = cells;
    table.rows = 2;
    table.columns = 2;
    table.strong_row = 1;
    static const double y[3] = {1, 2, 3};
    const sg_svg_series series = {.name = hostile, .y = y, .n = 3};
    const sg_svg_chart chart = {.title = hostile, .series = &series, .count = 1};
    const sg_page_image images[2] = {
            {"\x89PNG", 4, hostile, hostile, hostile, hostile}, {NULL, 0, NULL, NULL, NULL, NULL}};
    sg_page_open(page, hostile, hostile);
    sg_page_warn(page, hostile, hostile);
    sg_page_text(page, "before any section");
    sg_page_section(page, hostile, hostile);
    sg_page_put_figures(page, figures, 2);
    sg_page_put_facts(page, facts, 2);
    sg_page_put_table(page, &table);
    sg_page_put_chart(page, &chart, hostile);
    sg_page_put_chart(page, &chart, NULL);
    sg_page_heading(page, hostile);
    sg_page_textf(page, "%s %d", hostile, 7);
    sg_page_section(page, "Second", NULL);
    sg_page_put_images(page, images, 2);
    sg_page_put_picture(page, "\x89PNG", 4, hostile, hostile);
    sg_page_note(page, hostile);
    sg_page_put_chart(page, &chart, NULL);
}

static void test_a_page_is_well_formed_whatever_the_names(void **state) {
    (void)state;
    sg_page page;
    sg_str text;
    sg_str_init(&text, 0);
    fill(&page);
    sg_page_render(&page, &text);
    markup_assert_well_formed(sg_str_text(&text), text.len);
    assert_null(strstr(sg_str_text(&text), "<img src=x"));
    assert_null(strstr(sg_str_text(&text), "left out"));
    assert_int_equal(markup_count(sg_str_text(&text), "<section"), 3);
    assert_int_equal(markup_count(sg_str_text(&text), "<div class=\"charts\">"), 2);
    assert_non_null(strstr(sg_str_text(&text), "Research use only"));
    assert_non_null(strstr(sg_str_text(&text), "href=\"#s2\""));
    assert_non_null(strstr(sg_str_text(&text), "id=\"s2\""));
    sg_str_dispose(&text);
    sg_page_dispose(&page);
}

static void test_writing_twice_gives_the_same_bytes(void **state) {
    (void)state;
    char folder[] = "/tmp/sg-page-XXXXXX";
    char *data[2];
    size_t size[2];
    assert_non_null(mkdtemp(folder));
    char *path = sg_path_join(folder, "page.html");
    for (int i = 0; i < 2; i++) {
        sg_page page;
        fill(&page);
        assert_int_equal(sg_page_write(&page, path, NULL), SG_OK);
        assert_int_equal(sg_file_read(&data[i], &size[i], path, 1 << 20, NULL), SG_OK);
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(data[0], data[1], size[0]);
    free(data[0]);
    free(data[1]);
    free(path);
    assert_int_equal(sg_dir_remove(folder, NULL), SG_OK);
}

static void test_a_folder_that_is_not_there_is_named(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_page page;
    fill(&page);
    assert_int_not_equal(sg_page_write(&page, "/nowhere/at/all/page.html", &err), SG_OK);
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_a_page_is_well_formed_whatever_the_names),
            cmocka_unit_test(test_writing_twice_gives_the_same_bytes),
            cmocka_unit_test(test_a_folder_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
