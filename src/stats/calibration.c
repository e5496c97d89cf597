/* calibration.c - see calibration.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/calibration.h"

#include "stats/order.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

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

static void measure_scores(sg_calibration *out, const double *probabilities, const uint32_t *labels,
        size_t n, size_t classes) {
    for (size_t i = 0; i < n; i++) {
        const double *p = probabilities + i * classes;
        double truth = fmin(fmax(p[labels[i]], DBL_EPSILON), 1 - DBL_EPSILON);
        out->log_loss -= log(truth) / (double)n;
        for (size_t k = 0; k < classes; k++) {
            double gap = p[k] - (k == labels[i]);
            out->brier += gap * gap / (double)n;
        }
    }
}

/* E|N(gap, error^2)| - |gap|: what noise alone adds to the size of a gap. */
static double gap_bias(double gap, double error) {
    if (error <= 0) return 0;
    double z = fabs(gap) / error;
    double folded = error * sqrt(2 / acos(-1)) * exp(-0.5 * z * z) +
                    fabs(gap) * (1 - 2 * sg_normal_cdf(-z));
    return folded - fabs(gap);
}

static void add_bin(sg_calibration *out, const double *confidence, const uint8_t *right,
        const uint32_t *order, size_t from, size_t to, size_t n) {
    sg_reliability_bin *bin = &out->bin[out->bins++];
    size_t hits = 0;
    bin->count = to - from;
    for (size_t i = from; i < to; i++) {
        bin->confidence += confidence[order[i]] / (double)bin->count;
        hits += right[order[i]];
    }
    bin->accuracy = (double)hits / (double)bin->count;
    bin->interval = sg_interval_wilson(hits, bin->count, 0.95);
    double gap = bin->confidence - bin->accuracy, mass = (double)bin->count / (double)n;
    double error = sqrt(bin->accuracy * (1 - bin->accuracy) / (double)bin->count);
    out->ece += mass * fabs(gap);
    out->ece_debiased += mass * (fabs(gap) - gap_bias(gap, error));
}

/* Rows by rising confidence in SG_CALIBRATION_BINS equal parts; a part ends where the confidence
 * changes, so that the order of the rows does not matter. */
static sg_status measure_bins(sg_calibration *out, const double *probabilities,
        const uint32_t *labels, size_t n, size_t classes, sg_error *err) {
    double *confidence = calloc(n, sizeof *confidence);
    uint8_t *right = calloc(n, 1);
    uint32_t *falling = NULL;
    sg_status status = SG_OK;
    if (!confidence || !right) {
        status = sg_fail(err, SG_ERR_MEMORY, "out of memory for the bins of %zu rows", n);
        goto done;
    }
    for (size_t i = 0; i < n; i++) {
        const double *p = probabilities + i * classes;
        size_t top = 0;
        for (size_t k = 1; k < classes; k++)
            if (p[k] > p[top]) top = k;
        confidence[i] = p[top];
        right[i] = labels[i] == top;
    }
    status = sg_order_falling(&falling, confidence, 1, n, err);
    if (status != SG_OK) goto done;
    for (size_t i = 0; i < n / 2; i++) {
        uint32_t swap = falling[i];
        falling[i] = falling[n - 1 - i];
        falling[n - 1 - i] = swap;
    }
    size_t from = 0;
    for (size_t b = 1; b <= SG_CALIBRATION_BINS; b++) {
        size_t to = b * n / SG_CALIBRATION_BINS;
        while (to > 0 && to < n && confidence[falling[to]] == confidence[falling[to - 1]]) to++;
        if (to <= from) continue;
        add_bin(out, confidence, right, falling, from, to, n);
        from = to;
    }
done:
    free(confidence);
    free(right);
    free(falling);
    return status;
}

sg_status sg_calibration_measure(sg_calibration *out, const double *probabilities,
        const uint32_t *labels, size_t n, size_t classes, sg_error *err) {
    sg_calibration made = {0};
    sg_status status = check_labels(labels, n, classes, err);
    if (status == SG_OK) status = check_probabilities(probabilities, n, classes, err);
    if (status != SG_OK) return status;
    measure_scores(&made, probabilities, labels, n, classes);
    status = measure_bins(&made, probabilities, labels, n, classes, err);
    if (status == SG_OK) *out = made;
    return status;
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
