/* class_map.c - see class_map.h. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/class_map.h"
#include "base/json.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory matching classes");
}

void sg_class_map_dispose(sg_class_map *map) {
    if (!map) return;
    for (size_t i = 0; i < map->count; i++) {
        free(map->pairs[i].model);
        free(map->pairs[i].data);
    }
    free(map->pairs);
    *map = (sg_class_map){0};
}

bool sg_class_same_name(const char *bytes, const char *text) {
    json_t *name = sg_json_text(bytes);
    bool same = name && strcmp(json_string_value(name), text) == 0;
    json_decref(name);
    return same;
}

/* ---- parsing ---- */

/* A copy of text[n] without spaces at its ends. */
static char *trimmed(const char *text, size_t n) {
    while (n && *text == ' ') text++, n--;
    while (n && text[n - 1] == ' ') n--;
    return sg_strdupf("%.*s", (int)n, text);
}

static const sg_class_pair *find_pair(const sg_class_map *map, const char *data) {
    for (size_t i = 0; map && i < map->count; i++)
        if (strcmp(map->pairs[i].data, data) == 0) return &map->pairs[i];
    return NULL;
}

static sg_status add_pair(sg_class_map *map, size_t *capacity, const char *model, size_t model_n,
        const char *data, size_t data_n, sg_error *err) {
    sg_status st = sg_grow(&map->pairs, capacity, map->count + 1, sizeof *map->pairs, err);
    if (st) return st;
    sg_class_pair pair = {trimmed(model, model_n), trimmed(data, data_n)};
    if (!pair.model || !pair.data)
        st = no_memory(err);
    else if (!*pair.data)
        st = sg_fail(err, SG_ERR_USAGE,
                "--class-map: nothing stands after '%s=' or between its commas; write "
                "MODEL=DATA,DATA;MODEL=DATA",
                pair.model);
    else if (find_pair(map, pair.data))
        st = sg_fail(
                err, SG_ERR_USAGE, "--class-map names the class '%s' of the data twice", pair.data);
    if (st) {
        free(pair.model);
        free(pair.data);
        return st;
    }
    map->pairs[map->count++] = pair;
    return SG_OK;
}

/* "benign=a,b" of n bytes. */
static sg_status parse_entry(
        sg_class_map *map, size_t *capacity, const char *entry, size_t n, sg_error *err) {
    const char *equals = memchr(entry, '=', n);
    if (!equals)
        return sg_fail(err, SG_ERR_USAGE,
                "--class-map: '%.*s' has no '='; write MODEL=DATA,DATA;MODEL=DATA with the model's "
                "class on the left",
                (int)n, entry);
    const char *end = entry + n;
    for (const char *at = equals + 1;;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        sg_status st = add_pair(
                map, capacity, entry, (size_t)(equals - entry), at, (size_t)(stop - at), err);
        if (st || !comma) return st;
        at = comma + 1;
    }
}

sg_status sg_class_map_parse(sg_class_map *out, const char *text, sg_error *err) {
    sg_class_map map = {0};
    size_t capacity = 0;
    sg_status st = SG_OK;
    for (const char *at = text; *at && !st;) {
        size_t n = strcspn(at, ";");
        if (strspn(at, " ") < n) st = parse_entry(&map, &capacity, at, n, err);
        at += n + (at[n] == ';');
    }
    if (!st && map.count == 0)
        st = sg_fail(err, SG_ERR_USAGE, "--class-map is empty; write MODEL=DATA,DATA;MODEL=DATA");
    if (st)
        sg_class_map_dispose(&map);
    else
        *out = map;
    return st;
}

/* ---- applying ---- */

static int find_class(const char *name, const char *const *classes, int n) {
    for (int k = 0; k < n; k++)
        if (sg_class_same_name(name, classes[k])) return k;
    return -1;
}

/* The class that a foreign name most likely means ("B", "Benign", "benign_lesion"), or "?". */
static const char *guess(const char *name, const char *const *classes, int n) {
    for (int k = 0; k < n; k++) {
        size_t a = strlen(name), b = strlen(classes[k]);
        if (a && strncasecmp(name, classes[k], a < b ? a : b) == 0) return classes[k];
    }
    return "?";
}

static void put_names(sg_str *s, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++) sg_str_appendf(s, "%s'%s'", i ? ", " : "", names[i]);
}

/* Names what is unknown and writes the map that would do. */
static sg_status refuse_unknown(const int *index, const sg_class_map *map, const sg_manifest *m,
        const char *const *classes, int class_count, sg_error *err) {
    sg_str unknown, wanted, known;
    sg_str_init(&unknown, 0);
    sg_str_init(&wanted, 0);
    sg_str_init(&known, 0);
    put_names(&known, classes, (size_t)class_count);
    for (size_t i = 0; map && i < map->count; i++)
        sg_str_appendf(&wanted, "%s=%s;", map->pairs[i].model, map->pairs[i].data);
    for (size_t c = 0; c < m->class_count; c++) {
        if (index[c] >= 0 || find_pair(map, m->class_names[c])) continue;
        sg_str_appendf(&unknown, "%s'%s'", unknown.len ? ", " : "", m->class_names[c]);
        sg_str_appendf(&wanted, "%s=%s;", guess(m->class_names[c], classes, class_count),
                m->class_names[c]);
    }
    if (wanted.len) wanted.data[--wanted.len] = '\0';
    sg_status st = sg_fail(err, SG_ERR_INPUT,
            "the data have classes that the model does not know: %s; it knows %s. Say what they "
            "are with --class-map \"%s\" (put a class of the model in place of each ?; nothing on "
            "the left of = leaves those images out)",
            sg_str_text(&unknown), sg_str_text(&known), sg_str_text(&wanted));
    sg_str_dispose(&unknown);
    sg_str_dispose(&wanted);
    sg_str_dispose(&known);
    return st;
}

/* Whatever the map names must be there: a misspelt name would go unnoticed else. */
static sg_status check_pairs(const sg_class_map *map, const sg_manifest *m,
        const char *const *classes, int class_count, sg_error *err) {
    for (size_t i = 0; map && i < map->count; i++) {
        const sg_class_pair *p = &map->pairs[i];
        bool data = sg_manifest_class(m, p->data) >= 0;
        if (data && (!*p->model || find_class(p->model, classes, class_count) >= 0)) continue;
        sg_str there;
        sg_str_init(&there, 0);
        put_names(&there, data ? classes : (const char *const *)m->class_names,
                data ? (size_t)class_count : m->class_count);
        sg_status st = sg_fail(err, SG_ERR_INPUT,
                "--class-map names the class '%s', which the %s; there are %s",
                data ? p->model : p->data, data ? "model does not know" : "data do not have",
                sg_str_text(&there));
        sg_str_dispose(&there);
        return st;
    }
    return SG_OK;
}

sg_status sg_class_map_apply(int *index, const sg_class_map *map, const sg_manifest *m,
        const char *const *classes, int class_count, sg_error *err) {
    sg_status st = check_pairs(map, m, classes, class_count, err);
    if (st) return st;
    bool unknown = false;
    for (size_t c = 0; c < m->class_count; c++) {
        const sg_class_pair *p = find_pair(map, m->class_names[c]);
        bool left_out = p && !*p->model;
        index[c] = left_out ? SG_CLASS_LEFT_OUT
                            : find_class(p ? p->model : m->class_names[c], classes, class_count);
        unknown |= !left_out && index[c] < 0;
    }
    return unknown ? refuse_unknown(index, map, m, classes, class_count, err) : SG_OK;
}
