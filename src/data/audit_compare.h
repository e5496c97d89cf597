/* audit_compare.h - candidates become pairs: each is registered and scored. For audit_pairs.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_DATA_AUDIT_COMPARE_H
#define SG_DATA_AUDIT_COMPARE_H

#include "data/audit.h"
#include "data/keypoint_index.h"

typedef struct sg_pair_list {
    sg_audit_pair *items; /* the caller's (free) */
    size_t count, capacity;
} sg_pair_list;

/* pair.a < pair.b; the kind is told from the digests and the score. */
SG_MUST_CHECK sg_status sg_pair_list_add(
        sg_pair_list *list, const sg_audit *audit, sg_audit_pair pair, sg_error *err);

/* Appends the candidates that score audit->doubt_score or more, in their order. */
SG_MUST_CHECK sg_status sg_audit_compare(sg_pair_list *list, const sg_audit *audit,
        const sg_candidate *candidates, size_t count, const sg_audit_options *options,
        sg_error *err);

#endif
