/* bundle_quantise.h - lets the models of a run compute with bytes where that changes nothing that
 * matters: scales from training images, the decision on validation images, test images only told.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_BUNDLE_QUANTISE_H
#define SG_PROTOCOL_BUNDLE_QUANTISE_H

#include "protocol/predictions.h"

/* Asked of the validation images. */
#define SG_QUANTISE_LEAST_EQUAL     0.99
#define SG_QUANTISE_MOST_DIFFERENCE 0.01

/* Answers with bytes beside those in float32. */
typedef struct sg_agreement {
    size_t images;
    double equal;      /* share with the same most probable class */
    double difference; /* mean absolute difference of a class's probability */
} sg_agreement;

typedef struct sg_quantise_report {
    size_t calibrated_on;          /* training images, all models together */
    sg_agreement validation, test; /* of all models, each on its own images; test may have none */
} sg_quantise_report;

typedef struct sg_quantise_options {
    int images;                           /* training images per model to find scales from */
    const sg_predict_options *predicting; /* root, threads, log, stop */
} sg_quantise_options;

/* Sets the section `quantisation` of every member of `bundle`, which is that of `run_dir`.
 * SG_ERR_UNSUPPORTED: not applicable, bytes are not faster on this processor. SG_ERR_INPUT: the run
 * has no validation images, or a model fails the two conditions above on them; the bundle then
 * stays as it was. */
SG_MUST_CHECK sg_status sg_bundle_quantise(sg_quantise_report *report, sg_bundle *bundle,
        const char *run_dir, const sg_quantise_options *options, sg_error *err);

#endif
