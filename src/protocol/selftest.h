/* selftest.h - does this machine still answer as the one where the bundle was made? Built-in
 * phantoms are made anew, read by the bundle, and compared with the answers it carries: acceptance
 * of an installation, and its constancy from week to week. It says nothing about how good the model
 * is. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_SELFTEST_H
#define SG_PROTOCOL_SELFTEST_H

#include "infer/predict.h"

enum { SG_SELFTEST_IMAGES = 12, SG_SELFTEST_SIDE = 160 };
/* Probabilities may be this far apart: other processors and libraries round differently. */
#define SG_SELFTEST_TOLERANCE 0.005

/* The predictor's answers as the section `selftest`: {"version": 1, "pixels": sha256 of all
 * pictures, "probabilities": [[...], ...]}; of one with members that compute with bytes they are
 * called "probabilities_int8". New reference in *out. */
SG_MUST_CHECK sg_status sg_selftest_record(json_t **out, sg_predictor *predictor, sg_error *err);
/* The section of *bundle anew, as it answers now; NULL when that fails. */
SG_MUST_CHECK sg_status sg_selftest_attach(sg_bundle **bundle, sg_error *err);

typedef struct sg_selftest {
    bool same_pixels;                      /* the built-in pictures are those of then */
    double most;                           /* largest difference of a probability */
    int worst_image, changed;              /* where; pictures beyond the tolerance */
    double difference[SG_SELFTEST_IMAGES]; /* largest of each picture */
    bool passed;
} sg_selftest;
/* Replays those with the predictor's numbers. SG_ERR_INPUT when the bundle carries none (made
 * before they were). */
SG_MUST_CHECK sg_status sg_selftest_run(sg_selftest *out, sg_predictor *predictor, sg_error *err);

#endif
