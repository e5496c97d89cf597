/* ledger_file.h - the ledger as a file: locked, read, verified, added to. For ledger.c only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_LEDGER_FILE_H
#define SG_PROTOCOL_LEDGER_FILE_H

#include "base/file.h"
#include "base/json.h"

typedef struct sg_ledger_look {
    char id[SG_SHA256_HEX];
    const json_t *images;       /* sorted hashes; borrowed from the ledger */
    const json_t *members;      /* sorted digests of parameters */
    const char *set, *settings; /* set: digest of the images */
} sg_ledger_look;

typedef struct sg_ledger {
    char *path;
    sg_file_lock lock;
    sg_str text; /* the file as read */
    json_t *lines;
    sg_ledger_look *looks;
    size_t count;
} sg_ledger;

/* Takes the lock and reads. A missing file is an empty ledger. Close in any case of success. */
SG_MUST_CHECK sg_status sg_ledger_open(sg_ledger *out, const char *path, sg_error *err);
void sg_ledger_close(sg_ledger *ledger); /* drops the lock */

/* Adds a look with the next number and writes the file. images and members: arrays of strings,
 * borrowed. */
SG_MUST_CHECK sg_status sg_ledger_add(
        sg_ledger *ledger, json_t *images, json_t *members, const char *settings, sg_error *err);

#endif
