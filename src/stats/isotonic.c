/* isotonic.c - see isotonic.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/isotonic.h"

#include "stats/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Neighbouring points that share one value. */
typedef struct block {
    double first, last; /* scores */
    double sum, weight; /* of targets */
} block;

static double level(const block *b) {
    return b->sum / b->weight;
}

/* Blocks of rising score and rising level; returns how many. */
static size_t pool(block *blocks, const double *scores, const double *targets,
        const uint32_t *falling, size_t n) {
    size_t count = 0;
    for (size_t i = n; i-- > 0;) {
        uint32_t row = falling[i];
        if (count && blocks[count - 1].first == scores[row]) {
            blocks[count - 1].sum += targets[row];
            blocks[count - 1].weight++;
        } else {
            blocks[count++] = (block){scores[row], scores[row], targets[row], 1};
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        blocks[kept++] = blocks[i];
        while (kept > 1 && level(&blocks[kept - 2]) >= level(&blocks[kept - 1])) {
            blocks[kept - 2].last = blocks[kept - 1].last;
            blocks[kept - 2].sum += blocks[kept - 1].sum;
            blocks[kept - 2].weight += blocks[kept - 1].weight;
            kept--;
        }
    }
    return kept;
}

static sg_status check_points(
        const double *scores, const double *targets, size_t n, sg_error *err) {
    if (n == 0) return sg_fail(err, SG_ERR_INPUT, "there are no rows to fit a function on");
    for (size_t i = 0; i < n; i++)
        if (!isfinite(scores[i]) || !isfinite(targets[i]))
            return sg_fail(err, SG_ERR_INPUT, "row %zu has a score that is not finite", i);
    return SG_OK;
}

sg_status sg_isotonic_fit(
        sg_isotonic *out, const double *scores, const double *targets, size_t n, sg_error *err) {
    sg_status status = check_points(scores, targets, n, err);
    if (status != SG_OK) return status;
    uint32_t *falling = NULL;
    block *blocks = calloc(n, sizeof *blocks);
    double *knots = calloc(4 * n, sizeof *knots);
    if (!blocks || !knots) status = sg_fail(err, SG_ERR_MEMORY, "out of memory to fit %zu rows", n);
    if (status == SG_OK) status = sg_order_falling(&falling, scores, 1, n, err);
    if (status == SG_OK) {
        sg_isotonic made = {0, knots, knots + 2 * n};
        size_t count = pool(blocks, scores, targets, falling, n);
        for (size_t i = 0; i < count; i++)
            for (int end = 0; end < (blocks[i].last > blocks[i].first ? 2 : 1); end++) {
                made.x[made.count] = end ? blocks[i].last : blocks[i].first;
                made.y[made.count++] = level(&blocks[i]);
            }
        *out = made;
        knots = NULL;
    }
    free(falling);
    free(blocks);
    free(knots);
    return status;
}

double sg_isotonic_value(const sg_isotonic *f, double score) {
    if (score <= f->x[0]) return f->y[0];
    if (score >= f->x[f->count - 1]) return f->y[f->count - 1];
    size_t low = 0, high = f->count - 1; /* x[low] < score < x[high] or equal to one of them */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (f->x[middle] <= score)
            low = middle;
        else
            high = middle;
    }
    double part = (score - f->x[low]) / (f->x[high] - f->x[low]);
    return f->y[low] + part * (f->y[high] - f->y[low]);
}

void sg_isotonic_dispose(sg_isotonic *function) {
    if (!function) return;
    free(function->x);
    memset(function, 0, sizeof *function);
}
