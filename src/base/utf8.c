/* utf8.c - names come from file systems as bytes; what JSON and YAML are given is UTF-8.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include <stdint.h>

size_t sg_utf8_length(const char *text) {
    const uint8_t *p = (const uint8_t *)text;
    if (p[0] < 0x80) return 1;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4) return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
            (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

void sg_str_append_utf8(sg_str *s, const char *bytes) {
    for (const char *p = bytes; *p;) {
        size_t n = sg_utf8_length(p);
        if (n)
            sg_str_append_n(s, p, n);
        else
            sg_str_appendf(s, "\\x%02x", (unsigned char)*p);
        p += n ? n : 1;
    }
}
