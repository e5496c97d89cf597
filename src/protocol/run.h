/* run.h - training as a run folder: one model, or the k models of a cross-validation.
 *
 *   DIR/args.yaml manifest.csv splits.csv           what was asked, on what, split how
 *   DIR/{results.csv log.jsonl weights/...}         one model, or
 *   DIR/fold0/... fold1/...                         the same per fold, with its own splits.csv
 *
 * Where a ledger is kept, ledger.json beside the results notes its state when that training began
 * (ledger.h). The folder is locked while in use and can be resumed at any point.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_RUN_H
#define SG_PROTOCOL_RUN_H

#include "train/trainer.h"

typedef struct sg_run_job {
    const sg_train_options *options;
    const sg_manifest *manifest;
    const sg_split *split; /* folds, or parts */
    int only_fold;         /* -1 = all */
    double val_share;      /* of the other folds, set aside for selection and calibration */
    double train_share;    /* of the training groups that are used (sg_split_thin); 1 = all */
    const char *dir;       /* exists and is locked */
    bool resume, force_resume;
    const sg_log *log;
    const volatile sig_atomic_t *stop;
    void (*epoch_done)(void *user, const char *dir, const sg_history *history);
    void *user;
    const char *ledger; /* file of test evaluations, noted where a training begins; NULL: not */
    const double *fold_rates; /* peak learning rate of each fold in place of the common; or NULL */
} sg_run_job;

/* summaries[folds], or [1] without folds; entries of folds that were not asked for are zero. */
SG_MUST_CHECK sg_status sg_run_train(
        sg_train_summary *summaries, const sg_run_job *job, sg_error *err);

/* A run folder read back: its data and how they were split. */
typedef struct sg_run {
    char *dir;
    sg_manifest manifest;
    sg_split split;
} sg_run;
/* root: where the images lie now; NULL: where the run's manifest says. They need not be there. */
SG_MUST_CHECK sg_status sg_run_open(
        sg_run *out, const char *dir, const char *root, const sg_log *log, sg_error *err);
/* Do the run's images lie under `folder`, or one folder below? Told by their bytes: more than half
 * of those that the run's manifest lists are there under their paths with their SHA-256. *root: the
 * folder that the paths start from, the caller's; NULL when they do not. */
SG_MUST_CHECK sg_status sg_run_find_images(
        char **root, const char *dir, const char *folder, sg_error *err);
void sg_run_close(sg_run *run);
/* Writes manifest.csv and splits.csv into a new folder. */
SG_MUST_CHECK sg_status sg_run_write_data(
        const char *dir, const sg_manifest *manifest, const sg_split *split, sg_error *err);
/* Every model of the run is complete. */
SG_MUST_CHECK sg_status sg_run_is_finished(
        bool *out, const char *dir, const sg_split *split, int only_fold, sg_error *err);
/* DIR/fold<i>; the caller's, NULL when out of memory. */
char *sg_run_fold_dir(const char *dir, int fold);

/* Files that --skip-bad left out of the run's data (rows of skipped.csv; 0 without one). */
SG_MUST_CHECK sg_status sg_run_count_skips(size_t *out, const char *dir, sg_error *err);

#endif
