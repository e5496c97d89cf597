/* strata.c - see strata.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/strata.h"

#include "stats/order.h"

#include <math.h>
#include <stdlib.h>

sg_status sg_strata_measure(sg_share *shares, const uint32_t *stratum, size_t count,
        const sg_bootstrap_sample *sample, const uint8_t *hit, const sg_bootstrap_options *options,
        sg_error *err) {
    uint8_t *among = calloc(sample->n + 1, 1);
    if (!among) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu rows", sample->n);
    sg_status status = SG_OK;
    for (size_t s = 0; s < count && status == SG_OK; s++) {
        for (size_t i = 0; i < sample->n; i++) among[i] = stratum[i] == s;
        status = sg_share_measure(&shares[s], sample, among, hit, options, err);
    }
    free(among);
    return status;
}

sg_status sg_strata_by_quantile(uint32_t *stratum, double *edges, const double *values, size_t n,
        size_t parts, sg_error *err) {
    double *sorted = calloc(n + 1, sizeof *sorted);
    size_t finite = 0;
    if (!sorted) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu rows", n);
    for (size_t i = 0; i < n; i++)
        if (isfinite(values[i])) sorted[finite++] = values[i];
    if (finite == 0 || parts == 0) {
        free(sorted);
        return sg_fail(err, SG_ERR_INPUT, "there are no rows to part");
    }
    sg_order_sort(sorted, finite);
    for (size_t e = 0; e + 1 < parts; e++)
        edges[e] = sg_quantile_sorted(sorted, finite, (double)(e + 1) / (double)parts);
    free(sorted);
    for (size_t i = 0; i < n; i++) {
        uint32_t s = 0;
        while (s + 1 < parts && values[i] > edges[s]) s++;
        stratum[i] = isfinite(values[i]) ? s : (uint32_t)parts;
    }
    return SG_OK;
}
