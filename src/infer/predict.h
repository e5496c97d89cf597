/* predict.h - the predictor's inside: what the public header (sonograde/predictor.h) does not show.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_INFER_PREDICT_H
#define SG_INFER_PREDICT_H

#include "image/image.h"
#include "infer/bundle.h"
#include "sonograde/predictor.h"

/* bundle becomes the predictor's (closed with it), also when this fails. */
SG_MUST_CHECK sg_status sg_predictor_create(
        sg_predictor **out, sg_bundle *bundle, const sg_predictor_options *options, sg_error *err);
const sg_bundle *sg_predictor_bundle(const sg_predictor *predictor);
/* "int8" where every member computes with bytes; "float32", also for a quantised bundle on a
 * processor where bytes are not faster; "mixed" for an ensemble of both. */
const char *sg_predictor_numbers(const sg_predictor *predictor);
/* Closes all but the bundle, which becomes the caller's. */
sg_bundle *sg_predictor_detach(sg_predictor *predictor);

/* From now on the penultimate features (the input of the last layer) are kept. Called before the
 * first prediction; a bundle with an atlas has them kept anyway. */
SG_MUST_CHECK sg_status sg_predictor_keep_features(sg_predictor *predictor, sg_error *err);
/* [sg_predictor_feature_count]: of image `slot` of the last batch as `member` saw it, not
 * mirrored; borrowed until the next prediction. NULL when they are not kept. */
const float *sg_predictor_features(const sg_predictor *predictor, int member, int slot);
size_t sg_predictor_feature_count(const sg_predictor *predictor, int member);

/* out[n]; images may be of any size; `seen` and `sha256` are left empty. Equal to n single calls
 * whatever the batch. */
SG_MUST_CHECK sg_status sg_predictor_predict_images(
        sg_predictor *predictor, sg_prediction *out, const sg_image *images, int n, sg_error *err);

/* How logits become a prediction: begin, add every member, conclude. logits[classes]: the member's,
 * views averaged. */
void sg_prediction_begin(sg_prediction *out, int classes);
void sg_prediction_add(sg_prediction *out, const float *logits, const sg_member *member);
void sg_prediction_conclude(sg_prediction *out, int members);
/* sg_predictor_predict_file that also hands out the decoded image (the caller's). */
SG_MUST_CHECK sg_status sg_predictor_predict_file_image(sg_predictor *predictor, sg_prediction *out,
        sg_image *image, const char *path, sg_error *err);

/* SG_ERR_INPUT when the model knows phantoms only and `path` (NULL = pixels) is none, unless the
 * options allow it. */
SG_MUST_CHECK sg_status sg_predictor_check_phantom(
        const sg_predictor *predictor, const char *path, sg_error *err);
SG_MUST_CHECK sg_status sg_bundle_check_phantom(
        const sg_bundle *bundle, const char *path, sg_error *err);

#endif
