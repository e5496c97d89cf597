/* weight_stats.h - what a tensor's numbers are like, for inspection.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_WEIGHTS_WEIGHT_STATS_H
#define SG_WEIGHTS_WEIGHT_STATS_H

#include "tensor/tensor.h"

typedef struct sg_weight_stats {
    double mean, sd; /* over the finite elements; sd divides by their number; 0 without any */
    double low, high;
    int64_t elements, not_finite;
} sg_weight_stats;

/* Two passes over the tensor, in blocks; any type. */
SG_MUST_CHECK sg_status sg_weight_stats_of(
        sg_weight_stats *out, const sg_tensor *tensor, sg_error *err);

#endif
