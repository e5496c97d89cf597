/* registration_score.c - one picture laid on the other and compared, block by block.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/affine.h"
#include "data/registration.h"
#include "image/blur.h"
#include "image/warp.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 12,
    LEAST_BLOCKS = 16,
    REACH = 3, /* pixels that a block is moved to find its place */
    REFITS = 3,
    BLACK = 3,    /* grey levels up to this are none */
    LIT_REACH = 3 /* a pixel is black when all pixels so far from it are */
};
static const double fine_sigma = 0.7, coarse_sigma = 3.0; /* the band of the detail */
static const double least_detail = 0.8;                   /* standard deviation, grey levels */
static const double sure = 0.5; /* correlation from which a block's place is believed */

/* ---- detail ---- */

/* 255 where a picture shows something, 0 in black areas: beside a sector, where a turned picture
 * ends. Their rims are alike in pictures that have nothing else in common. */
static sg_status mask_make(sg_image *out, const sg_image *picture, sg_error *err) {
    sg_status status = sg_image_create(out, picture->width, picture->height, 1, err);
    if (status) return status;
    for (int y = 0; y < picture->height; y++)
        for (int x = 0; x < picture->width; x++) {
            bool lit = false;
            for (int j = y - LIT_REACH; j <= y + LIT_REACH && !lit; j++) {
                if (j < 0 || j >= picture->height) continue;
                for (int i = x - LIT_REACH; i <= x + LIT_REACH && !lit; i++)
                    lit = i >= 0 && i < picture->width &&
                          picture->pixels[(size_t)j * (size_t)picture->width + (size_t)i] > BLACK;
            }
            out->pixels[(size_t)y * (size_t)picture->width + (size_t)x] = lit ? 255 : 0;
        }
    return SG_OK;
}

typedef struct layer {
    sg_plane detail;
    sg_image inside; /* 0 = outside */
} layer;

static void layer_dispose(layer *l) {
    sg_plane_dispose(&l->detail);
    sg_image_dispose(&l->inside);
    *l = (layer){0};
}

/* Turns the layer's picture into its detail. What is outside is filled with the mean first, so that
 * its rim makes no detail far inside. */
static sg_status layer_keep_detail(layer *l, sg_error *err) {
    size_t n = sg_image_size(&l->inside), inside = 0;
    sg_plane fine = {0}, coarse = {0};
    double mean = 0;
    for (size_t i = 0; i < n; i++) {
        if (!l->inside.pixels[i]) continue;
        mean += (double)l->detail.values[i];
        inside++;
    }
    for (size_t i = 0; i < n; i++)
        if (!l->inside.pixels[i])
            l->detail.values[i] = (float)(mean / (double)(inside ? inside : 1));
    sg_status status = sg_blur_plane(&fine, &l->detail, fine_sigma, err);
    if (!status) status = sg_blur_plane(&coarse, &l->detail, coarse_sigma, err);
    for (size_t i = 0; i < n && !status; i++)
        l->detail.values[i] = fine.values[i] - coarse.values[i];
    sg_plane_dispose(&fine);
    sg_plane_dispose(&coarse);
    return status;
}

/* `picture` with its mask, seen in a frame of width x height through m (pixel of the frame -> pixel
 * of the picture). */
static sg_status layer_make(layer *out, const sg_image *picture, const sg_image *mask, int width,
        int height, const double m[6], sg_error *err) {
    layer l = {0};
    sg_status status = sg_plane_create(&l.detail, width, height, err);
    if (!status) status = sg_image_create(&l.inside, width, height, 1, err);
    if (!status)
        status =
                sg_warp_affine(l.detail.values, width, height, picture, (sg_rect){0}, m, 0.0f, err);
    if (!status) status = sg_warp_nearest(l.inside.pixels, width, height, mask, m, 0, err);
    if (!status) status = layer_keep_detail(&l, err);
    if (status)
        layer_dispose(&l);
    else
        *out = l;
    return status;
}

/* ---- blocks ---- */

/* Correlation of the block of a at (x, y) with that of b at (x + dx, y + dy); false when a pixel
 * lies outside or there is no detail. */
static bool correlate(double *out, const layer *a, const layer *b, int x, int y, int dx, int dy) {
    int width = a->detail.width, height = a->detail.height;
    if (x + dx < 0 || y + dy < 0 || x + dx + BLOCK > width || y + dy + BLOCK > height) return false;
    float sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
    for (int j = 0; j < BLOCK; j++) {
        size_t at = (size_t)(y + j) * (size_t)width + (size_t)x;
        size_t to = (size_t)(y + dy + j) * (size_t)width + (size_t)(x + dx);
        const float *p = a->detail.values + at, *q = b->detail.values + to;
        for (int i = 0; i < BLOCK; i++) {
            if (!a->inside.pixels[at + (size_t)i] || !b->inside.pixels[to + (size_t)i])
                return false;
            sa += p[i];
            sb += q[i];
            saa += p[i] * p[i];
            sbb += q[i] * q[i];
            sab += p[i] * q[i];
        }
    }
    const float n = BLOCK * BLOCK;
    double va = (double)(saa - sa * sa / n), vb = (double)(sbb - sb * sb / n);
    double least = least_detail * least_detail * (double)n;
    if (va < least || vb < least) return false;
    *out = (double)(sab - sa * sb / n) / sqrt(va * vb);
    return true;
}

typedef struct block {
    double x, y, dx, dy, value;
} block;

/* Where a parabola through three correlations has its top. */
static double find_top(double before, double at, double after) {
    double bend = before - 2 * at + after;
    return bend < -1e-9 ? 0.5 * (before - after) / bend : 0;
}

/* Best place of one block within `reach`; false when it has no detail. */
static bool place_block(block *out, const layer *a, const layer *b, int x, int y, int reach) {
    double values[2 * REACH + 1][2 * REACH + 1];
    int best_x = 0, best_y = 0;
    if (!correlate(&values[REACH][REACH], a, b, x, y, 0, 0)) return false;
    for (int dy = -reach; dy <= reach; dy++)
        for (int dx = -reach; dx <= reach; dx++) {
            double *value = &values[dy + REACH][dx + REACH];
            if (!correlate(value, a, b, x, y, dx, dy)) *value = -1;
            if (*value > values[best_y + REACH][best_x + REACH]) {
                best_x = dx;
                best_y = dy;
            }
        }
    const double *row = values[best_y + REACH];
    int at = best_x + REACH;
    *out = (block){x + 0.5 * (BLOCK - 1), y + 0.5 * (BLOCK - 1), best_x, best_y, row[at]};
    if (abs(best_x) < reach) out->dx += find_top(row[at - 1], row[at], row[at + 1]);
    if (abs(best_y) < reach)
        out->dy +=
                find_top(values[best_y + REACH - 1][at], row[at], values[best_y + REACH + 1][at]);
    return true;
}

static size_t place_blocks(block *blocks, const layer *a, const layer *b, int reach) {
    size_t count = 0;
    for (int y = 0; y + BLOCK <= a->detail.height; y += BLOCK)
        for (int x = 0; x + BLOCK <= a->detail.width; x += BLOCK)
            count += place_block(&blocks[count], a, b, x, y, reach);
    return count;
}

/* The map from the frame to where the blocks were found, from those that are sure of it. */
static bool fit_blocks(double out[6], const block *blocks, size_t count, double (*from)[2],
        double (*to)[2], double *weights) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (blocks[i].value < sure) continue;
        from[n][0] = blocks[i].x;
        from[n][1] = blocks[i].y;
        to[n][0] = blocks[i].x + blocks[i].dx;
        to[n][1] = blocks[i].y + blocks[i].dy;
        weights[n++] = blocks[i].value * blocks[i].value;
    }
    return n >= 6 &&
           sg_affine_fit(out, (const double(*)[2])from, (const double(*)[2])to, weights, n);
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Mean correlation without the worst quarter. */
static double score_blocks(const block *blocks, size_t count, double *values) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) values[i] = blocks[i].value;
    qsort(values, count, sizeof *values, compare_doubles);
    for (size_t i = count / 4; i < count; i++) sum += values[i];
    return sum / (double)(count - count / 4);
}

/* ---- the whole ---- */

typedef struct scratch {
    block *blocks;
    double (*from)[2], (*to)[2], *weights;
} scratch;

static bool scratch_init(scratch *s, size_t blocks) {
    s->blocks = malloc((blocks + 1) * sizeof *s->blocks);
    s->from = malloc((blocks + 1) * sizeof *s->from);
    s->to = malloc((blocks + 1) * sizeof *s->to);
    s->weights = malloc((blocks + 1) * sizeof *s->weights);
    return s->blocks && s->from && s->to && s->weights;
}

static void scratch_dispose(scratch *s) {
    free(s->blocks);
    free(s->from);
    free(s->to);
    free(s->weights);
}

/* Pixels that lie in both, over those of the smaller picture. */
static double measure_overlap(
        const layer *a, const layer *b, const sg_image *moved_mask, const double m[6]) {
    double both = 0, still = 0, moved = 0;
    for (size_t i = 0; i < sg_image_size(&a->inside); i++) {
        still += a->inside.pixels[i] > 0;
        both += a->inside.pixels[i] && b->inside.pixels[i];
    }
    for (size_t i = 0; i < sg_image_size(moved_mask); i++) moved += moved_mask->pixels[i] > 0;
    moved /= fabs(m[0] * m[4] - m[1] * m[3]);
    double smaller = moved < still ? moved : still;
    return smaller > 0 ? fmin(1, both / smaller) : 0;
}

/* `still` is the frame; `moved` is laid on it through m (pixel of the frame -> pixel of moved),
 * which is improved. */
static sg_status compare(sg_registration *r, double m[6], const sg_image *still,
        const sg_image *moved, sg_error *err) {
    int width = still->width, height = still->height;
    static const double as_it_is[6] = {1, 0, 0, 0, 1, 0};
    layer a = {0}, b = {0};
    scratch s = {0};
    sg_image still_mask = {0}, moved_mask = {0};
    sg_status status = mask_make(&still_mask, still, err);
    if (!status) status = mask_make(&moved_mask, moved, err);
    if (!status) status = layer_make(&a, still, &still_mask, width, height, as_it_is, err);
    if (!status && !scratch_init(&s, (size_t)(width / BLOCK) * (size_t)(height / BLOCK)))
        status = sg_fail(err, SG_ERR_MEMORY, "out of memory for a comparison");
    for (int k = 0; k <= REFITS && !status; k++) {
        layer_dispose(&b);
        status = layer_make(&b, moved, &moved_mask, width, height, m, err);
        if (status) break;
        size_t count = place_blocks(s.blocks, &a, &b, k < REFITS - 1 ? REACH : 1);
        r->blocks = (int)count;
        r->score = count >= LEAST_BLOCKS ? score_blocks(s.blocks, count, s.weights) : 0;
        r->overlap = measure_overlap(&a, &b, &moved_mask, m);
        double shift[6];
        if (k == REFITS || !fit_blocks(shift, s.blocks, count, s.from, s.to, s.weights)) break;
        sg_affine_chain(m, shift, m);
    }
    layer_dispose(&a);
    layer_dispose(&b);
    sg_image_dispose(&still_mask);
    sg_image_dispose(&moved_mask);
    scratch_dispose(&s);
    return status;
}

sg_status sg_registration_score(sg_registration *registration, const sg_keypoints *a,
        const sg_keypoints *b, sg_error *err) {
    sg_registration r = *registration;
    double to_b[6];
    r.score = 0;
    r.overlap = 0;
    r.blocks = 0;
    if (r.inliers == 0 || !sg_affine_invert(to_b, r.affine)) {
        *registration = r;
        return SG_OK;
    }
    /* The frame is the picture that shows less detail, so that none is invented. */
    sg_status status;
    if (fabs(r.affine[0] * r.affine[4] - r.affine[1] * r.affine[3]) <= 1) {
        status = compare(&r, to_b, &a->work, &b->work, err);
        if (!status && !sg_affine_invert(r.affine, to_b)) r.score = 0;
    } else {
        status = compare(&r, r.affine, &b->work, &a->work, err);
    }
    if (!status) *registration = r;
    return status;
}
