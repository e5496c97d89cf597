/* split_thin.c - fewer training images, for learning curves. See split.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "data/split.h"
#include <math.h>
#include <stdlib.h>

enum { THIN_STREAM = 0x7468696e }; /* apart from the streams that draw splits */

typedef struct thinning {
    uint32_t *groups; /* [group_count] of one class, shuffled */
    size_t *in_train; /* [group_count] training images per group */
    int *class_of;    /* [group_count] of a group's first training row; -1 = none */
    bool *kept;       /* [group_count] */
} thinning;

static void thinning_dispose(thinning *t) {
    free(t->groups);
    free(t->in_train);
    free(t->class_of);
    free(t->kept);
}

static sg_status thinning_init(
        thinning *t, const sg_split *parts, const sg_manifest *m, sg_error *err) {
    size_t n = m->group_count + 1;
    *t = (thinning){malloc(n * sizeof *t->groups), calloc(n, sizeof *t->in_train),
            malloc(n * sizeof *t->class_of), calloc(n, sizeof *t->kept)};
    if (!t->groups || !t->in_train || !t->class_of || !t->kept)
        return sg_fail(err, SG_ERR_MEMORY, "out of memory thinning a split");
    for (size_t g = 0; g < m->group_count; g++) t->class_of[g] = -1;
    for (size_t i = 0; i < m->count; i++) {
        int g = m->rows[i].group;
        if (parts->bins[i] != SG_PART_TRAIN) continue;
        t->in_train[g]++;
        if (t->class_of[g] < 0) t->class_of[g] = m->rows[i].class_index;
    }
    return SG_OK;
}

/* Keeps groups of one class in their drawn order until the share is reached: a smaller share is
 * part of a larger one. */
static void keep_share(
        thinning *t, const sg_manifest *m, int class_index, double share, uint64_t seed) {
    size_t n = 0, images = 0, kept = 0;
    for (size_t g = 0; g < m->group_count; g++) {
        if (t->class_of[g] != class_index) continue;
        t->groups[n++] = (uint32_t)g;
        images += t->in_train[g];
    }
    sg_rng rng = sg_rng_make(seed, SG_RNG_SPLIT, THIN_STREAM, (uint32_t)class_index);
    sg_rng_shuffle(&rng, t->groups, n);
    size_t wanted = (size_t)ceil(share * (double)images - 1e-9);
    for (size_t i = 0; i < n && kept < wanted; i++) {
        t->kept[t->groups[i]] = true;
        kept += t->in_train[t->groups[i]];
    }
}

sg_status sg_split_thin(
        sg_split *parts, const sg_manifest *m, double share, uint64_t seed, sg_error *err) {
    if (!(share > 0 && share <= 1))
        return sg_fail(
                err, SG_ERR_USAGE, "a training share of %g is not above 0 and at most 1", share);
    if (share == 1) return SG_OK;
    thinning t;
    sg_status st = thinning_init(&t, parts, m, err);
    for (size_t c = 0; c < m->class_count && !st; c++) keep_share(&t, m, (int)c, share, seed);
    for (size_t i = 0; i < m->count && !st; i++)
        if (parts->bins[i] == SG_PART_TRAIN && !t.kept[m->rows[i].group])
            parts->bins[i] = SG_PART_NONE;
    thinning_dispose(&t);
    return st;
}
