/* decisions.h - what a person said about pairs of images, and about single ones: a table with the
 * columns a and b (paths as the manifest has them) and verdict; other columns are passed over. A
 * pair is confirmed or rejected (confirm, reject); a row without b is about one image, which
 * leaves the cohort or stays whatever was found (exclude, keep). The audit's page writes such a
 * table, `audit --decisions` takes it back. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_DATA_DECISIONS_H
#define SG_DATA_DECISIONS_H

#include "base/file.h"
#include "sonograde/error.h"
#include <stddef.h>

typedef enum sg_verdict { SG_VERDICT_OPEN, SG_VERDICT_CONFIRMED, SG_VERDICT_REJECTED } sg_verdict;
/* "open", "confirm", "reject". Static text. */
const char *sg_verdict_name(sg_verdict verdict);

typedef struct sg_decision {
    char *a, *b;        /* b "" in a verdict about one image */
    sg_verdict verdict; /* never open; of one image: confirmed = exclude, rejected = keep */
} sg_decision;

typedef struct sg_decisions {
    sg_decision *items; /* a before b by bytes; ordered; no pair twice */
    size_t count;
} sg_decisions;

/* SG_ERR_FORMAT: a column that is missing, a verdict that is neither (an empty one is passed over);
 * SG_ERR_INPUT: an image paired with itself, no image, both verdicts at once. `name` is what errors
 * call the table. */
SG_MUST_CHECK sg_status sg_decisions_parse(
        sg_decisions *out, const char *text, size_t size, const char *name, sg_error *err);
/* From a file; sha256 is of its bytes. */
SG_MUST_CHECK sg_status sg_decisions_read(
        sg_decisions *out, char sha256[SG_SHA256_HEX], const char *path, sg_error *err);
void sg_decisions_dispose(sg_decisions *decisions); /* NULL-safe */

#endif
