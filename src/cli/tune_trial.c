/* tune_trial.c - one point of a search, trained on the inner folds. SPDX-License-Identifier:
 * Apache-2.0 */
#include "base/file.h"
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

/* The shape of the learning rate stands in the file of a schedule. */
static bool is_in_file(const char *schedule, const char *name) {
    return schedule && strcmp(name, "schedule") == 0;
}

sg_status sg_tune_settings(sg_arm_settings *out, sg_tune *t, const double *point, int epochs,
        const char *schedule, long long seed, sg_error *err) {
    const sg_arm_source source = {.config = t->args->config, .set = t->args->set};
    const sg_space *space = &t->space;
    sg_str yaml, value;
    sg_str_init(&yaml, 0);
    sg_str_init(&value, 0);
    for (size_t i = 0; i < space->fixed_count; i++)
        if (!is_in_file(schedule, space->fixed[i].name))
            sg_yaml_put(&yaml, space->fixed[i].name, space->fixed[i].value);
    for (size_t i = 0; i < space->count; i++) {
        if (isnan(point[i]) || is_in_file(schedule, space->params[i].name)) continue;
        sg_str_clear(&value);
        sg_dimension_value_put(&value, &space->params[i], point[i]);
        sg_yaml_put(&yaml, space->params[i].name, sg_str_text(&value));
    }
    sg_str_appendf(&yaml, "epochs: %d\nseed: %lld\n", epochs, seed);
    if (schedule) sg_yaml_put(&yaml, "schedule", schedule);
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
    bool may_stop;
    sg_status failed; /* the study could not be written */
    sg_error err;
} hearing;

/* Its values up to `step`: the study also knows those from before a kill, and maybe later ones,
 * which are being trained again. */
static sg_step_values values_until(const sg_study_trial *trial, int step) {
    sg_step_values v = {trial->steps, trial->step_values, 0};
    while (v.count < trial->step_count && trial->steps[v.count] <= step) v.count++;
    return v;
}

/* Others' values at the same steps decide. */
static sg_status ask_rule(bool *stop, hearing *h, int step, sg_error *err) {
    sg_study_trial *trials;
    size_t count, n = 0;
    const sg_tune_args *a = h->t->args;
    *stop = false;
    if (!h->may_stop || a->stop_rule == SG_STOP_NONE) return SG_OK;
    sg_status st = sg_study_load(h->t->study, &trials, &count, err);
    if (st) return st;
    sg_step_values mine = {0}, *others = malloc((count + 1) * sizeof *others);
    for (size_t i = 0; others && i < count; i++)
        if (trials[i].id == h->ticket->id)
            mine = values_until(&trials[i], step);
        else if (!sg_tune_is_stretch(NULL, &trials[i]))
            others[n++] =
                    (sg_step_values){trials[i].steps, trials[i].step_values, trials[i].step_count};
    int first = a->stop_first ? (int)a->stop_first : h->t->plan.epochs;
    const sg_stop_options options = {
            (sg_stop_rule)a->stop_rule, sg_study_maximise(h->t->study), first, 4};
    if (others) *stop = sg_stop_now(&options, &mine, others, n);
    free(others);
    sg_study_trials_free(trials, count);
    return SG_OK;
}

static bool heard(void *user, int step, double value) {
    hearing *h = user;
    bool stop = false;
    if (!h->ticket) return true;
    h->failed = sg_study_report(h->t->study, h->ticket, step, value, &h->err);
    if (!h->failed) h->failed = ask_rule(&stop, h, step, &h->err);
    sg_tune_show(h->t);
    return !stop && !h->failed;
}

/* ---- training it ---- */

sg_status sg_tune_stopped(const sg_tune *t, sg_error *err) {
    return sg_fail(err, SG_ERR_INTERRUPTED, "stopped; the same command goes on with the study %s",
            t->args->study);
}

typedef struct span {
    const char *start;
    int from, until; /* 0: to the end */
} span;

static sg_status run_inner(sg_inner_result *result, sg_tune *t, const sg_arm_settings *settings,
        const char *dir, const span *s, hearing *h, sg_error *err) {
    /* A trial's own lines would drown the search's; warnings still come through. */
    sg_log quiet = *t->call->log;
    quiet.least = SG_LOG_WARN;
    quiet.progress = NULL;
    const sg_inner_job job = {.options = &settings->options,
            .manifest = &t->manifest,
            .inner = &t->inner,
            .figure = t->figure,
            .start = s->start,
            .from = s->from,
            .until = s->until,
            .dir = dir,
            .log = &quiet,
            .stop = &sg_cli_stop,
            .heard = heard,
            .user = h};
    char *path = sg_path_join(dir, "args.yaml");
    sg_status st = path ? sg_file_write(path, settings->yaml, strlen(settings->yaml), err)
                        : no_memory(err);
    free(path);
    if (!st) st = sg_inner_run(result, &job, err);
    return st == SG_ERR_INTERRUPTED ? sg_tune_stopped(t, err) : st;
}

static void drop_weights_of(const sg_tune *t, const char *dir) {
    for (int k = 0; k < t->inner.folds && !t->args->keep_weights; k++) {
        char *path = sg_strdupf("%s/inner%d/weights", dir, k);
        sg_error why = SG_ERROR_INIT;
        /* Two processes may find the same weights unneeded. */
        if (path && sg_path_exists(path) && sg_dir_remove(path, &why) && sg_path_exists(path))
            sg_log_line(t->call->log, SG_LOG_WARN, "left behind: %s", why.message);
        free(path);
    }
}

static char *trial_dir(const sg_tune *t, size_t number) {
    return sg_strdupf("%s/%04zu", t->folder, number);
}

/* Curves and settings stay. */
void sg_tune_drop_weights(const sg_tune *t, size_t number) {
    char *dir = trial_dir(t, number);
    if (dir) drop_weights_of(t, dir);
    free(dir);
}

/* What a point can be blamed for, and the search goes on from. */
static bool is_the_points_fault(sg_status st) {
    return st == SG_ERR_NUMERIC || st == SG_ERR_USAGE || st == SG_ERR_SHAPE ||
           st == SG_ERR_UNSUPPORTED || st == SG_ERR_MEMORY || st == SG_ERR_INPUT;
}

static void tell_trial(const sg_tune *t, const char *what, const double *point,
        const sg_inner_result *r, const char *failure) {
    sg_str text;
    sg_str_init(&text, 0);
    sg_tune_put_point(&text, &t->space, point);
    if (failure)
        sg_log_line(
                t->call->log, SG_LOG_WARN, "%s failed (%s): %s", what, sg_str_text(&text), failure);
    else
        sg_log_line(t->call->log, SG_LOG_INFO, "%s: %s %.4f%s (%s), %.0f s", what,
                sg_select_name(t->figure), r->score, r->given_up ? ", stopped early" : "",
                sg_str_text(&text), r->seconds);
    sg_str_dispose(&text);
}

/* What a stretch goes on from, and how far. */
static sg_status find_span(
        span *s, char **start, const sg_tune *t, const sg_tune_stretch *stretch, sg_error *err) {
    *s = (span){0};
    *start = NULL;
    if (!stretch) return SG_OK;
    s->from = stretch->generation * t->plan.every;
    s->until = s->from + t->plan.every;
    if (s->until > t->plan.member_epochs) s->until = t->plan.member_epochs;
    if (stretch->parent >= 0) *start = trial_dir(t, (size_t)stretch->parent);
    s->start = *start;
    return stretch->parent >= 0 && !*start ? no_memory(err) : SG_OK;
}

/* One digest over the checkpoints of all inner folds. */
static sg_status note_checkpoint(
        sg_tune *t, const sg_ticket *ticket, const char *dir, sg_error *err) {
    sg_str all;
    char digest[SG_SHA256_HEX], json[SG_SHA256_HEX + 2];
    sg_str_init(&all, 0);
    sg_status st = SG_OK;
    for (int k = 0; !st && k < t->inner.folds; k++) {
        char *path = sg_strdupf("%s/inner%d/weights/last.safetensors", dir, k);
        st = path ? sg_sha256_file(digest, path, err) : no_memory(err);
        if (!st) sg_str_appendf(&all, "%s\n", digest);
        free(path);
    }
    if (!st) st = sg_str_check(&all, err);
    if (!st) {
        sg_sha256_hex(digest, all.data, all.len);
        (void)snprintf(json, sizeof json, "\"%.64s\"", digest);
        st = sg_study_set_attribute(t->study, ticket, "sg_checkpoint", json, err);
    }
    sg_str_dispose(&all);
    return st;
}

static sg_status finish(sg_tune *t, const sg_ticket *ticket, const sg_inner_result *result,
        const char *failure, sg_error *err) {
    sg_trial_state state = failure            ? SG_TRIAL_FAILED
                           : result->given_up ? SG_TRIAL_PRUNED
                                              : SG_TRIAL_COMPLETE;
    return sg_study_finish(t->study, ticket, state, result->score, failure, err);
}

/* *failure: why the point could not be trained; "" when it was. */
static sg_status train_point(sg_inner_result *result, sg_error *failure, sg_tune *t,
        const double *point, const sg_tune_stretch *stretch, const char *dir, hearing *h,
        sg_error *err) {
    sg_arm_settings settings = {0};
    span s;
    char *start = NULL;
    int epochs = stretch ? t->plan.member_epochs : t->plan.epochs;
    sg_status st = find_span(&s, &start, t, stretch, err);
    if (st) return st;
    sg_status run = sg_tune_settings(&settings, t, point, epochs, NULL, t->args->seed, failure);
    if (!run) run = run_inner(result, t, &settings, dir, &s, h, failure);
    if (h->failed)
        st = sg_fail(err, h->failed, "%s", h->err.message);
    else if (run && !is_the_points_fault(run))
        st = sg_fail(err, run, "%s", failure->message);
    sg_arm_settings_dispose(&settings);
    free(start);
    return st;
}

sg_status sg_tune_run_trial(sg_tune *t, const sg_ticket *ticket, const double *point,
        const sg_tune_stretch *stretch, sg_error *err) {
    char what[80];
    if (stretch)
        (void)snprintf(what, sizeof what, "member %zu, generation %d (trial %zu)", stretch->member,
                stretch->generation, ticket->number);
    else
        (void)snprintf(what, sizeof what, "trial %zu", ticket->number);
    sg_tune_show(t);
    hearing h = {.t = t, .ticket = ticket, .may_stop = !stretch, .err = SG_ERROR_INIT};
    sg_inner_result result = {0};
    sg_error failure = SG_ERROR_INIT;
    char *dir = trial_dir(t, ticket->number);
    sg_status st = dir ? sg_dir_make(dir, err) : no_memory(err);
    if (!st) st = train_point(&result, &failure, t, point, stretch, dir, &h, err);
    const char *message = failure.code ? failure.message : NULL;
    if (!st && stretch && !message) st = note_checkpoint(t, ticket, dir, err);
    if (!st) st = finish(t, ticket, &result, message, err);
    if (!st) tell_trial(t, what, point, &result, message);
    if (!st && !stretch) drop_weights_of(t, dir);
    free(dir);
    return st;
}

sg_status sg_tune_repeat(double *score, sg_tune *t, const sg_study_trial *trial,
        const char *schedule, int repeat, sg_error *err) {
    sg_arm_settings settings = {0};
    hearing h = {.t = t};
    const span whole = {0};
    sg_inner_result result = {0};
    int epochs = schedule ? t->plan.member_epochs : t->plan.epochs;
    char *dir = sg_strdupf("%s/%04zu-repeat%d", t->folder, trial->number, repeat);
    sg_status st = dir ? sg_dir_make(dir, err) : no_memory(err);
    if (!st)
        st = sg_tune_settings(
                &settings, t, trial->trial.point, epochs, schedule, t->args->seed + repeat, err);
    if (!st) {
        st = run_inner(&result, t, &settings, dir, &whole, &h, err);
        sg_arm_settings_dispose(&settings);
    }
    if (!st) {
        drop_weights_of(t, dir);
        *score = result.score;
    }
    free(dir);
    return st;
}
