/* csv.h - comma-separated tables as RFC 4180 has them: quoted fields, doubled quotes, CRLF or LF, a
 * header row. Writing guards spreadsheets: a field that starts with = + - @ or a control character
 * and is not a number is written with a leading apostrophe, which reading takes off again.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BASE_CSV_H
#define SG_BASE_CSV_H

#include "base/str.h"
#include "sonograde/error.h"
#include <stddef.h>

typedef struct sg_csv {
    size_t rows, columns; /* rows without the header */
    char **header;        /* [columns] */
    char **cells;         /* [rows * columns]; every row has all columns */
    char *block;          /* owner of all text */
} sg_csv;

/* Expected failures: SG_ERR_IO, SG_ERR_MISSING; SG_ERR_FORMAT naming path and line (no header, a
 * row of another width, an unclosed quote, a NUL byte, more than 1 GiB). */
SG_MUST_CHECK sg_status sg_csv_read(sg_csv *out, const char *path, sg_error *err);
/* The same from memory; `name` is what errors call it. */
SG_MUST_CHECK sg_status sg_csv_parse(
        sg_csv *out, const char *text, size_t size, const char *name, sg_error *err);
void sg_csv_dispose(sg_csv *csv);

int sg_csv_column(const sg_csv *csv, const char *name); /* index, or -1 */
const char *sg_csv_cell(const sg_csv *csv, size_t row, int column);

/* Appends one field, preceded by a comma unless it is the first of its line. */
void sg_csv_put(sg_str *s, const char *field);
/* The same of a name for other programs to read: a byte that is no UTF-8 becomes \xHH. */
void sg_csv_put_name(sg_str *s, const char *name);
void sg_csv_put_double(sg_str *s, double value); /* NaN becomes an empty field */
void sg_csv_put_int(sg_str *s, long long value);
void sg_csv_end_row(sg_str *s);

#endif
