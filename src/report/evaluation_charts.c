/* evaluation_charts.c - the charts of the evaluation report: ROC, precision-recall, reliability,
 * training curves and the dots of the folds.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/evaluation_parts.h"

#include "report/html.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const sg_svg_axis whole_percent = {.low = 0, .high = 1, .percent = true};

static sg_svg_axis labelled(sg_svg_axis axis, const char *label) {
    axis.label = label;
    return axis;
}

/* ---- ROC and precision-recall ---- */

static const char *curve_caption(bool roc, bool folds) {
    static const char *const captions[2][2] = {
            {"Average precision behind each name; chance is the share of the class.",
                    "Curves and average precision pool all folds, which mixes the scores of "
                    "several "
                    "models; chance is the share of the class."},
            {"Area under the curve behind each name; the dashed line is chance.",
                    "Curves pool all folds, which mixes the scores of several models; the areas "
                    "behind "
                    "the names are those of the class table. The dashed line is chance."}};
    return captions[roc][folds];
}

static void put_class_curves(sg_page *page, const sg_evaluation_page *e, bool roc) {
    sg_svg_series *series = calloc(e->class_count, sizeof *series);
    char(*names)[SG_CELL] = calloc(e->class_count, sizeof *names);
    size_t count = 0;
    if (!series || !names) page->failed = true;
    for (size_t k = 0; k < e->class_count && series && names; k++) {
        const sg_evaluation_class *c = &e->classes[k];
        size_t n = roc ? c->roc_n : c->pr_n;
        char number[40];
        if (n == 0) continue;
        sg_html_format_fixed(number, sizeof number, roc ? c->auroc.value : c->average_precision, 3);
        snprintf(names[count], SG_CELL, "%s %s", c->name, number);
        series[count] = (sg_svg_series){.name = names[count],
                .x = roc ? c->roc_x : c->pr_x,
                .y = roc ? c->roc_y : c->pr_y,
                .n = n,
                .steps = !roc,
                .color = k};
        count++;
    }
    if (count) {
        sg_svg_chart chart = {.title = roc ? "ROC, each class against the rest"
                                           : "Precision-recall, each class against the rest",
                .x = labelled(whole_percent, roc ? "1 - specificity" : "recall (sensitivity)"),
                .y = labelled(whole_percent, roc ? "sensitivity" : "precision"),
                .height = 380,
                .series = series,
                .count = count,
                .diagonal = roc};
        sg_page_put_chart(page, &chart, curve_caption(roc, e->fold_count > 1));
    }
    free(series);
    free(names);
}

/* ---- calibration ---- */

/* Ten bins of fewer than five images each have intervals as wide as the chart. */
enum { BINS_MAX = 64, RELIABILITY_IMAGES_MIN = 50 };

/* The points of one reliability curve. */
typedef struct reliability {
    double x[BINS_MAX], y[BINS_MAX], low[BINS_MAX], high[BINS_MAX];
} reliability;

static sg_svg_series reliability_series(
        reliability *r, const sg_evaluation_calibration *c, const char *name, size_t color) {
    size_t n = c->bin_count < BINS_MAX ? c->bin_count : BINS_MAX;
    for (size_t i = 0; i < n; i++) {
        r->x[i] = c->bins[i].confidence;
        r->y[i] = c->bins[i].accuracy;
        r->low[i] = c->bins[i].low;
        r->high[i] = c->bins[i].high;
    }
    return (sg_svg_series){.name = name,
            .x = r->x,
            .y = r->y,
            .low = r->low,
            .high = r->high,
            .n = n,
            .markers = true,
            .color = color};
}

static void put_reliability(sg_page *page, const sg_evaluation_page *e) {
    const sg_evaluation_calibration *mended = e->recalibration;
    reliability points[2];
    sg_svg_series series[2] = {reliability_series(
            &points[0], e->calibration, mended ? "as the model answers" : NULL, 0)};
    if (mended) series[1] = reliability_series(&points[1], mended, "calibrated", 1);
    const sg_svg_chart chart = {.title = "Reliability of the stated probability",
            .height = 380,
            .x = labelled(whole_percent, "stated probability of the top class"),
            .y = labelled(whole_percent, "share that was right"),
            .series = series,
            .count = mended ? 2 : 1,
            .diagonal = true};
    sg_page_put_chart(page, &chart,
            e->calibration->bins_by_wilson
                    ? "Bins of equally many images with 95 % Wilson intervals; on the dashed line, "
                      "stated probabilities come true."
                    : "Bins of equally many images with 95 % intervals by bootstrap over groups; "
                      "on "
                      "the dashed line, stated probabilities come true.");
}

/* "0.0213 (0.0102-0.0403)" */
static void describe(char *out, size_t size, const sg_evaluation_value *v) {
    char value[40], low[40], high[40];
    sg_html_format_fixed(value, sizeof value, v->value, 4);
    sg_html_format_fixed(low, sizeof low, v->low, 4);
    sg_html_format_fixed(high, sizeof high, v->high, 4);
    bool interval = isfinite(v->low) && isfinite(v->high);
    snprintf(out, size, interval ? "%s (%s\xE2\x80\x93%s)" : "%s", value, low, high);
}

static void put_calibration_facts(
        sg_page *page, const sg_evaluation_calibration *c, const char *heading) {
    char ece[160], plain[64], brier[160], parts[256], log_loss[160], temperature[64];
    char part[3][40];
    describe(ece, sizeof ece, &c->ece_debiased);
    describe(brier, sizeof brier, &c->brier);
    describe(log_loss, sizeof log_loss, &c->log_loss);
    sg_html_format_fixed(plain, sizeof plain, c->ece, 4);
    sg_html_format_fixed(temperature, sizeof temperature, c->temperature, 4);
    const double values[3] = {c->miscalibration, c->discrimination, c->uncertainty};
    for (int i = 0; i < 3; i++) sg_html_format_fixed(part[i], sizeof part[i], values[i], 4);
    snprintf(parts, sizeof parts,
            "miscalibration %s less discrimination %s plus uncertainty %s (of the class shares)",
            part[0], part[1], part[2]);
    const sg_page_fact facts[] = {{"Calibration error, debiased", ece},
            {"Calibration error, plain", plain}, {"Brier score (0 to 2)", brier},
            {"Its parts", isfinite(c->uncertainty) ? parts : NULL}, {"Log loss", log_loss},
            {"Temperature", isfinite(c->temperature) ? temperature : NULL}, {"Fitted", c->note}};
    sg_page_heading(page, heading);
    sg_page_put_facts(page, facts, sizeof facts / sizeof *facts);
}

void sg_evaluation_put_curves(sg_page *page, const sg_evaluation_page *e) {
    bool any = e->calibration != NULL;
    for (size_t k = 0; k < e->class_count; k++)
        any = any || e->classes[k].roc_n || e->classes[k].pr_n;
    if (!any) return;
    sg_page_section(page, "Ranking and calibration", NULL);
    put_class_curves(page, e, true);
    put_class_curves(page, e, false);
    if (!e->calibration) return;
    if (e->images < RELIABILITY_IMAGES_MIN)
        sg_page_textf(page,
                "No reliability curve: it needs %d images or more to tell anything, and there are "
                "%zu.",
                RELIABILITY_IMAGES_MIN, e->images);
    else if (e->calibration->bin_count)
        put_reliability(page, e);
    put_calibration_facts(page, e->calibration,
            e->recalibration ? "Calibration, as the model answers" : "Calibration");
    if (e->recalibration)
        put_calibration_facts(page, e->recalibration, "Calibration, with probabilities mended");
}

/* ---- folds ---- */

typedef const double *(*pick_curve)(const sg_evaluation_fold *fold);
static const double *pick_train_loss(const sg_evaluation_fold *f) {
    return f->train_loss;
}
static const double *pick_val_loss(const sg_evaluation_fold *f) {
    return f->val_loss;
}
static const double *pick_val_accuracy(const sg_evaluation_fold *f) {
    return f->val_accuracy;
}
static const double *pick_val_macro_f1(const sg_evaluation_fold *f) {
    return f->val_macro_f1;
}

/* All folds of up to two kinds of curve in one chart; left out when none was recorded. */
static void put_fold_chart(sg_page *page, const sg_evaluation_page *e, const char *title,
        sg_svg_axis y, const pick_curve pick[2], const char *const names[2],
        const size_t colors[2]) {
    sg_svg_series *series = calloc(2 * e->fold_count, sizeof *series);
    size_t count = 0;
    if (!series) {
        page->failed = true;
        return;
    }
    for (int kind = 0; kind < 2; kind++) {
        const char *name = names[kind];
        for (size_t i = 0; i < e->fold_count; i++) {
            const sg_evaluation_fold *fold = &e->folds[i];
            const double *values = pick[kind](fold);
            if (!values || fold->epochs == 0) continue;
            series[count++] = (sg_svg_series){.name = name,
                    .y = values,
                    .n = fold->epochs,
                    .markers = fold->epochs == 1, /* no line goes through one point */
                    .faint = e->fold_count > 1,
                    .color = colors[kind]};
            name = NULL; /* one key for all folds */
        }
    }
    const sg_svg_chart chart = {.title = title,
            .x = {.label = "epoch", .whole = true},
            .y = y,
            .series = series,
            .count = count};
    if (count)
        sg_page_put_chart(
                page, &chart, e->fold_count > 1 ? "One line per model." : "Over the epochs.");
    free(series);
}

static void put_dots(sg_page *page, const sg_evaluation_page *e) {
    enum { FIGURES = 4 };
    static const char *const names[FIGURES] = {
            "accuracy", "macro F1", "macro AUROC", "sensitivity"};
    double *dots = calloc(FIGURES * e->fold_count, sizeof *dots);
    sg_svg_box boxes[FIGURES];
    size_t count = 0;
    if (!dots) {
        page->failed = true;
        return;
    }
    for (size_t s = 0; s < FIGURES; s++) {
        double *at = dots + s * e->fold_count, sum = 0;
        size_t known = 0;
        for (size_t i = 0; i < e->fold_count; i++) {
            const sg_evaluation_fold *f = &e->folds[i];
            const double values[FIGURES] = {
                    f->accuracy, f->macro_f1, f->auroc_macro, f->sensitivity_malignant};
            at[i] = values[s];
            if (!isfinite(at[i])) continue;
            sum += at[i];
            known++;
        }
        if (known)
            boxes[count++] = (sg_svg_box){.name = names[s],
                    .dots = at,
                    .dot_count = e->fold_count,
                    .center = sum / (double)known};
    }
    sg_svg_boxes chart = {
            .title = e->runs > 1 ? "Each run and fold by itself" : "Each fold by itself",
            .y = {.percent = true},
            .boxes = boxes,
            .count = count};
    sg_str svg;
    sg_str_init(&svg, 0);
    sg_svg_put_boxes(&svg, &chart);
    if (count)
        sg_page_put_svg(page, &svg,
                e->runs > 1 ? "A dot per run and fold, left to right in the order of the table; "
                              "the bar is their mean. Sensitivity is that for malignant."
                            : "A dot per fold, left to right in the order of the table; the bar is "
                              "their mean. "
                              "Sensitivity is that for malignant.");
    sg_str_dispose(&svg);
    free(dots);
}

static void put_fold_table(sg_page *page, const sg_evaluation_page *e) {
    static const char *const header[] = {
            "fold", "images", "accuracy %", "macro F1", "macro AUROC", "sensitivity, malignant %"};
    enum { COLUMNS = sizeof header / sizeof *header };
    sg_cells cells;
    if (!sg_cells_init(&cells, e->fold_count * COLUMNS)) page->failed = true;
    for (size_t i = 0; i < e->fold_count && cells.text && cells.cell; i++) {
        const sg_evaluation_fold *f = &e->folds[i];
        sg_cells_put(&cells, f->name);
        sg_cells_put_count(&cells, f->images);
        sg_cells_put_number(&cells, f->accuracy, true);
        sg_cells_put_number(&cells, f->macro_f1, false);
        sg_cells_put_number(&cells, f->auroc_macro, false);
        sg_cells_put_number(&cells, f->sensitivity_malignant, true);
    }
    sg_cells_put_table(&cells, page, header, COLUMNS, NULL,
            e->official_folds
                    ? "Images of each fold as the data's authors drew it, all scored by "
                      "this model: how far the figures vary within the set"
                    : "Test images of each fold, scored by the model that never saw them");
}

void sg_evaluation_put_folds(sg_page *page, const sg_evaluation_page *e) {
    if (e->fold_count == 0) return;
    sg_page_section(page,
            e->official_folds   ? "The set's official folds"
            : e->runs > 1       ? "Run by run"
            : e->fold_count > 1 ? "Fold by fold"
                                : "Training",
            NULL);
    put_fold_chart(page, e, "Loss", (sg_svg_axis){.label = "loss"},
            (const pick_curve[2]){pick_train_loss, pick_val_loss},
            (const char *const[2]){"training", "validation"}, (const size_t[2]){0, 1});
    put_fold_chart(page, e, "Validation figures", (sg_svg_axis){.percent = true},
            (const pick_curve[2]){pick_val_accuracy, pick_val_macro_f1},
            (const char *const[2]){"accuracy", "macro F1"}, (const size_t[2]){1, 2});
    if (e->fold_count > 1) {
        put_dots(page, e);
        put_fold_table(page, e);
    }
}
