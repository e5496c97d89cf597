/* page.h - one self-contained HTML page from blocks: heading, warnings, key figures, facts, tables,
 * charts, pictures.
 *
 * Nothing is loaded from outside and no script is needed to read it, at desktop and phone width, on
 * paper and with a keyboard. Calls append in order; a failed allocation is remembered and reported
 * by sg_page_write, so that filling a page needs no checks. All text is escaped. No time, host or
 * path enters by itself: same calls, same bytes.
 *
 *     sg_page page;
 *     sg_page_open(&page, "What the data hold", "sonograde data explore");
 *     sg_page_section(&page, "Class balance", NULL);
 *     sg_page_put_table(&page, &table);
 *     status = sg_page_write(&page, path, err);   // also disposes
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_PAGE_H
#define SG_REPORT_PAGE_H

#include "base/str.h"
#include "report/svg.h"
#include "sonograde/error.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct sg_page {
    sg_str body, contents;
    char *title, *subtitle;
    const char *style, *script; /* static text of the page's own, or NULL */
    size_t sections;
    bool failed, in_section, in_charts;
} sg_page;

/* The research-use line is on every page; it needs no call. */
void sg_page_open(sg_page *page, const char *title, const char *subtitle);
/* Writes the page atomically and disposes of it, whatever the outcome. */
SG_MUST_CHECK sg_status sg_page_write(sg_page *page, const char *path, sg_error *err);
/* The finished page as text, for tests and other writers; appends to out, does not dispose. */
void sg_page_render(const sg_page *page, sg_str *out);
void sg_page_dispose(sg_page *page); /* NULL-safe; for pages that are never written */

/* A prominent box: `mark` is its short name ("ungrouped split"), text says what it means. */
void sg_page_warn(sg_page *page, const char *mark, const char *text);

/* For pages with blocks of their own kind: rules after the common style sheet, a script at the end
 * (static texts, without "</"), and where such a block appends its markup. */
void sg_page_add_style(sg_page *page, const char *css);
void sg_page_add_script(sg_page *page, const char *script);
sg_str *sg_page_block(sg_page *page);

/* Starts a section; its title is linked from the list at the top. lead may be NULL. */
void sg_page_section(sg_page *page, const char *title, const char *lead);
void sg_page_heading(sg_page *page, const char *text); /* a smaller heading inside a section */
void sg_page_text(sg_page *page, const char *text);
void sg_page_textf(sg_page *page, const char *fmt, ...) SG_PRINTF(2, 3);
void sg_page_note(sg_page *page, const char *text); /* small print */

/* Large numbers at the top: value and interval come as text. */
typedef struct sg_page_figure {
    const char *name, *value;
    const char *detail; /* "95 % interval 84.5-90.6"; NULL: none */
} sg_page_figure;
void sg_page_put_figures(sg_page *page, const sg_page_figure *figures, size_t count);

/* Name and value pairs; pairs whose value is NULL are left out. */
typedef struct sg_page_fact {
    const char *name, *value;
} sg_page_fact;
void sg_page_put_facts(sg_page *page, const sg_page_fact *facts, size_t count);

/* cells[rows * columns], NULL = empty. align: one letter per column, l, r or c; NULL: first left,
 * others right. strong_row: row number set in bold, or -1 (use SG_PAGE_TABLE_INIT). */
typedef struct sg_page_table {
    const char *caption;
    const char *const *header; /* [columns] */
    const char *const *cells;
    size_t rows, columns;
    const char *align;
    int strong_row;
} sg_page_table;
#define SG_PAGE_TABLE_INIT                                                                         \
    { NULL, NULL, NULL, 0, 0, NULL, -1 }
void sg_page_put_table(sg_page *page, const sg_page_table *table);

/* A chart made by sg_svg_put_*; neighbouring charts stand side by side where there is room. */
void sg_page_put_svg(sg_page *page, const sg_str *svg, const char *caption);
/* One that loses its words when it is made narrower: over the whole width, at its own size,
 * scrolled where there is no room. */
void sg_page_put_wide_svg(sg_page *page, const sg_str *svg, const char *caption);
void sg_page_put_chart(sg_page *page, const sg_svg_chart *chart, const char *caption);

/* Pictures in a grid: PNG or JPEG bytes embedded. */
typedef struct sg_page_image {
    const void *bytes; /* NULL: a grey field says that the picture is missing */
    size_t size;
    const char *alt;    /* what it shows, for those who cannot see it */
    const char *title;  /* first caption line, strong; NULL: none */
    const char *detail; /* second caption line; NULL: none */
    const char *mark;   /* third caption line, emphasised ("missed malignancy"); NULL: none */
} sg_page_image;
void sg_page_put_images(sg_page *page, const sg_page_image *images, size_t count);
/* One wide picture (contact sheet, before and after). */
void sg_page_put_picture(
        sg_page *page, const void *bytes, size_t size, const char *alt, const char *caption);

#endif
