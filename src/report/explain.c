/* explain.c - see explain.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/explain.h"
#include "report/evaluation_parts.h"
#include "report/html.h"
#include <math.h>
#include <stdio.h>

enum { LINES_MAX = 16 };

/* Intervals under their values, and pictures that are pairs. */
static const char style[] =
        ".r{white-space:pre}table{font-size:.84rem}th,td{padding:6px 5px}"
        "tbody th{min-width:min(11em,34vw)}"
        ".images{grid-template-columns:repeat(auto-fill,minmax(min(100%,420px),1fr))!important}"
        ".images img{aspect-ratio:auto}";

/* ---- tables ---- */

enum { WITHOUT_CURVES = 6 };

/* The interval below the value, so that eight columns have room. */
static void put_stacked(sg_cells *cells, const sg_evaluation_value *v, double unit, int digits) {
    char text[SG_CELL], value[24], low[24], high[24];
    if (!isfinite(v->value)) {
        sg_cells_put(cells, "\u2013");
        return;
    }
    sg_html_format_fixed(value, sizeof value, unit * v->value, digits);
    sg_html_format_fixed(low, sizeof low, unit * v->low, digits);
    sg_html_format_fixed(high, sizeof high, unit * v->high, digits);
    bool bounded = isfinite(v->low) && isfinite(v->high);
    (void)snprintf(text, sizeof text, bounded ? "%s\n(%s, %s)" : "%s", value, low, high);
    sg_cells_put_copy(cells, text);
}

static void put_row(sg_cells *cells, const sg_explain_row *row, int columns) {
    enum { POINTING, DISTANCE = 5 };
    char name[SG_CELL];
    (void)snprintf(name, sizeof name, "%s%s%s%s", row->name, row->mark ? " [" : "",
            row->mark ? row->mark : "", row->mark ? "]" : "");
    sg_cells_put_copy(cells, name);
    sg_cells_put_count(cells, row->images);
    for (int k = 0; k < columns; k++)
        put_stacked(cells, &row->values[k], k == POINTING ? 100 : 1,
                k == POINTING || k == DISTANCE ? 1 : 2);
}

static void put_table(sg_page *page, const sg_explain_page *in, const sg_explain_table *table) {
    char distance[48];
    (void)snprintf(distance, sizeof distance, "peak to lesion, %s", in->distance_unit);
    const char *const header[] = {"map", "images", "pointing game %", "energy inside", "IoU, best",
            "IoU, fixed", "pixel AUPRC", distance, "deletion", "insertion"};
    int values = in->curve_count ? SG_EXPLAIN_COLUMNS : WITHOUT_CURVES;
    size_t columns = 2 + (size_t)values;
    sg_cells cells;
    if (!sg_cells_init(&cells, table->count * columns)) page->failed = true;
    for (size_t i = 0; i < table->count && cells.text && cells.cell; i++)
        put_row(&cells, &table->rows[i], values);
    sg_cells_put_table(&cells, page, header, columns, NULL, in->interval_method);
}

static void put_tables(sg_page *page, const sg_explain_page *in) {
    for (size_t i = 0; i < in->table_count; i++) {
        if (!in->tables[i].count) continue;
        sg_page_section(page, in->tables[i].title, in->tables[i].lead);
        put_table(page, in, &in->tables[i]);
    }
}

static void put_calm(sg_page *page, const sg_explain_page *in) {
    static const char *const header[] = {"map", "images", "hot region, share of the image %"};
    enum { COLUMNS = sizeof header / sizeof *header };
    sg_cells cells;
    if (!in->calm_count) return;
    sg_page_section(page, "Images without a lesion",
            "There is nothing to point at; a map has its hottest place all the same, since it is "
            "divided by its largest value.");
    if (!sg_cells_init(&cells, in->calm_count * COLUMNS)) page->failed = true;
    for (size_t i = 0; i < in->calm_count && cells.text && cells.cell; i++) {
        sg_cells_put(&cells, in->calm[i].name);
        sg_cells_put_count(&cells, in->calm[i].images);
        sg_cells_put_value(&cells, &in->calm[i].hot, true);
    }
    sg_cells_put_table(&cells, page, header, COLUMNS, NULL, in->interval_method);
}

/* ---- charts ---- */

static void put_lines(sg_page *page, const sg_explain_line *lines, size_t count, sg_svg_chart chart,
        const char *caption) {
    sg_svg_series series[LINES_MAX];
    size_t n = count < LINES_MAX ? count : LINES_MAX;
    for (size_t i = 0; i < n; i++)
        series[i] = (sg_svg_series){.name = lines[i].name,
                .x = lines[i].x,
                .y = lines[i].y,
                .low = lines[i].low,
                .high = lines[i].high,
                .n = lines[i].n,
                .markers = lines[i].n < 16,
                .color = i};
    chart.series = series;
    chart.count = n;
    if (n) sg_page_put_chart(page, &chart, caption);
}

static void put_sanity_table(sg_page *page, const sg_explain_page *in) {
    static const char *const header[] = {
            "method", "weights drawn anew", "labels permuted", "another image", "verdict"};
    enum { COLUMNS = sizeof header / sizeof *header };
    sg_cells cells;
    if (!sg_cells_init(&cells, in->sanity_count * COLUMNS)) page->failed = true;
    for (size_t i = 0; i < in->sanity_count && cells.text && cells.cell; i++) {
        const sg_explain_sanity *s = &in->sanity[i];
        sg_cells_put(&cells, s->name);
        sg_cells_put_number(&cells, s->untrained, false);
        sg_cells_put_number(&cells, s->permuted, false);
        sg_cells_put_number(&cells, s->others, false);
        sg_cells_put(&cells, s->fails ? "fails" : "passes");
    }
    sg_cells_put_table(&cells, page, header, COLUMNS, "lrrrl",
            "Mean Spearman correlation with the map of the trained network");
}

static void put_sanity(sg_page *page, const sg_explain_page *in) {
    if (!in->sanity_count) return;
    sg_page_section(page, "Sanity checks",
            "After Adebayo et al. 2018: a map that hardly changes when the weights are drawn anew, "
            "or when the network was trained on permuted labels, does not show what was learned. "
            "A method fails above a mean correlation of 0.5.");
    put_sanity_table(page, in);
    put_lines(page, in->cascade, in->cascade_count,
            (sg_svg_chart){.title = "Weights drawn anew from the top down",
                    .x = {.label = "stages drawn anew", .whole = true},
                    .y = {.label = "rank correlation", .low = -0.5, .high = 1}},
            "Mean over images; 0 stages is the trained network itself.");
}

static void put_curves(sg_page *page, const sg_explain_page *in) {
    if (!in->curve_count) return;
    sg_page_section(page, "Deletion and insertion",
            "The probability of the class while pixels are hidden in mean grey (deletion: lower is "
            "better), or shown on mean grey (insertion: higher is better), in the order of the map "
            "(Petsiuk et al. 2018).");
    sg_svg_axis share = {.label = "share of pixels", .percent = true};
    sg_svg_axis p = {.label = "probability", .low = 0, .high = 1};
    put_lines(page, in->deletion, in->curve_count,
            (sg_svg_chart){.title = "Deletion", .x = share, .y = p}, "Mean over images.");
    put_lines(page, in->insertion, in->curve_count,
            (sg_svg_chart){.title = "Insertion", .x = share, .y = p}, "Mean over images.");
}

static void put_gates(sg_page *page, const sg_explain_page *in) {
    if (!in->gate_count) return;
    sg_page_section(page, "Squeeze-and-excitation gates",
            "Gates weight channels, not places: they say which features count, never where. Mean "
            "gate of each block by class, with the 10th and 90th percentile of its channels. Lines "
            "that lie on one another mean that the gates do not tell the classes apart.");
    put_lines(page, in->gates, in->gate_count,
            (sg_svg_chart){.title = "Gates by block and class",
                    .width = 620,
                    .height = 340,
                    .x = {.label = "gate, from the first block", .whole = true},
                    .y = {.label = "gate"}},
            NULL);
}

/* ---- burnt-in marks ---- */

static void put_marks(sg_page *page, const sg_explain_page *in) {
    static const char *const header[] = {
            "method", "share of the map on marks %", "share of the image %"};
    enum { COLUMNS = sizeof header / sizeof *header };
    sg_cells cells;
    if (!in->marked_count) return;
    sg_page_section(page, "Burnt-in marks",
            "Calipers and text tell where somebody saw a lesion. A map that lies on them more than "
            "their area gives, or an answer that changes without them, may be reading the marks.");
    sg_page_textf(page, "%zu images have marks; with these painted over, %zu change class.",
            in->marked_images, in->flipped);
    if (!sg_cells_init(&cells, in->marked_count * COLUMNS)) page->failed = true;
    for (size_t i = 0; i < in->marked_count && cells.text && cells.cell; i++) {
        sg_cells_put(&cells, in->marked[i].name);
        sg_cells_put_value(&cells, &in->marked[i].share, true);
        sg_cells_put_value(&cells, &in->marked[i].area, true);
    }
    sg_cells_put_table(&cells, page, header, COLUMNS, NULL, "Images with marks only");
    for (size_t i = 0; i < in->flipped; i++) sg_page_text(page, in->flips[i]);
}

static void put_reasons(sg_page *page, const sg_explain_page *in) {
    if (!in->abstained) return;
    sg_page_section(page, "Reasons to abstain",
            "Where the image is poor, lies outside what the model was trained on, or its members "
            "disagree, neither the answer nor its map is to be relied on.");
    for (size_t i = 0; i < in->reason_count; i++) sg_page_text(page, in->reasons[i]);
    if (in->abstained > in->reason_count)
        sg_page_textf(page, "And %zu more: see scores.csv.", in->abstained - in->reason_count);
}

sg_status sg_explain_page_write(const sg_explain_page *in, const char *path, sg_error *err) {
    sg_page page;
    sg_page_open(&page, in->table_count ? "What the maps are worth" : "Where the model looked",
            in->data);
    sg_page_add_style(&page, style);
    for (size_t i = 0; i < in->warning_count; i++)
        sg_page_warn(&page, in->warnings[2 * i], in->warnings[2 * i + 1]);
    put_reasons(&page, in);
    put_tables(&page, in);
    put_calm(&page, in);
    put_sanity(&page, in);
    put_curves(&page, in);
    put_gates(&page, in);
    put_marks(&page, in);
    if (in->picture_count) {
        sg_page_section(&page, "Images", "The image as it is, and under its map.");
        sg_page_put_images(&page, in->pictures, in->picture_count);
    }
    sg_page_section(&page, "How it was made", NULL);
    sg_page_put_facts(&page, in->facts, in->fact_count);
    return sg_page_write(&page, path, err);
}
