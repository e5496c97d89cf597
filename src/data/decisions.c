/* decisions.c - see decisions.h. SPDX-License-Identifier: Apache-2.0 */
#include "data/decisions.h"
#include "base/csv.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

static const size_t max_bytes = (size_t)256 << 20;

const char *sg_verdict_name(sg_verdict verdict) {
    static const char *const names[] = {[SG_VERDICT_OPEN] = "open",
            [SG_VERDICT_CONFIRMED] = "confirm",
            [SG_VERDICT_REJECTED] = "reject"};
    return names[verdict];
}

static int compare_decisions(const void *x, const void *y) {
    const sg_decision *a = x, *b = y;
    int order = strcmp(a->a, b->a);
    return order ? order : strcmp(a->b, b->b);
}

/* The words of a verdict about a pair, and about one image. */
static const char *const words[2][3] = {
        {[SG_VERDICT_CONFIRMED] = "confirm", [SG_VERDICT_REJECTED] = "reject"},
        {[SG_VERDICT_CONFIRMED] = "exclude", [SG_VERDICT_REJECTED] = "keep"}};

/* Sets *verdict; SG_VERDICT_OPEN for an empty cell. */
static bool parse_verdict(sg_verdict *verdict, const char *text, bool single) {
    *verdict = SG_VERDICT_OPEN;
    if (!*text) return true;
    for (int v = SG_VERDICT_CONFIRMED; v <= SG_VERDICT_REJECTED; v++)
        if (strcmp(text, words[single][v]) == 0) *verdict = (sg_verdict)v;
    return *verdict != SG_VERDICT_OPEN;
}

static sg_status read_decision(sg_decisions *out, const sg_csv *csv, const int columns[3],
        size_t row, const char *name, sg_error *err) {
    const char *a = sg_csv_cell(csv, row, columns[0]), *b = sg_csv_cell(csv, row, columns[1]);
    const char *text = sg_csv_cell(csv, row, columns[2]);
    bool single = !*b;
    sg_verdict verdict;
    if (!parse_verdict(&verdict, text, single))
        return sg_fail(err, SG_ERR_FORMAT, "%s: row %zu: verdict '%.40s' is neither %s nor %s%s",
                name, row + 1, text, words[single][SG_VERDICT_CONFIRMED],
                words[single][SG_VERDICT_REJECTED],
                single ? ", and without b a verdict is about one image" : "");
    if (verdict == SG_VERDICT_OPEN) return SG_OK;
    int order = strcmp(a, b);
    if (!*a || order == 0)
        return sg_fail(err, SG_ERR_INPUT,
                "%s: row %zu: a verdict is about two images, or about one named in a", name,
                row + 1);
    sg_decision *d = &out->items[out->count++];
    bool swap = !single && order > 0;
    *d = (sg_decision){sg_strdup(swap ? b : a), sg_strdup(swap ? a : b), verdict};
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
            status = *last->b
                             ? sg_fail(err, SG_ERR_INPUT,
                                       "%s: both confirms and rejects '%.200s' with '%.200s'; "
                                       "keep one of the rows",
                                       name, last->a, last->b)
                             : sg_fail(err, SG_ERR_INPUT,
                                       "%s: both excludes and keeps '%.200s'; keep one of the rows",
                                       name, last->a);
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

sg_status sg_decisions_read(
        sg_decisions *out, char sha256[SG_SHA256_HEX], const char *path, sg_error *err) {
    char *text;
    size_t size;
    sg_status status = sg_file_read(&text, &size, path, max_bytes, err);
    if (status) return status;
    status = sg_decisions_parse(out, text, size, path, err);
    if (!status) sg_sha256_hex(sha256, text, size);
    free(text);
    return status;
}
