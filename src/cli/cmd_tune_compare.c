/* cmd_tune_compare.c - `sonograde tune compare`: what a way of searching is worth on test images,
 * at equal epochs. A campaign of `tune` and `train`: every cell (seed, fold, method) is a study
 * whose test part is that fold, and a training with what it found; a cell that is judged leaves a
 * file that says so, and everything before that goes on where it was. SPDX-License-Identifier:
 * Apache-2.0
 */
#include "base/file.h"
#include "cli/cli.h"
#include "cli/shared_rows.h"
#include "cli/tune_claim.h"
#include "cli/verbs.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(sg_claim_args, field)
#define GROUP(title)                                                                               \
    { title, 0, SG_OPTION_GROUP, 0, NULL, NULL, NULL, 0, 0 }
/* clang-format off */
static const sg_option rows[] = {
    GROUP("What"),
    { "methods", 0, SG_OPTION_TEXT, AT(methods), "random,gp,pbt,hybrid,paper", "NAME,...", "methods of tune, the first is what the others are held against; paper: no search, the paper's lr 1e-4, weight decay 5e-4, batch 32", 0, 0 },
    { "seeds", 0, SG_OPTION_INT, AT(seeds), "3", "N", "of searches and trainings, from --seed on", 1, 1000 },
    { "seed", 's', SG_OPTION_INT, AT(seed), "0", "N", "the first one", 0, 9e15 },
    { "out", 'o', SG_OPTION_PATH, AT(out), NULL, "DIR", "folder of the comparison; the same command goes on with one that was stopped", 0, 0 },
    GROUP("Data"),
    SG_DATA_ROW(AT(data)),
    SG_MANIFEST_ROW(AT(manifest)),
    { "folds", 0, SG_OPTION_PATH, AT(folds), NULL, "FILE", "table path,class,fold", 0, 0 },
    { "first-folds", 0, SG_OPTION_INT, AT(first_folds), "3", "N", "test on these folds of the table only", 1, 100 },
    GROUP("Every search"),
    { "budget-epochs", 0, SG_OPTION_INT, AT(budget_epochs), "200", "N", "epochs of each search at most, over all its inner folds: what no whole trial or round of members fits into stays unspent", 1, 1000000000 },
    { "epochs", 'e', SG_OPTION_INT, AT(epochs), "10", "N", "of a trial, and of the training with what was found", 1, 100000 },
    { "inner", 0, SG_OPTION_INT, AT(inner), "3", "K", "inner folds", 2, 20 },
    { "startup", 0, SG_OPTION_INT, AT(startup), "3", "N", "evenly spread points before gp", 2, 100000 },
    { "population", 0, SG_OPTION_INT, AT(population), "4", "N", "members", 2, 64 },
    { "every", 0, SG_OPTION_INT, AT(every), "2", "N", "epochs between two copies", 1, 100000 },
    { "short-epochs", 0, SG_OPTION_INT, AT(short_epochs), "3", "N", "of the short runs of hybrid", 1, 100000 },
    { "param", 0, SG_OPTION_TEXT, AT(param), "lr=float 1e-5 1e-2 log; weight-decay=float 1e-4 0.2 log; batch=ordered 8 16 32", "NAME=KIND...;...", "what is searched", 0, 0 },
    { "model", 0, SG_OPTION_TEXT, AT(model), "mobilenetv2", "NAME", "architecture", 0, 0 },
    { "weights", 0, SG_OPTION_PATH, AT(weights), NULL, "FILE", "safetensors, .pth or ONNX file to start from", 0, 0 },
    SG_SIZE_ROW(AT(size), "112"),
    { "config", 0, SG_OPTION_PATH, AT(config), NULL, "FILE", "further options of train, as YAML", 0, 0 },
    SG_SET_ROW(AT(set)),
    GROUP("Machine"),
    SG_THREADS_ROW(AT(threads)),
    SG_WORKERS_ROW(AT(workers)),
    { NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0 },
};
/* clang-format on */

/* More seeds and folds may be asked for later: what is there stays. */
static const char *const free_to_change[] = {
        "out", "seeds", "first-folds", "methods", "threads", "workers", NULL};

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory comparing searches");
}

/* ---- words for other verbs ---- */

enum { WORDS = 64 };

typedef struct words {
    char *word[WORDS];
    int count;
} words;

static void put(words *w, const char *option, char *value) {
    w->word[w->count++] = sg_strdupf("--%s", option);
    w->word[w->count++] = value;
}

static void put_text(words *w, const char *option, const char *value) {
    if (value) put(w, option, sg_strdup(value));
}

static void put_number(words *w, const char *option, long long value) {
    put(w, option, sg_strdupf("%lld", value));
}

static sg_status run_words(const sg_claim *c, const sg_verb *verb, words *w, sg_error *err) {
    sg_status st = SG_OK;
    for (int i = 0; i < w->count; i++)
        if (!w->word[i]) st = no_memory(err);
    sg_log quiet = *c->call->log;
    quiet.least = SG_LOG_WARN;
    sg_call call = *c->call;
    call.log = &quiet;
    int code = st ? SG_EXIT_OK : sg_cli_run_verb(&call, verb, w->count, w->word);
    for (int i = 0; i < w->count; i++) free(w->word[i]);
    if (st || code == SG_EXIT_OK) return st;
    if (sg_cli_stop)
        return sg_fail(
                err, SG_ERR_INTERRUPTED, "stopped; the same command goes on with %s", c->args->out);
    return sg_fail(err, SG_ERR_INPUT, "%s in %s failed, see above", verb->name, c->args->out);
}

/* ---- a cell ---- */

static bool is_paper(const char *method) {
    return strcmp(method, "paper") == 0;
}

static sg_status search(const sg_claim *c, const sg_cell *cell, const char *db, sg_error *err) {
    const sg_claim_args *a = c->args;
    bool paper = is_paper(cell->method);
    words w = {0};
    put_text(&w, "data", a->data);
    put_text(&w, "manifest", a->manifest);
    put_text(&w, "folds", a->folds);
    put_number(&w, "fold", cell->fold);
    put_text(&w, "study", db);
    put_text(&w, "method", paper ? "random" : cell->method);
    put_text(&w, "param",
            paper ? "lr=fixed 1e-4; weight-decay=fixed 5e-4; batch=fixed 32" : a->param);
    put_number(&w, "trials", paper ? 1 : 1000000);
    put_number(&w, "budget-epochs", a->budget_epochs);
    put_number(&w, "epochs", a->epochs);
    put_number(&w, "inner", a->inner);
    put_number(&w, "startup", a->startup);
    put_number(&w, "population", a->population);
    put_number(&w, "every", a->every);
    put_number(&w, "short-epochs", a->short_epochs);
    put_number(&w, "side-by-side", 1);
    put_number(&w, "finalists", 1);
    put_number(&w, "repeats", 0);
    put_text(&w, "model", a->model);
    put_text(&w, "weights", a->weights);
    put_number(&w, "size", a->size);
    put_number(&w, "seed", cell->seed);
    put_text(&w, "config", a->config);
    put_text(&w, "set", a->set);
    put_number(&w, "threads", a->threads);
    put_number(&w, "workers", a->workers);
    return run_words(c, &sg_verb_tune, &w, err);
}

/* The training with what was found, on all images but the fold's; begun anew or gone on with. */
static sg_status retrain(
        const sg_claim *c, const sg_cell *cell, const char *db, const char *run, sg_error *err) {
    const sg_claim_args *a = c->args;
    char *args = sg_path_join(run, "args.yaml");
    bool there = args && sg_path_exists(args);
    words w = {0};
    free(args);
    if (there) {
        put_text(&w, "resume", run);
    } else {
        put(&w, "config", sg_strdupf("%s.trials/best.yaml", db));
        put(&w, "splits", sg_strdupf("%s.trials/splits.csv", db));
        put_text(&w, "data", a->data);
        put_text(&w, "manifest", a->manifest);
        put_text(&w, "run", run);
        put_number(&w, "epochs", a->epochs);
        put_number(&w, "seed", cell->seed);
        put_number(&w, "threads", a->threads);
        put_number(&w, "workers", a->workers);
    }
    return run_words(c, &sg_verb_train, &w, err);
}

static sg_status do_cell(const sg_claim *c, const sg_cell *cell, sg_error *err) {
    char *dir = sg_claim_dir(c, cell), *db = NULL, *run = NULL;
    sg_status st = dir ? sg_dir_make(dir, err) : no_memory(err);
    if (!st) db = sg_strdupf("%s/%s.db", dir, cell->method);
    if (!st) run = sg_strdupf("%s/%s", dir, cell->method);
    if (!st && (!db || !run)) st = no_memory(err);
    if (!st) st = search(c, cell, db, err);
    if (!st) st = retrain(c, cell, db, run, err);
    if (!st) st = sg_claim_judge(c, cell, db, run, err);
    free(run);
    free(db);
    free(dir);
    return st;
}

/* Seed by seed and fold by fold, so that what is finished can be compared at any time. */
static sg_status do_all(sg_claim *c, sg_error *err) {
    size_t total = c->cell_count;
    sg_status st = SG_OK;
    for (size_t i = 0; !st && i < total; i++) {
        sg_cell *cell = &c->cells[i];
        st = sg_claim_recall(c, cell, err);
        if (st || cell->done) continue;
        sg_log_line(c->call->log, SG_LOG_INFO, "%zu of %zu: %s, fold %d, seed %lld", i + 1, total,
                cell->method, cell->fold, cell->seed);
        st = do_cell(c, cell, err);
        if (!st) st = sg_claim_recall(c, cell, err);
        if (!st) st = sg_claim_write(c, err);
    }
    return st;
}

/* ---- the verb ---- */

static sg_status list_methods(sg_claim *c, sg_error *err) {
    static const char *const known[] = {
            "random", "sobol", "gp", "tpe", "pbt", "pb2", "hybrid", "paper"};
    c->text = sg_strdup(c->args->methods);
    char *rest = c->text;
    if (!c->text) return no_memory(err);
    for (char *name; (name = strsep(&rest, ","));) {
        bool good = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            good = good || strcmp(known[i], name) == 0;
        for (size_t i = 0; i < c->method_count; i++)
            if (strcmp(c->methods[i], name) == 0) good = false;
        if (!good || c->method_count == SG_CLAIM_METHODS)
            return sg_fail(err, SG_ERR_USAGE,
                    "--methods: '%s' is none of random, sobol, gp, tpe, pbt, pb2, hybrid, paper, "
                    "or stands there twice",
                    name);
        c->methods[c->method_count++] = name;
    }
    return SG_OK;
}

static sg_status list_cells(sg_claim *c, sg_error *err) {
    const sg_claim_args *a = c->args;
    size_t n = (size_t)a->seeds * (size_t)a->first_folds * c->method_count;
    c->cells = calloc(n, sizeof *c->cells);
    if (!c->cells) return no_memory(err);
    for (long long s = 0; s < a->seeds; s++)
        for (long long f = 0; f < a->first_folds; f++)
            for (size_t m = 0; m < c->method_count; m++)
                c->cells[c->cell_count++] =
                        (sg_cell){.seed = a->seed + s, .fold = (int)f, .method = c->methods[m]};
    return SG_OK;
}

/* Before the folder is begun, which would hold a mistyped name from then on. */
static sg_status check_there(const char *path, const char *option, sg_error *err) {
    if (!path || sg_path_exists(path)) return SG_OK;
    return sg_fail(err, SG_ERR_INPUT, "there is no %s: check the name after %s", path, option);
}

static sg_status check_args(const sg_claim_args *a, sg_error *err) {
    if (!a->out) return sg_fail(err, SG_ERR_USAGE, "say where the results shall go: --out DIR");
    if (!a->data == !a->manifest)
        return sg_fail(err, SG_ERR_USAGE, "give either --data DIR or --manifest FILE");
    if (a->budget_epochs < a->epochs * a->inner)
        return sg_fail(err, SG_ERR_USAGE,
                "--budget-epochs %lld is less than one trial of %lld epochs in each of %lld inner "
                "folds",
                a->budget_epochs, a->epochs, a->inner);
    if (!a->folds)
        return sg_fail(
                err, SG_ERR_USAGE, "give the table of folds: --folds FILE (data split makes one)");
    sg_status st = check_there(a->folds, "--folds", err);
    if (!st) st = check_there(a->data, "--data", err);
    if (!st) st = check_there(a->manifest, "--manifest", err);
    return st ? st : check_there(a->weights, "--weights", err);
}

static int run_tune_compare(const sg_call *call) {
    sg_error err = SG_ERROR_INIT;
    sg_claim c = {.call = call, .args = call->options};
    sg_status st = check_args(c.args, &err);
    if (!st) st = list_methods(&c, &err);
    if (!st) st = list_cells(&c, &err);
    char *settings = st ? NULL : sg_campaign_settings(call, free_to_change);
    if (!st && !settings) st = no_memory(&err);
    if (!st) st = sg_campaign_open(&c.campaign, c.args->out, settings, free_to_change, false, &err);
    bool opened = !st;
    if (!st) st = do_all(&c, &err);
    if (!st) st = sg_claim_write(&c, &err);
    if (!st) sg_claim_tell(&c);
    if (opened) sg_campaign_end(&c.campaign, st, call->log);
    for (size_t i = 0; i < c.cell_count; i++) free(c.cells[i].curve);
    free(c.cells);
    free(settings);
    free(c.text);
    return st ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_tune_compare = {
        .name = "tune compare",
        .operands = "",
        .summary = "ways of searching side by side: points on test images at equal epochs",
        .details =
                "For every seed, fold and method: a search (tune) with the fold as its unseen test "
                "part, a training with what it found on all other images, and its figures on the "
                "fold. Written after every cell, and told at the end: the means, the differences "
                "to the first method paired over seeds and folds with intervals (corrected "
                "resampled t-test: trainings share images), and after how many epochs of search a "
                "method had reached the best validation figure of the first one. cells.csv has "
                "every cell.\n\n"
                "Every method has the same budget of epochs and none goes beyond it; its last "
                "training is as long for all, a schedule being stretched to it. The same command "
                "goes on with a comparison that was stopped, also with more --seeds, --first-folds "
                "or --methods.",
        .examples =
                "sonograde tune compare --data BUSI --folds folds.csv --weights "
                "mobilenetv2.safetensors --out claim\n"
                "sonograde tune compare --data BUSI --folds folds.csv --seeds 1 --first-folds 1 "
                "--budget-epochs 60 --out claim1",
        .options = rows,
        .struct_size = sizeof(sg_claim_args),
        .min_operands = 0,
        .max_operands = 0,
        .run = run_tune_compare,
};
