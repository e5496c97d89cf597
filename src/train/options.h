/* options.h - everything a training depends on, as one plain struct: filled from the command line,
 * from args.yaml of a run that is resumed, or by a search. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TRAIN_OPTIONS_H
#define SG_TRAIN_OPTIONS_H

#include "data/augment.h"
#include "image/recipe.h"
#include "nn/models/models.h"
#include "nn/optimizer.h"
#include "nn/schedule.h"

typedef enum sg_select { /* which validation figure chooses the epoch */
    SG_SELECT_NONE,      /* nothing is chosen: the last averaged weights */
    SG_SELECT_LOSS,
    SG_SELECT_ACCURACY,
    SG_SELECT_MACRO_F1,
    SG_SELECT_AUROC
} sg_select;
#define SG_SELECT_NAMES "none|loss|accuracy|macro-f1|auroc"

typedef enum sg_class_weighting {
    SG_CLASS_WEIGHTS_NONE,
    SG_CLASS_WEIGHTS_BALANCED, /* n / (classes * n_c) */
    SG_CLASS_WEIGHTS_SQRT,     /* its square root, scaled to mean 1 over the images */
    SG_CLASS_WEIGHTS_LIST
} sg_class_weighting;

/* Settings from the epoch on before which `epoch` epochs are complete. They may differ from those
 * before in what a training can change on its way: batch, learning rate, weight decay, momentum,
 * clipping, averaging, augmentation, smoothing, focal loss, the factors of layers. */
typedef struct sg_phase {
    int epoch;
    const struct sg_train_options *options; /* without phases */
} sg_phase;

typedef struct sg_train_options {
    const char *model;
    sg_model_options model_options; /* classes is set from the data */
    const char *weights;            /* safetensors file, run or bundle to start from; or NULL */
    const char *allow_new;          /* name prefixes, comma-separated, that the weights may lack */
    const char *freeze;             /* name prefixes, comma-separated, that keep their weights */
    double new_layer_factor;        /* learning rate of layers not in the weights, times this */
    double layer_decay;             /* learning-rate factor per stage below the head; 1 = off */
    bool fixed_norms;               /* batch norms keep their running statistics everywhere */

    int epochs, batch;
    uint64_t seed;
    sg_optimizer_options optimizer;
    sg_schedule schedule; /* total_steps is set from the data */
    double label_smoothing, focal_gamma;
    sg_class_weighting class_weighting;
    const char *class_weight_list; /* "1,2,0.5" in class order */
    bool balanced_sampler;
    sg_recipe recipe;
    sg_augment augment;

    sg_select select;
    int patience; /* epochs without improvement of the selected figure; 0 = off */

    const sg_phase *phases; /* by rising epoch; the settings here count before the first one */
    size_t phase_count;

    int threads, workers;
    bool recompute;      /* less memory, more time (SG_SAVE_BLOCKS); changes no result */
    bool profile;        /* some early steps are profiled (profiling.h); changes no result */
    const char *backend; /* "onednn" or "ref" */
    bool winograd;       /* Winograd where it is faster; else direct only */
} sg_train_options;

/* Checks ranges and contradictions; SG_ERR_USAGE names the option. */
SG_MUST_CHECK sg_status sg_train_options_check(const sg_train_options *options, sg_error *err);

/* What counts when `epoch` epochs are complete, and the epoch before which that changes (or the
 * training ends). */
const sg_train_options *sg_train_options_at(const sg_train_options *options, int epoch);
int sg_train_options_until(const sg_train_options *options, int epoch);

const char *sg_select_name(sg_select select);

#endif
