/* safetensors.h - strict reader and canonical writer of the safetensors format.
 *
 * The reader maps the file and treats every byte as hostile: the header must be one JSON object
 * without duplicate keys, every tensor's bytes must be exactly its shape times its type, the
 * tensors must tile the data with no hole or overlap, and the file must end where they end. The
 * writer lays tensors out as the reference writer does (by falling alignment, then name), so equal
 * content gives equal bytes. Every file we write carries the SHA-256 of its data in `__metadata__`
 * ("data_sha256"); where it is present, opening with `check_digest` verifies it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_WEIGHTS_SAFETENSORS_H
#define SG_WEIGHTS_SAFETENSORS_H

#include "base/file.h"
#include "base/json.h"
#include "tensor/tensor.h"

typedef struct sg_safetensors_entry {
    char *name;
    sg_tensor tensor; /* borrowed from the mapping; unaligned data is possible */
} sg_safetensors_entry;

typedef struct sg_safetensors {
    sg_file_map map;
    sg_safetensors_entry *entries; /* sorted by name */
    size_t count;
    json_t *metadata; /* string-to-string object; empty object when the file has none */
} sg_safetensors;

/* Expected failures: SG_ERR_IO, SG_ERR_MISSING; SG_ERR_FORMAT with the reason (also for a digest
 * that differs). */
SG_MUST_CHECK sg_status sg_safetensors_open(
        sg_safetensors **out, const char *path, bool check_digest, sg_error *err);
void sg_safetensors_close(sg_safetensors *file);                                    /* NULL-safe */
const sg_tensor *sg_safetensors_find(const sg_safetensors *file, const char *name); /* or NULL */
const char *sg_safetensors_meta(const sg_safetensors *file, const char *key);       /* or NULL */

/* A file to be written: tensors are borrowed until write. */
typedef struct sg_safetensors_item {
    const char *name;
    sg_dtype dtype;
    sg_shape shape;
    const void *data;
} sg_safetensors_item;

/* metadata: string-to-string object, borrowed; may be NULL. Written atomically and durably. */
SG_MUST_CHECK sg_status sg_safetensors_write(const char *path, const sg_safetensors_item *items,
        size_t count, const json_t *metadata, sg_error *err);

#endif
