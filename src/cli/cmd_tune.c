/* cmd_tune.c - `sonograde tune`: hyperparameters by search, on validation data inside the training
 * images. SPDX-License-Identifier: Apache-2.0 */
#include "cli/shared_rows.h"
#include "cli/tune_study.h"
#include "cli/verbs.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char default_name[] = "sonograde";

#define AT(field) offsetof(sg_tune_args, field)
#define GROUP(title)                                                                               \
    { title, 0, SG_OPTION_GROUP, 0, NULL, NULL, NULL, 0, 0 }
/* clang-format off */
static const sg_option rows[] = {
    GROUP("Data"),
    SG_DATA_ROW(AT(dataset.data)),
    SG_MANIFEST_ROW(AT(dataset.manifest)),
    SG_GROUP_BY_ROW(AT(dataset.group_by)),
    { "splits", 0, SG_OPTION_PATH, AT(splits), NULL, "FILE", "table of parts: its test images stay unseen", 0, 0 },
    { "folds", 0, SG_OPTION_PATH, AT(folds), NULL, "FILE", "table of folds, with --fold", 0, 0 },
    { "fold", 0, SG_OPTION_INT, AT(fold), "-1", "I", "this fold of the table is test and stays unseen", -1, 99 },
    { "test-share", 0, SG_OPTION_REAL, AT(test_share), "0.15", "F", "share set aside for testing without a table", 0.01, 0.9 },
    { "inner", 0, SG_OPTION_INT, AT(inner), "3", "K", "inner folds of the other images: a trial is trained and judged K times", 2, 20 },
    { "ungrouped", 0, SG_OPTION_FLAG, AT(ungrouped), NULL, NULL, "allow images that belong together on both sides of a split", 0, 0 },
    SG_SKIP_BAD_ROW(AT(dataset.skip_bad)),
    GROUP("Search"),
    { "study", 0, SG_OPTION_PATH, AT(study), NULL, "FILE", "SQLite file in Optuna's schema; made when absent, gone on with and joined when there", 0, 0 },
    { "study-name", 0, SG_OPTION_TEXT, AT(study_name), default_name, "NAME", "of the study in the file; one of another name has its trials in FILE.NAME.trials", 0, 0 },
    { "space", 0, SG_OPTION_PATH, AT(space), NULL, "FILE", "what is searched: a line 'NAME: float LOW HIGH [log]' (or int, choice, ordered, fixed; 'if OTHER = A B' behind it; quotes around a value with commas or blanks) per option of train", 0, 0 },
    { "param", 0, SG_OPTION_TEXT, AT(param), NULL, "NAME=KIND...;...", "the same on the command line, added to --space; without both: lr, weight-decay, batch, label-smoothing", 0, 0 },
    { "method", 0, SG_OPTION_CHOICE, AT(method), "gp", SG_TUNE_METHOD_NAMES, "who proposes: random or even points, Gaussian process with expected improvement, tree of Parzen densities; or a population whose worst copy the best (pbt, with a model pb2), after short runs of gp (hybrid)", 0, 0 },
    { "trials", 0, SG_OPTION_INT, AT(trials), "30", "N", "of the whole study, all processes together", 1, 1000000 },
    { "budget-epochs", 0, SG_OPTION_INT, AT(budget_epochs), "0", "N", "train no more epochs than this, over all inner folds: a trial that could go beyond is not begun; of a population it sets the epochs of a member in place of --epochs; 0 = no such limit", 0, 1000000000 },
    { "population", 0, SG_OPTION_INT, AT(population), "4", "N", "members of pbt, pb2 and hybrid", 2, SG_MEMBERS_MAX },
    { "every", 0, SG_OPTION_INT, AT(every), "2", "N", "epochs between two times that the worst members copy the best", 1, 100000 },
    { "short-epochs", 0, SG_OPTION_INT, AT(short_epochs), "3", "N", "epochs of the short runs of hybrid, on which a third of the budget is spent", 1, 100000 },
    { "startup", 0, SG_OPTION_INT, AT(startup), "8", "N", "evenly spread points before gp and tpe", 2, 100000 },
    { "figure", 0, SG_OPTION_CHOICE, AT(figure), "auroc", SG_TUNE_FIGURE_NAMES, "validation figure that is searched for, mean of the inner folds", 0, 0 },
    { "stop", 0, SG_OPTION_CHOICE, AT(stop_rule), "median", SG_STOP_RULE_NAMES, "end hopeless trials early", 0, 0 },
    { "stop-first", 0, SG_OPTION_INT, AT(stop_first), "0", "N", "epochs, over all inner folds, before a trial may be stopped; 0: one inner fold's", 0, 1000000 },
    { "finalists", 0, SG_OPTION_INT, AT(finalists), "3", "N", "best trials that are repeated with other seeds before one is named", 1, 100 },
    { "repeats", 0, SG_OPTION_INT, AT(repeats), "1", "N", "further seeds for each finalist; 0 names the best by the model at once", 0, 20 },
    { "side-by-side", 0, SG_OPTION_INT, AT(side_by_side), "0", "N", "work in N processes, each on its share of the processors; 1: in one on all; 0: one per member and processor while a population trains, else one", 0, 64 },
    { "stale", 0, SG_OPTION_INT, AT(stale), "600", "SECONDS", "silence after which a trial of another machine is taken over; one of this machine is as soon as its process is gone", 1, 1000000 },
    { "optuna-schema", 0, SG_OPTION_CHOICE, AT(schema), "3.2", SG_STUDY_SCHEMA_NAMES, "of a study file that is made: 3.0 for Debian 12's optuna, 3.2 for later ones", 0, 0 },
    GROUP("Every trial"),
    { "model", 0, SG_OPTION_TEXT, AT(model), "mobilenetv2", "NAME", "architecture (sonograde models lists them)", 0, 0 },
    { "weights", 0, SG_OPTION_PATH, AT(weights), NULL, "FILE", "safetensors, .pth or ONNX file to start from", 0, 0 },
    { "epochs", 'e', SG_OPTION_INT, AT(epochs), "10", "N", "passes over the training images, in each inner fold", 1, 100000 },
    { "batch", 'b', SG_OPTION_INT, AT(batch), "16", "N", "images per step, unless searched", 1, 4096 },
    SG_SIZE_ROW(AT(size), "112"),
    { "seed", 's', SG_OPTION_INT, AT(seed), "0", "N", "of splits, proposals and trainings", 0, 9e15 },
    SG_CONFIG_ROW(AT(config)),
    SG_SET_ROW(AT(set)),
    { "keep-weights", 0, SG_OPTION_FLAG, AT(keep_weights), NULL, NULL, "keep the weights of finished trials", 0, 0 },
    GROUP("Machine"),
    SG_THREADS_ROW(AT(dataset.threads)),
    SG_WORKERS_ROW(AT(workers)),
    { NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0 },
};
/* clang-format on */

/* May differ between the processes of a study and between its sittings. */
#define ALWAYS_FREE                                                                                \
    "study", "study-name", "space", "param", "startup", "stop", "stop-first", "finalists",         \
            "repeats", "stale", "optuna-schema", "keep-weights", "threads", "workers",             \
            "side-by-side"
static const char *const free_to_change[] = {ALWAYS_FREE, "method", "trials", "budget-epochs",
        "population", "every", "short-epochs", NULL};
/* A population's plan belongs to the study. */
static const char *const free_in_populations[] = {ALWAYS_FREE, "trials", NULL};

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory in the search");
}

/* ---- opening ---- */

static sg_status check_args(const sg_tune_args *a, sg_error *err) {
    if (!a->study) return sg_fail(err, SG_ERR_USAGE, "say where the study is: --study FILE");
    if (!a->dataset.data == !a->dataset.manifest)
        return sg_fail(err, SG_ERR_USAGE, "give either --data DIR or --manifest FILE");
    if (a->splits && a->folds)
        return sg_fail(err, SG_ERR_USAGE, "--splits and --folds exclude each other");
    if (!*a->study_name || strchr(a->study_name, '/'))
        return sg_fail(err, SG_ERR_USAGE,
                "--study-name '%s' names a folder too: it must not be empty or hold a slash",
                a->study_name);
    return sg_arm_set_check(a->set, NULL, 0, err);
}

static sg_status open_study(sg_tune *t, sg_error *err) {
    const sg_tune_args *a = t->args;
    bool population = a->method >= SG_TUNE_PBT;
    char *settings =
            sg_campaign_settings(t->call, population ? free_in_populations : free_to_change);
    json_t *text = settings ? sg_json_text(settings) : NULL;
    char *line = text ? json_dumps(text, JSON_ENCODE_ANY) : NULL;
    const sg_study_options options = {
            a->study_name, line, t->figure != SG_SELECT_LOSS, (sg_study_schema)a->schema, false};
    sg_status st =
            line ? sg_study_open(&t->study, a->study, &t->space, &options, err) : no_memory(err);
    free(line);
    json_decref(text);
    free(settings);
    return st;
}

/* ---- the loop ---- */

/* A trial that would go beyond the budget is not begun. */
static sg_status find_room(bool *room, const sg_tune *t, sg_error *err) {
    sg_study_trial *trials;
    size_t count;
    sg_status st = sg_study_load(t->study, &trials, &count, err);
    if (st) return st;
    *room = sg_tune_look(t, trials, count).room > 0;
    sg_study_trials_free(trials, count);
    return SG_OK;
}

/* Trials without a point yet are being proposed by others: nothing is known of them. */
static size_t drop_unknown(
        sg_trial *plain, const sg_study_trial *trials, size_t count, long long own) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (trials[i].has_point && trials[i].id != own) plain[n++] = trials[i].trial;
    return n;
}

static sg_status propose(double *point, sg_tune *t, const sg_ticket *ticket, sg_error *err) {
    sg_study_trial *trials;
    size_t count;
    const sg_tune_args *a = t->args;
    bool hybrid = a->method == SG_TUNE_HYBRID;
    size_t startup = (size_t)a->startup;
    if (hybrid && startup > t->plan.trials / 2) startup = t->plan.trials / 2;
    const sg_sampler_options options = {
            hybrid ? SG_SAMPLER_GP : (sg_sampler)a->method, (uint64_t)a->seed, startup};
    sg_status st = sg_study_load(t->study, &trials, &count, err);
    if (st) return st;
    sg_trial *plain = sg_tune_plain_trials(trials, count);
    size_t n = plain ? drop_unknown(plain, trials, count, ticket->id) : 0;
    st = plain ? sg_propose(point, &t->space, plain, n, ticket->number, &options, err)
               : no_memory(err);
    free(plain);
    sg_study_trials_free(trials, count);
    return st;
}

/* Goes on with a trial that was taken over. */
static sg_status resume_trial(sg_tune *t, const sg_ticket *ticket, sg_error *err) {
    sg_study_trial *trials;
    size_t count;
    double point[SG_SPACE_MAX] = {0};
    sg_tune_stretch stretch;
    bool is_stretch = false;
    sg_log_line(t->call->log, SG_LOG_INFO, "trial %zu was left unfinished; going on with it",
            ticket->number);
    sg_status st = sg_study_load(t->study, &trials, &count, err);
    if (st) return st;
    for (size_t i = 0; i < count; i++) {
        if (trials[i].id != ticket->id) continue;
        memcpy(point, trials[i].trial.point, sizeof point);
        is_stretch = sg_tune_is_stretch(&stretch, &trials[i]);
    }
    sg_study_trials_free(trials, count);
    return sg_tune_run_trial(t, ticket, point, is_stretch ? &stretch : NULL, err);
}

/* One whole training; *more false when there is none left to begin. */
static sg_status next_trial(bool *more, sg_tune *t, sg_error *err) {
    sg_ticket ticket;
    double point[SG_SPACE_MAX];
    sg_status st = find_room(more, t, err);
    if (!st && *more) st = sg_study_begin(t->study, &ticket, more, t->plan.trials, err);
    if (st || !*more) return st;
    st = propose(point, t, &ticket, err);
    if (!st) st = sg_study_set_point(t->study, &ticket, point, err);
    return st ? st : sg_tune_run_trial(t, &ticket, point, NULL, err);
}

/* Short runs that other processes are still at decide where the members begin. */
static sg_status short_runs_end(bool *ended, const sg_tune *t, sg_error *err) {
    sg_study_trial *trials;
    size_t count;
    sg_status st = sg_study_load(t->study, &trials, &count, err);
    if (st) return st;
    *ended = true;
    for (size_t i = 0; i < count; i++)
        if (trials[i].trial.state == SG_TRIAL_RUNNING && !sg_tune_is_stretch(NULL, &trials[i]))
            *ended = false;
    sg_study_trials_free(trials, count);
    return SG_OK;
}

/* An orphan first, else a whole training, else a stretch of a member. */
static sg_status next_work(bool *more, sg_tune *t, sg_error *err) {
    sg_ticket ticket;
    bool found, ended = true;
    *more = true;
    sg_status st = sg_study_take_over(t->study, &ticket, &found, (double)t->args->stale, err);
    if (st) return st;
    if (found) return resume_trial(t, &ticket, err);
    if (t->plan.trials) st = next_trial(more, t, err);
    if (st || (t->plan.trials && *more) || !t->plan.members) return st;
    *more = true;
    if (t->plan.trials) st = short_runs_end(&ended, t, err);
    if (!st && !ended) return sg_tune_wait(t), SG_OK;
    if (!st) st = sg_tune_spawn(t, err);
    return st ? st : sg_tune_next_stretch(more, t, err);
}

static sg_status search(sg_tune *t, sg_error *err) {
    bool more = true;
    sg_status st = SG_OK;
    while (!st && more) {
        if (sg_cli_stop)
            st = sg_tune_stopped(t, err);
        else
            st = next_work(&more, t, err);
    }
    return st;
}

/* ---- the verb ---- */

static const char *plural(long long n) {
    return n == 1 ? "" : "s";
}

static void tell_plan(const sg_tune *t) {
    const sg_tune_args *a = t->args;
    const sg_tune_plan *p = &t->plan;
    sg_str text;
    sg_str_init(&text, 0);
    if (p->trials)
        sg_str_appendf(&text, "%zu %s%s of %d epoch%s", p->trials,
                p->members ? "short run" : "trial", plural((long long)p->trials), p->epochs,
                plural(p->epochs));
    if (p->members)
        sg_str_appendf(&text, "%s%zu members of %d epochs, copying after every %d",
                p->trials ? ", then " : "", p->members, p->member_epochs, p->every);
    sg_log_line(t->call->log, SG_LOG_INFO,
            "study '%s' in %s: %zu parameter%s; %s, each on %lld inner folds; %zu images are used, "
            "%zu test images stay unseen",
            a->study_name, a->study, t->space.count, plural((long long)t->space.count),
            sg_str_text(&text), a->inner, t->usable, t->held_out);
    sg_str_dispose(&text);
}

static sg_status tune(sg_tune *t, sg_error *err) {
    static const sg_select figures[] = {
            SG_SELECT_AUROC, SG_SELECT_LOSS, SG_SELECT_ACCURACY, SG_SELECT_MACRO_F1};
    const sg_tune_args *a = t->args;
    sg_status st = check_args(a, err);
    if (st) return st;
    t->figure = figures[a->figure];
    bool plain = strcmp(a->study_name, default_name) == 0;
    t->folder = plain ? sg_strdupf("%s.trials", a->study)
                      : sg_strdupf("%s.%s.trials", a->study, a->study_name);
    if (!t->folder) return no_memory(err);
    st = sg_tune_read_space(t, err);
    if (!st) st = sg_tune_make_plan(t, err);
    if (!st) st = sg_tune_open_data(t, err);
    if (!st) st = open_study(t, err);
    if (!st) st = sg_tune_keep_parts(t, err);
    if (st) return st;
    tell_plan(t);
    if (a->side_by_side) st = sg_tune_spawn(t, err);
    if (!st) st = search(t, err);
    sg_tune_join(t, st != SG_OK);
    return st ? st : sg_tune_conclude(t, err);
}

static int run_tune(const sg_call *call) {
    sg_error err = SG_ERROR_INIT;
    sg_tune_args args = *(const sg_tune_args *)call->options;
    sg_call own = *call;
    own.options = &args;
    bool follows = sg_tune_follow_parent();
    sg_tune *t = calloc(1, sizeof *t);
    sg_status st = t ? SG_OK : no_memory(&err);
    if (!st) {
        t->call = &own;
        t->args = &args;
        st = tune(t, &err);
        sg_study_close(t->study);
        sg_space_dispose(&t->space);
        sg_split_dispose(&t->inner);
        sg_manifest_dispose(&t->manifest);
        free(t->parts);
        free(t->folder);
        free(t);
    }
    /* That all were stopped is told once. */
    if (st == SG_ERR_INTERRUPTED && follows) return SG_EXIT_SIGTERM;
    return st ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_tune = {
        .name = "tune",
        .operands = "",
        .summary = "search hyperparameters on validation data inside the training images",
        .details =
                "A trial trains one setting on every inner fold of the images that are not test "
                "and "
                "scores it on that fold; the mean is searched for. Test images are set aside first "
                "and cannot be reached from the study.\n\n"
                "The study is an SQLite file in Optuna's schema; optuna-dashboard opens it. The "
                "same "
                "command goes on after a stop or a kill, and started a second time it joins in. "
                "Trial folders lie beside it in FILE.trials, without weights once a trial is "
                "finished.\n\n"
                "A population (pbt, pb2) trains its members in stretches of --every epochs; after "
                "each, "
                "the worst go on from the weights of the best with other settings. hybrid first "
                "looks for "
                "the region with a Gaussian process on short runs. What the best member was "
                "trained with, "
                "epoch by epoch, is schedule.yaml, which train --schedule follows from the "
                "start.\n\n"
                "A best value among many noisy ones is too good. The finalists, by the Gaussian "
                "process's mean, are therefore trained again with other seeds, and best.yaml holds "
                "the one with the best mean.",
        .examples = "sonograde tune --data BUSI --weights mobilenetv2.safetensors --study s.db\n"
                    "sonograde tune --data BUSI --study s.db --param \"lr=float 1e-5 1e-2 log; "
                    "dropout=float 0 0.5\"\n"
                    "sonograde tune --data BUSI --model mobilenetv2 --method hybrid "
                    "--budget-epochs 200 --study h.db\n"
                    "sonograde train --config s.db.trials/best.yaml --data BUSI --splits "
                    "s.db.trials/splits.csv --run r",
        .options = rows,
        .struct_size = sizeof(sg_tune_args),
        .min_operands = 0,
        .max_operands = 0,
        .takes_config = false,
        .run = run_tune,
};
