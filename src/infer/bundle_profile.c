/* bundle_profile.c - what a bundle knows of its training images beside their hashes: quality
 * limits, features, and the answers of its self-test. SPDX-License-Identifier: Apache-2.0 */
#include "infer/bundle_internal.h"
#include <stdlib.h>

void sg_bundle_drop_profile(sg_bundle *b) {
    free(b->quality);
    sg_atlas_destroy(b->atlas);
    json_decref(b->selftest);
    b->quality = NULL;
    b->atlas = NULL;
    b->selftest = NULL;
}

static sg_status read_quality(sg_bundle *b, const json_t *section, sg_error *err) {
    if (!section) return SG_OK;
    b->quality = calloc(1, sizeof *b->quality);
    if (!b->quality) return sg_fail(err, SG_ERR_MEMORY, "out of memory reading a bundle");
    return sg_quality_limits_from_json(b->quality, section, err);
}

/* Of several files put together none speaks for all. */
sg_status sg_bundle_read_profile(sg_bundle *b, const json_t *document, const sg_safetensors *file,
        const char *path, sg_error *err) {
    sg_bundle_drop_profile(b);
    if (json_array_size(b->document) > 1) return SG_OK;
    const json_t *atlas = json_object_get(document, "atlas");
    sg_status st = read_quality(b, json_object_get(document, "quality"), err);
    if (!st && atlas)
        st = sg_atlas_from_json(&b->atlas, atlas, file, b->member_count, b->class_count, err);
    b->selftest = json_deep_copy(json_object_get(document, "selftest"));
    return st ? sg_fail_context(err, st, "%s", path) : SG_OK;
}

static sg_status put_atlas(const sg_atlas *a, json_t *document, sg_safetensors_item *items,
        char **names, size_t *n, sg_error *err) {
    if (json_object_set_new(document, "atlas", sg_atlas_to_json(a)))
        return sg_fail(err, SG_ERR_MEMORY, "out of memory writing a bundle");
    for (int m = 0; m < a->members; m++) {
        int64_t dims[] = {(int64_t)a->count, (int64_t)a->widths[m]};
        names[*n] = sg_atlas_tensor_name(m);
        if (!names[*n]) return sg_fail(err, SG_ERR_MEMORY, "out of memory writing a bundle");
        items[*n] = (sg_safetensors_item){names[*n], SG_F32, sg_shape_of(2, dims), a->features[m]};
        ++*n;
    }
    return SG_OK;
}

sg_status sg_bundle_put_profile(const sg_bundle *b, json_t *document, sg_safetensors_item *items,
        char **names, size_t *n, sg_error *err) {
    if (b->quality) json_object_set_new(document, "quality", sg_quality_limits_to_json(b->quality));
    if (b->selftest) json_object_set(document, "selftest", b->selftest);
    return b->atlas ? put_atlas(b->atlas, document, items, names, n, err) : SG_OK;
}
