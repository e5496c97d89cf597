/* brier.c - the decomposition of calibration.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/calibration.h"

#include "stats/isotonic.h"

#include <stdlib.h>

/* Adds class k against the rest to the recalibrated score and to the uncertainty. */
static sg_status add_class(double *recalibrated, double *uncertainty, double *scores,
        double *targets, const double *probabilities, const uint32_t *labels, size_t n,
        size_t classes, size_t k, sg_error *err) {
    double share = 0, rows = (double)n;
    for (size_t i = 0; i < n; i++) {
        scores[i] = probabilities[i * classes + k];
        targets[i] = labels[i] == k;
        share += targets[i] / rows;
    }
    sg_isotonic function;
    sg_status status = sg_isotonic_fit(&function, scores, targets, n, err);
    if (status != SG_OK) return status;
    for (size_t i = 0; i < n; i++) {
        double gap = sg_isotonic_value(&function, scores[i]) - targets[i];
        *recalibrated += gap * gap / rows;
    }
    sg_isotonic_dispose(&function);
    *uncertainty += share * (1 - share);
    return SG_OK;
}

sg_status sg_brier_decompose(sg_brier_parts *out, const double *probabilities,
        const uint32_t *labels, size_t n, size_t classes, sg_error *err) {
    sg_calibration whole; /* checks every row */
    sg_status status = sg_calibration_measure(&whole, probabilities, labels, n, classes, err);
    if (status != SG_OK) return status;
    double *scores = calloc(2 * n, sizeof *scores), recalibrated = 0, uncertainty = 0;
    if (!scores) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu rows", n);
    for (size_t k = 0; k < classes && status == SG_OK; k++)
        status = add_class(&recalibrated, &uncertainty, scores, scores + n, probabilities, labels,
                n, classes, k, err);
    free(scores);
    if (status != SG_OK) return status;
    *out = (sg_brier_parts){
            whole.brier, whole.brier - recalibrated, uncertainty - recalibrated, uncertainty};
    return SG_OK;
}
