/* acting_json.c - the section "acting" of metrics.json. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/acting.h"
#include "protocol/metrics.h"
#include <math.h>

static json_t *pair(sg_interval i) {
    return json_pack("[o, o]", sg_json_number(i.low), sg_json_number(i.high));
}

static json_t *figures_json(const sg_operating_figures *f) {
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "sensitivity",
            sg_json_number(f->sensitivity.value), "sensitivity_ci", pair(f->sensitivity.interval),
            "specificity", sg_json_number(f->specificity.value), "specificity_ci",
            pair(f->specificity.interval), "prevalence", sg_json_number(f->prevalence), "ppv",
            sg_json_number(f->ppv), "ppv_ci", pair(f->ppv_interval), "npv", sg_json_number(f->npv),
            "npv_ci", pair(f->npv_interval));
}

static json_t *points_json(const sg_acting *a) {
    json_t *list = json_array();
    for (size_t i = 0; i < a->point_count; i++) {
        const sg_acting_point *p = &a->points[i];
        json_t *entry = json_pack("{s:s, s:f, s:o}", "fixed",
                p->fixes_specificity ? "specificity" : "sensitivity", "target", p->target,
                "thresholds", pair((sg_interval){p->threshold_low, p->threshold_high}));
        json_t *figures = figures_json(&p->figures);
        json_object_update(entry, figures);
        json_decref(figures);
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *curve_json(const sg_acting *a) {
    json_t *list = json_array();
    for (size_t i = 0; i < a->curve_count; i++) {
        const sg_net_benefit *n = &a->curve[i];
        json_array_append_new(list,
                json_pack("{s:f, s:o, s:o, s:o, s:o}", "threshold", n->threshold, "net_benefit",
                        sg_json_number(n->model), "net_benefit_ci", pair(n->interval), "act_on_all",
                        sg_json_number(n->all), "gain_ci", pair(n->gain)));
    }
    return list;
}

static json_t *risk_json(const sg_acting *a) {
    json_t *list = json_array();
    for (size_t i = 0; i < SG_ACTING_COVERAGES; i++)
        json_array_append_new(
                list, json_pack("{s:f, s:o, s:o}", "coverage", sg_acting_coverages[i], "error_rate",
                              sg_json_number(a->risk_at[i].estimate), "error_rate_ci",
                              pair(sg_metrics_interval(&a->risk_at[i]))));
    return json_pack("{s:o, s:o, s:o, s:o}", "aurc", sg_json_number(a->aurc.estimate), "aurc_ci",
            pair(sg_metrics_interval(&a->aurc)), "aurc_best_possible",
            sg_json_number(a->risk.aurc_best), "at_coverage", list);
}

static json_t *share_json(const sg_share *s) {
    return json_pack("{s:o, s:o, s:I}", "share", sg_json_number(s->value), "ci", pair(s->interval),
            "n", (json_int_t)s->n);
}

static json_t *sets_json(const sg_conformal_figures *f, const sg_predictions *p) {
    json_t *sizes = json_array(), *classes = json_object();
    for (int k = 0; k <= p->class_count; k++)
        json_array_append_new(sizes, json_integer((json_int_t)f->sizes[k]));
    for (int k = 0; k < p->class_count; k++)
        json_object_set_new(classes, p->classes[k], share_json(&f->by_class[k]));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "coverage", share_json(&f->coverage),
            "by_class", classes, "sizes", sizes, "mean_size", sg_json_number(f->mean_size),
            "single", share_json(&f->single), "single_right", sg_json_number(f->single_right));
}

json_t *sg_acting_to_json(const sg_acting *a, const sg_predictions *p) {
    json_t *sets = a->has_sets ? json_pack("{s:f, s:o, s:o, s:s}", "promised_coverage",
                                         1 - a->alpha, "one_quantile", sets_json(&a->sets, p),
                                         "by_class", sets_json(&a->sets_by_class, p), "holds_for",
                                         "images like the calibration images only")
                               : json_null();
    return json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "reference",
            sg_reference_name(a->reference), "reference_rows",
            (json_int_t)(a->reference == SG_REFERENCE_NONE ? 0 : a->reference_rows),
            "stated_prevalence", sg_json_number(a->prevalence), "three_class_decision",
            a->binary ? figures_json(&a->decision) : json_null(), "operating_points",
            points_json(a), "decision_curve", curve_json(a), "risk_coverage", risk_json(a),
            "conformal_sets", sets);
}
