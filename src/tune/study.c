/* study.c - opening and making a study. SPDX-License-Identifier: Apache-2.0 */
#include "tune/study_internal.h"
#include "tune/study_schema.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUSY_MS = 120000 };

const sg_space *sg_study_space(const sg_study *study) {
    return &study->space;
}
const char *sg_study_settings(const sg_study *study) {
    return study->settings;
}
const char *sg_study_name(const sg_study *study) {
    return study->name;
}
bool sg_study_maximise(const sg_study *study) {
    return study->maximise;
}

void sg_study_close(sg_study *s) {
    if (!s) return;
    sqlite3_close(s->db);
    sg_space_dispose(&s->space);
    free(s->path);
    free(s->name);
    free(s->settings);
    free(s);
}

/* The parameter lines as one JSON object, in order. */
static char *space_json(const sg_space *space) {
    json_t *object = json_object();
    sg_str text;
    sg_str_init(&text, 0);
    for (size_t i = 0; i < space->count; i++) {
        sg_str_clear(&text);
        sg_dimension_put(&text, space, i);
        json_object_set_new(object, space->params[i].name, json_string(sg_str_text(&text)));
    }
    for (size_t i = 0; i < space->fixed_count; i++) {
        sg_str_clear(&text);
        sg_str_append(&text, "fixed ");
        sg_space_put_word(&text, space->fixed[i].value);
        json_object_set_new(object, space->fixed[i].name, json_string(sg_str_text(&text)));
    }
    sg_str_dispose(&text);
    char *line = sg_json_line(object);
    json_decref(object);
    return line;
}

static sg_status space_from_json(
        sg_space *space, const char *line, const char *path, sg_error *err) {
    json_t *object;
    sg_status st = sg_json_parse(&object, line, strlen(line), path, err);
    if (st) return st;
    if (!json_is_object(object))
        st = sg_fail(err, SG_ERR_FORMAT, "%s: sg_space is no object", path);
    for (void *at = json_object_iter(object); !st && at; at = json_object_iter_next(object, at)) {
        const char *text = json_string_value(json_object_iter_value(at));
        if (!text)
            st = sg_fail(err, SG_ERR_FORMAT, "%s: sg_space holds no text for '%s'", path,
                    json_object_iter_key(at));
        else
            st = sg_space_add(space, json_object_iter_key(at), text, err);
    }
    json_decref(object);
    return st;
}

/* First column of the first row as text (the caller's), NULL when there is none. */
static sg_status fetch_text(
        char **out, const sg_study *s, sg_error *err, const char *sql, const char *key) {
    sqlite3_stmt *stmt;
    bool row;
    *out = NULL;
    sg_status st = sg_sql_prepare(&stmt, s->db, s->path, err, sql, key ? "is" : "", s->id, key);
    if (st) return st;
    st = sg_sql_step(stmt, &row, s->db, s->path, err);
    if (!st && row && sqlite3_column_text(stmt, 0)) {
        *out = sg_strdup((const char *)sqlite3_column_text(stmt, 0));
        if (!*out) st = sg_fail(err, SG_ERR_MEMORY, "out of memory for the study %s", s->path);
    }
    sqlite3_finalize(stmt);
    return st;
}

static sg_status count_tables(int *out, const sg_study *s, sg_error *err) {
    sqlite3_stmt *stmt;
    bool row;
    sg_status st = sg_sql_prepare(&stmt, s->db, s->path, err,
            "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table'", "");
    if (st) return st;
    st = sg_sql_step(stmt, &row, s->db, s->path, err);
    if (!st) *out = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return st;
}

static sg_status make_schema(const sg_study *s, sg_study_schema schema, sg_error *err) {
    bool newer = schema == SG_STUDY_SCHEMA_3_2;
    sg_status st = sg_sql_run(s->db, s->path, study_schema, err);
    if (!st && newer) st = sg_sql_run(s->db, s->path, study_schema_index, err);
    if (!st)
        st = sg_sql_do(s->db, s->path, err, "INSERT INTO alembic_version VALUES (?)", "s",
                newer ? "v3.2.0.a" : "v3.0.0.d");
    if (!st)
        st = sg_sql_do(s->db, s->path, err, "INSERT INTO version_info VALUES (1, 12, ?)", "s",
                newer ? "3.2.0" : "3.1.0");
    return st;
}

/* A file of other tables, or of another revision, is not ours to write into. */
static sg_status check_schema(const sg_study *s, sg_error *err) {
    char *version = NULL;
    sg_error inner = SG_ERROR_INIT;
    sg_status st = fetch_text(&version, s, &inner, "SELECT version_num FROM alembic_version", NULL);
    bool known = !st && version &&
                 (strcmp(version, "v3.0.0.d") == 0 || strcmp(version, "v3.2.0.a") == 0);
    if (!known)
        st = sg_fail(err, SG_ERR_FORMAT,
                "%s is an SQLite file but no study of Optuna 3.0 to 4 (schema %s): give another "
                "--study",
                s->path, version ? version : "unknown");
    free(version);
    return st;
}

static sg_status add_attribute(
        const sg_study *s, const char *key, const char *json, sg_error *err) {
    return sg_sql_do(s->db, s->path, err,
            "INSERT INTO study_user_attributes (study_id, key, value_json) VALUES (?, ?, ?)", "iss",
            s->id, key, json);
}

static sg_status make_study(
        sg_study *s, const sg_space *space, const sg_study_options *o, sg_error *err) {
    sg_status st = sg_sql_do(
            s->db, s->path, err, "INSERT INTO studies (study_name) VALUES (?)", "s", o->name);
    if (st) return st;
    s->id = sqlite3_last_insert_rowid(s->db);
    char *line = space_json(space);
    if (!line) return sg_fail(err, SG_ERR_MEMORY, "out of memory for the study %s", s->path);
    st = sg_sql_do(s->db, s->path, err,
            "INSERT INTO study_directions (direction, study_id, objective) VALUES (?, ?, 0)", "si",
            o->maximise ? "MAXIMIZE" : "MINIMIZE", s->id);
    if (!st) st = add_attribute(s, "sg_space", line, err);
    if (!st) st = add_attribute(s, "sg_settings", o->settings ? o->settings : "{}", err);
    free(line);
    return st;
}

static sg_status find_study(sg_study *s, const char *name, sg_error *err) {
    sqlite3_stmt *stmt;
    bool row;
    sg_status st = sg_sql_prepare(&stmt, s->db, s->path, err,
            "SELECT s.study_id, d.direction FROM studies s JOIN study_directions d ON d.study_id = "
            "s.study_id AND d.objective = 0 WHERE s.study_name = ?",
            "s", name);
    if (st) return st;
    st = sg_sql_step(stmt, &row, s->db, s->path, err);
    if (!st && row) {
        const char *direction = (const char *)sqlite3_column_text(stmt, 1);
        s->id = sqlite3_column_int64(stmt, 0);
        s->maximise = direction && strcmp(direction, "MAXIMIZE") == 0;
    }
    sqlite3_finalize(stmt);
    return st;
}

static sg_status no_study(const sg_study *s, const char *name, sg_error *err) {
    return sg_fail(err, SG_ERR_INPUT, "%s holds no study '%s'", s->path, name);
}

static sg_status find_or_make(
        sg_study *s, const sg_space *space, const sg_study_options *o, sg_error *err) {
    int tables = 0;
    sg_status st = sg_sql_run(s->db, s->path, "BEGIN IMMEDIATE", err);
    if (st) return st;
    st = count_tables(&tables, s, err);
    if (!st) st = tables ? check_schema(s, err) : make_schema(s, o->schema, err);
    if (!st) st = find_study(s, o->name, err);
    if (!st && !s->id && (o->must_exist || !space))
        st = no_study(s, o->name, err);
    else if (!st && !s->id)
        st = make_study(s, space, o, err);
    return sg_sql_end(s->db, s->path, st, err);
}

/* Appends the lines of `a` that `b` lacks, with commas between. */
static void put_lines_apart(sg_str *out, const char *a, const char *b) {
    const char *comma = "";
    for (const char *line = a; *line;) {
        size_t n = strcspn(line, "\n");
        bool found = false;
        for (const char *other = b; *other && !found;) {
            size_t m = strcspn(other, "\n");
            found = m == n && strncmp(line, other, n) == 0;
            other += m + (other[m] == '\n');
        }
        if (!found) sg_str_appendf(out, "%s%.*s", comma, (int)n, line);
        if (!found) comma = ", ";
        line += n + (line[n] == '\n');
    }
}

/* Settings that are one text of many lines: the lines that differ; else all. */
static sg_status other_settings(const sg_study *s, const sg_study_options *o, sg_error *err) {
    json_t *before = json_loads(s->settings, JSON_DECODE_ANY, NULL);
    json_t *now = json_loads(o->settings, JSON_DECODE_ANY, NULL);
    bool texts = json_is_string(before) && json_is_string(now);
    const char *a = texts ? json_string_value(before) : s->settings;
    const char *b = texts ? json_string_value(now) : o->settings;
    sg_str was, is;
    sg_str_init(&was, 0);
    sg_str_init(&is, 0);
    put_lines_apart(&was, a, b);
    put_lines_apart(&is, b, a);
    sg_status st = sg_fail(err, SG_ERR_MISMATCH,
            "the study '%s' in %s was made with other settings (%s; now %s): give those, or "
            "another "
            "--study-name",
            o->name, s->path, sg_str_text(&was), sg_str_text(&is));
    sg_str_dispose(&was);
    sg_str_dispose(&is);
    json_decref(before);
    json_decref(now);
    return st;
}

static sg_status check_same(
        sg_study *s, const sg_space *space, const sg_study_options *o, sg_error *err) {
    char *line = NULL;
    sg_status st = find_study(s, o->name, err);
    if (!st)
        st = fetch_text(&line, s, err,
                "SELECT value_json FROM study_user_attributes WHERE study_id = ? AND key = ?",
                "sg_space");
    if (!st)
        st = fetch_text(&s->settings, s, err,
                "SELECT value_json FROM study_user_attributes WHERE study_id = ? AND key = ?",
                "sg_settings");
    if (!st && (!line || !s->settings))
        st = sg_fail(err, SG_ERR_INPUT,
                "the study '%s' in %s was not made by sonograde: give another --study-name",
                o->name, s->path);
    if (!st) st = space_from_json(&s->space, line, s->path, err);
    if (!st && space) {
        char *asked = space_json(space);
        if (!asked)
            st = sg_fail(err, SG_ERR_MEMORY, "out of memory for the study %s", s->path);
        else if (strcmp(asked, line) != 0)
            st = sg_fail(err, SG_ERR_MISMATCH,
                    "the study '%s' in %s searches another space: %s; give another --study-name",
                    o->name, s->path, line);
        free(asked);
    }
    free(line);
    if (!st && space && s->maximise != o->maximise)
        st = sg_fail(err, SG_ERR_MISMATCH, "the study '%s' in %s %s its figure", o->name, s->path,
                s->maximise ? "maximises" : "minimises");
    if (!st && o->settings && strcmp(o->settings, s->settings) != 0) st = other_settings(s, o, err);
    return st;
}

/* Several processes may turn a new file to WAL at once; the losers see BUSY without waiting. */
static sg_status to_wal(sg_study *s, sg_error *err) {
    for (int tries = 0;; tries++) {
        sg_status st = sg_sql_run(s->db, s->path,
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON",
                err);
        if (!st || (sqlite3_errcode(s->db) & 0xff) != SQLITE_BUSY || tries == 600) return st;
        usleep(50000);
    }
}

/* A study on a read-only disk can be read as it stands, unless writers left changes beside it. */
static bool is_frozen(const char *path, const sg_study_options *o) {
    char *wal = o->must_exist ? sg_strdupf("%s-wal", path) : NULL;
    bool frozen = wal && access(path, W_OK) != 0 && access(wal, F_OK) != 0;
    free(wal);
    return frozen;
}

/* SQLite takes a lock even to read; not on a file that it is told nobody changes. */
static sg_status open_frozen(sg_study *s, const sg_study_options *o, sg_error *err) {
    sg_str uri;
    sg_str_init(&uri, 0);
    sg_str_append(&uri, "file:");
    for (const unsigned char *c = (const unsigned char *)s->path; *c; c++)
        sg_str_appendf(&uri, strchr("?#%", *c) ? "%%%02X" : "%c", *c);
    sg_str_append(&uri, "?immutable=1");
    sg_status st = sg_str_check(&uri, err);
    if (!st && sqlite3_open_v2(uri.data, &s->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL))
        st = s->db ? sg_sql_fail(s->db, s->path, err)
                   : sg_fail(err, SG_ERR_MEMORY, "out of memory for the study %s", s->path);
    sg_str_dispose(&uri);
    if (!st) st = check_schema(s, err);
    if (!st) st = find_study(s, o->name, err);
    if (!st && !s->id) st = no_study(s, o->name, err);
    return st;
}

static sg_status open_shared(
        sg_study *s, const sg_space *space, const sg_study_options *o, sg_error *err) {
    int flags = SQLITE_OPEN_READWRITE | (o->must_exist ? 0 : SQLITE_OPEN_CREATE);
    if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK)
        return s->db ? sg_sql_fail(s->db, s->path, err)
                     : sg_fail(err, SG_ERR_MEMORY, "out of memory for the study %s", s->path);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    int tables = 0;
    /* Before anything is changed: another program's file stays as it is. */
    sg_status st = count_tables(&tables, s, err);
    if (!st && tables) st = check_schema(s, err);
    if (!st && !tables && o->must_exist) st = no_study(s, o->name, err);
    if (!st) st = to_wal(s, err);
    return st ? st : find_or_make(s, space, o, err);
}

sg_status sg_study_open(sg_study **out, const char *path, const sg_space *space,
        const sg_study_options *o, sg_error *err) {
    sg_study *s = calloc(1, sizeof *s);
    if (s) {
        s->path = sg_strdup(path);
        s->name = sg_strdup(o->name);
    }
    if (!s || !s->path || !s->name) {
        sg_study_close(s);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for the study %s", path);
    }
    sg_owner_name(s->owner);
    sg_status st = SG_OK;
    if (o->must_exist && access(path, F_OK) != 0)
        st = sg_fail(err, SG_ERR_INPUT, "there is no study %s: check the name after --study", path);
    else
        st = is_frozen(path, o) ? open_frozen(s, o, err) : open_shared(s, space, o, err);
    if (!st) st = check_same(s, space, o, err);
    if (st) {
        sg_study_close(s);
        return st;
    }
    *out = s;
    return SG_OK;
}
