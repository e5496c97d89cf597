/* audit_pairs.c - which images of a set show the same picture: equal bytes and equal pixels by
 * digest, changed copies by the search. SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "data/affine.h"
#include "data/audit.h"
#include "data/keypoint_index.h"
#include "data/registration.h"
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
    if (a->kind != b->kind) return (int)a->kind - (int)b->kind;
    return a->score > b->score ? -1 : a->score < b->score;
}

/* Orders the list and keeps the surest of what was found twice. */
static void settle(pair_list *list) {
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

enum { MOST_CANDIDATES = 8, LEAST_VOTES = 3, BATCH = 256 };

typedef struct comparing {
    const sg_audit *audit;
    const sg_candidate *candidates;
    sg_registration *results;
    size_t first; /* candidate of the batch's first item */
} comparing;

static sg_status compare_candidate(void *user, size_t item, sg_error *err) {
    const comparing *c = user;
    const sg_candidate *candidate = &c->candidates[c->first + item];
    sg_registration *result = &c->results[c->first + item];
    const sg_keypoints *a = &c->audit->looks[candidate->a].keypoints,
                       *b = &c->audit->looks[candidate->b].keypoints;
    sg_status status = sg_registration_find(result, a, b, candidate->flip, err);
    if (!status && result->inliers) status = sg_registration_score(result, a, b, err);
    return status;
}

/* From pixels of the image to pixels of its working picture. */
static void scale_to_work(double m[6], const sg_look *look) {
    double x = (double)look->keypoints.work.width / look->width;
    double y = (double)look->keypoints.work.height / look->height;
    const double scale[6] = {x, 0, 0.5 * x - 0.5, 0, y, 0.5 * y - 0.5};
    memcpy(m, scale, sizeof scale);
}

/* From pixels of b to pixels of a, given the map between their working pictures. */
static void map_images(double out[6], const double work[6], const sg_look *a, const sg_look *b) {
    double from[6], to[6];
    scale_to_work(from, b);
    scale_to_work(to, a);
    sg_affine_chain(out, from, work);
    if (sg_affine_invert(to, to)) sg_affine_chain(out, out, to);
}

static sg_status compare_candidates(
        comparing *c, size_t count, const sg_audit_options *options, sg_error *err) {
    sg_status status = SG_OK;
    for (; c->first < count && !status; c->first += BATCH) {
        size_t batch = count - c->first < BATCH ? count - c->first : BATCH;
        status = sg_pool_for(options->pool, batch, compare_candidate, c, err);
        sg_log_progress(options->log, "comparing pairs", (double)(c->first + batch), (double)count);
    }
    return status;
}

static sg_status find_near(
        pair_list *list, const sg_audit *audit, const sg_audit_options *options, sg_error *err) {
    size_t n = audit->manifest.count, count = 0;
    sg_candidate *candidates = NULL;
    sg_registration *results = NULL;
    sg_keypoints *pictures = malloc((n + 1) * sizeof *pictures); /* borrow from the looks */
    if (!pictures) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a search");
    for (size_t i = 0; i < n; i++) pictures[i] = audit->looks[i].keypoints;
    sg_status status = sg_candidates_find(
            &candidates, &count, pictures, n, MOST_CANDIDATES, LEAST_VOTES, options->pool, err);
    if (!status) {
        results = calloc(count + 1, sizeof *results);
        if (!results) status = sg_fail(err, SG_ERR_MEMORY, "out of memory for a search");
    }
    comparing c = {audit, candidates, results, 0};
    if (!status) status = compare_candidates(&c, count, options, err);
    for (size_t i = 0; i < count && !status; i++) {
        if (results[i].score < audit->doubt_score) continue;
        sg_audit_pair pair = {.a = candidates[i].a,
                .b = candidates[i].b,
                .kind = results[i].score >= SG_REGISTRATION_COPY ? SG_PAIR_NEAR : SG_PAIR_FRAME,
                .score = results[i].score,
                .overlap = results[i].overlap};
        map_images(pair.affine, results[i].affine, &audit->looks[pair.a], &audit->looks[pair.b]);
        status = add_pair(list, pair, err);
    }
    free(pictures);
    free(candidates);
    free(results);
    return status;
}

sg_status sg_audit_find_pairs(sg_audit *audit, const sg_audit_options *options, sg_error *err) {
    audit->join_score = SG_AUDIT_JOIN_SCORE;
    audit->doubt_score = SG_AUDIT_DOUBT_SCORE;
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
