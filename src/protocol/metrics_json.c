/* metrics_json.c - the document of metrics.json.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/version.h"
#include "protocol/metrics.h"
#include <math.h>

static json_t *interval_json(sg_interval i) {
    return json_pack("[o, o]", sg_json_number(i.low), sg_json_number(i.high));
}

static json_t *class_json(const sg_metrics *m, const sg_predictions *p, size_t c) {
    const sg_class_figures *f = &m->c.per_class[c];
    return json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "class",
            sg_json_text(p->classes[c]), "support", (json_int_t)f->support, "precision",
            sg_json_number(f->precision), "precision_ci",
            interval_json(sg_metrics_interval(&m->boot.precision[c])), "recall",
            sg_json_number(f->recall), "recall_ci",
            interval_json(sg_metrics_interval(&m->boot.recall[c])), "f1", sg_json_number(f->f1),
            "f1_ci", interval_json(sg_metrics_interval(&m->boot.f1[c])), "specificity",
            sg_json_number(f->specificity), "auroc", sg_json_number(m->auroc[c]), "auroc_ci",
            interval_json(m->auroc_interval[c]));
}

static json_t *confusion_json(const sg_metrics *m) {
    json_t *rows = json_array();
    for (size_t t = 0; t < m->c.classes; t++) {
        json_t *row = json_array();
        for (size_t q = 0; q < m->c.classes; q++)
            json_array_append_new(row, json_integer((json_int_t)m->c.confusion[t][q]));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *folds_json(const sg_fold_figures *folds, size_t count) {
    json_t *out = json_array();
    for (size_t f = 0; f < count; f++)
        json_array_append_new(
                out, json_pack("{s:i, s:i, s:I, s:o, s:o, s:o, s:o}", "run", folds[f].run, "fold",
                             folds[f].fold, "n", (json_int_t)folds[f].images, "accuracy",
                             sg_json_number(folds[f].accuracy), "macro_f1",
                             sg_json_number(folds[f].macro_f1), "auroc_macro",
                             sg_json_number(folds[f].auroc_macro), "sensitivity_malignant",
                             sg_json_number(folds[f].sensitivity_malignant)));
    return out;
}

static json_t *calibration_json(const sg_metrics *m) {
    const sg_calibration *c = &m->calibration;
    const sg_calibration_intervals *i = &m->calibration_intervals;
    json_t *brier =
            json_pack("{s:o, s:o, s:o}", "miscalibration", sg_json_number(m->brier.miscalibration),
                    "discrimination", sg_json_number(m->brier.discrimination), "uncertainty",
                    sg_json_number(m->brier.uncertainty));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "log_loss",
            sg_json_number(c->log_loss), "log_loss_ci", interval_json(i->log_loss), "brier",
            sg_json_number(c->brier), "brier_ci", interval_json(i->brier), "brier_parts", brier,
            "ece", sg_json_number(c->ece), "ece_debiased", sg_json_number(c->ece_debiased),
            "ece_ci", interval_json(i->ece));
}

/* Smallest share of given parameters over the models: the honest one for a set of folds. */
static double initialisation(const sg_predictions *p) {
    double least = NAN;
    size_t i;
    json_t *model;
    json_array_foreach(p->models, i, model) {
        const json_t *training = json_object_get(model, "training");
        double share = json_number_value(json_object_get(training, "initialisation"));
        if (isnan(least) || share < least) least = share;
    }
    return least;
}

/* What was judged, where that is not a run's own data as they are. */
static json_t *data_json(const sg_metrics *m, const sg_predictions *p) {
    json_t *absent = json_array();
    for (size_t c = 0; c < m->c.classes; c++)
        if (m->c.per_class[c].support == 0)
            json_array_append_new(absent, sg_json_text(p->classes[c]));
    return json_pack("{s:s?, s:I, s:o, s:o}", "published", p->published, "left_out_by_class_map",
            (json_int_t)p->left_out, "absent_classes", absent, "official_folds",
            folds_json(m->official, m->official_count));
}

json_t *sg_metrics_to_json(const sg_metrics *m, const sg_predictions *p) {
    json_t *classes = json_array(), *per_class = json_array();
    for (size_t c = 0; c < m->c.classes; c++) {
        json_array_append_new(classes, sg_json_text(p->classes[c]));
        json_array_append_new(per_class, class_json(m, p, c));
    }
    bool has = m->malignant >= 0;
    json_t *out = json_pack("{s:i, s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:s}", "schema",
            SG_SCHEMA_VERSION, "build", sg_build_id(), "use", SG_RESEARCH_USE, "n",
            (json_int_t)m->n, "groups", (json_int_t)m->groups, "classes", classes, "accuracy",
            sg_json_number(m->c.accuracy), "accuracy_ci", interval_json(m->accuracy_interval),
            "accuracy_ci_method", m->wilson ? "wilson" : "bootstrap over groups, BCa");
    json_t *figures = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
            "balanced_accuracy", sg_json_number(m->c.balanced_accuracy), "precision_macro",
            sg_json_number(m->c.precision_macro), "recall_macro", sg_json_number(m->c.recall_macro),
            "macro_f1", sg_json_number(m->c.f1_macro), "macro_f1_ci",
            interval_json(sg_metrics_interval(&m->boot.f1_macro)), "auroc_macro",
            sg_json_number(m->auroc_macro), "auroc_macro_ci",
            interval_json(m->auroc_macro_interval), "auroc_class_ci_method",
            json_string(m->delong ? "DeLong, within folds" : "bootstrap over groups, BCa"),
            "auroc_macro_pooled", sg_json_number(m->auroc_macro_pooled), "per_class", per_class,
            "confusion", confusion_json(m));
    json_t *rest = json_pack(
            "{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:I, s:I, s:o, s:O, s:i, s:o, s:I, s:I}",
            "sensitivity_malignant", sg_json_number(has ? m->malignant_rest.sensitivity : NAN),
            "sensitivity_malignant_ci", interval_json(m->sensitivity_interval),
            "specificity_malignant", sg_json_number(has ? m->malignant_rest.specificity : NAN),
            "specificity_malignant_ci", interval_json(m->specificity_interval), "calibration",
            calibration_json(m), "folds", folds_json(m->folds, m->fold_count), "split_unit",
            p->ungrouped ? "image" : "group", "doubtful_groups", (json_int_t)p->doubtful,
            "seen_images", (json_int_t)p->seen, "initialisation", sg_json_number(initialisation(p)),
            "models", p->models, "runs", p->runs ? p->runs : 1, "data", data_json(m, p),
            "bootstrap_draws", (json_int_t)m->draws, "bootstrap_redraws", (json_int_t)m->redraws);
    if (out && figures && rest) {
        json_object_update(out, figures);
        json_object_update(out, rest);
    } else {
        json_decref(out);
        out = NULL;
    }
    json_decref(figures);
    json_decref(rest);
    return out;
}
