/* recalibrate.c - see recalibrate.h. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/recalibrate.h"
#include "protocol/reference.h"
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory calibrating");
}

/* Fits on the reference rows of one fold; *rows: how many. */
static sg_status fit_fold(sg_calibrator *out, size_t *rows, const sg_recalibration *r,
        const sg_predictions *p, const sg_predictions *validation, int fold, sg_error *err) {
    const sg_predictions *from = r->reference == SG_REFERENCE_VALIDATION ? validation : p;
    size_t k = (size_t)p->class_count, n = 0;
    double *logits = malloc(from->count * k * sizeof *logits + 1);
    uint32_t *labels = malloc(from->count * sizeof *labels + 1);
    sg_status st = logits && labels ? SG_OK : no_memory(err);
    for (size_t i = 0; i < from->count && !st; i++) {
        if (!sg_reference_has(r->reference, p, from, i, fold)) continue;
        memcpy(logits + n * k, from->rows[i].logit, k * sizeof *logits);
        labels[n++] = (uint32_t)from->rows[i].label;
    }
    *rows = n;
    if (!st) st = sg_calibrator_fit(out, r->kind, logits, labels, n, k, err);
    free(logits);
    free(labels);
    return st;
}

static sg_status mend(double *mended, sg_recalibration *r, const sg_predictions *p,
        const sg_predictions *validation, const sg_arrays *rows, sg_error *err) {
    r->reference_rows = SIZE_MAX;
    for (size_t f = 0; f < rows->folds; f++) {
        sg_calibrator calibrator;
        size_t n;
        sg_status st = fit_fold(&calibrator, &n, r, p, validation, rows->fold_names[f], err);
        if (st) return st;
        if (n < r->reference_rows) r->reference_rows = n;
        for (size_t i = 0; i < rows->n; i++)
            if (rows->fold[i] == f)
                sg_calibrator_apply(&calibrator, mended + i * rows->classes, p->rows[i].logit, 1);
        sg_calibrator_dispose(&calibrator);
    }
    return SG_OK;
}

sg_status sg_recalibrate_measure(sg_recalibration *out, sg_calibrator_kind kind,
        const sg_predictions *p, const sg_predictions *validation, size_t draws, sg_error *err) {
    sg_recalibration r = {.kind = kind};
    sg_bootstrap_options options = SG_BOOTSTRAP_OPTIONS_INIT;
    options.draws = draws;
    sg_arrays rows;
    sg_status st = sg_arrays_make(&rows, p, err);
    if (!st) r.reference = sg_reference_choose(p, &rows, validation);
    bool any = !st && kind != SG_CALIBRATOR_NONE && r.reference != SG_REFERENCE_NONE;
    double *mended = any ? malloc(rows.n * rows.classes * sizeof *mended) : NULL;
    if (any && !mended) st = no_memory(err);
    if (any && !st) st = mend(mended, &r, p, validation, &rows, err);
    if (any && !st)
        st = sg_calibration_measure(&r.figures, mended, rows.labels, rows.n, rows.classes, err);
    sg_bootstrap_sample sample = {rows.labels, rows.groups, rows.n, rows.classes};
    if (any && !st) st = sg_calibration_bootstrap(&r.intervals, &sample, mended, &options, err);
    if (any && !st)
        st = sg_brier_decompose(&r.brier, mended, rows.labels, rows.n, rows.classes, err);
    free(mended);
    sg_arrays_dispose(&rows);
    if (!any) r.reference = SG_REFERENCE_NONE;
    if (!st) *out = r;
    return st;
}

static json_t *pair(sg_interval i) {
    return json_pack("[o, o]", sg_json_number(i.low), sg_json_number(i.high));
}

json_t *sg_recalibration_to_json(const sg_recalibration *r) {
    if (r->reference == SG_REFERENCE_NONE) return json_null();
    return json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "kind",
            sg_calibrator_kind_name(r->kind), "fitted_on", sg_reference_name(r->reference),
            "fitted_rows", (json_int_t)r->reference_rows, "log_loss",
            sg_json_number(r->figures.log_loss), "log_loss_ci", pair(r->intervals.log_loss),
            "brier", sg_json_number(r->figures.brier), "brier_ci", pair(r->intervals.brier), "ece",
            sg_json_number(r->figures.ece), "ece_debiased", sg_json_number(r->figures.ece_debiased),
            "ece_ci", pair(r->intervals.ece));
}
