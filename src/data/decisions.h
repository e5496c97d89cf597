/* decisions.h - what a person said about pairs of images: a table with the columns a and b (paths
 * as the manifest has them) and verdict (confirm or reject; other columns are passed over). The
 * audit's page writes such a table, `audit --decisions` takes it back. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef SG_DATA_DECISIONS_H
#define SG_DATA_DECISIONS_H

#include "data/audit.h"

typedef struct sg_decision {
    char *a, *b;
    sg_verdict verdict;
} sg_decision;

typedef struct sg_decisions {
    sg_decision *items; /* a before b by bytes; ordered; no pair twice */
    size_t count;
} sg_decisions;

/* SG_ERR_FORMAT: a column that is missing, a verdict that is neither (an empty one is passed over);
 * SG_ERR_INPUT: an image paired with itself, a pair with both verdicts. `name` is what errors call
 * the table. */
SG_MUST_CHECK sg_status sg_decisions_parse(
        sg_decisions *out, const char *text, size_t size, const char *name, sg_error *err);
void sg_decisions_dispose(sg_decisions *decisions); /* NULL-safe */

#endif
