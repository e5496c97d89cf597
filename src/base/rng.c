/* rng.c - Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011) and what is drawn from it. Every draw
 * is a pure function of (seed, purpose, a, b) and of how many numbers the stream gave before.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include <math.h>

enum { ROUNDS = 10 };
static const uint32_t multiplier[2] = {0xD2511F53u, 0xCD9E8D57u};
static const uint32_t weyl[2] = {0x9E3779B9u, 0xBB67AE85u};
static const double two_pi = 6.283185307179586476925286766559;

void sg_philox4x32(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t p0 = (uint64_t)multiplier[0] * c0;
        uint64_t p1 = (uint64_t)multiplier[1] * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += weyl[0];
        k1 += weyl[1];
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

sg_rng sg_rng_make(uint64_t seed, sg_rng_purpose purpose, uint32_t a, uint32_t b) {
    sg_rng rng = {
            .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
            .counter = {0, (uint32_t)purpose, a, b},
            .used = 4,
    };
    return rng;
}

uint32_t sg_rng_u32(sg_rng *rng) {
    if (rng->used == 4) {
        sg_philox4x32(rng->block, rng->counter, rng->key);
        rng->used = 0;
        /* The purpose takes the low byte of counter[1]; a very long stream carries above it. */
        if (++rng->counter[0] == 0) rng->counter[1] += 256;
    }
    return rng->block[rng->used++];
}

double sg_rng_uniform(sg_rng *rng) {
    uint32_t high = sg_rng_u32(rng) >> 5;
    uint32_t low = sg_rng_u32(rng) >> 6;
    return ((double)high * 67108864.0 + (double)low) * (1.0 / 9007199254740992.0);
}

double sg_rng_between(sg_rng *rng, double low, double high) {
    double value = low + (high - low) * sg_rng_uniform(rng);
    return value < high || !(low < high) ? value : nextafter(high, low);
}

double sg_rng_normal(sg_rng *rng) {
    double radius = sqrt(-2.0 * log(1.0 - sg_rng_uniform(rng)));
    return radius * cos(two_pi * sg_rng_uniform(rng));
}

/* Lemire 2019, "Fast random integer generation in an interval". */
uint32_t sg_rng_below(sg_rng *rng, uint32_t n) {
    uint64_t product = (uint64_t)sg_rng_u32(rng) * n;
    if ((uint32_t)product < n) {
        uint32_t threshold = (uint32_t)(-n) % n;
        while ((uint32_t)product < threshold) product = (uint64_t)sg_rng_u32(rng) * n;
    }
    return (uint32_t)(product >> 32);
}

void sg_rng_shuffle(sg_rng *rng, uint32_t *items, size_t n) {
    for (size_t i = n; i > 1; i--) {
        size_t j = sg_rng_below(rng, (uint32_t)i);
        uint32_t kept = items[i - 1];
        items[i - 1] = items[j];
        items[j] = kept;
    }
}
