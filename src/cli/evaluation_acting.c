/* evaluation_acting.c - see evaluation_acting.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/evaluation_acting.h"
#include <math.h>
#include <stdlib.h>

static sg_evaluation_value with(double value, sg_interval i) {
    return (sg_evaluation_value){value, i.low, i.high};
}

static sg_evaluation_value of_share(const sg_share *s) {
    return with(s->value, s->interval);
}

static sg_evaluation_point point(
        const char *name, const char *threshold, const sg_operating_figures *f) {
    return (sg_evaluation_point){name, threshold, of_share(&f->sensitivity),
            of_share(&f->specificity), with(f->ppv, f->ppv_interval),
            with(f->npv, f->npv_interval)};
}

static const char *threshold_text(sg_keep *k, const sg_acting_point *p) {
    if (!isfinite(p->threshold_high)) return "out of reach";
    if (p->threshold_high - p->threshold_low < 0.0005)
        return SG_KEEP_TEXT(k, "%.3f", p->threshold_low);
    return SG_KEEP_TEXT(k, "%.3f to %.3f by fold", p->threshold_low, p->threshold_high);
}

static void fill_points(sg_evaluation_acting *out, sg_keep *k, const sg_acting *a) {
    sg_evaluation_point *points = sg_keep_hold(k, calloc(SG_ACTING_POINTS + 1, sizeof *points));
    if (!points || !a->binary) return;
    points[0] = point("it is the most probable class", "-", &a->decision);
    for (size_t i = 0; i < a->point_count; i++) {
        const sg_acting_point *p = &a->points[i];
        points[i + 1] = point(
                SG_KEEP_TEXT(k, "%s of %.0f %% is aimed at",
                        p->fixes_specificity ? "specificity" : "sensitivity", 100 * p->target),
                threshold_text(k, p), &p->figures);
    }
    out->points = points;
    out->point_count = 1 + a->point_count;
}

static void fill_curve(sg_evaluation_acting *out, sg_keep *k, const sg_acting *a) {
    enum { COLUMNS = 5 };
    size_t n = a->curve_count;
    double *block = sg_keep_hold(k, calloc(COLUMNS * n + 1, sizeof *block));
    if (!block) return;
    for (size_t i = 0; i < n; i++) {
        block[i] = a->curve[i].threshold;
        block[n + i] = a->curve[i].model;
        block[2 * n + i] = a->curve[i].interval.low;
        block[3 * n + i] = a->curve[i].interval.high;
        block[4 * n + i] = a->curve[i].all;
    }
    out->threshold = block;
    out->net = block + n;
    out->net_low = block + 2 * n;
    out->net_high = block + 3 * n;
    out->all = block + 4 * n;
    out->curve_n = n;
}

static void fill_risk(sg_evaluation_acting *out, sg_keep *k, const sg_acting *a) {
    sg_evaluation_value *at = sg_keep_hold(k, calloc(SG_ACTING_COVERAGES, sizeof *at));
    out->coverage = a->risk.coverage;
    out->risk = a->risk.risk;
    out->risk_n = a->risk.count;
    out->aurc = with(a->aurc.estimate, sg_metrics_interval(&a->aurc));
    out->aurc_best = a->risk.aurc_best;
    out->at = sg_acting_coverages;
    for (size_t i = 0; at && i < SG_ACTING_COVERAGES; i++)
        at[i] = with(a->risk_at[i].estimate, sg_metrics_interval(&a->risk_at[i]));
    out->risk_at = at;
    out->at_n = at ? SG_ACTING_COVERAGES : 0;
}

static void fill_sets(
        sg_evaluation_acting *out, sg_keep *k, const sg_acting *a, size_t class_count) {
    const sg_conformal_figures *from[] = {&a->sets, &a->sets_by_class};
    static const char *const names[] = {"one for all", "one per class"};
    sg_evaluation_sets *sets = sg_keep_hold(k, calloc(2, sizeof *sets));
    if (!sets || !a->has_sets) return;
    for (size_t i = 0; i < 2; i++) {
        sg_evaluation_value *classes = sg_keep_hold(k, calloc(class_count, sizeof *classes));
        if (!classes) return;
        for (size_t c = 0; c < class_count; c++) classes[c] = of_share(&from[i]->by_class[c]);
        sets[i] = (sg_evaluation_sets){names[i], of_share(&from[i]->coverage),
                of_share(&from[i]->single), classes, from[i]->mean_size, from[i]->single_right,
                from[i]->sizes[0]};
    }
    out->sets = sets;
    out->sets_n = 2;
    out->promised = 1 - a->alpha;
}

void sg_evaluation_acting_fill(
        sg_evaluation_page *page, sg_keep *k, const sg_acting *a, const sg_predictions *p) {
    sg_evaluation_acting *out = sg_keep_hold(k, calloc(1, sizeof *out));
    if (!out) return;
    size_t malignant = 0;
    for (size_t i = 0; i < p->count; i++) malignant += p->rows[i].label == a->malignant;
    out->own_share = (double)malignant / (double)p->count;
    out->prevalence = a->prevalence;
    if (a->reference != SG_REFERENCE_NONE)
        out->reference = SG_KEEP_TEXT(k, "%s, %zu images%s", sg_reference_name(a->reference),
                a->reference_rows,
                a->reference == SG_REFERENCE_OTHER_FOLDS ? " or more for each fold" : "");
    fill_points(out, k, a);
    fill_curve(out, k, a);
    fill_risk(out, k, a);
    fill_sets(out, k, a, (size_t)p->class_count);
    page->acting = out;
}

void sg_evaluation_strata_fill(sg_evaluation_page *page, sg_keep *k, const sg_strata *s) {
    sg_evaluation_stratum *rows = sg_keep_hold(k, calloc(s->count + 1, sizeof *rows));
    for (size_t i = 0; rows && i < s->count; i++)
        rows[i] = (sg_evaluation_stratum){s->rows[i].kind, s->rows[i].name, s->rows[i].accuracy.n,
                of_share(&s->rows[i].accuracy)};
    page->strata = rows;
    page->undivided = s->undivided;
    page->undivided_count = s->undivided_count;
    page->stratum_count = rows ? s->count : 0;
}
