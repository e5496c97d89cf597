/* json.h - the few things we want from jansson in one way everywhere: duplicate keys are refused,
 * numbers keep 17 digits, keys stay in the order written, files are written atomically.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BASE_JSON_H
#define SG_BASE_JSON_H

#include "sonograde/error.h"
#include <jansson.h>
#include <stddef.h>

/* *out is the caller's reference. SG_ERR_FORMAT names path, line and column. */
SG_MUST_CHECK sg_status sg_json_read(json_t **out, const char *path, sg_error *err);
SG_MUST_CHECK sg_status sg_json_parse(
        json_t **out, const char *text, size_t size, const char *name, sg_error *err);
/* Indented, one trailing newline. */
SG_MUST_CHECK sg_status sg_json_write(const json_t *value, const char *path, sg_error *err);
/* Compact single line; the caller's (free); NULL when out of memory. */
char *sg_json_line(const json_t *value);
/* A JSON real, or null for NaN and infinities (which JSON cannot say). New reference. */
json_t *sg_json_number(double value);
/* A JSON string from bytes that need not be UTF-8 (file names): a byte that is none becomes the
 * four characters \xHH. Use it for every path; json_string gives NULL there. New reference. */
json_t *sg_json_text(const char *bytes);

#endif
