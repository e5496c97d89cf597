/* cmd_leakage.c - `sonograde leakage`: one small budget under splits and images that leak, and what
 * each leak is worth in points. SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "cli/arm_settings.h"
#include "cli/cli.h"
#include "cli/leakage_results.h"
#include "cli/looks.h"
#include "cli/shared_rows.h"
#include "cli/verbs.h"
#include "protocol/derived.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(sg_leakage_args, field)
#define GROUP(title)                                                                               \
    { title, 0, SG_OPTION_GROUP, 0, NULL, NULL, NULL, 0, 0 }
/* clang-format off */
static const sg_option rows[] = {
    GROUP("Data"),
    SG_DATA_ROW(AT(dataset.data)),
    SG_MANIFEST_ROW(AT(dataset.manifest)),
    SG_GROUP_BY_ROW(AT(dataset.group_by)),
    { "cohort", 0, SG_OPTION_PATH, AT(cohort), NULL, "FILE", "table whose column path lists the cohort; default: one image of each group without contradictory labels", 0, 0 },
    SG_SKIP_BAD_ROW(AT(dataset.skip_bad)),
    GROUP("Study"),
    { "out", 'o', SG_OPTION_PATH, AT(out), NULL, "DIR", "folder of the study; the same command goes on with one that was stopped", 0, 0 },
    { "overwrite", 0, SG_OPTION_FLAG, AT(overwrite), NULL, NULL, "replace the study that is in --out; it is deleted when an epoch of the new one is complete", 0, 0 },
    { "folds", 0, SG_OPTION_INT, AT(folds), "3", "K", "folds of every arm", 2, 100 },
    { "copies", 0, SG_OPTION_INT, AT(copies), "3", "N", "augmented copies of each image in the arm that augments before the split", 1, 20 },
    { "learning-curve", 0, SG_OPTION_FLAG, AT(learning_curve), NULL, NULL, "train the grouped arm on parts of its training images too", 0, 0 },
    { "shares", 0, SG_OPTION_TEXT, AT(shares), "0.125,0.25,0.5", "F,F,...", "parts for --learning-curve", 0, 0 },
    { "draws", 0, SG_OPTION_INT, AT(draws), "10000", "N", "bootstrap draws behind the intervals", 100, 1000000 },
    GROUP("Budget of every arm"),
    { "model", 0, SG_OPTION_TEXT, AT(model), "mobilenetv2", "NAME", "architecture (sonograde models lists them)", 0, 0 },
    { "weights", 0, SG_OPTION_PATH, AT(weights), NULL, "FILE", "safetensors, .pth or ONNX file to start from", 0, 0 },
    { "epochs", 'e', SG_OPTION_INT, AT(epochs), "10", "N", "passes over the training images", 1, 100000 },
    SG_BATCH_ROW(AT(batch)),
    SG_SIZE_ROW(AT(size), "96"),
    { "seed", 's', SG_OPTION_INT, AT(seed), "0", "N", "of splits, copies and training", 0, 9e15 },
    SG_CONFIG_ROW(AT(config)),
    SG_SET_ROW(AT(set)),
    GROUP("Machine"),
    SG_THREADS_ROW(AT(dataset.threads)),
    SG_WORKERS_ROW(AT(workers)),
    { "force-resume", 0, SG_OPTION_FLAG, AT(force_resume), NULL, NULL, "go on although library or processor differ", 0, 0 },
    { NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0 },
};
/* clang-format on */

static const char *const free_to_change[] = {
        "out", "overwrite", "draws", "workers", "force-resume", NULL};

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory preparing the study");
}

/* ---- data ---- */

/* The images as they were when the study began. */
static sg_status open_data(sg_leakage_study *s, sg_error *err) {
    char *table = sg_campaign_path(&s->campaign, "manifest.csv");
    if (!table) return no_memory(err);
    sg_status st = SG_OK;
    if (sg_path_exists(table)) {
        sg_manifest_options options = SG_MANIFEST_OPTIONS_INIT;
        options.log = s->call->log;
        st = sg_manifest_read(&s->base, table, NULL, &options, err);
    } else {
        st = sg_cli_open_dataset(&s->base, &s->args->dataset, s->call->log, err);
        if (!st) st = sg_manifest_write(&s->base, table, err);
    }
    free(table);
    if (!st) st = sg_manifest_summarize(&s->summary, &s->base, err);
    return st;
}

static sg_status derivation(
        sg_derivation *out, char **dir, sg_leakage_study *s, const char *name, sg_error *err) {
    *dir = sg_campaign_path(&s->campaign, name);
    *out = (sg_derivation){*dir, &s->base, s->call->log, &sg_cli_stop};
    return *dir ? SG_OK : no_memory(err);
}

static sg_status make_masked(sg_leakage_study *s, sg_error *err) {
    sg_derivation d;
    char *dir;
    sg_status st = derivation(&d, &dir, s, "data-mask", err);
    if (!st) st = sg_derive_masked(&s->masked, &d, err);
    if (!st && s->masked.count != s->base.count)
        st = sg_fail(err, SG_ERR_INPUT, "%s is not whole; delete it and repeat the command", dir);
    free(dir);
    return st;
}

static sg_status make_copies(sg_leakage_study *s, const sg_arm_settings *settings, sg_error *err) {
    sg_derivation d;
    char *dir;
    const sg_copies how = {(int)s->args->copies, settings->options.recipe,
            settings->options.augment, (uint64_t)s->args->seed};
    sg_status st = derivation(&d, &dir, s, "data-copies", err);
    if (!st) st = sg_derive_copies(&s->copies, &d, &how, err);
    free(dir);
    return st;
}

/* ---- cohort ---- */

static sg_status read_cohort(bool *in, const sg_manifest *m, const char *path, sg_error *err) {
    sg_csv csv;
    sg_status st = sg_csv_read(&csv, path, err);
    if (st) return st;
    int column = sg_csv_column(&csv, "path"), sha256 = sg_csv_column(&csv, "sha256");
    if (column < 0)
        st = sg_fail(err, SG_ERR_FORMAT, "%s: has no column 'path' that lists the cohort", path);
    for (size_t i = 0; i < csv.rows && !st; i++) {
        const char *name = sg_csv_cell(&csv, i, column);
        long row = sg_manifest_find(m, name);
        if (row < 0)
            st = sg_fail(err, SG_ERR_INPUT,
                    "%s: %s is not among the images; paths are relative to the folder of images",
                    path, name);
        else if (sha256 >= 0 && strcmp(sg_csv_cell(&csv, i, sha256), m->rows[row].sha256) != 0)
            st = sg_fail(err, SG_ERR_INPUT,
                    "%s: %s is another image there than among the images of the study (another "
                    "SHA-256); name the cohort of this set",
                    path, name);
        else
            in[row] = true;
    }
    sg_csv_dispose(&csv);
    return st;
}

/* The first image of each group that holds one class only. */
static sg_status default_cohort(bool *in, const sg_manifest *m, sg_error *err) {
    int *class_of = malloc((m->group_count + 1) * sizeof *class_of);
    enum { UNSEEN = -1, CONFLICT = -2 };
    if (!class_of) return no_memory(err);
    for (size_t g = 0; g < m->group_count; g++) class_of[g] = UNSEEN;
    for (size_t i = 0; i < m->count; i++) {
        int *c = &class_of[m->rows[i].group];
        in[i] = *c == UNSEEN;
        if (*c != UNSEEN && *c != m->rows[i].class_index) *c = CONFLICT;
        if (*c == UNSEEN) *c = m->rows[i].class_index;
    }
    for (size_t i = 0; i < m->count; i++) in[i] = in[i] && class_of[m->rows[i].group] != CONFLICT;
    free(class_of);
    return SG_OK;
}

/* The grouped folds without what is outside the cohort. */
static sg_status split_cohort(sg_leakage_study *s, sg_error *err) {
    const sg_manifest *m = &s->base;
    bool *in = calloc(m->count + 1, sizeof *in);
    sg_split *split = &s->splits[SG_LEAK_COHORT];
    sg_status st = in ? SG_OK : no_memory(err);
    if (!st)
        st = s->args->cohort ? read_cohort(in, m, s->args->cohort, err)
                             : default_cohort(in, m, err);
    if (!st) {
        *split = s->splits[SG_LEAK_GROUPED];
        split->bins = malloc((m->count + 1) * sizeof *split->bins);
        if (!split->bins) st = no_memory(err);
    }
    for (size_t i = 0; i < m->count && !st; i++) {
        split->bins[i] = in[i] ? s->splits[SG_LEAK_GROUPED].bins[i] : SG_PART_NONE;
        s->cohort_images += in[i];
    }
    free(in);
    return st;
}

/* ---- arms ---- */

static sg_status split_folds(
        sg_leakage_study *s, sg_leak kind, const sg_manifest *m, bool ungrouped, sg_error *err) {
    sg_split_options options = SG_SPLIT_OPTIONS_INIT;
    options.seed = (uint64_t)s->args->seed;
    options.ungrouped = ungrouped;
    options.log = s->call->log;
    return sg_split_make_folds(&s->splits[kind], m, (int)s->args->folds, &options, err);
}

/* The budget with what this arm differs in: `changes` in train's own words. */
static sg_status add_trial(sg_leakage_study *s, sg_leak kind, const char *name, const char *meaning,
        const sg_manifest *m, double share, sg_error *err) {
    sg_leakage_trial *t = &s->trials[s->trial_count];
    const sg_arm_source source = {.config = s->args->config, .set = s->args->set};
    bool ungrouped = kind == SG_LEAK_RANDOM || kind == SG_LEAK_COPIES;
    t->kind = kind;
    t->share = share;
    t->manifest = m;
    (void)snprintf(t->name, sizeof t->name, "%s", name);
    (void)snprintf(t->meaning, sizeof t->meaning, "%s", meaning);
    sg_status st = sg_arm_settings_make(&t->settings, s->call, &source, err);
    s->trial_count++;
    if (st) return st;
    t->settings.args.ungrouped = ungrouped;
    t->settings.args.train_share = share;
    if (kind == SG_LEAK_COPIES) { /* as many updates as the others */
        long long epochs = t->settings.args.epochs, per = s->args->copies + 1;
        t->settings.args.epochs = epochs < per ? 1 : (epochs + per / 2) / per;
    }
    return sg_arm_settings_finish(&t->settings, err);
}

static sg_status add_random(sg_leakage_study *s, sg_error *err) {
    sg_status st = split_folds(s, SG_LEAK_RANDOM, &s->base, true, err);
    return st ? st
              : add_trial(s, SG_LEAK_RANDOM, "random",
                        "folds drawn image by image: near-copies of a test image are in training",
                        &s->base, 1, err);
}

static sg_status add_cohort(sg_leakage_study *s, sg_error *err) {
    char text[160];
    sg_status st = split_cohort(s, err);
    if (st || s->cohort_images == s->base.count) {
        if (!st)
            sg_log_line(s->call->log, SG_LOG_INFO, "every image is in the cohort: no arm for it");
        return st;
    }
    (void)snprintf(text, sizeof text, "the same folds without %zu images outside the cohort (%s)",
            s->base.count - s->cohort_images,
            s->args->cohort ? sg_path_base(s->args->cohort)
                            : "copies, and groups under more than one class");
    return add_trial(s, SG_LEAK_COHORT, "cohort", text, &s->base, 1, err);
}

static sg_status add_masked(sg_leakage_study *s, sg_error *err) {
    if (!s->summary.images_with_masks) {
        sg_log_line(s->call->log, SG_LOG_INFO, "no image has a mask: no arm for drawn masks");
        return SG_OK;
    }
    sg_status st = make_masked(s, err);
    return st ? st
              : add_trial(s, SG_LEAK_MASK, "mask",
                        "the grouped folds, with each lesion's mask blended into its image",
                        &s->masked, 1, err);
}

static sg_status add_copies(sg_leakage_study *s, sg_error *err) {
    char text[192];
    sg_status st = make_copies(s, &s->trials[0].settings, err);
    if (!st) st = split_folds(s, SG_LEAK_COPIES, &s->copies, true, err);
    (void)snprintf(text, sizeof text,
            "%lld augmented copies of each image are made before a random split, so that a test "
            "image's copies are in training; as many updates as the others; figures are those of "
            "the original images",
            s->args->copies);
    return st ? st : add_trial(s, SG_LEAK_COPIES, "augmented", text, &s->copies, 1, err);
}

static sg_status add_shares(sg_leakage_study *s, sg_error *err) {
    char *copy = sg_strdup(s->args->shares), *rest = copy;
    sg_status st = copy ? SG_OK : no_memory(err);
    double before = 0;
    for (char *item; !st && (item = strsep(&rest, ","));) {
        double share;
        char name[32];
        if (!sg_parse_double(&share, item) || !(share > before && share < 1) ||
                s->trial_count + 1 >= SG_LEAKAGE_TRIALS) {
            st = sg_fail(err, SG_ERR_USAGE,
                    "--shares '%s' must be at most %d rising parts between 0 and 1, as "
                    "0.125,0.25,0.5",
                    s->args->shares, SG_LEAKAGE_TRIALS - SG_LEAK_KINDS);
            break;
        }
        before = share;
        (void)snprintf(name, sizeof name, "share-%g", share);
        st = add_trial(s, SG_LEAK_GROUPED, name, "part of the grouped arm's training images",
                &s->base, share, err);
    }
    free(copy);
    return st;
}

static sg_status add_trials(sg_leakage_study *s, sg_error *err) {
    sg_status st = split_folds(s, SG_LEAK_GROUPED, &s->base, false, err);
    if (!st)
        st = add_trial(s, SG_LEAK_GROUPED, "grouped",
                "folds drawn by group: what belongs together stays together", &s->base, 1, err);
    if (!st) st = add_random(s, err);
    if (!st) st = add_cohort(s, err);
    if (!st) st = add_masked(s, err);
    if (!st) st = add_copies(s, err);
    if (!st && s->args->learning_curve) st = add_shares(s, err);
    return st;
}

static sg_status train(sg_leakage_study *s, sg_error *err) {
    sg_arm arms[SG_LEAKAGE_TRIALS];
    for (size_t i = 0; i < s->trial_count; i++) {
        const sg_leakage_trial *t = &s->trials[i];
        arms[i] = (sg_arm){t->name, t->settings.yaml, &t->settings.options, t->manifest,
                &s->splits[t->kind == SG_LEAK_MASK ? SG_LEAK_GROUPED : t->kind],
                sg_arm_val_share(&t->settings), t->share, NULL};
    }
    const sg_campaign_job job = {.arms = arms,
            .count = s->trial_count,
            .force_resume = s->args->force_resume,
            .log = s->call->log,
            .stop = &sg_cli_stop,
            .ledger = s->ledger};
    return sg_campaign_train(&s->campaign, &job, err);
}

/* ---- the verb ---- */

static sg_status study(sg_leakage_study *s, sg_error *err) {
    const sg_leakage_args *a = s->args;
    if (!a->out) return sg_fail(err, SG_ERR_USAGE, "say where the study shall go: --out DIR");
    if (!a->dataset.data == !a->dataset.manifest)
        return sg_fail(err, SG_ERR_USAGE, "give either --data DIR or --manifest FILE");
    if (sg_cli_is_given(s->call, "shares") && !a->learning_curve)
        return sg_fail(err, SG_ERR_USAGE,
                "--shares are the points of a learning curve: add --learning-curve, or leave them "
                "out");
    char *settings = sg_campaign_settings(s->call, free_to_change);
    sg_status st = sg_arm_set_check(a->set, NULL, 0, err);
    if (!st && !settings) st = no_memory(err);
    if (!st)
        st = sg_campaign_open(&s->campaign, a->out, settings, free_to_change, a->overwrite, err);
    free(settings);
    if (!st) st = open_data(s, err);
    if (!st) st = add_trials(s, err);
    s->ledger = sg_cli_ledger(s->call->log);
    if (!st) st = train(s, err);
    if (!st) st = sg_leakage_measure(s, err);
    return st ? st : sg_leakage_report(s, err);
}

static int run_leakage(const sg_call *call) {
    sg_error err = SG_ERROR_INIT;
    sg_leakage_study *s = calloc(1, sizeof *s);
    sg_status st = s ? SG_OK : no_memory(&err);
    if (!st) {
        *s = (sg_leakage_study){.args = call->options, .call = call};
        st = study(s, &err);
        sg_leakage_dispose(s, st);
        free(s);
    }
    return st ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_leakage = {
        .name = "leakage",
        .operands = "",
        .summary = "measure what a leak between training and test is worth in points",
        .details =
                "Trains one budget over and over and changes only what separates training from "
                "test: folds drawn by group (the reference), drawn image by image, on the cohort "
                "alone, with the lesion mask drawn into the image (where there are masks), and "
                "with "
                "augmented copies made before the split. Each arm's figures, and its difference "
                "from the reference in points with an interval from a bootstrap over groups, land "
                "in leakage.csv, folds.csv, leakage.json and report.html. The cohort arm is judged "
                "on fewer images and trained on fewer, so its difference holds both; beside it "
                "stands "
                "the difference on the images that both judged. p values are adjusted for the "
                "number of arms (Holm). Groups "
                "from thumbnails miss copies: --manifest of an audit has better ones.\n\n"
                "A study that was stopped goes on with the same command at the fold and epoch "
                "where "
                "it was; other settings are refused.",
        .examples = "sonograde data phantom --out phantoms --duplicates 0.3\n"
                    "sonograde leakage --data phantoms --out leak --learning-curve\n"
                    "sonograde leakage --data BUSI --cohort cohort.csv --weights "
                    "mobilenetv2.safetensors --size 224 --epochs 20 --folds 5 --out leak",
        .options = rows,
        .struct_size = sizeof(sg_leakage_args),
        .min_operands = 0,
        .max_operands = 0,
        .run = run_leakage,
};
