/* csv.c - one pass over the text, decoding fields in place into one block: a field never grows, and
 * its separator becomes its NUL. SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "base/file.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const size_t max_bytes = (size_t)1 << 30;
static const char byte_order_mark[] = "\xEF\xBB\xBF"; /* of UTF-8 */

/* ---- the spreadsheet guard ---- */

/* Text that a spreadsheet would run, apostrophes in front left aside. */
static bool is_live(const char *field) {
    field += strspn(field, "'");
    unsigned char c = (unsigned char)*field;
    return c && (strchr("=+-@", c) || c < 0x20 || c == 0x7f);
}

static bool needs_guard(const char *field) {
    double number;
    return is_live(field) && !sg_parse_double(&number, field);
}

/* ---- reading ---- */

typedef struct scanner {
    const char *name;
    char *at, *end; /* the block's text; *end is its NUL */
    size_t line;
} scanner;

static sg_status refuse(const scanner *s, const char *what, sg_error *err) {
    return sg_fail(err, SG_ERR_FORMAT, "%s: line %zu: %s", s->name, s->line, what);
}

/* What ends a field. */
typedef enum separator { COMMA, ROW_END, FILE_END } separator;

/* Takes the separator at s->at; false when there is none. */
static bool take_separator(scanner *s, separator *out) {
    if (s->at == s->end) {
        *out = FILE_END;
        return true;
    }
    if (*s->at == ',') {
        s->at++;
        *out = COMMA;
        return true;
    }
    if (*s->at == '\n' || (*s->at == '\r' && s->at[1] == '\n')) {
        s->at += *s->at == '\r' ? 2 : 1;
        s->line++;
        *out = ROW_END;
        return true;
    }
    return false;
}

/* Decodes the quoted field at s->at into place; leaves s->at after the closing quote. */
static sg_status scan_quoted(scanner *s, char **field_end, sg_error *err) {
    char *write = s->at;
    size_t first_line = s->line;
    for (char *read = s->at + 1;; read++) {
        if (read == s->end) {
            s->line = first_line;
            return refuse(s, "a quoted field is not closed", err);
        }
        if (*read == '"' && read[1] == '"') {
            read++;
        } else if (*read == '"') {
            s->at = read + 1;
            *field_end = write;
            return SG_OK;
        }
        if (*read == '\n') s->line++;
        *write++ = *read;
    }
}

static sg_status scan_field(scanner *s, char **field, separator *ended_by, sg_error *err) {
    char *start = s->at, *stop = start;
    if (*s->at == '"') {
        sg_status status = scan_quoted(s, &stop, err);
        if (status) return status;
        if (!take_separator(s, ended_by))
            return refuse(s, "text follows the closing quote of a field", err);
    } else {
        for (stop = s->at; !take_separator(s, ended_by); stop = s->at) s->at++;
    }
    *stop = '\0';
    *field = *start == '\'' && is_live(start) ? start + 1 : start;
    return SG_OK;
}

typedef struct cell_list {
    char **items;
    size_t count, capacity;
} cell_list;

/* One row appended to *cells; *columns = its fields, 0 for an empty line. */
static sg_status scan_row(
        scanner *s, cell_list *cells, size_t *columns, bool *last, sg_error *err) {
    separator ended_by;
    *columns = 0;
    if (take_separator(s, &ended_by)) {
        if (ended_by == COMMA) {
            s->at--;
        } else {
            *last = ended_by == FILE_END;
            return SG_OK;
        }
    }
    do {
        char *field = NULL;
        sg_status status = scan_field(s, &field, &ended_by, err);
        if (status) return status;
        status = sg_grow(
                &cells->items, &cells->capacity, cells->count + 1, sizeof *cells->items, err);
        if (status) return status;
        cells->items[cells->count++] = field;
        ++*columns;
    } while (ended_by == COMMA);
    *last = ended_by == FILE_END;
    return SG_OK;
}

static sg_status scan_rows(scanner *s, sg_csv *csv, cell_list *cells, sg_error *err) {
    for (bool last = false; !last;) {
        size_t line = s->line, columns;
        sg_status status = scan_row(s, cells, &columns, &last, err);
        if (status) return status;
        if (columns == 0) continue;
        if (csv->columns == 0) {
            csv->columns = columns;
        } else if (columns != csv->columns) {
            return sg_fail(err, SG_ERR_FORMAT, "%s: line %zu has %zu fields, the header has %zu",
                    s->name, line, columns, csv->columns);
        } else {
            csv->rows++;
        }
    }
    if (csv->columns == 0)
        return sg_fail(err, SG_ERR_FORMAT, "%s: is empty; a header line was expected", s->name);
    return SG_OK;
}

sg_status sg_csv_parse(
        sg_csv *out, const char *text, size_t size, const char *name, sg_error *err) {
    if (size > max_bytes)
        return sg_fail(err, SG_ERR_FORMAT, "%s: larger than 1 GiB, the most a table may be", name);
    if (size >= 3 && memcmp(text, byte_order_mark, 3) == 0) {
        text += 3;
        size -= 3;
    }
    sg_csv csv = {.block = malloc(size + 1)};
    if (!csv.block) return sg_fail(err, SG_ERR_MEMORY, "%s: out of memory", name);
    if (size) memcpy(csv.block, text, size);
    csv.block[size] = '\0';

    scanner s = {.name = name, .at = csv.block, .end = csv.block + size, .line = 1};
    cell_list cells = {0};
    sg_status status = SG_OK;
    const char *nul = size ? memchr(text, '\0', size) : NULL;
    if (nul) {
        for (const char *p = text; p < nul; p++) s.line += *p == '\n';
        status = refuse(&s, "holds a NUL byte; this is not a CSV file", err);
    }
    if (!status) status = scan_rows(&s, &csv, &cells, err);
    csv.header = cells.items;
    csv.cells = cells.items ? cells.items + csv.columns : NULL;
    if (status)
        sg_csv_dispose(&csv);
    else
        *out = csv;
    return status;
}

sg_status sg_csv_read(sg_csv *out, const char *path, sg_error *err) {
    char *text;
    size_t size;
    sg_status status = sg_file_read(&text, &size, path, max_bytes, err);
    if (status) return status;
    status = sg_csv_parse(out, text, size, path, err);
    free(text);
    return status;
}

void sg_csv_dispose(sg_csv *csv) {
    if (!csv) return;
    free(csv->header); /* the cells follow in the same array */
    free(csv->block);
    *csv = (sg_csv){0};
}

int sg_csv_column(const sg_csv *csv, const char *name) {
    for (size_t i = 0; i < csv->columns; i++)
        if (strcmp(csv->header[i], name) == 0) return (int)i;
    return -1;
}

const char *sg_csv_cell(const sg_csv *csv, size_t row, int column) {
    return csv->cells[row * csv->columns + (size_t)column];
}

/* ---- writing ---- */

/* An empty first field is written as "", so that a line never starts with nothing in it. */
static bool start_field(sg_str *s) {
    bool first = s->len == 0 || s->data[s->len - 1] == '\n';
    if (!first) sg_str_append(s, ",");
    return first;
}

void sg_csv_put(sg_str *s, const char *field) {
    bool first = start_field(s);
    bool guard = needs_guard(field);
    bool marked = strncmp(field, byte_order_mark, 3) == 0; /* at the top it would be taken off */
    if (*field ? !strpbrk(field, ",\"\r\n") && !marked : !first) {
        sg_str_appendf(s, "%s%s", guard ? "'" : "", field);
        return;
    }
    sg_str_append(s, guard ? "\"'" : "\"");
    for (const char *p = field; *p; p++) {
        if (*p == '"') sg_str_append(s, "\"");
        sg_str_append_n(s, p, 1);
    }
    sg_str_append(s, "\"");
}

void sg_csv_put_name(sg_str *s, const char *name) {
    sg_str text;
    sg_str_init(&text, 0);
    sg_str_append_utf8(&text, name);
    sg_csv_put(s, sg_str_text(&text));
    if (text.failed) s->failed = true;
    sg_str_dispose(&text);
}

void sg_csv_put_double(sg_str *s, double value) {
    if (isnan(value)) {
        sg_csv_put(s, "");
        return;
    }
    start_field(s);
    if (isinf(value))
        sg_str_append(s, value > 0 ? "inf" : "-inf");
    else
        sg_str_append_double(s, value);
}

void sg_csv_put_int(sg_str *s, long long value) {
    start_field(s);
    sg_str_appendf(s, "%lld", value);
}

void sg_csv_end_row(sg_str *s) {
    sg_str_append(s, "\n");
}
