/* str.h - a growing text or byte buffer with a hard maximum. It frees itself on failure and then
 * remembers the failure, so that a long run of appends needs one check at the end (the habit of
 * curl's dynbuf). Always NUL-terminated once something was appended.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BASE_STR_H
#define SG_BASE_STR_H

#include "sonograde/error.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct sg_str {
    char *data; /* NULL while empty */
    size_t len, cap, max;
    bool failed; /* out of memory or past max: appends are ignored from then on */
} sg_str;

/* max: most bytes it may ever hold; 0 means 256 MiB. */
void sg_str_init(sg_str *s, size_t max);
void sg_str_dispose(sg_str *s); /* NULL-safe; the struct may be reused */
void sg_str_clear(sg_str *s);   /* length 0, keeps the memory */

void sg_str_append(sg_str *s, const char *text);
void sg_str_append_n(sg_str *s, const void *bytes, size_t n);
void sg_str_appendf(sg_str *s, const char *fmt, ...) SG_PRINTF(2, 3);
/* A double with the fewest digits that read back to the same value ('.' in any locale);
 * NaN and infinities are written as null. */
void sg_str_append_double(sg_str *s, double value);

const char *sg_str_text(const sg_str *s); /* "" when empty; borrowed */
/* SG_ERR_MEMORY when an append was lost. */
SG_MUST_CHECK sg_status sg_str_check(const sg_str *s, sg_error *err);
/* Moves the text to the caller (free it); leaves *s empty. NULL when failed. */
char *sg_str_take(sg_str *s);

/* Locale-proof number parsing; false unless the whole text is one number. */
bool sg_parse_double(double *out, const char *text);
bool sg_parse_int64(long long *out, const char *text);

/* Edit distance with transpositions, for "did you mean". */
size_t sg_edit_distance(const char *a, const char *b);

bool sg_ends_with(const char *text, const char *suffix);      /* case-insensitive, ASCII */
bool sg_is_among(const char *const *texts, const char *text); /* texts ends with NULL, or is NULL */
char *sg_strdup(const char *text);                            /* NULL when out of memory */
char *sg_strdupf(const char *fmt, ...) SG_PRINTF(1, 2);       /* NULL when out of memory */

/* Length in bytes of the well-formed UTF-8 sequence at `text` (RFC 3629: no overlong forms, no
 * surrogates), or 0 where there is none. */
size_t sg_utf8_length(const char *text);
/* Appends bytes that need not be UTF-8: one that is none becomes the four characters \xHH. */
void sg_str_append_utf8(sg_str *s, const char *bytes);

/* realloc for arrays: makes room for `need` elements in *items (capacity doubles).
 * Overflow-checked. */
SG_MUST_CHECK sg_status sg_grow(
        void *items_pointer, size_t *capacity, size_t need, size_t element_size, sg_error *err);

#endif
