/* study_internal.h - what the files of the study share. Private to src/tune.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TUNE_STUDY_INTERNAL_H
#define SG_TUNE_STUDY_INTERNAL_H

#include "tune/study.h"
#include <sqlite3.h>

struct sg_study {
    sqlite3 *db;
    char *path, *name, *settings;
    long long id;
    bool maximise;
    sg_space space;
    char owner[160];
};

/* Runs one or more statements without results. */
SG_MUST_CHECK sg_status sg_sql_run(sqlite3 *db, const char *path, const char *sql, sg_error *err);
/* Prepares `sql` and binds by letters: i long long, d double, s text (NULL allowed), z as d but
 * NULL when not finite. */
SG_MUST_CHECK sg_status sg_sql_prepare(sqlite3_stmt **out, sqlite3 *db, const char *path,
        sg_error *err, const char *sql, const char *types, ...);
/* Prepares, runs to the end and finalises. */
SG_MUST_CHECK sg_status sg_sql_do(
        sqlite3 *db, const char *path, sg_error *err, const char *sql, const char *types, ...);
/* Next row: *row false at the end. */
SG_MUST_CHECK sg_status sg_sql_step(
        sqlite3_stmt *stmt, bool *row, sqlite3 *db, const char *path, sg_error *err);
sg_status sg_sql_fail(sqlite3 *db, const char *path, sg_error *err);
/* Ends a transaction: commits when st is SG_OK, else rolls back and returns st. */
SG_MUST_CHECK sg_status sg_sql_end(sqlite3 *db, const char *path, sg_status st, sg_error *err);

/* "boot-id:pid:start:pid-namespace": a process that cannot be mistaken for a later one with the
 * same number. One in another container of this machine cannot be looked at, so it is ELSEWHERE. */
void sg_owner_name(char out[160]);
typedef enum sg_owner_state { SG_OWNER_ALIVE, SG_OWNER_GONE, SG_OWNER_ELSEWHERE } sg_owner_state;
sg_owner_state sg_owner_look(const char *owner);

/* Local time as Optuna writes it. */
void sg_study_now(char out[32]);

#endif
