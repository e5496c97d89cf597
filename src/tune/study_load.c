/* study_load.c - all trials of a study in memory. SPDX-License-Identifier: Apache-2.0 */
#include "tune/study_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sg_study_trials_free(sg_study_trial *trials, size_t count) {
    for (size_t i = 0; trials && i < count; i++) {
        free(trials[i].steps);
        free(trials[i].step_values);
        json_decref(trials[i].attributes);
    }
    free(trials);
}

typedef struct loader {
    const sg_study *study;
    sg_study_trial *trials;
    size_t count, capacity;
} loader;

static sg_trial_state state_of(const char *name) {
    if (strcmp(name, "COMPLETE") == 0) return SG_TRIAL_COMPLETE;
    if (strcmp(name, "PRUNED") == 0) return SG_TRIAL_PRUNED;
    return strcmp(name, "FAIL") == 0 ? SG_TRIAL_FAILED : SG_TRIAL_RUNNING;
}

static const char *text(sqlite3_stmt *stmt, int column) {
    const char *value = (const char *)sqlite3_column_text(stmt, column);
    return value ? value : "";
}

static sg_status read_trial(loader *l, sqlite3_stmt *stmt, sg_error *err) {
    sg_status st = sg_grow(&l->trials, &l->capacity, l->count + 1, sizeof *l->trials, err);
    if (st) return st;
    sg_study_trial *t = &l->trials[l->count];
    memset(t, 0, sizeof *t);
    t->id = sqlite3_column_int64(stmt, 0);
    t->number = (size_t)sqlite3_column_int64(stmt, 1);
    t->trial.state = state_of(text(stmt, 2));
    snprintf(t->start, sizeof t->start, "%.31s", text(stmt, 3));
    snprintf(t->finish, sizeof t->finish, "%.31s", text(stmt, 4));
    t->shown = sqlite3_column_type(stmt, 5) == SQLITE_NULL ? NAN : sqlite3_column_double(stmt, 5);
    bool valued = t->trial.state == SG_TRIAL_COMPLETE || t->trial.state == SG_TRIAL_PRUNED;
    t->trial.value = !valued ? NAN : l->study->maximise ? -t->shown : t->shown;
    for (size_t i = 0; i < SG_SPACE_MAX; i++) t->trial.point[i] = NAN;
    t->attributes = json_object();
    if (!t->attributes)
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for the study %s", l->study->path);
    l->count++;
    return SG_OK;
}

/* The trial a row belongs to: rows and trials are both in order of the number. */
static sg_study_trial *trial_of(loader *l, size_t *at, long long id) {
    while (*at < l->count && l->trials[*at].id != id) ++*at;
    return *at < l->count ? &l->trials[*at] : NULL;
}

static sg_status read_param(loader *l, size_t *at, sqlite3_stmt *stmt, sg_error *err) {
    sg_study_trial *t = trial_of(l, at, sqlite3_column_int64(stmt, 0));
    int param = sg_space_find(&l->study->space, text(stmt, 1));
    if (!t || param < 0) return SG_OK; /* added by another program: not part of the space */
    double value = sqlite3_column_double(stmt, 2);
    const sg_dimension *p = &l->study->space.params[param];
    bool fits = p->choice_count ? value >= 0 && value < (double)p->choice_count
                                : value >= p->low && value <= p->high;
    if (!fits)
        return sg_fail(err, SG_ERR_FORMAT, "%s: trial %zu has %s = %g outside its range",
                l->study->path, t->number, p->name, value);
    t->trial.point[param] = value;
    t->has_point = true;
    return SG_OK;
}

static sg_status read_step(loader *l, size_t *at, sqlite3_stmt *stmt, sg_error *err) {
    sg_study_trial *t = trial_of(l, at, sqlite3_column_int64(stmt, 0));
    if (!t) return SG_OK;
    size_t n = t->step_count;
    if ((n & (n - 1)) == 0) { /* room doubles at powers of two */
        size_t room = n ? 2 * n : 1;
        int *steps = realloc(t->steps, room * sizeof *steps);
        if (steps) t->steps = steps;
        double *values = realloc(t->step_values, room * sizeof *values);
        if (values) t->step_values = values;
        if (!steps || !values)
            return sg_fail(err, SG_ERR_MEMORY, "out of memory for the study %s", l->study->path);
    }
    const char *type = text(stmt, 3);
    t->steps[n] = sqlite3_column_int(stmt, 1);
    t->step_values[n] = strcmp(type, "INF_POS") == 0   ? INFINITY
                        : strcmp(type, "INF_NEG") == 0 ? -INFINITY
                        : strcmp(type, "NAN") == 0     ? NAN
                                                       : sqlite3_column_double(stmt, 2);
    t->step_count++;
    return SG_OK;
}

static sg_status read_attribute(loader *l, size_t *at, sqlite3_stmt *stmt, sg_error *err) {
    sg_study_trial *t = trial_of(l, at, sqlite3_column_int64(stmt, 0));
    if (!t) return SG_OK;
    json_t *value = json_loads(text(stmt, 2), JSON_DECODE_ANY, NULL);
    if (!value)
        return sg_fail(err, SG_ERR_FORMAT, "%s: attribute %s of trial %zu is no JSON",
                l->study->path, text(stmt, 1), t->number);
    json_object_set_new(t->attributes, text(stmt, 1), value);
    return SG_OK;
}

/* Runs `sql` (bound to the study) and gives every row to `read`. */
static sg_status each_row(loader *l, const char *sql,
        sg_status (*read)(loader *, size_t *, sqlite3_stmt *, sg_error *), sg_error *err) {
    const sg_study *s = l->study;
    sqlite3_stmt *stmt;
    bool row = true;
    size_t at = 0;
    sg_status st = sg_sql_prepare(&stmt, s->db, s->path, err, sql, "i", s->id);
    if (st) return st;
    while (!st && row) {
        st = sg_sql_step(stmt, &row, s->db, s->path, err);
        if (!st && row) st = read(l, &at, stmt, err);
    }
    sqlite3_finalize(stmt);
    return st;
}

static sg_status add_trial(loader *l, size_t *at, sqlite3_stmt *stmt, sg_error *err) {
    (void)at;
    return read_trial(l, stmt, err);
}

static sg_status read_all(loader *l, sg_error *err) {
    sg_status st = each_row(l,
            "SELECT t.trial_id, t.number, t.state, t.datetime_start, t.datetime_complete, v.value "
            "FROM trials t LEFT JOIN trial_values v ON v.trial_id = t.trial_id AND v.objective = 0 "
            "WHERE t.study_id = ? ORDER BY t.number, t.trial_id",
            add_trial, err);
    if (!st)
        st = each_row(l,
                "SELECT p.trial_id, p.param_name, p.param_value FROM trial_params p JOIN trials t "
                "USING (trial_id) WHERE t.study_id = ? ORDER BY t.number, t.trial_id",
                read_param, err);
    if (!st)
        st = each_row(l,
                "SELECT i.trial_id, i.step, i.intermediate_value, i.intermediate_value_type FROM "
                "trial_intermediate_values i JOIN trials t USING (trial_id) WHERE t.study_id = ? "
                "ORDER BY t.number, t.trial_id, i.step",
                read_step, err);
    if (!st)
        st = each_row(l,
                "SELECT a.trial_id, a.key, a.value_json FROM trial_user_attributes a JOIN trials t "
                "USING (trial_id) WHERE t.study_id = ? ORDER BY t.number, t.trial_id, a.key",
                read_attribute, err);
    return st;
}

sg_status sg_study_load(const sg_study *s, sg_study_trial **trials, size_t *count, sg_error *err) {
    loader l = {.study = s};
    /* One read transaction: all tables as of one moment. */
    sg_status st = sg_sql_run(s->db, s->path, "BEGIN", err);
    if (st) return st;
    st = sg_sql_end(s->db, s->path, read_all(&l, err), err);
    if (st) {
        sg_study_trials_free(l.trials, l.count);
        return st;
    }
    *trials = l.trials;
    *count = l.count;
    return SG_OK;
}
