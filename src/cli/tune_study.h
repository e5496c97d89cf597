/* tune_study.h - what the files of `tune` share: the options, the images that a search may use, one
 * trial, and what is told at the end. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_TUNE_STUDY_H
#define SG_CLI_TUNE_STUDY_H

#include "cli/arm_settings.h"
#include "cli/cli.h"
#include "cli/dataset.h"
#include "data/split.h"
#include "protocol/inner.h"
#include "tune/sampler.h"
#include "tune/stop.h"
#include "tune/study.h"

typedef struct sg_tune_args {
    sg_cli_dataset dataset;
    const char *splits, *folds;
    long long fold;
    double test_share;
    bool ungrouped;
    /* search */
    const char *study, *study_name, *space, *param;
    int method, figure, stop_rule, schema;
    long long trials, budget_epochs, startup, stop_first, inner, finalists, repeats, stale;
    /* of every trial */
    const char *model, *weights, *config, *set;
    long long epochs, batch, size, seed, workers;
    bool keep_weights;
} sg_tune_args;

typedef struct sg_tune {
    const sg_call *call;
    const sg_tune_args *args;
    sg_space space;
    sg_study *study;
    sg_manifest manifest;
    sg_split inner;
    size_t usable, held_out; /* images */
    char *folder;            /* STUDY.trials */
    sg_select figure;
} sg_tune;

#define SG_TUNE_FIGURE_NAMES "auroc|loss|accuracy|macro-f1"

/* Reads the space from --space and --param (or takes the default one) and tries its ends on train's
 * own table: an unknown name or a value out of train's range is SG_ERR_USAGE here, not in trial 17.
 */
SG_MUST_CHECK sg_status sg_tune_read_space(sg_tune *t, sg_error *err);
/* Manifest, test images set aside (written to splits.csv of the folder), inner folds of the rest.
 */
SG_MUST_CHECK sg_status sg_tune_open_data(sg_tune *t, sg_error *err);

/* Trains one trial to its end and writes the outcome into the study. A trial that cannot be trained
 * is recorded as failed with its message and is no error. */
SG_MUST_CHECK sg_status sg_tune_run_trial(
        sg_tune *t, const sg_ticket *ticket, const double *point, sg_error *err);
/* Score of a point under another seed, for finalists. */
SG_MUST_CHECK sg_status sg_tune_repeat(
        double *score, sg_tune *t, const sg_study_trial *trial, int repeat, sg_error *err);

/* Repeats the finalists, writes best.yaml and tells. */
SG_MUST_CHECK sg_status sg_tune_conclude(sg_tune *t, sg_error *err);

/* "lr 0.0012, batch 16" */
void sg_tune_put_point(sg_str *out, const sg_space *space, const double *point);
/* Trial values as plain trials for the samplers; the caller's (free), NULL when out of memory. */
sg_trial *sg_tune_plain_trials(const sg_study_trial *trials, size_t count);

#endif
