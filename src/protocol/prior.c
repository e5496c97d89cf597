/* prior.c - probabilities moved from the class shares of the training images to a stated share of
 * malignant ones; see predictions.h. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/predictions.h"
#include "stats/classification.h"
#include "stats/prevalence.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Training section of the model that judged rows of `fold`; the first one's where none is of it. */
static const json_t *training_of(const sg_predictions *p, int fold) {
    for (size_t i = 0; i < json_array_size(p->models); i++) {
        const json_t *training = json_object_get(json_array_get(p->models, i), "training");
        const json_t *own = json_object_get(training, "fold");
        if (fold >= 0 && json_is_integer(own) && json_integer_value(own) == fold) return training;
    }
    return json_object_get(json_array_get(p->models, 0), "training");
}

static sg_status training_shares(double *shares, const sg_predictions *p, int fold, sg_error *err) {
    const json_t *counts = json_object_get(training_of(p, fold), "class_counts");
    double all = 0;
    for (int c = 0; c < p->class_count; c++) {
        shares[c] = (double)json_integer_value(json_object_get(counts, p->classes[c]));
        all += shares[c];
    }
    for (int c = 0; c < p->class_count; c++) {
        if (!(shares[c] > 0))
            return sg_fail(err, SG_ERR_INPUT,
                    "the model does not say how many images of class '%s' it was trained on, so "
                    "its probabilities cannot be moved to a prevalence; leave --prevalence out",
                    p->classes[c]);
        shares[c] /= all;
    }
    return SG_OK;
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
        if (i == 0 || p->rows[i].fold != p->rows[i - 1].fold) {
            st = training_shares(from, p, p->rows[i].fold, err);
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
