/* meta.h - the sections of a model file that say what was trained on what
 * (docs/internals/model_file.md).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TRAIN_META_H
#define SG_TRAIN_META_H

#include "train/checkpoint.h"
#include "train/trainer.h"

/* model, recipe, classes and training. inherited: images behind the given weights (transfer.h), may
 * be NULL. class_weights: of the loss, in class order; NULL: all 1. New reference. */
SG_MUST_CHECK sg_status sg_meta_make(json_t **out, const sg_train_job *job,
        const sg_progress *progress, const json_t *inherited, const double *class_weights,
        sg_error *err);
/* Adds calibration (images 0 = none fitted) and selection. */
SG_MUST_CHECK sg_status sg_meta_conclude(json_t *meta, double temperature, size_t images,
        sg_select select, int epoch, sg_error *err);

/* What a resume must repeat: data, split, options, backend, threads. New reference. */
SG_MUST_CHECK sg_status sg_meta_identity(
        json_t **out, const sg_train_job *job, const char *backend, sg_error *err);

#endif
