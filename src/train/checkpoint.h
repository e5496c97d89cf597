/* checkpoint.h - the whole state of a training as one model file (docs/internals/model_file.md), so
 * that a resume goes on bit for bit, and the inference weights taken from it.
 *
 * The `progress` section: epoch and batch to go on with, updates done, sums of the running epoch,
 * best figure so far, what is new against the given weights, and the identity that a resume must
 * repeat. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TRAIN_CHECKPOINT_H
#define SG_TRAIN_CHECKPOINT_H

#include "base/json.h"
#include "nn/optimizer.h"
#include "nn/params.h"

typedef struct sg_progress {
    int epoch;                 /* epochs complete */
    int64_t batch;             /* batches complete of the next one */
    double loss_sum, norm_sum; /* over those batches */
    bool has_best;
    double best; /* figure to be beaten, larger is better (loss with its sign turned) */
    int best_epoch;
    int stale_epochs; /* since the best */
    bool finished;
    double init_share;       /* of parameters that came from given weights */
    char weights_sha256[65]; /* "" when none were given */
    json_t *changes; /* array of {epoch, changed: {"optimizer.weight_decay": [was, is]}}, owned;
                        NULL */
} sg_progress;
void sg_progress_dispose(sg_progress *progress); /* NULL-safe */

typedef enum sg_resume {
    SG_RESUME_EXACT,     /* everything as it was */
    SG_RESUME_ELSEWHERE, /* all but the backend's text: threads, processor, library */
    SG_RESUME_CHANGED,   /* what a training can change on its way may differ, and where it goes on:
                            noted in changes */
    SG_RESUME_FORCED     /* whatever differs */
} sg_resume;

/* meta: the document's other sections (borrowed); identity: what must be equal on resume
 * (borrowed). is_new[param_count]: parameters that did not come from given weights. */
SG_MUST_CHECK sg_status sg_checkpoint_save(const char *path, const sg_params *params,
        const sg_optimizer *optimizer, const sg_progress *progress, const bool *is_new,
        const json_t *meta, const json_t *identity, sg_error *err);

/* Fills params, the optimizer's moments, average and step, progress (new) and is_new. Expected
 * failures: SG_ERR_FORMAT (damaged), SG_ERR_MISMATCH naming what differs and may not. */
SG_MUST_CHECK sg_status sg_checkpoint_load(const char *path, sg_params *params,
        sg_optimizer *optimizer, sg_progress *progress, bool *is_new, const json_t *identity,
        sg_resume mode, sg_error *err);

/* Only what a resume asks first: is it finished? */
SG_MUST_CHECK sg_status sg_checkpoint_peek(sg_progress *progress, const char *path, sg_error *err);
/* What came with given weights, needed before an optimizer exists: fills is_new; *inherited: images
 * behind those weights (transfer.h), new reference. */
SG_MUST_CHECK sg_status sg_checkpoint_peek_start(
        bool *is_new, json_t **inherited, const sg_graph *graph, const char *path, sg_error *err);

/* The inference weights (average where there is one): kind `weights`. */
SG_MUST_CHECK sg_status sg_checkpoint_save_weights(const char *path, const sg_graph *graph,
        const float *block, const json_t *meta, sg_error *err);
SG_MUST_CHECK sg_status sg_checkpoint_load_weights(
        sg_params *params, const char *path, sg_error *err);

#endif
