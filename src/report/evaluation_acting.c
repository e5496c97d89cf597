/* evaluation_acting.c - the sections of the report about acting on the answers, and about parts of
 * the images. SPDX-License-Identifier: Apache-2.0 */
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

/* ---- thresholds ---- */

static void put_points(sg_page *page, const sg_evaluation_acting *a) {
    static const char *const header[] = {"called malignant when", "threshold", "sensitivity %",
            "specificity %", "PPV %", "NPV %"};
    enum { COLUMNS = sizeof header / sizeof *header };
    sg_cells cells;
    if (!sg_cells_init(&cells, a->point_count * COLUMNS)) page->failed = true;
    for (size_t i = 0; i < a->point_count && cells.text && cells.cell; i++) {
        const sg_evaluation_point *p = &a->points[i];
        sg_cells_put(&cells, p->name);
        sg_cells_put(&cells, p->threshold);
        sg_cells_put_value(&cells, &p->sensitivity, true);
        sg_cells_put_value(&cells, &p->specificity, true);
        sg_cells_put_value(&cells, &p->ppv, true);
        sg_cells_put_value(&cells, &p->npv, true);
    }
    char caption[256], share[40];
    bool stated = isfinite(a->prevalence);
    sg_html_format_fixed(share, sizeof share, 100 * (stated ? a->prevalence : a->own_share), 1);
    snprintf(caption, sizeof caption,
            stated ? "Predictive values at the stated prevalence of %s %% malignant"
                   : "Predictive values at this set's own share of malignant images, %s %%: not "
                     "those of a clinic or of screening",
            share);
    sg_cells_put_table(&cells, page, header, COLUMNS, NULL, caption);
    if (a->reference)
        sg_page_textf(page,
                "Thresholds on the probability of malignancy were set on %s, and measured on the "
                "images here: a target may be missed.",
                a->reference);
    else
        sg_page_text(page, "No thresholds: there were no validation images, and no other folds, to "
                           "set them on.");
}

/* ---- charts ---- */

static void put_decision_curve(sg_page *page, const sg_evaluation_acting *a) {
    static const double floor_shown = -0.1; /* acting on all falls far below */
    if (a->curve_n == 0) return;
    double *zero = calloc(2 * a->curve_n, sizeof *zero), top = 0.1;
    if (!zero) {
        page->failed = true;
        return;
    }
    double *shown = zero + a->curve_n;
    for (size_t i = 0; i < a->curve_n; i++) {
        top = fmax(top, isfinite(a->net_high[i]) ? a->net_high[i] : a->net[i]);
        shown[i] = a->all[i] < floor_shown ? NAN : a->all[i];
    }
    const sg_svg_series series[] = {{.name = "the model",
                                            .x = a->threshold,
                                            .y = a->net,
                                            .n = a->curve_n,
                                            .low = a->net_low,
                                            .high = a->net_high,
                                            .markers = true,
                                            .color = 0},
            {.name = "act on all", .x = a->threshold, .y = shown, .n = a->curve_n, .color = 1},
            {.name = "act on none", .x = a->threshold, .y = zero, .n = a->curve_n, .color = 2}};
    const sg_svg_chart chart = {.title = "Decision curve, malignant against the rest",
            .height = 360,
            .x = labelled(whole_percent, "probability from which one would act"),
            .y = {.label = "net benefit per image", .low = floor_shown, .high = top},
            .series = series,
            .count = sizeof series / sizeof *series};
    sg_page_put_chart(page, &chart,
            "Malignant images acted on, less the others at the odds of the threshold (Vickers and "
            "Elkin). The model is of use where it lies above both other lines; at this set's class "
            "shares unless a prevalence was stated; then also on probabilities adjusted to it.");
    free(zero);
}

static void put_risk(sg_page *page, const sg_evaluation_acting *a) {
    const sg_svg_series series = {.x = a->coverage, .y = a->risk, .n = a->risk_n, .color = 0};
    const sg_svg_chart chart = {.title = "Errors among the images that are answered",
            .height = 360,
            .x = labelled(whole_percent, "share answered, surest first"),
            .y = {.label = "share of these that is wrong", .percent = true},
            .series = &series,
            .count = 1};
    if (a->risk_n)
        sg_page_put_chart(page, &chart,
                "What is gained by passing the least sure images on to a person (risk against "
                "coverage).");
}

static void put_risk_table(sg_page *page, const sg_evaluation_acting *a) {
    static const char *const header[] = {"answered", "wrong among them %"};
    sg_cells cells;
    if (!sg_cells_init(&cells, 2 * a->at_n)) page->failed = true;
    for (size_t i = 0; i < a->at_n && cells.text && cells.cell; i++) {
        char share[40], text[64];
        sg_html_format_fixed(share, sizeof share, 100 * a->at[i], 0);
        snprintf(text, sizeof text, "the surest %s %%", share);
        sg_cells_put_copy(&cells, text);
        sg_cells_put_value(&cells, &a->risk_at[i], true);
    }
    char caption[320], area[40], best[40], interval[96];
    sg_html_format_fixed(area, sizeof area, a->aurc.value, 4);
    sg_html_format_fixed(best, sizeof best, a->aurc_best, 4);
    sg_evaluation_format_interval(interval, sizeof interval, &a->aurc, false);
    snprintf(caption, sizeof caption,
            "Area under risk against coverage: %s%s%s%s; %s were every mistake less sure than "
            "every right answer",
            area, interval[0] ? " (" : "", interval, interval[0] ? ")" : "", best);
    sg_cells_put_table(&cells, page, header, 2, NULL, caption);
}

/* ---- sets ---- */

static void put_sets(sg_page *page, const sg_evaluation_page *e, const sg_evaluation_acting *a) {
    if (a->sets_n == 0) return;
    enum { BEFORE = 2, AFTER = 4 };
    size_t columns = BEFORE + e->class_count + AFTER;
    const char **header = calloc(columns, sizeof *header);
    sg_cells cells;
    if (!sg_cells_init(&cells, a->sets_n * columns) || !header) {
        page->failed = true;
        sg_cells_dispose(&cells);
        free(header);
        return;
    }
    header[0] = "quantile";
    header[1] = "held the truth %";
    for (size_t k = 0; k < e->class_count; k++) header[BEFORE + k] = e->classes[k].name;
    header[columns - 4] = "mean size";
    header[columns - 3] = "one class only %";
    header[columns - 2] = "right of these %";
    header[columns - 1] = "empty";
    for (size_t i = 0; i < a->sets_n; i++) {
        const sg_evaluation_sets *s = &a->sets[i];
        char size[40];
        sg_html_format_fixed(size, sizeof size, s->mean_size, 2);
        sg_cells_put(&cells, s->name);
        sg_cells_put_value(&cells, &s->coverage, true);
        for (size_t k = 0; k < e->class_count; k++)
            sg_cells_put_value(&cells, &s->by_class[k], true);
        sg_cells_put_copy(&cells, size);
        sg_cells_put_value(&cells, &s->single, true);
        sg_cells_put_number(&cells, s->single_right, true);
        sg_cells_put_count(&cells, s->empty);
    }
    char promised[40];
    sg_html_format_fixed(promised, sizeof promised, 100 * a->promised, 0);
    sg_page_heading(page, "Sets of classes with measured coverage");
    sg_page_textf(page,
            "Instead of one class, a set of classes that holds the truth in %s %% of cases. The "
            "promise holds for images like the calibration images only (here %s): for other "
            "devices, "
            "other patients or other class shares nothing is promised.",
            promised, a->reference ? a->reference : "none");
    sg_cells_put_table(&cells, page, header, columns, NULL,
            "Conformal sets, measured: share that held the truth, over all and within each class");
    free(header);
}

void sg_evaluation_put_acting(sg_page *page, const sg_evaluation_page *e) {
    const sg_evaluation_acting *a = e->acting;
    if (!a) return;
    sg_page_section(page, "Acting on it", NULL);
    if (a->point_count) {
        sg_page_heading(page, "Malignant against the rest");
        put_points(page, a);
    }
    put_decision_curve(page, a);
    put_risk(page, a);
    put_risk_table(page, a);
    put_sets(page, e, a);
}

/* ---- strata ---- */

void sg_evaluation_put_strata(sg_page *page, const sg_evaluation_page *e) {
    static const char *const one[] = {"by", "images that are", "images", "accuracy %"};
    static const char *const many[] = {"by", "images that are", "answers", "accuracy %"};
    enum { COLUMNS = 4 };
    if (e->stratum_count + e->undivided_count == 0) return;
    sg_page_section(page, "Parts of the images", NULL);
    for (size_t i = 0; i < e->undivided_count; i++)
        sg_page_textf(
                page, "Not by %s: too many images are alike in it to be divided.", e->undivided[i]);
    if (e->stratum_count == 0) return;
    sg_cells cells;
    if (!sg_cells_init(&cells, e->stratum_count * COLUMNS)) page->failed = true;
    for (size_t i = 0; i < e->stratum_count && cells.text && cells.cell; i++) {
        const sg_evaluation_stratum *s = &e->strata[i];
        sg_cells_put(&cells, s->kind);
        sg_cells_put(&cells, s->name);
        sg_cells_put_count(&cells, s->images);
        sg_cells_put_value(&cells, &s->accuracy, true);
    }
    sg_cells_put_table(&cells, page, e->runs > 1 ? many : one, COLUMNS, "llrr",
            "Accuracy with 95 % intervals; the parts were fixed before any figure was seen, and "
            "small ones differ by chance");
}
