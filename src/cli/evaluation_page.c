/* evaluation_page.c - see evaluation_page.h. Text that the page borrows lives in one
 * arena of strings until it is written; facts and marks are in evaluation_facts.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/evaluation_page.h"
#include "base/file.h"
#include "cli/checklist.h"
#include "cli/evaluation_acting.h"
#include "cli/evaluation_cohort.h"
#include "image/codec.h"
#include "image/crop.h"
#include "image/grey.h"
#include "image/resize.h"
#include "protocol/recalibrate.h"
#include "protocol/run.h"
#include "stats/roc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FAILURES_PICTURED = 60, THUMBNAIL = 224 };

static sg_evaluation_value with_interval(double value, sg_interval i) {
    return (sg_evaluation_value){value, i.low, i.high};
}

static sg_evaluation_value boot_value(const sg_bootstrap_figure *f) {
    return with_interval(f->estimate, f->degenerate ? (sg_interval){NAN, NAN} : f->bca);
}

/* ---- classes and curves ---- */

/* What a class's curves are made of; disposed of when the page is written. */
typedef struct class_curves {
    sg_curve roc, precision_recall;
} class_curves;

static sg_status fill_curves(sg_evaluation_class *out, class_curves *curves, sg_keep *k,
        const sg_predictions *p, size_t c, sg_error *err) {
    size_t n = p->count;
    double *scores = sg_keep_hold(k, malloc(n * sizeof *scores + 1));
    uint8_t *positive = sg_keep_hold(k, malloc(n + 1));
    if (!scores || !positive) return sg_fail(err, SG_ERR_MEMORY, "out of memory drawing curves");
    for (size_t i = 0; i < n; i++) {
        scores[i] = p->rows[i].p[c];
        positive[i] = p->rows[i].label == (int)c;
    }
    sg_status st = sg_average_precision(&out->average_precision, scores, positive, n, err);
    if (st || out->support == 0) return st;
    if (out->support < n) st = sg_roc_curve(&curves->roc, scores, positive, n, err);
    if (!st) st = sg_precision_recall_curve(&curves->precision_recall, scores, positive, n, err);
    if (st) return st;
    out->roc_x = curves->roc.x;
    out->roc_y = curves->roc.y;
    out->roc_n = curves->roc.count;
    out->pr_x = curves->precision_recall.x;
    out->pr_y = curves->precision_recall.y;
    out->pr_n = curves->precision_recall.count;
    return SG_OK;
}

static sg_status fill_classes(sg_evaluation_class *classes, class_curves *curves, sg_keep *k,
        const sg_predictions *p, const sg_metrics *m, sg_error *err) {
    sg_status st = SG_OK;
    for (size_t c = 0; c < m->c.classes && !st; c++) {
        classes[c] = (sg_evaluation_class){.name = p->classes[c],
                .support = m->c.per_class[c].support,
                .precision = boot_value(&m->boot.precision[c]),
                .recall = boot_value(&m->boot.recall[c]),
                .f1 = boot_value(&m->boot.f1[c]),
                .specificity = boot_value(&m->boot.specificity[c]),
                .auroc = with_interval(m->auroc[c], m->auroc_interval[c])};
        st = fill_curves(&classes[c], &curves[c], k, p, c, err);
    }
    return st;
}

/* ---- folds with their training curves ---- */

static void fill_history(sg_evaluation_fold *out, sg_keep *k, const sg_history *h) {
    size_t n = h->count;
    double *block = sg_keep_hold(k, malloc(4 * n * sizeof *block + 1));
    if (!block) return;
    bool has_val = n && h->epochs[0].has_val;
    for (size_t i = 0; i < n; i++) {
        block[i] = h->epochs[i].train_loss;
        block[n + i] = h->epochs[i].val.loss;
        block[2 * n + i] = h->epochs[i].val.accuracy;
        block[3 * n + i] = h->epochs[i].val.macro_f1;
    }
    out->epochs = n;
    out->train_loss = block;
    if (!has_val) return;
    out->val_loss = block + n;
    out->val_accuracy = block + 2 * n;
    out->val_macro_f1 = block + 3 * n;
}

static sg_status read_history(
        sg_evaluation_fold *out, sg_keep *k, const char *run, int fold, sg_error *err) {
    char *dir = fold < 0 ? sg_strdup(run) : sg_run_fold_dir(run, fold);
    char *path = dir ? sg_path_join(dir, "results.csv") : NULL;
    sg_history h = {0};
    sg_status st = path ? sg_history_read(&h, path, 1 << 30, err)
                        : sg_fail(err, SG_ERR_MEMORY, "out of memory reading curves");
    if (!st) fill_history(out, k, &h);
    sg_history_dispose(&h);
    free(path);
    free(dir);
    return st;
}

/* "fold 2", and whose where several runs are told together. */
static const char *fold_name(sg_keep *k, const sg_predictions *p, const sg_fold_figures *f) {
    long long seed = 0;
    if (p->runs < 2) return SG_KEEP_TEXT(k, "fold %d", f->fold);
    for (size_t i = 0; i < p->count; i++)
        if (p->rows[i].run == f->run) seed = p->rows[i].seed;
    return f->fold < 0 ? SG_KEEP_TEXT(k, "run %d (seed %lld)", f->run + 1, seed)
                       : SG_KEEP_TEXT(k, "run %d (seed %lld), fold %d", f->run + 1, seed, f->fold);
}

static sg_status fill_folds(sg_evaluation_page *page, sg_keep *k, const sg_predictions *p,
        const sg_metrics *m, const sg_evaluation_source *source, sg_error *err) {
    const sg_fold_figures *from = m->fold_count ? m->folds : m->official;
    size_t count = m->fold_count ? m->fold_count : m->official_count, n = count ? count : 1;
    if (!count && !source->run_count) return SG_OK;
    sg_evaluation_fold *folds = sg_keep_hold(k, calloc(n, sizeof *folds));
    if (!folds) return sg_fail(err, SG_ERR_MEMORY, "out of memory");
    sg_status st = SG_OK;
    for (size_t i = 0; i < n && !st; i++) {
        const sg_fold_figures *f = count ? &from[i] : NULL;
        folds[i] = (sg_evaluation_fold){.name = f ? fold_name(k, p, f) : "training",
                .images = f ? f->images : m->n,
                .accuracy = f ? f->accuracy : m->c.accuracy,
                .macro_f1 = f ? f->macro_f1 : m->c.f1_macro,
                .auroc_macro = f ? f->auroc_macro : m->auroc_macro,
                .sensitivity_malignant =
                        f ? f->sensitivity_malignant
                          : (m->malignant < 0 ? NAN : m->malignant_rest.sensitivity)};
        if (source->run_count && !m->official_count)
            st = read_history(&folds[i], k, source->runs[f ? f->run : 0], f ? f->fold : -1, err);
    }
    page->folds = folds;
    page->fold_count = n;
    page->official_folds = m->official_count > 0;
    page->runs = p->runs > 1 ? (size_t)p->runs : 1;
    return st;
}

/* ---- failures ---- */

/* The scan area as a small PNG; with show_full the whole picture. */
static void picture(sg_evaluation_case *out, sg_keep *k, const sg_predictions *p,
        const sg_prediction_row *row, bool full) {
    sg_image image = {0, 0, 0, NULL}, area = {0, 0, 0, NULL}, small = {0, 0, 0, NULL},
             grey = {0, 0, 0, NULL};
    char *path = sg_path_join(p->root, row->path);
    uint8_t *bytes = NULL;
    size_t size = 0;
    sg_error ignored = SG_ERROR_INIT; /* a picture that is gone leaves a grey field on the page */
    sg_status st = path ? sg_image_read(&image, NULL, path, NULL, &ignored) : SG_ERR_MEMORY;
    if (!st && full) st = sg_image_clone(&area, &image, &ignored);
    if (!st && !full) {
        sg_rect box;
        st = sg_grey_convert(&grey, &image, &ignored);
        if (!st) st = sg_crop_find(&box, &grey, &ignored);
        if (!st) st = sg_crop_copy(&area, &grey, box, &ignored);
    }
    if (!st) {
        int longest = area.width > area.height ? area.width : area.height;
        double f = longest > THUMBNAIL ? (double)THUMBNAIL / longest : 1.0;
        int w = (int)fmax(1, floor(area.width * f + 0.5)),
            h = (int)fmax(1, floor(area.height * f + 0.5));
        st = sg_resize_image(&small, &area, w, h, SG_RESIZE_AREA, &ignored);
    }
    if (!st) st = sg_image_encode_png(&bytes, &size, &small, &ignored);
    if (!st) {
        out->image = sg_keep_hold(k, bytes);
        out->image_size = size;
    }
    sg_image_dispose(&image);
    sg_image_dispose(&grey);
    sg_image_dispose(&area);
    sg_image_dispose(&small);
    free(path);
}

static bool is_wrong_twin(const sg_prediction_row *a, const sg_prediction_row *b) {
    return b->label != b->predicted && strcmp(a->path, b->path) == 0;
}

/* Another run was wrong about the same image before: it is shown once. */
static bool is_repeat(const sg_predictions *p, size_t i) {
    for (size_t k = 0; p->runs > 1 && k < i; k++)
        if (is_wrong_twin(&p->rows[i], &p->rows[k])) return true;
    return false;
}

static const char *case_note(sg_keep *k, const sg_predictions *p, const sg_prediction_row *row) {
    size_t wrong = 0;
    if (p->runs < 2) return row->fold < 0 ? NULL : SG_KEEP_TEXT(k, "fold %d", row->fold);
    for (size_t i = 0; i < p->count; i++) wrong += is_wrong_twin(row, &p->rows[i]);
    return SG_KEEP_TEXT(k, "wrong in %zu of %d runs; run %d shown", wrong, p->runs, row->run + 1);
}

static bool is_missed(const sg_prediction_row *row, int malignant) {
    return row->label == malignant && row->predicted != malignant;
}

static sg_status fill_failures(sg_evaluation_page *page, sg_keep *k, const sg_predictions *p,
        const sg_metrics *m, const sg_evaluation_source *source, sg_error *err) {
    size_t wrong = m->n - m->c.correct, n = 0;
    sg_evaluation_case *cases = sg_keep_hold(k, calloc(wrong + 1, sizeof *cases));
    if (!cases) return sg_fail(err, SG_ERR_MEMORY, "out of memory");
    for (int pass = 0; pass < 2; pass++) /* missed malignancies first: they get the pictures */
        for (size_t i = 0; i < p->count && n < wrong; i++) {
            const sg_prediction_row *row = &p->rows[i];
            if (row->label == row->predicted || is_missed(row, m->malignant) != (pass == 0) ||
                    is_repeat(p, i))
                continue;
            sg_evaluation_case *c = &cases[n++];
            *c = (sg_evaluation_case){.hash = SG_KEEP_TEXT(k, "%.10s", row->sha256),
                    .path = row->path,
                    .truth = (size_t)row->label,
                    .predicted = (size_t)row->predicted,
                    .probabilities = row->p,
                    .note = case_note(k, p, row)};
            if (n <= FAILURES_PICTURED) picture(c, k, p, row, source->show_full);
        }
    page->failures = cases;
    page->failure_count = n;
    page->failures_shown_max = FAILURES_PICTURED;
    return SG_OK;
}

/* ---- calibration ---- */

static void fill_bins(sg_evaluation_bin *bins, const sg_calibration *c,
        const sg_calibration_intervals *intervals) {
    for (size_t i = 0; i < c->bins; i++)
        bins[i] = (sg_evaluation_bin){c->bin[i].count, c->bin[i].confidence, c->bin[i].accuracy,
                intervals->bin[i].low, intervals->bin[i].high};
}

static sg_evaluation_calibration calibration_of(const sg_calibration *c,
        const sg_calibration_intervals *i, const sg_brier_parts *brier,
        const sg_evaluation_bin *bins) {
    return (sg_evaluation_calibration){.ece = c->ece,
            .ece_debiased = with_interval(c->ece_debiased, i->ece),
            .brier = with_interval(c->brier, i->brier),
            .log_loss = with_interval(c->log_loss, i->log_loss),
            .miscalibration = brier->miscalibration,
            .discrimination = brier->discrimination,
            .uncertainty = brier->uncertainty,
            .temperature = NAN,
            .bins = bins,
            .bin_count = c->bins,
            .bins_by_wilson = i->wilson};
}

static void fill_calibration(sg_evaluation_page *page, sg_evaluation_calibration *out,
        sg_evaluation_bin *bins, const sg_predictions *p, const sg_metrics *m) {
    const json_t *fitted = sg_first_model(p, "calibration");
    bool has = json_integer_value(json_object_get(fitted, "images")) > 0;
    fill_bins(bins, &m->calibration, &m->calibration_intervals);
    *out = calibration_of(&m->calibration, &m->calibration_intervals, &m->brier, bins);
    if (has) out->temperature = json_number_value(json_object_get(fitted, "temperature"));
    out->note = has ? "temperature fitted on validation images inside the training part"
                    : "not calibrated: no validation images were set aside, or they do not "
                      "determine a temperature";
    page->calibration = out;
}

static void fill_recalibration(sg_evaluation_page *page, sg_keep *k, const sg_recalibration *r) {
    if (!r || r->reference == SG_REFERENCE_NONE) return;
    sg_evaluation_calibration *out = sg_keep_hold(k, calloc(1, sizeof *out));
    sg_evaluation_bin *bins = sg_keep_hold(k, calloc(SG_CALIBRATION_BINS, sizeof *bins));
    if (!out || !bins) return;
    fill_bins(bins, &r->figures, &r->intervals);
    *out = calibration_of(&r->figures, &r->intervals, &r->brier, bins);
    out->note = SG_KEEP_TEXT(k, "%s, fitted on %s (%zu images%s) and measured on others",
            sg_calibrator_kind_name(r->kind), sg_reference_name(r->reference), r->reference_rows,
            r->reference == SG_REFERENCE_OTHER_FOLDS ? " or more for each fold" : "");
    page->recalibration = out;
}

/* ---- checklists ---- */

static sg_status fill_items(sg_evaluation_page *page, sg_checklist *list, sg_keep *k,
        const json_t *metrics, sg_error *err) {
    if (!metrics) return SG_OK;
    sg_status st = sg_checklist_make(list, metrics, err);
    if (st) return st;
    sg_evaluation_item *items = sg_keep_hold(k, calloc(list->count, sizeof *items));
    for (size_t i = 0; items && i < list->count; i++) {
        const sg_checklist_item *from = &list->items[i];
        items[i] = (sg_evaluation_item){from->list, from->number, from->title,
                sg_item_state_name(from->state), from->answer};
    }
    page->items = items;
    page->item_count = items ? list->count : 0;
    return SG_OK;
}

/* ---- whole ---- */

static const size_t *flat_confusion(sg_keep *k, const sg_metrics *m) {
    size_t n = m->c.classes;
    size_t *flat = sg_keep_hold(k, calloc(n * n, sizeof *flat));
    for (size_t i = 0; flat && i < n * n; i++) flat[i] = m->c.confusion[i / n][i % n];
    return flat;
}

sg_status sg_evaluation_write_page(const char *path, const sg_predictions *p, const sg_metrics *m,
        const sg_evaluation_source *source, sg_error *err) {
    sg_keep k = {0};
    sg_evaluation_class classes[SG_STATS_CLASSES_MAX];
    class_curves curves[SG_STATS_CLASSES_MAX] = {0};
    sg_evaluation_calibration calibration;
    sg_evaluation_bin bins[SG_CALIBRATION_BINS];
    sg_evaluation_page page = {.title = "Evaluation",
            .images = m->n,
            .groups = m->groups,
            .class_count = m->c.classes,
            .classes = classes,
            .confusion = flat_confusion(&k, m),
            .malignant = m->malignant,
            .accuracy = with_interval(m->c.accuracy, m->accuracy_interval),
            .balanced_accuracy = boot_value(&m->boot.balanced_accuracy),
            .precision_macro = boot_value(&m->boot.precision_macro),
            .recall_macro = boot_value(&m->boot.recall_macro),
            .f1_macro = boot_value(&m->boot.f1_macro),
            .auroc_macro = with_interval(m->auroc_macro, m->auroc_macro_interval),
            .auroc_note = m->fold_count > 1 ? "mean of the folds' values" : NULL,
            .sensitivity_malignant =
                    with_interval(m->malignant_rest.sensitivity, m->sensitivity_interval),
            .specificity_malignant =
                    with_interval(m->malignant_rest.specificity, m->specificity_interval),
            .redraws = m->redraws,
            .show_full = source->show_full};
    sg_page_fact more[SG_FACTS_MORE];
    sg_evaluation_fill_facts(&page.facts, more, &k, p, m, source);
    const char *notes[SG_MARKS_MORE];
    sg_evaluation_fill_marks(&page.marks, notes, &k, m, p, source);
    fill_calibration(&page, &calibration, bins, p, m);
    fill_recalibration(&page, &k, source->recalibration);
    if (source->acting) sg_evaluation_acting_fill(&page, &k, source->acting, p);
    if (source->strata) sg_evaluation_strata_fill(&page, &k, source->strata);
    if (source->cohort) sg_evaluation_cohort_fill(&page, &k, source->cohort, m);
    sg_status st = fill_classes(classes, curves, &k, p, m, err);
    if (!st) st = fill_folds(&page, &k, p, m, source, err);
    if (!st) st = fill_failures(&page, &k, p, m, source, err);
    sg_checklist list = {0};
    if (!st) st = fill_items(&page, &list, &k, source->metrics, err);
    if (!st && k.failed) st = sg_fail(err, SG_ERR_MEMORY, "out of memory writing %s", path);
    if (!st) st = sg_evaluation_page_write(&page, path, err);
    for (size_t c = 0; c < m->c.classes; c++) {
        sg_curve_dispose(&curves[c].roc);
        sg_curve_dispose(&curves[c].precision_recall);
    }
    sg_checklist_dispose(&list);
    sg_keep_dispose(&k);
    return st;
}
