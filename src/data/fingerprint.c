/* fingerprint.c - thumbnails, and the search for pairs among them.
 *
 * The search is exact and cheap: each print is projected on 14 x 14 block means, an orthonormal
 * basis, and by Cauchy and Schwarz the correlation is at most the product of the projections plus
 * the product of what they leave over. Only pairs that this bound lets through are multiplied out.
 * find_row_pairs is the one place that decides which rows are candidates of a row; an index may
 * take its loop's place. SPDX-License-Identifier: Apache-2.0 */
#include "data/fingerprint.h"
#include "base/str.h"
#include "image/grey.h"
#include "image/resize.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIDE = SG_FINGERPRINT_SIDE,
    LEN = SG_FINGERPRINT_LEN,
    BLOCK = 4,
    COARSE_SIDE = SIDE / BLOCK,
    COARSE_LEN = COARSE_SIDE * COARSE_SIDE,
    COARSE_PAD = 200, /* COARSE_LEN, made a multiple of the lanes with zeros */
    FLIPS = 4,
    LANES = 8
};

/* Rounding in the sums stays far below this. */
static const double bound_slack = 1e-4;

typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

/* n is a multiple of LANES. Always the same order of additions, so the same bits. */
static double dot(const float *a, const float *b, size_t n) {
    lanes sum = {0};
    for (size_t i = 0; i < n; i += LANES) {
        lanes x, y;
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        sum += x * y;
    }
    double total = 0;
    for (int k = 0; k < LANES; k++) total += (double)sum[k];
    return total;
}

/* flip: bit 0 left-right, bit 1 up-down. */
static void flip_square(float *out, const float *in, int side, int flip) {
    for (int y = 0; y < side; y++) {
        const float *row = in + (size_t)((flip & 2) ? side - 1 - y : y) * side;
        for (int x = 0; x < side; x++) out[y * side + x] = row[(flip & 1) ? side - 1 - x : x];
    }
}

sg_status sg_fingerprint_make(float *values, const sg_image *image, sg_error *err) {
    sg_image grey = {0};
    sg_plane full = {0}, small = {0};
    sg_status status = sg_grey_convert(&grey, image, err);
    if (status == SG_OK) status = sg_plane_from_image(&full, &grey, err);
    if (status == SG_OK) status = sg_resize_plane(&small, &full, SIDE, SIDE, SG_RESIZE_AREA, err);
    if (status != SG_OK) goto done;

    double mean = 0, square = 0;
    for (int i = 0; i < LEN; i++) mean += (double)small.values[i] / LEN;
    for (int i = 0; i < LEN; i++) square += (small.values[i] - mean) * (small.values[i] - mean);
    double scale = square > 1e-3 * LEN ? 1 / sqrt(square) : 0;
    for (int i = 0; i < LEN; i++) values[i] = (float)((small.values[i] - mean) * scale);
done:
    sg_image_dispose(&grey);
    sg_plane_dispose(&full);
    sg_plane_dispose(&small);
    return status;
}

double sg_fingerprint_compare(const float *a, const float *b) {
    float flipped[LEN];
    double best = dot(a, b, LEN);
    for (int flip = 1; flip < FLIPS; flip++) {
        flip_square(flipped, a, SIDE, flip);
        double value = dot(flipped, b, LEN);
        best = value > best ? value : best;
    }
    return best;
}

/* ---- detail ---- */

enum { SHIFT = 3, CORE = SIDE - 2 * SHIFT, BLUR_RADIUS = 9 };
static const double blur_sigma = 3;

/* Mirror at the border without repeating the edge pixel. */
static int mirror(int i) {
    return i < 0 ? -i : i >= SIDE ? 2 * SIDE - 2 - i : i;
}

/* One pass along x, written transposed; two passes blur both ways and restore the order. */
static void blur_transposed(float *out, const float *in) {
    double weights[2 * BLUR_RADIUS + 1], total = 0;
    for (int k = -BLUR_RADIUS; k <= BLUR_RADIUS; k++)
        total += weights[k + BLUR_RADIUS] = exp(-k * k / (2 * blur_sigma * blur_sigma));
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            double sum = 0;
            for (int k = -BLUR_RADIUS; k <= BLUR_RADIUS; k++)
                sum += weights[k + BLUR_RADIUS] * in[y * SIDE + mirror(x + k)];
            out[x * SIDE + y] = (float)(sum / total);
        }
}

static void keep_detail(float *out, const float *in) {
    float once[LEN];
    blur_transposed(once, in);
    blur_transposed(out, once);
    for (int i = 0; i < LEN; i++) out[i] = in[i] - out[i];
}

/* Correlation of the middle of a with the window of b at (top, left). */
static double correlate_window(const float *a, const float *b, int top, int left) {
    double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
    for (int y = 0; y < CORE; y++) {
        const float *pa = a + (y + SHIFT) * SIDE + SHIFT, *pb = b + (y + top) * SIDE + left;
        for (int x = 0; x < CORE; x++) {
            double va = (double)pa[x], vb = (double)pb[x];
            sa += va;
            sb += vb;
            saa += va * va;
            sbb += vb * vb;
            sab += va * vb;
        }
    }
    double n = (double)CORE * CORE, va = saa - sa * sa / n, vb = sbb - sb * sb / n;
    return va > 0 && vb > 0 ? (sab - sa * sb / n) / sqrt(va * vb) : 0;
}

double sg_fingerprint_compare_detail(const float *a, const float *b) {
    float fine_a[LEN], fine_b[LEN], flipped[LEN];
    keep_detail(fine_a, a);
    keep_detail(fine_b, b);
    double best = -1;
    for (int flip = 0; flip < FLIPS; flip++) {
        flip_square(flipped, fine_a, SIDE, flip);
        for (int top = 0; top <= 2 * SHIFT; top++)
            for (int left = 0; left <= 2 * SHIFT; left++) {
                double value = correlate_window(flipped, fine_b, top, left);
                best = value > best ? value : best;
            }
    }
    return best;
}

/* ---- pairs ---- */

typedef struct pair_list {
    sg_fingerprint_pair *items;
    size_t count, capacity;
} pair_list;

typedef struct pair_search {
    const float *prints;
    float *coarse;    /* [n][COARSE_PAD] */
    float *rest;      /* [n]: norm of what the projection leaves over */
    pair_list *found; /* [n] */
    size_t n;
    double threshold;
} pair_search;

static void project(float *coarse, float *rest, const float *print) {
    double left = dot(print, print, LEN);
    memset(coarse, 0, COARSE_PAD * sizeof *coarse);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            coarse[y / BLOCK * COARSE_SIDE + x / BLOCK] += print[y * SIDE + x] / BLOCK;
    left -= dot(coarse, coarse, COARSE_PAD);
    *rest = (float)sqrt(left > 0 ? left : 0);
}

static sg_status find_row_pairs(void *user, size_t a, sg_error *err) {
    pair_search *s = user;
    pair_list *list = &s->found[a];
    float flipped[FLIPS][COARSE_PAD] = {{0}};
    for (int flip = 0; flip < FLIPS; flip++)
        flip_square(flipped[flip], s->coarse + a * COARSE_PAD, COARSE_SIDE, flip);

    for (size_t b = a + 1; b < s->n; b++) {
        const float *other = s->coarse + b * COARSE_PAD;
        double bound = -1;
        for (int flip = 0; flip < FLIPS; flip++) {
            double value = dot(flipped[flip], other, COARSE_PAD);
            bound = value > bound ? value : bound;
        }
        if (bound + (double)s->rest[a] * s->rest[b] + bound_slack < s->threshold) continue;
        double best = sg_fingerprint_compare(s->prints + a * LEN, s->prints + b * LEN);
        if (best < s->threshold) continue;
        sg_status status =
                sg_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items, err);
        if (status != SG_OK) return status;
        list->items[list->count++] = (sg_fingerprint_pair){(uint32_t)a, (uint32_t)b, (float)best};
    }
    return SG_OK;
}

static sg_status gather_pairs(
        sg_fingerprint_pair **pairs, size_t *count, const pair_search *s, sg_error *err) {
    size_t total = 0;
    for (size_t i = 0; i < s->n; i++) total += s->found[i].count;
    sg_fingerprint_pair *all = NULL;
    if (total) {
        all = malloc(total * sizeof *all);
        if (!all) return sg_fail(err, SG_ERR_MEMORY, "Out of memory for %zu image pairs.", total);
    }
    size_t used = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->found[i].count)
            memcpy(all + used, s->found[i].items, s->found[i].count * sizeof *all);
        used += s->found[i].count;
    }
    *pairs = all;
    *count = total;
    return SG_OK;
}

sg_status sg_fingerprint_find_pairs(sg_fingerprint_pair **pairs, size_t *count, const float *prints,
        size_t n, double threshold, sg_pool *pool, sg_error *err) {
    if (n == 0) {
        *pairs = NULL;
        *count = 0;
        return SG_OK;
    }
    if (n > UINT32_MAX)
        return sg_fail(err, SG_ERR_USAGE, "%zu images are more than a search can number.", n);
    pair_search s = {.prints = prints,
            .coarse = calloc(n, COARSE_PAD * sizeof *s.coarse),
            .rest = calloc(n, sizeof *s.rest),
            .found = calloc(n, sizeof *s.found),
            .n = n,
            .threshold = threshold};
    sg_status status = SG_OK;
    if (!s.coarse || !s.rest || !s.found) {
        status =
                sg_fail(err, SG_ERR_MEMORY, "Out of memory for the fingerprints of %zu images.", n);
        goto done;
    }
    for (size_t i = 0; i < n; i++) project(s.coarse + i * COARSE_PAD, &s.rest[i], prints + i * LEN);
    status = sg_pool_for(pool, n, find_row_pairs, &s, err);
    if (status == SG_OK) status = gather_pairs(pairs, count, &s, err);
done:
    for (size_t i = 0; s.found && i < n; i++) free(s.found[i].items);
    free(s.found);
    free(s.rest);
    free(s.coarse);
    return status;
}
