/* audit_pairs.c - which images of a set show the same picture: equal bytes and equal pixels by
 * digest, changed copies by the search. SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "data/audit.h"
#include <stdlib.h>
#include <string.h>

typedef struct pair_list {
    sg_audit_pair *items;
    size_t count, capacity;
} pair_list;

static sg_status add_pair(pair_list *list, sg_audit_pair pair, sg_error *err) {
    if (pair.a > pair.b) {
        uint32_t a = pair.a;
        pair.a = pair.b;
        pair.b = a;
    }
    sg_status status =
            sg_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items, err);
    if (!status) list->items[list->count++] = pair;
    return status;
}

static int compare_pairs(const void *x, const void *y) {
    const sg_audit_pair *a = x, *b = y;
    if (a->a != b->a) return a->a < b->a ? -1 : 1;
    if (a->b != b->b) return a->b < b->b ? -1 : 1;
    return (int)a->kind - (int)b->kind;
}

/* Orders the list and keeps the surest of what was found twice. */
static void settle(pair_list *list) {
    qsort(list->items, list->count, sizeof *list->items, compare_pairs);
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        const sg_audit_pair *last = kept ? &list->items[kept - 1] : NULL;
        if (last && last->a == list->items[i].a && last->b == list->items[i].b) continue;
        list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

/* ---- equal pictures ---- */

typedef struct digest {
    const char *hex;
    uint32_t row;
} digest;

static int compare_digests(const void *x, const void *y) {
    const digest *a = x, *b = y;
    int order = strcmp(a->hex, b->hex);
    return order ? order : (a->row < b->row ? -1 : a->row > b->row);
}

/* Each equal picture is paired with the first of its kind: k copies make k - 1 pairs. */
static sg_status find_equal(pair_list *list, const sg_audit *audit, sg_error *err) {
    size_t n = audit->manifest.count, first = 0;
    digest *digests = malloc((n + 1) * sizeof *digests);
    if (!digests) return sg_fail(err, SG_ERR_MEMORY, "out of memory for the digests of images");
    for (size_t i = 0; i < n; i++)
        digests[i] = (digest){audit->looks[i].pixels_sha256, (uint32_t)i};
    qsort(digests, n, sizeof *digests, compare_digests);
    sg_status status = SG_OK;
    for (size_t i = 1; i < n && !status; i++) {
        if (strcmp(digests[i].hex, digests[first].hex) != 0) {
            first = i;
            continue;
        }
        const sg_manifest_row *rows = audit->manifest.rows;
        uint32_t a = digests[first].row, b = digests[i].row;
        bool bytes = strcmp(rows[a].sha256, rows[b].sha256) == 0;
        status = add_pair(list,
                (sg_audit_pair){.a = a,
                        .b = b,
                        .kind = bytes ? SG_PAIR_BYTES : SG_PAIR_PIXELS,
                        .score = 1,
                        .overlap = 1,
                        .affine = {1, 0, 0, 0, 1, 0}},
                err);
    }
    free(digests);
    return status;
}

/* ---- changed copies ---- */

static sg_status find_near(
        pair_list *list, const sg_audit *audit, const sg_audit_options *options, sg_error *err) {
    size_t n = audit->manifest.count, count = 0;
    sg_fingerprint_pair *found = NULL;
    float *prints = malloc((n + 1) * SG_FINGERPRINT_LEN * sizeof *prints);
    if (!prints) return sg_fail(err, SG_ERR_MEMORY, "out of memory for thumbnails");
    for (size_t i = 0; i < n; i++)
        memcpy(prints + i * SG_FINGERPRINT_LEN, audit->looks[i].print,
                SG_FINGERPRINT_LEN * sizeof *prints);
    sg_status status = sg_fingerprint_find_pairs(
            &found, &count, prints, n, audit->doubt_score, options->pool, err);
    for (size_t i = 0; i < count && !status; i++)
        status = add_pair(list,
                (sg_audit_pair){.a = found[i].a,
                        .b = found[i].b,
                        .kind = SG_PAIR_NEAR,
                        .score = (double)found[i].correlation,
                        .overlap = 1,
                        .affine = {1, 0, 0, 0, 1, 0}},
                err);
    free(found);
    free(prints);
    return status;
}

sg_status sg_audit_find_pairs(sg_audit *audit, const sg_audit_options *options, sg_error *err) {
    audit->join_score = SG_FINGERPRINT_THRESHOLD;
    audit->doubt_score = 0.9;
    pair_list list = {0};
    sg_status status = find_equal(&list, audit, err);
    if (!status) status = find_near(&list, audit, options, err);
    if (status) {
        free(list.items);
        return status;
    }
    settle(&list);
    audit->pairs = list.items;
    audit->pair_count = list.count;
    return SG_OK;
}
