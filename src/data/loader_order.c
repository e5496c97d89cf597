/* loader_order.c - in order, shuffled, or balanced over classes with replacement.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/loader_order.h"

#include <stdlib.h>

/* Sorts item positions by label (counting sort); start[k]..start[k + 1] are the items of the k-th
 * class present, *classes of them. by_label and start have room for n and n + 1. */
static void group_by_label(uint32_t *by_label, uint32_t *start, size_t *classes, const int *labels,
        size_t n, int most) {
    *classes = 0;
    start[0] = 0;
    uint32_t filled = 0;
    for (int label = 0; label <= most; label++) {
        for (size_t i = 0; i < n; i++)
            if (labels[i] == label) by_label[filled++] = (uint32_t)i;
        if (filled > start[*classes]) start[++*classes] = filled;
    }
}

static sg_status draw_balanced(uint32_t *order, const int *labels, size_t n, uint64_t seed,
        uint32_t epoch, sg_error *err) {
    int most = 0;
    for (size_t i = 0; i < n; i++)
        if (labels[i] > most) most = labels[i];
    uint32_t *by_label = malloc(n * sizeof *by_label);
    uint32_t *start = malloc((n + 1) * sizeof *start);
    if (!by_label || !start) {
        free(by_label);
        free(start);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for an epoch of %zu images", n);
    }
    size_t classes;
    group_by_label(by_label, start, &classes, labels, n, most);
    sg_rng rng = sg_rng_make(seed, SG_RNG_SAMPLER, epoch, 0);
    for (size_t i = 0; i < n; i++) {
        uint32_t k = sg_rng_below(&rng, (uint32_t)classes);
        order[i] = by_label[start[k] + sg_rng_below(&rng, start[k + 1] - start[k])];
    }
    free(by_label);
    free(start);
    return SG_OK;
}

sg_status sg_loader_order_draw(uint32_t *order, uint32_t *repeat, const int *labels, size_t n,
        sg_loader_order rule, uint64_t seed, uint32_t epoch, sg_error *err) {
    for (size_t i = 0; i < n; i++) {
        order[i] = (uint32_t)i;
        repeat[i] = 0;
    }
    if (rule == SG_LOADER_SHUFFLE) {
        sg_rng rng = sg_rng_make(seed, SG_RNG_SHUFFLE, epoch, 0);
        sg_rng_shuffle(&rng, order, n);
    }
    if (rule != SG_LOADER_BALANCED) return SG_OK;
    uint32_t *seen = calloc(n, sizeof *seen);
    if (!seen) return sg_fail(err, SG_ERR_MEMORY, "out of memory for an epoch of %zu images", n);
    sg_status status = draw_balanced(order, labels, n, seed, epoch, err);
    for (size_t i = 0; !status && i < n; i++) repeat[i] = seen[order[i]]++;
    free(seen);
    return status;
}
