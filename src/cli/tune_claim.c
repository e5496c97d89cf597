/* tune_claim.c - see tune_claim.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/tune_claim.h"
#include "base/csv.h"
#include "cli/looks.h"
#include "protocol/metrics.h"
#include "stats/repeated.h"
#include "tune/study.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory comparing searches");
}

char *sg_claim_dir(const sg_claim *c, const sg_cell *cell) {
    return sg_strdupf("%s/arms/seed%lld/fold%d", c->args->out, cell->seed, cell->fold);
}

static char *cell_path(const sg_claim *c, const sg_cell *cell) {
    return sg_strdupf(
            "%s/arms/seed%lld/fold%d/%s.json", c->args->out, cell->seed, cell->fold, cell->method);
}

/* ---- judging ---- */

static double seconds_between(const char *start, const char *finish) {
    struct tm a = {0}, b = {0};
    if (!strptime(start, "%Y-%m-%d %H:%M:%S", &a) || !strptime(finish, "%Y-%m-%d %H:%M:%S", &b))
        return 0;
    return difftime(timegm(&b), timegm(&a));
}

/* The best so far, each time that it rose, with the epochs trained until then. The score of a trial
 * that was stopped is over fewer inner folds, and no best. */
static json_t *list_curve(
        long long *epochs, double *seconds, const sg_study_trial *trials, size_t count) {
    json_t *curve = json_array();
    double best = INFINITY;
    *epochs = 0;
    *seconds = 0;
    for (size_t i = 0; i < count; i++) {
        const sg_study_trial *t = &trials[i];
        *epochs += (long long)t->step_count;
        *seconds += seconds_between(t->start, t->finish);
        if (t->trial.state != SG_TRIAL_COMPLETE || !(t->trial.value < best)) continue;
        best = t->trial.value;
        json_array_append_new(curve, json_pack("[I, f]", (json_int_t)*epochs, t->shown));
    }
    return curve;
}

static sg_status judge_search(json_t *out, const char *db, sg_error *err) {
    const sg_study_options options = {"sonograde", NULL, false, SG_STUDY_SCHEMA_3_2, true};
    sg_study *study = NULL;
    sg_study_trial *trials = NULL;
    size_t count = 0;
    long long epochs;
    double seconds;
    sg_status st = sg_study_open(&study, db, NULL, &options, err);
    if (!st) st = sg_study_load(study, &trials, &count, err);
    if (!st) {
        json_t *curve = list_curve(&epochs, &seconds, trials, count);
        json_object_set_new(out, "curve", curve);
        json_object_set_new(out, "search_epochs", json_integer(epochs));
        json_object_set_new(out, "search_seconds", json_real(seconds));
    }
    sg_study_trials_free(trials, count);
    sg_study_close(study);
    return st;
}

static sg_status judge_run(json_t *out, const sg_claim *c, const char *run, sg_error *err) {
    sg_predict_options options = {
            .predictor = SG_PREDICTOR_OPTIONS_INIT, .log = c->call->log, .stop = &sg_cli_stop};
    options.predictor.threads = (int)c->args->threads;
    sg_predictions p = {0};
    sg_metrics m = {0};
    char *ledger = sg_cli_ledger(c->call->log);
    char *path = sg_path_join(run, "predictions.csv");
    sg_status st =
            path ? sg_predictions_of_run(&p, run, SG_PART_TEST, &options, err) : no_memory(err);
    if (!st) st = sg_predictions_write(&p, path, err);
    if (!st) st = sg_cli_enter_look(ledger, &p, false, err);
    if (!st) st = sg_metrics_measure(&m, &p, 100, err);
    if (!st) {
        json_object_set_new(out, "accuracy", json_real(m.c.accuracy));
        json_object_set_new(out, "macro_f1", sg_json_number(m.c.f1_macro));
        json_object_set_new(out, "auroc", sg_json_number(m.auroc_macro));
        json_object_set_new(out, "images", json_integer((json_int_t)m.n));
        json_object_set_new(out, "train_images", json_real(sg_predictions_mean_training(&p)));
    }
    sg_metrics_dispose(&m);
    sg_predictions_dispose(&p);
    free(ledger);
    free(path);
    return st;
}

sg_status sg_claim_judge(
        const sg_claim *c, const sg_cell *cell, const char *db, const char *run, sg_error *err) {
    json_t *out = json_object();
    char *path = cell_path(c, cell);
    sg_status st = out && path ? judge_search(out, db, err) : no_memory(err);
    if (!st) st = judge_run(out, c, run, err);
    char *text = st ? NULL : json_dumps(out, JSON_INDENT(1));
    if (!st && !text) st = no_memory(err);
    if (!st) st = sg_file_write(path, text, strlen(text), err);
    free(text);
    free(path);
    json_decref(out);
    return st;
}

static double number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

sg_status sg_claim_recall(const sg_claim *c, sg_cell *cell, sg_error *err) {
    char *path = cell_path(c, cell);
    json_t *in = NULL, *step;
    size_t k;
    cell->done = false;
    if (!path) return no_memory(err);
    sg_status st = sg_path_exists(path) ? sg_json_read(&in, path, err) : SG_OK;
    free(path);
    if (st || !in) return st;
    const json_t *curve = json_object_get(in, "curve");
    free(cell->curve);
    cell->steps = 0;
    cell->curve = calloc(json_array_size(curve) + 1, sizeof *cell->curve);
    if (!cell->curve) st = no_memory(err);
    json_array_foreach((json_t *)curve, k, step) {
        if (st) break;
        cell->curve[cell->steps++] =
                (sg_claim_step){(long long)json_integer_value(json_array_get(step, 0)),
                        json_number_value(json_array_get(step, 1))};
    }
    cell->accuracy = number(in, "accuracy");
    cell->macro_f1 = number(in, "macro_f1");
    cell->auroc = number(in, "auroc");
    cell->images = (long long)number(in, "images");
    cell->train_images = (long long)number(in, "train_images");
    cell->epochs = (long long)number(in, "search_epochs");
    cell->seconds = number(in, "search_seconds");
    cell->done = !st;
    json_decref(in);
    return st;
}

/* ---- what they say together ---- */

/* Cells of method m, one per seed and fold. */
static const sg_cell *cell_at(const sg_claim *c, size_t row, size_t m) {
    return &c->cells[row * c->method_count + m];
}

static size_t row_count(const sg_claim *c) {
    return c->cell_count / c->method_count;
}

/* Epochs after which the cell's search had a figure as good as `figure`; -1: it never had. */
static long long epochs_to(const sg_cell *cell, double figure) {
    for (size_t k = 0; k < cell->steps; k++)
        if (cell->curve[k].best >= figure) return cell->curve[k].epochs;
    return -1;
}

typedef struct summary {
    size_t cells; /* done, and so is the baseline's */
    double accuracy, macro_f1, auroc, epochs, seconds;
    sg_resampled_t by_accuracy, by_f1, by_auroc; /* against the baseline; NaN for it */
    size_t reached;                              /* cells that came to the baseline's best figure */
    double reach_epochs, base_epochs;            /* means over those cells */
    sg_resampled_t by_epochs;                    /* of the difference in epochs there */
} summary;

static sg_resampled_t compare(const double *difference, size_t n, double train, double test) {
    sg_resampled_t t = {.mean = NAN, .p = NAN, .interval = {NAN, NAN}};
    for (size_t i = 0; i < n; i++) t.mean = (i ? t.mean : 0) + difference[i] / (double)n;
    if (n >= 2 && sg_resampled_t_test(&t, difference, n, train, test, 0.95, NULL)) t.p = NAN;
    return t;
}

static summary summarise(const sg_claim *c, size_t m, double *work) {
    size_t rows = row_count(c);
    double *d[4] = {work, work + rows, work + 2 * rows, work + 3 * rows};
    double train = 0, test = 0;
    summary s = {0};
    for (size_t r = 0; r < rows; r++) {
        const sg_cell *base = cell_at(c, r, 0), *cell = cell_at(c, r, m);
        if (!base->done || !cell->done) continue;
        d[0][s.cells] = cell->accuracy - base->accuracy;
        d[1][s.cells] = cell->macro_f1 - base->macro_f1;
        d[2][s.cells++] = cell->auroc - base->auroc;
        s.accuracy += cell->accuracy;
        s.macro_f1 += cell->macro_f1;
        s.auroc += cell->auroc;
        s.epochs += (double)cell->epochs;
        s.seconds += cell->seconds;
        train += (double)cell->train_images;
        test += (double)cell->images;
        double goal = base->steps ? base->curve[base->steps - 1].best : INFINITY;
        long long own = epochs_to(cell, goal), theirs = epochs_to(base, goal);
        if (own < 0) continue;
        s.reach_epochs += (double)own;
        s.base_epochs += (double)theirs;
        d[3][s.reached++] = (double)(own - theirs);
    }
    double n = (double)s.cells, reached = (double)s.reached;
    s.accuracy /= n, s.macro_f1 /= n, s.auroc /= n, s.epochs /= n, s.seconds /= n;
    s.reach_epochs /= reached, s.base_epochs /= reached;
    s.by_accuracy = compare(d[0], s.cells, train, test);
    s.by_f1 = compare(d[1], s.cells, train, test);
    s.by_auroc = compare(d[2], s.cells, train, test);
    s.by_epochs = compare(d[3], s.reached, train, test);
    return s;
}

static json_t *difference_json(const sg_resampled_t *t) {
    return json_pack("{s:o, s:o, s:o, s:o}", "mean", sg_json_number(t->mean), "low",
            sg_json_number(t->interval.low), "high", sg_json_number(t->interval.high), "p",
            sg_json_number(t->p));
}

static json_t *method_json(const char *name, const summary *s, bool base) {
    json_t *o = json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o}", "method", name, "cells",
            (json_int_t)s->cells, "accuracy", sg_json_number(s->accuracy), "macro_f1",
            sg_json_number(s->macro_f1), "auroc", sg_json_number(s->auroc), "search_epochs",
            sg_json_number(s->epochs), "search_seconds", sg_json_number(s->seconds));
    json_object_set_new(o, "reached", json_integer((json_int_t)s->reached));
    json_object_set_new(o, "epochs_to_best_of_first", sg_json_number(s->reach_epochs));
    json_object_set_new(o, "epochs_of_first", sg_json_number(s->base_epochs));
    if (base) return o;
    json_object_set_new(o, "accuracy_difference", difference_json(&s->by_accuracy));
    json_object_set_new(o, "macro_f1_difference", difference_json(&s->by_f1));
    json_object_set_new(o, "auroc_difference", difference_json(&s->by_auroc));
    json_object_set_new(o, "epochs_difference", difference_json(&s->by_epochs));
    return o;
}

static json_t *claim_json(const sg_claim *c, double *work) {
    json_t *methods = json_array();
    for (size_t m = 0; m < c->method_count; m++) {
        summary s = summarise(c, m, work);
        json_array_append_new(methods, method_json(c->methods[m], &s, m == 0));
    }
    return json_pack("{s:i, s:s, s:s, s:I, s:o}", "schema", 1, "build", sg_build_id(), "first",
            c->methods[0], "rows", (json_int_t)row_count(c), "methods", methods);
}

static double *make_work(const sg_claim *c) {
    return calloc(4 * row_count(c) + 1, sizeof(double));
}

static void put_cells(sg_str *text, const sg_claim *c) {
    sg_str_append(text, "seed,fold,method,accuracy,macro_f1,auroc,images,search_epochs,"
                        "best_validation,search_seconds\n");
    for (size_t i = 0; i < c->cell_count; i++) {
        const sg_cell *x = &c->cells[i];
        if (!x->done) continue;
        sg_str_appendf(text, "%lld,%d,%s,%.6f,%.6f,%.6f,%lld,%lld,%.6f,%.0f\n", x->seed, x->fold,
                x->method, x->accuracy, x->macro_f1, x->auroc, x->images, x->epochs,
                x->steps ? x->curve[x->steps - 1].best : NAN, x->seconds);
    }
}

sg_status sg_claim_write(const sg_claim *c, sg_error *err) {
    sg_str text;
    double *work = make_work(c);
    if (!work) return no_memory(err);
    sg_str_init(&text, 0);
    put_cells(&text, c);
    sg_status st = sg_campaign_write_text(&c->campaign, "cells.csv", &text, err);
    json_t *json = claim_json(c, work);
    char *line = json_dumps(json, JSON_INDENT(1));
    sg_str_init(&text, 0);
    sg_str_append(&text, line ? line : "");
    if (!st)
        st = line ? sg_campaign_write_text(&c->campaign, "claim.json", &text, err) : no_memory(err);
    free(line);
    json_decref(json);
    free(work);
    return st;
}

static void tell_difference(const char *name, const sg_resampled_t *t, double factor) {
    printf("  %s %+.2f", name, factor * t->mean);
    if (!isnan(t->interval.low))
        printf(" (%+.2f to %+.2f)", factor * t->interval.low, factor * t->interval.high);
}

void sg_claim_tell(const sg_claim *c) {
    double *work = make_work(c);
    if (!work) return;
    if (c->call->json) {
        sg_cli_print_json(claim_json(c, work));
        free(work);
        return;
    }
    for (size_t m = 0; m < c->method_count; m++) {
        summary s = summarise(c, m, work);
        printf("%-7s accuracy %.2f %%, macro F1 %.3f, AUROC %.3f over %zu cells; %.0f epochs and "
               "%.0f s a search\n",
                c->methods[m], 100 * s.accuracy, s.macro_f1, s.auroc, s.cells, s.epochs, s.seconds);
        if (m == 0) continue;
        printf("       ");
        tell_difference("points of accuracy against the first:", &s.by_accuracy, 100);
        tell_difference("of AUROC:", &s.by_auroc, 100);
        printf("\n         reached the first one's best in %zu of %zu", s.reached, s.cells);
        if (s.reached) {
            printf(", after %.0f epochs where the first took %.0f;", s.reach_epochs, s.base_epochs);
            tell_difference("epochs", &s.by_epochs, 1);
        }
        printf("\n");
    }
    free(work);
}
