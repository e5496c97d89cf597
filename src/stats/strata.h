/* strata.h - one share (accuracy, say) within each part of the rows: annotated or clean, small or
 * large, dark or bright.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_STRATA_H
#define SG_STATS_STRATA_H

#include "stats/share.h"

/* shares[count]: hit[n] among the rows whose stratum[n] is 0, 1 ... count - 1; rows with other
 * numbers are in no stratum. */
SG_MUST_CHECK sg_status sg_strata_measure(sg_share *shares, const uint32_t *stratum, size_t count,
        const sg_bootstrap_sample *sample, const uint8_t *hit, const sg_bootstrap_options *options,
        sg_error *err);

/* Parts of about equal size by a number of each row: stratum[n] in 0 .. parts - 1 by rising
 * values[n], and edges[parts - 1] (rows up to and with an edge lie below it; quantiles of type 7).
 * Equal values share a part, so a part may be empty. A value that is not finite gets the stratum
 * `parts`. */
SG_MUST_CHECK sg_status sg_strata_by_quantile(uint32_t *stratum, double *edges,
        const double *values, size_t n, size_t parts, sg_error *err);

#endif
