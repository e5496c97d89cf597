/* leakage.c - see leakage.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/leakage.h"
#include "report/evaluation_parts.h"
#include "report/html.h"
#include <stdio.h>
#include <stdlib.h>

enum { ARMS_MAX = 16, POINTS_MAX = 32 };

/* "+6.1 (3.2 to 9.4)" in points of a hundred. */
static void put_points(sg_cells *cells, const sg_evaluation_value *worth, bool reference) {
    char text[160], value[40], low[40], high[40];
    const char *sign = worth->value > 0 ? "+" : "";
    if (reference) {
        sg_cells_put(cells, "reference");
        return;
    }
    sg_evaluation_format_value(value, sizeof value, worth->value, true);
    sg_evaluation_format_value(low, sizeof low, worth->low, true);
    sg_evaluation_format_value(high, sizeof high, worth->high, true);
    if (isfinite(worth->low))
        (void)snprintf(text, sizeof text, "%s%s (%s to %s)", sign, value, low, high);
    else
        (void)snprintf(text, sizeof text, "%s%s", sign, value);
    sg_cells_put_copy(cells, text);
}

static void put_table(sg_page *page, const sg_leakage_page *in) {
    static const char *const header[] = {"arm", "images", "groups", "accuracy %", "macro F1",
            "macro AUROC", "worth, points of accuracy", "worth on the reference's images",
            "p (Holm)"};
    enum { COLUMNS = sizeof header / sizeof *header };
    sg_cells cells;
    if (!sg_cells_init(&cells, in->arm_count * COLUMNS)) page->failed = true;
    for (size_t i = 0; i < in->arm_count && cells.text && cells.cell; i++) {
        const sg_leakage_arm *a = &in->arms[i];
        char p[40];
        sg_cells_put(&cells, a->name);
        sg_cells_put_count(&cells, a->images);
        sg_cells_put_count(&cells, a->groups);
        sg_cells_put_value(&cells, &a->accuracy, true);
        sg_cells_put_value(&cells, &a->macro_f1, false);
        sg_cells_put_value(&cells, &a->auroc, false);
        put_points(&cells, &a->worth, a->reference);
        put_points(&cells, &a->worth_shared, a->reference);
        sg_cells_put_copy(&cells, sg_html_format_fixed(p, sizeof p, a->reference ? NAN : a->p, 3));
    }
    sg_cells_put_table(&cells, page, header, COLUMNS, NULL, in->interval_method);
}

static void put_accuracy(sg_page *page, const sg_leakage_page *in) {
    const char *names[ARMS_MAX];
    double values[ARMS_MAX], low[ARMS_MAX], high[ARMS_MAX];
    size_t n = in->arm_count < ARMS_MAX ? in->arm_count : ARMS_MAX;
    for (size_t i = 0; i < n; i++) {
        names[i] = in->arms[i].name;
        values[i] = in->arms[i].accuracy.value;
        low[i] = in->arms[i].accuracy.low;
        high[i] = in->arms[i].accuracy.high;
    }
    const sg_svg_bars bars = {.title = "Accuracy of the same budget under each habit",
            .y = {.percent = true, .label = "accuracy"},
            .categories = names,
            .category_count = n,
            .series_count = 1,
            .values = values,
            .low = low,
            .high = high,
            .values_shown = true,
            .decimals = 1};
    sg_str svg;
    sg_str_init(&svg, 0);
    sg_svg_put_bars(&svg, &bars);
    sg_page_put_svg(page, &svg, "With 95 % intervals. Only the split and the images differ.");
    sg_str_dispose(&svg);
}

static void put_dots(sg_page *page, const sg_leakage_page *in) {
    sg_svg_box boxes[ARMS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < in->arm_count && n < ARMS_MAX; i++) {
        const sg_leakage_arm *a = &in->arms[i];
        double sum = 0;
        for (size_t f = 0; f < a->fold_count; f++) sum += a->folds[f];
        if (a->fold_count)
            boxes[n++] = (sg_svg_box){.name = a->name,
                    .dots = a->folds,
                    .dot_count = a->fold_count,
                    .center = sum / (double)a->fold_count};
    }
    if (!n) return;
    const sg_svg_boxes chart = {.title = "Accuracy of each fold",
            .y = {.percent = true, .label = "accuracy"},
            .boxes = boxes,
            .count = n};
    sg_str svg;
    sg_str_init(&svg, 0);
    sg_svg_put_boxes(&svg, &chart);
    sg_page_put_svg(page, &svg, "A dot per fold, left to right; the bar is their mean.");
    sg_str_dispose(&svg);
}

static void put_meanings(sg_page *page, const sg_leakage_page *in) {
    sg_page_fact facts[ARMS_MAX];
    size_t n = in->arm_count < ARMS_MAX ? in->arm_count : ARMS_MAX;
    for (size_t i = 0; i < n; i++) facts[i] = (sg_page_fact){in->arms[i].name, in->arms[i].meaning};
    sg_page_heading(page, "What the arms are");
    sg_page_put_facts(page, facts, n);
}

static void put_pictures(sg_page *page, const sg_leakage_page *in) {
    sg_page_image images[8];
    size_t n = in->picture_count < 8 ? in->picture_count : 8;
    for (size_t i = 0; i < n; i++)
        images[i] = (sg_page_image){.bytes = in->pictures[i].png,
                .size = in->pictures[i].size,
                .alt = in->pictures[i].title,
                .title = in->pictures[i].title,
                .detail = in->pictures[i].detail};
    if (!n) return;
    sg_page_heading(page, "What the network was shown");
    sg_page_put_images(page, images, n);
}

static void put_curve_table(sg_page *page, const sg_leakage_page *in) {
    static const char *const header[] = {
            "share of training images %", "training images", "accuracy %", "macro F1"};
    enum { COLUMNS = sizeof header / sizeof *header };
    sg_cells cells;
    if (!sg_cells_init(&cells, in->point_count * COLUMNS)) page->failed = true;
    for (size_t i = 0; i < in->point_count && cells.text && cells.cell; i++) {
        const sg_leakage_point *p = &in->points[i];
        sg_cells_put_number(&cells, p->share, true);
        sg_cells_put_count(&cells, (size_t)(p->train_images + 0.5));
        sg_cells_put_value(&cells, &p->accuracy, true);
        sg_cells_put_value(&cells, &p->macro_f1, false);
    }
    sg_cells_put_table(&cells, page, header, COLUMNS, "rrrr",
            "The same test images throughout; training images are the mean over folds");
}

static void put_curve(sg_page *page, const sg_leakage_page *in) {
    double x[POINTS_MAX], y[POINTS_MAX], low[POINTS_MAX], high[POINTS_MAX];
    size_t n = in->point_count < POINTS_MAX ? in->point_count : POINTS_MAX;
    if (!n) return;
    for (size_t i = 0; i < n; i++) {
        x[i] = in->points[i].train_images;
        y[i] = in->points[i].accuracy.value;
        low[i] = in->points[i].accuracy.low;
        high[i] = in->points[i].accuracy.high;
    }
    const sg_svg_series series = {
            .x = x, .y = y, .low = low, .high = high, .n = n, .markers = true};
    const sg_svg_chart chart = {.title = "Accuracy against training images",
            .x = {.label = "training images", .logarithmic = true},
            .y = {.label = "accuracy", .percent = true},
            .series = &series,
            .count = 1};
    sg_page_section(page, "Learning curve",
            "Grouped folds whose training part is thinned by whole groups; a smaller set is part "
            "of a larger one. Epochs stay the same, so that fewer images also mean fewer steps.");
    sg_page_put_chart(page, &chart, "With 95 % intervals.");
    put_curve_table(page, in);
}

sg_status sg_leakage_page_write(const sg_leakage_page *in, const char *path, sg_error *err) {
    sg_page page;
    sg_page_open(&page, "What leakage is worth", in->data);
    for (size_t i = 0; i < in->warning_count; i++)
        sg_page_warn(&page, in->warnings[2 * i], in->warnings[2 * i + 1]);
    sg_page_section(&page, "Points of fiction",
            "One budget, trained again and again; only what separates training from test differs. "
            "Positive points are accuracy that a habit reports and a new patient would not see.");
    put_table(&page, in);
    put_accuracy(&page, in);
    put_dots(&page, in);
    put_meanings(&page, in);
    put_pictures(&page, in);
    put_curve(&page, in);
    sg_page_section(&page, "How it was made", NULL);
    sg_page_put_facts(&page, in->facts, in->fact_count);
    sg_page_note(&page,
            "An interval covers which groups of images were drawn, not how another start of the "
            "same training would end; the spread of the folds gives an idea of that.");
    return sg_page_write(&page, path, err);
}
