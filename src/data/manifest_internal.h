/* manifest_internal.h - what the files of the manifest share: building rows, names of masks,
 * filling rows from the files, grouping. Not for other modules.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_DATA_MANIFEST_INTERNAL_H
#define SG_DATA_MANIFEST_INTERNAL_H

#include "data/manifest.h"

/* A manifest being built. `groups` runs beside the rows: the user's group text, or NULL. */
typedef struct sg_manifest_builder {
    sg_manifest manifest;
    char **groups; /* [manifest.count], entries may be NULL */
    size_t row_capacity, group_capacity, class_capacity, skip_capacity;
} sg_manifest_builder;

void sg_manifest_builder_dispose(sg_manifest_builder *builder);
/* Appends a row with copies of path and class name; sets *row to it (valid until the next add). */
SG_MUST_CHECK sg_status sg_manifest_add_row(sg_manifest_row **row, sg_manifest_builder *builder,
        const char *path, const char *class_name, sg_error *err);
SG_MUST_CHECK sg_status sg_manifest_add_mask(sg_manifest_row *row, const char *path, sg_error *err);
SG_MUST_CHECK sg_status sg_manifest_add_skip(sg_manifest_builder *builder, const char *path,
        const char *class_name, const char *reason, sg_error *err);
/* Orders classes and rows as the header promises. */
SG_MUST_CHECK sg_status sg_manifest_sort(sg_manifest_builder *builder, sg_error *err);
/* What the columns of a table leave to be read from the files. */
typedef struct sg_manifest_known {
    bool facts;  /* sha256, size, channels, depth */
    bool groups; /* builder->groups is filled */
} sg_manifest_known;
/* Reads what is not known from the files, makes the groups, checks the classes. The manifest moves
 * to *out. */
SG_MUST_CHECK sg_status sg_manifest_complete(sg_manifest *out, sg_manifest_builder *builder,
        sg_manifest_known known, const sg_manifest_options *options, sg_error *err);

/* Fills builder->groups from the capture of `pattern` in each path and sets *grouped; does nothing
 * when pattern is NULL. */
SG_MUST_CHECK sg_status sg_manifest_group_by_pattern(
        sg_manifest_builder *builder, bool *grouped, const char *pattern, sg_error *err);

#endif
