/* cmd_tune_export.c - `sonograde tune export`: a study as Optuna's journal, CSV or JSON.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "cli/tune_study.h"
#include "cli/verbs.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct export_args {
    const char *study, *study_name, *csv, *table, *journal;
} export_args;

#define AT(field) offsetof(export_args, field)
/* clang-format off */
static const sg_option rows[] = {
    { "study", 0, SG_OPTION_PATH, AT(study), NULL, "FILE", "the study", 0, 0 },
    { "study-name", 0, SG_OPTION_TEXT, AT(study_name), "sonograde", "NAME", "of the study in the file", 0, 0 },
    { "csv", 0, SG_OPTION_PATH, AT(csv), NULL, "FILE", "a row per trial: number, state, value, epochs, dates, parameters and user attributes (user_attrs_*; of a population user_attrs_sg_member, _generation, _parent)", 0, 0 },
    { "to-json", 0, SG_OPTION_PATH, AT(table), NULL, "FILE", "the same with values at every step and all attributes", 0, 0 },
    { "journal", 0, SG_OPTION_PATH, AT(journal), NULL, "FILE", "Optuna's journal (JournalFileStorage), a JSON object per line", 0, 0 },
    { NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0 },
};
/* clang-format on */

typedef struct work {
    sg_study *study;
    sg_study_trial *trials;
    size_t count;
} work;

static const char *state_text(sg_trial_state state) {
    static const char *const names[] = {"running", "complete", "pruned", "failed"};
    return names[state];
}

static void put_value(sg_str *out, const sg_dimension *d, double value) {
    sg_str text;
    sg_str_init(&text, 0);
    if (!isnan(value)) sg_dimension_value_put(&text, d, value);
    sg_csv_put(out, sg_str_text(&text));
    sg_str_dispose(&text);
}

static sg_status write_text(sg_str *text, const char *path, sg_error *err) {
    sg_status st = sg_str_check(text, err);
    if (!st) st = sg_file_write(path, sg_str_text(text), text->len, err);
    sg_str_dispose(text);
    return st;
}

/* Text as it is, anything else as JSON; nothing for null and where a trial lacks it. */
static void put_attribute(sg_str *out, const json_t *value) {
    char *json = NULL;
    const char *text = json_string_value(value);
    if (!text && value && !json_is_null(value)) text = json = json_dumps(value, JSON_ENCODE_ANY);
    sg_csv_put(out, text ? text : "");
    free(json);
}

static void put_header(sg_str *out, const sg_space *space, json_t *attributes) {
    static const char *const facts[] = {"number", "state", "value", "epochs", "start", "finish"};
    const char *key;
    json_t *any;
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) sg_csv_put(out, facts[i]);
    for (size_t k = 0; k < space->count; k++) sg_csv_put(out, space->params[k].name);
    json_object_foreach(attributes, key, any) {
        char *name = sg_strdupf("user_attrs_%s", key);
        sg_csv_put(out, name ? name : "");
        free(name);
    }
    sg_csv_end_row(out);
}

static void put_row(
        sg_str *out, const sg_space *space, const sg_study_trial *t, json_t *attributes) {
    const char *key;
    json_t *any;
    sg_csv_put_int(out, (long long)t->number);
    sg_csv_put(out, state_text(t->trial.state));
    sg_csv_put_double(out, t->shown);
    sg_csv_put_int(out, (long long)t->step_count);
    sg_csv_put(out, t->start);
    sg_csv_put(out, t->finish);
    for (size_t k = 0; k < space->count; k++) put_value(out, &space->params[k], t->trial.point[k]);
    json_object_foreach(attributes, key, any) {
        put_attribute(out, json_object_get(t->attributes, key));
    }
    sg_csv_end_row(out);
}

/* A column for every user attribute that any trial has, named as Optuna's trials_dataframe does. */
static sg_status write_csv(const work *w, const char *path, sg_error *err) {
    const sg_space *space = sg_study_space(w->study);
    json_t *attributes = json_object();
    sg_str out;
    sg_str_init(&out, 0);
    for (size_t i = 0; i < w->count; i++)
        if (json_object_update_missing(attributes, w->trials[i].attributes)) break;
    put_header(&out, space, attributes);
    for (size_t i = 0; i < w->count; i++) put_row(&out, space, &w->trials[i], attributes);
    json_decref(attributes);
    return write_text(&out, path, err);
}

/* What train would be given: text for a choice, a number otherwise. */
static json_t *value_json(const sg_dimension *d, double value) {
    return d->choice_count ? json_string(d->choices[(size_t)value]) : sg_json_number(value);
}

static json_t *trial_json(const work *w, const sg_study_trial *t) {
    const sg_space *space = sg_study_space(w->study);
    json_t *params = json_object(), *steps = json_array();
    for (size_t k = 0; k < space->count; k++)
        if (!isnan(t->trial.point[k]))
            json_object_set_new(params, space->params[k].name,
                    value_json(&space->params[k], t->trial.point[k]));
    for (size_t k = 0; k < t->step_count; k++)
        json_array_append_new(
                steps, json_pack("[i, o]", t->steps[k], sg_json_number(t->step_values[k])));
    return json_pack("{s:I, s:s, s:o, s:s, s:s, s:o, s:o, s:O}", "number", (json_int_t)t->number,
            "state", state_text(t->trial.state), "value", sg_json_number(t->shown), "start",
            t->start, "finish", t->finish, "params", params, "steps", steps, "attributes",
            t->attributes);
}

static sg_status write_json(const work *w, const char *path, sg_error *err) {
    json_t *trials = json_array();
    for (size_t i = 0; i < w->count; i++)
        json_array_append_new(trials, trial_json(w, &w->trials[i]));
    json_t *root = json_pack("{s:i, s:s, s:s, s:o}", "schema", 1, "study", sg_study_name(w->study),
            "direction", sg_study_maximise(w->study) ? "maximize" : "minimize", "trials", trials);
    sg_status st = root ? sg_json_write(root, path, err)
                        : sg_fail(err, SG_ERR_MEMORY, "out of memory writing %s", path);
    json_decref(root);
    return st;
}

/* ---- journal ---- */

static void put_line(sg_str *out, json_t *object) {
    char *line = sg_json_line(object);
    if (line)
        sg_str_appendf(out, "%s\n", line);
    else
        out->failed = true; /* a line that is left out would change what the journal says */
    free(line);
    json_decref(object);
}

/* "2026-01-01 10:00:00.5" as the journal has it. */
static json_t *date_json(const char *text) {
    char date[32];
    (void)snprintf(date, sizeof date, "%s", text);
    if (strlen(date) > 10) date[10] = 'T';
    return json_string(date);
}

static void put_trial(sg_str *out, const work *w, const sg_study_trial *t, size_t id) {
    const sg_space *space = sg_study_space(w->study);
    const char *worker = "sonograde";
    put_line(out, json_pack("{s:i, s:s, s:i, s:o}", "op_code", 4, "worker_id", worker, "study_id",
                          0, "datetime_start", date_json(t->start)));
    for (size_t k = 0; k < space->count; k++) {
        if (isnan(t->trial.point[k])) continue;
        char *distribution = sg_dimension_distribution(&space->params[k]);
        put_line(out, json_pack("{s:i, s:s, s:I, s:s, s:f, s:s}", "op_code", 5, "worker_id", worker,
                              "trial_id", (json_int_t)id, "param_name", space->params[k].name,
                              "param_value_internal", t->trial.point[k], "distribution",
                              distribution ? distribution : ""));
        free(distribution);
    }
    for (size_t k = 0; k < t->step_count; k++)
        put_line(out, json_pack("{s:i, s:s, s:I, s:i, s:o}", "op_code", 7, "worker_id", worker,
                              "trial_id", (json_int_t)id, "step", t->steps[k], "intermediate_value",
                              sg_json_number(t->step_values[k])));
    const char *key;
    json_t *value;
    json_object_foreach(t->attributes, key, value) {
        put_line(out, json_pack("{s:i, s:s, s:I, s:{s:O}}", "op_code", 8, "worker_id", worker,
                              "trial_id", (json_int_t)id, "user_attr", key, value));
    }
    if (t->trial.state == SG_TRIAL_RUNNING) return;
    bool valued = isfinite(t->shown); /* another program may stop a trial that has none */
    put_line(out, json_pack("{s:i, s:s, s:I, s:i, s:o, s:o}", "op_code", 6, "worker_id", worker,
                          "trial_id", (json_int_t)id, "state", (int)t->trial.state, "values",
                          valued ? json_pack("[f]", t->shown) : json_null(), "datetime_complete",
                          date_json(t->finish)));
}

static sg_status write_journal(const work *w, const char *path, sg_error *err) {
    sg_str out;
    sg_str_init(&out, 0);
    put_line(&out, json_pack("{s:i, s:s, s:s, s:[i]}", "op_code", 0, "worker_id", "sonograde",
                           "study_name", sg_study_name(w->study), "directions",
                           sg_study_maximise(w->study) ? 2 : 1));
    for (size_t i = 0; i < w->count; i++) put_trial(&out, w, &w->trials[i], i);
    return write_text(&out, path, err);
}

/* ---- the verb ---- */

static sg_status export_study(work *w, const export_args *a, const sg_call *call, sg_error *err) {
    if (!a->study) return sg_fail(err, SG_ERR_USAGE, "say which study: --study FILE");
    if (!a->csv && !a->table && !a->journal)
        return sg_fail(err, SG_ERR_USAGE, "say what to write: --csv, --to-json or --journal FILE");
    const sg_study_options options = {a->study_name, NULL, false, SG_STUDY_SCHEMA_3_2, true};
    sg_status st = sg_study_open(&w->study, a->study, NULL, &options, err);
    if (!st) st = sg_study_load(w->study, &w->trials, &w->count, err);
    if (!st && a->csv) st = write_csv(w, a->csv, err);
    if (!st && a->table) st = write_json(w, a->table, err);
    if (!st && a->journal) st = write_journal(w, a->journal, err);
    if (!st && call->json)
        sg_cli_print_json(json_pack("{s:I}", "trials", (json_int_t)w->count));
    else if (!st && !call->quiet)
        printf("%zu trials written\n", w->count);
    return st;
}

static int run_export(const sg_call *call) {
    sg_error err = SG_ERROR_INIT;
    work w = {0};
    sg_status st = export_study(&w, call->options, call, &err);
    sg_study_trials_free(w.trials, w.count);
    sg_study_close(w.study);
    return st ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_tune_export = {
        .name = "tune export",
        .operands = "",
        .summary = "write a study as CSV, JSON or Optuna's journal",
        .details = NULL,
        .examples = "sonograde tune export --study s.db --csv trials.csv --journal study.log",
        .options = rows,
        .struct_size = sizeof(export_args),
        .min_operands = 0,
        .max_operands = 0,
        .takes_config = false,
        .run = run_export,
};
