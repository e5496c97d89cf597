/* union.h - what belongs together: sets over numbered items, joined pair by pair (union-find).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_DATA_UNION_H
#define SG_DATA_UNION_H

#include "sonograde/error.h"
#include <stddef.h>
#include <stdint.h>

typedef struct sg_union {
    uint32_t *parent;
    size_t n;
} sg_union;
SG_MUST_CHECK sg_status sg_union_init(sg_union *u, size_t n, sg_error *err);
void sg_union_dispose(sg_union *u); /* NULL-safe */
uint32_t sg_union_find(sg_union *u, uint32_t item);
void sg_union_join(sg_union *u, uint32_t a, uint32_t b);
/* Joins items of equal text; an item whose text is NULL is joined with nobody. */
typedef const char *(*sg_union_text)(const void *user, size_t item);
SG_MUST_CHECK sg_status sg_union_join_equal(
        sg_union *u, sg_union_text text_of, const void *user, sg_error *err);
/* Dense numbers 0.. in the order in which sets first appear; returns how many sets there are. */
size_t sg_union_number(sg_union *u, int *numbers);

#endif
