/* weight_stats.c - see weight_stats.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/weight_stats.h"
#include <math.h>

enum { BLOCK = 4096 };

typedef struct sums {
    double sum, squares, about, low, high;
    int64_t finite;
} sums;

static void add(sums *s, const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) continue;
        double d = (double)x[i] - s->about;
        s->sum += d;
        s->squares += d * d;
        if (s->finite == 0 || x[i] < s->low) s->low = x[i];
        if (s->finite == 0 || x[i] > s->high) s->high = x[i];
        s->finite++;
    }
}

static sg_status pass(sums *s, const sg_tensor *t, sg_error *err) {
    float block[BLOCK];
    int64_t n = sg_shape_count(&t->shape);
    size_t item = sg_dtype_size(t->dtype);
    for (int64_t at = 0; at < n; at += BLOCK) {
        int64_t k = n - at < BLOCK ? n - at : BLOCK;
        sg_tensor part = {.dtype = t->dtype,
                .shape = sg_shape_of(1, &k),
                .data = (char *)t->data + (size_t)at * item};
        sg_status st = sg_tensor_to_f32(block, &part, err);
        if (st) return st;
        add(s, block, k);
    }
    return SG_OK;
}

sg_status sg_weight_stats_of(sg_weight_stats *out, const sg_tensor *t, sg_error *err) {
    sums first = {0}, second = {0};
    sg_status st = pass(&first, t, err);
    second.about = first.finite ? first.sum / (double)first.finite : 0;
    if (!st) st = pass(&second, t, err);
    if (st) return st;
    int64_t n = second.finite;
    double rest = n ? second.sum / (double)n : 0;
    *out = (sg_weight_stats){.mean = second.about + rest,
            .sd = n ? sqrt(fmax(0, second.squares / (double)n - rest * rest)) : 0,
            .low = second.low,
            .high = second.high,
            .elements = sg_shape_count(&t->shape),
            .not_finite = sg_shape_count(&t->shape) - n};
    return SG_OK;
}
