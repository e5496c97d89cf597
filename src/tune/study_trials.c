/* study_trials.c - what happens to one trial: begun, given its point, heard from, finished, taken
 * over. SPDX-License-Identifier: Apache-2.0 */
#include "tune/study_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *state_name(sg_trial_state state) {
    static const char *const names[] = {"RUNNING", "COMPLETE", "PRUNED", "FAIL"};
    return names[state];
}

static sg_status put_attribute(
        sg_study *s, long long id, const char *key, const char *json, sg_error *err) {
    return sg_sql_do(s->db, s->path, err,
            "INSERT INTO trial_user_attributes (trial_id, key, value_json) VALUES (?, ?, ?) ON "
            "CONFLICT (trial_id, key) DO UPDATE SET value_json = excluded.value_json",
            "iss", id, key, json);
}

static sg_status put_owner(sg_study *s, long long id, sg_error *err) {
    char json[170];
    snprintf(json, sizeof json, "\"%.160s\"", s->owner);
    return put_attribute(s, id, "sg_owner", json, err);
}

static sg_status beat(sg_study *s, long long id, sg_error *err) {
    char now[32];
    sg_study_now(now);
    return sg_sql_do(s->db, s->path, err,
            "INSERT INTO trial_heartbeats (trial_id, heartbeat) VALUES (?, ?) ON CONFLICT "
            "(trial_id) DO UPDATE SET heartbeat = excluded.heartbeat",
            "is", id, now);
}

static sg_status count_trials(size_t *out, sg_study *s, sg_error *err) {
    sqlite3_stmt *stmt;
    bool row;
    sg_status st = sg_sql_prepare(&stmt, s->db, s->path, err,
            "SELECT COUNT(*) FROM trials WHERE study_id = ?", "i", s->id);
    if (st) return st;
    st = sg_sql_step(stmt, &row, s->db, s->path, err);
    if (!st) *out = (size_t)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return st;
}

static sg_status insert_trial(sg_study *s, sg_ticket *ticket, size_t number, sg_error *err) {
    char now[32];
    sg_study_now(now);
    sg_status st = sg_sql_do(s->db, s->path, err,
            "INSERT INTO trials (number, study_id, state, datetime_start) VALUES (?, ?, "
            "'RUNNING', ?)",
            "iis", (long long)number, s->id, now);
    if (st) return st;
    *ticket = (sg_ticket){sqlite3_last_insert_rowid(s->db), number};
    st = put_owner(s, ticket->id, err);
    return st ? st : beat(s, ticket->id, err);
}

static sg_status insert_below(
        sg_study *s, sg_ticket *ticket, bool *begun, size_t limit, sg_error *err) {
    size_t count;
    sg_status st = count_trials(&count, s, err);
    if (st) return st;
    *begun = count < limit;
    return *begun ? insert_trial(s, ticket, count, err) : SG_OK;
}

sg_status sg_study_begin(sg_study *s, sg_ticket *ticket, bool *begun, size_t limit, sg_error *err) {
    sg_status st = sg_sql_run(s->db, s->path, "BEGIN IMMEDIATE", err);
    if (st) return st;
    return sg_sql_end(s->db, s->path, insert_below(s, ticket, begun, limit, err), err);
}

static json_t *choice_json(const char *text) {
    double number;
    long long whole;
    if (sg_parse_int64(&whole, text)) return json_integer(whole);
    return sg_parse_double(&number, text) ? json_real(number) : sg_json_text(text);
}

char *sg_dimension_distribution(const sg_dimension *p) {
    json_t *object;
    if (p->choice_count) {
        json_t *choices = json_array();
        for (size_t k = 0; k < p->choice_count; k++)
            json_array_append_new(choices, choice_json(p->choices[k]));
        object = json_pack("{s:s, s:{s:o}}", "name", "CategoricalDistribution", "attributes",
                "choices", choices);
    } else if (p->kind == SG_PARAM_INT) {
        object = json_pack("{s:s, s:{s:b, s:i, s:I, s:I}}", "name", "IntDistribution", "attributes",
                "log", (int)p->log, "step", 1, "low", (json_int_t)p->low, "high",
                (json_int_t)p->high);
    } else {
        object = json_pack("{s:s, s:{s:n, s:f, s:f, s:b}}", "name", "FloatDistribution",
                "attributes", "step", "low", p->low, "high", p->high, "log", (int)p->log);
    }
    char *line = sg_json_line(object);
    json_decref(object);
    return line;
}

static sg_status put_params(sg_study *s, long long id, const double *point, sg_error *err) {
    sg_status st = SG_OK;
    for (size_t i = 0; !st && i < s->space.count; i++) {
        if (isnan(point[i])) continue;
        char *distribution = sg_dimension_distribution(&s->space.params[i]);
        if (!distribution)
            return sg_fail(err, SG_ERR_MEMORY, "out of memory for the study %s", s->path);
        st = sg_sql_do(s->db, s->path, err,
                "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) "
                "VALUES (?, ?, ?, ?)",
                "isds", id, s->space.params[i].name, point[i], distribution);
        free(distribution);
    }
    return st;
}

static sg_status insert_whole(sg_study *s, sg_ticket *ticket, bool *begun, size_t seen,
        const double *point, const json_t *attributes, sg_error *err) {
    size_t count;
    const char *key;
    json_t *value;
    sg_status st = count_trials(&count, s, err);
    if (st) return st;
    *begun = count == seen;
    if (!*begun) return SG_OK;
    st = insert_trial(s, ticket, count, err);
    if (!st) st = put_params(s, ticket->id, point, err);
    json_object_foreach((json_t *)attributes, key, value) {
        char *line = st ? NULL : json_dumps(value, JSON_ENCODE_ANY);
        if (!st && !line)
            st = sg_fail(err, SG_ERR_MEMORY, "out of memory for the study %s", s->path);
        if (!st) st = put_attribute(s, ticket->id, key, line, err);
        free(line);
    }
    return st;
}

sg_status sg_study_begin_at(sg_study *s, sg_ticket *ticket, bool *begun, size_t seen,
        const double *point, const json_t *attributes, sg_error *err) {
    sg_status st = sg_sql_run(s->db, s->path, "BEGIN IMMEDIATE", err);
    if (st) return st;
    st = insert_whole(s, ticket, begun, seen, point, attributes, err);
    return sg_sql_end(s->db, s->path, st, err);
}

sg_status sg_study_set_point(
        sg_study *s, const sg_ticket *ticket, const double *point, sg_error *err) {
    sg_status st = sg_sql_run(s->db, s->path, "BEGIN IMMEDIATE", err);
    if (st) return st;
    return sg_sql_end(s->db, s->path, put_params(s, ticket->id, point, err), err);
}

static const char *value_type(double value) {
    if (isnan(value)) return "NAN";
    return isfinite(value) ? "FINITE" : value > 0 ? "INF_POS" : "INF_NEG";
}

sg_status sg_study_report(
        sg_study *s, const sg_ticket *ticket, int step, double value, sg_error *err) {
    sg_status st = sg_sql_run(s->db, s->path, "BEGIN IMMEDIATE", err);
    if (st) return st;
    st = sg_sql_do(s->db, s->path, err,
            "INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, "
            "intermediate_value_type) VALUES (?, ?, ?, ?) ON CONFLICT (trial_id, step) DO UPDATE "
            "SET "
            "intermediate_value = excluded.intermediate_value, intermediate_value_type = "
            "excluded.intermediate_value_type",
            "iizs", ticket->id, (long long)step, value, value_type(value));
    if (!st) st = beat(s, ticket->id, err);
    return sg_sql_end(s->db, s->path, st, err);
}

static sg_status put_end(sg_study *s, long long id, sg_trial_state state, double value,
        const char *message, sg_error *err) {
    char now[32];
    sg_status st = SG_OK;
    sg_study_now(now);
    if (state != SG_TRIAL_FAILED)
        st = sg_sql_do(s->db, s->path, err,
                "INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, 0, "
                "?, "
                "'FINITE') ON CONFLICT (trial_id, objective) DO UPDATE SET value = excluded.value",
                "id", id, value);
    if (!st && message) {
        json_t *text = sg_json_text(message);
        char *json = json_dumps(text, JSON_ENCODE_ANY);
        st = json ? put_attribute(s, id, "sg_message", json, err)
                  : sg_fail(err, SG_ERR_MEMORY, "out of memory for the study %s", s->path);
        free(json);
        json_decref(text);
    }
    if (!st)
        st = sg_sql_do(s->db, s->path, err,
                "UPDATE trials SET state = ?, datetime_complete = ? WHERE trial_id = ?", "ssi",
                state_name(state), now, id);
    return st;
}

sg_status sg_study_finish(sg_study *s, const sg_ticket *ticket, sg_trial_state state, double value,
        const char *message, sg_error *err) {
    if (state != SG_TRIAL_FAILED && !isfinite(value)) {
        state = SG_TRIAL_FAILED;
        if (!message) message = "the figure is not a number";
    }
    sg_status st = sg_sql_run(s->db, s->path, "BEGIN IMMEDIATE", err);
    if (st) return st;
    return sg_sql_end(s->db, s->path, put_end(s, ticket->id, state, value, message, err), err);
}

sg_status sg_study_set_attribute(
        sg_study *s, const sg_ticket *ticket, const char *key, const char *json, sg_error *err) {
    return put_attribute(s, ticket->id, key, json, err);
}

/* ---- taking over ---- */

typedef struct stale {
    sg_ticket ticket;
    bool has_point;
} stale;

/* One running trial whose owner is gone. Dates compare as text; julianday understands them. */
static sg_status find_stale(sg_study *s, stale *out, bool *found, double seconds, sg_error *err) {
    sqlite3_stmt *stmt;
    bool row;
    char now[32];
    sg_study_now(now);
    *found = false;
    sg_status st = sg_sql_prepare(&stmt, s->db, s->path, err,
            "SELECT t.trial_id, t.number, a.value_json, (julianday(?) - julianday(h.heartbeat)) * "
            "86400.0, EXISTS (SELECT 1 FROM trial_params p WHERE p.trial_id = t.trial_id) FROM "
            "trials "
            "t LEFT JOIN trial_user_attributes a ON a.trial_id = t.trial_id AND a.key = 'sg_owner' "
            "LEFT JOIN trial_heartbeats h ON h.trial_id = t.trial_id WHERE t.study_id = ? AND "
            "t.state = 'RUNNING' ORDER BY t.number",
            "si", now, s->id);
    if (st) return st;
    while (!*found && !(st = sg_sql_step(stmt, &row, s->db, s->path, err)) && row) {
        const char *json = (const char *)sqlite3_column_text(stmt, 2);
        char owner[160] = "";
        if (json && json[0] == '"') snprintf(owner, sizeof owner, "%.159s", json + 1);
        owner[strcspn(owner, "\"")] = '\0';
        if (strcmp(owner, s->owner) == 0) continue;
        sg_owner_state state = sg_owner_look(owner);
        bool silent = sqlite3_column_type(stmt, 3) == SQLITE_NULL ||
                      fabs(sqlite3_column_double(stmt, 3)) > seconds;
        if (state == SG_OWNER_ALIVE || (state == SG_OWNER_ELSEWHERE && !silent)) continue;
        out->ticket.id = sqlite3_column_int64(stmt, 0);
        out->ticket.number = (size_t)sqlite3_column_int64(stmt, 1);
        out->has_point = sqlite3_column_int(stmt, 4) != 0 || s->space.count == 0;
        *found = true;
    }
    sqlite3_finalize(stmt);
    return st;
}

static sg_status claim(sg_study *s, sg_ticket *ticket, bool *found, double seconds, sg_error *err) {
    for (;;) {
        stale one = {0};
        sg_status st = find_stale(s, &one, found, seconds, err);
        if (st || !*found) return st;
        if (one.has_point) {
            *ticket = one.ticket;
            st = put_owner(s, ticket->id, err);
            return st ? st : beat(s, ticket->id, err);
        }
        st = put_end(s, one.ticket.id, SG_TRIAL_FAILED, NAN,
                "its process ended before it had parameters", err);
        if (st) return st;
    }
}

sg_status sg_study_take_over(
        sg_study *s, sg_ticket *ticket, bool *found, double seconds, sg_error *err) {
    sg_status st = sg_sql_run(s->db, s->path, "BEGIN IMMEDIATE", err);
    if (st) return st;
    return sg_sql_end(s->db, s->path, claim(s, ticket, found, seconds, err), err);
}
