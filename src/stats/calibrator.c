/* calibrator.c - see calibrator.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/calibrator.h"

#include "stats/order.h"

#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {"none", "temperature", "vector", "isotonic"};
enum { KINDS = sizeof kind_names / sizeof *kind_names };

const char *sg_calibrator_kind_name(sg_calibrator_kind kind) {
    return kind_names[kind];
}

sg_status sg_calibrator_kind_parse(sg_calibrator_kind *out, const char *name, sg_error *err) {
    for (int k = 0; k < KINDS; k++)
        if (strcmp(kind_names[k], name) == 0) {
            *out = (sg_calibrator_kind)k;
            return SG_OK;
        }
    return sg_fail(err, SG_ERR_USAGE,
            "'%s' is no way to calibrate; there are none, temperature, vector and isotonic", name);
}

/* One function per class over the plain softmax. */
static sg_status fit_isotonic(sg_calibrator *out, const double *logits, const uint32_t *labels,
        size_t n, size_t classes, sg_error *err) {
    if (n < SG_ISOTONIC_ROWS_MIN)
        return sg_fail(err, SG_ERR_INPUT,
                "isotonic calibration needs at least %d images, but there are %zu; use temperature "
                "or vector scaling",
                SG_ISOTONIC_ROWS_MIN, n);
    double *p = calloc(n * (classes + 2), sizeof *p);
    if (!p) return sg_fail(err, SG_ERR_MEMORY, "out of memory to calibrate %zu rows", n);
    double *scores = p + n * classes, *targets = scores + n;
    sg_calibration_softmax(p, logits, n, classes, 1);
    sg_status status = SG_OK;
    for (size_t k = 0; k < classes && status == SG_OK; k++) {
        for (size_t i = 0; i < n; i++) {
            scores[i] = p[i * classes + k];
            targets[i] = labels[i] == k;
        }
        status = sg_isotonic_fit(&out->isotonic[k], scores, targets, n, err);
    }
    free(p);
    return status;
}

static void apply_isotonic(
        const sg_calibrator *c, double *probabilities, const double *logits, size_t n) {
    sg_calibration_softmax(probabilities, logits, n, c->classes, 1);
    for (size_t i = 0; i < n; i++) {
        double *p = probabilities + i * c->classes, sum = 0;
        for (size_t k = 0; k < c->classes; k++)
            sum += p[k] = sg_isotonic_value(&c->isotonic[k], p[k]);
        for (size_t k = 0; k < c->classes; k++)
            p[k] = sum > 0 ? p[k] / sum : 1 / (double)c->classes;
    }
}

sg_status sg_calibrator_fit(sg_calibrator *out, sg_calibrator_kind kind, const double *logits,
        const uint32_t *labels, size_t n, size_t classes, sg_error *err) {
    if (classes == 0 || classes > SG_STATS_CLASSES_MAX)
        return sg_fail(err, SG_ERR_INPUT, "%zu classes: calibration is offered for 1 to %d",
                classes, SG_STATS_CLASSES_MAX);
    sg_calibrator made = {.kind = kind, .classes = classes};
    /* Fitted for every kind: it also checks rows and labels. */
    sg_status status = sg_temperature_fit(&made.temperature, logits, labels, n, classes, err);
    if (status == SG_OK && kind == SG_CALIBRATOR_VECTOR)
        status = sg_vector_scaling_fit(&made.vector, logits, labels, n, classes, err);
    if (status == SG_OK && kind == SG_CALIBRATOR_ISOTONIC)
        status = fit_isotonic(&made, logits, labels, n, classes, err);
    if (status == SG_OK)
        *out = made;
    else
        sg_calibrator_dispose(&made);
    return status;
}

void sg_calibrator_dispose(sg_calibrator *calibrator) {
    if (!calibrator) return;
    for (size_t k = 0; k < calibrator->classes; k++) sg_isotonic_dispose(&calibrator->isotonic[k]);
    memset(calibrator, 0, sizeof *calibrator);
}

void sg_calibrator_apply(
        const sg_calibrator *c, double *probabilities, const double *logits, size_t n) {
    if (c->kind == SG_CALIBRATOR_VECTOR)
        sg_vector_scaling_apply(&c->vector, probabilities, logits, n);
    else if (c->kind == SG_CALIBRATOR_ISOTONIC)
        apply_isotonic(c, probabilities, logits, n);
    else
        sg_calibration_softmax(probabilities, logits, n, c->classes,
                c->kind == SG_CALIBRATOR_TEMPERATURE ? c->temperature.value : 1);
}

/* Rows of one fold, and the others, gathered. */
typedef struct parted {
    double *logits;   /* [n * classes]: the rows to fit on, then this fold's */
    uint32_t *labels; /* [n] likewise */
    size_t fit;       /* rows to fit on */
} parted;

static void part_rows(parted *out, const double *logits, const uint32_t *labels,
        const uint32_t *fold_of, uint32_t fold, size_t n, size_t classes) {
    size_t at = 0;
    for (int own = 0; own < 2; own++) {
        for (size_t i = 0; i < n; i++) {
            if ((fold_of[i] == fold) != own) continue;
            memcpy(out->logits + at * classes, logits + i * classes, classes * sizeof *logits);
            out->labels[at++] = labels[i];
        }
        if (!own) out->fit = at;
    }
}

static sg_status crossfit_fold(double *probabilities, sg_calibrator_kind kind, const parted *rows,
        const uint32_t *fold_of, uint32_t fold, size_t n, size_t classes, sg_error *err) {
    sg_calibrator c;
    sg_status status =
            sg_calibrator_fit(&c, kind, rows->logits, rows->labels, rows->fit, classes, err);
    if (status != SG_OK) return status;
    double *own = rows->logits + rows->fit * classes;
    sg_calibrator_apply(&c, own, own, n - rows->fit);
    sg_calibrator_dispose(&c);
    for (size_t i = 0, at = 0; i < n; i++)
        if (fold_of[i] == fold)
            memcpy(probabilities + i * classes, own + at++ * classes, classes * sizeof *own);
    return SG_OK;
}

sg_status sg_calibrator_crossfit(double *probabilities, sg_calibrator_kind kind,
        const double *logits, const uint32_t *labels, const uint32_t *folds, size_t n,
        size_t classes, sg_error *err) {
    size_t count = 0;
    uint32_t *fold_of = calloc(2 * n + 1, sizeof *fold_of);
    parted rows = {calloc(n * classes + 1, sizeof(double)), fold_of ? fold_of + n : NULL, 0};
    sg_status status = SG_OK;
    if (!fold_of || !rows.logits)
        status = sg_fail(err, SG_ERR_MEMORY, "out of memory to calibrate %zu rows", n);
    if (status == SG_OK) status = sg_order_groups(fold_of, &count, folds, n, err);
    if (status == SG_OK && count < 2)
        status = sg_fail(err, SG_ERR_INPUT, "cross-fitting needs at least two folds");
    for (uint32_t f = 0; f < count && status == SG_OK; f++) {
        part_rows(&rows, logits, labels, fold_of, f, n, classes);
        status = crossfit_fold(probabilities, kind, &rows, fold_of, f, n, classes, err);
        for (size_t i = 0; i < n && status != SG_OK; i++)
            if (fold_of[i] == f) {
                status = sg_fail_context(err, status, "calibration without fold %u",
                        (unsigned)(folds ? folds[i] : f));
                break;
            }
    }
    free(fold_of);
    free(rows.logits);
    return status;
}
