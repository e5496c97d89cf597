/* interval.h - intervals for proportions, and the normal distribution they need.
 *
 * Wilson's interval assumes independent rows: use it only where each group has one image, and the
 * grouped bootstrap (bootstrap.h) otherwise.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_INTERVAL_H
#define SG_STATS_INTERVAL_H

#include <stddef.h>

typedef struct sg_interval {
    double low, high; /* NaN, NaN where there is none */
} sg_interval;

/* Score interval of Wilson (1927), without continuity correction; hits <= n; 0 < confidence < 1.
 * NaN bounds when n is 0. */
sg_interval sg_interval_wilson(size_t hits, size_t n, double confidence);

double sg_normal_cdf(double z);
/* Inverse of the normal distribution (Wichura 1988, AS 241, about 1e-16 relative). -infinity at 0,
 * infinity at 1, NaN outside 0..1. */
double sg_normal_quantile(double p);

/* Quantile of sorted[n] by linear interpolation between order statistics (numpy's default, type 7);
 * 0 <= p <= 1, n > 0. */
double sg_quantile_sorted(const double *sorted, size_t n, double p);

#endif
