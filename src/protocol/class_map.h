/* class_map.h - which class of a model each class of the data is, for data that name them otherwise
 * or split them finer: "malignant=malignant;benign=benign,cyst,fibroadenoma;=unknown".
 *
 * Left of each '=' stands a class of the model, right of it the classes of the data that are it,
 * separated by commas; nothing on the left leaves those images out. Classes of the data that the
 * map does not name are taken by their own name. Spaces around names do not count.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_CLASS_MAP_H
#define SG_PROTOCOL_CLASS_MAP_H

#include "data/manifest.h"

typedef struct sg_class_pair {
    char *model, *data; /* model "": left out */
} sg_class_pair;

typedef struct sg_class_map {
    sg_class_pair *pairs;
    size_t count;
} sg_class_map;

/* SG_ERR_USAGE: no '=', an empty list, a class of the data named twice. */
SG_MUST_CHECK sg_status sg_class_map_parse(sg_class_map *out, const char *text, sg_error *err);
void sg_class_map_dispose(sg_class_map *map); /* NULL-safe */

enum { SG_CLASS_LEFT_OUT = -1 };

/* index[manifest->class_count]: the number of the model's class, or SG_CLASS_LEFT_OUT. map may be
 * NULL. SG_ERR_INPUT with the map to write when a class of the data is unknown to model and map, or
 * when the map names what is not there. */
SG_MUST_CHECK sg_status sg_class_map_apply(int *index, const sg_class_map *map,
        const sg_manifest *manifest, const char *const *classes, int class_count, sg_error *err);

/* Names of data are bytes, those of a model are text (docs/internals/model_file.md): equal? */
bool sg_class_same_name(const char *bytes, const char *text);

#endif
