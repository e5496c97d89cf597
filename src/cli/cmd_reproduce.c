/* cmd_reproduce.c - `sonograde reproduce`: the paper's experiment in one command, under a split
 * that may leak and one that does not. SPDX-License-Identifier: Apache-2.0 */
#include "cli/arm_pairs.h"
#include "cli/comparison.h"
#include "cli/shared_rows.h"
#include "cli/verbs.h"
#include "nn/models/models.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reproduce_args {
    sg_cli_dataset dataset;
    const char *models, *weights, *folds, *out, *config, *set;
    bool overwrite, force_resume, print_config;
    long long epochs, size, seed, draws, workers;
} reproduce_args;

#define AT(field) offsetof(reproduce_args, field)
/* clang-format off */
static const sg_option rows[] = {
    { "data", 0, SG_OPTION_PATH, AT(dataset.data), NULL, "DIR", "BUSI, or any folder with one folder of images per class", 0, 0 },
    SG_GROUP_BY_ROW(AT(dataset.group_by)),
    { "folds", 0, SG_OPTION_TEXT, AT(folds), "5", "K|FILE", "folds of the grouped split, and as many of the random one", 0, 0 },
    { "models", 0, SG_OPTION_TEXT, AT(models), "resnet50,alexnet,googlenet,vgg16,mresnet", "NAME,...", "which of the paper's five", 0, 0 },
    { "weights", 0, SG_OPTION_TEXT, AT(weights), NULL, "MODEL=FILE,...", "safetensors, .pth or ONNX files to start from; the other models start from random weights", 0, 0 },
    { "out", 'o', SG_OPTION_PATH, AT(out), NULL, "DIR", "folder of the experiment; the same command goes on with one that was stopped", 0, 0 },
    { "overwrite", 0, SG_OPTION_FLAG, AT(overwrite), NULL, NULL, "delete the experiment that is in --out", 0, 0 },
    { "epochs", 'e', SG_OPTION_INT, AT(epochs), "0", "N", "passes over the training images; 0 = the printed ones of each model", 0, 100000 },
    { "size", 0, SG_OPTION_INT, AT(size), "224", "P", "side of the square the network sees; less than 224 is marked", 8, 4096 },
    { "seed", 's', SG_OPTION_INT, AT(seed), "0", "N", "of folds and trainings", 0, 9e15 },
    { "config", 0, SG_OPTION_PATH, AT(config), NULL, "FILE", "options of train in place of the built-in configs/paper.yaml", 0, 0 },
    SG_ARMS_SET_ROW(AT(set)),
    { "print-config", 0, SG_OPTION_FLAG, AT(print_config), NULL, NULL, "print the built-in settings and leave", 0, 0 },
    { "draws", 0, SG_OPTION_INT, AT(draws), "10000", "N", "bootstrap draws behind the intervals", 100, 1000000 },
    SG_THREADS_ROW(AT(dataset.threads)),
    SG_WORKERS_ROW(AT(workers)),
    { "force-resume", 0, SG_OPTION_FLAG, AT(force_resume), NULL, NULL, "go on although library or processor differ", 0, 0 },
    { NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0 },
};
/* clang-format on */

static const char *const free_to_change[] = {
        "out", "overwrite", "draws", "workers", "force-resume", "print-config", NULL};

/* The five of the paper's table, with the printed epochs. */
static const struct {
    const char *model;
    int epochs;
} printed[] = {
        {"resnet50", 18}, {"alexnet", 25}, {"googlenet", 27}, {"vgg16", 26}, {"mresnet", 27}};
enum { PRINTED = sizeof printed / sizeof *printed };

/* configs/paper.yaml; a test holds the two together. */
static const char paper_yaml[] =
        "# The settings of Maini, Singh and Saxena 2025 (doi 10.1109/IEEECONF64992.2025.10963186) "
        "as far as they are stated, and\n"
        "# what had to be guessed where they are not. Keys are options of `sonograde train`; "
        "`sonograde reproduce` uses this file's\n"
        "# content unless --config names another. Printed epochs: ResNet-50 18, AlexNet 25, "
        "GoogLeNet 27, VGG-16 26, mResNet 27;\n"
        "# they differ by model and are set by `reproduce`.\n"
        "\n"
        "# Stated: the optimum of its Bayesian optimisation.\n"
        "lr: 1e-4\n"
        "weight-decay: 5e-4\n"
        "batch: 32\n"
        "\n"
        "# Stated: contrast enhancement, noise reduction, standardised intensities, resize to 224 "
        "x 224.\n"
        "size: 224\n"
        "# Guess: which enhancement and which filter; none is named.\n"
        "contrast: clahe\n"
        "despeckle: median\n"
        "# Guess: a plain resize, which loses width against height.\n"
        "fit: stretch\n"
        "\n"
        "# Stated: rotation and scaling; its notebook: flip, jitter of brightness and contrast.\n"
        "augment: true\n"
        "flip: true\n"
        "# Guess: all ranges.\n"
        "rotation: 15\n"
        "scale: 1.2\n"
        "gain: 20\n"
        "augment-contrast: 20\n"
        "# Not stated, so off.\n"
        "aspect: 1\n"
        "shift: 0\n"
        "gamma: 0\n"
        "\n"
        "# Guess: the update rule, no schedule, no warm-up, plain cross-entropy, no averaging of "
        "weights, nothing chosen.\n"
        "optimizer: adamw\n"
        "schedule: constant\n"
        "warmup: 0\n"
        "label-smoothing: 0\n"
        "class-weights: none\n"
        "ema: 0\n"
        "select: none\n";

/* ---- data and preprocessing ---- */

/* OUT/explore.html, once. */
static int explore(const sg_call *call, const reproduce_args *a, const char *out) {
    char *page = sg_path_join(out, "explore.html");
    int code = page ? SG_EXIT_OK : SG_EXIT_FAILURE;
    if (page && !sg_path_exists(page)) {
        char *argv[] = {(char *)a->dataset.data, "-o", page, NULL};
        code = sg_cli_run_verb(call, &sg_verb_data_explore, 3, argv);
    }
    free(page);
    return code;
}

/* OUT/preprocessing.png: the images of the first groups, before and after. */
static int show_preprocessing(const sg_call *call, const sg_comparison *c) {
    enum { SHOWN = 6 };
    const sg_recipe_args *r = &c->trials[0].settings.args.recipe;
    static const char *const contrasts[] = {"none", "clahe"};
    static const char *const despeckles[] = {"none", "median", "srad"};
    static const char *const fits[] = {"pad", "crop", "stretch"};
    char size[24], *sheet = sg_path_join(c->out, "preprocessing.png"), *files[SHOWN] = {NULL};
    char *argv[SHOWN + 14];
    int argc = 0, code = SG_EXIT_OK;
    (void)snprintf(size, sizeof size, "%lld", r->size);
    for (size_t i = 0; i < SHOWN && i < c->manifest.count; i++) {
        files[i] = sg_manifest_file(&c->manifest, i * c->manifest.count / SHOWN);
        if (files[i]) argv[argc++] = files[i];
    }
    char *const rest[] = {"-o", sheet, "--size", size, "--contrast", (char *)contrasts[r->contrast],
            "--despeckle", (char *)despeckles[r->despeckle], "--fit", (char *)fits[r->fit], NULL};
    for (int i = 0; rest[i]; i++) argv[argc++] = rest[i];
    argv[argc] = NULL;
    if (!sheet)
        code = SG_EXIT_FAILURE;
    else if (!sg_path_exists(sheet))
        code = sg_cli_run_verb(call, &sg_verb_data_augment_preview, argc, argv);
    for (size_t i = 0; i < SHOWN; i++) free(files[i]);
    free(sheet);
    return code;
}

/* ---- arms ---- */

static sg_status check_names(const sg_arm_pairs *names, const char *option, sg_error *err) {
    for (size_t i = 0; i < names->count; i++) {
        bool known = false;
        for (size_t k = 0; k < PRINTED; k++)
            known = known || strcmp(printed[k].model, names->items[i].arm) == 0;
        if (!known)
            return sg_fail(err, SG_ERR_USAGE,
                    "--%s: '%s' is none of the paper's models (resnet50, alexnet, googlenet, "
                    "vgg16, mresnet)",
                    option, names->items[i].arm);
    }
    return SG_OK;
}

/* One model under the grouped folds, or the random ones held against its grouped arm. */
static sg_status add_model(sg_comparison *c, const reproduce_args *a, size_t model, int base,
        const char *weights, sg_error *err) {
    static const char *const unlike[] = {"weights", "epochs", NULL};
    char name[SG_TRIAL_NAME], changes[96];
    long long epochs = a->epochs ? a->epochs : printed[model].epochs;
    (void)snprintf(name, sizeof name, "%s%s", printed[model].model, base < 0 ? "" : "-random");
    (void)snprintf(
            changes, sizeof changes, "model: %s\nepochs: %lld\n", printed[model].model, epochs);
    const sg_trial_plan plan = {.name = name,
            .meaning = base < 0 ? "folds drawn by group"
                                : "folds drawn image by image, which is how near-copies of a test "
                                  "image come into training",
            .base = base,
            .split = base < 0 ? NULL : &c->random,
            .source = {.config = a->config,
                    .defaults = a->config ? NULL : paper_yaml,
                    .set = a->set,
                    .scope = name,
                    .unlike = unlike},
            .changes = changes,
            .weights = weights};
    return sg_comparison_add(c, &plan, err);
}

/* The number of the model's trial, or -1 when it is not asked for or not there. */
static sg_status add_grouped(int *out, sg_comparison *c, const reproduce_args *a, size_t model,
        const sg_arm_pairs *models, const char *weights, sg_error *err) {
    const char *name = printed[model].model;
    *out = -1;
    if (!sg_arm_pairs_find(models, name)) return SG_OK;
    const sg_model_info *info;
    if (sg_model_find(&info, name, NULL)) {
        sg_log_line(c->call->log, SG_LOG_WARN, "%s is not in this build: left out", name);
        return SG_OK;
    }
    *out = (int)c->trial_count;
    return add_model(c, a, model, -1, weights, err);
}

static sg_status add_models(sg_comparison *c, const reproduce_args *a, sg_error *err) {
    sg_arm_pairs models = {0}, weights = {0};
    int base[PRINTED];
    sg_status st = sg_arm_pairs_read(&models, "models", a->models, false, err);
    if (!st) st = sg_arm_pairs_read(&weights, "weights", a->weights, true, err);
    if (!st) st = check_names(&models, "models", err);
    if (!st) st = check_names(&weights, "weights", err);
    for (size_t i = 0; i < PRINTED && !st; i++)
        st = add_grouped(
                &base[i], c, a, i, &models, sg_arm_pairs_find(&weights, printed[i].model), err);
    for (size_t i = 0; i < PRINTED && !st; i++)
        if (base[i] >= 0)
            st = add_model(c, a, i, base[i], sg_arm_pairs_find(&weights, printed[i].model), err);
    free(models.text);
    free(weights.text);
    return st;
}

/* Scopes of --set are the arms, which are known only now. */
static sg_status check_set(const sg_comparison *c, const char *set, sg_error *err) {
    const char *names[SG_COMPARISON_TRIALS];
    for (size_t i = 0; i < c->trial_count; i++) names[i] = c->trials[i].name;
    return sg_arm_set_check(set, names, c->trial_count, err);
}

/* ---- the verb ---- */

/* *code: of a verb inside that failed and has told why. */
static sg_status reproduce(sg_comparison *c, const reproduce_args *a, int *code, sg_error *err) {
    sg_status st = sg_comparison_open(c, err);
    if (!st) st = sg_comparison_split_randomly(c, err);
    if (!st) st = add_models(c, a, err);
    if (!st) st = check_set(c, a->set, err);
    if (st) return st;
    *code = explore(c->call, a, c->out);
    if (*code == SG_EXIT_OK) *code = show_preprocessing(c->call, c);
    if (*code != SG_EXIT_OK) return SG_OK;
    st = sg_comparison_run(c, err);
    return st ? st : sg_comparison_report(c, err);
}

static int run_reproduce(const sg_call *call) {
    const reproduce_args *a = call->options;
    sg_error err = SG_ERROR_INIT;
    int code = SG_EXIT_OK;
    if (a->print_config) {
        fputs(paper_yaml, stdout);
        return SG_EXIT_OK;
    }
    sg_comparison c = {.call = call,
            .out = a->out,
            .title = "The paper's experiment",
            .lead = "The five models of the paper with its settings, as far as they are stated "
                    "(configs/paper.yaml marks every guess), on the same folds: drawn by group, "
                    "and "
                    "drawn image by image.",
            .free_to_change = free_to_change,
            .dataset = a->dataset,
            .folds = a->folds,
            .seed = a->seed,
            .draws = a->draws,
            .overwrite = a->overwrite,
            .force_resume = a->force_resume,
            .with_paper = true};
    sg_status st = reproduce(&c, a, &code, &err);
    sg_comparison_close(&c, st);
    return st ? sg_cli_fail(&err) : code;
}

const sg_verb sg_verb_reproduce = {
        .name = "reproduce",
        .operands = "",
        .summary = "run the paper's experiment: data, preprocessing, five models, two splits",
        .details =
                "Explores the data (explore.html), shows what preprocessing and augmentation make "
                "of some images (preprocessing.png), trains ResNet-50, AlexNet, GoogLeNet, VGG-16 "
                "and mResNet with the paper's settings under grouped and under random folds, and "
                "sets the figures beside the printed ones (report.html and the tables of compare). "
                "What the paper leaves open is guessed and marked in configs/paper.yaml, which "
                "--print-config prints. The whole at 224 px takes days on a small machine: "
                "--epochs, "
                "--size and --folds make it smaller, and the page says so. The same command goes "
                "on "
                "with an experiment that was stopped.",
        .examples = "sonograde reproduce --data BUSI --out paper\n"
                    "sonograde reproduce --data BUSI --size 64 --epochs 3 --folds 2 --out small",
        .options = rows,
        .struct_size = sizeof(reproduce_args),
        .min_operands = 0,
        .max_operands = 0,
        .run = run_reproduce,
};
