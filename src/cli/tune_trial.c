/* tune_trial.c - one point of a search, trained on the inner folds. SPDX-License-Identifier:
 * Apache-2.0 */
#include "cli/tune_study.h"
#include "cli/verbs.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory in a trial");
}

void sg_tune_put_point(sg_str *out, const sg_space *space, const double *point) {
    const char *comma = "";
    for (size_t i = 0; i < space->count; i++) {
        if (isnan(point[i])) continue;
        sg_str_appendf(out, "%s%s ", comma, space->params[i].name);
        if (space->params[i].choice_count)
            sg_dimension_value_put(out, &space->params[i], point[i]);
        else
            sg_str_appendf(out, "%.3g", point[i]);
        comma = ", ";
    }
}

sg_trial *sg_tune_plain_trials(const sg_study_trial *trials, size_t count) {
    sg_trial *plain = malloc((count + 1) * sizeof *plain);
    for (size_t i = 0; plain && i < count; i++) plain[i] = trials[i].trial;
    return plain;
}

/* The settings of train for a point: fixed values, then the point's. */
static sg_status settings_of(
        sg_arm_settings *out, sg_tune *t, const double *point, long long seed, sg_error *err) {
    const sg_arm_source source = {.config = t->args->config, .set = t->args->set};
    const sg_space *space = &t->space;
    sg_str yaml, value;
    sg_str_init(&yaml, 0);
    sg_str_init(&value, 0);
    for (size_t i = 0; i < space->fixed_count; i++)
        sg_yaml_put(&yaml, space->fixed[i].name, space->fixed[i].value);
    for (size_t i = 0; i < space->count; i++) {
        if (isnan(point[i])) continue;
        sg_str_clear(&value);
        sg_dimension_value_put(&value, &space->params[i], point[i]);
        sg_yaml_put(&yaml, space->params[i].name, sg_str_text(&value));
    }
    sg_str_clear(&value);
    sg_str_appendf(&value, "%lld", seed);
    sg_yaml_put(&yaml, "seed", sg_str_text(&value));
    sg_status st = sg_str_check(&yaml, err);
    if (!st) st = sg_str_check(&value, err);
    if (!st) st = sg_arm_settings_make(out, t->call, &source, err);
    if (!st) {
        st = sg_arm_settings_put(out, sg_str_text(&yaml), "the trial", err);
        if (!st) st = sg_arm_settings_finish(out, err);
        if (st) sg_arm_settings_dispose(out);
    }
    sg_str_dispose(&yaml);
    sg_str_dispose(&value);
    return st;
}

/* ---- hearing from a trial ---- */

typedef struct hearing {
    sg_tune *t;
    const sg_ticket *ticket; /* NULL: a repeat, which is not stopped */
    int *steps;
    double *values;
    size_t count;
    sg_status failed; /* the study could not be written */
    sg_error err;
} hearing;

/* Others' values at the same steps decide. */
static sg_status ask_rule(bool *stop, hearing *h, sg_error *err) {
    sg_study_trial *trials;
    size_t count, n = 0;
    const sg_tune_args *a = h->t->args;
    *stop = false;
    if (a->stop_rule == SG_STOP_NONE) return SG_OK;
    sg_status st = sg_study_load(h->t->study, &trials, &count, err);
    if (st) return st;
    sg_step_values *others = malloc((count + 1) * sizeof *others);
    for (size_t i = 0; others && i < count; i++)
        if (trials[i].id != h->ticket->id)
            others[n++] =
                    (sg_step_values){trials[i].steps, trials[i].step_values, trials[i].step_count};
    const sg_stop_options options = {
            (sg_stop_rule)a->stop_rule, sg_study_maximise(h->t->study), (int)a->stop_first, 4};
    const sg_step_values mine = {h->steps, h->values, h->count};
    if (others) *stop = sg_stop_now(&options, &mine, others, n);
    free(others);
    sg_study_trials_free(trials, count);
    return SG_OK;
}

static bool heard(void *user, int step, double value) {
    hearing *h = user;
    bool stop = false;
    if (!h->ticket) return true;
    h->steps[h->count] = step;
    h->values[h->count++] = value;
    h->failed = sg_study_report(h->t->study, h->ticket, step, value, &h->err);
    if (!h->failed) h->failed = ask_rule(&stop, h, &h->err);
    double total = (double)(h->t->args->epochs * h->t->args->inner);
    char what[64];
    snprintf(what, sizeof what, "trial %zu, epoch", h->ticket->number);
    sg_log_progress(h->t->call->log, what, step, total);
    return !stop && !h->failed;
}

/* ---- training it ---- */

static sg_status run_inner(sg_inner_result *result, sg_tune *t, const sg_arm_settings *settings,
        const char *dir, hearing *h, sg_error *err) {
    /* A trial's own lines would drown the search's; warnings still come through. */
    sg_log quiet = *t->call->log;
    quiet.least = SG_LOG_WARN;
    quiet.progress = NULL;
    const sg_inner_job job = {&settings->options, &t->manifest, &t->inner, t->figure, dir, &quiet,
            &sg_cli_stop, heard, h};
    char *path = sg_path_join(dir, "args.yaml");
    sg_status st = path ? sg_file_write(path, settings->yaml, strlen(settings->yaml), err)
                        : no_memory(err);
    free(path);
    if (!st) st = sg_inner_run(result, &job, err);
    return st;
}

/* Weights of a finished trial are of no more use; its curves and settings stay. */
static void drop_weights(const sg_tune *t, const char *dir) {
    for (int k = 0; k < t->inner.folds && !t->args->keep_weights; k++) {
        char *path = sg_strdupf("%s/inner%d/weights", dir, k);
        sg_error why = SG_ERROR_INIT;
        if (path && sg_path_exists(path) && sg_dir_remove(path, &why))
            sg_log_line(t->call->log, SG_LOG_WARN, "left behind: %s", why.message);
        free(path);
    }
}

/* What a point can be blamed for, and the search goes on from. */
static bool is_the_points_fault(sg_status st) {
    return st == SG_ERR_NUMERIC || st == SG_ERR_USAGE || st == SG_ERR_SHAPE ||
           st == SG_ERR_UNSUPPORTED || st == SG_ERR_MEMORY || st == SG_ERR_INPUT;
}

static void tell_trial(const sg_tune *t, const sg_ticket *ticket, const double *point,
        const sg_inner_result *r, const char *failure) {
    sg_str text;
    sg_str_init(&text, 0);
    sg_tune_put_point(&text, &t->space, point);
    if (failure)
        sg_log_line(t->call->log, SG_LOG_WARN, "trial %zu failed (%s): %s", ticket->number,
                sg_str_text(&text), failure);
    else
        sg_log_line(t->call->log, SG_LOG_INFO, "trial %zu: %s %.4f%s (%s), %.0f s", ticket->number,
                sg_select_name(t->figure), r->score, r->given_up ? ", stopped early" : "",
                sg_str_text(&text), r->seconds);
    sg_str_dispose(&text);
}

sg_status sg_tune_run_trial(
        sg_tune *t, const sg_ticket *ticket, const double *point, sg_error *err) {
    sg_arm_settings settings = {0};
    size_t steps = (size_t)(t->args->epochs * t->args->inner) + 1;
    hearing h = {.t = t, .ticket = ticket, .err = SG_ERROR_INIT};
    sg_inner_result result = {0};
    sg_error why = SG_ERROR_INIT;
    char *dir = sg_strdupf("%s/%04zu", t->folder, ticket->number);
    h.steps = malloc(steps * sizeof *h.steps);
    h.values = malloc(steps * sizeof *h.values);
    sg_status st = dir && h.steps && h.values ? sg_dir_make(dir, err) : no_memory(err);
    if (!st) {
        sg_status run = settings_of(&settings, t, point, t->args->seed, &why);
        if (!run) run = run_inner(&result, t, &settings, dir, &h, &why);
        if (h.failed)
            st = sg_fail(err, h.failed, "%s", h.err.message);
        else if (run && !is_the_points_fault(run))
            st = sg_fail(err, run, "%s", why.message);
        else
            st = sg_study_finish(t->study, ticket,
                    run               ? SG_TRIAL_FAILED
                    : result.given_up ? SG_TRIAL_PRUNED
                                      : SG_TRIAL_COMPLETE,
                    result.score, run ? why.message : NULL, err);
        if (!st) tell_trial(t, ticket, point, &result, run ? why.message : NULL);
        if (!st) drop_weights(t, dir);
    }
    sg_arm_settings_dispose(&settings);
    free(h.steps);
    free(h.values);
    free(dir);
    return st;
}

sg_status sg_tune_repeat(
        double *score, sg_tune *t, const sg_study_trial *trial, int repeat, sg_error *err) {
    sg_arm_settings settings = {0};
    hearing h = {.t = t};
    sg_inner_result result = {0};
    char *dir = sg_strdupf("%s/%04zu-repeat%d", t->folder, trial->number, repeat);
    sg_status st = dir ? sg_dir_make(dir, err) : no_memory(err);
    if (!st) st = settings_of(&settings, t, trial->trial.point, t->args->seed + repeat, err);
    if (!st) {
        st = run_inner(&result, t, &settings, dir, &h, err);
        sg_arm_settings_dispose(&settings);
    }
    if (!st) {
        drop_weights(t, dir);
        *score = result.score;
    }
    free(dir);
    return st;
}
