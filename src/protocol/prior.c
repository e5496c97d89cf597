/* prior.c - probabilities moved from the class shares that a model learned to a stated share of
 * malignant ones; see predictions.h. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/predictions.h"
#include "stats/classification.h"
#include "stats/prevalence.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Whether a model took part in the answer of a row: that of its fold, or every one of its run. */
static bool answered(const json_t *model, const sg_predictions *p, const sg_prediction_row *row) {
    const json_t *fold = json_object_get(json_object_get(model, "training"), "fold");
    const json_t *run = json_object_get(model, "run");
    if (p->runs > 1 && json_integer_value(run) != row->run) return false;
    return row->fold < 0 || !json_is_integer(fold) || json_integer_value(fold) == row->fold;
}

/* Calibrations that shift each class on its own bring answers back to the shares of the images they
 * were fitted on, which are split as the training images are; a temperature does not. */
static bool shifts_classes(const json_t *model) {
    const char *kind =
            json_string_value(json_object_get(json_object_get(model, "calibration"), "kind"));
    return kind && strcmp(kind, "temperature") != 0;
}

/* Adds the shares that one model learned; they sum to 1. */
static sg_status add_learned(
        double *shares, const json_t *model, const sg_predictions *p, sg_error *err) {
    const json_t *listed = json_object_get(json_object_get(model, "training"),
            shifts_classes(model) ? "class_counts" : "class_prior");
    double own[SG_STATS_CLASSES_MAX], all = 0;
    for (int c = 0; c < p->class_count; c++) {
        own[c] = json_number_value(json_object_get(listed, p->classes[c]));
        if (!(own[c] > 0))
            return sg_fail(err, SG_ERR_INPUT,
                    "the model does not say at which share of class '%s' it was trained (older "
                    "versions did not note it), so its probabilities cannot be moved to a "
                    "prevalence; train it anew, or leave --prevalence out",
                    p->classes[c]);
        all += own[c];
    }
    for (int c = 0; c < p->class_count; c++) shares[c] += own[c] / all;
    return SG_OK;
}

/* Of an ensemble the mean over its members, as its answer is. */
static sg_status learned_shares(
        double *shares, const sg_predictions *p, const sg_prediction_row *row, sg_error *err) {
    size_t models = 0;
    sg_status st = SG_OK;
    for (int c = 0; c < p->class_count; c++) shares[c] = 0;
    for (size_t i = 0; i < json_array_size(p->models) && !st; i++) {
        const json_t *model = json_array_get(p->models, i);
        if (!answered(model, p, row)) continue;
        st = add_learned(shares, model, p, err);
        models++;
    }
    for (int c = 0; c < p->class_count && models; c++) shares[c] /= (double)models;
    return st;
}

sg_status sg_predictions_adjust_prior(sg_predictions *p, double prevalence, sg_error *err) {
    size_t k = (size_t)p->class_count, malignant = 0;
    double from[SG_STATS_CLASSES_MAX], to[SG_STATS_CLASSES_MAX];
    while (malignant < k && strcasecmp(p->classes[malignant], "malignant") != 0) malignant++;
    if (malignant == k || k > SG_STATS_CLASSES_MAX)
        return sg_fail(err, SG_ERR_INPUT,
                "--prevalence is the share of the class 'malignant', which this model does not "
                "have");
    double *adjusted = calloc(p->count * k + 1, sizeof *adjusted);
    if (!adjusted) return sg_fail(err, SG_ERR_MEMORY, "out of memory for adjusted scores");
    sg_status st = SG_OK;
    for (size_t i = 0; i < p->count && !st; i++) {
        const sg_prediction_row *row = &p->rows[i];
        if (i == 0 || row->fold != row[-1].fold || row->run != row[-1].run) {
            st = learned_shares(from, p, row, err);
            if (!st) st = sg_prevalence_shares(to, from, k, malignant, prevalence, err);
        }
        if (!st) st = sg_prevalence_adjust(adjusted + i * k, p->rows[i].p, 1, k, from, to, err);
    }
    if (st) {
        free(adjusted);
        return st;
    }
    free(p->adjusted);
    p->adjusted = adjusted;
    return SG_OK;
}
