/* weight_set.c - see weight_set.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/weight_set.h"
#include "weights/onnx.h"
#include "weights/torch_pth.h"
#include <stdlib.h>
#include <string.h>

enum { TAR_MAGIC_AT = 257 };

static int by_name(const void *a, const void *b) {
    return strcmp(((const sg_weight *)a)->name, ((const sg_weight *)b)->name);
}

static bool is_printable(const char *name) {
    for (size_t n; *name; name += n) {
        n = sg_utf8_length(name);
        if (!n || (unsigned char)*name < 0x20 || *name == 0x7F) return false;
    }
    return true;
}

sg_status sg_weight_set_add(sg_weight_set *set, const char *name, size_t length,
        const sg_tensor *tensor, const char *path, sg_error *err) {
    sg_status st = sg_grow(&set->entries, &set->cap, set->count + 1, sizeof *set->entries, err);
    if (st) return st;
    char *own = length < SG_ERROR_MESSAGE_MAX ? sg_strdupf("%.*s", (int)length, name) : NULL;
    if (!own || strlen(own) != length || !length || !is_printable(own)) {
        free(own);
        return sg_fail(err, SG_ERR_FORMAT,
                "%s: a tensor's name is empty, overlong or no plain text", path);
    }
    set->entries[set->count++] = (sg_weight){own, *tensor};
    return SG_OK;
}

sg_status sg_weight_set_allow(sg_weight_set *set, size_t more, const char *path, sg_error *err) {
    if (more > set->map.size - set->copied)
        return sg_fail(err, SG_ERR_FORMAT,
                "%s: its tensors would take more memory than the file has bytes", path);
    set->copied += more;
    return SG_OK;
}

sg_status sg_weight_set_sort(sg_weight_set *set, const char *path, sg_error *err) {
    if (set->count) qsort(set->entries, set->count, sizeof *set->entries, by_name);
    for (size_t i = 1; i < set->count; i++)
        if (strcmp(set->entries[i - 1].name, set->entries[i].name) == 0)
            return sg_fail(
                    err, SG_ERR_FORMAT, "%s: tensor %s comes twice", path, set->entries[i].name);
    return SG_OK;
}

static sg_status read_safetensors(
        sg_weight_set *set, const char *path, bool check_digest, sg_error *err) {
    sg_status st = sg_safetensors_open(&set->safetensors, path, check_digest, err);
    for (size_t i = 0; !st && i < set->safetensors->count; i++) {
        const sg_safetensors_entry *e = &set->safetensors->entries[i];
        st = sg_weight_set_add(set, e->name, strlen(e->name), &e->tensor, path, err);
    }
    return st;
}

/* By content: a name can lie, and fetched files keep the names they came with. */
static sg_status read_any(sg_weight_set *set, const char *path, bool check_digest, sg_error *err) {
    const uint8_t *bytes = set->map.data;
    size_t size = set->map.size;
    if (sg_pth_is(bytes, size)) return sg_pth_read(set, path, check_digest, err);
    if (size > 8 && bytes[8] == '{') {
        set->format = "safetensors";
        return read_safetensors(set, path, check_digest, err);
    }
    if (sg_onnx_is(bytes, size)) return sg_onnx_read(set, path, err);
    if (size > TAR_MAGIC_AT + 5 && memcmp(bytes + TAR_MAGIC_AT, "ustar", 5) == 0)
        return sg_fail(err, SG_ERR_INPUT,
                "%s is a tar archive, as PyTorch wrote before 0.2; load and save it again with a "
                "newer PyTorch",
                path);
    return sg_fail(err, SG_ERR_FORMAT,
            "%s is no weight file that is known here: safetensors, PyTorch .pth (zip or legacy) "
            "or ONNX",
            path);
}

sg_status sg_weight_set_open(
        sg_weight_set **out, const char *path, bool check_digest, sg_error *err) {
    sg_weight_set *set = calloc(1, sizeof *set);
    if (!set) return sg_fail(err, SG_ERR_MEMORY, "out of memory opening %s", path);
    set->wrapper = "";
    sg_status st = sg_file_map_open(&set->map, path, err);
    if (!st) st = read_any(set, path, check_digest, err);
    if (!st) st = sg_weight_set_sort(set, path, err);
    if (st) {
        sg_weight_set_close(set);
        return st;
    }
    *out = set;
    return SG_OK;
}

void sg_weight_set_close(sg_weight_set *set) {
    if (!set) return;
    for (size_t i = 0; i < set->count; i++) {
        free(set->entries[i].name);
        sg_tensor_dispose(&set->entries[i].tensor);
    }
    free(set->entries);
    sg_safetensors_close(set->safetensors);
    sg_file_map_close(&set->map);
    free(set);
}

const sg_tensor *sg_weight_set_find(const sg_weight_set *set, const char *name) {
    sg_weight key = {(char *)name, {0}};
    const sg_weight *e =
            set->count ? bsearch(&key, set->entries, set->count, sizeof *set->entries, by_name)
                       : NULL;
    return e ? &e->tensor : NULL;
}

const char *sg_weight_set_meta(const sg_weight_set *set, const char *key) {
    return set->safetensors ? sg_safetensors_meta(set->safetensors, key) : NULL;
}
