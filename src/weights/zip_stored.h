/* zip_stored.h - entries of a zip archive whose files are stored, not compressed, as PyTorch
 * writes them. Reads from memory and borrows it.
 *
 * The central directory decides, local headers must agree; no two entries may share bytes, no name
 * may come twice, nothing may lie before, between or outside them but the descriptors that local
 * headers announce, and a 64-bit end record must repeat the plain one. Compressed, encrypted, split
 * and 64-bit archives are refused. Format: PKWARE APPNOTE 6.3.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_WEIGHTS_ZIP_STORED_H
#define SG_WEIGHTS_ZIP_STORED_H

#include "sonograde/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sg_zip_stored_entry {
    const char *name; /* not terminated */
    uint32_t name_length;
    uint32_t crc;
    const uint8_t *data;
    size_t size;
    size_t begin; /* offset of its local header */
} sg_zip_stored_entry;

typedef struct sg_zip_stored {
    sg_zip_stored_entry *entries; /* sorted by name */
    size_t count;
} sg_zip_stored;

bool sg_zip_stored_is(const uint8_t *bytes, size_t size); /* begins as a zip archive does */
/* check_crc: compare every entry's CRC-32. SG_ERR_FORMAT for a damaged archive, SG_ERR_INPUT
 * for a whole one that is not read here. */
SG_MUST_CHECK sg_status sg_zip_stored_open(sg_zip_stored *out, const uint8_t *bytes, size_t size,
        bool check_crc, const char *path, sg_error *err);
void sg_zip_stored_close(sg_zip_stored *zip); /* NULL-safe */
/* The entry called folder[folder_length] + "/" + name[length], or NULL. */
const sg_zip_stored_entry *sg_zip_stored_find(const sg_zip_stored *zip, const char *folder,
        size_t folder_length, const char *name, size_t length);

#endif
