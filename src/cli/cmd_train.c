/* cmd_train.c - `sonograde train`: from a folder of images to a run folder, or on with an
 * unfinished one. SPDX-License-Identifier: Apache-2.0 */
#include "base/aside.h"
#include "base/csv.h"
#include "base/file.h"
#include "cli/bundle_defaults.h"
#include "cli/cli.h"
#include "cli/train_schedule.h"
#include "cli/verbs.h"
#include "cli/weight_facts.h"
#include "nn/loss.h"
#include "protocol/ledger.h"
#include "protocol/run.h"
#include "protocol/run_folder.h"
#include "report/training.h"
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double default_test_share = 0.15; /* as its row in train_options.c */

/* A run in the making: what is open while `train` works. */
typedef struct work {
    sg_train_args args;
    sg_yaml yaml; /* owner of text in args when a run is resumed */
    const char *dir;
    char *paths[6]; /* owners of absolute paths in args, */
    char *taken;    /* and of what args have from a bundle */
    size_t path_count;
    bool trained; /* an epoch was completed */
    sg_run_folder folder;
    sg_pool *pool;
    sg_manifest manifest;
    sg_split split;
    sg_train_options options;
    sg_train_schedule schedule; /* that options follows */
    const sg_log *log;
} work;

static char *in_run(const work *w, const char *name) {
    return sg_path_join(w->dir, name);
}

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory preparing the run");
}

/* ---- the folder ---- */

static sg_status write_args(const work *w, const sg_verb *verb, sg_error *err) {
    sg_str text;
    sg_str_init(&text, 0);
    sg_options_to_yaml(&text, verb, &w->args);
    char *path = in_run(w, "args.yaml");
    sg_status st = path ? sg_str_check(&text, err) : no_memory(err);
    if (!st) st = sg_file_write(path, text.data, text.len, err);
    free(path);
    sg_str_dispose(&text);
    return st;
}

/* An empty or new folder, locked, with args.yaml as the first thing in it. */
static sg_status make_folder(work *w, const sg_verb *verb, sg_error *err) {
    sg_status st = sg_run_folder_make(&w->folder, w->dir, w->args.overwrite, err);
    if (!st) sg_run_sweep(w->dir);
    return st ? st : write_args(w, verb, err);
}

/* ---- what was asked ---- */

/* Names a file so that it is found again from any working folder: a resume may have to start over.
 */
static sg_status make_absolute(work *w, const char **path, sg_error *err) {
    if (!*path || **path == '/') return SG_OK;
    char *here = getcwd(NULL, 0), *full = here ? sg_path_join(here, *path) : NULL;
    free(here);
    if (!full)
        return sg_fail(err, SG_ERR_IO, "the working folder has no name to find %s by", *path);
    w->paths[w->path_count++] = full;
    *path = full;
    return SG_OK;
}

static sg_status make_all_absolute(work *w, sg_error *err) {
    sg_train_args *a = &w->args;
    const char **weights = a->weights ? &a->weights : &a->from_bundle;
    long long k;
    if (*weights && !sg_path_exists(*weights))
        return sg_fail(err, SG_ERR_MISSING, "cannot open %s: check the name after --%s", *weights,
                a->weights ? "weights" : "from-bundle");
    sg_status st = make_absolute(w, weights, err);
    if (!st) st = make_absolute(w, &a->data, err);
    if (!st) st = make_absolute(w, &a->manifest, err);
    if (!st) st = make_absolute(w, &a->splits, err);
    if (!st && a->folds && !sg_parse_int64(&k, a->folds)) st = make_absolute(w, &a->folds, err);
    if (!st && !sg_train_is_shape(a->schedule)) st = make_absolute(w, &a->schedule, err);
    return st;
}

/* Folds come from --folds, or from a --splits table that has them. */
static sg_status asks_for_folds(bool *out, const sg_train_args *a, sg_error *err) {
    *out = a->folds != NULL;
    if (!a->splits) return SG_OK;
    sg_csv csv;
    sg_status st = sg_csv_read(&csv, a->splits, err);
    if (st) return st;
    *out = sg_csv_column(&csv, "fold") >= 0;
    sg_csv_dispose(&csv);
    return SG_OK;
}

static sg_status settle_args(work *w, const sg_call *call, sg_error *err) {
    sg_train_args *a = &w->args;
    if (!a->run) return sg_fail(err, SG_ERR_USAGE, "say where the run shall go: --run DIR");
    if (!a->data == !a->manifest)
        return sg_fail(err, SG_ERR_USAGE, "give either --data DIR or --manifest FILE");
    if (a->folds && a->splits)
        return sg_fail(err, SG_ERR_USAGE, "--folds and --splits exclude each other");
    if (a->test_share != default_test_share && (a->folds || a->splits))
        return sg_fail(err, SG_ERR_USAGE,
                "--test-share has no effect beside --folds or --splits, which say what is tested: "
                "leave it out");
    if (a->weights && a->from_bundle)
        return sg_fail(err, SG_ERR_USAGE, "--weights and --from-bundle exclude each other");
    bool folds;
    sg_status st = asks_for_folds(&folds, a, err);
    if (st) return st;
    if (a->fold >= 0 && !folds)
        return sg_fail(err, SG_ERR_USAGE, "--fold %lld needs folds: add --folds K", a->fold);
    if (a->val_share < 0) a->val_share = folds && a->select == SG_SELECT_NONE ? 0 : 0.15;
    w->dir = a->run;
    st = make_all_absolute(w, err);
    if (!st) st = sg_train_take_from_bundle(a, &w->taken, call, err);
    return st ? st : sg_train_settle_first_block(a, err);
}

/* ---- data ---- */

static sg_status read_data(work *w, const sg_log *log, sg_error *err) {
    sg_manifest_options options = SG_MANIFEST_OPTIONS_INIT;
    options.group_by = w->args.group_by;
    options.skip_bad = w->args.skip_bad;
    options.pool = w->pool;
    options.log = log;
    sg_status st = sg_manifest_open(&w->manifest, w->args.data, w->args.manifest, &options, err);
    if (!st)
        sg_log_line(log, SG_LOG_INFO,
                "%zu images of %zu classes in %zu groups (a lower bound on what belongs together)",
                w->manifest.count, w->manifest.class_count, w->manifest.group_count);
    if (!st && w->manifest.class_count > SG_MAX_CLASSES)
        st = sg_fail(err, SG_ERR_INPUT,
                "%s holds %zu classes and a model tells at most %d apart; each folder of images is "
                "a class: put like ones together or leave some out",
                w->manifest.root, w->manifest.class_count, SG_MAX_CLASSES);
    for (size_t i = 0; !st && i < w->manifest.skip_count; i++)
        sg_log_line(log, SG_LOG_WARN, "left out %s: %s", w->manifest.skips[i].path,
                w->manifest.skips[i].reason);
    return st;
}

/* A given table need not name every image; whoever meant it to is told. */
static void tell_left_out(const work *w, const sg_log *log) {
    size_t n = 0, first = 0;
    for (size_t i = 0; i < w->split.count; i++)
        if (w->split.bins[i] < 0 && n++ == 0) first = i;
    if (n)
        sg_log_line(log, SG_LOG_WARN,
                "the table of splits does not name %zu of %zu images: left out, the first is %s", n,
                w->split.count, w->manifest.rows[first].path);
}

static sg_status split_data(work *w, const sg_log *log, sg_error *err) {
    const sg_train_args *a = &w->args;
    sg_split_options options = SG_SPLIT_OPTIONS_INIT;
    options.seed = (uint64_t)a->seed;
    options.ungrouped = a->ungrouped;
    options.log = log;
    long long k;
    if (a->splits) return sg_split_read(&w->split, a->splits, &w->manifest, &options, err);
    if (a->folds && !sg_parse_int64(&k, a->folds))
        return sg_split_read(&w->split, a->folds, &w->manifest, &options, err);
    if (a->folds) {
        if (k < 2 || k > 100)
            return sg_fail(err, SG_ERR_USAGE, "--folds %s: take 2 to 100 folds", a->folds);
        return sg_split_make_folds(&w->split, &w->manifest, (int)k, &options, err);
    }
    double shares[SG_PART_COUNT] = {1 - a->val_share - a->test_share, a->val_share, a->test_share};
    if (shares[0] <= 0)
        return sg_fail(err, SG_ERR_USAGE, "--val-share and --test-share leave nothing to train on");
    return sg_split_make_parts(&w->split, &w->manifest, shares, &options, err);
}

/* Data and split of a run that got as far as writing them; otherwise they are made again. */
static sg_status reopen_data(work *w, bool *there, const sg_log *log, sg_error *err) {
    char *table = in_run(w, "manifest.csv"), *splits = in_run(w, "splits.csv");
    *there = table && splits && sg_path_exists(table) && sg_path_exists(splits);
    free(table);
    free(splits);
    if (!*there) return SG_OK;
    sg_run run;
    sg_status st = sg_run_open(&run, w->dir, NULL, log, err);
    if (st) return st;
    w->manifest = run.manifest;
    w->split = run.split;
    free(run.dir);
    long long k;
    bool drawn = !w->args.splits && (!w->args.folds || sg_parse_int64(&k, w->args.folds));
    if (drawn) w->split.ungrouped = w->args.ungrouped; /* as it was marked at the start */
    return SG_OK;
}

/* ---- after each epoch ---- */

static void draw_curves(const work *w, const char *dir, const sg_history *history) {
    enum { COLUMNS = 5 };
    size_t n = history->count;
    double *block = malloc(COLUMNS * (n + 1) * sizeof *block);
    char *path = sg_path_join(dir, "curves.svg");
    if (block && path) {
        double *c[COLUMNS];
        for (int k = 0; k < COLUMNS; k++) c[k] = block + (size_t)k * n;
        bool has_val = false;
        for (size_t i = 0; i < n; i++) {
            const sg_epoch *e = &history->epochs[i];
            has_val = has_val || e->has_val;
            c[0][i] = e->train_loss;
            c[1][i] = e->has_val ? e->val.loss : NAN;
            c[2][i] = e->has_val ? e->val.accuracy : NAN;
            c[3][i] = e->has_val ? e->val.macro_f1 : NAN;
            c[4][i] = e->learning_rate;
        }
        sg_training_curves curves = {w->options.model, n, c[0], has_val ? c[1] : NULL, NULL,
                has_val ? c[2] : NULL, has_val ? c[3] : NULL, c[4], 0, NULL};
        /* a picture that cannot be drawn must not end a training: its figures are in results.csv */
        sg_error why = SG_ERROR_INIT;
        if (sg_training_curves_write(&curves, path, &why))
            sg_log_line(w->log, SG_LOG_WARN, "no curves: %s", why.message);
    }
    free(block);
    free(path);
}

static void end_epoch(void *user, const char *dir, const sg_history *history) {
    work *w = user;
    sg_error why = SG_ERROR_INIT;
    if (!w->trained && sg_run_folder_keep(&w->folder, &why))
        sg_log_line(w->log, SG_LOG_WARN, "left behind: %s", why.message);
    w->trained = true;
    draw_curves(w, dir, history);
}

/* ---- telling ---- */

static json_t *summary_json(const sg_train_summary *s, int fold) {
    return json_pack("{s:o, s:b, s:i, s:I, s:I, s:f, s:o, s:f, s:o, s:o, s:f}", "fold",
            fold < 0 ? json_null() : json_integer(fold), "was_finished", (int)s->was_finished,
            "epochs", s->epochs, "train_images", (json_int_t)s->train_images, "val_images",
            (json_int_t)s->val_images, "initialisation", s->init_share, "train_loss",
            sg_json_number(s->last_loss), "seconds", s->seconds, "val_accuracy",
            sg_json_number(s->has_val ? s->val.accuracy : NAN), "val_macro_f1",
            sg_json_number(s->has_val ? s->val.macro_f1 : NAN), "temperature", s->temperature);
}

/* Folds test each other; a table of parts may have been given without test images. */
static bool has_test_part(const sg_split *split) {
    bool found = split->folds > 0;
    for (size_t i = 0; i < split->count && !found; i++) found = split->bins[i] == SG_PART_TEST;
    return found;
}

static void tell_finished(const work *w, const sg_log *log, double seconds) {
    if (has_test_part(&w->split))
        sg_log_line(log, SG_LOG_INFO,
                "finished in %.0f s; next: sonograde evaluate --run %s --out %s/report", seconds,
                w->dir, w->dir);
    else
        sg_log_line(log, SG_LOG_INFO,
                "finished in %.0f s; the split has no test part: judge the model on other images "
                "with sonograde evaluate --run %s --data DIR --out %s/report",
                seconds, w->dir, w->dir);
}

static void tell(const work *w, const sg_call *call, const sg_train_summary *summaries) {
    int folds = w->split.folds;
    double seconds = 0;
    json_t *list = json_array();
    for (int i = 0; i < (folds ? folds : 1); i++) {
        if (w->args.fold >= 0 && i != w->args.fold) continue;
        seconds += summaries[i].seconds;
        json_array_append_new(list, summary_json(&summaries[i], folds ? i : -1));
    }
    tell_finished(w, call->log, seconds);
    if (call->json)
        sg_cli_print_json(json_pack("{s:o, s:o}", "run", sg_json_text(w->dir), "models", list));
    else
        json_decref(list);
}

/* ---- the verb ---- */

static sg_status train(work *w, const sg_call *call, bool resume, sg_error *err) {
    int folds = w->split.folds;
    sg_train_summary *summaries = calloc((size_t)(folds ? folds : 1), sizeof *summaries);
    if (!summaries) return no_memory(err);
    char *ledger = NULL;
    sg_error why = SG_ERROR_INIT;
    if (sg_ledger_default_path(&ledger, &why))
        sg_log_line(call->log, SG_LOG_WARN, "%s", why.message);
    sg_run_job job = {&w->options, &w->manifest, &w->split, (int)w->args.fold, w->args.val_share,
            w->args.train_share, w->dir, resume, w->args.force_resume, call->log, &sg_cli_stop,
            end_epoch, w, ledger, NULL};
    sg_status st = sg_run_train(summaries, &job, err);
    free(ledger);
    if (!st) tell(w, call, summaries);
    free(summaries);
    return st;
}

/* The user will mend something and ask again: an untrained folder would only be in the way. */
static bool is_refusal(sg_status st) {
    return st == SG_ERR_USAGE || st == SG_ERR_IO || st == SG_ERR_MISSING || st == SG_ERR_FORMAT ||
           st == SG_ERR_INPUT || st == SG_ERR_SHAPE || st == SG_ERR_UNSUPPORTED;
}

/* An untrained folder is deleted. What it should replace comes back; only when the user stopped the
 * training, which can be resumed, do both stay. */
static void leave_untrained(work *w, sg_status why, const sg_log *log) {
    bool waits = sg_aside_waits(w->dir);
    sg_error err = SG_ERROR_INIT;
    if (why == SG_ERR_INTERRUPTED && waits)
        sg_log_line(log, SG_LOG_WARN,
                "the run that was there before is kept as %s.replaced until this one has completed "
                "an epoch",
                w->dir);
    if (why == SG_ERR_INTERRUPTED || !(waits || is_refusal(why))) return;
    if (sg_run_folder_give_up(&w->folder, &err))
        sg_log_line(log, SG_LOG_WARN, "left behind: %s", err.message);
}

/* A run that is gone on with follows the schedule that it keeps. */
static sg_status fill_options(work *w, bool resumed, sg_error *err) {
    bool follows = !sg_train_is_shape(w->args.schedule);
    char *kept = resumed && follows ? sg_train_schedule_kept(w->dir) : NULL;
    sg_train_args args = w->args;
    if (kept) args.schedule = kept;
    sg_train_schedule_dispose(&w->schedule);
    sg_status st = sg_train_options_from_args(&w->options, &args, err);
    if (!st) st = sg_train_schedule_read(&w->schedule, &w->options, &args, err);
    free(kept);
    return st;
}

static sg_status start_run(work *w, const sg_call *call, bool folder_there, sg_error *err) {
    sg_status st = fill_options(w, folder_there, err);
    if (!st && !folder_there) st = make_folder(w, call->verb, err);
    if (!st && !sg_train_is_shape(w->args.schedule))
        st = sg_train_schedule_keep(w->args.schedule, w->dir, err);
    if (!st) st = read_data(w, call->log, err);
    if (!st) st = split_data(w, call->log, err);
    if (!st) tell_left_out(w, call->log);
    if (!st) st = sg_run_write_data(w->dir, &w->manifest, &w->split, err);
    if (!st) st = train(w, call, false, err);
    if (st && w->folder.made && !w->trained) leave_untrained(w, st, call->log);
    return st;
}

/* Settings of a run come from its args.yaml. What is given beside --resume must be the same, but
 * for what does not change the result, and, when forced, for what belongs to the machine: that is
 * then written down, so that the next resume finds it. */
static sg_status apply_given(
        work *w, bool *forced, const sg_call *call, const sg_train_args *asked, sg_error *err) {
    static const char *const free_to_change[] = {
            "resume", "force-resume", "workers", "fold", "recompute", "profile", NULL};
    static const char *const machine[] = {"threads", "backend", "winograd", "deterministic", NULL};
    bool changed = false;
    for (size_t row = 0; call->verb->options[row].name; row++) {
        const sg_option *o = &call->verb->options[row];
        if (!call->given[row] || sg_option_equal(o, asked, &w->args)) continue;
        bool of_machine = sg_is_among(machine, o->name);
        if (!sg_is_among(free_to_change, o->name) && !(of_machine && asked->force_resume))
            return sg_fail(err, SG_ERR_MISMATCH,
                    "--%s differs from the settings of the run %s (its args.yaml): going on would "
                    "not repeat the run; leave the option out, or %s",
                    o->name, w->dir,
                    of_machine ? "add --force-resume" : "begin another run with it");
        sg_option_copy(o, &w->args, asked);
        changed = changed || of_machine;
    }
    *forced = changed;
    return SG_OK;
}

/* The machine's settings of a forced resume become the run's, and its log says so. */
static sg_status note_forced(const work *w, const sg_verb *verb, sg_error *err) {
    work kept = *w;
    kept.args.resume = NULL;
    kept.args.force_resume = false;
    sg_status st = write_args(&kept, verb, err);
    return st ? st
              : sg_run_log(w->dir,
                        json_pack("{s:s, s:i, s:s, s:b}", "event", "forced", "threads",
                                (int)w->args.threads, "backend", w->args.backend, "winograd",
                                (int)w->options.winograd),
                        err);
}

/* A finished run is left as it is, to the byte. */
static sg_status resume_run(work *w, const sg_call *call, sg_error *err) {
    const sg_train_args asked = w->args;
    bool there = false, finished = false, forced = false;
    char *path = NULL;
    w->dir = asked.resume;
    if (w->args.run) return sg_fail(err, SG_ERR_USAGE, "--run and --resume exclude each other");
    path = in_run(w, "args.yaml");
    sg_status st = path ? SG_OK : no_memory(err);
    if (!st && !sg_path_exists(path))
        st = sg_fail(err, SG_ERR_INPUT, "%s is no run folder: it has no args.yaml; check the name",
                w->dir);
    if (!st) st = sg_yaml_read(&w->yaml, path, err);
    memset(&w->args, 0, sizeof w->args);
    if (!st) st = sg_options_defaults(&w->args, call->verb, err);
    if (!st) st = sg_options_from_yaml(&w->args, NULL, call->verb, &w->yaml, path, err);
    free(path);
    if (!st) st = apply_given(w, &forced, call, &asked, err);
    if (!st) st = fill_options(w, true, err);
    if (!st) st = reopen_data(w, &there, call->log, err);
    if (!st && there) st = sg_run_is_finished(&finished, w->dir, &w->split, (int)w->args.fold, err);
    if (!st && finished) {
        sg_log_line(call->log, SG_LOG_INFO, "%s is finished; nothing to do", w->dir);
        return SG_OK;
    }
    if (!st) st = sg_run_folder_enter(&w->folder, w->dir, err);
    if (!st && forced) st = note_forced(w, call->verb, err);
    if (st) return st;
    sg_run_sweep(w->dir);
    return there ? train(w, call, true, err) : start_run(w, call, true, err);
}

static int run_train(const sg_call *call) {
    sg_error err = SG_ERROR_INIT;
    work w = {.args = *(const sg_train_args *)call->options,
            .folder = SG_RUN_FOLDER_INIT,
            .log = call->log};
    sg_status st = sg_pool_create(&w.pool, sg_cpu_count() - 1, &err);
    if (!st) sg_pool_set_stop(w.pool, &sg_cli_stop);
    if (!st && w.args.resume)
        st = resume_run(&w, call, &err);
    else if (!st) {
        st = settle_args(&w, call, &err);
        const sg_weight_stated stated = {
                sg_cli_is_given(call, "size"), sg_cli_is_given(call, "transform-input")};
        if (!st) st = sg_weight_facts_apply(&w.args, &stated, call->log, &err);
        if (!st) st = start_run(&w, call, false, &err);
    }
    sg_split_dispose(&w.split);
    sg_manifest_dispose(&w.manifest);
    sg_pool_destroy(w.pool);
    sg_run_folder_leave(&w.folder);
    sg_yaml_dispose(&w.yaml);
    free(w.taken);
    sg_train_schedule_dispose(&w.schedule);
    for (size_t i = 0; i < w.path_count; i++) free(w.paths[i]);
    return st ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_train = {
        .name = "train",
        .operands = "",
        .summary = "train a model, or the models of a cross-validation",
        .details =
                "Makes a run folder with everything that belongs to the training: settings "
                "(args.yaml), "
                "images and their groups (manifest.csv), the split (splits.csv), curves, log and "
                "weights. "
                "Images that belong together are never on both sides of a split.\n\n"
                "A run that was stopped or killed goes on with --resume and ends in the same "
                "bytes. The "
                "first Ctrl-C, SIGTERM or SIGUSR1 saves and leaves; the second leaves at once.\n\n"
                "Without --select nothing is chosen: the moving average of the last epoch's "
                "weights is "
                "kept. With it, a validation part inside the training images decides; test images "
                "are "
                "never looked at.",
        .examples = "sonograde train --data BUSI --model mobilenetv2 --weights "
                    "mobilenetv2.safetensors --run r1\n"
                    "sonograde train --data BUSI --folds 5 --model mresnetv2 --freeze "
                    "stem,stages.0 --run r2\n"
                    "sonograde train --resume r2",
        .options = sg_train_option_rows,
        .struct_size = sizeof(sg_train_args),
        .min_operands = 0,
        .max_operands = 0,
        .takes_config = true,
        .run = run_train,
};
