/* confidence_order.h - rows sorted by their top probability, and the calibration error of
 * equal-mass bins over them as a function of row weights: shared by the figure and its bootstrap.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_CONFIDENCE_ORDER_H
#define SG_STATS_CONFIDENCE_ORDER_H

#include "stats/calibration.h"

/* A row in rising order of confidence. */
typedef struct sg_confident_row {
    double confidence; /* top probability */
    uint32_t row;
    uint8_t right; /* the top class (the first one on a tie) is the truth */
    uint8_t last;  /* of its run of equal confidences */
} sg_confident_row;

typedef struct sg_confidence_order {
    sg_confident_row *rows; /* [n]; owned */
    size_t n;
} sg_confidence_order;

/* No NaN, labels below classes. */
SG_MUST_CHECK sg_status sg_confidence_order_make(sg_confidence_order *out,
        const double *probabilities, const uint32_t *labels, size_t n, size_t classes,
        sg_error *err);
void sg_confidence_order_dispose(sg_confidence_order *order); /* NULL-safe */

/* The plain calibration error; *debiased as in calibration.h. weights[n] by row, NULL: all 1. A
 * part of the mass ends where the confidence changes. bins[SG_CALIBRATION_BINS] and *count may be
 * NULL together. */
double sg_confidence_order_ece(double *debiased, sg_reliability_bin *bins, size_t *count,
        const sg_confidence_order *order, const uint32_t *weights);

#endif
