/* risk_coverage.h - what a model gains by passing on the rows it is least sure of.
 *
 * Rows are accepted by falling confidence; risk is the share of wrong ones among the accepted
 * (El-Yaniv and Wiener 2010). Rows of equal confidence come in no order: the curve takes the mean
 * over all their orders. AURC is the mean risk over coverages 1/n, 2/n ... 1 (Geifman, Uziel and
 * El-Yaniv 2019); less is better.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_RISK_COVERAGE_H
#define SG_STATS_RISK_COVERAGE_H

#include "stats/bootstrap.h"

typedef struct sg_risk_coverage {
    size_t count;     /* points: one per distinct confidence, falling */
    double *coverage; /* [count] share of rows accepted, rising to 1; owned, one block */
    double *risk;     /* [count] share of wrong rows among the accepted */
    double *least;    /* [count] confidence of the last accepted row */
    double aurc;
    double aurc_best; /* were every wrong row less sure than every right one */
} sg_risk_coverage;

/* confidence[n] finite, wrong[n]: 0 or 1; n > 0. */
SG_MUST_CHECK sg_status sg_risk_coverage_measure(sg_risk_coverage *out, const double *confidence,
        const uint8_t *wrong, size_t n, sg_error *err);
void sg_risk_coverage_dispose(sg_risk_coverage *curve); /* NULL-safe */

/* Index of the point of most coverage whose risk is at most `risk`; curve->count when there is
 * none. Its `least` is the threshold: accept at least that confidence. */
size_t sg_risk_coverage_at_risk(const sg_risk_coverage *curve, double risk);

/* AURC and the risk at given coverages, with intervals over groups: figures[0] is AURC,
 * figures[1 + c] the risk at coverage[c] (0 < c <= 1: of the surest such share of the rows, the
 * last tie in part). */
SG_MUST_CHECK sg_status sg_risk_coverage_bootstrap(sg_bootstrap_figure *figures,
        const sg_bootstrap_sample *sample, const double *confidence, const uint8_t *wrong,
        const double *coverage, size_t count, const sg_bootstrap_options *options, sg_error *err);

#endif
