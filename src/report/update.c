/* update.c - see update.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/update.h"
#include "report/evaluation_parts.h"
#include "report/html.h"
#include <stdio.h>

enum { CASES_SHOWN = 500 };

static void put_difference(sg_cells *cells, const sg_update_figure *f) {
    char text[160], value[40], low[40], high[40];
    const char *sign = f->difference.value > 0 ? "+" : "";
    sg_evaluation_format_value(value, sizeof value, f->difference.value, f->percent);
    sg_evaluation_format_value(low, sizeof low, f->difference.low, f->percent);
    sg_evaluation_format_value(high, sizeof high, f->difference.high, f->percent);
    if (isfinite(f->difference.low))
        (void)snprintf(text, sizeof text, "%s%s (%s to %s)", sign, value, low, high);
    else
        (void)snprintf(text, sizeof text, "%s%s", sign, value);
    sg_cells_put_copy(cells, text);
}

static void put_figures(sg_page *page, const sg_update_page *in) {
    static const char *const header[] = {"figure", "in use", "new", "difference"};
    enum { COLUMNS = sizeof header / sizeof *header };
    sg_cells cells;
    if (!sg_cells_init(&cells, in->figure_count * COLUMNS)) page->failed = true;
    for (size_t i = 0; i < in->figure_count && cells.text && cells.cell; i++) {
        const sg_update_figure *f = &in->figures[i];
        sg_cells_put(&cells, f->name);
        sg_cells_put_value(&cells, &f->before, f->percent);
        sg_cells_put_value(&cells, &f->after, f->percent);
        put_difference(&cells, f);
    }
    sg_cells_put_table(&cells, page, header, COLUMNS, NULL,
            "With 95 % intervals; differences are paired, image by image, in one bootstrap over "
            "groups");
}

static void put_cases(sg_page *page, const sg_update_page *in) {
    static const char *const header[] = {
            "image", "truth", "in use", "new", "p of the truth, in use", "p, new", "what changed"};
    enum { COLUMNS = sizeof header / sizeof *header };
    size_t shown = in->case_count < CASES_SHOWN ? in->case_count : CASES_SHOWN;
    sg_cells cells;
    sg_page_section(page, "Changed cases",
            in->case_count ? "Images whose predicted class is another one, newly missed "
                             "malignancies first."
                           : "Every image is predicted as before.");
    if (!in->case_count) return;
    if (!sg_cells_init(&cells, shown * COLUMNS)) page->failed = true;
    for (size_t i = 0; i < shown && cells.text && cells.cell; i++) {
        const sg_update_case *c = &in->cases[i];
        sg_cells_put(&cells, c->name);
        sg_cells_put(&cells, c->truth);
        sg_cells_put(&cells, c->before);
        sg_cells_put(&cells, c->after);
        sg_cells_put_number(&cells, c->p_before, false);
        sg_cells_put_number(&cells, c->p_after, false);
        sg_cells_put(&cells, c->mark);
    }
    sg_cells_put_table(&cells, page, header, COLUMNS, "llllrrl", NULL);
    if (shown < in->case_count)
        sg_page_textf(page, "%zu more are in changed.csv.", in->case_count - shown);
}

static void put_confusion(sg_page *page, const sg_update_page *in) {
    const struct {
        const char *title;
        const size_t *counts;
    } sides[] = {{"in use", in->confusion_before}, {"new", in->confusion_after}};
    sg_page_section(page, "Confusion matrices", NULL);
    for (int i = 0; i < 2; i++) {
        const sg_svg_matrix matrix = {sides[i].title, "truth", "predicted", in->classes,
                in->class_count, sides[i].counts};
        sg_str svg;
        sg_str_init(&svg, 0);
        sg_svg_put_matrix(&svg, &matrix);
        sg_page_put_svg(page, &svg, "Count and share of the row.");
        sg_str_dispose(&svg);
    }
}

sg_status sg_update_page_write(const sg_update_page *in, const char *path, sg_error *err) {
    sg_page page;
    sg_page_open(&page, "A new model against the one in use", in->data);
    if (in->worse) sg_page_warn(&page, "worse", in->verdict);
    sg_page_section(&page, "Verdict", NULL);
    if (!in->worse) sg_page_text(&page, in->verdict);
    sg_page_textf(&page, "In use: %s. New: %s.", in->before, in->after);
    put_figures(&page, in);
    put_cases(&page, in);
    put_confusion(&page, in);
    sg_page_section(&page, "How it was made", NULL);
    sg_page_put_facts(&page, in->facts, in->fact_count);
    return sg_page_write(&page, path, err);
}
