/* train_options.c - see train_options.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/train_options.h"
#include "base/file.h"
#include "cli/shared_rows.h"
#include "weights/name_map.h"
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(sg_train_args, field)
#define GROUP(title)                                                                               \
    { title, 0, SG_OPTION_GROUP, 0, NULL, NULL, NULL, 0, 0 }

/* clang-format off */
const sg_option sg_train_option_rows[] = {
    GROUP("Data"),
    SG_DATA_ROW(AT(data)),
    { "manifest", 0, SG_OPTION_PATH, AT(manifest), NULL, "FILE", "table of images instead (data manifest makes it)", 0, 0 },
    { "group-by", 0, SG_OPTION_TEXT, AT(group_by), NULL, "COLUMN|REGEX", "what must stay together: a column, or a pattern with one capture on the path; default: equal or near-equal pictures", 0, 0 },
    { "splits", 0, SG_OPTION_PATH, AT(splits), NULL, "FILE", "table of parts or folds (path,class,split or path,class,fold)", 0, 0 },
    { "folds", 0, SG_OPTION_TEXT, AT(folds), NULL, "K|FILE", "cross-validation: number of folds, or a table path,class,fold", 0, 0 },
    { "fold", 0, SG_OPTION_INT, AT(fold), "-1", "I", "train this fold only; -1 trains all", -1, 99 },
    { "test-share", 0, SG_OPTION_REAL, AT(test_share), "0.15", "F", "share of the images for testing, without --folds and --splits", 0.01, 0.9 },
    { "val-share", 0, SG_OPTION_REAL, AT(val_share), "-1", "F", "share for validation; -1: 0.15, but 0 with --folds and without --select", -1, 0.9 },
    { "train-share", 0, SG_OPTION_REAL, AT(train_share), "1", "F", "use this share of the training images only, by whole groups: for learning curves", 0.001, 1 },
    { "ungrouped", 0, SG_OPTION_FLAG, AT(ungrouped), NULL, NULL, "allow images that belong together on both sides of a split; reports are marked", 0, 0 },
    SG_SKIP_BAD_ROW(AT(skip_bad)),
    GROUP("Run"),
    { "run", 0, SG_OPTION_PATH, AT(run), NULL, "DIR", "new folder for all that the training leaves behind", 0, 0 },
    { "resume", 0, SG_OPTION_PATH, AT(resume), NULL, "DIR", "go on with this run; its own settings count", 0, 0 },
    { "force-resume", 0, SG_OPTION_FLAG, AT(force_resume), NULL, NULL, "go on even when threads, library or processor differ, which the run then notes: it is not repeatable; other settings stay as they are", 0, 0 },
    { "overwrite", 0, SG_OPTION_FLAG, AT(overwrite), NULL, NULL, "replace the run in the folder of --run; it is deleted when an epoch of the new one is complete", 0, 0 },
    GROUP("Model"),
    { "model", 0, SG_OPTION_TEXT, AT(model), "mobilenetv2", "NAME", "architecture (sonograde models lists them)", 0, 0 },
    { "weights", 0, SG_OPTION_PATH, AT(weights), NULL, "FILE", "safetensors, .pth or ONNX file to start from", 0, 0 },
    { "from-bundle", 0, SG_OPTION_PATH, AT(from_bundle), NULL, "FILE", "go on from an own model with new data; its architecture, size and preprocessing are then the defaults", 0, 0 },
    { "allow-new", 0, SG_OPTION_TEXT, AT(allow_new), NULL, "PREFIX,...", "layers that may start anew although the file should have them", 0, 0 },
    { "freeze", 0, SG_OPTION_TEXT, AT(freeze), NULL, "PREFIX,...", "layers that keep their weights and statistics", 0, 0 },
    { "new-layer-factor", 0, SG_OPTION_REAL, AT(new_layer_factor), "1", "X", "learning rate of layers not in the file, times X", 0, 1000 },
    { "layer-decay", 0, SG_OPTION_REAL, AT(layer_decay), "1", "X", "learning-rate factor from one stage to the one below", 0.01, 1 },
    { "fixed-norms", 0, SG_OPTION_FLAG, AT(fixed_norms), NULL, NULL, "batch norms keep their running statistics everywhere", 0, 0 },
    { "blocks", 0, SG_OPTION_TEXT, AT(blocks), NULL, "A,B,C,D", "residual blocks per stage", 0, 0 },
    { "se-reduction", 0, SG_OPTION_INT, AT(se_reduction), "-1", "N", "squeeze-and-excitation reduction; 0 none, -1 the model's own", -1, 256 },
    { "dilation", 0, SG_OPTION_INT, AT(dilation), "-1", "N", "1 none, 2 last stage, 4 last two stages, -1 the model's own", -1, 4 },
    { "dropout", 0, SG_OPTION_REAL, AT(dropout), "-1", "P", "before the classifier; -1 the model's own", -1, 0.95 },
    { "mobilenet-first", 0, SG_OPTION_CHOICE, AT(mobilenet_first), "auto", "auto|plain|expand", "first block of mobilenetv2: as torchvision (plain) or GluonCV (expand); auto looks into --weights", 0, 0 },
    { "auxiliary", 0, SG_OPTION_FLAG, AT(auxiliary), NULL, NULL, "googlenet: train its two auxiliary classifiers too, each loss times 0.3", 0, 0 },
    { "transform-input", 0, SG_OPTION_FLAG, AT(transform_input), NULL, NULL, "googlenet: bring images standardised as ImageNet's to mean 0.5 and deviation 0.5, as torchvision's weights want", 0, 0 },
    GROUP("Optimisation"),
    { "epochs", 'e', SG_OPTION_INT, AT(epochs), "20", "N", "passes over the training images", 1, 100000 },
    SG_BATCH_ROW(AT(batch)),
    { "seed", 's', SG_OPTION_INT, AT(seed), "0", "N", "of everything random", 0, 9e15 },
    { "optimizer", 0, SG_OPTION_CHOICE, AT(optimizer), "adamw", "sgd|adamw", "update rule", 0, 0 },
    { "lr", 0, SG_OPTION_REAL, AT(lr), "6e-4", "X", "peak learning rate", 1e-12, 100 },
    { "weight-decay", 0, SG_OPTION_REAL, AT(weight_decay), "0.02", "X", "weight decay", 0, 10 },
    { "decay-all", 0, SG_OPTION_FLAG, AT(decay_all), NULL, NULL, "decay biases and norms too", 0, 0 },
    { "momentum", 0, SG_OPTION_REAL, AT(momentum), "0.9", "X", "of SGD", 0, 0.9999 },
    { "nesterov", 0, SG_OPTION_FLAG, AT(nesterov), NULL, NULL, "Nesterov momentum", 0, 0 },
    { "schedule", 0, SG_OPTION_TEXT, AT(schedule), "cosine", SG_SHAPE_NAMES "|FILE", "learning rate after warm-up; or a file of tune, with settings that change on the way", 0, 0 },
    { "warmup", 0, SG_OPTION_REAL, AT(warmup), "0.1", "F", "share of all steps with a linearly rising learning rate", 0, 0.99 },
    { "lr-floor", 0, SG_OPTION_REAL, AT(lr_floor), "0", "F", "end of the cosine as share of the peak", 0, 1 },
    { "step-every", 0, SG_OPTION_REAL, AT(step_every), "0.34", "F", "share of all steps between drops", 0.01, 1 },
    { "step-factor", 0, SG_OPTION_REAL, AT(step_factor), "0.1", "X", "each drop multiplies by this", 0.0001, 1 },
    { "label-smoothing", 0, SG_OPTION_REAL, AT(label_smoothing), "0.1", "X", "label smoothing", 0, 0.99 },
    { "focal-gamma", 0, SG_OPTION_REAL, AT(focal_gamma), "0", "X", "focal loss; 0 is cross-entropy", 0, 10 },
    { "class-weights", 0, SG_OPTION_CHOICE, AT(class_weights), "sqrt", "none|balanced|sqrt|list", "weights of the classes in the loss", 0, 0 },
    { "class-weight-list", 0, SG_OPTION_TEXT, AT(class_weight_list), NULL, "W,W,...", "with --class-weights list, in class order", 0, 0 },
    { "balanced-sampler", 0, SG_OPTION_FLAG, AT(balanced_sampler), NULL, NULL, "draw every class equally often", 0, 0 },
    { "ema", 0, SG_OPTION_REAL, AT(ema), "0.98", "X", "decay of the moving average of the weights, which is what is evaluated; 0 = off", 0, 0.99999 },
    { "clip-norm", 0, SG_OPTION_REAL, AT(clip_norm), "0", "X", "largest global norm of the gradient; 0 = off", 0, 1e6 },
    { "select", 0, SG_OPTION_CHOICE, AT(select), "none", SG_SELECT_NAMES, "validation figure that chooses the epoch; none takes the last", 0, 0 },
    { "patience", 0, SG_OPTION_INT, AT(patience), "0", "N", "stop after N epochs without a better --select figure; 0 = never", 0, 100000 },
    SG_RECIPE_ROWS(sg_train_args, recipe),
    SG_AUGMENT_ROWS(sg_train_args, augment),
    GROUP("Machine"),
    SG_THREADS_ROW(AT(threads)),
    { "workers", 0, SG_OPTION_INT, AT(workers), "1", "N", "threads that load images; the result does not depend on it", 0, 64 },
    { "backend", 0, SG_OPTION_TEXT, AT(backend), "onednn", "NAME", "onednn, or ref (plain C, slow)", 0, 0 },
    { "winograd", 0, SG_OPTION_CHOICE, AT(winograd), "true", "false|true", "Winograd convolutions where they are faster (3 x 3, by size and batch); they round differently", 0, 0 },
    { "deterministic", 0, SG_OPTION_FLAG, AT(deterministic), NULL, NULL, "direct convolutions only, no measured choices: slower, and the same bits every time for one number of threads and one processor, whatever the library takes for fastest", 0, 0 },
    { "recompute", 0, SG_OPTION_FLAG, AT(recompute), NULL, NULL, "keep only what joins the blocks of the network and run most of the forward pass again in the backward pass: little more than half the memory where batch norms are (ResNet-50), less is gained elsewhere, for up to a third more time; the result is the same bit for bit", 0, 0 },
    { "profile", 0, SG_OPTION_FLAG, AT(profile), NULL, NULL, "tell where the time of ten early steps goes: per node and direction, with bytes moved and the share of what the machine can do; the run keeps it as profile.csv and as a trace for Chrome, profile.json", 0, 0 },
    { NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0 },
};
/* clang-format on */

static sg_status parse_blocks(int blocks[4], const char *text, sg_error *err) {
    if (!text) return SG_OK;
    char *copy = sg_strdup(text), *rest = copy;
    if (!copy) return sg_fail(err, SG_ERR_MEMORY, "out of memory reading --blocks");
    int n = 0;
    for (char *item = strsep(&rest, ","); item && n < 5; item = strsep(&rest, ",")) {
        long long value;
        bool good = n < 4 && sg_parse_int64(&value, item) && value >= 1 && value <= 99;
        if (good) blocks[n] = (int)value;
        n = good ? n + 1 : 5;
    }
    free(copy);
    return n == 4 ? SG_OK
                  : sg_fail(err, SG_ERR_USAGE,
                            "--blocks '%s' must be four counts with commas between, as 3,4,3,2",
                            text);
}

/* Index as in sg_schedule_kind, or -1. */
static int find_shape(const char *name) {
    static const char *const names[] = {"constant", "cosine", "step"};
    for (int i = 0; i < 3; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

bool sg_train_is_shape(const char *schedule) {
    return find_shape(schedule) >= 0;
}

static sg_status check_shape(const char *schedule, sg_error *err) {
    if (sg_train_is_shape(schedule) || sg_path_exists(schedule)) return SG_OK;
    return sg_fail(err, SG_ERR_USAGE,
            "--schedule '%s' must be constant, cosine, step or a file, and there is no such file",
            schedule);
}

static void optimisation_from_args(sg_train_options *out, const sg_train_args *a) {
    sg_optimizer_options optimizer = SG_OPTIMIZER_OPTIONS_INIT;
    optimizer.kind = (sg_optimizer_kind)a->optimizer;
    optimizer.momentum = a->momentum;
    optimizer.nesterov = a->nesterov;
    optimizer.weight_decay = a->weight_decay;
    optimizer.decay_all = a->decay_all;
    optimizer.clip_norm = a->clip_norm;
    optimizer.ema = a->ema;
    out->optimizer = optimizer;
    int shape = find_shape(a->schedule);
    out->schedule = (sg_schedule){shape < 0 ? SG_SCHEDULE_COSINE : (sg_schedule_kind)shape, a->lr,
            a->warmup, a->lr_floor, a->step_every, a->step_factor, 0};
    out->epochs = (int)a->epochs;
    out->batch = (int)a->batch;
    out->seed = (uint64_t)a->seed;
    out->label_smoothing = a->label_smoothing;
    out->focal_gamma = a->focal_gamma;
    out->class_weighting = (sg_class_weighting)a->class_weights;
    out->class_weight_list = a->class_weight_list;
    out->balanced_sampler = a->balanced_sampler;
    out->select = (sg_select)a->select;
    out->patience = (int)a->patience;
}

sg_status sg_train_options_from_args(sg_train_options *out, const sg_train_args *a, sg_error *err) {
    sg_train_options o = {0};
    sg_model_options model = SG_MODEL_OPTIONS_INIT;
    sg_status st = parse_blocks(model.blocks, a->blocks, err);
    if (!st) st = check_shape(a->schedule, err);
    if (!st) st = sg_recipe_from_args(&o.recipe, &a->recipe, err);
    if (st) return st;
    model.se_reduction = (int)a->se_reduction;
    model.dilation = (int)a->dilation;
    model.dropout = a->dropout;
    model.mobilenet_expand_first = a->mobilenet_first == SG_MOBILENET_EXPAND;
    model.auxiliary = a->auxiliary;
    model.transform_input = a->transform_input;
    o.model = a->model;
    o.model_options = model;
    o.weights = a->weights ? a->weights : a->from_bundle;
    o.allow_new = a->allow_new;
    o.freeze = a->freeze;
    o.new_layer_factor = a->new_layer_factor;
    o.layer_decay = a->layer_decay;
    o.fixed_norms = a->fixed_norms;
    optimisation_from_args(&o, a);
    o.augment = sg_augment_from_args(&a->augment);
    o.threads = (int)a->threads;
    o.workers = (int)a->workers;
    o.backend = a->backend;
    o.recompute = a->recompute;
    o.profile = a->profile;
    o.winograd = a->winograd && !a->deterministic;
    st = sg_train_options_check(&o, err);
    if (!st) *out = o;
    return st;
}

sg_status sg_train_settle_first_block(sg_train_args *a, sg_error *err) {
    if (a->mobilenet_first != SG_MOBILENET_AUTO) return SG_OK;
    a->mobilenet_first = SG_MOBILENET_PLAIN;
    if (!a->weights || strcmp(a->model, "mobilenetv2") != 0) return SG_OK;
    static const char *const third[] = {"features.1.conv.2.0.weight",
            "model.features.1.conv.2.0.weight", "member0.model.features.1.conv.2.0.weight"};
    sg_weight_set *file;
    unsigned rules;
    sg_status st = sg_weight_set_open(&file, a->weights, false, err);
    if (st) return st;
    st = sg_name_map_apply(&rules, file, a->weights, err);
    for (size_t i = 0; i < sizeof third / sizeof *third; i++)
        if (sg_weight_set_find(file, third[i])) a->mobilenet_first = SG_MOBILENET_EXPAND;
    sg_weight_set_close(file);
    return st;
}
