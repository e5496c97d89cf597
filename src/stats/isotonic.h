/* isotonic.h - the rising step function nearest to a set of points, in least squares: pool adjacent
 * violators (Ayer et al. 1955).
 *
 * Equal scores are one point with their mean target. Between knots the function is linear, outside
 * them it is constant (scikit-learn's IsotonicRegression with out_of_bounds="clip").
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_ISOTONIC_H
#define SG_STATS_ISOTONIC_H

#include "sonograde/error.h"
#include <stddef.h>

typedef struct sg_isotonic {
    size_t count; /* knots */
    double *x;    /* [count] rising scores; owned, one block with y */
    double *y;    /* [count] values, never falling */
} sg_isotonic;

/* scores[n], targets[n], all finite, n > 0; SG_ERR_INPUT names the row otherwise. The result is the
 * caller's. */
SG_MUST_CHECK sg_status sg_isotonic_fit(
        sg_isotonic *out, const double *scores, const double *targets, size_t n, sg_error *err);
double sg_isotonic_value(const sg_isotonic *function, double score);
void sg_isotonic_dispose(sg_isotonic *function); /* NULL-safe */

#endif
