/* confidence_order.c - see confidence_order.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/confidence_order.h"

#include "stats/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static sg_confident_row describe_row(
        const double *p, uint32_t label, size_t classes, uint32_t row) {
    size_t top = 0;
    for (size_t k = 1; k < classes; k++)
        if (p[k] > p[top]) top = k;
    return (sg_confident_row){p[top], row, label == top, 0};
}

sg_status sg_confidence_order_make(sg_confidence_order *out, const double *probabilities,
        const uint32_t *labels, size_t n, size_t classes, sg_error *err) {
    sg_confident_row *plain = calloc(2 * n + 1, sizeof *plain), *sorted = NULL;
    double *confidence = calloc(n + 1, sizeof *confidence);
    uint32_t *falling = NULL;
    sg_status status = SG_OK;
    if (!plain || !confidence)
        status = sg_fail(err, SG_ERR_MEMORY, "out of memory for the bins of %zu rows", n);
    if (status == SG_OK) {
        for (size_t i = 0; i < n; i++) {
            plain[i] = describe_row(probabilities + i * classes, labels[i], classes, (uint32_t)i);
            confidence[i] = plain[i].confidence;
        }
        status = sg_order_falling(&falling, confidence, 1, n, err);
    }
    if (status == SG_OK) {
        sorted = plain + n;
        for (size_t i = 0; i < n; i++) sorted[i] = plain[falling[n - 1 - i]];
        for (size_t i = 0; i < n; i++)
            sorted[i].last = i + 1 == n || sorted[i + 1].confidence != sorted[i].confidence;
        memmove(plain, sorted, n * sizeof *plain);
        *out = (sg_confidence_order){plain, n};
        plain = NULL;
    }
    free(plain);
    free(confidence);
    free(falling);
    return status;
}

void sg_confidence_order_dispose(sg_confidence_order *order) {
    if (!order) return;
    free(order->rows);
    memset(order, 0, sizeof *order);
}

/* E|N(gap, error^2)| - |gap|: what noise alone adds to the size of a gap. */
static double gap_bias(double gap, double error) {
    if (error <= 0) return 0;
    double z = fabs(gap) / error;
    double folded = error * sqrt(2 / acos(-1)) * exp(-0.5 * z * z) +
                    fabs(gap) * (1 - 2 * sg_normal_cdf(-z));
    return folded - fabs(gap);
}

/* A bin in the making. */
typedef struct mass {
    uint64_t count, hits;
    double confidence; /* sum */
} mass;

static void close_bin(double ece[2], sg_reliability_bin *bin, const mass *m, double total) {
    double count = (double)m->count;
    double confidence = m->confidence / count, accuracy = (double)m->hits / count;
    double gap = confidence - accuracy;
    double error = sqrt(accuracy * (1 - accuracy) / count);
    ece[0] += count / total * fabs(gap);
    ece[1] += count / total * (fabs(gap) - gap_bias(gap, error));
    if (bin) *bin = (sg_reliability_bin){(size_t)m->count, confidence, accuracy};
}

double sg_confidence_order_ece(double *debiased, sg_reliability_bin *bins, size_t *count,
        const sg_confidence_order *order, const uint32_t *weights) {
    uint64_t total = 0, before = 0; /* mass of all rows, and of the closed bins */
    size_t made = 0, part = 1;
    double ece[2] = {0, 0};
    mass m = {0, 0, 0};
    for (size_t i = 0; i < order->n; i++) total += weights ? weights[i] : 1;
    for (size_t i = 0; i < order->n; i++) {
        const sg_confident_row *r = &order->rows[i];
        uint32_t w = weights ? weights[r->row] : 1;
        m.count += w;
        m.hits += r->right ? w : 0;
        m.confidence += w * r->confidence;
        uint64_t end = part * total / SG_CALIBRATION_BINS;
        if (!r->last || !m.count || before + m.count < end) continue;
        close_bin(ece, bins ? &bins[made] : NULL, &m, (double)total);
        before += m.count;
        made++;
        m = (mass){0, 0, 0};
        while (part < SG_CALIBRATION_BINS && part * total / SG_CALIBRATION_BINS <= before) part++;
    }
    if (count) *count = made;
    *debiased = ece[1];
    return ece[0];
}
