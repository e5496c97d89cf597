/* map_score.c - see map_score.h. Pixels are sorted once, by value and lesion bit in one word; one
 * sweep from the top then gives average precision and the best overlap.
 * SPDX-License-Identifier: Apache-2.0 */
#include "infer/map_score.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIGIT = 11, DIGITS = 1 << DIGIT, PASSES = 3 };

/* Non-negative floats below 2 have 30 bits and order as whole numbers do. */
static uint32_t key_of(float value, bool lesion) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits << 1 | lesion;
}

static void sort_pass(uint32_t *to, const uint32_t *from, size_t n, int shift) {
    size_t at[DIGITS] = {0}, sum = 0;
    for (size_t i = 0; i < n; i++) at[from[i] >> shift & (DIGITS - 1)]++;
    for (int d = 0; d < DIGITS; d++) {
        size_t count = at[d];
        at[d] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++) to[at[from[i] >> shift & (DIGITS - 1)]++] = from[i];
}

/* Rising. `spare` has room for n; the result lies in the array returned. */
static uint32_t *sort_keys(uint32_t *keys, uint32_t *spare, size_t n) {
    for (int p = 0; p < PASSES; p++) {
        sort_pass(spare, keys, n, p * DIGIT);
        uint32_t *kept = keys;
        keys = spare;
        spare = kept;
    }
    return keys;
}

static void sweep(sg_map_score *s, const uint32_t *sorted, size_t n, size_t lesion) {
    double precision_sum = 0;
    size_t hits = 0, taken = 0;
    for (size_t end = n; end > 0;) {
        uint32_t value = sorted[end - 1] >> 1;
        size_t before = hits;
        for (; end > 0 && sorted[end - 1] >> 1 == value; end--) hits += sorted[end - 1] & 1;
        taken = n - end;
        precision_sum += (double)(hits - before) * (double)hits / (double)taken;
        double overlap = (double)hits / (double)(taken + lesion - hits);
        if (value > 0 && overlap > s->iou_best) {
            float at;
            memcpy(&at, &value, sizeof at);
            s->iou_best = overlap;
            s->best_at = (double)at;
        }
    }
    s->auprc = precision_sum / (double)lesion;
}

/* Sets the peak; false for a map that is 0 everywhere. */
static bool find_peak(size_t *peak, const sg_plane *map) {
    size_t n = (size_t)map->width * (size_t)map->height, w = (size_t)map->width, count = 0;
    float top = 0;
    double x = 0, y = 0, nearest = INFINITY;
    for (size_t i = 0; i < n; i++) top = map->values[i] > top ? map->values[i] : top;
    if (!(top > 0)) return false;
    for (size_t i = 0; i < n; i++)
        if (map->values[i] >= top) {
            x += (double)(i % w);
            y += (double)(i / w);
            count++;
        }
    x /= (double)count;
    y /= (double)count;
    for (size_t i = 0; i < n; i++) {
        if (map->values[i] < top) continue;
        double away = hypot((double)(i % w) - x, (double)(i / w) - y);
        if (away < nearest) {
            nearest = away;
            *peak = i;
        }
    }
    return true;
}

static double distance_to(const uint8_t *mask, size_t n, size_t width, size_t peak) {
    double best = INFINITY, x = (double)(peak % width), y = (double)(peak / width);
    if (mask[peak]) return 0;
    for (size_t i = 0; i < n; i++) {
        if (!mask[i]) continue;
        double dx = (double)(i % width) - x, dy = (double)(i / width) - y;
        double square = dx * dx + dy * dy;
        best = square < best ? square : best;
    }
    return sqrt(best);
}

static double overlap_at(const sg_plane *map, const uint8_t *mask, size_t n, double threshold) {
    size_t both = 0, either = 0;
    for (size_t i = 0; i < n; i++) {
        bool hot = map->values[i] > 0 && map->values[i] >= threshold;
        both += hot && mask[i];
        either += hot || mask[i];
    }
    return (double)both / (double)either;
}

sg_status sg_map_score_measure(sg_map_score *out, const sg_plane *map, const uint8_t *mask,
        double threshold, sg_error *err) {
    size_t n = (size_t)map->width * (size_t)map->height, lesion = 0, peak = 0;
    for (size_t i = 0; i < n; i++) lesion += mask[i] != 0;
    if (!lesion)
        return sg_fail(err, SG_ERR_INPUT, "the mask is empty: there is no lesion to measure at");
    uint32_t *keys = malloc(2 * n * sizeof *keys);
    if (!keys) return sg_fail(err, SG_ERR_MEMORY, "out of memory scoring a map");
    for (size_t i = 0; i < n; i++) keys[i] = key_of(map->values[i], mask[i] != 0);
    sg_map_score s = {.area = (double)lesion / (double)n, .distance = NAN};
    sweep(&s, sort_keys(keys, keys + n, n), n, lesion);
    free(keys);
    s.iou_fixed = overlap_at(map, mask, n, threshold);
    s.flat = !find_peak(&peak, map);
    if (!s.flat) {
        s.energy = sg_map_share(map, mask);
        s.pointing = mask[peak] != 0;
        s.distance = distance_to(mask, n, (size_t)map->width, peak);
        s.centre_x = (double)(peak % (size_t)map->width);
        s.centre_y = (double)(peak / (size_t)map->width);
    }
    *out = s;
    return SG_OK;
}

double sg_map_share(const sg_plane *map, const uint8_t *covered) {
    size_t n = (size_t)map->width * (size_t)map->height;
    double inside = 0, all = 0;
    for (size_t i = 0; i < n; i++) {
        all += map->values[i];
        if (covered[i]) inside += map->values[i];
    }
    return all > 0 ? inside / all : NAN;
}

sg_status sg_map_centre(sg_plane *out, int width, int height, sg_error *err) {
    sg_status st = sg_plane_create(out, width, height, err);
    for (int y = 0; y < height && !st; y++)
        for (int x = 0; x < width; x++) {
            double u = ((x + 0.5) / width - 0.5) / 0.25, v = ((y + 0.5) / height - 0.5) / 0.25;
            out->values[(size_t)y * (size_t)width + (size_t)x] = (float)exp(-0.5 * (u * u + v * v));
        }
    return st;
}

/* ---- rank correlation ---- */

void sg_map_sample(float samples[SG_MAP_SAMPLES], const sg_plane *map) {
    for (int i = 0; i < SG_MAP_SAMPLES; i++) {
        int x = (2 * (i % SG_MAP_RASTER) + 1) * map->width / (2 * SG_MAP_RASTER);
        int y = (2 * (i / SG_MAP_RASTER) + 1) * map->height / (2 * SG_MAP_RASTER);
        samples[i] = map->values[(size_t)y * (size_t)map->width + (size_t)x];
    }
}

typedef struct ranked {
    float value;
    int index;
} ranked;

static int by_value(const void *a, const void *b) {
    float x = ((const ranked *)a)->value, y = ((const ranked *)b)->value;
    return (x > y) - (x < y);
}

/* Equal values get their mean rank. */
static void rank(double *ranks, ranked *order, const float *samples) {
    for (int i = 0; i < SG_MAP_SAMPLES; i++) order[i] = (ranked){samples[i], i};
    qsort(order, SG_MAP_SAMPLES, sizeof *order, by_value);
    for (int i = 0; i < SG_MAP_SAMPLES;) {
        int end = i;
        while (end < SG_MAP_SAMPLES && order[end].value <= order[i].value) end++;
        for (int k = i; k < end; k++) ranks[order[k].index] = 0.5 * (i + end - 1);
        i = end;
    }
}

sg_status sg_map_correlate(double *out, const float *a, const float *b, sg_error *err) {
    enum { N = SG_MAP_SAMPLES };
    double *ranks = malloc(2 * N * sizeof *ranks);
    ranked *order = malloc(N * sizeof *order);
    if (!ranks || !order) {
        free(ranks);
        free(order);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory correlating maps");
    }
    rank(ranks, order, a);
    rank(ranks + N, order, b);
    double middle = 0.5 * (N - 1), xx = 0, yy = 0, xy = 0;
    for (int i = 0; i < N; i++) {
        double x = ranks[i] - middle, y = ranks[N + i] - middle;
        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    *out = xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
    free(ranks);
    free(order);
    return SG_OK;
}
