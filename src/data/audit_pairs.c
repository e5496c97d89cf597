/* audit_pairs.c - which images of a set show the same picture: equal bytes and equal pixels by
 * digest, changed copies by the search; then what the groups so made leave to be compared.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "data/audit.h"
#include "data/audit_compare.h"
#include "data/fingerprint.h"
#include "data/union.h"
#include <stdlib.h>
#include <string.h>

static int compare_pairs(const void *x, const void *y) {
    const sg_audit_pair *a = x, *b = y;
    if (a->a != b->a) return a->a < b->a ? -1 : 1;
    if (a->b != b->b) return a->b < b->b ? -1 : 1;
    if (a->kind != b->kind) return (int)a->kind - (int)b->kind;
    return a->score > b->score ? -1 : a->score < b->score;
}

/* Orders the list and keeps the surest of what was found twice. */
static void settle(sg_pair_list *list) {
    if (list->count) qsort(list->items, list->count, sizeof *list->items, compare_pairs);
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
static sg_status find_equal(sg_pair_list *list, const sg_audit *audit, sg_error *err) {
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
        status = sg_pair_list_add(list, audit,
                (sg_audit_pair){.a = digests[first].row,
                        .b = digests[i].row,
                        .score = 1,
                        .overlap = 1,
                        .affine = {1, 0, 0, 0, 1, 0}},
                err);
    }
    free(digests);
    return status;
}

/* ---- changed copies ---- */

enum { MOST_CANDIDATES = 10, LEAST_VOTES = 3 };

static sg_status find_near(
        sg_pair_list *list, const sg_audit *audit, const sg_audit_options *options, sg_error *err) {
    size_t n = audit->manifest.count, count = 0;
    sg_candidate *candidates = NULL;
    sg_keypoints *pictures = malloc((n + 1) * sizeof *pictures); /* borrow from the looks */
    if (!pictures) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a search");
    for (size_t i = 0; i < n; i++) pictures[i] = audit->looks[i].keypoints;
    sg_status status = sg_candidates_find(
            &candidates, &count, pictures, n, MOST_CANDIDATES, LEAST_VOTES, options->pool, err);
    if (!status) status = sg_audit_compare(list, audit, candidates, count, options, err);
    free(pictures);
    free(candidates);
    return status;
}

/* ---- pairs within groups ---- */

/* Above this a group's own pairs would cost more than the search. */
enum { MOST_COMPLETED = 12 };

typedef struct member {
    int group;
    uint32_t row;
} member;

static int compare_members(const void *x, const void *y) {
    const member *a = x, *b = y;
    if (a->group != b->group) return a->group < b->group ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

static sg_status list_members(
        member *members, const sg_pair_list *list, const sg_audit *audit, sg_error *err) {
    size_t n = audit->manifest.count;
    sg_union u = {0};
    int *numbers = malloc((n + 1) * sizeof *numbers);
    sg_status status = numbers ? sg_union_init(&u, n, err)
                               : sg_fail(err, SG_ERR_MEMORY, "out of memory for groups");
    for (size_t i = 0; i < list->count && !status; i++)
        if (list->items[i].score >= audit->join_score)
            sg_union_join(&u, list->items[i].a, list->items[i].b);
    if (!status) {
        (void)sg_union_number(&u, numbers);
        for (size_t i = 0; i < n; i++) members[i] = (member){numbers[i], (uint32_t)i};
        qsort(members, n, sizeof *members, compare_members);
    }
    sg_union_dispose(&u);
    free(numbers);
    return status;
}

static bool is_listed(const sg_pair_list *list, uint32_t a, uint32_t b) {
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const sg_audit_pair *p = &list->items[middle];
        if (p->a == a && p->b == b) return true;
        if (p->a < a || (p->a == a && p->b < b))
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* The search keeps the best few candidates of an image, and of a large group not all pairs are
 * among them. list is settled. */
static sg_status complete_groups(
        sg_pair_list *list, const sg_audit *audit, const sg_audit_options *options, sg_error *err) {
    size_t n = audit->manifest.count, count = 0, capacity = 0;
    sg_candidate *candidates = NULL;
    member *members = malloc((n + 1) * sizeof *members);
    sg_status status = members ? list_members(members, list, audit, err)
                               : sg_fail(err, SG_ERR_MEMORY, "out of memory for groups");
    for (size_t first = 0, end; first < n && !status; first = end) {
        for (end = first + 1; end < n && members[end].group == members[first].group;) end++;
        if (end - first < 3 || end - first > MOST_COMPLETED) continue;
        for (size_t i = first; i < end && !status; i++)
            for (size_t k = i + 1; k < end && !status; k++) {
                if (is_listed(list, members[i].row, members[k].row)) continue;
                status = sg_grow(&candidates, &capacity, count + SG_FLIPS, sizeof *candidates, err);
                for (uint16_t flip = 0; flip < SG_FLIPS && !status; flip++)
                    candidates[count++] = (sg_candidate){members[i].row, members[k].row, flip, 0};
            }
    }
    if (!status) status = sg_audit_compare(list, audit, candidates, count, options, err);
    free(candidates);
    free(members);
    return status;
}

sg_status sg_audit_find_pairs(sg_audit *audit, const sg_audit_options *options, sg_error *err) {
    audit->join_score = SG_AUDIT_JOIN_SCORE;
    audit->doubt_score = SG_AUDIT_DOUBT_SCORE;
    sg_pair_list list = {0};
    sg_status status = find_equal(&list, audit, err);
    if (!status) status = find_near(&list, audit, options, err);
    if (!status) {
        settle(&list);
        status = complete_groups(&list, audit, options, err);
    }
    if (status) {
        free(list.items);
        return status;
    }
    settle(&list);
    audit->pairs = list.items;
    audit->pair_count = list.count;
    return SG_OK;
}
