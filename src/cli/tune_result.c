/* tune_result.c - the end of a search: finalists under further seeds, best.yaml, and what is told.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/tune_study.h"
#include "cli/verbs.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory at the end of the search");
}

typedef struct finalist {
    const sg_study_trial *trial;
    char *schedule; /* file that its training follows; NULL: its point throughout */
    char *settings; /* what that file says */
    double mean;    /* over the search's score and the repeats, as the user sees it */
    int scores;
} finalist;

/* Finished trials by the model's mean, best first: the best is taken out, the rest is asked again.
 */
static sg_status choose(finalist *out, size_t *chosen, sg_tune *t, const sg_study_trial *trials,
        size_t count, sg_error *err) {
    sg_trial *plain = sg_tune_plain_trials(trials, count);
    size_t *source = malloc((count + 1) * sizeof *source), n = 0;
    sg_status st = plain && source ? SG_OK : no_memory(err);
    for (size_t i = 0; !st && i < count; i++) {
        if (trials[i].trial.state != SG_TRIAL_COMPLETE) continue;
        plain[n] = trials[i].trial;
        source[n++] = i;
    }
    *chosen = 0;
    while (!st && n && *chosen < (size_t)t->args->finalists) {
        long best;
        st = sg_best_by_model(&best, NULL, NULL, &t->space, plain, n, (uint64_t)t->args->seed, err);
        if (st || best < 0) break;
        const sg_study_trial *trial = &trials[source[best]];
        out[(*chosen)++] = (finalist){.trial = trial, .mean = trial->shown, .scores = 1};
        n--;
        memmove(plain + best, plain + best + 1, (n - (size_t)best) * sizeof *plain);
        memmove(source + best, source + best + 1, (n - (size_t)best) * sizeof *source);
    }
    free(plain);
    free(source);
    return st;
}

static sg_status write_schedule(
        const char *path, const sg_tune *t, const finalist *f, sg_error *err) {
    sg_str text;
    sg_str_init(&text, 0);
    sg_str_appendf(&text, "# study '%s', member of trial %zu: %s %.4f\n%s", sg_study_name(t->study),
            f->trial->number, sg_select_name(t->figure), f->trial->shown, f->settings);
    sg_status st = sg_str_check(&text, err);
    if (!st) st = sg_file_write(path, text.data, text.len, err);
    sg_str_dispose(&text);
    return st;
}

/* Takes the member of a trial unless a better one was trained with the same settings throughout. */
static sg_status take_member(finalist *out, size_t *chosen, sg_tune *t,
        const sg_study_trial *trials, size_t count, size_t last, sg_error *err) {
    sg_str text;
    sg_str_init(&text, 0);
    sg_status st = sg_tune_put_schedule(&text, t, trials, count, last, err);
    for (size_t k = 0; !st && k < *chosen; k++) {
        if (strcmp(out[k].settings, sg_str_text(&text)) != 0) continue;
        sg_str_dispose(&text);
        return SG_OK;
    }
    finalist *f = &out[*chosen];
    if (!st) {
        *f = (finalist){.trial = &trials[last], .mean = trials[last].shown, .scores = 1};
        f->schedule = sg_strdupf("%s/schedule-%zu.yaml", t->folder, trials[last].number);
        f->settings = sg_str_take(&text);
        ++*chosen;
        st = f->schedule && f->settings ? write_schedule(f->schedule, t, f, err) : no_memory(err);
    }
    sg_str_dispose(&text);
    return st;
}

/* The best members of the last generation, each with the schedule that led to it. */
static sg_status choose_members(finalist *out, size_t *chosen, sg_tune *t,
        const sg_study_trial *trials, size_t count, sg_error *err) {
    size_t order[SG_MEMBERS_MAX];
    size_t n = sg_tune_last_members(order, SG_MEMBERS_MAX, t, trials, count);
    sg_status st = SG_OK;
    *chosen = 0;
    for (size_t i = 0; !st && i < n && *chosen < (size_t)t->args->finalists; i++)
        st = take_member(out, chosen, t, trials, count, order[i], err);
    return st;
}

/* A repeat that was trained before, by this or another process, is in the study. */
static sg_status repeat_once(
        double *score, sg_tune *t, const finalist *f, int repeat, sg_error *err) {
    const sg_study_trial *trial = f->trial;
    char key[32], json[40];
    snprintf(key, sizeof key, "sg_repeat_%d", repeat);
    const json_t *known = json_object_get(trial->attributes, key);
    if (json_is_number(known)) {
        *score = json_number_value(known);
        return SG_OK;
    }
    sg_status st = sg_tune_repeat(score, t, trial, f->schedule, repeat, err);
    if (st) return st;
    sg_log_line(t->call->log, SG_LOG_INFO, "trial %zu under another seed: %s %.4f (first %.4f)",
            trial->number, sg_select_name(t->figure), *score, trial->shown);
    snprintf(json, sizeof json, "%.17g", *score);
    const sg_ticket ticket = {trial->id, trial->number};
    return sg_study_set_attribute(t->study, &ticket, key, json, err);
}

static sg_status repeat_all(finalist *finalists, size_t count, sg_tune *t, sg_error *err) {
    sg_status st = SG_OK;
    for (size_t i = 0; !st && i < count; i++) {
        finalist *f = &finalists[i];
        for (int r = 1; !st && r <= t->args->repeats; r++) {
            double score;
            st = repeat_once(&score, t, f, r, err);
            if (st) break;
            f->mean = (f->mean * f->scores + score) / (f->scores + 1);
            f->scores++;
        }
    }
    return st;
}

static const finalist *winner(const finalist *f, size_t count, bool maximise) {
    const finalist *best = NULL;
    for (size_t i = 0; i < count; i++)
        if (!best || (maximise ? f[i].mean > best->mean : f[i].mean < best->mean)) best = &f[i];
    return best;
}

static void name_seeds(char out[32], int n) {
    if (n == 1)
        (void)snprintf(out, 32, "one seed");
    else
        (void)snprintf(out, 32, "mean of %d seeds", n);
}

/* The winner's schedule under a name that says so; *path is the caller's. */
static sg_status keep_schedule(char **path, const sg_tune *t, const finalist *best, sg_error *err) {
    char *name = sg_path_join(t->folder, "schedule.yaml"), *whole = NULL;
    size_t size;
    *path = NULL;
    sg_status st =
            name ? sg_file_read(&whole, &size, best->schedule, 1u << 20, err) : no_memory(err);
    if (!st) st = sg_file_write(name, whole, size, err);
    if (!st) *path = realpath(name, NULL);
    if (!st && !*path) st = sg_fail(err, SG_ERR_IO, "cannot find %s again", name);
    free(whole);
    free(name);
    return st;
}

/* All that the winner was trained with, but for the place: a file for train --config. */
static sg_status put_settings(sg_str *text, sg_tune *t, const finalist *best, sg_error *err) {
    sg_arm_settings settings = {0};
    sg_yaml yaml = {0};
    char *schedule = NULL;
    int epochs = best->schedule ? t->plan.member_epochs : t->plan.epochs;
    sg_status st = best->schedule ? keep_schedule(&schedule, t, best, err) : SG_OK;
    if (!st)
        st = sg_tune_settings(
                &settings, t, best->trial->trial.point, epochs, schedule, t->args->seed, err);
    if (!st) st = sg_yaml_parse(&yaml, settings.yaml, strlen(settings.yaml), "the winner", err);
    for (size_t i = 0; !st && i < yaml.count; i++)
        if (!sg_tune_is_place(yaml.entries[i].key))
            sg_yaml_put(text, yaml.entries[i].key, yaml.entries[i].value);
    sg_yaml_dispose(&yaml);
    sg_arm_settings_dispose(&settings);
    free(schedule);
    return st;
}

static sg_status write_best(char **path, sg_tune *t, const finalist *best, sg_error *err) {
    sg_str text;
    char seeds[32];
    name_seeds(seeds, best->scores);
    sg_str_init(&text, 0);
    sg_str_appendf(&text, "# trial %zu of study '%s': %s %.4f, %s\n", best->trial->number,
            sg_study_name(t->study), sg_select_name(t->figure), best->mean, seeds);
    sg_status st = put_settings(&text, t, best, err);
    *path = sg_path_join(t->folder, "best.yaml");
    if (!st) st = *path ? sg_str_check(&text, err) : no_memory(err);
    if (!st) st = sg_file_write(*path, text.data, text.len, err);
    sg_str_dispose(&text);
    return st;
}

static size_t count_state(const sg_study_trial *trials, size_t count, sg_trial_state state) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) n += trials[i].trial.state == state;
    return n;
}

static json_t *point_json(const sg_space *space, const double *point) {
    json_t *object = json_object();
    for (size_t i = 0; i < space->count; i++) {
        const sg_dimension *p = &space->params[i];
        if (isnan(point[i])) continue;
        json_object_set_new(object, p->name,
                p->choice_count ? json_string(p->choices[(size_t)point[i]])
                                : sg_json_number(point[i]));
    }
    return object;
}

/* What was found; single: the trial with the best value of its own, which is Optuna's best. */
typedef struct result {
    const sg_tune *t;
    size_t finished, pruned, failed;
    const finalist *finalists, *best;
    size_t count;
    const sg_study_trial *single;
    const char *path; /* of best.yaml */
} result;

static void tell_json(const result *r) {
    const sg_tune *t = r->t;
    const sg_study_trial *best = r->best->trial;
    sg_cli_print_json(json_pack(
            "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:i, s:o, s:I, s:o, s:s}", "study",
            t->args->study, "study_name", sg_study_name(t->study), "figure",
            sg_select_name(t->figure), "complete", (json_int_t)r->finished, "stopped_early",
            (json_int_t)r->pruned, "failed", (json_int_t)r->failed, "best_trial",
            (json_int_t)best->number, "best_params", point_json(&t->space, best->trial.point),
            "best_mean", sg_json_number(r->best->mean), "seeds", r->best->scores, "best_first",
            sg_json_number(best->shown), "single_best_trial", (json_int_t)r->single->number,
            "single_best_value", sg_json_number(r->single->shown), "best_yaml", r->path));
}

static void tell_finalist(const result *r, const finalist *f) {
    sg_str text;
    char seeds[32];
    sg_str_init(&text, 0);
    sg_tune_put_point(&text, &r->t->space, f->trial->trial.point);
    name_seeds(seeds, f->scores);
    printf("%s trial %4zu  %s %.4f (%s)  %s\n", f == r->best ? "*" : " ", f->trial->number,
            sg_select_name(r->t->figure), f->mean, seeds, sg_str_text(&text));
    sg_str_dispose(&text);
}

static void tell(const result *r) {
    const sg_tune *t = r->t;
    const sg_tune_args *a = t->args;
    const sg_study_trial *best = r->best->trial;
    char seeds[32];
    name_seeds(seeds, r->best->scores);
    printf("%zu trial%s finished, %zu stopped early, %zu failed\n", r->finished,
            r->finished == 1 ? "" : "s", r->pruned, r->failed);
    for (size_t i = 0; i < r->count; i++) tell_finalist(r, &r->finalists[i]);
    printf("named best: trial %zu, %s %.4f (%s; in the search %.4f); best single value, which "
           "Optuna "
           "names: trial %zu, %.4f\n",
            best->number, sg_select_name(t->figure), r->best->mean, seeds, best->shown,
            r->single->number, r->single->shown);
    printf("validation figures inside the training images; the best of many is too good.\n"
           "next: sonograde train --config %s %s%s --splits %s/splits.csv --run DIR\n",
            r->path, a->dataset.data ? "--data " : "--manifest ",
            a->dataset.data ? a->dataset.data : a->dataset.manifest, t->folder);
    if (r->best->schedule)
        printf("the settings of every epoch are in %s/schedule.yaml; on all folds: --folds K in "
               "place of --splits\n",
                t->folder);
}

static void tell_result(const sg_tune *t, const sg_study_trial *trials, size_t count,
        const finalist *finalists, size_t n, const finalist *best, const char *path) {
    const result r = {.t = t,
            .finished = count_state(trials, count, SG_TRIAL_COMPLETE),
            .pruned = count_state(trials, count, SG_TRIAL_PRUNED),
            .failed = count_state(trials, count, SG_TRIAL_FAILED),
            .finalists = finalists,
            .best = best,
            .count = n,
            .single = sg_tune_look(t, trials, count).best,
            .path = path};
    if (t->call->json)
        tell_json(&r);
    else if (!t->call->quiet)
        tell(&r);
}

static sg_status conclude(sg_tune *t, const sg_study_trial *trials, size_t count, sg_error *err) {
    char *path = NULL;
    size_t n = 0;
    finalist *finalists = calloc((size_t)t->args->finalists, sizeof *finalists);
    sg_status st = !finalists        ? no_memory(err)
                   : t->plan.members ? choose_members(finalists, &n, t, trials, count, err)
                                     : choose(finalists, &n, t, trials, count, err);
    if (!st && !n)
        st = sg_fail(err, SG_ERR_INPUT,
                "no trial of the study %s came to an end; the messages of the failed ones are in "
                "it (user attribute sg_message)",
                t->args->study);
    if (!st)
        sg_log_line(t->call->log, SG_LOG_INFO,
                "all trials are done; finalists: %zu, further seeds for each: %lld", n,
                t->args->repeats);
    if (!st) st = repeat_all(finalists, n, t, err);
    const finalist *best = st ? NULL : winner(finalists, n, sg_study_maximise(t->study));
    if (!st) st = write_best(&path, t, best, err);
    if (!st) tell_result(t, trials, count, finalists, n, best, path);
    for (size_t i = 0; i < count && !st; i++)
        if (sg_tune_is_stretch(NULL, &trials[i])) sg_tune_drop_weights(t, trials[i].number);
    for (size_t i = 0; finalists && i < n; i++) {
        free(finalists[i].schedule);
        free(finalists[i].settings);
    }
    free(finalists);
    free(path);
    return st;
}

/* One process at a time; a second one has nothing to add. */
static sg_status conclude_alone(
        sg_tune *t, const sg_study_trial *trials, size_t count, sg_error *err) {
    sg_file_lock lock = {-1};
    char *path = sg_path_join(t->folder, ".lock");
    sg_status st = path ? sg_file_lock_take(&lock, path, err) : no_memory(err);
    free(path);
    if (st == SG_ERR_INPUT) {
        sg_log_line(t->call->log, SG_LOG_INFO, "another process repeats the finalists");
        return SG_OK;
    }
    if (!st) st = conclude(t, trials, count, err);
    sg_file_lock_drop(&lock);
    return st;
}

sg_status sg_tune_conclude(sg_tune *t, sg_error *err) {
    sg_study_trial *trials;
    size_t count;
    sg_status st = sg_study_load(t->study, &trials, &count, err);
    if (st) return st;
    size_t running = count_state(trials, count, SG_TRIAL_RUNNING);
    if (running)
        sg_log_line(t->call->log, SG_LOG_INFO,
                "%zu trial%s still running in other processes; the last one concludes", running,
                running == 1 ? " is" : "s are");
    else
        st = conclude_alone(t, trials, count, err);
    sg_study_trials_free(trials, count);
    return st;
}
