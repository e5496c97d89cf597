/* vector_scaling.h - one factor and one shift per class: what temperature cannot mend, such as a
 * class that is foretold too often (Guo et al. 2017).
 *
 * probabilities = softmax(weight * (z - mean of the row's z) + bias). Rows are centred first, so
 * that logits and log-probabilities give the same model. Biases sum to 0. Not-finite logits and
 * labels out of range are SG_ERR_INPUT, naming the row.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_VECTOR_SCALING_H
#define SG_STATS_VECTOR_SCALING_H

#include "sonograde/error.h"
#include "stats/classification.h"
#include <stddef.h>
#include <stdint.h>

typedef struct sg_vector_scaling {
    size_t classes;
    double weight[SG_STATS_CLASSES_MAX], bias[SG_STATS_CLASSES_MAX];
    double nll_before, nll_after; /* mean -ln p(truth) */
} sg_vector_scaling;

/* logits[n * classes], labels[n]; least negative log-likelihood by Newton's method (the problem is
 * convex). SG_ERR_INPUT where a class has no row, or the rows leave no finite optimum (each is
 * ranked right): take temperature scaling there. */
SG_MUST_CHECK sg_status sg_vector_scaling_fit(sg_vector_scaling *out, const double *logits,
        const uint32_t *labels, size_t n, size_t classes, sg_error *err);

/* probabilities[n * classes]; may work in place. */
void sg_vector_scaling_apply(
        const sg_vector_scaling *model, double *probabilities, const double *logits, size_t n);

#endif
