/* session.h - everything one training holds while it runs: model, data, engine. Set up by
 * session.c, driven by trainer.c; private to src/train. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TRAIN_SESSION_H
#define SG_TRAIN_SESSION_H

#include "data/loader.h"
#include "nn/loss.h"
#include "nn/plan.h"
#include "train/checkpoint.h"
#include "train/meta.h"
#include "train/profiling.h"

typedef struct sg_session {
    const sg_train_job *job;
    const sg_train_options *options; /* that count now: the job's, or those of a phase */
    sg_graph *graph;
    sg_params *params;      /* trained */
    sg_params *eval_params; /* the averaged ones, for validation */
    bool *is_new;           /* [param_count] */
    bool *trained;          /* [param_count] */
    bool *batch_statistics; /* [node_count] */
    sg_optimizer *optimizer;
    sg_backend *backend, *fallback;
    sg_plan *plan, *eval_plan;
    sg_loader *train, *val; /* val NULL when that part is empty */
    size_t train_count, val_count;
    int batch; /* of the training plan: at most the number of images */
    sg_schedule schedule;
    double class_weights[SG_MAX_CLASSES];
    sg_loss_options loss;
    float *logits_grad;
    float *val_logits; /* [val_count * classes] */
    int *val_labels;
    sg_progress progress;
    sg_history history;
    json_t *meta, *identity;
    json_t *inherited; /* images behind the given weights (transfer.h), or NULL */
    char *last_path, *best_path;
    double start_time;
    sg_event_facts facts;
    sg_profiling profiling;
} sg_session;

/* Builds everything, from the start or from the last checkpoint (job->resume). */
SG_MUST_CHECK sg_status sg_session_open(sg_session *s, const sg_train_job *job, sg_error *err);
void sg_session_close(sg_session *s);

/* The settings and a sheet of training images (run_dir.h); the images are read again, and the sheet
 * is left out where one of them cannot be, or is larger than 1024 px. */
SG_MUST_CHECK sg_status sg_event_facts_make(
        sg_event_facts *out, const sg_session *s, sg_error *err);

/* Puts the averaged weights (or the plain ones without averaging) into eval_params. */
void sg_session_refresh_eval(sg_session *s);
/* SG_ERR_NUMERIC naming epoch, step and parameter when eval_params are not finite. */
SG_MUST_CHECK sg_status sg_session_check_weights(const sg_session *s, sg_error *err);
/* Runs validation into val_logits and *out; needs a validation part. SG_ERR_NUMERIC naming epoch,
 * step and layer when a logit is not finite. */
SG_MUST_CHECK sg_status sg_session_validate(sg_session *s, sg_figures *out, sg_error *err);
SG_MUST_CHECK sg_status sg_session_save(sg_session *s, sg_error *err);

#endif
