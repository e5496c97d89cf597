/* json.c - jansson with our rules.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/file.h"
#include "base/str.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 512 * 1024 * 1024 };

sg_status sg_json_parse(
        json_t **out, const char *text, size_t size, const char *name, sg_error *err) {
    json_error_t why;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
    if (!value)
        return sg_fail(err, SG_ERR_FORMAT, "%s: line %d, column %d: not valid JSON: %s", name,
                why.line, why.column, why.text);
    *out = value;
    return SG_OK;
}

sg_status sg_json_read(json_t **out, const char *path, sg_error *err) {
    char *text;
    size_t size;
    sg_status status = sg_file_read(&text, &size, path, MAX_BYTES, err);
    if (status) return status;
    status = sg_json_parse(out, text, size, path, err);
    free(text);
    return status;
}

sg_status sg_json_write(const json_t *value, const char *path, sg_error *err) {
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(17) | JSON_ENCODE_ANY);
    if (!text) return sg_fail(err, SG_ERR_MEMORY, "%s: cannot be written as JSON", path);
    sg_file_writer *w;
    sg_status status = sg_file_writer_open(&w, path, err);
    if (!status) {
        status = sg_file_writer_write(w, text, strlen(text), err);
        if (!status) status = sg_file_writer_write(w, "\n", 1, err);
        if (status)
            sg_file_writer_abandon(w);
        else
            status = sg_file_writer_commit(w, err);
    }
    free(text);
    return status;
}

char *sg_json_line(const json_t *value) {
    return json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(17) | JSON_ENCODE_ANY);
}

json_t *sg_json_number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *sg_json_text(const char *bytes) {
    json_t *text = json_string(bytes);
    if (text) return text;
    sg_str s;
    sg_str_init(&s, 0);
    sg_str_append_utf8(&s, bytes);
    text = json_string(sg_str_text(&s));
    sg_str_dispose(&s);
    return text;
}
