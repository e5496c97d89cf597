/* acting_rules.c - see acting_rules.h. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/acting_rules.h"
#include "stats/operating_point.h"
#include <math.h>
#include <stdlib.h>

const sg_acting_target sg_acting_targets[SG_ACTING_POINTS] = {
        {true, 0.90}, {true, 0.95}, {false, 0.90}, {false, 0.95}};
const double sg_acting_alpha = 0.1;

/* ---- making ---- */

static sg_status find_thresholds(sg_acting_rules *rules, const double *score,
        const uint8_t *positive, size_t n, sg_error *err) {
    sg_status st = SG_OK;
    for (size_t i = 0; i < SG_ACTING_POINTS && !st; i++) {
        const sg_acting_target *t = &sg_acting_targets[i];
        sg_operating_point found;
        st = t->fixes_specificity ? sg_operating_point_for_specificity(
                                            &found, score, positive, n, t->target, err)
                                  : sg_operating_point_for_sensitivity(
                                            &found, score, positive, n, t->target, err);
        if (!st) rules->threshold[i] = found.threshold;
    }
    return st;
}

sg_status sg_acting_rules_make(sg_acting_rules *out, const double *probabilities,
        const uint32_t *labels, size_t n, size_t classes, int malignant, sg_error *err) {
    sg_acting_rules rules = {.rows = n, .has_sets = n > 0};
    double *score = malloc(n * sizeof *score + 1);
    uint8_t *positive = malloc(n + 1);
    size_t positives = 0;
    sg_status st =
            score && positive ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory for thresholds");
    for (size_t i = 0; i < n && malignant >= 0 && !st; i++) {
        score[i] = probabilities[i * classes + (size_t)malignant];
        positive[i] = labels[i] == (uint32_t)malignant;
        positives += positive[i];
    }
    rules.has_points = positives > 0 && positives < n;
    if (!st && rules.has_points) st = find_thresholds(&rules, score, positive, n, err);
    if (!st && rules.has_sets)
        st = sg_conformal_fit(&rules.one_quantile, probabilities, labels, n, classes,
                sg_acting_alpha, false, err);
    if (!st && rules.has_sets)
        st = sg_conformal_fit(
                &rules.one_by_class, probabilities, labels, n, classes, sg_acting_alpha, true, err);
    free(score);
    free(positive);
    if (!st) *out = rules;
    return st;
}

/* ---- as a section ---- */

/* Infinity, which JSON lacks, is null. */
static json_t *quantiles_json(const sg_conformal *c) {
    json_t *list = json_array();
    for (size_t k = 0; k < (c->by_class ? c->classes : 1); k++)
        json_array_append_new(list,
                json_pack("[o, I]", sg_json_number(c->quantile[k]), (json_int_t)c->calibrated[k]));
    return list;
}

json_t *sg_acting_rules_to_json(const sg_acting_rules *r) {
    json_t *points = json_array();
    for (size_t i = 0; i < SG_ACTING_POINTS && r->has_points; i++)
        json_array_append_new(points,
                json_pack("{s:s, s:f, s:o}", "fixed",
                        sg_acting_targets[i].fixes_specificity ? "specificity" : "sensitivity",
                        "target", sg_acting_targets[i].target, "threshold",
                        sg_json_number(r->threshold[i])));
    return json_pack("{s:I, s:o, s:f, s:o, s:o}", "images", (json_int_t)r->rows, "thresholds",
            points, "miss_rate", sg_acting_alpha, "quantile", quantiles_json(&r->one_quantile),
            "quantiles_by_class", quantiles_json(&r->one_by_class));
}

static bool take_number(double *out, const json_t *value) {
    *out = json_is_null(value) ? INFINITY : json_number_value(value);
    return json_is_null(value) || (json_is_number(value) && isfinite(*out));
}

static bool take_quantiles(sg_conformal *out, const json_t *list, size_t classes, bool by_class) {
    *out = (sg_conformal){classes, sg_acting_alpha, by_class, {0}, {0}};
    if (json_array_size(list) != (by_class ? classes : 1)) return false;
    for (size_t k = 0; k < json_array_size(list); k++) {
        const json_t *entry = json_array_get(list, k);
        json_int_t rows = json_integer_value(json_array_get(entry, 1));
        if (rows < 0 || !take_number(&out->quantile[k], json_array_get(entry, 0))) return false;
        out->calibrated[k] = (size_t)rows;
    }
    for (size_t k = 1; k < classes && !by_class; k++) {
        out->quantile[k] = out->quantile[0];
        out->calibrated[k] = out->calibrated[0];
    }
    return true;
}

static bool take_points(sg_acting_rules *out, const json_t *list) {
    out->has_points = json_array_size(list) > 0;
    if (!out->has_points) return json_is_array(list);
    if (json_array_size(list) != SG_ACTING_POINTS) return false;
    for (size_t i = 0; i < SG_ACTING_POINTS; i++)
        if (!take_number(&out->threshold[i], json_object_get(json_array_get(list, i), "threshold")))
            return false;
    return true;
}

static const json_t *acting_of(const sg_predictions *p, size_t model) {
    const json_t *calibration = json_object_get(json_array_get(p->models, model), "calibration");
    return json_object_get(calibration, "acting");
}

sg_status sg_acting_rules_find(
        sg_acting_rules *out, bool *found, const sg_predictions *p, sg_error *err) {
    const json_t *section = acting_of(p, 0);
    size_t classes = (size_t)p->class_count;
    *found = section && !p->flip_averaged;
    for (size_t i = 1; i < json_array_size(p->models) && *found; i++)
        *found = json_equal(section, acting_of(p, i));
    if (!*found) return SG_OK;
    json_int_t images = json_integer_value(json_object_get(section, "images"));
    sg_acting_rules rules = {.rows = (size_t)images, .has_sets = true};
    if (images < 1 || classes > SG_STATS_CLASSES_MAX ||
            !take_points(&rules, json_object_get(section, "thresholds")) ||
            !take_quantiles(
                    &rules.one_quantile, json_object_get(section, "quantile"), classes, false) ||
            !take_quantiles(&rules.one_by_class, json_object_get(section, "quantiles_by_class"),
                    classes, true))
        return sg_fail(err, SG_ERR_FORMAT,
                "the thresholds that travel with the model are damaged (section 'calibration', "
                "'acting'); make the bundle anew");
    *out = rules;
    return SG_OK;
}
