/* cmd_tune_report.c - `sonograde tune report`: a study as a page. SPDX-License-Identifier:
 * Apache-2.0 */
#include "cli/tune_study.h"
#include "cli/verbs.h"
#include "report/search.h"
#include "tune/importance.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct report_args {
    const char *study, *study_name, *out;
} report_args;

#define AT(field) offsetof(report_args, field)
/* clang-format off */
static const sg_option rows[] = {
    { "study", 0, SG_OPTION_PATH, AT(study), NULL, "FILE", "the study", 0, 0 },
    { "study-name", 0, SG_OPTION_TEXT, AT(study_name), "sonograde", "NAME", "of the study in the file", 0, 0 },
    { "out", 'o', SG_OPTION_PATH, AT(out), NULL, "FILE", "the page; default: beside the study, FILE.html", 0, 0 },
    { NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0 },
};
/* clang-format on */

enum { CONTOURS = 3 }; /* the pairs of the three parameters that matter most */

typedef struct work {
    sg_study *study;
    sg_study_trial *trials;
    size_t count;
    sg_importance *importance; /* NULL: too few trials for a model */
    sg_search_parameter *parameters;
    sg_search_trial *shown;
    double *values; /* [parameters * trials] */
    sg_search_contour contours[CONTOURS];
    double *maps[CONTOURS];
    size_t contour_count;
    char **settings;
} work;

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory making the page");
}

/* Indices of the three largest shares, largest first; fewer where there are fewer parameters. */
static size_t find_largest(size_t out[3], const sg_importance *all, size_t count) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = n < 3 ? n++ : 3;
        for (; at > 0 && all[i].share > all[out[at - 1]].share; at--)
            if (at < 3) out[at] = out[at - 1];
        if (at < 3) out[at] = i;
    }
    return n;
}

static sg_status map_pairs(work *w, const sg_trial *plain, size_t n, sg_error *err) {
    const sg_space *space = sg_study_space(w->study);
    size_t top[3], found = find_largest(top, w->importance, space->count);
    sg_status st = SG_OK;
    for (size_t p = 0; !st && p < found; p++)
        for (size_t q = p + 1; !st && q < found; q++) {
            size_t i = top[p], j = top[q];
            size_t cells = w->importance[i].levels * w->importance[j].levels;
            double *map = malloc(cells * sizeof *map);
            if (!map) return no_memory(err);
            w->maps[w->contour_count] = map;
            w->contours[w->contour_count++] = (sg_search_contour){i, j, map};
            st = sg_importance_map(map, space, plain, n, i, j, 0, err);
            for (size_t k = 0; sg_study_maximise(w->study) && k < cells; k++) map[k] *= -1;
        }
    return st;
}

/* The model's effects in the figure's own sign. */
static sg_status measure(work *w, sg_error *err) {
    const sg_space *space = sg_study_space(w->study);
    size_t finished = 0;
    for (size_t i = 0; i < w->count; i++) finished += isfinite(w->trials[i].trial.value);
    if (finished < 4) return SG_OK;
    sg_trial *plain = sg_tune_plain_trials(w->trials, w->count);
    w->importance = calloc(space->count, sizeof *w->importance);
    sg_status st = plain && w->importance ? SG_OK : no_memory(err);
    size_t n = 0;
    for (size_t i = 0; !st && i < w->count; i++)
        if (w->trials[i].has_point && w->trials[i].trial.state != SG_TRIAL_RUNNING)
            plain[n++] = w->trials[i].trial;
    if (!st) st = sg_importance_measure(w->importance, space, plain, n, 0, err);
    if (!st) st = map_pairs(w, plain, n, err);
    for (size_t i = 0; !st && sg_study_maximise(w->study) && i < space->count; i++)
        for (size_t k = 0; k < w->importance[i].levels; k++) w->importance[i].effect[k] *= -1;
    free(plain);
    return st;
}

static void fill_parameters(work *w) {
    const sg_space *space = sg_study_space(w->study);
    for (size_t i = 0; i < space->count; i++) {
        const sg_dimension *d = &space->params[i];
        sg_search_parameter *p = &w->parameters[i];
        double *values = w->values + i * w->count;
        for (size_t k = 0; k < w->count; k++) values[k] = w->trials[k].trial.point[i];
        *p = (sg_search_parameter){.name = d->name,
                .logarithmic = d->log,
                .values = values,
                .choices = (const char *const *)d->choices,
                .choice_count = d->choice_count,
                .share = NAN};
        if (!w->importance) continue;
        p->share = w->importance[i].share;
        p->at = w->importance[i].at;
        p->effect = w->importance[i].effect;
        p->level_count = w->importance[i].levels;
    }
}

/* A stretch ends where the next generation begins; the last one by the epochs that it had. */
static void show_stretch(work *w, size_t i) {
    sg_tune_stretch s;
    const sg_study_trial *t = &w->trials[i];
    if (!sg_tune_is_stretch(&s, t)) return;
    sg_search_trial *shown = &w->shown[i];
    shown->is_stretch = true;
    shown->member = s.member;
    shown->parent = s.parent >= 0 && (size_t)s.parent < i ? s.parent : -1;
    shown->from = (int)json_integer_value(json_object_get(t->attributes, "sg_epoch"));
    shown->until = (int)json_integer_value(json_object_get(t->attributes, "sg_until"));
}

static sg_status fill_trials(work *w, sg_error *err) {
    for (size_t i = 0; i < w->count; i++) {
        const sg_study_trial *t = &w->trials[i];
        sg_str text;
        sg_str_init(&text, 0);
        sg_str_append(&text, "");
        sg_tune_put_point(&text, sg_study_space(w->study), t->trial.point);
        w->settings[i] = sg_str_take(&text);
        if (!w->settings[i]) return no_memory(err);
        bool failed = t->trial.state == SG_TRIAL_FAILED;
        const char *message = json_string_value(json_object_get(t->attributes, "sg_message"));
        w->shown[i] = (sg_search_trial){t->number, failed ? NAN : t->shown,
                t->trial.state == SG_TRIAL_PRUNED, t->steps, t->step_values, t->step_count,
                w->settings[i], failed ? (message ? message : "no reason was recorded") : NULL,
                false, 0, 0, 0, -1};
        show_stretch(w, i);
    }
    return SG_OK;
}

/* The settings stand in the study as the text of a YAML file; nothing of a study by another hand.
 */
static sg_status read_settings(sg_yaml *out, const sg_study *study, sg_error *err) {
    json_t *text = json_loads(sg_study_settings(study), JSON_DECODE_ANY, NULL);
    const char *yaml = json_string_value(text);
    sg_status st =
            yaml ? sg_yaml_parse(out, yaml, strlen(yaml), "the study's settings", err) : SG_OK;
    json_decref(text);
    return st;
}

static const char *setting(const sg_yaml *yaml, const char *key) {
    const sg_yaml_entry *entry = sg_yaml_find(yaml, key);
    return entry ? entry->value : NULL;
}

static const char *plural(const char *number) {
    return number && strcmp(number, "1") == 0 ? "" : "s";
}

/* "copying every epoch", "copying every 2 epochs" */
static void put_copying(char *out, size_t size, const char *every) {
    if (*plural(every))
        (void)snprintf(out, size, "copying every %s epochs", every);
    else
        (void)snprintf(out, size, "copying every epoch");
}

/* What a trial was trained for; of a population, whose trials are stretches, how it was laid out.
 */
static void put_length(char *out, size_t size, const sg_yaml *yaml) {
    const char *method = setting(yaml, "method"), *short_epochs = setting(yaml, "short-epochs");
    const char *population = setting(yaml, "population"), *every = setting(yaml, "every");
    const char *epochs = setting(yaml, "epochs");
    char copying[48] = "";
    if (every) put_copying(copying, sizeof copying, every);
    if (!population || !method || !every)
        (void)snprintf(out, size, "%s epoch%s on each inner fold", epochs ? epochs : "unknown",
                plural(epochs));
    else if (strcmp(method, "hybrid") == 0 && short_epochs)
        (void)snprintf(out, size, "short runs of %s epoch%s, then %s members, %s", short_epochs,
                plural(short_epochs), population, copying);
    else
        (void)snprintf(out, size, "%s members, %s", population, copying);
}

static sg_status write_page(work *w, const char *path, sg_error *err) {
    size_t counts[4] = {0};
    char text[96], length[128];
    for (size_t i = 0; i < w->count; i++) counts[w->trials[i].trial.state]++;
    (void)snprintf(text, sizeof text, "%zu finished, %zu stopped early, %zu failed, %zu running",
            counts[SG_TRIAL_COMPLETE], counts[SG_TRIAL_PRUNED], counts[SG_TRIAL_FAILED],
            counts[SG_TRIAL_RUNNING]);
    sg_yaml yaml = {0};
    sg_status st = read_settings(&yaml, w->study, err);
    if (st) return st;
    const char *figure = setting(&yaml, "figure");
    put_length(length, sizeof length, &yaml);
    const sg_page_fact facts[] = {{"Study", sg_study_name(w->study)}, {"Trials", text},
            {"Goal", sg_study_maximise(w->study) ? "highest" : "lowest"},
            {"Model", setting(&yaml, "model")}, {"Inner folds", setting(&yaml, "inner")},
            {"Trainings", length}, {"Image side", setting(&yaml, "size")}};
    const sg_search_page page = {.study = "What the search found",
            .figure = figure ? figure : "value",
            .maximise = sg_study_maximise(w->study),
            .facts = facts,
            .fact_count = sizeof facts / sizeof *facts,
            .parameters = w->parameters,
            .parameter_count = sg_study_space(w->study)->count,
            .trials = w->shown,
            .trial_count = w->count,
            .contours = w->contours,
            .contour_count = w->contour_count};
    st = sg_search_page_write(&page, path, err);
    sg_yaml_dispose(&yaml);
    return st;
}

static sg_status report(work *w, const report_args *a, const sg_call *call, sg_error *err) {
    if (!a->study) return sg_fail(err, SG_ERR_USAGE, "say which study: --study FILE");
    const sg_study_options options = {a->study_name, NULL, false, SG_STUDY_SCHEMA_3_2, true};
    char *path = a->out ? sg_strdup(a->out) : sg_strdupf("%s.html", a->study);
    sg_status st = path ? sg_study_open(&w->study, a->study, NULL, &options, err) : no_memory(err);
    if (!st) st = sg_study_load(w->study, &w->trials, &w->count, err);
    if (!st && !w->count)
        st = sg_fail(err, SG_ERR_INPUT, "the study %s has no trials yet", a->study);
    if (!st) {
        size_t parameters = sg_study_space(w->study)->count;
        w->parameters = calloc(parameters, sizeof *w->parameters);
        w->values = calloc(parameters * w->count, sizeof *w->values);
        w->shown = calloc(w->count, sizeof *w->shown);
        w->settings = calloc(w->count, sizeof *w->settings);
        if (!w->parameters || !w->values || !w->shown || !w->settings) st = no_memory(err);
    }
    if (!st) st = measure(w, err);
    if (!st) st = fill_trials(w, err);
    if (!st) {
        fill_parameters(w);
        st = write_page(w, path, err);
    }
    if (!st && call->json)
        sg_cli_print_json(json_pack(
                "{s:o, s:I}", "page", sg_json_text(path), "trials", (json_int_t)w->count));
    else if (!st && !call->quiet)
        printf("%s: %zu trials\n", path, w->count);
    free(path);
    return st;
}

static int run_report(const sg_call *call) {
    sg_error err = SG_ERROR_INIT;
    work w = {0};
    sg_status st = report(&w, call->options, call, &err);
    for (size_t i = 0; w.settings && i < w.count; i++) free(w.settings[i]);
    free(w.settings);
    for (size_t i = 0; i < w.contour_count; i++) free(w.maps[i]);
    free(w.shown);
    free(w.values);
    free(w.parameters);
    free(w.importance);
    sg_study_trials_free(w.trials, w.count);
    sg_study_close(w.study);
    return st ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_tune_report = {
        .name = "tune report",
        .operands = "",
        .summary = "a search as one page: history, cost, importance, contours, family tree",
        .details = "Works on a study that is still running, too.",
        .examples = "sonograde tune report --study s.db -o search.html",
        .options = rows,
        .struct_size = sizeof(report_args),
        .min_operands = 0,
        .max_operands = 0,
        .takes_config = false,
        .run = run_report,
};
