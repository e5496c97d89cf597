/* trainer.h - one training: from options, a manifest and its parts to a run folder with weights.
 *
 * The loop is the plain one (load, forward, loss, backward, update); everything it needs to go on
 * after a kill is in weights/last.safetensors after each epoch and on a stop signal. Same options,
 * data, threads and library give the same bytes, interrupted or not. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef SG_TRAIN_TRAINER_H
#define SG_TRAIN_TRAINER_H

#include "base/log.h"
#include "data/manifest.h"
#include "data/split.h"
#include "train/options.h"
#include "train/run_dir.h"
#include <signal.h>

typedef struct sg_train_job {
    const sg_train_options *options;
    const sg_manifest *manifest;
    const sg_split *parts; /* train, val (may be empty), test (never read here) */
    int fold;              /* -1 = not one of several folds */
    const char *dir;       /* exists; this process holds its lock */
    const char *run;       /* what --resume takes, for messages: `dir` or the folder of its folds */
    bool resume;           /* go on from DIR/weights/last.safetensors where there is one */
    bool force_resume;     /* even when threads, library or data differ */
    bool elsewhere;        /* a resume may be on other threads, processor or library: for a search,
                              which compares scores and repeats no bytes */
    const char *start; /* without a checkpoint of its own: go on from this one, whose settings may
                          differ in what a phase may (options.h); NULL: from the given weights */
    int until;         /* leave with the state saved after this many epochs; 0: go to the end */
    const sg_log *log;
    const volatile sig_atomic_t *stop; /* not 0 = save and leave; may be NULL */
    const bool *enough; /* the same, set by epoch_done: a search that gives up; may be NULL */
    /* Called after each epoch with everything so far; may be NULL. */
    void (*epoch_done)(void *user, const char *dir, const sg_history *history);
    void *user;
} sg_train_job;

typedef struct sg_train_summary {
    bool was_finished; /* nothing was left to do */
    int epochs;
    size_t train_images, val_images;
    double init_share;
    double seconds; /* of this call's epochs */
    double last_loss;
    int best_epoch; /* 0 unless a figure is selected */
    bool has_val;
    sg_figures val; /* of the weights that were kept */
    double temperature;
} sg_train_summary;

/* Expected failures: SG_ERR_USAGE, SG_ERR_INPUT (a class without training images...), SG_ERR_IO,
 * SG_ERR_MISMATCH, SG_ERR_NUMERIC (loss or gradient not finite: names step and layer),
 * SG_ERR_INTERRUPTED (state saved). */
SG_MUST_CHECK sg_status sg_train_run(sg_train_summary *out, const sg_train_job *job, sg_error *err);

/* The figure that `select` names, NaN for none; larger is better except for the loss. */
double sg_select_figure(sg_select select, const sg_figures *figures);

/* Is the run in `dir` complete? False when there is no checkpoint yet. */
SG_MUST_CHECK sg_status sg_train_is_finished(bool *out, const char *dir, sg_error *err);

#endif
