/* markup.c - see markup.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/markup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DEPTH_MAX = 64, NAME_MAX_LENGTH = 32 };

typedef struct reader {
    const char *text;
    size_t size, at;
    int scripts; /* inline scripts that may still come */
    char open[DEPTH_MAX][NAME_MAX_LENGTH];
    int depth;
} reader;

static void complain(const reader *r, const char *what) {
    size_t from = r->at > 40 ? r->at - 40 : 0;
    fail_msg("%s at byte %zu: ...%.80s", what, r->at, r->text + from);
}

static bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == ':';
}

static void read_name(reader *r, char name[NAME_MAX_LENGTH]) {
    size_t n = 0;
    while (is_name_byte(r->text[r->at]) && n + 1 < NAME_MAX_LENGTH) name[n++] = r->text[r->at++];
    name[n] = '\0';
    if (n == 0) complain(r, "no name");
}

static void check_entity(const reader *r) {
    static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&#9888;"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(r->text + r->at, known[i], strlen(known[i])) == 0) return;
    complain(r, "bare or unknown entity");
}

/* Decodes with the textbook rules, unlike the writer's table. */
static void check_character(reader *r) {
    const unsigned char *p = (const unsigned char *)r->text + r->at;
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
    if (n == 0 || r->at + n > r->size) complain(r, "not UTF-8");
    uint32_t c = n == 1 ? p[0] : p[0] & (0x7FU >> n);
    for (size_t i = 1; i < n; i++) {
        if (p[i] >> 6 != 2) complain(r, "not UTF-8");
        c = c << 6 | (p[i] & 0x3F);
    }
    if (c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) complain(r, "not UTF-8");
    if ((c < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0xFFFE || c == 0xFFFF)
        complain(r, "a character that XML forbids");
    r->at += n;
}

static void check_attribute(reader *r) {
    char name[NAME_MAX_LENGTH];
    read_name(r, name);
    if (strncmp(r->text + r->at, "=\"", 2) != 0) complain(r, "an attribute without quotes");
    r->at += 2;
    const char *value = r->text + r->at;
    bool loads = strcmp(name, "src") == 0 || strcmp(name, "href") == 0;
    if (loads && strncmp(value, "data:image/", 11) != 0 && *value != '#')
        complain(r, "something outside is loaded");
    if (name[0] == 'o' && name[1] == 'n') complain(r, "a script");
    while (r->text[r->at] != '"') {
        if (r->text[r->at] == '<') complain(r, "'<' in an attribute");
        if (r->text[r->at] == '&') check_entity(r);
        check_character(r);
    }
    r->at++;
}

/* An inline script: nothing of it may load or send. */
static void check_script(reader *r) {
    static const char *const forbidden[] = {
            "http", "fetch", "import", "XMLHttp", "WebSocket", "eval", "src", "innerHTML"};
    const char *end = strstr(r->text + r->at, "</script>");
    if (r->scripts-- <= 0 || !end) complain(r, "a script");
    for (size_t i = 0; end && i < sizeof forbidden / sizeof *forbidden; i++) {
        const char *found = strstr(r->text + r->at, forbidden[i]);
        if (found && found < end) complain(r, "a script that reaches out");
    }
    r->at = (size_t)(end - r->text) + strlen("</script>");
}

static void check_tag(reader *r) {
    char name[NAME_MAX_LENGTH];
    if (strncmp(r->text + r->at, "<!DOCTYPE html>", 15) == 0) {
        r->at += 15;
        return;
    }
    if (strncmp(r->text + r->at, "<script>", 8) == 0) {
        r->at += 8;
        check_script(r);
        return;
    }
    r->at++;
    bool closing = r->text[r->at] == '/';
    r->at += closing;
    read_name(r, name);
    if (strcmp(name, "script") == 0 || strcmp(name, "link") == 0) complain(r, "a script or link");
    while (!closing && r->text[r->at] == ' ') {
        r->at++;
        check_attribute(r);
    }
    bool empty = r->text[r->at] == '/' || strcmp(name, "meta") == 0 || strcmp(name, "img") == 0;
    r->at += r->text[r->at] == '/';
    if (r->text[r->at] != '>') complain(r, "a tag that does not end");
    r->at++;
    if (closing) {
        if (r->depth == 0 || strcmp(r->open[--r->depth], name) != 0) complain(r, "a wrong end tag");
    } else if (!empty) {
        if (r->depth == DEPTH_MAX) complain(r, "too deep");
        memcpy(r->open[r->depth++], name, sizeof name);
    }
}

static void assert_well_formed(const char *text, size_t size, int scripts) {
    reader r = {.text = text, .size = size, .scripts = scripts};
    if (strlen(text) != size) fail_msg("a NUL byte at %zu", strlen(text));
    while (r.at < size) {
        if (text[r.at] == '<') {
            check_tag(&r);
        } else {
            if (text[r.at] == '&') check_entity(&r);
            check_character(&r);
        }
    }
    if (r.depth) fail_msg("<%s> is never closed", r.open[r.depth - 1]);
}

void markup_assert_well_formed(const char *text, size_t size) {
    assert_well_formed(text, size, 0);
}

void markup_assert_well_formed_with_script(const char *text, size_t size) {
    assert_well_formed(text, size, 1);
}

size_t markup_count(const char *text, const char *needle) {
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, needle)); at += strlen(needle)) count++;
    return count;
}

void markup_assert_order(const char *text, const char *a, const char *b) {
    const char *first = strstr(text, a), *second = strstr(text, b);
    if (!first || !second) fail_msg("'%s' is missing", first ? b : a);
    if (first >= second) fail_msg("'%s' does not come before '%s'", a, b);
}
