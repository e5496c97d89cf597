/* tune_study.h - what the files of `tune` share: the options, the images that a search may use, one
 * trial, and what is told at the end. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_TUNE_STUDY_H
#define SG_CLI_TUNE_STUDY_H

#include "cli/arm_settings.h"
#include "cli/cli.h"
#include "cli/dataset.h"
#include "data/split.h"
#include "protocol/inner.h"
#include "tune/pbt.h"
#include "tune/sampler.h"
#include "tune/stop.h"
#include "tune/study.h"
#include <sys/types.h>

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
    long long population, every, short_epochs, side_by_side;
    /* of every trial */
    const char *model, *weights, *config, *set;
    long long epochs, batch, size, seed, workers;
    bool keep_weights;
} sg_tune_args;

/* Methods behind those of sg_sampler. */
enum { SG_TUNE_PBT = SG_SAMPLER_TPE + 1, SG_TUNE_PB2, SG_TUNE_HYBRID };
#define SG_TUNE_METHOD_NAMES SG_SAMPLER_NAMES "|pbt|pb2|hybrid"

/* What a budget is spent on. A member's epochs are cut into generations; it is trained and judged
 * on every inner fold, as a trial is. */
typedef struct sg_tune_plan {
    size_t trials; /* whole trainings, before the population if there is one */
    int epochs;    /* of each */
    size_t members;
    int member_epochs, every, generations; /* the last generation may be shorter */
} sg_tune_plan;

typedef struct sg_tune {
    const sg_call *call;
    sg_tune_args *args;
    sg_space space;
    sg_study *study;
    sg_manifest manifest;
    sg_split inner;
    size_t usable, held_out; /* images */
    char *parts;             /* which is which, as splits.csv */
    sg_tune_plan plan;
    bool held[SG_SPACE_MAX]; /* parameters that a population does not change */
    char *folder;            /* STUDY.trials */
    pid_t *children;         /* the other processes, once they are started */
    long long processes;     /* with this one; 0: not settled yet */
    bool shares;             /* --threads was not given and is this process's share */
    sg_select figure;
} sg_tune;

#define SG_TUNE_FIGURE_NAMES "auroc|loss|accuracy|macro-f1"

/* Reads the space from --space and --param (or takes the default one) and tries its values as train
 * would: an unknown name, a value that no training takes, an architecture or a file of weights that
 * is not there is SG_ERR_USAGE here, naming the parameter, not in trial 17. */
SG_MUST_CHECK sg_status sg_tune_read_space(sg_tune *t, sg_error *err);
/* Manifest, test images set aside, inner folds of the rest; nothing is written. */
SG_MUST_CHECK sg_status sg_tune_open_data(sg_tune *t, sg_error *err);
/* What was set aside becomes splits.csv of the folder, what all images hold images.sha256;
 * SG_ERR_MISMATCH where they say otherwise. */
SG_MUST_CHECK sg_status sg_tune_keep_parts(const sg_tune *t, sg_error *err);

/* A part of a member's training. */
typedef struct sg_tune_stretch {
    size_t member;
    int generation;
    long parent; /* number of the trial whose checkpoints it goes on from; -1: from the start */
} sg_tune_stretch;

/* Trains one trial to its end and writes the outcome into the study. A trial that cannot be trained
 * is recorded as failed with its message and is no error. stretch NULL: a whole training. */
SG_MUST_CHECK sg_status sg_tune_run_trial(sg_tune *t, const sg_ticket *ticket, const double *point,
        const sg_tune_stretch *stretch, sg_error *err);
/* What a training of the point is made with: train's defaults, the search's own options, its fixed
 * values, the point, and what the plan says. schedule: as below. */
SG_MUST_CHECK sg_status sg_tune_settings(sg_arm_settings *out, sg_tune *t, const double *point,
        int epochs, const char *schedule, long long seed, sg_error *err);
/* SG_ERR_INTERRUPTED, with the words that say how to go on. */
SG_MUST_CHECK sg_status sg_tune_stopped(const sg_tune *t, sg_error *err);
/* Does the option of train say where, on what or by what machine, rather than how? */
bool sg_tune_is_place(const char *name);
/* Score of a point under another seed, for finalists. schedule: file of settings that its training
 * follows, or NULL. */
SG_MUST_CHECK sg_status sg_tune_repeat(double *score, sg_tune *t, const sg_study_trial *trial,
        const char *schedule, int repeat, sg_error *err);
/* Deletes the weights of a trial that nothing needs any more, unless they are to be kept. */
void sg_tune_drop_weights(const sg_tune *t, size_t number);

/* ---- populations ---- */

/* Fills plan and held from the options; SG_ERR_USAGE where a budget is too small, or a parameter of
 * the space cannot change during a training and the method has nobody to choose it. */
SG_MUST_CHECK sg_status sg_tune_make_plan(sg_tune *t, sg_error *err);
/* Is the trial a stretch? Then *stretch is what its attributes say. */
bool sg_tune_is_stretch(sg_tune_stretch *stretch, const sg_study_trial *trial);
/* Trains the next stretch, or waits for other processes; *more false when all are done. */
SG_MUST_CHECK sg_status sg_tune_next_stretch(bool *more, sg_tune *t, sg_error *err);
void sg_tune_wait(const sg_tune *t); /* a moment, for other processes; shows how they stand */
/* Members of the last generation, best first, at most `limit`; indices of trials. */
size_t sg_tune_last_members(
        size_t *out, size_t limit, const sg_tune *t, const sg_study_trial *trials, size_t count);
/* Appends what the member of trial `last` was trained with, from its first ancestor on, in the form
 * of a file for train --schedule. */
SG_MUST_CHECK sg_status sg_tune_put_schedule(sg_str *text, sg_tune *t, const sg_study_trial *trials,
        size_t count, size_t last, sg_error *err);
/* Starts the other processes of a search, once, and gives every one its share of the processors:
 * those of --side-by-side, or, when members begin and nothing was said, one per processor (or per
 * --threads) and member. */
SG_MUST_CHECK sg_status sg_tune_spawn(sg_tune *t, sg_error *err);
/* In a process that was started so (false in another): SIGTERM when the one that started it is
 * gone, killed or not. */
bool sg_tune_follow_parent(void);
/* Waits for them; this process has all processors again. failed: they are to stop, since they would
 * wait for what this one has begun. */
void sg_tune_join(sg_tune *t, bool failed);

/* ---- telling ---- */

/* How the whole search stands, whoever trains: epochs over all inner folds. Trials that ended early
 * leave nothing to train. */
typedef struct sg_tune_standing {
    size_t done, running, planned; /* trials; planned 0: a budget of epochs ends the search */
    size_t room;                   /* whole trainings that may still be begun */
    double trained, left;          /* epochs */
    const sg_study_trial *best;    /* highest or lowest finished one; NULL: none yet */
} sg_tune_standing;
sg_tune_standing sg_tune_look(const sg_tune *t, const sg_study_trial *trials, size_t count);
/* The line of progress, from the study: "search: 5 of 12 trials done, 2 running, best auroc 0.8812
 * (trial 3); epochs 40/96", with the pace of all processes and the time left. */
void sg_tune_show(const sg_tune *t);
/* Repeats the finalists, writes best.yaml and tells. */
SG_MUST_CHECK sg_status sg_tune_conclude(sg_tune *t, sg_error *err);

/* "lr 0.0012, batch 16" */
void sg_tune_put_point(sg_str *out, const sg_space *space, const double *point);
/* Trial values as plain trials for the samplers; the caller's (free), NULL when out of memory. */
sg_trial *sg_tune_plain_trials(const sg_study_trial *trials, size_t count);

#endif
