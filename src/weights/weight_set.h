/* weight_set.h - the named tensors of one weight file, whatever its format: safetensors, PyTorch's
 * two forms of .pth, ONNX. The file is mapped and tensors borrow from the mapping; only what does
 * not lie densely in the file is copied, and never more than the file's size.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_WEIGHTS_WEIGHT_SET_H
#define SG_WEIGHTS_WEIGHT_SET_H

#include "weights/safetensors.h"

typedef struct sg_weight {
    char *name;
    sg_tensor tensor;
} sg_weight;

typedef struct sg_weight_set {
    const char *format; /* "safetensors", "PyTorch zip", "PyTorch legacy", "ONNX" */
    sg_weight *entries; /* sorted by name, no name twice */
    size_t count, cap;
    size_t skipped;      /* values of a state dict that are no tensors */
    const char *wrapper; /* key that the state dict lay under, "" where it lay open */
    sg_file_map map;
    sg_safetensors *safetensors; /* NULL for other formats */
    size_t copied;               /* bytes of tensors that are owned */
} sg_weight_set;

/* The format is told by content, not by name. check_digest: compare the checksums that the file
 * carries. Expected failures: SG_ERR_IO, SG_ERR_MISSING, SG_ERR_FORMAT, SG_ERR_INPUT. */
SG_MUST_CHECK sg_status sg_weight_set_open(
        sg_weight_set **out, const char *path, bool check_digest, sg_error *err);
void sg_weight_set_close(sg_weight_set *set);                                    /* NULL-safe */
const sg_tensor *sg_weight_set_find(const sg_weight_set *set, const char *name); /* or NULL */
const char *sg_weight_set_meta(const sg_weight_set *set, const char *key);       /* or NULL */

/* For the readers of formats. The name is copied; it must be UTF-8 without control characters. An
 * owned tensor passes to the set on success. */
SG_MUST_CHECK sg_status sg_weight_set_add(sg_weight_set *set, const char *name, size_t length,
        const sg_tensor *tensor, const char *path, sg_error *err);
/* SG_ERR_FORMAT when `more` bytes of copies would exceed the file's size. */
SG_MUST_CHECK sg_status sg_weight_set_allow(
        sg_weight_set *set, size_t more, const char *path, sg_error *err);
/* Orders the entries; SG_ERR_FORMAT when a name comes twice. */
SG_MUST_CHECK sg_status sg_weight_set_sort(sg_weight_set *set, const char *path, sg_error *err);

#endif
