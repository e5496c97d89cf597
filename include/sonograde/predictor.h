/* predictor.h - open a trained model and predict images: all that an outside program needs.
 *
 *   sg_predictor *p;  sg_prediction r;  sg_error err = SG_ERROR_INIT;
 *   if (sg_predictor_open(&p, "breast.sgb", NULL, &err) == SG_OK &&
 *       sg_predictor_predict_file(p, &r, "image.png", &err) == SG_OK)
 *       printf("looks most like %s (%.2f)\n", sg_predictor_class(p, r.top), r.probability[r.top]);
 *   sg_predictor_close(p);
 *
 * Research use only. A predictor is used by one thread at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SONOGRADE_PREDICTOR_H
#define SONOGRADE_PREDICTOR_H

#include "sonograde/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { SG_PREDICTOR_MAX_CLASSES = 64 };

typedef struct sg_predictor sg_predictor;

typedef struct sg_predictor_options {
    int threads;              /* 0 = all */
    bool flip_average;        /* average over the image and its mirror (test-time augmentation) */
    bool allow_phantom_model; /* a model trained on simulated images predicts nothing else unless
                                 set */
    const char *backend;      /* NULL = "onednn" */
    int batch;                /* images per forward pass, 0 = 1 */
} sg_predictor_options;
#define SG_PREDICTOR_OPTIONS_INIT                                                                  \
    { 0, false, false, NULL, 0 }

typedef struct sg_prediction {
    int classes;
    int top;                                      /* most probable class */
    double probability[SG_PREDICTOR_MAX_CLASSES]; /* calibrated, sum 1; mean over members */
    double logit[SG_PREDICTOR_MAX_CLASSES];       /* mean over members (and flips) */
    double low[SG_PREDICTOR_MAX_CLASSES];         /* range of probability over members */
    double high[SG_PREDICTOR_MAX_CLASSES];
    double votes[SG_PREDICTOR_MAX_CLASSES]; /* share of members that find this class most probable
                                             */
    bool seen;       /* this very image (by SHA-256) was in the training data */
    char sha256[65]; /* of the file's bytes; "" for pixels given directly */
} sg_prediction;

/* path: a bundle (.sgb), a weights file, or a run folder (its chosen weights). options may be NULL.
 */
SG_API SG_MUST_CHECK sg_status sg_predictor_open(
        sg_predictor **out, const char *path, const sg_predictor_options *options, sg_error *err);
SG_API void sg_predictor_close(sg_predictor *predictor); /* NULL-safe */

SG_API int sg_predictor_classes(const sg_predictor *predictor);
SG_API const char *sg_predictor_class(const sg_predictor *predictor, int index); /* borrowed */

/* PNG or JPEG. Expected failures: SG_ERR_IO, SG_ERR_FORMAT naming the file. */
SG_API SG_MUST_CHECK sg_status sg_predictor_predict_file(
        sg_predictor *predictor, sg_prediction *out, const char *path, sg_error *err);

/* 8-bit pixels, rows top to bottom, `channels` 1 (grey) or 3 (RGB), `stride` bytes from row to row.
 */
SG_API SG_MUST_CHECK sg_status sg_predictor_predict_pixels(sg_predictor *predictor,
        sg_prediction *out, const uint8_t *pixels, int width, int height, int channels,
        size_t stride, sg_error *err);

#ifdef __cplusplus
}
#endif
#endif
