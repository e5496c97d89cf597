/* study_sql.c - SQLite in three lines a query, with messages that name the file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tune/study_internal.h"

#include <math.h>
#include <stdarg.h>

sg_status sg_sql_fail(sqlite3 *db, const char *path, sg_error *err) {
    int code = sqlite3_errcode(db);
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for the study %s", path);
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return sg_fail(err, SG_ERR_FORMAT,
                "%s is no SQLite database or is damaged (%s): give another --study", path,
                sqlite3_errmsg(db));
    case SQLITE_IOERR: /* also a full disk, where the file of the WAL's index cannot grow */
        return sg_fail(err, SG_ERR_IO,
                "cannot read or write the study %s (%s): check that its disk has space and works",
                path, sqlite3_errmsg(db));
    case SQLITE_FULL:
        return sg_fail(err, SG_ERR_IO, "no space left for the study %s", path);
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return sg_fail(err, SG_ERR_IO,
                "cannot write the study %s: check that the file and its folder may be written",
                path);
    case SQLITE_BUSY:
        return sg_fail(
                err, SG_ERR_IO, "the study %s was locked by another process for two minutes", path);
    default:
        return sg_fail(err, SG_ERR_IO, "study %s: %s", path, sqlite3_errmsg(db));
    }
}

sg_status sg_sql_run(sqlite3 *db, const char *path, const char *sql, sg_error *err) {
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? SG_OK
                                                                : sg_sql_fail(db, path, err);
}

static int bind_all(sqlite3_stmt *stmt, const char *types, va_list args) {
    int code = SQLITE_OK;
    for (int i = 0; types[i] && code == SQLITE_OK; i++) {
        if (types[i] == 'i') {
            code = sqlite3_bind_int64(stmt, i + 1, va_arg(args, long long));
        } else if (types[i] == 's') {
            code = sqlite3_bind_text(stmt, i + 1, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
        } else {
            double value = va_arg(args, double);
            code = types[i] == 'z' && !isfinite(value) ? sqlite3_bind_null(stmt, i + 1)
                                                       : sqlite3_bind_double(stmt, i + 1, value);
        }
    }
    return code;
}

static sg_status prepare(sqlite3_stmt **out, sqlite3 *db, const char *path, sg_error *err,
        const char *sql, const char *types, va_list args) {
    if (sqlite3_prepare_v2(db, sql, -1, out, NULL) == SQLITE_OK &&
            bind_all(*out, types, args) == SQLITE_OK)
        return SG_OK;
    sg_status st = sg_sql_fail(db, path, err);
    sqlite3_finalize(*out);
    *out = NULL;
    return st;
}

sg_status sg_sql_prepare(sqlite3_stmt **out, sqlite3 *db, const char *path, sg_error *err,
        const char *sql, const char *types, ...) {
    va_list args;
    va_start(args, types);
    sg_status st = prepare(out, db, path, err, sql, types, args);
    va_end(args);
    return st;
}

sg_status sg_sql_step(sqlite3_stmt *stmt, bool *row, sqlite3 *db, const char *path, sg_error *err) {
    int code = sqlite3_step(stmt);
    *row = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ? SG_OK : sg_sql_fail(db, path, err);
}

sg_status sg_sql_do(
        sqlite3 *db, const char *path, sg_error *err, const char *sql, const char *types, ...) {
    va_list args;
    sqlite3_stmt *stmt = NULL;
    bool row;
    va_start(args, types);
    sg_status st = prepare(&stmt, db, path, err, sql, types, args);
    va_end(args);
    if (!st) st = sg_sql_step(stmt, &row, db, path, err);
    sqlite3_finalize(stmt);
    return st;
}

sg_status sg_sql_end(sqlite3 *db, const char *path, sg_status st, sg_error *err) {
    if (!st) st = sg_sql_run(db, path, "COMMIT", err);
    if (st && !sqlite3_get_autocommit(db)) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return st;
}
