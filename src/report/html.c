/* html.c - see html.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/html.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

/* Length of the well-formed UTF-8 sequence at text (Unicode table 3-7), or 0. */
static size_t measure_utf8(const unsigned char *text, size_t n) {
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        size_t length;
    } forms[] = {{0x00, 0x7F, 0, 0, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
            {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
            {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        if (text[0] < forms[f].first_low || text[0] > forms[f].first_high) continue;
        if (forms[f].length > n) return 0;
        for (size_t i = 1; i < forms[f].length; i++) {
            unsigned char low = i == 1 ? forms[f].second_low : 0x80;
            unsigned char high = i == 1 ? forms[f].second_high : 0xBF;
            if (text[i] < low || text[i] > high) return 0;
        }
        return forms[f].length;
    }
    return 0;
}

/* Characters that XML 1.0 cannot hold: controls other than tab and line ends, U+FFFE, U+FFFF. */
static bool is_forbidden(const unsigned char *text, size_t length) {
    if (length == 1)
        return (text[0] < 0x20 && text[0] != '\t' && text[0] != '\n' && text[0] != '\r') ||
               text[0] == 0x7F;
    return length == 3 && text[0] == 0xEF && text[1] == 0xBF && text[2] >= 0xBE;
}

static const char *find_entity(unsigned char c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void sg_html_put_text_n(sg_str *out, const char *text, size_t n) {
    const unsigned char *at = (const unsigned char *)text;
    for (size_t i = 0; i < n;) {
        size_t length = measure_utf8(at + i, n - i);
        const char *entity = find_entity(at[i]);
        if (length == 0 || is_forbidden(at + i, length))
            sg_str_append(out, replacement);
        else if (entity)
            sg_str_append(out, entity);
        else
            sg_str_append_n(out, at + i, length);
        i += length ? length : 1;
    }
}

void sg_html_put_text(sg_str *out, const char *text) {
    if (text) sg_html_put_text_n(out, text, strlen(text));
}

char *sg_html_format_fixed(char *buffer, size_t size, double value, int decimals) {
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    if (decimals < 0) decimals = 0;
    if (decimals > 9) decimals = 9;
    double scaled = round(fabs(value) * powers[decimals]);
    if (!isfinite(value) || scaled >= 9e15) {
        snprintf(buffer, size, "-");
        return buffer;
    }
    /* By whole numbers: printf's decimal point depends on the locale. */
    uint64_t digits = (uint64_t)scaled, unit = (uint64_t)powers[decimals];
    const char *sign = value < 0 && digits ? "-" : "";
    if (decimals == 0)
        snprintf(buffer, size, "%s%llu", sign, (unsigned long long)digits);
    else
        snprintf(buffer, size, "%s%llu.%0*llu", sign, (unsigned long long)(digits / unit), decimals,
                (unsigned long long)(digits % unit));
    return buffer;
}

void sg_html_put_fixed(sg_str *out, double value, int decimals) {
    char buffer[40];
    sg_str_append(out, sg_html_format_fixed(buffer, sizeof buffer, value, decimals));
}

void sg_html_put_short(sg_str *out, double value, int decimals) {
    char buffer[40];
    sg_html_format_fixed(buffer, sizeof buffer, value, decimals);
    size_t n = strlen(buffer);
    if (strchr(buffer, '.')) {
        while (buffer[n - 1] == '0') n--;
        if (buffer[n - 1] == '.') n--;
    }
    sg_str_append_n(out, buffer, n);
}

void sg_html_put_percent(sg_str *out, double fraction, int decimals) {
    sg_html_put_fixed(out, 100 * fraction, decimals);
    if (isfinite(fraction)) sg_str_append(out, " %");
}

void sg_html_put_base64(sg_str *out, const void *bytes, size_t n) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *at = bytes;
    char text[4096];
    size_t filled = 0;
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t bits = (uint32_t)at[i] << 16 | (left > 1 ? (uint32_t)at[i + 1] << 8 : 0) |
                        (left > 2 ? at[i + 2] : 0);
        text[filled++] = digits[bits >> 18 & 63];
        text[filled++] = digits[bits >> 12 & 63];
        text[filled++] = left > 1 ? digits[bits >> 6 & 63] : '=';
        text[filled++] = left > 2 ? digits[bits & 63] : '=';
        if (filled == sizeof text) {
            sg_str_append_n(out, text, filled);
            filled = 0;
        }
    }
    sg_str_append_n(out, text, filled);
}

void sg_html_put_image(sg_str *out, const void *bytes, size_t n, const char *alt) {
    static const unsigned char jpeg_start[2] = {0xFF, 0xD8};
    bool jpeg = n >= 2 && memcmp(bytes, jpeg_start, 2) == 0;
    sg_str_append(
            out, jpeg ? "<img src=\"data:image/jpeg;base64," : "<img src=\"data:image/png;base64,");
    sg_html_put_base64(out, bytes, n);
    sg_str_append(out, "\" alt=\"");
    sg_html_put_text(out, alt);
    sg_str_append(out, "\">");
}
