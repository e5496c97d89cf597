/* drift.h - do two batches of a quantity come from one distribution? The Kolmogorov-Smirnov test,
 * and the population stability index over the deciles of the first batch.
 *
 * Rows are taken as independent: leave copies out before. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_DRIFT_H
#define SG_STATS_DRIFT_H

#include "stats/bootstrap.h"

enum { SG_DRIFT_BINS = 10, SG_DRIFT_FEWEST = 20 };

typedef struct sg_drift {
    double ks;   /* largest distance of the two distribution functions */
    double ks_p; /* asymptotic, with Stephens' correction for small batches; ties make it too large
                  */
    int bins;    /* between deciles that differ; the last lies above all of them */
    /* sum of (q - p) ln(q / p) over the bins, shares with half an image added to each bin */
    double index;
    double chance; /* what the index is on average without drift: (bins - 1)(1/n + 1/m) */
    double excess; /* index - chance */
    /* of excess: bootstrap over the rows of both batches, percentiles; NaN where each batch lies in
     * a bin of its own, so that every draw repeats it. All of both in one bin: index, chance and
     * interval are 0. */
    sg_interval interval;
} sg_drift;

/* first[n], second[m], both at least SG_DRIFT_FEWEST (SG_ERR_INPUT); no NaN. */
SG_MUST_CHECK sg_status sg_drift_measure(sg_drift *out, const double *first, size_t n,
        const double *second, size_t m, const sg_bootstrap_options *options, sg_error *err);

#endif
