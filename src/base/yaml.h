/* yaml.h - a strict subset of YAML for settings: one mapping of scalars and of flat lists of
 * scalars, comments allowed; anchors, tags, nesting deeper than that and duplicate keys are refused
 * with the line. What the command line knows, a file can say: key = long option name.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BASE_YAML_H
#define SG_BASE_YAML_H

#include "base/str.h"
#include "sonograde/error.h"
#include <stddef.h>

typedef struct sg_yaml_entry {
    char *key;
    char *value; /* a list is joined with commas */
    size_t line; /* from 1 */
} sg_yaml_entry;

typedef struct sg_yaml {
    sg_yaml_entry *entries;
    size_t count;
} sg_yaml;

SG_MUST_CHECK sg_status sg_yaml_read(sg_yaml *out, const char *path, sg_error *err);
/* The same from memory; `name` is what errors call it. */
SG_MUST_CHECK sg_status sg_yaml_parse(
        sg_yaml *out, const char *text, size_t size, const char *name, sg_error *err);
void sg_yaml_dispose(sg_yaml *yaml);
const sg_yaml_entry *sg_yaml_find(const sg_yaml *yaml, const char *key);
/* Appends "key: value\n", quoted where YAML would read it as something else. */
void sg_yaml_put(sg_str *s, const char *key, const char *value);

#endif
