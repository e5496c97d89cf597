/* html.h - text that is safe inside HTML and SVG, and numbers that ignore the locale.
 *
 * Everything a page shows passes through here: names come from disks and spreadsheets. Markup
 * characters are escaped; bytes that are not UTF-8 and characters that XML forbids become U+FFFD.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_HTML_H
#define SG_REPORT_HTML_H

#include "base/str.h"
#include <stddef.h>

/* Appends text escaped for element content and for double-quoted attributes. NULL is empty. */
void sg_html_put_text(sg_str *out, const char *text);
void sg_html_put_text_n(sg_str *out, const char *text, size_t n);

/* A number with a fixed count of decimals (0..9), "-" for NaN and infinities, never "-0". */
void sg_html_put_fixed(sg_str *out, double value, int decimals);
/* At most `decimals` decimals, trailing zeros dropped: for coordinates. */
void sg_html_put_short(sg_str *out, double value, int decimals);
/* A fraction as percent: 0.879 -> "87.9 %". */
void sg_html_put_percent(sg_str *out, double fraction, int decimals);

void sg_html_put_base64(sg_str *out, const void *bytes, size_t n);
/* A whole <img> with the PNG or JPEG bytes inside it; alt is escaped. */
void sg_html_put_image(sg_str *out, const void *bytes, size_t n, const char *alt);

/* The same into a buffer of the caller, for struct members that want text; returns buffer. */
char *sg_html_format_fixed(char *buffer, size_t size, double value, int decimals);

#endif
