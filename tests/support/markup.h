/* markup.h - a small strict reader of the HTML and SVG that sonograde writes: balanced tags, quoted
 * attributes, known entities, UTF-8 without characters that XML forbids, nothing loaded from
 * outside. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TESTS_MARKUP_H
#define SG_TESTS_MARKUP_H

#include <stddef.h>

/* Fails the running test, with the place, where the text is not well formed or would load
 * something. */
void markup_assert_well_formed(const char *text, size_t size);
/* The same for a page with one inline script, which may neither load nor send anything. */
void markup_assert_well_formed_with_script(const char *text, size_t size);

/* How often `needle` is in text. */
size_t markup_count(const char *text, const char *needle);
/* Fails unless a comes before b (both must be there). */
void markup_assert_order(const char *text, const char *a, const char *b);

#endif
