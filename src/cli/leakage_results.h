/* leakage_results.h - the study of cmd_leakage.c as it is filled, and from trained arms to figures,
 * tables and the page. For cmd_leakage.c only. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_LEAKAGE_RESULTS_H
#define SG_CLI_LEAKAGE_RESULTS_H

#include "cli/arm_settings.h"
#include "cli/cli.h"
#include "cli/dataset.h"
#include "protocol/campaign.h"
#include "protocol/difference.h"
#include "protocol/metrics.h"

typedef struct sg_leakage_args {
    sg_cli_dataset dataset;
    const char *cohort, *out, *shares, *model, *weights, *config, *set;
    bool overwrite, learning_curve, force_resume;
    long long folds, copies, draws, epochs, batch, size, seed, workers;
} sg_leakage_args;

typedef enum sg_leak {
    SG_LEAK_GROUPED, /* the reference comes first */
    SG_LEAK_RANDOM,
    SG_LEAK_COHORT,
    SG_LEAK_MASK,
    SG_LEAK_COPIES,
    SG_LEAK_KINDS
} sg_leak;

enum { SG_LEAKAGE_TRIALS = 16 };

/* One arm: the grouped kind again for each share of a learning curve. */
typedef struct sg_leakage_trial {
    sg_leak kind;
    double share; /* of the training images */
    char name[32], meaning[320];
    const sg_manifest *manifest;
    sg_arm_settings settings;
    sg_predictions predictions; /* of the images of the source */
    sg_metrics metrics;
    sg_difference worth;    /* against the first trial, each on all its images; zeros there */
    sg_difference shared;   /* the same on the images that both judged; zeros for curve points */
    double p_holm;          /* of shared.p, adjusted over the arms; NaN for curve points */
    double accuracy_of_all; /* copies included; NaN where there are none */
    double train_images;    /* mean over folds */
} sg_leakage_trial;

typedef struct sg_leakage_study {
    const sg_leakage_args *args;
    const sg_call *call;
    sg_campaign campaign;
    sg_manifest base, masked, copies;
    sg_manifest_summary summary;
    sg_split splits[SG_LEAK_KINDS];
    size_t cohort_images;
    sg_leakage_trial trials[SG_LEAKAGE_TRIALS];
    size_t trial_count;
    char *ledger; /* of looks at test images, or NULL */
} sg_leakage_study;

void sg_leakage_dispose(sg_leakage_study *study, sg_status status); /* how it ended */

/* Predicts every arm's test images and measures. */
SG_MUST_CHECK sg_status sg_leakage_measure(sg_leakage_study *study, sg_error *err);
/* Writes leakage.csv, folds.csv, leakage.json and report.html, and prints the table or the JSON. */
SG_MUST_CHECK sg_status sg_leakage_report(sg_leakage_study *study, sg_error *err);

#endif
