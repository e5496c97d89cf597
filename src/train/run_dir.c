/* run_dir.c - see run_dir.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/run_dir.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/thread.h"
#include "base/version.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static const char *const columns[] = {"epoch", "train_loss", "learning_rate", "grad_norm",
        "val_loss", "val_accuracy", "val_macro_f1", "val_auroc", "seconds", "images_per_second",
        "wait_share"};
enum { COLUMNS = sizeof columns / sizeof *columns, RESULTS_MAX = 1 << 28 };

void sg_history_dispose(sg_history *history) {
    if (!history) return;
    free(history->epochs);
    memset(history, 0, sizeof *history);
}

sg_status sg_history_add(sg_history *history, const sg_epoch *epoch, sg_error *err) {
    sg_status st = sg_grow(
            &history->epochs, &history->capacity, history->count + 1, sizeof *history->epochs, err);
    if (!st) history->epochs[history->count++] = *epoch;
    return st;
}

sg_status sg_history_write(const sg_history *history, const char *path, sg_error *err) {
    sg_str s;
    sg_str_init(&s, 0);
    for (int i = 0; i < COLUMNS; i++) sg_csv_put(&s, columns[i]);
    sg_csv_end_row(&s);
    for (size_t i = 0; i < history->count; i++) {
        const sg_epoch *e = &history->epochs[i];
        double val[] = {e->val.loss, e->val.accuracy, e->val.macro_f1, e->val.auroc};
        sg_csv_put_int(&s, e->epoch);
        sg_csv_put_double(&s, e->train_loss);
        sg_csv_put_double(&s, e->learning_rate);
        sg_csv_put_double(&s, e->grad_norm);
        for (int k = 0; k < 4; k++) sg_csv_put_double(&s, e->has_val ? val[k] : NAN);
        sg_csv_put_double(&s, e->seconds);
        sg_csv_put_double(&s, e->images_per_second);
        sg_csv_put_double(&s, e->wait_share);
        sg_csv_end_row(&s);
    }
    sg_status st = sg_str_check(&s, err);
    if (!st) st = sg_file_write(path, s.data, s.len, err);
    sg_str_dispose(&s);
    return st;
}

static double cell_number(const sg_csv *csv, size_t row, int column) {
    double value;
    const char *cell = sg_csv_cell(csv, row, column);
    return *cell && sg_parse_double(&value, cell) ? value : NAN;
}

sg_status sg_history_read(sg_history *out, const char *path, int last_epoch, sg_error *err) {
    sg_history h = {0};
    if (!sg_path_exists(path)) {
        *out = h;
        return SG_OK;
    }
    sg_csv csv;
    char *text;
    size_t size;
    sg_status st = sg_file_read(&text, &size, path, RESULTS_MAX, err);
    if (st) return st;
    while (size > 0 && text[size - 1] != '\n') size--;
    st = sg_csv_parse(&csv, text, size, path, err);
    free(text);
    if (st) return st;
    double v[COLUMNS];
    for (size_t row = 0; row < csv.rows && !st; row++) {
        for (int i = 0; i < COLUMNS; i++) {
            int column = sg_csv_column(&csv, columns[i]);
            v[i] = column < 0 ? NAN : cell_number(&csv, row, column);
        }
        if (!(v[0] >= 1 && v[0] <= last_epoch)) continue;
        sg_epoch e = {(int)v[0], v[1], v[2], v[3], !isnan(v[4]), {v[4], v[5], v[6], v[7]}, v[8],
                v[9], v[10]};
        st = sg_history_add(&h, &e, err);
    }
    sg_csv_dispose(&csv);
    if (st)
        sg_history_dispose(&h);
    else
        *out = h;
    return st;
}

sg_status sg_run_log(const char *dir, json_t *object, sg_error *err) {
    char when[32];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_t *line = json_object();
    json_object_set_new(line, "time", json_string(when));
    json_object_update(line, object);
    char *text = sg_json_line(line), *path = sg_path_join(dir, "log.jsonl");
    char *with_newline = text ? sg_strdupf("%s\n", text) : NULL;
    sg_status st =
            with_newline && path
                    ? sg_file_append(path, with_newline, strlen(with_newline), false, err)
                    : sg_fail(err, SG_ERR_MEMORY, "out of memory writing the log of %s", dir);
    free(with_newline);
    free(text);
    free(path);
    json_decref(line);
    json_decref(object);
    return st;
}

sg_status sg_run_environment(
        const char *dir, const char *backend, int threads, int workers, sg_error *err) {
    struct utsname host;
    memset(&host, 0, sizeof host);
    uname(&host);
    json_t *env = json_pack("{s:i, s:s, s:s, s:s, s:i, s:i, s:i, s:s, s:s, s:s}", "schema",
            SG_SCHEMA_VERSION, "sonograde", sg_version(), "build", sg_build_id(), "backend",
            backend, "threads", threads, "workers", workers, "processors", sg_cpu_count(), "system",
            host.sysname, "release", host.release, "machine", host.machine);
    char *path = sg_path_join(dir, "environment.json");
    sg_status st = env && path
                           ? sg_json_write(env, path, err)
                           : sg_fail(err, SG_ERR_MEMORY, "out of memory describing the machine");
    free(path);
    json_decref(env);
    return st;
}

size_t sg_run_log_sound(const char *text, size_t size) {
    while (size > 0) {
        const char *before = size > 1 ? memrchr(text, '\n', size - 1) : NULL;
        const char *line = before ? before + 1 : text;
        size_t length = size - (size_t)(line - text);
        if (text[size - 1] == '\n') {
            json_t *value = NULL;
            bool sound = !sg_json_parse(&value, line, length, "log.jsonl", NULL) &&
                         json_is_object(value);
            json_decref(value);
            if (sound) break;
        }
        size = (size_t)(line - text);
    }
    return size;
}

/* A log that cannot be mended is left: it decides nothing. */
static void mend_log(const char *dir) {
    char *path = sg_path_join(dir, "log.jsonl");
    sg_file_map map;
    if (path && sg_path_exists(path) && sg_file_map_open(&map, path, NULL) == SG_OK) {
        size_t size = map.size, sound = sg_run_log_sound((const char *)map.data, size);
        sg_file_map_close(&map);
        if (sound < size) (void)!truncate(path, (off_t)sound);
    }
    free(path);
}

static void sweep_folder(const char *dir) {
    char **names;
    size_t count;
    if (!dir || sg_dir_list(&names, &count, dir, NULL)) return;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(names[i], ".sonograde-", 11) != 0 || !sg_ends_with(names[i], ".tmp")) continue;
        char *path = sg_path_join(dir, names[i]);
        if (path) unlink(path);
        free(path);
    }
    sg_names_free(names);
}

void sg_run_sweep(const char *dir) {
    char *weights = sg_path_join(dir, "weights");
    sweep_folder(dir);
    sweep_folder(weights);
    mend_log(dir);
    free(weights);
}

char *sg_run_weights_path(const char *dir, const char *name) {
    return sg_strdupf("%s/weights/%s.safetensors", dir, name);
}
