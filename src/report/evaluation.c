/* evaluation.c - see evaluation.h: the order of the page, its key figures and its class table. The
 * other parts are in evaluation_text.c, evaluation_cohort.c, evaluation_charts.c and
 * evaluation_failures.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/evaluation.h"

#include "report/evaluation_parts.h"
#include "report/paper.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- key figures ---- */

static void put_key_figures(sg_page *page, const sg_evaluation_page *e) {
    const struct {
        const char *name;
        const sg_evaluation_value *value;
        bool percent, wanted;
    } keys[] = {
            {"accuracy", &e->accuracy, true, true},
            {"macro F1", &e->f1_macro, false, true},
            {"macro AUROC", &e->auroc_macro, false, true},
            {"sensitivity, malignant", &e->sensitivity_malignant, true, e->malignant >= 0},
            {"specificity, malignant", &e->specificity_malignant, true, e->malignant >= 0},
            {"balanced accuracy", &e->balanced_accuracy, true, true},
    };
    enum { KEYS = sizeof keys / sizeof *keys };
    char value[KEYS][64], detail[KEYS][96];
    sg_page_figure figures[KEYS];
    size_t count = 0;
    for (size_t i = 0; i < KEYS; i++) {
        if (!keys[i].wanted) continue;
        char number[40], interval[40];
        bool known = isfinite(keys[i].value->value);
        sg_evaluation_format_value(number, sizeof number, keys[i].value->value, keys[i].percent);
        sg_evaluation_format_interval(interval, sizeof interval, keys[i].value, keys[i].percent);
        snprintf(value[count], sizeof value[count], keys[i].percent && known ? "%s %%" : "%s",
                number);
        snprintf(detail[count], sizeof detail[count], interval[0] ? "(%s)" : "no interval",
                interval);
        figures[count] = (sg_page_figure){keys[i].name, value[count], detail[count]};
        count++;
    }
    sg_page_section(page, "Key figures", NULL);
    sg_page_put_figures(page, figures, count);
    if (e->auroc_note) sg_page_textf(page, "AUROC: %s.", e->auroc_note);
    if (e->facts.interval_method)
        sg_page_textf(page, "In brackets: confidence intervals (%s).", e->facts.interval_method);
    else
        sg_page_text(page, "In brackets: 95 % confidence intervals.");
    if (e->redraws)
        sg_page_textf(page, "%zu bootstrap draws lacked a class and were drawn again.", e->redraws);
}

/* ---- classes ---- */

static void put_class_table(sg_page *page, const sg_evaluation_page *e) {
    const char *const header[] = {"class", e->runs > 1 ? "answers" : "images", "precision %",
            "recall % (sensitivity)", "specificity %", "F1", "AUROC", "AP"};
    enum { COLUMNS = sizeof header / sizeof *header };
    sg_cells cells;
    if (!sg_cells_init(&cells, (e->class_count + 1) * COLUMNS)) {
        page->failed = true;
        sg_cells_dispose(&cells);
        return;
    }
    const sg_evaluation_value none = SG_EVALUATION_VALUE_NONE;
    for (size_t k = 0; k < e->class_count; k++) {
        const sg_evaluation_class *c = &e->classes[k];
        sg_cells_put(&cells, c->name);
        sg_cells_put_count(&cells, c->support);
        sg_cells_put_value(&cells, &c->precision, true);
        sg_cells_put_value(&cells, &c->recall, true);
        sg_cells_put_value(&cells, &c->specificity, true);
        sg_cells_put_value(&cells, &c->f1, false);
        sg_cells_put_value(&cells, &c->auroc, false);
        sg_cells_put_number(&cells, c->average_precision, false);
    }
    sg_cells_put(&cells, "macro average");
    sg_cells_put_count(&cells, e->images);
    sg_cells_put_value(&cells, &e->precision_macro, true);
    sg_cells_put_value(&cells, &e->recall_macro, true);
    sg_cells_put_value(&cells, &none, true);
    sg_cells_put_value(&cells, &e->f1_macro, false);
    sg_cells_put_value(&cells, &e->auroc_macro, false);
    sg_cells_put_value(&cells, &none, false);
    sg_page_table table = SG_PAGE_TABLE_INIT;
    table.caption =
            "Each class against the rest, with 95 % intervals; macro: mean over classes; AP: "
            "average precision";
    table.header = header;
    table.cells = cells.cell;
    table.rows = e->class_count + 1;
    table.columns = COLUMNS;
    table.strong_row = (int)e->class_count;
    sg_page_put_table(page, &table);
    sg_cells_dispose(&cells);
}

static void put_confusion(sg_page *page, const sg_evaluation_page *e) {
    sg_cells names;
    if (!sg_cells_init(&names, e->class_count)) page->failed = true;
    for (size_t k = 0; k < e->class_count && names.cell; k++)
        sg_cells_put(&names, e->classes[k].name);
    if (names.count == e->class_count) {
        const sg_svg_matrix matrix = {.title = "Confusion matrix",
                .row_label = "truth",
                .column_label = "predicted",
                .classes = names.cell,
                .class_count = e->class_count,
                .counts = e->confusion};
        sg_str svg;
        sg_str_init(&svg, 0);
        sg_svg_put_matrix(&svg, &matrix);
        sg_page_put_svg(page, &svg, "Images, and their share of the row (of the true class).");
        sg_str_dispose(&svg);
    }
    sg_cells_dispose(&names);
}

static void put_bars(sg_page *page, const sg_evaluation_page *e) {
    enum { FIGURES = 3 };
    static const char *const series[FIGURES] = {"precision", "recall", "specificity"};
    sg_cells names = {0};
    size_t cells = FIGURES * e->class_count;
    double *values = NULL;
    if (!sg_cells_init(&names, e->class_count) || !(values = calloc(3 * cells, sizeof *values))) {
        page->failed = true;
        sg_cells_dispose(&names);
        return;
    }
    for (size_t k = 0; k < e->class_count; k++) {
        const sg_evaluation_class *c = &e->classes[k];
        const sg_evaluation_value *from[FIGURES] = {&c->precision, &c->recall, &c->specificity};
        sg_cells_put(&names, c->name);
        for (size_t s = 0; s < FIGURES; s++) {
            values[s * e->class_count + k] = from[s]->value;
            values[cells + s * e->class_count + k] = from[s]->low;
            values[2 * cells + s * e->class_count + k] = from[s]->high;
        }
    }
    const sg_svg_bars bars = {.title = "By class",
            .y = {.low = 0, .high = 1, .percent = true},
            .height = 378,
            .categories = names.cell,
            .category_count = e->class_count,
            .series = series,
            .series_count = FIGURES,
            .values = values,
            .low = values + cells,
            .high = values + 2 * cells};
    sg_str svg;
    sg_str_init(&svg, 0);
    sg_svg_put_bars(&svg, &bars);
    sg_page_put_svg(page, &svg, "Thin lines are 95 % intervals; bars stand in the key's order.");
    sg_str_dispose(&svg);
    sg_cells_dispose(&names);
    free(values);
}

/* ---- the page ---- */

static void put_paper(sg_page *page, const sg_evaluation_page *e) {
    char name[160], interval[40];
    snprintf(name, sizeof name, "here: %s, split by %s",
            e->facts.model ? e->facts.model : "this run",
            e->facts.split_unit ? e->facts.split_unit : "an unknown unit");
    sg_evaluation_format_interval(interval, sizeof interval, &e->accuracy, true);
    const sg_paper_ours ours = {name, e->accuracy.value, e->precision_macro.value,
            e->recall_macro.value, e->f1_macro.value, interval[0] ? interval : NULL};
    sg_paper_put_section(page, &ours, 1);
}

sg_status sg_evaluation_page_write(const sg_evaluation_page *e, const char *path, sg_error *err) {
    if (e->class_count == 0 || !e->classes || !e->confusion)
        return sg_fail(
                err, SG_ERR_USAGE, "the report %s needs classes and a confusion matrix", path);
    sg_page page;
    sg_page_open(&page, e->title ? e->title : "Evaluation", e->facts.model);
    sg_evaluation_put_marks(&page, e);
    put_key_figures(&page, e);
    sg_evaluation_put_facts(&page, e);
    sg_evaluation_put_cohort(&page, e);
    sg_page_section(&page, "Class by class", NULL);
    put_class_table(&page, e);
    put_confusion(&page, e);
    put_bars(&page, e);
    sg_evaluation_put_curves(&page, e);
    sg_evaluation_put_acting(&page, e);
    sg_evaluation_put_strata(&page, e);
    sg_evaluation_put_folds(&page, e);
    sg_evaluation_put_failures(&page, e);
    put_paper(&page, e);
    sg_evaluation_put_items(&page, e);
    return sg_page_write(&page, path, err);
}
