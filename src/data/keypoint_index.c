/* keypoint_index.c - see keypoint_index.h. SPDX-License-Identifier: Apache-2.0 */
#include "data/keypoint_index.h"
#include "base/rng.h"
#include "base/str.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    TABLES = 12,
    LEAST_BITS = 10,
    SPARE_BITS = 3, /* buckets are so many times finer than one point each */
    MOST_BITS = 24,
    HASHED = 24,      /* terms of a code that are hashed: the high ones carry noise */
    TERMS = 3,        /* of a code in one bit */
    READ_AT_MOST = 16 /* points of a bucket */
};

/* One bit of a word: on which side of a plane through three terms a code lies. */
typedef struct plane {
    uint8_t term[TERMS];
    int8_t sign[TERMS];
} plane;

typedef struct table {
    uint32_t *first;    /* [2^bits + 1]: where a word's points begin */
    uint32_t *pictures; /* [points]: whose they are, by word, then number */
} table;

typedef struct point_index {
    const sg_keypoints *pictures;
    size_t n, points;
    uint32_t *first_of; /* [n + 1]: points of a picture */
    int bits;
    float mean[SG_KEYPOINT_CODE], scale[SG_KEYPOINT_CODE];
    plane planes[TABLES][MOST_BITS];
    table tables[TABLES];
} point_index;

/* ---- words ---- */

/* Terms are shifted and scaled by what is usual in the set; a flip turns the sign of odd terms, so
 * their mean is taken for zero. */
static void measure_terms(point_index *x) {
    double sum[SG_KEYPOINT_CODE] = {0}, square[SG_KEYPOINT_CODE] = {0};
    int8_t ones[SG_KEYPOINT_CODE], flipped[2][SG_KEYPOINT_CODE];
    memset(ones, 1, sizeof ones);
    sg_keypoint_flip_code(flipped[0], ones, 1);
    sg_keypoint_flip_code(flipped[1], ones, 2);
    for (size_t i = 0; i < x->n; i++)
        for (int p = 0; p < x->pictures[i].count; p++)
            for (int k = 0; k < SG_KEYPOINT_CODE; k++) {
                double value = x->pictures[i].points[p].code[k];
                sum[k] += value;
                square[k] += value * value;
            }
    for (int k = 0; k < SG_KEYPOINT_CODE; k++) {
        bool odd = flipped[0][k] < 0 || flipped[1][k] < 0;
        double mean = odd ? 0 : sum[k] / (double)(x->points ? x->points : 1);
        double variance = square[k] / (double)(x->points ? x->points : 1) - mean * mean;
        x->mean[k] = (float)mean;
        x->scale[k] = (float)(1 / sqrt(variance > 1 ? variance : 1));
    }
}

static void draw_planes(point_index *x) {
    sg_rng rng = sg_rng_make(0, SG_RNG_SAMPLER, 0, 0);
    for (int t = 0; t < TABLES; t++)
        for (int b = 0; b < MOST_BITS; b++)
            for (int k = 0; k < TERMS; k++) {
                x->planes[t][b].term[k] = (uint8_t)sg_rng_below(&rng, HASHED);
                x->planes[t][b].sign[k] = sg_rng_below(&rng, 2) ? 1 : -1;
            }
}

/* The words of a code in all tables; the lowest bit is the polarity. */
static void hash_code(uint32_t *words, const point_index *x, const int8_t *code, int bright) {
    float terms[HASHED];
    for (int k = 0; k < HASHED; k++) terms[k] = ((float)code[k] - x->mean[k]) * x->scale[k];
    for (int t = 0; t < TABLES; t++) {
        uint32_t word = bright ? 1 : 0;
        for (int b = 1; b < x->bits; b++) {
            const plane *p = &x->planes[t][b];
            float side = 0;
            for (int k = 0; k < TERMS; k++) side += (float)p->sign[k] * terms[p->term[k]];
            word |= (side > 0 ? 1u : 0u) << b;
        }
        words[t] = word;
    }
}

/* ---- building ---- */

static void index_dispose(point_index *x) {
    free(x->first_of);
    for (int t = 0; t < TABLES; t++) {
        free(x->tables[t].first);
        free(x->tables[t].pictures);
    }
}

/* Counting sort of all points by their word in one table. */
static void sort_table(table *t, const point_index *x, const uint32_t *words) {
    size_t buckets = (size_t)1 << x->bits, points = x->points;
    for (size_t i = 0; i < points; i++) t->first[words[i] + 1]++;
    for (size_t w = 0; w < buckets; w++) t->first[w + 1] += t->first[w];
    for (size_t picture = x->n; picture-- > 0;)
        for (uint32_t i = x->first_of[picture + 1]; i-- > x->first_of[picture];)
            t->pictures[--t->first[words[i] + 1]] = (uint32_t)picture;
    /* Each entry is now its bucket's beginning, one place too high. */
    memmove(t->first, t->first + 1, buckets * sizeof *t->first);
    t->first[buckets] = (uint32_t)points;
}

typedef struct building {
    point_index *x;
    uint32_t *words; /* [TABLES][points] */
} building;

static sg_status hash_picture(void *user, size_t picture, sg_error *err) {
    (void)err;
    building *b = user;
    const point_index *x = b->x;
    const sg_keypoints *from = &x->pictures[picture];
    for (int p = 0; p < from->count; p++) {
        uint32_t words[TABLES];
        hash_code(words, x, from->points[p].code, from->points[p].bright);
        for (int t = 0; t < TABLES; t++)
            b->words[(size_t)t * x->points + x->first_of[picture] + (size_t)p] = words[t];
    }
    return SG_OK;
}

static sg_status build_table(void *user, size_t t, sg_error *err) {
    (void)err;
    building *b = user;
    sort_table(&b->x->tables[t], b->x, b->words + t * b->x->points);
    return SG_OK;
}

static sg_status allocate(point_index *x, sg_error *err) {
    for (size_t i = 0; i < x->n; i++) x->points += (size_t)x->pictures[i].count;
    if (x->points > UINT32_MAX)
        return sg_fail(
                err, SG_ERR_USAGE, "%zu keypoints are more than a search can number", x->points);
    x->bits = LEAST_BITS;
    while (x->bits < MOST_BITS && ((size_t)1 << x->bits) < x->points << SPARE_BITS) x->bits++;
    x->first_of = malloc((x->n + 1) * sizeof *x->first_of);
    bool there = x->first_of != NULL;
    for (int t = 0; t < TABLES; t++) {
        x->tables[t].first = calloc(((size_t)1 << x->bits) + 1, sizeof *x->tables[t].first);
        x->tables[t].pictures = malloc((x->points + 1) * sizeof *x->tables[t].pictures);
        there = there && x->tables[t].first && x->tables[t].pictures;
    }
    if (!there)
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for an index of %zu pictures", x->n);
    size_t next = 0;
    for (size_t i = 0; i < x->n; i++) {
        x->first_of[i] = (uint32_t)next;
        next += (size_t)x->pictures[i].count;
    }
    x->first_of[x->n] = (uint32_t)next;
    return SG_OK;
}

static sg_status index_build(point_index *x, sg_pool *pool, sg_error *err) {
    building b = {.x = x};
    sg_status status = allocate(x, err);
    if (status) return status;
    measure_terms(x);
    draw_planes(x);
    b.words = malloc((TABLES * x->points + 1) * sizeof *b.words);
    if (!b.words)
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for an index of %zu pictures", x->n);
    status = sg_pool_for(pool, x->n, hash_picture, &b, err);
    if (!status) status = sg_pool_for(pool, TABLES, build_table, &b, err);
    free(b.words);
    return status;
}

/* ---- asking ---- */

/* Votes of one asking picture for all others, cleared by list. */
typedef struct tally {
    uint16_t *votes;   /* [n * SG_FLIPS] */
    uint32_t *last;    /* [n * SG_FLIPS]: the asking point that voted last, plus one */
    uint32_t *touched; /* [n * SG_FLIPS] */
    size_t touched_count;
} tally;

static void tally_dispose(tally *t) {
    free(t->votes);
    free(t->last);
    free(t->touched);
}

static sg_status tally_init(tally *t, size_t n, sg_error *err) {
    t->votes = calloc(n * SG_FLIPS + 1, sizeof *t->votes);
    t->last = calloc(n * SG_FLIPS + 1, sizeof *t->last);
    t->touched = malloc((n * SG_FLIPS + 1) * sizeof *t->touched);
    if (t->votes && t->last && t->touched) return SG_OK;
    return sg_fail(err, SG_ERR_MEMORY, "out of memory for the votes of %zu pictures", n);
}

static void read_bucket(
        tally *votes, const table *t, uint32_t word, size_t asking, int flip, uint32_t point) {
    size_t from = t->first[word], to = t->first[word + 1];
    size_t step = (to - from) / READ_AT_MOST + 1;
    for (size_t i = from; i < to; i += step) {
        uint32_t picture = t->pictures[i];
        if (picture == asking) continue;
        size_t slot = (size_t)picture * SG_FLIPS + (size_t)flip;
        if (votes->last[slot] == point) continue;
        votes->last[slot] = point;
        if (!votes->votes[slot]++) votes->touched[votes->touched_count++] = (uint32_t)slot;
    }
}

typedef struct asking {
    const point_index *x;
    sg_candidate *found; /* [n][most] */
    int *counts;         /* [n] */
    int most, least;
} asking;

/* More votes first; then the lower slot. */
static bool is_ahead(const sg_candidate *a, const sg_candidate *b) {
    if (a->votes != b->votes) return a->votes > b->votes;
    return a->b != b->b ? a->b < b->b : a->flip < b->flip;
}

/* Keeps the best `most`, by insertion. */
static void keep_best(sg_candidate *best, int *count, int most, sg_candidate candidate) {
    int at = *count;
    if (at == most && !is_ahead(&candidate, &best[at - 1])) return;
    if (at < most)
        ++*count;
    else
        at--;
    for (; at > 0 && is_ahead(&candidate, &best[at - 1]); at--) best[at] = best[at - 1];
    best[at] = candidate;
}

static void ask(const asking *a, tally *votes, size_t picture) {
    const point_index *x = a->x;
    const sg_keypoints *from = &x->pictures[picture];
    for (int flip = 0; flip < SG_FLIPS; flip++) {
        /* Buckets lie all over memory: they are called for before they are read. */
        uint32_t words[SG_KEYPOINT_MAX][TABLES];
        for (int p = 0; p < from->count; p++) {
            int8_t code[SG_KEYPOINT_CODE];
            sg_keypoint_flip_code(code, from->points[p].code, flip);
            hash_code(words[p], x, code, from->points[p].bright);
            for (int t = 0; t < TABLES; t++) __builtin_prefetch(&x->tables[t].first[words[p][t]]);
        }
        for (int p = 0; p < from->count; p++)
            for (int t = 0; t < TABLES; t++)
                __builtin_prefetch(&x->tables[t].pictures[x->tables[t].first[words[p][t]]]);
        for (int p = 0; p < from->count; p++)
            for (int t = 0; t < TABLES; t++)
                read_bucket(votes, &x->tables[t], words[p][t], picture, flip, (uint32_t)p + 1);
    }
    for (size_t i = 0; i < votes->touched_count; i++) {
        uint32_t slot = votes->touched[i];
        sg_candidate candidate = {(uint32_t)picture, slot / SG_FLIPS, (uint16_t)(slot % SG_FLIPS),
                votes->votes[slot]};
        votes->votes[slot] = 0;
        votes->last[slot] = 0;
        if (candidate.votes >= a->least)
            keep_best(
                    a->found + picture * (size_t)a->most, &a->counts[picture], a->most, candidate);
    }
    votes->touched_count = 0;
}

/* Pictures that share one tally; few blocks, so that clearing tallies stays linear. */
enum { LEAST_BLOCK = 64, MOST_BLOCKS = 64 };
static size_t block_size(size_t n) {
    size_t size = n / MOST_BLOCKS + 1;
    return size > LEAST_BLOCK ? size : LEAST_BLOCK;
}

static sg_status ask_block(void *user, size_t block, sg_error *err) {
    const asking *a = user;
    tally votes = {0};
    sg_status status = tally_init(&votes, a->x->n, err);
    size_t size = block_size(a->x->n), first = block * size;
    size_t end = first + size < a->x->n ? first + size : a->x->n;
    for (size_t i = first; i < end && !status; i++) ask(a, &votes, i);
    tally_dispose(&votes);
    return status;
}

static int compare_candidates(const void *x, const void *y) {
    const sg_candidate *a = x, *b = y;
    if (a->a != b->a) return a->a < b->a ? -1 : 1;
    if (a->b != b->b) return a->b < b->b ? -1 : 1;
    if (a->flip != b->flip) return (int)a->flip - (int)b->flip;
    return (int)b->votes - (int)a->votes;
}

/* All lists in one, each pair and flip once, with the more votes of its two directions. */
static sg_status gather(sg_candidate **out, size_t *count, const asking *a, sg_error *err) {
    size_t total = 0, kept = 0;
    for (size_t i = 0; i < a->x->n; i++) total += (size_t)a->counts[i];
    sg_candidate *all = malloc((total + 1) * sizeof *all);
    if (!all) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu candidates", total);
    total = 0;
    for (size_t i = 0; i < a->x->n; i++)
        for (int k = 0; k < a->counts[i]; k++) {
            sg_candidate c = a->found[i * (size_t)a->most + (size_t)k];
            if (c.a > c.b) {
                uint32_t b = c.a;
                c.a = c.b;
                c.b = b;
            }
            all[total++] = c;
        }
    qsort(all, total, sizeof *all, compare_candidates);
    for (size_t i = 0; i < total; i++) {
        const sg_candidate *last = kept ? &all[kept - 1] : NULL;
        if (last && last->a == all[i].a && last->b == all[i].b && last->flip == all[i].flip)
            continue;
        all[kept++] = all[i];
    }
    *out = all;
    *count = kept;
    return SG_OK;
}

sg_status sg_candidates_find(sg_candidate **out, size_t *count, const sg_keypoints *pictures,
        size_t n, int most, int least, sg_pool *pool, sg_error *err) {
    if (n > UINT32_MAX / SG_FLIPS)
        return sg_fail(err, SG_ERR_USAGE, "%zu images are more than a search can number", n);
    point_index x = {.pictures = pictures, .n = n};
    asking a = {.x = &x,
            .found = malloc((n * (size_t)most + 1) * sizeof *a.found),
            .counts = calloc(n + 1, sizeof *a.counts),
            .most = most,
            .least = least};
    sg_status status = a.found && a.counts
                               ? index_build(&x, pool, err)
                               : sg_fail(err, SG_ERR_MEMORY,
                                         "out of memory for the candidates of %zu images", n);
    if (!status)
        status = sg_pool_for(pool, (n + block_size(n) - 1) / block_size(n), ask_block, &a, err);
    if (!status) status = gather(out, count, &a, err);
    index_dispose(&x);
    free(a.found);
    free(a.counts);
    return status;
}
