/* comparison.h - trainings that stand side by side: models, one model with a part taken away, one
 * model under two splits. A campaign (protocol/campaign.h) with its figures, pairs and page.
 *
 * The caller opens, adds trials, runs and reports. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_COMPARISON_H
#define SG_CLI_COMPARISON_H

#include "cli/arm_settings.h"
#include "cli/cli.h"
#include "cli/dataset.h"
#include "cli/rate_curves.h"
#include "protocol/campaign.h"
#include "protocol/cost.h"
#include "protocol/difference.h"
#include "protocol/metrics.h"
#include "stats/repeated.h"

enum { SG_COMPARISON_TRIALS = 32, SG_TRIAL_NAME = 48 };

typedef struct sg_trial {
    char name[SG_TRIAL_NAME]; /* of the arm's folder */
    char meaning[200];        /* what sets it apart; "" = nothing to say */
    int base;                 /* the trial it is held against; -1 = all with an equal start */
    const sg_split *split;
    sg_arm_settings settings;
    sg_predictions predictions;
    sg_metrics metrics;
    sg_history *histories; /* [history_count], one per fold */
    size_t history_count;
    double init_share;
    sg_cost cost;
    sg_lr_range *ranges; /* [split->folds] range tests, and */
    double *rates;       /* the learning rates found; both NULL without */
} sg_trial;

typedef struct sg_trial_pair {
    size_t base, other;
    sg_difference difference; /* other minus base */
    double p_adjusted;        /* difference.p among all pairs (Holm) */
    sg_resampled_t folds;     /* accuracy of each fold, corrected t */
} sg_trial_pair;

typedef struct sg_comparison {
    const sg_call *call;
    const char *out;
    const char *title, *lead; /* of the page */
    const char *const *free_to_change;
    sg_cli_dataset dataset;
    const char *folds; /* number or table */
    long long seed, draws;
    bool overwrite, tta, force_resume;
    bool with_paper; /* the published table beside ours */

    sg_campaign campaign;
    sg_manifest manifest;
    sg_split split, random; /* random: image by image; only after sg_comparison_split_randomly */
    char *ledger;           /* of looks at test images, or NULL */
    sg_trial *trials;       /* [SG_COMPARISON_TRIALS] */
    size_t trial_count;
    sg_trial_pair *pairs;
    size_t pair_count;
    size_t unpaired;   /* pairs left out because their starts differ */
    char unequal[200]; /* "epochs, augment": settings in which arms without a base differ beyond
                          architecture, start and rate; "" = none */
    size_t unlike;     /* pairs with a base whose start differs: that may be what is switched */
} sg_comparison;

/* Takes the folder, the images as they were at the start, and the folds. The first group of fields
 * is the caller's. */
SG_MUST_CHECK sg_status sg_comparison_open(sg_comparison *c, sg_error *err);
void sg_comparison_close(sg_comparison *c, sg_status status); /* status: how it ended */
SG_MUST_CHECK sg_status sg_comparison_split_randomly(sg_comparison *c, sg_error *err);

typedef struct sg_trial_plan {
    const char *name, *meaning; /* meaning NULL: none */
    int base;
    const sg_split *split; /* NULL: the comparison's own folds */
    sg_arm_source source;
    const char *changes; /* "key: value\n..." in train's words on top of it all; or NULL */
    const char *weights; /* file to start from, or NULL: random weights */
} sg_trial_plan;
SG_MUST_CHECK sg_status sg_comparison_add(
        sg_comparison *c, const sg_trial_plan *plan, sg_error *err);

/* Before running: a learning rate of its own for each arm and fold, found on that fold's training
 * images alone. */
SG_MUST_CHECK sg_status sg_comparison_find_rates(sg_comparison *c, sg_error *err);
/* Trains what is not trained, judges all, measures pairs and cost. */
SG_MUST_CHECK sg_status sg_comparison_run(sg_comparison *c, sg_error *err);
/* compare.csv, folds.csv, pairs.csv, compare.json, report.html and each arm's predictions.csv; then
 * tells the table, or the JSON. */
SG_MUST_CHECK sg_status sg_comparison_report(sg_comparison *c, sg_error *err);

/* Epochs of the fold that trained longest; after running. */
size_t sg_trial_epochs(const sg_trial *trial);
/* report.html alone; for sg_comparison_report. */
SG_MUST_CHECK sg_status sg_comparison_write_page(
        const sg_comparison *c, const char *path, sg_error *err);

/* Two trainings that started alike may be ranked: both from random weights, or shares of given
 * weights within five points of each other. */
bool sg_same_start(double share_a, double share_b);

#endif
