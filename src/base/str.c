/* str.c - the growing buffer, locale-proof numbers, and small text helpers.
 * Numbers are read and written under the "C" locale of the calling thread, whatever the program
 * that embeds the library has set. SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_MAX = 256 * 1024 * 1024, FIRST_CAPACITY = 64, EDIT_MAX = 128 };

/* ---- the buffer ---- */

void sg_str_init(sg_str *s, size_t max) {
    *s = (sg_str){.max = max ? max : DEFAULT_MAX};
}

void sg_str_dispose(sg_str *s) {
    if (!s) return;
    free(s->data);
    *s = (sg_str){.max = s->max};
}

void sg_str_clear(sg_str *s) {
    s->len = 0;
    if (s->data) s->data[0] = '\0';
}

static void lose(sg_str *s) {
    free(s->data);
    s->data = NULL;
    s->len = s->cap = 0;
    s->failed = true;
}

/* Room for n more bytes and the NUL; false once the buffer has failed. */
static bool reserve(sg_str *s, size_t n) {
    size_t max = s->max ? s->max : DEFAULT_MAX;
    if (s->failed) return false;
    if (n > max || s->len > max - n) {
        lose(s);
        return false;
    }
    size_t need = s->len + n + 1;
    if (need <= s->cap) return true;
    size_t cap = s->cap ? s->cap : FIRST_CAPACITY;
    while (cap < need) cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    char *data = realloc(s->data, cap);
    if (!data) {
        lose(s);
        return false;
    }
    s->data = data;
    s->cap = cap;
    return true;
}

void sg_str_append_n(sg_str *s, const void *bytes, size_t n) {
    if (!reserve(s, n)) return;
    if (n) memcpy(s->data + s->len, bytes, n);
    s->len += n;
    s->data[s->len] = '\0';
}

void sg_str_append(sg_str *s, const char *text) {
    sg_str_append_n(s, text, strlen(text));
}

void sg_str_appendf(sg_str *s, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0) {
        lose(s);
    } else if (reserve(s, (size_t)n)) {
        (void)vsnprintf(s->data + s->len, (size_t)n + 1, fmt, again);
        s->len += (size_t)n;
    }
    va_end(again);
}

const char *sg_str_text(const sg_str *s) {
    return s->data ? s->data : "";
}

sg_status sg_str_check(const sg_str *s, sg_error *err) {
    if (!s->failed) return SG_OK;
    return sg_fail(err, SG_ERR_MEMORY, "text grew past its limit of %zu bytes, or memory is out",
            s->max ? s->max : (size_t)DEFAULT_MAX);
}

char *sg_str_take(sg_str *s) {
    char *text = NULL;
    if (!s->failed) text = s->data ? s->data : calloc(1, 1);
    *s = (sg_str){.max = s->max, .failed = s->failed};
    return text;
}

/* ---- numbers ---- */

/* In glibc the "C" locale is a static object: getting it allocates nothing and cannot fail. */
static locale_t c_locale(void) {
    return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

void sg_str_append_double(sg_str *s, double value) {
    if (!isfinite(value)) {
        sg_str_append(s, "null");
        return;
    }
    char text[40];
    locale_t c = c_locale();
    locale_t before = uselocale(c);
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    uselocale(before);
    freelocale(c);
    sg_str_append(s, text);
}

bool sg_parse_double(double *out, const char *text) {
    /* strtod would also take blanks, hexadecimal, "inf" and "nan". */
    if (!*text || strspn(text, "0123456789+-.eE") != strlen(text)) return false;
    char *end;
    locale_t c = c_locale();
    double value = strtod_l(text, &end, c);
    freelocale(c);
    if (*end || !isfinite(value)) return false;
    *out = value;
    return true;
}

bool sg_parse_int64(long long *out, const char *text) {
    if (!*text || strspn(text, "0123456789+-") != strlen(text)) return false;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*end || errno) return false;
    *out = value;
    return true;
}

/* ---- words ---- */

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Optimal string alignment: insert, delete, replace, swap neighbours. */
size_t sg_edit_distance(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b);
    if (n > EDIT_MAX || m > EDIT_MAX) return n > m ? n : m;
    size_t rows[3][EDIT_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= m; j++) last[j] = before[j] = j;
    for (size_t i = 1; i <= n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t cost = a[i - 1] != b[j - 1];
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + cost);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) now[j] = least(now[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[m];
}

static int lower(char c) {
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

bool sg_ends_with(const char *text, const char *suffix) {
    size_t n = strlen(text), m = strlen(suffix);
    if (m > n) return false;
    for (size_t i = 0; i < m; i++)
        if (lower(text[n - m + i]) != lower(suffix[i])) return false;
    return true;
}

char *sg_strdup(const char *text) {
    size_t n = strlen(text) + 1;
    char *copy = malloc(n);
    if (copy) memcpy(copy, text, n);
    return copy;
}

char *sg_strdupf(const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = n < 0 ? NULL : malloc((size_t)n + 1);
    if (text) (void)vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

sg_status sg_grow(
        void *items_pointer, size_t *capacity, size_t need, size_t element_size, sg_error *err) {
    if (need <= *capacity) return SG_OK;
    size_t cap = *capacity ? *capacity : 8;
    while (cap < need) cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    size_t bytes;
    if (__builtin_mul_overflow(cap, element_size, &bytes))
        return sg_fail(err, SG_ERR_MEMORY, "a list of %zu elements does not fit in memory", need);
    /* The pointer is copied as bytes: items_pointer is a T ** of any T. */
    void *items;
    memcpy(&items, items_pointer, sizeof items);
    items = realloc(items, bytes);
    if (!items) return sg_fail(err, SG_ERR_MEMORY, "out of memory (%zu bytes for a list)", bytes);
    memcpy(items_pointer, &items, sizeof items);
    *capacity = cap;
    return SG_OK;
}

bool sg_is_among(const char *const *texts, const char *text) {
    for (; texts && *texts; texts++)
        if (strcmp(*texts, text) == 0) return true;
    return false;
}
