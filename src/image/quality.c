/* quality.c - see quality.h. SPDX-License-Identifier: Apache-2.0 */
#include "image/quality.h"
#include "image/crop.h"
#include "image/grey.h"
#include "image/resize.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 256, LEVELS = 256, CLIPPED = 250, BLACK = 5, FAINT = 20 };

/* Shares of the width or height, and of a level that counts as full. */
static const double skin = 0.05, near_end = 0.4, window = 0.1, narrow = 0.04, dark_beside = 0.35,
                    dark_column = 0.25, empty_row = 0.2, full = 0.8;

/* least: a limit is at least this far from the median. */
static const struct {
    const char *name, *problem;
    bool low_is_bad;
    double least;
} traits[SG_QUALITY_TRAITS] = {
        [SG_QUALITY_SHARPNESS] = {"sharpness", "blurred", true, 0.3},
        [SG_QUALITY_CONTRAST] = {"contrast", "little contrast", true, 0.1},
        [SG_QUALITY_DROPOUT] = {"dropout", "dark lines", false, 0.03},
        [SG_QUALITY_CONTACT] = {"contact", "lost contact or missing gel", false, 0.1},
        [SG_QUALITY_CLIPPING] = {"clipping", "gain too high", false, 0.05},
        [SG_QUALITY_BLACK] = {"black", "gain too low", false, 0.15},
        [SG_QUALITY_DEPTH] = {"depth", "depth too large", false, 0.15},
        [SG_QUALITY_SIZE] = {"size", "too small", true, 1},
};
static const char noise_problem[] = "noise, far beyond that of training images";

/* log2 of 64 and 32 pixels: for limits of a bundle that knows no sizes. */
static const double size_median = 6, size_limit = 5;

const char *sg_quality_name(sg_quality_trait trait) {
    return traits[trait].name;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of sorted values, between neighbours. */
static double quantile(const double *sorted, size_t n, double share) {
    double at = share * (double)(n - 1);
    size_t low = (size_t)at, high = low + 1 < n ? low + 1 : low;
    return sorted[low] + (at - (double)low) * (sorted[high] - sorted[low]);
}

/* ---- one picture ---- */

/* At most SIDE pixels a side; a smaller picture is copied. */
static sg_status shrink(sg_image *out, const sg_image *in, sg_error *err) {
    int longer = in->width > in->height ? in->width : in->height;
    if (longer <= SIDE) return sg_image_clone(out, in, err);
    int width = (int)lround((double)in->width * SIDE / longer);
    int height = (int)lround((double)in->height * SIDE / longer);
    return sg_resize_image(out, in, width ? width : 1, height ? height : 1, SG_RESIZE_AREA, err);
}

/* The picture in grey, and the part of it that is its scan. */
static sg_status take_parts(sg_image *whole, sg_image *scan, const sg_image *image, sg_error *err) {
    sg_image grey = {0}, part = {0};
    sg_rect box;
    sg_status st = sg_grey_convert(&grey, image, err);
    if (!st) st = shrink(whole, &grey, err);
    if (!st) st = sg_crop_find(&box, &grey, err);
    if (!st) st = sg_crop_copy(&part, &grey, box, err);
    if (!st) st = shrink(scan, &part, err);
    sg_image_dispose(&grey);
    sg_image_dispose(&part);
    return st;
}

static double laplacian_variance(const sg_image *g) {
    double sum = 0, squares = 0, n = 0;
    for (int y = 1; y + 1 < g->height; y++)
        for (int x = 1; x + 1 < g->width; x++) {
            const uint8_t *p = g->pixels + (size_t)y * (size_t)g->width + x;
            double v = p[1] + p[-1] + p[g->width] + p[-g->width] - 4.0 * p[0];
            sum += v;
            squares += v * v;
            n++;
        }
    return n > 0 ? squares / n - (sum / n) * (sum / n) : 0;
}

static double level_below(const size_t *counts, double share, double n) {
    double sum = 0;
    for (int v = 0; v < LEVELS; v++) {
        sum += (double)counts[v];
        if (sum > share * n) return v;
    }
    return LEVELS - 1;
}

static void measure_levels(sg_quality *out, const sg_image *g) {
    size_t counts[LEVELS] = {0}, pixels = sg_image_size(g), clipped = 0, black = 0;
    double n = (double)pixels, mean = 0, variance = 0;
    for (size_t i = 0; i < pixels; i++) counts[g->pixels[i]]++;
    for (int v = 0; v < LEVELS; v++) {
        mean += (double)counts[v] / n * v;
        clipped += v >= CLIPPED ? counts[v] : 0;
        black += v <= BLACK ? counts[v] : 0;
    }
    for (int v = 0; v < LEVELS; v++) variance += (double)counts[v] / n * (v - mean) * (v - mean);
    out->traits[SG_QUALITY_SHARPNESS] = log10((laplacian_variance(g) + 1) / (variance + 1));
    out->traits[SG_QUALITY_CONTRAST] =
            (level_below(counts, 0.95, n) - level_below(counts, 0.05, n)) / (LEVELS - 1);
    out->traits[SG_QUALITY_CLIPPING] = (double)clipped / n;
    out->traits[SG_QUALITY_BLACK] = (double)black / n;
}

/* Mean grey of each column over rows [top, bottom), or of each row. */
static void column_means(double *out, const sg_image *g, int top, int bottom) {
    for (int x = 0; x < g->width; x++) {
        double sum = 0;
        for (int y = top; y < bottom; y++)
            sum += g->pixels[(size_t)y * (size_t)g->width + (size_t)x];
        out[x] = sum / (bottom > top ? bottom - top : 1);
    }
}

static void row_means(double *out, const sg_image *g) {
    for (int y = 0; y < g->height; y++) {
        double sum = 0;
        for (int x = 0; x < g->width; x++)
            sum += g->pixels[(size_t)y * (size_t)g->width + (size_t)x];
        out[y] = sum / g->width;
    }
}

/* Value that `share` of values[n] do not pass; n is at most SIDE. */
static double level_of(const double *values, int n, double share) {
    double sorted[SIDE];
    memcpy(sorted, values, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    return quantile(sorted, (size_t)n, share);
}

/* Share of n that lies in runs of dark[] whose length is on the asked side of `length`. */
static double share_of_runs(const bool *dark, int n, double length, bool longer) {
    int in_runs = 0;
    for (int from = 0, to; from < n; from = to + 1) {
        for (to = from; to < n && dark[to];) to++;
        if ((to - from > length) == longer) in_runs += to - from;
    }
    return (double)in_runs / n;
}

static void measure_dropout(sg_quality *out, const sg_image *g) {
    double near[SIDE];
    bool dark[SIDE];
    int w = g->width, reach = (int)ceil(window * w);
    column_means(near, g, (int)(skin * g->height), (int)ceil(near_end * g->height));
    for (int x = 0; x < w; x++) {
        int left = x > reach ? x - reach : 0, right = x + reach < w ? x + reach : w - 1;
        double around = level_of(near + left, right - left + 1, 0.5);
        dark[x] = around > FAINT && near[x] < dark_beside * around;
    }
    out->traits[SG_QUALITY_DROPOUT] = share_of_runs(dark, w, fmax(1.0, narrow * w), false);
}

static void measure_contact(sg_quality *out, const sg_image *g) {
    double whole[SIDE];
    bool dark[SIDE];
    int w = g->width;
    column_means(whole, g, (int)(skin * g->height), g->height);
    double level = level_of(whole, w, full);
    for (int x = 0; x < w; x++) dark[x] = whole[x] < dark_column * level;
    out->traits[SG_QUALITY_CONTACT] = share_of_runs(dark, w, fmax(1.0, narrow * w), true);
}

static void measure_depth(sg_quality *out, const sg_image *g) {
    double rows[SIDE];
    row_means(rows, g);
    double level = level_of(rows, g->height, full);
    int empty = 0;
    while (empty < g->height && rows[g->height - 1 - empty] < empty_row * level) empty++;
    out->traits[SG_QUALITY_DEPTH] = (double)empty / g->height;
}

/* What leaves parts of a picture empty also leaves them out of the scan's box. */
sg_status sg_quality_measure(sg_quality *out, const sg_image *image, sg_error *err) {
    sg_image whole = {0}, scan = {0};
    sg_status st = take_parts(&whole, &scan, image, err);
    if (!st) {
        measure_levels(out, &scan);
        measure_dropout(out, &scan);
        measure_contact(out, &whole);
        measure_depth(out, &whole);
        out->traits[SG_QUALITY_SIZE] =
                log2(image->width < image->height ? image->width : image->height);
    }
    sg_image_dispose(&whole);
    sg_image_dispose(&scan);
    return st;
}

/* ---- limits ---- */

/* values[n] with the bad side upwards. */
static void learn_trait(double *median, double *limit, double *values, size_t n, double least) {
    qsort(values, n, sizeof *values, by_value);
    double upper = quantile(values, n, 0.75), spread = upper - quantile(values, n, 0.25);
    *median = quantile(values, n, 0.5);
    *limit = fmax(fmax(upper + 3 * spread, quantile(values, n, 0.995)), *median + least);
}

sg_status sg_quality_learn(
        sg_quality_limits *out, const sg_quality *pictures, size_t n, sg_error *err) {
    if (n < SG_QUALITY_FEWEST)
        return sg_fail(err, SG_ERR_INPUT,
                "%zu pictures are too few to learn from what is poor; %d are needed", n,
                SG_QUALITY_FEWEST);
    double *values = malloc(n * sizeof *values);
    if (!values) return sg_fail(err, SG_ERR_MEMORY, "out of memory learning picture quality");
    for (int t = 0; t < SG_QUALITY_TRAITS; t++) {
        double sign = traits[t].low_is_bad ? -1 : 1;
        for (size_t i = 0; i < n; i++) values[i] = sign * pictures[i].traits[t];
        learn_trait(&out->median[t], &out->limit[t], values, n, traits[t].least);
        out->median[t] *= sign;
        out->limit[t] *= sign;
    }
    double median;
    for (size_t i = 0; i < n; i++) values[i] = pictures[i].traits[SG_QUALITY_SHARPNESS];
    learn_trait(&median, &out->noise, values, n, traits[SG_QUALITY_SHARPNESS].least);
    out->images = n;
    free(values);
    return SG_OK;
}

sg_quality_verdict sg_quality_judge(const sg_quality *picture, const sg_quality_limits *limits) {
    double most = -INFINITY;
    sg_quality_verdict v = {0};
    for (int t = 0; t < SG_QUALITY_TRAITS; t++) {
        double way =
                (picture->traits[t] - limits->median[t]) / (limits->limit[t] - limits->median[t]);
        if (way > most) {
            most = way;
            v.worst = (sg_quality_trait)t;
            v.problem = traits[t].problem;
        }
    }
    double sharp = limits->median[SG_QUALITY_SHARPNESS];
    double noisy = (picture->traits[SG_QUALITY_SHARPNESS] - sharp) / (limits->noise - sharp);
    if (noisy > most) {
        most = noisy;
        v.worst = SG_QUALITY_SHARPNESS;
        v.problem = noise_problem;
    }
    v.poor = most > 1;
    v.score = fmin(1, fmax(0, 1 - most));
    return v;
}

json_t *sg_quality_limits_to_json(const sg_quality_limits *limits) {
    json_t *list = json_object();
    for (int t = 0; t < SG_QUALITY_TRAITS; t++)
        json_object_set_new(list, traits[t].name,
                json_pack("{s:f, s:f}", "median", limits->median[t], "limit", limits->limit[t]));
    json_object_set_new(json_object_get(list, traits[SG_QUALITY_SHARPNESS].name), "noise",
            json_real(limits->noise));
    return json_pack("{s:I, s:o}", "images", (json_int_t)limits->images, "traits", list);
}

sg_status sg_quality_limits_from_json(
        sg_quality_limits *out, const json_t *section, sg_error *err) {
    sg_quality_limits found = {
            .images = (size_t)json_integer_value(json_object_get(section, "images"))};
    const json_t *all = json_object_get(section, "traits");
    for (int t = 0; t < SG_QUALITY_TRAITS; t++) {
        const json_t *trait = json_object_get(all, traits[t].name);
        if (!trait && t == SG_QUALITY_SIZE && all) {
            found.median[t] = size_median;
            found.limit[t] = size_limit;
            continue;
        }
        const json_t *median = json_object_get(trait, "median");
        const json_t *limit = json_object_get(trait, "limit");
        found.median[t] = json_number_value(median);
        found.limit[t] = json_number_value(limit);
        double way = found.limit[t] - found.median[t];
        if (!json_is_number(median) || !json_is_number(limit) || !isfinite(way) ||
                (traits[t].low_is_bad ? -way : way) <= 0)
            return sg_fail(err, SG_ERR_FORMAT, "the section 'quality' has no usable limit for %s",
                    traits[t].name);
    }
    double sharp = found.median[SG_QUALITY_SHARPNESS];
    const json_t *noise =
            json_object_get(json_object_get(all, traits[SG_QUALITY_SHARPNESS].name), "noise");
    found.noise = noise ? json_number_value(noise) : 2 * sharp - found.limit[SG_QUALITY_SHARPNESS];
    if (!(found.noise > sharp) || !isfinite(found.noise))
        return sg_fail(err, SG_ERR_FORMAT, "the section 'quality' has no usable limit for noise");
    *out = found;
    return SG_OK;
}
