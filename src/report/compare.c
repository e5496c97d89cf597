/* compare.c - tables of the page of compare.h; its charts are in compare_charts.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/compare.h"
#include "report/compare_parts.h"
#include "report/evaluation_parts.h"
#include "report/html.h"
#include "report/paper.h"
#include <stdio.h>
#include <stdlib.h>

static void put_fixed(sg_cells *cells, double value, int decimals) {
    char text[40];
    sg_cells_put_copy(cells, sg_html_format_fixed(text, sizeof text, value, decimals));
}

/* ---- the published table ---- */

static void put_results(sg_page *page, const sg_compare_page *in) {
    static const char *const header[] = {"arm", "model", "initialisation %", "epochs", "accuracy %",
            "precision %", "recall %", "F1 %"};
    enum { COLUMNS = sizeof header / sizeof *header };
    sg_cells cells;
    if (!sg_cells_init(&cells, in->arm_count * COLUMNS)) page->failed = true;
    for (size_t i = 0; i < in->arm_count && cells.text && cells.cell; i++) {
        const sg_compare_arm *a = &in->arms[i];
        sg_cells_put(&cells, a->name);
        sg_cells_put(&cells, a->model);
        put_fixed(&cells, 100 * a->initialisation, 1);
        sg_cells_put_count(&cells, a->epochs);
        sg_cells_put_value(&cells, &a->accuracy, true);
        sg_cells_put_value(&cells, &a->precision, true);
        sg_cells_put_value(&cells, &a->recall, true);
        sg_cells_put_value(&cells, &a->f1, true);
    }
    sg_cells_put_table(&cells, page, header, COLUMNS, "llrrrrrr", in->interval_method);
    sg_page_note(page,
            "Initialisation: share of the parameters that started from given weights, the smallest "
            "over the folds; from which pictures those were learned, the share does not say. "
            "Precision, recall and F1 are means over the classes with equal "
            "weights.");
}

static void put_ranking(sg_page *page, const sg_compare_page *in) {
    static const char *const header[] = {"arm", "macro AUROC", "sensitivity, malignant %"};
    enum { COLUMNS = sizeof header / sizeof *header };
    sg_cells cells;
    if (!sg_cells_init(&cells, in->arm_count * COLUMNS)) page->failed = true;
    for (size_t i = 0; i < in->arm_count && cells.text && cells.cell; i++) {
        sg_cells_put(&cells, in->arms[i].name);
        sg_cells_put_value(&cells, &in->arms[i].auroc, false);
        sg_cells_put_value(&cells, &in->arms[i].sensitivity, true);
    }
    sg_cells_put_table(&cells, page, header, COLUMNS, NULL,
            "AUROC is the mean of the folds' values; sensitivity that of the decision for "
            "malignant");
}

/* One line of the published table; arm NULL: none of ours stands beside it. */
static void put_beside_row(sg_cells *cells, const sg_paper_row *row, const sg_compare_arm *arm) {
    char epochs[24], remark[80];
    (void)snprintf(epochs, sizeof epochs, "%zu", arm ? arm->epochs : 0);
    sg_cells_put(cells, row->model);
    sg_cells_put(cells, arm ? arm->name : "-");
    sg_cells_put_count(cells, row->epochs);
    sg_cells_put_copy(cells, arm ? epochs : "-");
    put_fixed(cells, row->accuracy, 2);
    sg_cells_put_number(cells, arm ? arm->accuracy.value : NAN, true);
    put_fixed(cells, row->precision, 2);
    sg_cells_put_number(cells, arm ? arm->precision.value : NAN, true);
    put_fixed(cells, row->recall, 2);
    sg_cells_put_number(cells, arm ? arm->recall.value : NAN, true);
    put_fixed(cells, row->f1, 2);
    sg_cells_put_number(cells, arm ? arm->f1.value : NAN, true);
    (void)snprintf(remark, sizeof remark, "%s%s%s",
            sg_paper_f1_impossible(row) ? "printed F1 above (P + R) / 2" : "",
            sg_paper_f1_impossible(row) && arm && arm->paper_variant ? "; " : "",
            arm && arm->paper_variant ? "ours is another form" : "");
    sg_cells_put_copy(cells, remark);
}

/* Every printed row, once for each arm of that model. */
static void put_beside(sg_page *page, const sg_compare_page *in) {
    static const char *const header[] = {"printed", "arm", "epochs", "ours", "accuracy %", "ours",
            "precision %", "ours", "recall %", "ours", "F1 %", "ours", "remark"};
    enum { COLUMNS = sizeof header / sizeof *header };
    sg_cells cells;
    if (!sg_cells_init(&cells, (in->arm_count + SG_PAPER_ROWS) * COLUMNS)) page->failed = true;
    for (int r = 0; r < SG_PAPER_ROWS && cells.text && cells.cell; r++) {
        size_t before = cells.count;
        for (size_t i = 0; i < in->arm_count; i++)
            if (in->arms[i].paper == r) put_beside_row(&cells, &sg_paper_table[r], &in->arms[i]);
        if (cells.count == before) put_beside_row(&cells, &sg_paper_table[r], NULL);
    }
    sg_page_section(page, "Beside the published table",
            "The printed figures were not measured on these images, and by which split is not "
            "stated: a difference between the two says nothing about which model is better.");
    sg_cells_put_table(&cells, page, header, COLUMNS, "llrrrrrrrrrrl",
            "Printed: Maini, Singh and Saxena 2025; ours: this comparison");
    sg_paper_put_remarks(page);
}

/* ---- pairs ---- */

static void put_points(sg_cells *cells, const sg_evaluation_value *v, bool percent) {
    char text[160], value[40], low[40], high[40];
    const char *sign = v->value > 0 ? "+" : "";
    sg_evaluation_format_value(value, sizeof value, v->value, percent);
    sg_evaluation_format_value(low, sizeof low, v->low, percent);
    sg_evaluation_format_value(high, sizeof high, v->high, percent);
    if (isfinite(v->low))
        (void)snprintf(text, sizeof text, "%s%s (%s to %s)", sign, value, low, high);
    else
        (void)snprintf(text, sizeof text, "%s%s", sign, value);
    sg_cells_put_copy(cells, text);
}

static void put_pairs(sg_page *page, const sg_compare_page *in) {
    static const char *const header[] = {"row", "arm", "against", "accuracy, points",
            "over folds, points", "macro F1", "gained", "lost", "p", "p, Holm"};
    enum { COLUMNS = sizeof header / sizeof *header };
    sg_page_section(page, "Paired differences", in->pair_note);
    if (!in->pair_count) return;
    sg_cells cells;
    if (!sg_cells_init(&cells, in->pair_count * COLUMNS)) page->failed = true;
    for (size_t i = 0; i < in->pair_count && cells.text && cells.cell; i++) {
        const sg_compare_pair *p = &in->pairs[i];
        sg_cells_put_count(&cells, i + 1);
        sg_cells_put(&cells, in->arms[p->other].name);
        sg_cells_put(&cells, in->arms[p->base].name);
        put_points(&cells, &p->accuracy, true);
        put_points(&cells, &p->folds, true);
        put_points(&cells, &p->f1, false);
        sg_cells_put_count(&cells, p->gained);
        sg_cells_put_count(&cells, p->lost);
        put_fixed(&cells, p->p, 3);
        put_fixed(&cells, p->p_adjusted, 3);
    }
    sg_cells_put_table(&cells, page, header, COLUMNS, "rllrrrrrrr",
            "On the same images, with 95 % intervals from a bootstrap over groups; over folds: "
            "mean of the folds' differences, corrected resampled t (Nadeau and Bengio); p: sign "
            "flips "
            "over groups, then adjusted for the number of pairs");
    sg_compare_put_forest(page, in);
    sg_page_note(page,
            "Gained and lost: images that only this arm, or only the other, has right. The "
            "intervals cover which images were drawn, not the luck of a training.");
}

/* ---- cost ---- */

static void put_cost(sg_page *page, const sg_compare_page *in) {
    static const char *const header[] = {"arm", "parameters, M", "GMAC", "ms per image",
            "memory to predict, MB", "memory to train, MB"};
    enum { COLUMNS = sizeof header / sizeof *header };
    sg_cells cells;
    if (!sg_cells_init(&cells, in->arm_count * COLUMNS)) page->failed = true;
    for (size_t i = 0; i < in->arm_count && cells.text && cells.cell; i++) {
        const sg_compare_arm *a = &in->arms[i];
        sg_cells_put(&cells, a->name);
        put_fixed(&cells, 1e-6 * a->parameters, 2);
        put_fixed(&cells, 1e-9 * a->macs, 3);
        put_fixed(&cells, a->ms_per_image, 1);
        put_fixed(&cells, 1e-6 * a->predict_bytes, 0);
        put_fixed(&cells, 1e-6 * a->train_bytes, 0);
    }
    sg_page_section(page, "Cost",
            "Multiply-adds and time are those of one image of the arm's own size, one at a time, "
            "on the machine that made this page; memory is the engine's planned block, weights "
            "and, "
            "in training, gradients and the optimiser's state at the arm's batch.");
    sg_cells_put_table(&cells, page, header, COLUMNS, NULL, NULL);
}

static void put_rates(sg_page *page, const sg_compare_page *in) {
    static const char *const header[] = {"arm", "fold", "learning rate"};
    enum { COLUMNS = sizeof header / sizeof *header };
    size_t rows = 0;
    for (size_t i = 0; i < in->arm_count; i++)
        rows += in->arms[i].rates ? in->arms[i].fold_count : 0;
    if (!rows) return;
    sg_cells cells;
    if (!sg_cells_init(&cells, rows * COLUMNS)) page->failed = true;
    for (size_t i = 0; i < in->arm_count && cells.text && cells.cell; i++)
        for (size_t f = 0; in->arms[i].rates && f < in->arms[i].fold_count; f++) {
            char rate[32];
            (void)snprintf(rate, sizeof rate, "%.2g", in->arms[i].rates[f]);
            sg_cells_put(&cells, in->arms[i].name);
            sg_cells_put_count(&cells, f);
            sg_cells_put_copy(&cells, rate);
        }
    sg_page_section(page, "Learning rates",
            "Found for each arm and fold by a range test on that fold's training images alone: a "
            "tenth of the rate at which the smoothed loss is lowest.");
    sg_compare_put_ranges(page, in);
    sg_cells_put_table(&cells, page, header, COLUMNS, "lrr", "Peak of the schedule");
}

static void put_meanings(sg_page *page, const sg_compare_page *in) {
    sg_page_fact *facts = calloc(in->arm_count + 1, sizeof *facts);
    bool any = false;
    if (!facts) {
        page->failed = true;
        return;
    }
    for (size_t i = 0; i < in->arm_count; i++) {
        facts[i] = (sg_page_fact){in->arms[i].name, in->arms[i].meaning};
        any = any || in->arms[i].meaning;
    }
    if (any) sg_page_heading(page, "What the arms are");
    if (any) sg_page_put_facts(page, facts, in->arm_count);
    free(facts);
}

sg_status sg_compare_page_write(const sg_compare_page *in, const char *path, sg_error *err) {
    sg_page page;
    sg_page_open(&page, in->title, in->data);
    for (size_t i = 0; i < in->warning_count; i++)
        sg_page_warn(&page, in->warnings[2 * i], in->warnings[2 * i + 1]);
    sg_page_section(&page, "Results", in->lead);
    put_results(&page, in);
    put_ranking(&page, in);
    sg_compare_put_dots(&page, in);
    put_meanings(&page, in);
    if (in->with_paper) put_beside(&page, in);
    put_pairs(&page, in);
    sg_compare_put_confusion(&page, in);
    sg_compare_put_roc(&page, in);
    sg_compare_put_curves(&page, in);
    put_rates(&page, in);
    put_cost(&page, in);
    sg_page_section(&page, "How it was made", NULL);
    sg_page_put_facts(&page, in->facts, in->fact_count);
    return sg_page_write(&page, path, err);
}
