/* ledger_file.c - see ledger_file.h. A line is
 *   {"look": 3, "previous": ID, "date": "2026-11-28", "set": ID, "images": [...], "members": [...],
 *    "settings": "...", "id": ID}
 * `id` is the digest of the line without it, `set` that of the images, which stand in the first
 * line that has them. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/ledger_file.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const size_t max_bytes = (size_t)1 << 30;

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory with the ledger of evaluations");
}

/* ---- digests ---- */

static bool is_digest(const json_t *value) {
    const char *text = json_string_value(value);
    return text && strlen(text) == SG_SHA256_HEX - 1 &&
           strspn(text, "0123456789abcdef") == SG_SHA256_HEX - 1;
}

static bool are_digests(const json_t *list) {
    if (!json_is_array(list) || json_array_size(list) == 0) return false;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!is_digest(json_array_get(list, i))) return false;
    return true;
}

/* sha256 over the digests laid end to end. */
static sg_status digest_list(char out[SG_SHA256_HEX], const json_t *list, sg_error *err) {
    sg_str all;
    sg_str_init(&all, 0);
    for (size_t i = 0; i < json_array_size(list); i++)
        sg_str_append(&all, json_string_value(json_array_get(list, i)));
    sg_status st = sg_str_check(&all, err);
    if (!st) sg_sha256_hex(out, sg_str_text(&all), all.len);
    sg_str_dispose(&all);
    return st;
}

/* Of a line as it stands without its id. */
static sg_status digest_line(char out[SG_SHA256_HEX], json_t *line, sg_error *err) {
    char *text = sg_json_line(line);
    if (!text) return no_memory(err);
    sg_sha256_hex(out, text, strlen(text));
    free(text);
    return SG_OK;
}

/* ---- reading ---- */

static sg_status damaged(const sg_ledger *l, const char *what, sg_error *err) {
    return sg_fail(err, SG_ERR_FORMAT,
            "%s: the ledger of test evaluations is damaged (line %zu %s); it is left as it is. "
            "Bring back a copy, or move it aside (mv '%s' '%s.damaged') to begin a new one: what "
            "was looked at before is then not known any more, and a report should say so",
            l->path, l->count + 1, what, l->path, l->path);
}

/* The images of a set, from the look that listed them. */
static const json_t *find_set(const sg_ledger *l, const char *set) {
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->looks[i].set, set) == 0) return l->looks[i].images;
    return NULL;
}

static sg_status check_line(sg_ledger *l, json_t *line, sg_error *err) {
    sg_ledger_look look = {.set = json_string_value(json_object_get(line, "set")),
            .settings = json_string_value(json_object_get(line, "settings")),
            .members = json_object_get(line, "members"),
            .images = json_object_get(line, "images")};
    const char *previous = json_string_value(json_object_get(line, "previous"));
    const json_t *set = json_object_get(line, "set"), *id = json_object_get(line, "id");
    char digest[SG_SHA256_HEX];
    if (!look.settings || !previous || !is_digest(set) || !is_digest(id) ||
            !are_digests(look.members) || (look.images && !are_digests(look.images)))
        return damaged(l, "is no look", err);
    if (strcmp(previous, l->count ? l->looks[l->count - 1].id : "") != 0)
        return damaged(l, "does not follow the one before", err);
    memcpy(look.id, json_string_value(id), sizeof look.id);
    json_object_del(line, "id");
    sg_status st = digest_line(digest, line, err);
    if (st) return st;
    if (strcmp(digest, look.id) != 0) return damaged(l, "was changed", err);
    if (look.images) {
        st = digest_list(digest, look.images, err);
        if (st) return st;
        if (strcmp(digest, look.set) != 0)
            return damaged(l, "lists other images than it names", err);
    } else {
        look.images = find_set(l, look.set);
        if (!look.images) return damaged(l, "names images that no line lists", err);
    }
    l->looks[l->count] = look;
    return SG_OK;
}

static sg_status read_lines(sg_ledger *l, sg_error *err) {
    size_t capacity = 0;
    sg_status st = SG_OK;
    for (const char *at = sg_str_text(&l->text); *at && !st;) {
        const char *end = strchr(at, '\n');
        json_t *line = NULL;
        if (!end) return damaged(l, "is cut off", err);
        sg_error why = SG_ERROR_INIT;
        st = sg_json_parse(&line, at, (size_t)(end - at), l->path, &why);
        if (st == SG_ERR_FORMAT || (!st && !json_is_object(line))) {
            json_decref(line);
            return damaged(l, "is no JSON object", err);
        }
        if (st) return sg_fail(err, st, "%s", why.message);
        if (json_array_append_new(l->lines, line)) return no_memory(err);
        st = sg_grow(&l->looks, &capacity, l->count + 1, sizeof *l->looks, err);
        if (!st) st = check_line(l, line, err);
        if (!st) l->count++;
        at = end + 1;
    }
    return st;
}

static sg_status read_text(sg_ledger *l, sg_error *err) {
    if (!sg_path_exists(l->path)) return SG_OK;
    char *data;
    size_t size;
    sg_status st = sg_file_read(&data, &size, l->path, max_bytes, err);
    if (st) return st;
    sg_str_append_n(&l->text, data, size);
    bool whole = strlen(data) == size;
    free(data);
    if (!whole) return damaged(l, "holds a NUL byte", err);
    return sg_str_check(&l->text, err);
}

/* Evaluations side by side wait for each other. */
static sg_status take_lock(sg_ledger *l, sg_error *err) {
    enum { TRIES = 1500 };
    const struct timespec pause = {0, 20 * 1000 * 1000};
    char *path = sg_strdupf("%s.lock", l->path);
    if (!path) return no_memory(err);
    sg_status st = SG_ERR_INPUT;
    for (int i = 0; i < TRIES && st == SG_ERR_INPUT; i++) {
        if (i) nanosleep(&pause, NULL);
        st = sg_file_lock_take(&l->lock, path, err);
    }
    free(path);
    return st;
}

/* The folder of the ledger is made when it is not there. */
static sg_status make_folder(const char *path, sg_error *err) {
    size_t n = (size_t)(sg_path_base(path) - path);
    char *folder = n > 1 ? sg_strdupf("%.*s", (int)(n - 1), path) : NULL;
    if (n <= 1) return SG_OK;
    sg_status st = folder ? sg_dir_make(folder, err) : no_memory(err);
    free(folder);
    return st;
}

sg_status sg_ledger_open(sg_ledger *out, const char *path, sg_error *err) {
    sg_ledger l = {.path = sg_strdup(path), .lock = {-1}, .lines = json_array()};
    sg_str_init(&l.text, max_bytes);
    sg_status st = l.path && l.lines ? make_folder(path, err) : no_memory(err);
    if (!st) st = take_lock(&l, err);
    if (!st) st = read_text(&l, err);
    if (!st) st = read_lines(&l, err);
    if (st)
        sg_ledger_close(&l);
    else
        *out = l;
    return st;
}

void sg_ledger_close(sg_ledger *l) {
    sg_file_lock_drop(&l->lock);
    free(l->path);
    free(l->looks);
    json_decref(l->lines);
    sg_str_dispose(&l->text);
}

/* ---- adding ---- */

static void write_date(char out[16]) {
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    if (!strftime(out, 16, "%Y-%m-%d", &utc)) out[0] = '\0';
}

sg_status sg_ledger_add(
        sg_ledger *l, json_t *images, json_t *members, const char *settings, sg_error *err) {
    char set[SG_SHA256_HEX], id[SG_SHA256_HEX], date[16];
    sg_status st = digest_list(set, images, err);
    if (st) return st;
    write_date(date);
    bool listed = find_set(l, set) != NULL;
    json_t *line =
            json_pack("{s:I, s:s, s:s, s:s, s:O*, s:O, s:s}", "look", (json_int_t)l->count + 1,
                    "previous", l->count ? l->looks[l->count - 1].id : "", "date", date, "set", set,
                    "images", listed ? NULL : images, "members", members, "settings", settings);
    if (!line) return no_memory(err);
    st = digest_line(id, line, err);
    if (!st && json_object_set_new(line, "id", json_string(id))) st = no_memory(err);
    char *text = st ? NULL : sg_json_line(line);
    json_decref(line);
    if (!st && !text) st = no_memory(err);
    if (!st) {
        sg_str_append(&l->text, text);
        sg_str_append(&l->text, "\n");
        st = sg_str_check(&l->text, err);
    }
    free(text);
    return st ? st : sg_file_write(l->path, l->text.data, l->text.len, err);
}
