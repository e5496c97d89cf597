/* audit_compare.c - see audit_compare.h. SPDX-License-Identifier: Apache-2.0 */
#include "data/audit_compare.h"
#include "base/str.h"
#include "data/affine.h"
#include "data/registration.h"
#include <stdlib.h>
#include <string.h>

enum { BATCH = 256 };

static sg_pair_kind kind_of(const sg_audit *audit, uint32_t a, uint32_t b, double score) {
    const sg_manifest_row *rows = audit->manifest.rows;
    if (strcmp(rows[a].sha256, rows[b].sha256) == 0) return SG_PAIR_BYTES;
    if (strcmp(audit->looks[a].pixels_sha256, audit->looks[b].pixels_sha256) == 0)
        return SG_PAIR_PIXELS;
    return score >= SG_REGISTRATION_COPY ? SG_PAIR_NEAR : SG_PAIR_FRAME;
}

sg_status sg_pair_list_add(
        sg_pair_list *list, const sg_audit *audit, sg_audit_pair pair, sg_error *err) {
    pair.kind = kind_of(audit, pair.a, pair.b, pair.score);
    sg_status status =
            sg_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items, err);
    if (!status) list->items[list->count++] = pair;
    return status;
}

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
    const sg_look *looks = c->audit->looks;
    const sg_keypoints *a = &looks[candidate->a].keypoints, *b = &looks[candidate->b].keypoints;
    if (strcmp(looks[candidate->a].pixels_sha256, looks[candidate->b].pixels_sha256) == 0) {
        *result = (sg_registration){.affine = {1, 0, 0, 0, 1, 0}, .overlap = 1, .score = 1};
        return SG_OK;
    }
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

sg_status sg_audit_compare(sg_pair_list *list, const sg_audit *audit,
        const sg_candidate *candidates, size_t count, const sg_audit_options *options,
        sg_error *err) {
    comparing c = {audit, candidates, calloc(count + 1, sizeof(sg_registration)), 0};
    if (!c.results) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu candidates", count);
    sg_status status = compare_candidates(&c, count, options, err);
    for (size_t i = 0; i < count && !status; i++) {
        const sg_registration *r = &c.results[i];
        if (r->score < audit->doubt_score) continue;
        sg_audit_pair pair = {.a = candidates[i].a,
                .b = candidates[i].b,
                .score = r->score,
                .overlap = r->overlap};
        map_images(pair.affine, r->affine, &audit->looks[pair.a], &audit->looks[pair.b]);
        status = sg_pair_list_add(list, audit, pair, err);
    }
    free(c.results);
    return status;
}
