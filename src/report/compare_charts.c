/* compare_charts.c - see compare_parts.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/compare_parts.h"
#include "report/html.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME = 96 };

void sg_compare_put_dots(sg_page *page, const sg_compare_page *in) {
    sg_svg_box *boxes = calloc(in->arm_count + 1, sizeof *boxes);
    size_t n = 0;
    for (size_t i = 0; i < in->arm_count && boxes; i++) {
        const sg_compare_arm *a = &in->arms[i];
        double sum = 0;
        for (size_t f = 0; f < a->fold_count; f++) sum += a->folds[f];
        if (a->fold_count)
            boxes[n++] = (sg_svg_box){.name = a->name,
                    .dots = a->folds,
                    .dot_count = a->fold_count,
                    .center = sum / (double)a->fold_count};
    }
    const sg_svg_boxes chart = {.title = "Accuracy of each fold",
            .width = n > 5 ? 92.0 * (double)n : 0,
            .y = {.percent = true, .label = "accuracy"},
            .boxes = boxes,
            .count = n};
    sg_str svg;
    sg_str_init(&svg, 0);
    if (n) {
        sg_svg_put_boxes(&svg, &chart);
        sg_page_put_svg(page, &svg, "A dot per fold, left to right; the bar is their mean.");
    }
    sg_str_dispose(&svg);
    if (!boxes) page->failed = true;
    free(boxes);
}

/* Pairs as rows would need words on the axis: they are numbered in the table's order instead. */
void sg_compare_put_forest(sg_page *page, const sg_compare_page *in) {
    size_t n = in->pair_count;
    double *block = malloc((4 * n + 4) * sizeof *block);
    if (!block) {
        page->failed = true;
        return;
    }
    double *y = block, *low = block + n, *high = low + n, *zero = high + n;
    for (size_t i = 0; i < n; i++) {
        y[i] = 100 * in->pairs[i].accuracy.value;
        low[i] = 100 * in->pairs[i].accuracy.low;
        high[i] = 100 * in->pairs[i].accuracy.high;
    }
    zero[0] = zero[1] = 0;
    double ends[2] = {0.5, (double)n + 0.5};
    const sg_svg_series series[] = {{.x = ends, .y = zero, .n = 2, .faint = true, .color = 6},
            {.y = y, .low = low, .high = high, .n = n, .markers = true, .no_line = true}};
    const sg_svg_chart chart = {.title = "Differences in accuracy",
            .x = {.label = "row of the table", .whole = true, .low = 0.5, .high = ends[1]},
            .y = {.label = "points"},
            .series = series,
            .count = 2};
    sg_page_put_chart(page, &chart,
            "An interval that leaves out 0 is a difference beyond the draw "
            "of images; with many pairs some do so by chance.");
    free(block);
}

void sg_compare_put_confusion(sg_page *page, const sg_compare_page *in) {
    sg_page_section(page, "Confusion matrices", NULL);
    for (size_t i = 0; i < in->arm_count; i++) {
        const sg_svg_matrix matrix = {.title = in->arms[i].name,
                .row_label = "truth",
                .column_label = "predicted",
                .classes = in->classes,
                .class_count = in->class_count,
                .counts = in->arms[i].confusion};
        sg_str svg;
        sg_str_init(&svg, 0);
        sg_svg_put_matrix(&svg, &matrix);
        sg_page_put_svg(page, &svg, "Count and share of the row.");
        sg_str_dispose(&svg);
    }
}

void sg_compare_put_roc(sg_page *page, const sg_compare_page *in) {
    sg_svg_series *series = calloc(in->arm_count + 1, sizeof *series);
    size_t used = 0;
    for (size_t i = 0; i < in->arm_count && series; i++) {
        const sg_compare_arm *a = &in->arms[i];
        if (a->roc_n)
            series[used++] = (sg_svg_series){
                    .name = a->name, .x = a->roc_x, .y = a->roc_y, .n = a->roc_n, .color = i};
    }
    const sg_svg_chart chart = {.title = "ROC, malignant against the rest",
            .height = 400,
            .x = {.label = "1 - specificity", .percent = true, .low = 0, .high = 1},
            .y = {.label = "sensitivity", .percent = true, .low = 0, .high = 1},
            .series = series,
            .count = used,
            .diagonal = true};
    if (used) {
        sg_page_section(page, "ROC", NULL);
        sg_page_put_chart(page, &chart,
                "Folds pooled: a curve mixes the models of its folds. The AUROC of the table is "
                "the "
                "mean of the folds' values.");
    }
    if (!series) page->failed = true;
    free(series);
}

/* ---- curves ---- */

typedef const double *(*pick_curve)(const sg_compare_curve *curve);
static const double *pick_train_loss(const sg_compare_curve *c) {
    return c->train_loss;
}
static const double *pick_val_loss(const sg_compare_curve *c) {
    return c->val_loss;
}
static const double *pick_val_accuracy(const sg_compare_curve *c) {
    return c->val_accuracy;
}

static bool put_kind(sg_page *page, const sg_compare_page *in, const char *title, sg_svg_axis y,
        pick_curve pick) {
    size_t most = 0, used = 0;
    for (size_t i = 0; i < in->arm_count; i++) most += in->arms[i].curve_count;
    sg_svg_series *series = calloc(most + 1, sizeof *series);
    if (!series) {
        page->failed = true;
        return false;
    }
    for (size_t i = 0; i < in->arm_count; i++) {
        const char *name = in->arms[i].name;
        for (size_t f = 0; f < in->arms[i].curve_count; f++) {
            const sg_compare_curve *c = &in->arms[i].curves[f];
            if (!pick(c) || !c->epochs) continue;
            series[used++] = (sg_svg_series){.name = name,
                    .y = pick(c),
                    .n = c->epochs,
                    .faint = in->arms[i].curve_count > 1,
                    .color = i};
            name = NULL;
        }
    }
    const sg_svg_chart chart = {.title = title,
            .x = {.label = "epoch", .whole = true},
            .y = y,
            .series = series,
            .count = used};
    if (used) sg_page_put_chart(page, &chart, "A line per fold; every arm on the same scale.");
    free(series);
    return used > 0;
}

void sg_compare_put_curves(sg_page *page, const sg_compare_page *in) {
    sg_page_section(page, "Training", NULL);
    put_kind(page, in, "Training loss", (sg_svg_axis){.label = "loss"}, pick_train_loss);
    put_kind(page, in, "Validation loss", (sg_svg_axis){.label = "loss"}, pick_val_loss);
    bool validated = put_kind(page, in, "Validation accuracy",
            (sg_svg_axis){.percent = true, .label = "accuracy"}, pick_val_accuracy);
    if (!validated)
        sg_page_text(page,
                "Accuracy over the epochs was not measured: no images were set aside for "
                "validation, since nothing was chosen. --set val-share=0.15 sets some aside.");
}

void sg_compare_put_ranges(sg_page *page, const sg_compare_page *in) {
    size_t most = 0, used = 0;
    for (size_t i = 0; i < in->arm_count; i++) most += in->arms[i].fold_count;
    sg_svg_series *series = calloc(most + 1, sizeof *series);
    if (!series) {
        page->failed = true;
        return;
    }
    for (size_t i = 0; i < in->arm_count; i++) {
        const char *name = in->arms[i].name;
        for (size_t f = 0; in->arms[i].ranges && f < in->arms[i].fold_count; f++) {
            const sg_compare_range *r = &in->arms[i].ranges[f];
            series[used++] = (sg_svg_series){.name = name,
                    .x = r->rate,
                    .y = r->loss,
                    .n = r->steps,
                    .faint = true,
                    .color = i};
            name = NULL;
        }
    }
    const sg_svg_chart chart = {.title = "Range tests",
            .x = {.label = "learning rate", .logarithmic = true},
            .y = {.label = "smoothed training loss"},
            .series = series,
            .count = used};
    if (used) sg_page_put_chart(page, &chart, "A line per fold.");
    free(series);
}
