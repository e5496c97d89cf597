/* cmd_compare.c - `sonograde compare`: several models on the same folds, with the same budget.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/ablation.h"
#include "cli/arm_pairs.h"
#include "cli/compare_bundles.h"
#include "cli/comparison.h"
#include "cli/shared_rows.h"
#include "cli/verbs.h"
#include "train/options.h"
#include <stdlib.h>
#include <string.h>

typedef struct compare_args {
    sg_cli_dataset dataset;
    const char *models, *ablate, *bundles, *weights, *folds, *out, *config, *set;
    bool overwrite, tta, force_resume, show_full, lr_find;
    double margin;
    long long epochs, batch, size, seed, draws, workers;
    double lr;
    int select;
} compare_args;

#define AT(field) offsetof(compare_args, field)
#define GROUP(title)                                                                               \
    { title, 0, SG_OPTION_GROUP, 0, NULL, NULL, NULL, 0, 0 }
/* clang-format off */
static const sg_option rows[] = {
    GROUP("What"),
    { "models", 0, SG_OPTION_TEXT, AT(models), NULL, "NAME,...", "architectures, or ARM=NAME to give one a name of its own", 0, 0 },
    { "ablate", 0, SG_OPTION_TEXT, AT(ablate), NULL, "MODEL|PART,...", "take one thing away at a time: of a model (mresnetv2: dilation, SE, blocks), or of preprocess, augment, transfer", 0, 0 },
    { "bundles", 0, SG_OPTION_TEXT, AT(bundles), NULL, "OLD,NEW", "hold a new bundle against the one in use, on --data that neither has seen", 0, 0 },
    { "weights", 0, SG_OPTION_TEXT, AT(weights), NULL, "ARM=FILE,...", "safetensors, .pth or ONNX files to start from, the other arms start from random weights; with --ablate one FILE", 0, 0 },
    GROUP("Data"),
    SG_DATA_ROW(AT(dataset.data)),
    SG_MANIFEST_ROW(AT(dataset.manifest)),
    SG_GROUP_BY_ROW(AT(dataset.group_by)),
    { "folds", 0, SG_OPTION_TEXT, AT(folds), "5", "K|FILE", "number of folds, or a table path,class,fold", 0, 0 },
    SG_SKIP_BAD_ROW(AT(dataset.skip_bad)),
    GROUP("Results"),
    { "out", 'o', SG_OPTION_PATH, AT(out), NULL, "DIR", "folder of the comparison; the same command goes on with one that was stopped", 0, 0 },
    { "overwrite", 0, SG_OPTION_FLAG, AT(overwrite), NULL, NULL, "replace the comparison that is in --out; it is deleted when an epoch of the new one is complete", 0, 0 },
    { "tta", 0, SG_OPTION_FLAG, AT(tta), NULL, NULL, "average over each image and its mirror image", 0, 0 },
    { "margin", 0, SG_OPTION_REAL, AT(margin), "0", "POINTS", "with --bundles: accuracy and sensitivity may fall by this much", 0, 100 },
    { "show-full", 0, SG_OPTION_FLAG, AT(show_full), NULL, NULL, "with --bundles: name changed images by their paths", 0, 0 },
    { "draws", 0, SG_OPTION_INT, AT(draws), "10000", "N", "bootstrap draws behind the intervals", 100, 1000000 },
    GROUP("Budget of every arm"),
    { "epochs", 'e', SG_OPTION_INT, AT(epochs), "20", "N", "passes over the training images", 1, 100000 },
    SG_BATCH_ROW(AT(batch)),
    SG_SIZE_ROW(AT(size), "224"),
    { "lr", 0, SG_OPTION_REAL, AT(lr), "6e-4", "X", "peak learning rate", 1e-12, 100 },
    { "lr-find", 0, SG_OPTION_FLAG, AT(lr_find), NULL, NULL, "in place of --lr: a range test for each arm and fold, on that fold's training images", 0, 0 },
    { "select", 0, SG_OPTION_CHOICE, AT(select), "none", SG_SELECT_NAMES, "validation figure that chooses the epoch in every arm; none takes the last", 0, 0 },
    { "seed", 's', SG_OPTION_INT, AT(seed), "0", "N", "of folds and trainings", 0, 9e15 },
    SG_CONFIG_ROW(AT(config)),
    SG_ARMS_SET_ROW(AT(set)),
    GROUP("Machine"),
    SG_THREADS_ROW(AT(dataset.threads)),
    SG_WORKERS_ROW(AT(workers)),
    { "force-resume", 0, SG_OPTION_FLAG, AT(force_resume), NULL, NULL, "go on although library or processor differ", 0, 0 },
    { NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0 },
};
/* clang-format on */

static const char *const free_to_change[] = {
        "out", "overwrite", "draws", "workers", "force-resume", "margin", "show-full", NULL};

/* ---- arms ---- */

static sg_status check_scopes(
        const sg_arm_pairs *models, const sg_arm_pairs *weights, const char *set, sg_error *err) {
    const char *names[SG_COMPARISON_TRIALS];
    for (size_t i = 0; i < models->count; i++) names[i] = models->items[i].arm;
    for (size_t i = 0; i < weights->count; i++)
        if (!sg_arm_pairs_find(models, weights->items[i].arm))
            return sg_fail(
                    err, SG_ERR_USAGE, "--weights: no arm is called '%s'", weights->items[i].arm);
    return sg_arm_set_check(set, names, models->count, err);
}

static sg_status add_model(sg_comparison *c, const compare_args *a, const char *arm,
        const char *model, const char *weights, sg_error *err) {
    sg_str changes;
    sg_str_init(&changes, 0);
    sg_yaml_put(&changes, "model", model);
    sg_status st = sg_str_check(&changes, err);
    static const char *const unlike[] = {"weights", NULL};
    const sg_trial_plan plan = {.name = arm,
            .base = -1,
            .source = {.config = a->config, .set = a->set, .scope = arm, .unlike = unlike},
            .changes = sg_str_text(&changes),
            .weights = weights};
    if (!st) st = sg_comparison_add(c, &plan, err);
    sg_str_dispose(&changes);
    return st;
}

static sg_status add_models(sg_comparison *c, const compare_args *a, sg_error *err) {
    sg_arm_pairs models = {0}, weights = {0};
    sg_status st = sg_arm_pairs_read(&models, "models", a->models, false, err);
    if (!st) st = sg_arm_pairs_read(&weights, "weights", a->weights, true, err);
    if (!st) st = check_scopes(&models, &weights, a->set, err);
    for (size_t i = 0; i < models.count && !st; i++)
        st = add_model(c, a, models.items[i].arm, models.items[i].value,
                sg_arm_pairs_find(&weights, models.items[i].arm), err);
    free(models.text);
    free(weights.text);
    return st;
}

/* ---- the verb ---- */

static sg_status add_ablation(sg_comparison *c, const compare_args *a, sg_error *err) {
    const sg_ablation ablation = {
            a->ablate, a->models ? a->models : "mobilenetv2", a->weights, a->config, a->set};
    const char *names[SG_COMPARISON_TRIALS];
    sg_status st = sg_ablation_add(c, &ablation, err);
    for (size_t i = 0; i < c->trial_count; i++) names[i] = c->trials[i].name;
    return st ? st : sg_arm_set_check(a->set, names, c->trial_count, err);
}

/* A range test finds the rate: one that is set for an arm would be passed over. */
static sg_status check_rates(const sg_comparison *c, const compare_args *a, sg_error *err) {
    for (size_t i = 0; i < c->trial_count; i++)
        if (sg_cli_is_given(c->call, "lr") || c->trials[i].settings.args.lr != a->lr)
            return sg_fail(err, SG_ERR_USAGE,
                    "--lr-find finds the learning rate of every arm, and arm %s was given one: "
                    "leave out --lr-find or the rate",
                    c->trials[i].name);
    return SG_OK;
}

static sg_status compare(sg_comparison *c, const compare_args *a, sg_error *err) {
    if (!a->models && !a->ablate)
        return sg_fail(err, SG_ERR_USAGE,
                "say what to compare: --models NAME,NAME, --ablate WHAT or --bundles OLD,NEW");
    sg_status st = sg_comparison_open(c, err);
    if (!st) st = a->ablate ? add_ablation(c, a, err) : add_models(c, a, err);
    if (!st && a->lr_find) st = check_rates(c, a, err);
    if (!st && a->lr_find) st = sg_comparison_find_rates(c, err);
    if (!st) st = sg_comparison_run(c, err);
    return st ? st : sg_comparison_report(c, err);
}

/* Bundles are trained already: what shapes a training has no meaning. */
static sg_status check_bundles(const sg_call *call, const compare_args *a, sg_error *err) {
    static const char *const meant[] = {"bundles", "data", "manifest", "group-by", "skip-bad",
            "out", "tta", "margin", "show-full", "draws", "threads", NULL};
    for (const sg_option *o = rows; o->name; o++) {
        if (o->type != SG_OPTION_GROUP && sg_cli_is_given(call, o->name) &&
                !sg_is_among(meant, o->name))
            return sg_fail(err, SG_ERR_USAGE, "--bundles trains nothing: leave out --%s", o->name);
    }
    char *other = a->out ? sg_path_join(a->out, "campaign.yaml") : NULL;
    bool taken = other && sg_path_exists(other);
    free(other);
    return taken ? sg_fail(err, SG_ERR_MISMATCH,
                           "%s holds a comparison of trainings: name another folder", a->out)
                 : SG_OK;
}

static int run_compare(const sg_call *call) {
    const compare_args *a = call->options;
    sg_error err = SG_ERROR_INIT;
    if (a->bundles && check_bundles(call, a, &err)) return sg_cli_fail(&err);
    if (a->bundles)
        return sg_compare_bundles(call, &(sg_bundle_comparison){a->bundles, a->dataset, a->out,
                                                a->margin, a->draws, a->tta, a->show_full});
    sg_comparison c = {.call = call,
            .out = a->out,
            .title = a->ablate ? "Taken apart" : "Models side by side",
            .lead = a->ablate
                            ? "One thing is switched at a time, the rest stays: same folds, budget "
                              "and rule of selection."
                            : "Every model on the same folds; each image is judged by the model "
                              "that did not see it. Budget, augmentation and rule of selection are "
                              "the same but for what a mark above names.",
            .free_to_change = free_to_change,
            .dataset = a->dataset,
            .folds = a->folds,
            .seed = a->seed,
            .draws = a->draws,
            .overwrite = a->overwrite,
            .tta = a->tta,
            .force_resume = a->force_resume,
            .with_paper = !a->ablate};
    sg_status st = compare(&c, a, &err);
    sg_comparison_close(&c, st);
    return st ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_compare = {
        .name = "compare",
        .operands = "",
        .summary = "train several models on the same folds and set them side by side",
        .details =
                "Each model is an arm: a cross-validation with the same folds, budget, "
                "augmentation "
                "and rule of selection. Results are the published table beside ours, paired "
                "differences with intervals, confusion matrices, ROC and training curves on one "
                "scale, parameters, multiply-adds, time and memory: compare.csv, folds.csv, "
                "pairs.csv, compare.json and report.html. Models that start from different shares "
                "of given weights are neither ranked nor paired.\n\n"
                "--ablate switches one thing at a time and holds every arm against the base: of a "
                "model its dilation, squeeze-and-excitation and number of blocks, with the plain "
                "network as control; or contrast, despeckling, crop and fit (preprocess), each "
                "augmentation (augment), the given weights (transfer).\n\n"
                "--bundles trains nothing: it judges two bundles on images that neither has seen, "
                "lists what changed and newly missed malignancies, and ends with exit code 5 when "
                "accuracy or sensitivity for malignant falls by more than --margin points.\n\n"
                "A comparison that was stopped goes on with the same command at the fold and epoch "
                "where it was; other settings are refused.",
        .examples =
                "sonograde compare --models mobilenetv2,resnet18 --data BUSI --folds 5 --out cmp\n"
                "sonograde compare --models mresnetv2,resnet50v2,scratch=resnet50v2 --data BUSI "
                "--folds folds.csv --weights mresnetv2=r50v2.safetensors,"
                "resnet50v2=r50v2.safetensors --set 'mresnetv2:lr=3e-4' --out cmp\n"
                "sonograde compare --ablate mresnetv2 --data BUSI --out apart\n"
                "sonograde compare --ablate augment,transfer --models mobilenetv2 --data BUSI "
                "--weights mobilenetv2.safetensors --out apart2\n"
                "sonograde compare --bundles breast.sgb,new.sgb --data locked --out update",
        .options = rows,
        .struct_size = sizeof(compare_args),
        .min_operands = 0,
        .max_operands = 0,
        .run = run_compare,
};
