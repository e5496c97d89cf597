/* acting.c - see acting.h. Thresholds differ from fold to fold, so scores are shifted by their
 * fold's threshold and measured at 0. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/acting.h"
#include "protocol/reference.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const double sg_acting_coverages[SG_ACTING_COVERAGES] = {0.95, 0.9, 0.8};

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory measuring what acting would mean");
}

/* ---- rules ---- */

/* From the rows for fold `fold` (-1 without folds): validation rows of that fold, or the others'.
 */
static sg_status make_rules(sg_acting_rules *out, const sg_acting *a, const sg_predictions *p,
        const sg_predictions *validation, int fold, sg_error *err) {
    bool own = a->reference == SG_REFERENCE_VALIDATION;
    const sg_predictions *from = own ? validation : p;
    size_t k = (size_t)p->class_count, n = 0;
    double *probabilities = malloc(from->count * k * sizeof *probabilities + 1);
    uint32_t *labels = malloc(from->count * sizeof *labels + 1);
    sg_status st = probabilities && labels ? SG_OK : no_memory(err);
    for (size_t i = 0; i < from->count && !st; i++) {
        const sg_prediction_row *row = &from->rows[i];
        if (!sg_reference_has(a->reference, p, from, i, fold)) continue;
        memcpy(probabilities + n * k, row->p, k * sizeof *probabilities);
        labels[n++] = (uint32_t)row->label;
    }
    if (!st) st = sg_acting_rules_make(out, probabilities, labels, n, k, a->malignant, err);
    free(probabilities);
    free(labels);
    return st;
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

static bool has_both_sides(const uint8_t *positive, size_t n) {
    size_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += positive[i];
    return sum > 0 && sum < n;
}

/* Point number i, with each fold's own threshold. */
static sg_status measure_point(
        sg_acting *a, size_t number, const judged *j, const sg_acting_rules *rules, sg_error *err) {
    sg_acting_point *point = &a->points[number];
    point->fixes_specificity = sg_acting_targets[number].fixes_specificity;
    point->target = sg_acting_targets[number].target;
    point->threshold_low = INFINITY;
    point->threshold_high = -INFINITY;
    for (size_t f = 0; f < j->rows->folds; f++) {
        double threshold = rules[f].threshold[number];
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
        sg_acting *a, const judged *j, const sg_acting_rules *rules, sg_error *err) {
    for (size_t f = 0; f < j->rows->folds; f++)
        if (!rules[f].has_points) return SG_OK;
    sg_status st = SG_OK;
    for (size_t i = 0; i < SG_ACTING_POINTS && !st; i++) st = measure_point(a, i, j, rules, err);
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

static sg_status measure_sets(sg_conformal_figures *out, const judged *j,
        const sg_acting_rules *rules, bool by_class, sg_error *err) {
    size_t n = j->rows->n, k = j->rows->classes;
    uint8_t *member = calloc(n * k + 1, 1);
    sg_status st = member ? SG_OK : no_memory(err);
    for (size_t i = 0; i < n && !st; i++) {
        const sg_acting_rules *r = &rules[j->rows->fold[i]];
        sg_conformal_sets(by_class ? &r->one_by_class : &r->one_quantile, member + i * k,
                j->rows->p + i * k, 1);
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

/* One set of rules for each fold; a bundle's are the same for all. */
static sg_status list_rules(sg_acting_rules *rules, sg_acting *a, const judged *j,
        const sg_predictions *validation, sg_error *err) {
    sg_status st = SG_OK;
    a->reference_rows = SIZE_MAX;
    for (size_t f = 0; f < j->rows->folds && !st; f++) {
        bool found;
        st = a->reference == SG_REFERENCE_BUNDLE
                     ? sg_acting_rules_find(&rules[f], &found, j->p, err)
                     : make_rules(&rules[f], a, j->p, validation, j->rows->fold_names[f], err);
        if (!st && rules[f].rows < a->reference_rows) a->reference_rows = rules[f].rows;
    }
    return st;
}

static sg_status measure_references(
        sg_acting *a, const judged *j, const sg_predictions *validation, sg_error *err) {
    sg_acting_rules *rules = calloc(j->rows->folds, sizeof *rules);
    sg_status st = rules ? list_rules(rules, a, j, validation, err) : no_memory(err);
    bool enough = !st && a->reference_rows > 0;
    if (enough && a->binary) st = measure_points(a, j, rules, err);
    if (enough && !st) st = measure_sets(&a->sets, j, rules, false, err);
    if (enough && !st) st = measure_sets(&a->sets_by_class, j, rules, true, err);
    a->has_sets = enough && !st;
    free(rules);
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
    sg_acting a = {
            .malignant = find_malignant(p), .prevalence = prevalence, .alpha = sg_acting_alpha};
    sg_arrays rows;
    sg_status st = sg_arrays_make(&rows, p, err);
    judged j = {.rows = &rows,
            .p = p,
            .sample = {rows.labels, rows.groups, rows.n, rows.classes},
            .options = SG_BOOTSTRAP_OPTIONS_INIT};
    j.options.draws = draws;
    if (!st) a.reference = sg_reference_choose(p, &rows, validation);
    if (!st && a.reference == SG_REFERENCE_NONE) {
        sg_acting_rules rules;
        bool found;
        st = sg_acting_rules_find(&rules, &found, p, err);
        if (!st && found) a.reference = SG_REFERENCE_BUNDLE;
    }
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
