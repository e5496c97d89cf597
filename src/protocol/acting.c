/* acting.c - see acting.h. Thresholds differ from fold to fold, so scores are shifted by their
 * fold's threshold and measured at 0. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/acting.h"
#include "protocol/reference.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const double sg_acting_coverages[SG_ACTING_COVERAGES] = {0.95, 0.9, 0.8};
static const double miss_rate = 0.1;

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory measuring what acting would mean");
}

/* ---- reference rows ---- */

/* What one fold's thresholds are made from. */
typedef struct reference_rows {
    size_t n;
    double *p; /* [n * classes] */
    uint32_t *labels;
    double *score; /* [n] of malignancy */
    uint8_t *positive;
} reference_rows;

static void dispose_rows(reference_rows *r) {
    free(r->p);
    free(r->labels);
    free(r->score);
    free(r->positive);
}

/* The rows for fold `fold` (-1 without folds): validation rows of that fold, or the others' rows.
 */
static sg_status gather(reference_rows *out, const sg_acting *a, const sg_predictions *p,
        const sg_predictions *validation, int fold, sg_error *err) {
    bool own = a->reference == SG_REFERENCE_VALIDATION;
    const sg_predictions *from = own ? validation : p;
    size_t k = (size_t)p->class_count;
    *out = (reference_rows){0, malloc(from->count * k * sizeof *out->p + 1),
            malloc(from->count * sizeof *out->labels + 1),
            malloc(from->count * sizeof *out->score + 1), malloc(from->count + 1)};
    if (!out->p || !out->labels || !out->score || !out->positive) return no_memory(err);
    for (size_t i = 0; i < from->count; i++) {
        const sg_prediction_row *row = &from->rows[i];
        if (!sg_reference_has(a->reference, p, from, i, fold)) continue;
        memcpy(out->p + out->n * k, row->p, k * sizeof *out->p);
        out->labels[out->n] = (uint32_t)row->label;
        out->score[out->n] = a->malignant < 0 ? 0 : row->p[a->malignant];
        out->positive[out->n] = row->label == a->malignant;
        out->n++;
    }
    return SG_OK;
}

/* ---- thresholds ---- */

typedef struct judged {
    const sg_arrays *rows;
    const sg_predictions *p;
    sg_bootstrap_sample sample;
    sg_bootstrap_options options;
    double *score, *shifted; /* [n] probability of malignancy; less its fold's threshold */
    uint8_t *positive;       /* [n] */
} judged;

static sg_status find_threshold(
        double *out, const sg_acting_point *point, const reference_rows *r, sg_error *err) {
    sg_operating_point found;
    sg_status st = point->fixes_specificity ? sg_operating_point_for_specificity(&found, r->score,
                                                      r->positive, r->n, point->target, err)
                                            : sg_operating_point_for_sensitivity(&found, r->score,
                                                      r->positive, r->n, point->target, err);
    if (!st) *out = found.threshold;
    return st;
}

static bool has_both_sides(const uint8_t *positive, size_t n) {
    size_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += positive[i];
    return sum > 0 && sum < n;
}

static sg_status measure_point(sg_acting_point *point, const sg_acting *a, const judged *j,
        const reference_rows *references, sg_error *err) {
    point->threshold_low = INFINITY;
    point->threshold_high = -INFINITY;
    for (size_t f = 0; f < j->rows->folds; f++) {
        double threshold;
        sg_status st = find_threshold(&threshold, point, &references[f], err);
        if (st) return st;
        point->threshold_low = fmin(point->threshold_low, threshold);
        point->threshold_high = fmax(point->threshold_high, threshold);
        for (size_t i = 0; i < j->rows->n; i++) /* no score reaches an infinite threshold */
            if (j->rows->fold[i] == f)
                j->shifted[i] = isfinite(threshold) ? j->score[i] - threshold : -2;
    }
    return sg_operating_point_measure(&point->figures, &j->sample, j->shifted, j->positive, 0,
            a->prevalence, &j->options, err);
}

static sg_status measure_points(
        sg_acting *a, const judged *j, const reference_rows *references, sg_error *err) {
    static const struct {
        bool fixes_specificity;
        double target;
    } wanted[SG_ACTING_POINTS] = {{true, 0.90}, {true, 0.95}, {false, 0.90}, {false, 0.95}};
    for (size_t f = 0; f < j->rows->folds; f++)
        if (!has_both_sides(references[f].positive, references[f].n)) return SG_OK;
    sg_status st = SG_OK;
    for (size_t i = 0; i < SG_ACTING_POINTS && !st; i++) {
        a->points[i].fixes_specificity = wanted[i].fixes_specificity;
        a->points[i].target = wanted[i].target;
        st = measure_point(&a->points[i], a, j, references, err);
    }
    if (!st) a->point_count = SG_ACTING_POINTS;
    return st;
}

/* The model's own answer, seen as malignant or not. */
static sg_status measure_decision(sg_acting *a, const judged *j, sg_error *err) {
    for (size_t i = 0; i < j->rows->n; i++)
        j->shifted[i] = j->rows->predicted[i] == (uint32_t)a->malignant ? 1 : 0;
    return sg_operating_point_measure(&a->decision, &j->sample, j->shifted, j->positive, 0.5,
            a->prevalence, &j->options, err);
}

/* At a stated prevalence one acts on the probability that holds there. */
static sg_status measure_curve(sg_acting *a, const judged *j, sg_error *err) {
    double thresholds[SG_ACTING_CURVE];
    const double *adjusted = j->p->adjusted;
    for (size_t i = 0; i < j->rows->n; i++)
        j->shifted[i] =
                adjusted ? adjusted[i * j->rows->classes + (size_t)a->malignant] : j->score[i];
    for (int i = 0; i < SG_ACTING_CURVE; i++) thresholds[i] = 0.05 * (i + 1);
    sg_status st = sg_decision_curve(a->curve, thresholds, SG_ACTING_CURVE, &j->sample, j->shifted,
            j->positive, a->prevalence, &j->options, err);
    if (!st) a->curve_count = SG_ACTING_CURVE;
    return st;
}

/* ---- passing on, and sets ---- */

static sg_status measure_risk(sg_acting *a, const judged *j, sg_error *err) {
    size_t n = j->rows->n, k = j->rows->classes;
    double *top = malloc(n * sizeof *top);
    uint8_t *wrong = malloc(n);
    sg_status st = top && wrong ? SG_OK : no_memory(err);
    for (size_t i = 0; i < n && !st; i++) {
        top[i] = 0;
        for (size_t c = 0; c < k; c++) top[i] = fmax(top[i], j->rows->p[i * k + c]);
        wrong[i] = j->rows->predicted[i] != j->rows->labels[i];
    }
    sg_bootstrap_figure figures[1 + SG_ACTING_COVERAGES];
    if (!st) st = sg_risk_coverage_measure(&a->risk, top, wrong, n, err);
    if (!st)
        st = sg_risk_coverage_bootstrap(figures, &j->sample, top, wrong, sg_acting_coverages,
                SG_ACTING_COVERAGES, &j->options, err);
    if (!st) {
        a->aurc = figures[0];
        memcpy(a->risk_at, figures + 1, sizeof a->risk_at);
    }
    free(top);
    free(wrong);
    return st;
}

static sg_status measure_sets(sg_conformal_figures *out, const sg_acting *a, const judged *j,
        const reference_rows *references, bool by_class, sg_error *err) {
    size_t n = j->rows->n, k = j->rows->classes;
    uint8_t *member = calloc(n * k + 1, 1);
    sg_status st = member ? SG_OK : no_memory(err);
    for (size_t f = 0; f < j->rows->folds && !st; f++) {
        const reference_rows *r = &references[f];
        sg_conformal model;
        st = sg_conformal_fit(&model, r->p, r->labels, r->n, k, a->alpha, by_class, err);
        for (size_t i = 0; i < n && !st; i++)
            if (j->rows->fold[i] == f)
                sg_conformal_sets(&model, member + i * k, j->rows->p + i * k, 1);
    }
    if (!st) st = sg_conformal_measure(out, &j->sample, member, &j->options, err);
    free(member);
    return st;
}

/* ---- whole ---- */

static int find_malignant(const sg_predictions *p) {
    for (int c = 0; c < p->class_count; c++)
        if (strcasecmp(p->classes[c], "malignant") == 0) return c;
    return -1;
}

static sg_status measure_references(
        sg_acting *a, const judged *j, const sg_predictions *validation, sg_error *err) {
    size_t folds = j->rows->folds;
    reference_rows *references = calloc(folds, sizeof *references);
    sg_status st = references ? SG_OK : no_memory(err);
    a->reference_rows = SIZE_MAX;
    for (size_t f = 0; f < folds && !st; f++) {
        st = gather(&references[f], a, j->p, validation, j->rows->fold_names[f], err);
        if (!st && references[f].n < a->reference_rows) a->reference_rows = references[f].n;
    }
    bool enough = !st && a->reference_rows > 0;
    if (enough && a->binary) st = measure_points(a, j, references, err);
    if (enough && !st) st = measure_sets(&a->sets, a, j, references, false, err);
    if (enough && !st) st = measure_sets(&a->sets_by_class, a, j, references, true, err);
    a->has_sets = enough && !st;
    for (size_t f = 0; references && f < folds; f++) dispose_rows(&references[f]);
    free(references);
    return st;
}

static sg_status measure_all(
        sg_acting *a, judged *j, const sg_predictions *validation, sg_error *err) {
    size_t n = j->rows->n;
    j->score = malloc(2 * n * sizeof *j->score);
    j->positive = malloc(n);
    if (!j->score || !j->positive) return no_memory(err);
    j->shifted = j->score + n;
    for (size_t i = 0; i < n; i++) {
        j->score[i] = a->malignant < 0 ? 0 : j->p->rows[i].p[a->malignant];
        j->positive[i] = j->p->rows[i].label == a->malignant;
    }
    a->binary = a->malignant >= 0 && has_both_sides(j->positive, n);
    sg_status st = measure_risk(a, j, err);
    if (!st && a->binary) st = measure_decision(a, j, err);
    if (!st && a->binary) st = measure_curve(a, j, err);
    if (!st && a->reference != SG_REFERENCE_NONE) st = measure_references(a, j, validation, err);
    return st;
}

sg_status sg_acting_measure(sg_acting *out, const sg_predictions *p,
        const sg_predictions *validation, double prevalence, size_t draws, sg_error *err) {
    sg_acting a = {.malignant = find_malignant(p), .prevalence = prevalence, .alpha = miss_rate};
    sg_arrays rows;
    sg_status st = sg_arrays_make(&rows, p, err);
    judged j = {.rows = &rows,
            .p = p,
            .sample = {rows.labels, rows.groups, rows.n, rows.classes},
            .options = SG_BOOTSTRAP_OPTIONS_INIT};
    j.options.draws = draws;
    if (!st) a.reference = sg_reference_choose(p, &rows, validation);
    if (!st) st = measure_all(&a, &j, validation, err);
    free(j.score);
    free(j.positive);
    sg_arrays_dispose(&rows);
    if (st)
        sg_acting_dispose(&a);
    else
        *out = a;
    return st;
}

void sg_acting_dispose(sg_acting *a) {
    if (!a) return;
    sg_risk_coverage_dispose(&a->risk);
    memset(a, 0, sizeof *a);
}
