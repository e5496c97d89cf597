/* sobol.c - see sobol.h. Rows of the table: degree, the inner bits of the primitive polynomial, and
 * the first direction numbers (Joe and Kuo, SIAM J. Sci. Comput. 30, 2008, new-joe-kuo-6).
 * SPDX-License-Identifier: Apache-2.0 */
#include "tune/sobol.h"

#include "base/rng.h"

typedef struct row {
    uint8_t degree, inner;
    uint16_t first[9];
} row;

/* clang-format off */
static const row rows[SG_SOBOL_MAX - 1] = {
    {1, 0, {1}},
    {2, 1, {1, 3}},
    {3, 1, {1, 3, 1}},
    {3, 2, {1, 1, 1}},
    {4, 1, {1, 1, 3, 3}},
    {4, 4, {1, 3, 5, 13}},
    {5, 2, {1, 1, 5, 5, 17}},
    {5, 4, {1, 1, 5, 5, 5}},
    {5, 7, {1, 1, 7, 11, 19}},
    {5, 11, {1, 1, 5, 1, 1}},
    {5, 13, {1, 1, 1, 3, 11}},
    {5, 14, {1, 3, 5, 5, 31}},
    {6, 1, {1, 3, 3, 9, 7, 49}},
    {6, 13, {1, 1, 1, 15, 21, 21}},
    {6, 16, {1, 3, 1, 13, 27, 49}},
    {6, 19, {1, 1, 1, 15, 7, 5}},
    {6, 22, {1, 3, 1, 15, 13, 25}},
    {6, 25, {1, 1, 5, 5, 19, 61}},
    {7, 1, {1, 3, 7, 11, 23, 15, 103}},
    {7, 4, {1, 3, 7, 13, 13, 15, 69}},
    {7, 7, {1, 1, 3, 13, 7, 35, 63}},
    {7, 8, {1, 3, 5, 9, 1, 25, 53}},
    {7, 14, {1, 3, 1, 13, 9, 35, 107}},
    {7, 19, {1, 3, 1, 5, 27, 61, 31}},
    {7, 21, {1, 1, 5, 11, 19, 41, 61}},
    {7, 28, {1, 3, 5, 3, 3, 13, 69}},
    {7, 31, {1, 1, 7, 13, 1, 19, 1}},
    {7, 32, {1, 3, 7, 5, 13, 19, 59}},
    {7, 37, {1, 1, 3, 9, 25, 29, 41}},
    {7, 41, {1, 3, 5, 13, 23, 1, 55}},
    {7, 42, {1, 3, 7, 3, 13, 59, 17}},
    {7, 50, {1, 3, 1, 3, 5, 53, 69}},
    {7, 55, {1, 1, 5, 5, 23, 33, 13}},
    {7, 56, {1, 1, 7, 7, 1, 61, 123}},
    {7, 59, {1, 1, 7, 9, 13, 61, 49}},
    {7, 62, {1, 3, 3, 5, 3, 55, 33}},
    {8, 14, {1, 3, 1, 15, 31, 13, 49, 245}},
    {8, 21, {1, 3, 5, 15, 31, 59, 63, 97}},
    {8, 22, {1, 3, 1, 11, 11, 11, 77, 249}},
    {8, 38, {1, 3, 1, 11, 27, 43, 71, 9}},
    {8, 47, {1, 1, 7, 15, 21, 11, 81, 45}},
    {8, 49, {1, 3, 7, 3, 25, 31, 65, 79}},
    {8, 50, {1, 3, 1, 1, 19, 11, 3, 205}},
    {8, 52, {1, 1, 5, 9, 19, 21, 29, 157}},
    {8, 56, {1, 3, 7, 11, 1, 33, 89, 185}},
    {8, 67, {1, 3, 3, 3, 15, 9, 79, 71}},
    {8, 70, {1, 3, 7, 11, 15, 39, 119, 27}},};
/* clang-format on */

/* Bratley and Fox 1988: m_k = 2^1 a_1 m_{k-1} ^ ... ^ 2^s m_{k-s} ^ m_{k-s}, as left-aligned bits.
 */
static void directions(uint32_t v[32], size_t dim) {
    if (dim == 0) {
        for (int k = 0; k < 32; k++) v[k] = 1u << (31 - k);
        return;
    }
    const row *r = &rows[dim - 1];
    int s = r->degree;
    for (int k = 0; k < 32; k++) {
        if (k < s) {
            v[k] = (uint32_t)r->first[k] << (31 - k);
            continue;
        }
        v[k] = v[k - s] ^ (v[k - s] >> s);
        for (int j = 1; j < s; j++)
            if (r->inner >> (s - 1 - j) & 1) v[k] ^= v[k - j];
    }
}

void sg_sobol_init(sg_sobol *sobol, size_t dims) {
    sobol->dims = dims;
    for (size_t d = 0; d < dims; d++) directions(sobol->direction[d], d);
}

static uint32_t bits(const uint32_t direction[32], uint32_t index) {
    uint32_t gray = index ^ (index >> 1), x = 0;
    for (int k = 0; k < 32; k++)
        if (gray >> k & 1) x ^= direction[k];
    return x;
}

void sg_sobol_point(double *out, const sg_sobol *sobol, uint32_t index) {
    for (size_t d = 0; d < sobol->dims; d++) out[d] = bits(sobol->direction[d], index) * 0x1p-32;
}

/* Owen's scrambling as it is defined: bit k is flipped by a random bit that depends on the bits
 * above it. The random bit comes from Philox, keyed by seed, dimension, k and those bits. */
static uint32_t scramble(uint32_t x, size_t dim, uint64_t seed) {
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t result = 0;
    for (uint32_t k = 0; k < 32; k++) {
        uint32_t above = k ? x >> (32 - k) : 0;
        const uint32_t counter[4] = {above, SG_RNG_SEARCH, (uint32_t)dim, UINT32_MAX - k};
        uint32_t block[4];
        sg_philox4x32(block, counter, key);
        uint32_t bit = (x >> (31 - k) ^ block[0]) & 1u;
        result |= bit << (31 - k);
    }
    return result;
}

void sg_sobol_scrambled(double *out, const sg_sobol *sobol, uint32_t index, uint64_t seed) {
    for (size_t d = 0; d < sobol->dims; d++)
        out[d] = scramble(bits(sobol->direction[d], index), d, seed) * 0x1p-32;
}
