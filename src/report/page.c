/* page.c - see page.h. The body is one growing text; neighbouring charts share an open grid, which
 * any other block closes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/page.h"

#include "base/file.h"
#include "base/version.h"
#include "report/html.h"
#include "report/page_style.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char research_line[] =
        "Research use only. Not a medical device: no diagnosis or treatment may rest on this page.";

/* ---- the page ---- */

void sg_page_open(sg_page *page, const char *title, const char *subtitle) {
    memset(page, 0, sizeof *page);
    sg_str_init(&page->body, 0);
    sg_str_init(&page->contents, 0);
    page->title = sg_strdup(title ? title : "sonograde");
    page->subtitle = sg_strdup(subtitle ? subtitle : "");
    page->failed = !page->title || !page->subtitle;
}

void sg_page_dispose(sg_page *page) {
    if (!page) return;
    sg_str_dispose(&page->body);
    sg_str_dispose(&page->contents);
    free(page->title);
    free(page->subtitle);
    memset(page, 0, sizeof *page);
}

static void put_element(sg_str *out, const char *tag, const char *css, const char *text) {
    sg_str_appendf(out, css ? "<%s class=\"%s\">" : "<%s>", tag, css);
    sg_html_put_text(out, text);
    sg_str_appendf(out, "</%s>\n", tag);
}

static void close_charts(sg_page *page) {
    if (page->in_charts) sg_str_append(&page->body, "</div>\n");
    page->in_charts = false;
}

/* Where a block is appended; opens a nameless section when there is none yet. */
static sg_str *begin_block(sg_page *page) {
    close_charts(page);
    if (!page->in_section) sg_str_append(&page->body, "<section>\n");
    page->in_section = true;
    return &page->body;
}

sg_str *sg_page_block(sg_page *page) {
    return begin_block(page);
}

void sg_page_add_style(sg_page *page, const char *css) {
    page->style = css;
}

void sg_page_add_script(sg_page *page, const char *script) {
    page->script = script;
}

void sg_page_render(const sg_page *page, sg_str *out) {
    sg_str_append(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                       "<meta name=\"generator\" content=\"sonograde ");
    sg_html_put_text(out, sg_version());
    sg_str_append(out, "\">\n");
    put_element(out, "title", NULL, page->title);
    sg_str_append(out, "<style>");
    sg_str_append(out, page_style);
    if (page->style) sg_str_append(out, page->style);
    sg_str_append(out, "</style>\n</head>\n<body>\n<header>\n");
    put_element(out, "h1", NULL, page->title);
    if (page->subtitle && *page->subtitle) put_element(out, "p", "sub", page->subtitle);
    put_element(out, "p", "research", research_line);
    if (page->contents.len) {
        sg_str_append(out, "<nav aria-label=\"Contents\"><ul>\n");
        sg_str_append(out, sg_str_text(&page->contents));
        sg_str_append(out, "</ul></nav>\n");
    }
    sg_str_append(out, "</header>\n<main>\n");
    sg_str_append_n(out, sg_str_text(&page->body), page->body.len);
    if (page->in_charts) sg_str_append(out, "</div>\n");
    if (page->in_section) sg_str_append(out, "</section>\n");
    sg_str_append(out, "</main>\n<footer><p>sonograde ");
    sg_html_put_text(out, sg_version());
    sg_str_append(out, ", build ");
    sg_html_put_text(out, sg_build_id());
    sg_str_append(out, ". ");
    sg_str_append(out, research_line);
    sg_str_append(out, "</p></footer>\n");
    if (page->script) {
        sg_str_append(out, "<script>");
        sg_str_append(out, page->script);
        sg_str_append(out, "</script>\n");
    }
    sg_str_append(out, "</body>\n</html>\n");
}

sg_status sg_page_write(sg_page *page, const char *path, sg_error *err) {
    sg_str text;
    sg_str_init(&text, 0);
    sg_page_render(page, &text);
    sg_status status = SG_OK;
    if (page->failed) status = sg_fail(err, SG_ERR_MEMORY, "out of memory for the page %s", path);
    if (status == SG_OK) status = sg_str_check(&page->body, err);
    if (status == SG_OK) status = sg_str_check(&page->contents, err);
    if (status == SG_OK) status = sg_str_check(&text, err);
    if (status == SG_OK) status = sg_file_write(path, sg_str_text(&text), text.len, err);
    sg_str_dispose(&text);
    sg_page_dispose(page);
    return status;
}

/* ---- blocks of text ---- */

void sg_page_warn(sg_page *page, const char *mark, const char *text) {
    close_charts(page);
    sg_str_append(&page->body, "<p class=\"warn\" role=\"note\"><b>&#9888; ");
    sg_html_put_text(&page->body, mark);
    sg_str_append(&page->body, "</b>");
    sg_html_put_text(&page->body, text);
    sg_str_append(&page->body, "</p>\n");
}

void sg_page_section(sg_page *page, const char *title, const char *lead) {
    close_charts(page);
    if (page->in_section) sg_str_append(&page->body, "</section>\n");
    page->in_section = true;
    size_t number = ++page->sections;
    sg_str_appendf(&page->contents, "<li><a href=\"#s%zu\">", number);
    sg_html_put_text(&page->contents, title);
    sg_str_append(&page->contents, "</a></li>\n");
    sg_str_appendf(&page->body, "<section id=\"s%zu\">\n", number);
    put_element(&page->body, "h2", NULL, title);
    if (lead) put_element(&page->body, "p", "lead", lead);
}

void sg_page_heading(sg_page *page, const char *text) {
    put_element(begin_block(page), "h3", NULL, text);
}

void sg_page_text(sg_page *page, const char *text) {
    put_element(begin_block(page), "p", NULL, text);
}

void sg_page_note(sg_page *page, const char *text) {
    put_element(begin_block(page), "p", "note", text);
}

void sg_page_textf(sg_page *page, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = n < 0 ? NULL : malloc((size_t)n + 1);
    if (text) {
        vsnprintf(text, (size_t)n + 1, fmt, again);
        sg_page_text(page, text);
    } else {
        page->failed = true;
    }
    va_end(again);
    free(text);
}

void sg_page_put_figures(sg_page *page, const sg_page_figure *figures, size_t count) {
    sg_str *out = begin_block(page);
    sg_str_append(out, "<ul class=\"figures\">\n");
    for (size_t i = 0; i < count; i++) {
        sg_str_append(out, "<li>");
        put_element(out, "span", "n", figures[i].name);
        put_element(out, "span", "v", figures[i].value);
        if (figures[i].detail) put_element(out, "span", "d", figures[i].detail);
        sg_str_append(out, "</li>\n");
    }
    sg_str_append(out, "</ul>\n");
}

void sg_page_put_facts(sg_page *page, const sg_page_fact *facts, size_t count) {
    sg_str *out = begin_block(page);
    sg_str_append(out, "<dl>\n");
    for (size_t i = 0; i < count; i++) {
        if (!facts[i].value) continue;
        put_element(out, "dt", NULL, facts[i].name);
        put_element(out, "dd", NULL, facts[i].value);
    }
    sg_str_append(out, "</dl>\n");
}

/* ---- tables ---- */

static const char *column_class(const sg_page_table *table, size_t column) {
    char align = column ? 'r' : 'l';
    if (table->align && column < strlen(table->align)) align = table->align[column];
    return align == 'l' ? "l" : align == 'c' ? "c" : "r";
}

static void put_cell(
        sg_str *out, const char *tag, const char *scope, const char *css, const char *text) {
    sg_str_appendf(out, "<%s%s class=\"%s\">", tag, scope, css);
    sg_html_put_text(out, text);
    sg_str_appendf(out, "</%s>", tag);
}

void sg_page_put_table(sg_page *page, const sg_page_table *table) {
    sg_str *out = begin_block(page);
    /* The wrapper scrolls on narrow screens: it takes the keyboard's focus for that. */
    sg_str_append(out, "<div class=\"scroll\" tabindex=\"0\"><table>\n");
    if (table->caption) {
        /* The span keeps to the screen's width where the table does not. */
        sg_str_append(out, "<caption>");
        put_element(out, "span", NULL, table->caption);
        sg_str_append(out, "</caption>\n");
    }
    if (table->header) {
        sg_str_append(out, "<thead><tr>");
        for (size_t c = 0; c < table->columns; c++)
            put_cell(out, "th", " scope=\"col\"", column_class(table, c), table->header[c]);
        sg_str_append(out, "</tr></thead>\n");
    }
    sg_str_append(out, "<tbody>\n");
    for (size_t r = 0; r < table->rows; r++) {
        bool strong = table->strong_row >= 0 && (size_t)table->strong_row == r;
        sg_str_append(out, strong ? "<tr class=\"strong\">" : "<tr>");
        for (size_t c = 0; c < table->columns; c++)
            put_cell(out, c ? "td" : "th", c ? "" : " scope=\"row\"", column_class(table, c),
                    table->cells[r * table->columns + c]);
        sg_str_append(out, "</tr>\n");
    }
    sg_str_append(out, "</tbody></table></div>\n");
}

/* ---- charts and pictures ---- */

static void put_svg(sg_page *page, const char *figure, const sg_str *svg, const char *caption) {
    if (!page->in_charts) {
        sg_str *out = begin_block(page);
        sg_str_append(out, "<div class=\"charts\">\n");
        page->in_charts = true;
    }
    page->failed = page->failed || svg->failed;
    sg_str_append(&page->body, figure);
    sg_str_append(&page->body, sg_str_text(svg));
    if (caption) put_element(&page->body, "figcaption", NULL, caption);
    sg_str_append(&page->body, "</figure>\n");
}

void sg_page_put_svg(sg_page *page, const sg_str *svg, const char *caption) {
    put_svg(page, "<figure>", svg, caption);
}

void sg_page_put_wide_svg(sg_page *page, const sg_str *svg, const char *caption) {
    put_svg(page, "<figure class=\"wide\">", svg, caption);
}

void sg_page_put_chart(sg_page *page, const sg_svg_chart *chart, const char *caption) {
    sg_str svg;
    sg_str_init(&svg, 0);
    sg_svg_put_chart(&svg, chart);
    sg_page_put_svg(page, &svg, caption);
    sg_str_dispose(&svg);
}

void sg_page_put_images(sg_page *page, const sg_page_image *images, size_t count) {
    sg_str *out = begin_block(page);
    sg_str_append(out, "<ul class=\"images\">\n");
    for (size_t i = 0; i < count; i++) {
        const sg_page_image *image = &images[i];
        sg_str_append(out, "<li>");
        if (image->bytes)
            sg_html_put_image(out, image->bytes, image->size, image->alt);
        else
            put_element(out, "div", "missing", "picture not available");
        if (image->title) put_element(out, "span", "t", image->title);
        if (image->detail) put_element(out, "span", "d", image->detail);
        if (image->mark) put_element(out, "span", "mark", image->mark);
        sg_str_append(out, "</li>\n");
    }
    sg_str_append(out, "</ul>\n");
}

void sg_page_put_picture(
        sg_page *page, const void *bytes, size_t size, const char *alt, const char *caption) {
    sg_str *out = begin_block(page);
    sg_str_append(out, "<figure class=\"picture\">");
    sg_html_put_image(out, bytes, size, alt);
    if (caption) put_element(out, "figcaption", NULL, caption);
    sg_str_append(out, "</figure>\n");
}
