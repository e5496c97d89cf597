/* bundle_internal.h - between bundle.c and bundle_seen.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_INFER_BUNDLE_INTERNAL_H
#define SG_INFER_BUNDLE_INTERNAL_H

#include "infer/bundle.h"
#include "weights/safetensors.h"

/* Fills seen, seen_groups, seen_sources and phantom from the members' training. */
SG_MUST_CHECK sg_status sg_bundle_collect_seen(sg_bundle *b, sg_error *err);

/* Fills quality, atlas and selftest from the sections of a bundle that is the only one. */
SG_MUST_CHECK sg_status sg_bundle_read_profile(sg_bundle *b, const json_t *document,
        const sg_safetensors *file, const char *path, sg_error *err);
/* The same when it is handed on: sections into the document, tensors into items and names (room for
 * one per member), *n counted up. */
SG_MUST_CHECK sg_status sg_bundle_put_profile(const sg_bundle *b, json_t *document,
        sg_safetensors_item *items, char **names, size_t *n, sg_error *err);
void sg_bundle_drop_profile(sg_bundle *b);

#endif
