/* cost.h - what a model costs: parameters, multiply-adds, memory and time, as its settings would
 * have it trained and used. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_COST_H
#define SG_PROTOCOL_COST_H

#include "base/json.h"
#include "train/options.h"

typedef struct sg_cost {
    double parameters, macs; /* trainable scalars; multiply-adds of one image */
    double predict_bytes;    /* planned block and weights for one image at a time */
    double train_bytes;  /* planned block, weights, gradients, moments and average at the batch */
    double ms_per_image; /* forward, one image at a time: median of several, this machine */
    int threads;
} sg_cost;

/* Measures with untrained weights: cost does not depend on them. */
SG_MUST_CHECK sg_status sg_cost_measure(
        sg_cost *out, const sg_train_options *options, int64_t classes, sg_error *err);

/* The same from the file when it is there, else measured and written: what is told twice is the
 * same. SG_ERR_FORMAT when the file holds something else. */
SG_MUST_CHECK sg_status sg_cost_recall(sg_cost *out, const char *path,
        const sg_train_options *options, int64_t classes, sg_error *err);

#endif
