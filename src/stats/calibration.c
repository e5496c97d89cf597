/* calibration.c - see calibration.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/calibration.h"

#include "stats/confidence_order.h"

#include <float.h>
#include <math.h>

static sg_status check_labels(const uint32_t *labels, size_t n, size_t classes, sg_error *err) {
    if (n == 0 || classes == 0) return sg_fail(err, SG_ERR_INPUT, "there are no rows to measure");
    for (size_t i = 0; i < n; i++)
        if (labels[i] >= classes)
            return sg_fail(err, SG_ERR_INPUT, "row %zu has class %u of %zu", i, (unsigned)labels[i],
                    classes);
    return SG_OK;
}

static sg_status check_probabilities(
        const double *probabilities, size_t n, size_t classes, sg_error *err) {
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t k = 0; k < classes; k++) {
            double p = probabilities[i * classes + k];
            if (!(p >= 0 && p <= 1))
                return sg_fail(err, SG_ERR_INPUT, "row %zu has a probability of %g", i, p);
            sum += p;
        }
        if (fabs(sum - 1) > 1e-3)
            return sg_fail(
                    err, SG_ERR_INPUT, "the probabilities of row %zu sum to %g, not 1", i, sum);
    }
    return SG_OK;
}

void sg_calibration_score_row(
        double *log_loss, double *brier, const double *p, uint32_t label, size_t classes) {
    *log_loss = -log(fmin(fmax(p[label], DBL_EPSILON), 1 - DBL_EPSILON));
    *brier = 0;
    for (size_t k = 0; k < classes; k++) {
        double gap = p[k] - (k == label);
        *brier += gap * gap;
    }
}

static void measure_scores(sg_calibration *out, const double *probabilities, const uint32_t *labels,
        size_t n, size_t classes) {
    for (size_t i = 0; i < n; i++) {
        double log_loss, brier;
        sg_calibration_score_row(
                &log_loss, &brier, probabilities + i * classes, labels[i], classes);
        out->log_loss += log_loss / (double)n;
        out->brier += brier / (double)n;
    }
}

sg_status sg_calibration_measure(sg_calibration *out, const double *probabilities,
        const uint32_t *labels, size_t n, size_t classes, sg_error *err) {
    sg_calibration made = {0};
    sg_status status = check_labels(labels, n, classes, err);
    if (status == SG_OK) status = check_probabilities(probabilities, n, classes, err);
    if (status != SG_OK) return status;
    measure_scores(&made, probabilities, labels, n, classes);
    sg_confidence_order order;
    status = sg_confidence_order_make(&order, probabilities, labels, n, classes, err);
    if (status != SG_OK) return status;
    made.ece = sg_confidence_order_ece(&made.ece_debiased, made.bin, &made.bins, &order, NULL);
    sg_confidence_order_dispose(&order);
    *out = made;
    return SG_OK;
}

void sg_calibration_softmax(
        double *probabilities, const double *logits, size_t n, size_t classes, double temperature) {
    for (size_t i = 0; i < n; i++) {
        const double *z = logits + i * classes;
        double *p = probabilities + i * classes;
        double top = z[0], sum = 0;
        for (size_t k = 1; k < classes; k++) top = fmax(top, z[k]);
        for (size_t k = 0; k < classes; k++) {
            p[k] = exp((z[k] - top) / temperature);
            sum += p[k];
        }
        for (size_t k = 0; k < classes; k++) p[k] /= sum;
    }
}
