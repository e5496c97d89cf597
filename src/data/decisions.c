/* decisions.c - see decisions.h; and how an audit takes decisions in.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/decisions.h"
#include "base/csv.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

static const size_t max_bytes = (size_t)256 << 20;

/* ---- the table ---- */

static int compare_decisions(const void *x, const void *y) {
    const sg_decision *a = x, *b = y;
    int order = strcmp(a->a, b->a);
    return order ? order : strcmp(a->b, b->b);
}

/* Sets *verdict; SG_VERDICT_OPEN for an empty cell. */
static bool parse_verdict(sg_verdict *verdict, const char *text) {
    static const sg_verdict all[] = {SG_VERDICT_CONFIRMED, SG_VERDICT_REJECTED};
    *verdict = SG_VERDICT_OPEN;
    if (!*text) return true;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(text, sg_verdict_name(all[i])) == 0) *verdict = all[i];
    return *verdict != SG_VERDICT_OPEN;
}

static sg_status read_decision(sg_decisions *out, const sg_csv *csv, const int columns[3],
        size_t row, const char *name, sg_error *err) {
    const char *a = sg_csv_cell(csv, row, columns[0]), *b = sg_csv_cell(csv, row, columns[1]);
    const char *text = sg_csv_cell(csv, row, columns[2]);
    sg_verdict verdict;
    if (!parse_verdict(&verdict, text))
        return sg_fail(err, SG_ERR_FORMAT,
                "%s: row %zu: verdict '%.40s' is neither confirm nor reject", name, row + 1, text);
    if (verdict == SG_VERDICT_OPEN) return SG_OK;
    int order = strcmp(a, b);
    if (!*a || !*b || order == 0)
        return sg_fail(err, SG_ERR_INPUT,
                "%s: row %zu: a verdict is about two images; a and b must name one each", name,
                row + 1);
    sg_decision *d = &out->items[out->count++];
    *d = (sg_decision){sg_strdup(order < 0 ? a : b), sg_strdup(order < 0 ? b : a), verdict};
    if (!d->a || !d->b) return sg_fail(err, SG_ERR_MEMORY, "%s: out of memory", name);
    return SG_OK;
}

/* Orders the decisions, drops repeats and refuses contradictions. */
static sg_status settle(sg_decisions *d, const char *name, sg_error *err) {
    if (d->count) qsort(d->items, d->count, sizeof *d->items, compare_decisions);
    size_t kept = 0;
    sg_status status = SG_OK;
    for (size_t i = 0; i < d->count; i++) {
        sg_decision *last = kept ? &d->items[kept - 1] : NULL;
        if (!last || compare_decisions(last, &d->items[i]) != 0) {
            d->items[kept++] = d->items[i];
            continue;
        }
        if (last->verdict != d->items[i].verdict && !status)
            status = sg_fail(err, SG_ERR_INPUT,
                    "%s: both confirms and rejects '%.200s' with '%.200s'; keep one of the rows",
                    name, last->a, last->b);
        free(d->items[i].a);
        free(d->items[i].b);
    }
    d->count = kept;
    return status;
}

sg_status sg_decisions_parse(
        sg_decisions *out, const char *text, size_t size, const char *name, sg_error *err) {
    static const char *const names[3] = {"a", "b", "verdict"};
    sg_csv csv;
    sg_decisions d = {0};
    int columns[3];
    sg_status status = sg_csv_parse(&csv, text, size, name, err);
    if (status) return status;
    for (int k = 0; k < 3 && !status; k++) {
        columns[k] = sg_csv_column(&csv, names[k]);
        if (columns[k] < 0)
            status = sg_fail(err, SG_ERR_FORMAT,
                    "%s: has no column '%s'; decisions need a, b (paths) and verdict (confirm or "
                    "reject)",
                    name, names[k]);
    }
    if (!status) {
        d.items = calloc(csv.rows + 1, sizeof *d.items);
        if (!d.items) status = sg_fail(err, SG_ERR_MEMORY, "%s: out of memory", name);
    }
    for (size_t i = 0; i < csv.rows && !status; i++)
        status = read_decision(&d, &csv, columns, i, name, err);
    if (!status) status = settle(&d, name, err);
    sg_csv_dispose(&csv);
    if (status)
        sg_decisions_dispose(&d);
    else
        *out = d;
    return status;
}

void sg_decisions_dispose(sg_decisions *decisions) {
    if (!decisions) return;
    for (size_t i = 0; i < decisions->count; i++) {
        free(decisions->items[i].a);
        free(decisions->items[i].b);
    }
    free(decisions->items);
    *decisions = (sg_decisions){0};
}

/* ---- taking them in ---- */

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

/* The pair list grows by `added` at its end; sorted again by the caller. */
static sg_status take_one(sg_audit *audit, size_t *added, size_t *capacity, const row_name *names,
        const sg_decision *d, sg_error *err) {
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

sg_status sg_audit_take_decisions(sg_audit *audit, const char *path, sg_error *err) {
    char *text = NULL;
    size_t size, added = 0, capacity = audit->pair_count, n = audit->manifest.count;
    sg_decisions decisions = {0};
    row_name *names = malloc((n + 1) * sizeof *names);
    if (!names) return sg_fail(err, SG_ERR_MEMORY, "%s: out of memory", path);
    for (size_t i = 0; i < n; i++) names[i] = (row_name){audit->manifest.rows[i].path, (uint32_t)i};
    qsort(names, n, sizeof *names, compare_names);
    sg_status status = sg_file_read(&text, &size, path, max_bytes, err);
    if (!status) status = sg_decisions_parse(&decisions, text, size, path, err);
    if (!status) sg_sha256_hex(audit->decisions_sha256, text, size);
    for (size_t i = 0; i < decisions.count && !status; i++)
        status = take_one(audit, &added, &capacity, names, &decisions.items[i], err);
    audit->pair_count += added;
    if (added) qsort(audit->pairs, audit->pair_count, sizeof *audit->pairs, compare_pairs);
    sg_decisions_dispose(&decisions);
    free(text);
    free(names);
    return status;
}
