/* train_options.h - what `train` takes on the command line, and the way to what src/train wants.
 * The same table writes and reads a run's args.yaml. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_TRAIN_OPTIONS_H
#define SG_CLI_TRAIN_OPTIONS_H

#include "cli/augment_options.h"
#include "cli/recipe_options.h"
#include "train/options.h"

typedef struct sg_train_args {
    /* data */
    const char *data, *manifest, *group_by, *splits, *folds;
    bool skip_bad, ungrouped;
    long long fold;
    double val_share, test_share, train_share;
    /* run */
    const char *run, *resume;
    bool overwrite, force_resume;
    /* model */
    const char *model, *blocks, *weights, *from_bundle, *allow_new, *freeze;
    int mobilenet_first;
    long long se_reduction, dilation;
    double dropout, new_layer_factor, layer_decay;
    bool fixed_norms, auxiliary, transform_input;
    /* optimisation */
    long long epochs, batch, seed;
    int optimizer, class_weights, select;
    const char *schedule; /* a shape, or a file (train_schedule.h) */
    double lr, weight_decay, momentum, warmup, lr_floor, step_every, step_factor;
    double label_smoothing, focal_gamma, ema, clip_norm;
    bool nesterov, decay_all, balanced_sampler;
    const char *class_weight_list;
    long long patience;
    /* images */
    sg_recipe_args recipe;
    sg_augment_args augment;
    /* machine */
    long long threads, workers;
    const char *backend;
    int winograd; /* 0 or 1: a choice, not a flag, as it is on by default */
    bool deterministic, recompute, profile;
} sg_train_args;

enum { SG_MOBILENET_AUTO, SG_MOBILENET_PLAIN, SG_MOBILENET_EXPAND };

extern const sg_option sg_train_option_rows[];

#define SG_SHAPE_NAMES "constant|cosine|step"
bool sg_train_is_shape(const char *schedule);

/* Everything but data, run folder and what a file of --schedule says. Text is borrowed from args.
 */
SG_MUST_CHECK sg_status sg_train_options_from_args(
        sg_train_options *out, const sg_train_args *args, sg_error *err);

/* Which first block of mobilenetv2 the weights are made for, where that was left open. */
SG_MUST_CHECK sg_status sg_train_settle_first_block(sg_train_args *args, sg_error *err);

#endif
