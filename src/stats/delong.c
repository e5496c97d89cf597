/* delong.c - see delong.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/delong.h"

#include "stats/order.h"

#include <math.h>
#include <stdlib.h>

/* placement[n]: for a positive row the share of negatives that score below it, for a negative row
 * the share of positives that score above it; ties half. Either side's mean is the area. */
static sg_status place_rows(double *placement, const double *scores, const uint8_t *positive,
        size_t n, size_t positives, sg_error *err) {
    uint32_t *order = NULL;
    sg_status status = sg_order_falling(&order, scores, 1, n, err);
    if (status != SG_OK) return status;
    size_t negatives = n - positives, hits = 0, alarms = 0; /* rows with a higher score */
    for (size_t at = 0, end; at < n; at = end) {
        size_t run_hits = 0, run_alarms = 0;
        for (end = at; end < n && scores[order[end]] == scores[order[at]]; end++) {
            if (positive[order[end]])
                run_hits++;
            else
                run_alarms++;
        }
        double above = (double)hits + 0.5 * (double)run_hits;
        double below = (double)(negatives - alarms) - 0.5 * (double)run_alarms;
        for (size_t i = at; i < end; i++)
            placement[order[i]] =
                    positive[order[i]] ? below / (double)negatives : above / (double)positives;
        hits += run_hits;
        alarms += run_alarms;
    }
    free(order);
    return SG_OK;
}

/* Covariance of the areas of two scores, from their placements. */
static double covary(const double *first, const double *second, double first_area,
        double second_area, const uint8_t *positive, size_t n, size_t positives) {
    double sum[2] = {0, 0};
    for (size_t i = 0; i < n; i++)
        sum[positive[i] != 0] += (first[i] - first_area) * (second[i] - second_area);
    double p = (double)positives, q = (double)(n - positives);
    return sum[1] / (p - 1) / p + sum[0] / (q - 1) / q;
}

sg_status sg_delong_covariance(double *areas, double *covariance, const double *scores,
        size_t count, const uint8_t *positive, size_t n, sg_error *err) {
    size_t positives = 0;
    for (size_t i = 0; i < n; i++) positives += positive[i] != 0;
    if (positives < 2 || n - positives < 2)
        return sg_fail(err, SG_ERR_INPUT,
                "DeLong's variance needs two rows on each side, but %zu of %zu rows are positive",
                positives, n);
    for (size_t i = 0; i < count * n; i++)
        if (isnan(scores[i]))
            return sg_fail(err, SG_ERR_INPUT, "row %zu has a score that is not a number", i % n);
    double *placement = calloc(count * n + 1, sizeof *placement);
    if (!placement) return sg_fail(err, SG_ERR_MEMORY, "out of memory to rank %zu rows", n);
    sg_status status = SG_OK;
    for (size_t s = 0; s < count && status == SG_OK; s++) {
        double *place = placement + s * n, sum = 0;
        status = place_rows(place, scores + s * n, positive, n, positives, err);
        for (size_t i = 0; i < n; i++)
            if (positive[i]) sum += place[i];
        areas[s] = sum / (double)positives;
    }
    for (size_t s = 0; s < count && status == SG_OK; s++)
        for (size_t t = 0; t <= s; t++)
            covariance[s * count + t] = covariance[t * count + s] = covary(placement + s * n,
                    placement + t * n, areas[s], areas[t], positive, n, positives);
    free(placement);
    return status;
}

static sg_status check_confidence(double confidence, sg_error *err) {
    if (confidence > 0 && confidence < 1) return SG_OK;
    return sg_fail(err, SG_ERR_INPUT, "a confidence of %g is not between 0 and 1", confidence);
}

sg_delong sg_delong_conclude(
        double area, double variance, const uint8_t *positive, size_t n, double confidence) {
    sg_delong made = {.auc = area, .variance = variance, .degenerate = variance <= 0};
    double half = sg_normal_quantile(0.5 + 0.5 * confidence) * sqrt(fmax(0, variance));
    made.interval = (sg_interval){fmax(0, area - half), fmin(1, area + half)};
    for (size_t i = 0; i < n; i++) made.positives += positive[i] != 0;
    made.negatives = n - made.positives;
    return made;
}

sg_status sg_delong_measure(sg_delong *out, const double *scores, const uint8_t *positive, size_t n,
        double confidence, sg_error *err) {
    double area, variance;
    sg_status status = check_confidence(confidence, err);
    if (status == SG_OK)
        status = sg_delong_covariance(&area, &variance, scores, 1, positive, n, err);
    if (status != SG_OK) return status;
    *out = sg_delong_conclude(area, variance, positive, n, confidence);
    return SG_OK;
}

sg_delong_pair sg_delong_contrast(
        const double *areas, const double *covariance, double confidence) {
    double variance = covariance[0] + covariance[3] - 2 * covariance[1];
    /* Equal rankings leave rounding behind, of either sign. */
    bool degenerate = variance <= 1e-15 * (covariance[0] + covariance[3]);
    double difference = areas[0] - areas[1], error = degenerate ? 0 : sqrt(variance);
    double half = sg_normal_quantile(0.5 + 0.5 * confidence) * error;
    double z = degenerate ? (difference == 0 ? 0 : NAN) : difference / error;
    return (sg_delong_pair){.first = areas[0],
            .second = areas[1],
            .difference = difference,
            .standard_error = error,
            .interval = degenerate ? (sg_interval){NAN, NAN}
                                   : (sg_interval){difference - half, difference + half},
            .z = z,
            .p = 2 * sg_normal_cdf(-fabs(z)),
            .degenerate = degenerate};
}

sg_status sg_delong_compare(sg_delong_pair *out, const double *first, const double *second,
        const uint8_t *positive, size_t n, double confidence, sg_error *err) {
    sg_status status = check_confidence(confidence, err);
    if (status != SG_OK) return status;
    double *scores = calloc(2 * n + 1, sizeof *scores), areas[2], covariance[4];
    if (!scores) return sg_fail(err, SG_ERR_MEMORY, "out of memory to compare %zu rows", n);
    for (size_t i = 0; i < n; i++) {
        scores[i] = first[i];
        scores[n + i] = second[i];
    }
    status = sg_delong_covariance(areas, covariance, scores, 2, positive, n, err);
    free(scores);
    if (status == SG_OK) *out = sg_delong_contrast(areas, covariance, confidence);
    return status;
}
