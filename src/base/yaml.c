/* yaml.c - libyaml's event stream, held to one mapping of scalars and flat lists.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"
#include "base/file.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { MAX_BYTES = 4 * 1024 * 1024, MAX_ENTRIES = 10000 };

typedef struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
    const char *name; /* what errors call the file */
    sg_yaml *out;
    size_t capacity;
} reader;

static size_t event_line(const reader *r) {
    return r->event.start_mark.line + 1;
}

static sg_status refuse(const reader *r, const char *what, sg_error *err) {
    return sg_fail(err, SG_ERR_FORMAT, "%s: line %zu: %s", r->name, event_line(r), what);
}

static sg_status next_event(reader *r, sg_error *err) {
    if (r->has_event) yaml_event_delete(&r->event);
    r->has_event = false;
    if (!yaml_parser_parse(&r->parser, &r->event))
        return sg_fail(err, SG_ERR_FORMAT, "%s: line %zu: not valid YAML: %s", r->name,
                r->parser.problem_mark.line + 1,
                r->parser.problem ? r->parser.problem : "unreadable");
    r->has_event = true;
    return SG_OK;
}

/* A plain scalar's text, borrowed from the event; NULL text with an error otherwise. */
static sg_status scalar_text(const char **text, const reader *r, sg_error *err) {
    if (r->event.type == YAML_ALIAS_EVENT) return refuse(r, "aliases are not allowed", err);
    if (r->event.type != YAML_SCALAR_EVENT)
        return refuse(r, "only 'name: value' and flat lists of values are allowed", err);
    if (r->event.data.scalar.anchor) return refuse(r, "anchors are not allowed", err);
    if (r->event.data.scalar.tag) return refuse(r, "tags are not allowed", err);
    const char *value = (const char *)r->event.data.scalar.value;
    if (strlen(value) != r->event.data.scalar.length)
        return refuse(r, "a value holds a NUL byte", err);
    *text = value;
    return SG_OK;
}

/* YAML is Unicode and paths are bytes: a byte b >= 0x80 that YAML cannot hold is written as the
 * private character U+F700 + b, which reads back as that byte. In UTF-8: EF 9E 80 to EF 9F BF. */
static int private_byte(const char *text) {
    const unsigned char *p = (const unsigned char *)text;
    if (p[0] != 0xEF || (p[1] != 0x9E && p[1] != 0x9F) || (p[2] & 0xC0) != 0x80) return -1;
    return 0x80 + ((p[1] & 1) << 6 | (p[2] & 0x3F));
}

static sg_status append_scalar(sg_str *s, const reader *r, sg_error *err) {
    const char *text;
    sg_status status = scalar_text(&text, r, err);
    if (status) return status;
    for (const char *p = text; *p;) {
        int byte = private_byte(p);
        char raw = (char)byte;
        sg_str_append_n(s, byte < 0 ? p : &raw, 1);
        p += byte < 0 ? 1 : 3;
    }
    return SG_OK;
}

static sg_status read_list(sg_str *s, reader *r, sg_error *err) {
    if (r->event.data.sequence_start.anchor) return refuse(r, "anchors are not allowed", err);
    if (r->event.data.sequence_start.tag) return refuse(r, "tags are not allowed", err);
    for (bool first = true;; first = false) {
        sg_status status = next_event(r, err);
        if (status) return status;
        if (r->event.type == YAML_SEQUENCE_END_EVENT) return SG_OK;
        if (!first) sg_str_append(s, ",");
        status = append_scalar(s, r, err);
        if (status) return status;
    }
}

/* Reads the value after a key and stores the pair. */
static sg_status read_pair(reader *r, sg_error *err) {
    const char *text;
    sg_status status = scalar_text(&text, r, err);
    if (status) return status;
    if (!*text) return refuse(r, "a key is empty", err);
    const sg_yaml_entry *before = sg_yaml_find(r->out, text);
    if (before)
        return sg_fail(err, SG_ERR_FORMAT, "%s: line %zu: '%s' was set before, in line %zu",
                r->name, event_line(r), text, before->line);
    if (r->out->count == MAX_ENTRIES) return refuse(r, "too many settings", err);
    status = sg_grow(
            &r->out->entries, &r->capacity, r->out->count + 1, sizeof *r->out->entries, err);
    if (status) return status;

    sg_yaml_entry entry = {.key = sg_strdup(text), .line = event_line(r)};
    sg_str value;
    sg_str_init(&value, MAX_BYTES);
    status = next_event(r, err);
    if (!status)
        status = r->event.type == YAML_SEQUENCE_START_EVENT ? read_list(&value, r, err)
                                                            : append_scalar(&value, r, err);
    if (!status) {
        entry.value = sg_str_take(&value);
        if (!entry.key || !entry.value)
            status = sg_fail(err, SG_ERR_MEMORY, "%s: out of memory", r->name);
    }
    if (status) {
        free(entry.key);
        free(entry.value);
        sg_str_dispose(&value);
        return status;
    }
    r->out->entries[r->out->count++] = entry;
    return SG_OK;
}

static sg_status read_mapping(reader *r, sg_error *err) {
    if (r->event.data.mapping_start.anchor) return refuse(r, "anchors are not allowed", err);
    if (r->event.data.mapping_start.tag) return refuse(r, "tags are not allowed", err);
    for (;;) {
        sg_status status = next_event(r, err);
        if (status) return status;
        if (r->event.type == YAML_MAPPING_END_EVENT) return SG_OK;
        status = read_pair(r, err);
        if (status) return status;
    }
}

/* stream start, at most one document with one mapping (or nothing), stream end */
static sg_status read_stream(reader *r, sg_error *err) {
    int documents = 0;
    for (;;) {
        sg_status status = next_event(r, err);
        if (status) return status;
        switch (r->event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_STREAM_END_EVENT:
            return SG_OK;
        case YAML_DOCUMENT_START_EVENT:
            if (++documents > 1) return refuse(r, "only one document is allowed", err);
            break;
        case YAML_MAPPING_START_EVENT:
            status = read_mapping(r, err);
            if (status) return status;
            break;
        case YAML_SCALAR_EVENT:
            if (r->event.data.scalar.length == 0 && !r->event.data.scalar.tag) break;
            return refuse(r, "expected lines of 'name: value'", err);
        default:
            return refuse(r, "expected lines of 'name: value'", err);
        }
    }
}

sg_status sg_yaml_parse(
        sg_yaml *out, const char *text, size_t size, const char *name, sg_error *err) {
    sg_yaml yaml = {0};
    reader r = {.name = name, .out = &yaml};
    if (!yaml_parser_initialize(&r.parser))
        return sg_fail(err, SG_ERR_MEMORY, "%s: out of memory", name);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, size);
    sg_status status = read_stream(&r, err);
    if (r.has_event) yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    if (status)
        sg_yaml_dispose(&yaml);
    else
        *out = yaml;
    return status;
}

sg_status sg_yaml_read(sg_yaml *out, const char *path, sg_error *err) {
    char *text;
    size_t size;
    sg_status status = sg_file_read(&text, &size, path, MAX_BYTES, err);
    if (status) return status;
    status = sg_yaml_parse(out, text, size, path, err);
    free(text);
    return status;
}

void sg_yaml_dispose(sg_yaml *yaml) {
    if (!yaml) return;
    for (size_t i = 0; i < yaml->count; i++) {
        free(yaml->entries[i].key);
        free(yaml->entries[i].value);
    }
    free(yaml->entries);
    *yaml = (sg_yaml){0};
}

const sg_yaml_entry *sg_yaml_find(const sg_yaml *yaml, const char *key) {
    for (size_t i = 0; i < yaml->count; i++)
        if (strcmp(yaml->entries[i].key, key) == 0) return &yaml->entries[i];
    return NULL;
}

/* Plain only what cannot be anything but a plain scalar; everything else is double-quoted. */
static bool is_plain(const char *text) {
    static const char safe[] =
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/+-";
    static const char *const words[] = {
            "true", "false", "yes", "no", "on", "off", "null", "y", "n"};
    if (!*text || strspn(text, safe) != strlen(text)) return false;
    if (strcmp(text, "-") == 0 || strncmp(text, "---", 3) == 0 || strcmp(text, "...") == 0)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == strlen(text) && sg_ends_with(text, words[i])) return i < 2;
    return true;
}

/* Whether YAML 1.1 keeps the valid UTF-8 sequence of n bytes as it stands between double quotes: C1
 * controls, line separators, byte order marks and our own private range it does not. */
static bool is_kept(const char *text, size_t n) {
    static const char *const lost[] = {
            "\xE2\x80\xA8", "\xE2\x80\xA9", "\xEF\xBB\xBF", "\xEF\xBF\xBE", "\xEF\xBF\xBF"};
    if (n == 2 && text[0] == '\xC2' && (unsigned char)text[1] < 0xA0) return false;
    for (size_t i = 0; n == 3 && i < sizeof lost / sizeof *lost; i++)
        if (memcmp(text, lost[i], 3) == 0) return false;
    return private_byte(text) < 0;
}

void sg_yaml_put(sg_str *s, const char *key, const char *value) {
    if (is_plain(value)) {
        sg_str_appendf(s, "%s: %s\n", key, value);
        return;
    }
    sg_str_appendf(s, "%s: \"", key);
    for (const char *p = value; *p;) {
        unsigned char c = (unsigned char)*p;
        size_t n = sg_utf8_length(p);
        if (c == '"' || c == '\\')
            sg_str_appendf(s, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            sg_str_appendf(s, "\\x%02x", c);
        else if (c < 0x80 || (n && is_kept(p, n)))
            sg_str_append_n(s, p, n);
        else
            for (size_t i = 0; i < (n ? n : 1); i++)
                sg_str_appendf(s, "\\uF7%02X", (unsigned char)p[i]);
        p += n ? n : 1;
    }
    sg_str_append(s, "\"\n");
}
