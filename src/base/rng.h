/* rng.h - counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random
 * numbers: as easy as 1, 2, 3").
 *
 * A stream is named, not advanced: (seed, purpose, a, b) fixes every number it will give. So the
 * augmentation of sample 17 in epoch 3 is the same whatever thread draws it, in whatever order,
 * before or after a resume. Copying the struct copies the stream.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BASE_RNG_H
#define SG_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* What a stream is for. Values are part of the file format of a run: append, never renumber. */
typedef enum sg_rng_purpose {
    SG_RNG_INIT = 1,      /* a = parameter index */
    SG_RNG_SHUFFLE = 2,   /* a = epoch */
    SG_RNG_AUGMENT = 3,   /* a = epoch, b = sample */
    SG_RNG_DROPOUT = 4,   /* a = step, b = node */
    SG_RNG_SPLIT = 5,     /* a = attempt */
    SG_RNG_PHANTOM = 6,   /* a = image */
    SG_RNG_BOOTSTRAP = 7, /* a = draw */
    SG_RNG_SAMPLER = 8,   /* a = epoch: balanced sampling */
    SG_RNG_MIXUP = 9,     /* a = epoch, b = batch */
    SG_RNG_TEST = 10,     /* free for tests and tools */
    SG_RNG_SEARCH = 11,   /* a = trial, b = part of the search */
    SG_RNG_EXPLAIN = 12   /* a = noisy copy, b = view */
} sg_rng_purpose;

typedef struct sg_rng {
    uint32_t key[2];
    uint32_t counter[4];
    uint32_t block[4];
    int used; /* numbers of `block` already given, 4 = none left */
} sg_rng;

/* One Philox4x32-10 block: the pure function behind everything here (tested against Random123). */
void sg_philox4x32(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]);

sg_rng sg_rng_make(uint64_t seed, sg_rng_purpose purpose, uint32_t a, uint32_t b);

uint32_t sg_rng_u32(sg_rng *rng);
double sg_rng_uniform(sg_rng *rng);                          /* [0, 1), 53 bits */
double sg_rng_between(sg_rng *rng, double low, double high); /* [low, high) */
double sg_rng_normal(sg_rng *rng);                           /* mean 0, sd 1 (Box-Muller) */
uint32_t sg_rng_below(sg_rng *rng, uint32_t n);              /* [0, n), unbiased; n > 0 */
void sg_rng_shuffle(sg_rng *rng, uint32_t *items, size_t n); /* Fisher-Yates */

#endif
