/* order.c - see order.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/order.h"

#include <stdlib.h>

typedef struct scored {
    double score;
    uint32_t row;
} scored;

static int compare_falling(const void *a, const void *b) {
    const scored *p = a, *q = b;
    if (p->score != q->score) return p->score > q->score ? -1 : 1;
    return (p->row > q->row) - (p->row < q->row);
}

static int compare_rising(const void *a, const void *b) {
    const double *p = a, *q = b;
    return (*p > *q) - (*p < *q);
}

sg_status sg_order_falling(
        uint32_t **order, const double *scores, size_t stride, size_t n, sg_error *err) {
    if (n > UINT32_MAX) return sg_fail(err, SG_ERR_INPUT, "%zu rows are too many to sort", n);
    scored *items = malloc((n + 1) * sizeof *items);
    uint32_t *rows = malloc((n + 1) * sizeof *rows);
    if (!items || !rows) {
        free(items);
        free(rows);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for the order of %zu rows", n);
    }
    for (size_t i = 0; i < n; i++) items[i] = (scored){scores[i * stride], (uint32_t)i};
    qsort(items, n, sizeof *items, compare_falling);
    for (size_t i = 0; i < n; i++) rows[i] = items[i].row;
    free(items);
    *order = rows;
    return SG_OK;
}

void sg_order_sort(double *values, size_t n) {
    qsort(values, n, sizeof *values, compare_rising);
}

typedef struct member {
    uint32_t group, row;
} member;

static int compare_members(const void *a, const void *b) {
    const member *p = a, *q = b;
    if (p->group != q->group) return p->group < q->group ? -1 : 1;
    return (p->row > q->row) - (p->row < q->row);
}

sg_status sg_order_groups(
        uint32_t *dense, size_t *count, const uint32_t *groups, size_t n, sg_error *err) {
    if (n > UINT32_MAX) return sg_fail(err, SG_ERR_INPUT, "%zu rows are too many to group", n);
    if (!groups) {
        for (size_t i = 0; i < n; i++) dense[i] = (uint32_t)i;
        *count = n;
        return SG_OK;
    }
    member *members = malloc((n + 1) * sizeof *members);
    if (!members) return sg_fail(err, SG_ERR_MEMORY, "out of memory for the groups of %zu rows", n);
    for (size_t i = 0; i < n; i++) members[i] = (member){groups[i], (uint32_t)i};
    qsort(members, n, sizeof *members, compare_members);
    /* Each row first learns the first row of its group, then that row's number. */
    uint32_t first = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || members[i].group != members[i - 1].group) first = members[i].row;
        dense[members[i].row] = first;
    }
    free(members);
    size_t next = 0;
    for (size_t i = 0; i < n; i++) dense[i] = dense[i] == i ? (uint32_t)next++ : dense[dense[i]];
    *count = next;
    return SG_OK;
}
