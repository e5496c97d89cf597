/* comparison.c - see comparison.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/comparison.h"
#include "cli/looks.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory comparing trainings");
}

/* ---- folder and data ---- */

static sg_status open_data(sg_comparison *c, sg_error *err) {
    char *table = sg_campaign_path(&c->campaign, "manifest.csv");
    if (!table) return no_memory(err);
    sg_status st;
    if (sg_path_exists(table)) {
        sg_manifest_options options = SG_MANIFEST_OPTIONS_INIT;
        options.log = c->call->log;
        st = sg_manifest_read(&c->manifest, table, NULL, &options, err);
    } else {
        st = sg_cli_open_dataset(&c->manifest, &c->dataset, c->call->log, err);
        if (!st) st = sg_manifest_write(&c->manifest, table, err);
    }
    free(table);
    return st;
}

static sg_status split_data(sg_comparison *c, sg_error *err) {
    sg_split_options options = SG_SPLIT_OPTIONS_INIT;
    long long k;
    options.seed = (uint64_t)c->seed;
    options.log = c->call->log;
    if (!sg_parse_int64(&k, c->folds)) {
        sg_status st = sg_split_read(&c->split, c->folds, &c->manifest, &options, err);
        if (!st && !c->split.folds)
            st = sg_fail(err, SG_ERR_INPUT, "%s: has no column 'fold'", c->folds);
        return st;
    }
    if (k < 2 || k > 100)
        return sg_fail(err, SG_ERR_USAGE, "--folds %s: take 2 to 100 folds", c->folds);
    return sg_split_make_folds(&c->split, &c->manifest, (int)k, &options, err);
}

sg_status sg_comparison_open(sg_comparison *c, sg_error *err) {
    if (!c->out) return sg_fail(err, SG_ERR_USAGE, "say where the results shall go: --out DIR");
    if (!c->dataset.data == !c->dataset.manifest)
        return sg_fail(err, SG_ERR_USAGE, "give either --data DIR or --manifest FILE");
    c->trials = calloc(SG_COMPARISON_TRIALS, sizeof *c->trials);
    char *settings = sg_campaign_settings(c->call, c->free_to_change);
    sg_status st = c->trials && settings ? SG_OK : no_memory(err);
    if (!st)
        st = sg_campaign_open(&c->campaign, c->out, settings, c->free_to_change, c->overwrite, err);
    free(settings);
    if (!st) st = open_data(c, err);
    return st ? st : split_data(c, err);
}

/* The same rows as the folds have, drawn image by image into as many. */
sg_status sg_comparison_split_randomly(sg_comparison *c, sg_error *err) {
    sg_split_options options = SG_SPLIT_OPTIONS_INIT;
    options.seed = (uint64_t)c->seed;
    options.ungrouped = true;
    options.log = c->call->log;
    sg_status st = sg_split_make_folds(&c->random, &c->manifest, c->split.folds, &options, err);
    for (size_t i = 0; !st && i < c->manifest.count; i++)
        if (c->split.bins[i] < 0) c->random.bins[i] = SG_PART_NONE;
    return st;
}

static void trial_dispose(sg_trial *t) {
    sg_arm_settings_dispose(&t->settings);
    sg_predictions_dispose(&t->predictions);
    sg_metrics_dispose(&t->metrics);
    for (size_t i = 0; i < t->history_count; i++) sg_history_dispose(&t->histories[i]);
    free(t->histories);
    for (int f = 0; t->ranges && f < t->split->folds; f++) sg_lr_range_dispose(&t->ranges[f]);
    free(t->ranges);
    free(t->rates);
}

void sg_comparison_close(sg_comparison *c, sg_status status) {
    for (size_t i = 0; i < c->trial_count; i++) trial_dispose(&c->trials[i]);
    free(c->trials);
    free(c->pairs);
    free(c->ledger);
    sg_split_dispose(&c->split);
    sg_split_dispose(&c->random);
    sg_manifest_dispose(&c->manifest);
    sg_campaign_end(&c->campaign, status, c->call->log);
}

/* ---- trials ---- */

static sg_status check_name(const sg_comparison *c, const char *name, sg_error *err) {
    bool good = *name && *name != '.' && strlen(name) < SG_TRIAL_NAME;
    for (const char *p = name; *p; p++)
        good = good && (isalnum((unsigned char)*p) || strchr("-_.+", *p));
    if (!good)
        return sg_fail(err, SG_ERR_USAGE,
                "an arm cannot be called '%.60s': letters, digits, '-', '_', '.' and '+' only",
                name);
    for (size_t i = 0; i < c->trial_count; i++)
        if (strcmp(c->trials[i].name, name) == 0)
            return sg_fail(err, SG_ERR_USAGE,
                    "there are two arms called '%s'; name one of them, as in other=%s", name, name);
    return SG_OK;
}

/* A model that cannot be built should not be found out after hours of training. */
static sg_status check_model(const sg_comparison *c, const sg_train_options *o, sg_error *err) {
    sg_model_options model = o->model_options;
    sg_graph *graph;
    model.classes = (int64_t)c->manifest.class_count;
    model.channels = o->recipe.channels;
    sg_status st = sg_model_build(&graph, o->model, &model, err);
    if (!st) sg_graph_destroy(graph);
    return st;
}

sg_status sg_comparison_add(sg_comparison *c, const sg_trial_plan *plan, sg_error *err) {
    if (c->trial_count == SG_COMPARISON_TRIALS)
        return sg_fail(err, SG_ERR_USAGE, "more than %d arms are too many for one comparison",
                SG_COMPARISON_TRIALS);
    sg_status st = check_name(c, plan->name, err);
    if (st) return st;
    sg_trial *t = &c->trials[c->trial_count];
    st = sg_arm_settings_make(&t->settings, c->call, &plan->source, err);
    if (st) return st;
    c->trial_count++;
    (void)snprintf(t->name, sizeof t->name, "%s", plan->name);
    (void)snprintf(t->meaning, sizeof t->meaning, "%s", plan->meaning ? plan->meaning : "");
    t->base = plan->base;
    t->split = plan->split ? plan->split : &c->split;
    if (plan->changes) st = sg_arm_settings_put(&t->settings, plan->changes, plan->name, err);
    t->settings.args.weights = plan->weights;
    t->settings.args.ungrouped = t->split == &c->random;
    if (!st) st = sg_arm_settings_finish(&t->settings, err);
    if (!st) st = check_model(c, &t->settings.options, err);
    return st ? sg_fail_context(err, st, "arm %s", t->name) : SG_OK;
}

/* In what arms that stand for models differ, beyond the model, its start and its rate. */
static sg_status note_unequal(sg_comparison *c, sg_error *err) {
    static const char *const apart[] = {"model", "blocks", "se-reduction", "dilation", "dropout",
            "mobilenet-first", "auxiliary", "transform-input", "weights", "allow-new", "freeze",
            "new-layer-factor", "fixed-norms", "lr", "ungrouped", NULL};
    const sg_trial *first = &c->trials[0];
    sg_str keys;
    sg_str_init(&keys, 0);
    sg_status st = SG_OK;
    for (size_t i = 1; i < c->trial_count && !st; i++)
        if (c->trials[i].base < 0)
            st = sg_arm_settings_differ(
                    &keys, &first->settings, &c->trials[i].settings, apart, err);
    (void)snprintf(c->unequal, sizeof c->unequal, "%s", keys.len > 2 ? sg_str_text(&keys) + 2 : "");
    sg_str_dispose(&keys);
    return st;
}

static sg_status train(sg_comparison *c, sg_error *err) {
    sg_arm arms[SG_COMPARISON_TRIALS];
    for (size_t i = 0; i < c->trial_count; i++) {
        const sg_trial *t = &c->trials[i];
        arms[i] = (sg_arm){t->name, t->settings.yaml, &t->settings.options, &c->manifest, t->split,
                sg_arm_val_share(&t->settings), t->settings.args.train_share, t->rates};
    }
    const sg_campaign_job job = {.arms = arms,
            .count = c->trial_count,
            .force_resume = c->force_resume,
            .log = c->call->log,
            .stop = &sg_cli_stop,
            .ledger = c->ledger};
    return sg_campaign_train(&c->campaign, &job, err);
}

/* ---- figures ---- */

static sg_status read_histories(sg_trial *t, const char *dir, sg_error *err) {
    size_t n = (size_t)t->split->folds;
    sg_status st = SG_OK;
    t->histories = calloc(n, sizeof *t->histories);
    if (!t->histories) return no_memory(err);
    for (; t->history_count < n && !st; t->history_count++) {
        char *path = sg_strdupf("%s/fold%zu/results.csv", dir, t->history_count);
        st = path ? sg_history_read(&t->histories[t->history_count], path, 1 << 30, err)
                  : no_memory(err);
        free(path);
        if (st) break;
    }
    return st;
}

size_t sg_trial_epochs(const sg_trial *t) {
    size_t most = 0;
    for (size_t f = 0; f < t->history_count; f++)
        if (t->histories[f].count > most) most = t->histories[f].count;
    return most;
}

/* The smallest share over the folds' models. */
static double least_share(const sg_predictions *p) {
    double least = NAN;
    size_t i;
    json_t *model;
    json_array_foreach(p->models, i, model) {
        double share = json_number_value(
                json_object_get(json_object_get(model, "training"), "initialisation"));
        if (isnan(least) || share < least) least = share;
    }
    return least;
}

static sg_status write_predictions(const sg_trial *t, const char *dir, sg_error *err) {
    char *path = sg_path_join(dir, "predictions.csv");
    sg_status st = path ? sg_predictions_write(&t->predictions, path, err) : no_memory(err);
    free(path);
    return st;
}

static sg_status measure_cost(const sg_comparison *c, sg_trial *t, const char *dir, sg_error *err) {
    char *path = sg_path_join(dir, "cost.json");
    sg_status st = path ? sg_cost_recall(&t->cost, path, &t->settings.options,
                                  (int64_t)c->manifest.class_count, err)
                        : no_memory(err);
    free(path);
    return st;
}

static sg_status measure_trial(sg_comparison *c, sg_trial *t, sg_error *err) {
    sg_predict_options options = {.predictor = SG_PREDICTOR_OPTIONS_INIT,
            .allow_seen = t->settings.args.ungrouped,
            .log = c->call->log,
            .stop = &sg_cli_stop};
    options.predictor.threads = (int)c->dataset.threads;
    options.predictor.flip_average = c->tta;
    char *dir = sg_campaign_arm_dir(&c->campaign, t->name);
    if (!dir) return no_memory(err);
    sg_status st = sg_predictions_of_run(&t->predictions, dir, SG_PART_TEST, &options, err);
    if (!st) st = write_predictions(t, dir, err);
    if (!st) st = sg_cli_enter_look(c->ledger, &t->predictions, c->tta, err);
    if (!st) st = sg_metrics_measure(&t->metrics, &t->predictions, (size_t)c->draws, err);
    if (!st) st = read_histories(t, dir, err);
    if (!st) st = measure_cost(c, t, dir, err);
    if (!st) t->init_share = least_share(&t->predictions);
    free(dir);
    return st ? sg_fail_context(err, st, "judging %s", t->name) : SG_OK;
}

bool sg_same_start(double a, double b) {
    if (a == 0 || b == 0) return a == b;
    return fabs(a - b) <= 0.05;
}

/* The folds as repeated runs. */
static sg_status measure_folds(
        sg_resampled_t *out, const sg_trial *base, const sg_trial *other, sg_error *err) {
    size_t n = base->metrics.fold_count;
    *out = (sg_resampled_t){.p = NAN, .interval = {NAN, NAN}};
    if (n < 2 || n != other->metrics.fold_count || base->split != other->split) return SG_OK;
    double *difference = malloc(n * sizeof *difference);
    if (!difference) return no_memory(err);
    for (size_t f = 0; f < n; f++)
        difference[f] = other->metrics.folds[f].accuracy - base->metrics.folds[f].accuracy;
    sg_status st = sg_resampled_t_test(out, difference, n,
            sg_predictions_mean_training(&base->predictions), (double)base->metrics.n / (double)n,
            0.95, err);
    free(difference);
    return st;
}

/* Holm's adjustment over all pairs. */
static sg_status adjust_pairs(sg_comparison *c, sg_error *err) {
    size_t n = c->pair_count;
    double *p = malloc((n + 1) * sizeof *p);
    if (!p) return no_memory(err);
    for (size_t i = 0; i < n; i++) p[i] = c->pairs[i].difference.p;
    sg_status st = n ? sg_holm_adjust(p, p, n, err) : SG_OK;
    for (size_t i = 0; i < n && !st; i++) c->pairs[i].p_adjusted = p[i];
    free(p);
    return st;
}

static sg_status measure_pair(sg_comparison *c, size_t base, size_t other, sg_error *err) {
    sg_trial_pair *p = &c->pairs[c->pair_count];
    *p = (sg_trial_pair){.base = base, .other = other};
    sg_status st = sg_difference_measure(&p->difference, &c->trials[base].predictions,
            &c->trials[other].predictions, (size_t)c->draws, err);
    if (!st) st = measure_folds(&p->folds, &c->trials[base], &c->trials[other], err);
    if (!st) c->pair_count++;
    return st;
}

/* Each trial with its base, or with every earlier one that started alike. */
static sg_status measure_pairs(sg_comparison *c, sg_error *err) {
    size_t n = c->trial_count;
    sg_status st = SG_OK;
    c->pairs = calloc(n * n + 1, sizeof *c->pairs);
    if (!c->pairs) return no_memory(err);
    for (size_t i = 0; i < n && !st; i++) {
        const sg_trial *t = &c->trials[i];
        if (t->base >= 0) {
            st = measure_pair(c, (size_t)t->base, i, err);
            c->unlike += !sg_same_start(t->init_share, c->trials[t->base].init_share);
        }
        for (size_t k = 0; k < i && t->base < 0 && !st; k++) {
            bool alike = sg_same_start(t->init_share, c->trials[k].init_share);
            bool same_split = t->split == c->trials[k].split;
            if (alike && same_split && c->trials[k].base < 0)
                st = measure_pair(c, k, i, err);
            else if (same_split && c->trials[k].base < 0)
                c->unpaired++;
        }
    }
    return st;
}

sg_status sg_comparison_run(sg_comparison *c, sg_error *err) {
    c->ledger = sg_cli_ledger(c->call->log);
    sg_status st = note_unequal(c, err);
    if (!st && *c->unequal)
        sg_log_line(c->call->log, SG_LOG_WARN, "the arms differ in %s too", c->unequal);
    if (!st) st = train(c, err);
    for (size_t i = 0; i < c->trial_count && !st; i++) st = measure_trial(c, &c->trials[i], err);
    if (!st) st = measure_pairs(c, err);
    return st ? st : adjust_pairs(c, err);
}
