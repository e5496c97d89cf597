/* readers.c - see readers.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/readers.h"

#include "report/evaluation_parts.h"
#include "report/html.h"

#include <stdio.h>
#include <stdlib.h>

/* "+0.034 (-0.012 to 0.080)": a sign where a sign matters, and no dash beside it. */
static void put_difference(sg_cells *cells, const sg_evaluation_value *v) {
    char text[160], value[40], low[40], high[40];
    if (!isfinite(v->value)) {
        sg_cells_put(cells, "-");
        return;
    }
    sg_html_format_fixed(value, sizeof value, v->value, 3);
    sg_html_format_fixed(low, sizeof low, v->low, 3);
    sg_html_format_fixed(high, sizeof high, v->high, 3);
    (void)snprintf(text, sizeof text, "%s%s (%s to %s)", v->value > 0 ? "+" : "", value, low, high);
    sg_cells_put_copy(cells, text);
}

static void put_fixed(sg_cells *cells, double value, int decimals) {
    char text[40];
    sg_cells_put_copy(cells, sg_html_format_fixed(text, sizeof text, value, decimals));
}

static void put_p(sg_cells *cells, double p) {
    if (p < 0.001)
        sg_cells_put(cells, "<0.001");
    else
        put_fixed(cells, p, 3);
}

static void put_rows(sg_page *page, const sg_readers_page *in) {
    static const char *const header[] = {"who", "images", "sensitivity %", "specificity %", "AUROC",
            "AUROC less the model's", "p (Holm)", "kappa with the model"};
    enum { COLUMNS = sizeof header / sizeof *header };
    sg_cells cells;
    if (!sg_cells_init(&cells, in->row_count * COLUMNS)) page->failed = true;
    for (size_t i = 0; i < in->row_count && !page->failed; i++) {
        const sg_readers_row *r = &in->rows[i];
        sg_cells_put(&cells, r->name);
        sg_cells_put_count(&cells, r->images);
        sg_cells_put_value(&cells, &r->sensitivity, true);
        sg_cells_put_value(&cells, &r->specificity, true);
        sg_cells_put_value(&cells, &r->area, false);
        put_difference(&cells, &r->less_model);
        put_p(&cells, r->p);
        sg_cells_put_value(&cells, &r->kappa_model, false);
    }
    sg_cells_put_table(&cells, page, header, COLUMNS, NULL,
            "Intervals 95 %. A dash: not to be had from the table. A figure without an interval: "
            "nothing varies in the readings, as with perfect ones, so nothing tells how far other "
            "images would lie.");
}

static void put_means(sg_page *page, const sg_readers_page *in) {
    static const char *const header[] = {"over readers", "value", "degrees of freedom", "p"};
    enum { COLUMNS = sizeof header / sizeof *header };
    sg_cells cells;
    if (!in->mean_count) return;
    sg_page_section(page, "What holds for other readers and images",
            "Obuchowski and Rockette's analysis: readers and images are both a sample. A mean over "
            "the readers here, with an interval that allows for other readers.");
    if (!sg_cells_init(&cells, in->mean_count * COLUMNS)) page->failed = true;
    for (size_t i = 0; i < in->mean_count && !page->failed; i++) {
        const sg_readers_mean *m = &in->means[i];
        sg_cells_put(&cells, m->name);
        if (isnan(m->p))
            sg_cells_put_value(&cells, &m->value, false);
        else
            put_difference(&cells, &m->value);
        put_fixed(&cells, m->df, 1); /* a dash where readers do not differ at all */
        put_p(&cells, m->p);
    }
    sg_cells_put_table(&cells, page, header, COLUMNS, NULL, NULL);
}

static void put_pairs(sg_page *page, const sg_readers_page *in) {
    static const char *const header[] = {"readers", "images both judged", "kappa"};
    enum { COLUMNS = sizeof header / sizeof *header };
    sg_cells cells;
    if (!in->pair_count) return;
    sg_page_section(page, "Agreement between readers",
            "Kappa: agreement beyond what each one's own shares give by chance. 1 is full "
            "agreement, 0 is chance.");
    if (in->agreement) sg_page_text(page, in->agreement);
    if (!sg_cells_init(&cells, in->pair_count * COLUMNS)) page->failed = true;
    for (size_t i = 0; i < in->pair_count && !page->failed; i++) {
        const sg_readers_pair *p = &in->pairs[i];
        char text[SG_CELL];
        bool way = p->way && p->way[0];
        (void)snprintf(text, sizeof text, "%s and %s%s%s", p->first, p->second, way ? ", " : "",
                way ? p->way : "");
        sg_cells_put_copy(&cells, text);
        sg_cells_put_count(&cells, p->images);
        sg_cells_put_value(&cells, &p->kappa, false);
    }
    sg_cells_put_table(&cells, page, header, COLUMNS, NULL, NULL);
}

/* Curves of those who score, and one mark per reader at his verdicts. */
static void put_roc(sg_page *page, const sg_readers_page *in) {
    sg_svg_series *series = calloc(2 * in->row_count + 1, sizeof *series);
    double *points = calloc(2 * in->row_count + 1, sizeof *points);
    size_t count = 0;
    if (!series || !points) page->failed = true;
    for (size_t i = 0; i < in->row_count && !page->failed; i++) {
        const sg_readers_row *r = &in->rows[i];
        if (!r->roc_n) continue;
        series[count++] = (sg_svg_series){.name = r->model ? r->name : NULL,
                .x = r->roc_x,
                .y = r->roc_y,
                .n = r->roc_n,
                .faint = !r->model,
                .color = i};
    }
    for (size_t i = 0; i < in->row_count && !page->failed; i++) {
        const sg_readers_row *r = &in->rows[i];
        if (!isfinite(r->sensitivity.value) || !isfinite(r->specificity.value)) continue;
        points[2 * i] = 1 - r->specificity.value;
        points[2 * i + 1] = r->sensitivity.value;
        series[count++] = (sg_svg_series){.name = r->model && r->roc_n ? NULL : r->name,
                .x = &points[2 * i],
                .y = &points[2 * i + 1],
                .n = 1,
                .markers = true,
                .no_line = true,
                .color = i};
    }
    const sg_svg_chart chart = {.title = "Readers and model on the same images",
            .width = 560,
            .height = 480,
            .x = {.label = "1 - specificity", .low = 0, .high = 1, .percent = true},
            .y = {.label = "sensitivity", .low = 0, .high = 1, .percent = true},
            .series = series,
            .count = count,
            .diagonal = true};
    if (count && !page->failed)
        sg_page_put_chart(page, &chart,
                "Marks: verdicts. Bold curve: the model's scores; pale curves: readers' scores.");
    free(series);
    free(points);
}

sg_status sg_readers_page_write(const sg_readers_page *in, const char *path, sg_error *err) {
    sg_page page;
    sg_page_open(&page, in->title, "sonograde readers");
    for (size_t i = 0; i < in->warning_count; i++)
        sg_page_warn(&page, in->warnings[2 * i], in->warnings[2 * i + 1]);
    sg_page_section(&page, "Who saw what", NULL);
    sg_page_textf(&page,
            "Sensitivity: share of the %s images called so. Specificity: share of the others not "
            "called so. AUROC: how often a %s image scores above another one.",
            in->positive, in->positive);
    put_rows(&page, in);
    put_roc(&page, in);
    put_means(&page, in);
    put_pairs(&page, in);
    sg_page_section(&page, "How this was made", NULL);
    sg_page_put_facts(&page, in->facts, in->fact_count);
    return sg_page_write(&page, path, err);
}
