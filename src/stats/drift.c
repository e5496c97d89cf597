/* drift.c - see drift.h. SPDX-License-Identifier: Apache-2.0 */
#include "stats/drift.h"
#include "base/rng.h"
#include "stats/order.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Kolmogorov-Smirnov ---- */

/* Both sorted. */
static double largest_distance(const double *a, size_t n, const double *b, size_t m) {
    size_t i = 0, k = 0;
    double most = 0;
    while (i < n && k < m) {
        double x = a[i] < b[k] ? a[i] : b[k];
        while (i < n && a[i] <= x) i++;
        while (k < m && b[k] <= x) k++;
        most = fmax(most, fabs((double)i / (double)n - (double)k / (double)m));
    }
    return most;
}

/* Kolmogorov's distribution beyond lambda: 2 sum of (-1)^(j-1) exp(-2 j^2 lambda^2). */
static double beyond(double lambda) {
    double sum = 0, sign = 1;
    if (lambda < 0.2) return 1;
    for (int j = 1; j <= 100; j++, sign = -sign) sum += sign * exp(-2.0 * j * j * lambda * lambda);
    return fmin(1, fmax(0, 2 * sum));
}

/* ---- the index ---- */

/* Upper edges of the bins but the last: deciles of sorted values, equal ones once. */
static int find_edges(double edges[SG_DRIFT_BINS], const double *sorted, size_t n) {
    int count = 0;
    for (int d = 1; d < SG_DRIFT_BINS; d++) {
        double edge = sg_quantile_sorted(sorted, n, (double)d / SG_DRIFT_BINS);
        if (count == 0 || edge > edges[count - 1]) edges[count++] = edge;
    }
    return count;
}

static int bin_of(const double *edges, int count, double x) {
    int bin = 0;
    while (bin < count && x > edges[bin]) bin++;
    return bin;
}

static double index_of(const size_t *p, size_t n, const size_t *q, size_t m, int bins) {
    double sum = 0;
    for (int i = 0; i < bins; i++) {
        double first = ((double)p[i] + 0.5) / ((double)n + 0.5 * bins);
        double second = ((double)q[i] + 0.5) / ((double)m + 0.5 * bins);
        sum += (second - first) * log(second / first);
    }
    return sum;
}

static void draw(size_t counts[SG_DRIFT_BINS], const uint8_t *bins, size_t n, sg_rng *rng) {
    memset(counts, 0, SG_DRIFT_BINS * sizeof *counts);
    for (size_t i = 0; i < n; i++) counts[bins[sg_rng_below(rng, (uint32_t)n)]]++;
}

/* Drawing again adds the chance part once more. */
static sg_status find_interval(sg_drift *out, const uint8_t *first, size_t n, const uint8_t *second,
        size_t m, const sg_bootstrap_options *o, sg_error *err) {
    double *draws = malloc((o->draws + 1) * sizeof *draws);
    if (!draws) return sg_fail(err, SG_ERR_MEMORY, "out of memory comparing batches");
    for (size_t i = 0; i < o->draws; i++) {
        size_t p[SG_DRIFT_BINS], q[SG_DRIFT_BINS];
        sg_rng rng = sg_rng_make(o->seed, SG_RNG_BOOTSTRAP, (uint32_t)i, 0);
        draw(p, first, n, &rng);
        draw(q, second, m, &rng);
        draws[i] = index_of(p, n, q, m, out->bins) - 2 * out->chance;
    }
    sg_order_sort(draws, o->draws);
    double tail = (1 - o->confidence) / 2;
    out->interval.low = sg_quantile_sorted(draws, o->draws, tail);
    out->interval.high = sg_quantile_sorted(draws, o->draws, 1 - tail);
    free(draws);
    return SG_OK;
}

/* The only bin that holds anything, or -1. */
static int only_bin(const size_t *counts, int bins) {
    int found = -1;
    for (int i = 0; i < bins; i++) {
        if (!counts[i]) continue;
        if (found >= 0) return -1;
        found = i;
    }
    return found;
}

static sg_status measure_index(sg_drift *out, const double *a, size_t n, const double *b, size_t m,
        const sg_bootstrap_options *o, sg_error *err) {
    double edges[SG_DRIFT_BINS];
    size_t p[SG_DRIFT_BINS] = {0}, q[SG_DRIFT_BINS] = {0};
    int count = find_edges(edges, a, n);
    uint8_t *first = malloc(n), *second = malloc(m);
    if (!first || !second) {
        free(first);
        free(second);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory comparing batches");
    }
    for (size_t i = 0; i < n; i++) p[first[i] = (uint8_t)bin_of(edges, count, a[i])]++;
    for (size_t i = 0; i < m; i++) q[second[i] = (uint8_t)bin_of(edges, count, b[i])]++;
    out->bins = count + 1;
    out->index = index_of(p, n, q, m, out->bins);
    out->chance = count * (1.0 / (double)n + 1.0 / (double)m);
    out->excess = out->index - out->chance;
    int one = only_bin(p, out->bins), other = only_bin(q, out->bins);
    sg_status st = SG_OK;
    if (one < 0 || other < 0) {
        st = find_interval(out, first, n, second, m, o, err);
    } else if (one == other) {
        out->index = out->chance = out->excess = 0;
    } else {
        out->interval = (sg_interval){NAN, NAN};
    }
    free(first);
    free(second);
    return st;
}

sg_status sg_drift_measure(sg_drift *out, const double *first, size_t n, const double *second,
        size_t m, const sg_bootstrap_options *options, sg_error *err) {
    if (n < SG_DRIFT_FEWEST || m < SG_DRIFT_FEWEST)
        return sg_fail(err, SG_ERR_INPUT,
                "batches of %zu and %zu values cannot be compared; each needs %d", n, m,
                SG_DRIFT_FEWEST);
    double *a = malloc(n * sizeof *a), *b = malloc(m * sizeof *b);
    sg_drift found = {0};
    sg_status st = a && b ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory comparing batches");
    if (!st) {
        memcpy(a, first, n * sizeof *a);
        memcpy(b, second, m * sizeof *b);
        sg_order_sort(a, n);
        sg_order_sort(b, m);
        double size = sqrt((double)n * (double)m / (double)(n + m));
        found.ks = largest_distance(a, n, b, m);
        found.ks_p = beyond((size + 0.12 + 0.11 / size) * found.ks);
        st = measure_index(&found, a, n, b, m, options, err);
    }
    free(a);
    free(b);
    if (!st) *out = found;
    return st;
}
