/* paired.c - see paired.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/paired.h"

#include "base/rng.h"
#include "stats/order.h"

#include <math.h>
#include <stdlib.h>

enum { EXACT_GROUPS_MAX = 20 };

double sg_mcnemar_exact(size_t only_first, size_t only_second) {
    size_t n = only_first + only_second;
    size_t fewer = only_first < only_second ? only_first : only_second;
    if (n == 0) return 1;
    double tail = 0, size = (double)n;
    for (size_t k = 0; k <= fewer; k++) {
        double j = (double)k;
        tail += exp(lgamma(size + 1) - lgamma(j + 1) - lgamma(size - j + 1) - size * log(2));
    }
    return fmin(1, 2 * tail);
}

/* Share of all sign patterns whose sum is at least as large as the observed one. By symmetry the
 * last sign may stay fixed. Patterns are walked in Gray code: one sign changes at a time. */
static double count_patterns(const double *sums, size_t groups, double observed) {
    double total = 0;
    bool negative[EXACT_GROUPS_MAX] = {false};
    for (size_t g = 0; g < groups; g++) total += sums[g];
    size_t patterns = (size_t)1 << (groups - 1), extreme = 0;
    for (size_t i = 1;; i++) {
        extreme += fabs(total) >= observed;
        if (i == patterns) break;
        size_t g = 0;
        while (!(i >> g & 1)) g++;
        total += (negative[g] ? 2 : -2) * sums[g];
        negative[g] = !negative[g];
    }
    return (double)extreme / (double)patterns;
}

static double sample_patterns(
        const double *sums, size_t groups, double observed, size_t draws, uint64_t seed) {
    size_t extreme = 0;
    for (size_t i = 0; i < draws; i++) {
        sg_rng rng = sg_rng_make(seed, SG_RNG_BOOTSTRAP, (uint32_t)i, UINT32_MAX);
        double total = 0;
        uint32_t bits = 0;
        for (size_t g = 0; g < groups; g++) {
            if (g % 32 == 0) bits = sg_rng_u32(&rng);
            total += bits & 1 ? sums[g] : -sums[g];
            bits >>= 1;
        }
        extreme += fabs(total) >= observed;
    }
    return (double)(extreme + 1) / (double)(draws + 1);
}

sg_status sg_sign_flip_test(sg_sign_flip *out, const double *difference, const uint32_t *groups,
        size_t n, size_t draws, uint64_t seed, sg_error *err) {
    if (n == 0) return sg_fail(err, SG_ERR_INPUT, "there are no rows to compare");
    for (size_t i = 0; i < n; i++)
        if (!isfinite(difference[i]))
            return sg_fail(err, SG_ERR_INPUT, "row %zu has a difference that is not finite", i);
    uint32_t *dense = calloc(n, sizeof *dense);
    double *sums = calloc(n, sizeof *sums);
    size_t count = 0, kept = 0;
    sg_status status = SG_OK;
    if (!dense || !sums)
        status = sg_fail(err, SG_ERR_MEMORY, "out of memory to compare %zu rows", n);
    if (status == SG_OK) status = sg_order_groups(dense, &count, groups, n, err);
    if (status != SG_OK) goto done;
    double total = 0, size = 0;
    for (size_t i = 0; i < n; i++) sums[dense[i]] += difference[i];
    for (size_t g = 0; g < count; g++) {
        total += sums[g];
        size += fabs(sums[g]);
        if (sums[g] != 0) sums[kept++] = sums[g];
    }
    /* Sums of the same terms in another order may differ in the last digits. */
    double observed = fabs(total) - 1e-12 * size;
    bool exact = kept <= EXACT_GROUPS_MAX;
    double p = kept == 0 ? 1
               : exact   ? count_patterns(sums, kept, observed)
                         : sample_patterns(sums, kept, observed, draws, seed);
    *out = (sg_sign_flip){total / (double)n, p, kept, exact};
done:
    free(dense);
    free(sums);
    return status;
}
