/* audit_decisions.c - a person's verdicts are written into the pairs and findings of an audit.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "data/audit.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct row_name {
    const char *path;
    uint32_t row;
} row_name;

static int compare_names(const void *a, const void *b) {
    return strcmp(((const row_name *)a)->path, ((const row_name *)b)->path);
}

static int compare_pairs(const void *x, const void *y) {
    const sg_audit_pair *a = x, *b = y;
    if (a->a != b->a) return a->a < b->a ? -1 : 1;
    return a->b < b->b ? -1 : a->b > b->b;
}

static long find_row(const row_name *names, size_t n, const char *path) {
    const row_name wanted = {path, 0};
    const row_name *found = bsearch(&wanted, names, n, sizeof *names, compare_names);
    return found ? (long)found->row : -1;
}

/* Findings stay ordered by row. */
static sg_status insert_finding(sg_audit *audit, const sg_finding *finding, sg_error *err) {
    sg_status status = sg_audit_add_finding(audit, finding, err);
    if (status) return status;
    size_t at = audit->finding_count - 1;
    for (; at > 0 && audit->findings[at - 1].row > finding->row; at--)
        audit->findings[at] = audit->findings[at - 1];
    audit->findings[at] = *finding;
    return SG_OK;
}

/* An image that a person excludes has a finding that says so; one that is kept has none that
 * excludes. */
static sg_status take_single(
        sg_audit *audit, const row_name *names, const sg_decision *d, sg_error *err) {
    long row = find_row(names, audit->manifest.count, d->a);
    if (row < 0) {
        audit->decisions_unused++;
        return SG_OK;
    }
    audit->decisions_used++;
    bool excludes = d->verdict == SG_VERDICT_CONFIRMED, found = false;
    for (size_t i = 0; i < audit->finding_count; i++) {
        sg_finding *f = &audit->findings[i];
        if (f->row != (uint32_t)row || f->kind != SG_FINDING_DOMAIN) continue;
        f->excludes = excludes;
        found = true;
    }
    if (found || !excludes) return SG_OK;
    const sg_finding said = {.kind = SG_FINDING_DOMAIN,
            .row = (uint32_t)row,
            .what = "decision",
            .detail = "excluded by a person",
            .score = NAN,
            .excludes = true};
    return insert_finding(audit, &said, err);
}

/* The pair list grows by `added` at its end; sorted again by the caller. */
static sg_status take_one(sg_audit *audit, size_t *added, size_t *capacity, const row_name *names,
        const sg_decision *d, sg_error *err) {
    if (!*d->b) return take_single(audit, names, d, err);
    long x = find_row(names, audit->manifest.count, d->a);
    long y = find_row(names, audit->manifest.count, d->b);
    if (x < 0 || y < 0) {
        audit->decisions_unused++;
        return SG_OK;
    }
    sg_audit_pair pair = {.a = (uint32_t)(x < y ? x : y),
            .b = (uint32_t)(x < y ? y : x),
            .kind = SG_PAIR_NEAR,
            .affine = {1, 0, 0, 0, 1, 0},
            .verdict = d->verdict};
    sg_audit_pair *known = audit->pair_count ? bsearch(&pair, audit->pairs, audit->pair_count,
                                                       sizeof pair, compare_pairs)
                                             : NULL;
    if (!known && d->verdict == SG_VERDICT_REJECTED) {
        audit->decisions_unused++;
        return SG_OK;
    }
    audit->decisions_used++;
    if (known) {
        known->verdict = d->verdict;
        return SG_OK;
    }
    sg_status status = sg_grow(
            &audit->pairs, capacity, audit->pair_count + *added + 1, sizeof *audit->pairs, err);
    if (!status) audit->pairs[audit->pair_count + (*added)++] = pair;
    return status;
}

sg_status sg_audit_take_decisions(sg_audit *audit, const sg_decisions *decisions, sg_error *err) {
    size_t added = 0, capacity = audit->pair_count, n = audit->manifest.count;
    row_name *names = malloc((n + 1) * sizeof *names);
    if (!names) return sg_fail(err, SG_ERR_MEMORY, "out of memory for decisions");
    for (size_t i = 0; i < n; i++) names[i] = (row_name){audit->manifest.rows[i].path, (uint32_t)i};
    qsort(names, n, sizeof *names, compare_names);
    sg_status status = SG_OK;
    for (size_t i = 0; i < decisions->count && !status; i++)
        status = take_one(audit, &added, &capacity, names, &decisions->items[i], err);
    audit->pair_count += added;
    if (added) qsort(audit->pairs, audit->pair_count, sizeof *audit->pairs, compare_pairs);
    free(names);
    return status;
}
