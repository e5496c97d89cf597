/* cmd_runs.c - `sonograde runs list|diff`: what run folders there are, and what sets some apart.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "cli/cli.h"
#include "cli/run_summary.h"
#include "cli/verbs.h"
#include "report/runs.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct runs {
    sg_run_summary *items;
    size_t count, capacity;
} runs;

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory reading runs");
}

static void runs_dispose(runs *r) {
    for (size_t i = 0; i < r->count; i++) sg_run_summary_dispose(&r->items[i]);
    free(r->items);
}

static sg_status add_run(runs *r, const char *dir, sg_error *err) {
    sg_status st = sg_grow(&r->items, &r->capacity, r->count + 1, sizeof *r->items, err);
    if (!st) st = sg_run_summary_read(&r->items[r->count], dir, err);
    if (!st) r->count++;
    return st;
}

/* ---- figures of a run ---- */

static size_t epochs_done(const sg_run_summary *s) {
    size_t done = 0;
    for (size_t i = 0; i < s->models; i++) done += s->histories[i].count;
    return done;
}

typedef double pick(const sg_epoch *epoch);
static double train_loss(const sg_epoch *e) {
    return e->train_loss;
}
static double val_accuracy(const sg_epoch *e) {
    return e->has_val ? e->val.accuracy : NAN;
}

/* Mean over the models of their last epoch's value; NaN where one has none. */
static double last_mean(const sg_run_summary *s, pick *value) {
    double sum = 0;
    for (size_t i = 0; i < s->models; i++) {
        const sg_history *h = &s->histories[i];
        if (!h->count) return NAN;
        sum += value(&h->epochs[h->count - 1]);
    }
    return s->models ? sum / (double)s->models : NAN;
}

static const char *state(const sg_run_summary *s) {
    size_t all = s->folds ? s->folds : 1;
    if (s->finished == all) return "finished";
    return epochs_done(s) ? "unfinished" : "begun";
}

static json_t *run_json(const sg_run_summary *s) {
    return json_pack("{s:o, s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:o}", "run", sg_json_text(s->dir),
            "state", state(s), "model", sg_run_option(s, "model"), "epochs_asked",
            sg_run_option(s, "epochs"), "epochs_done", (json_int_t)epochs_done(s), "folds",
            (json_int_t)s->folds, "finished", (json_int_t)s->finished, "train_loss",
            sg_json_number(last_mean(s, train_loss)), "val_accuracy",
            sg_json_number(last_mean(s, val_accuracy)));
}

/* ---- list ---- */

typedef struct list_args {
    long long depth;
} list_args;

static const sg_option list_rows[] = {
        {"depth", 0, SG_OPTION_INT, offsetof(list_args, depth), "4", "N",
                "folders to look down into", 0, 100},
        {0},
};

static int by_bytes(const void *a, const void *b) {
    return strcmp(((const sg_run_summary *)a)->dir, ((const sg_run_summary *)b)->dir);
}

/* Adds the run in dir, or those below it. What cannot be read is told and left out. */
static sg_status find_runs(runs *r, const char *dir, int depth, const sg_log *log, sg_error *err) {
    if (sg_is_run(dir)) {
        sg_error why = SG_ERROR_INIT;
        if (add_run(r, dir, &why)) sg_log_line(log, SG_LOG_WARN, "left out: %s", why.message);
        return SG_OK;
    }
    char **names = NULL;
    size_t count = 0;
    sg_status st = depth ? sg_dir_list(&names, &count, dir, err) : SG_OK;
    for (size_t i = 0; i < count && !st; i++) {
        char *sub = sg_path_join(dir, names[i]);
        if (!sub) st = no_memory(err);
        if (!st && names[i][0] != '.' && sg_path_is_dir(sub))
            st = find_runs(r, sub, depth - 1, log, err);
        free(sub);
    }
    sg_names_free(names);
    return st;
}

static void print_number(double value, int digits) {
    if (isnan(value))
        printf("  %8s", "-");
    else
        printf("  %8.*f", digits, value);
}

static void print_list(const runs *r) {
    printf("%-12s %-14s %9s %9s  %8s  %8s  %s\n", "state", "model", "epochs", "models", "loss",
            "val acc", "run");
    for (size_t i = 0; i < r->count; i++) {
        const sg_run_summary *s = &r->items[i];
        size_t all = s->folds ? s->folds : 1;
        char epochs[48], models[48];
        (void)snprintf(epochs, sizeof epochs, "%zu/%s", s->models ? epochs_done(s) / s->models : 0,
                sg_run_option(s, "epochs"));
        (void)snprintf(models, sizeof models, "%zu/%zu", s->finished, all);
        printf("%-12s %-14.40s %9s %9s", state(s), sg_run_option(s, "model"), epochs, models);
        print_number(last_mean(s, train_loss), 4);
        print_number(last_mean(s, val_accuracy), 3);
        printf("  ");
        sg_cli_print_safe(stdout, s->dir);
        printf("\n");
    }
    if (!r->count) printf("no run folder found\n");
}

static int run_list(const sg_call *call) {
    sg_error err = SG_ERROR_INIT;
    runs r = {0};
    int depth = (int)((const list_args *)call->options)->depth;
    sg_status st = call->operand_count ? SG_OK : find_runs(&r, ".", depth, call->log, &err);
    for (int i = 0; i < call->operand_count && !st; i++) {
        if (!sg_path_is_dir(call->operands[i]))
            st = sg_fail(&err, SG_ERR_MISSING, "there is no folder %s", call->operands[i]);
        else
            st = find_runs(&r, call->operands[i], depth, call->log, &err);
    }
    if (!st && r.count) qsort(r.items, r.count, sizeof *r.items, by_bytes);
    if (!st && call->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < r.count; i++) json_array_append_new(list, run_json(&r.items[i]));
        sg_cli_print_json(json_pack("{s:o}", "runs", list));
    } else if (!st) {
        print_list(&r);
    }
    runs_dispose(&r);
    return st ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_runs_list = {
        .name = "runs list",
        .operands = "[DIR...]",
        .summary = "list the run folders below a folder: how far each is, and where it stands",
        .details =
                "Looks a few folders deep, so that the arms of leakage and compare are found too. "
                "Epochs are the mean over the folds; loss and validation accuracy those of the "
                "last epoch. Validation figures only: test figures are for evaluate and compare.",
        .examples = "sonograde runs list\nsonograde runs list cmp --json",
        .options = list_rows,
        .struct_size = sizeof(list_args),
        .min_operands = 0,
        .max_operands = -1,
        .run = run_list,
};

/* ---- diff ---- */

typedef struct diff_args {
    const char *out;
} diff_args;

static const sg_option diff_rows[] = {
        {"out", 'o', SG_OPTION_PATH, offsetof(diff_args, out), NULL, "FILE",
                "page with the curves laid over one another", 0, 0},
        {0},
};

/* Options of train that are not the same in all runs; where the folder lies does not count. */
typedef struct differences {
    const char **names;  /* [count] */
    const char **values; /* [count * runs] */
    size_t count;
} differences;

static bool is_same(const runs *r, const char *name) {
    for (size_t i = 1; i < r->count; i++)
        if (strcmp(sg_run_option(&r->items[i], name), sg_run_option(&r->items[0], name)) != 0)
            return false;
    return true;
}

static sg_status find_differences(differences *d, const runs *r, sg_error *err) {
    static const char *const places[] = {"run", "resume", "overwrite", "force-resume"};
    const sg_option *rows = sg_verb_train.options;
    size_t most = 0;
    while (rows[most].name) most++;
    d->names = calloc(most + 1, sizeof *d->names);
    d->values = calloc(most * r->count + 1, sizeof *d->values);
    if (!d->names || !d->values) return no_memory(err);
    for (size_t k = 0; k < most; k++) {
        bool place = rows[k].type == SG_OPTION_GROUP;
        for (size_t i = 0; i < sizeof places / sizeof *places; i++)
            place = place || strcmp(places[i], rows[k].name) == 0;
        if (place || is_same(r, rows[k].name)) continue;
        for (size_t i = 0; i < r->count; i++)
            d->values[d->count * r->count + i] = sg_run_option(&r->items[i], rows[k].name);
        d->names[d->count++] = rows[k].name;
    }
    return SG_OK;
}

/* Three columns of every history in one block. */
static void fill_curves(sg_compare_curve *curves, double *block, const sg_run_summary *s) {
    for (size_t f = 0; f < s->models; f++) {
        const sg_history *h = &s->histories[f];
        double *loss = block, *val_loss = loss + h->count, *accuracy = val_loss + h->count;
        bool has_val = h->count && h->epochs[0].has_val;
        for (size_t e = 0; e < h->count; e++) {
            loss[e] = h->epochs[e].train_loss;
            val_loss[e] = h->epochs[e].val.loss;
            accuracy[e] = h->epochs[e].val.accuracy;
        }
        curves[f] = (sg_compare_curve){
                h->count, loss, has_val ? val_loss : NULL, has_val ? accuracy : NULL};
        block += 3 * h->count;
    }
}

static sg_status write_page(const runs *r, const differences *d, const char *path, sg_error *err) {
    size_t models = 0, epochs = 0;
    for (size_t i = 0; i < r->count; i++) {
        models += r->items[i].models;
        epochs += epochs_done(&r->items[i]);
    }
    sg_compare_curve *curves = calloc(models + 1, sizeof *curves);
    double *block = malloc((3 * epochs + 1) * sizeof *block);
    const char **names = calloc(r->count, sizeof *names);
    const sg_compare_curve **first = calloc(r->count, sizeof *first);
    size_t *counts = calloc(r->count, sizeof *counts);
    sg_status st = curves && block && names && first && counts ? SG_OK : no_memory(err);
    for (size_t i = 0, model = 0, used = 0; i < r->count && !st; i++) {
        const sg_run_summary *s = &r->items[i];
        fill_curves(curves + model, block + used, s);
        names[i] = s->dir;
        first[i] = curves + model;
        counts[i] = s->models;
        model += s->models;
        used += 3 * epochs_done(s);
    }
    const sg_runs_page page = {names, first, counts, r->count, d->names, d->values, d->count};
    if (!st) st = sg_runs_page_write(&page, path, err);
    free(curves);
    free(block);
    free(names);
    free((void *)first);
    free(counts);
    return st;
}

static void print_differences(const runs *r, const differences *d) {
    for (size_t k = 0; k < d->count; k++) {
        printf("%s:", d->names[k]);
        for (size_t i = 0; i < r->count; i++) {
            const char *value = d->values[k * r->count + i];
            printf("%s ", i ? " |" : "");
            sg_cli_print_safe(stdout, *value ? value : "-");
        }
        printf("\n");
    }
    if (!d->count) printf("the same options\n");
    print_list(r);
}

static json_t *differences_json(const runs *r, const differences *d) {
    json_t *options = json_object(), *list = json_array();
    for (size_t k = 0; k < d->count; k++) {
        json_t *values = json_array();
        for (size_t i = 0; i < r->count; i++)
            json_array_append_new(values, sg_json_text(d->values[k * r->count + i]));
        json_object_set_new(options, d->names[k], values);
    }
    for (size_t i = 0; i < r->count; i++) json_array_append_new(list, run_json(&r->items[i]));
    return json_pack("{s:o, s:o}", "runs", list, "options", options);
}

static int run_diff(const sg_call *call) {
    const diff_args *a = call->options;
    sg_error err = SG_ERROR_INIT;
    runs r = {0};
    differences d = {0};
    sg_status st = a->out ? sg_cli_check_output(a->out, &err) : SG_OK;
    for (int i = 0; i < call->operand_count && !st; i++) st = add_run(&r, call->operands[i], &err);
    if (!st) st = find_differences(&d, &r, &err);
    if (!st && a->out) st = write_page(&r, &d, a->out, &err);
    if (!st && call->json)
        sg_cli_print_json(differences_json(&r, &d));
    else if (!st)
        print_differences(&r, &d);
    free(d.names);
    free(d.values);
    runs_dispose(&r);
    return st ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_runs_diff = {
        .name = "runs diff",
        .operands = "RUN RUN...",
        .summary = "tell in which options runs differ, and lay their curves over one another",
        .details = "Options come from each run's args.yaml, curves from its results.csv, one line "
                   "per fold.",
        .examples = "sonograde runs diff r1 r2 -o diff.html",
        .options = diff_rows,
        .struct_size = sizeof(diff_args),
        .min_operands = 2,
        .max_operands = -1,
        .run = run_diff,
};
