/* traits.c - see traits.h. SPDX-License-Identifier: Apache-2.0 */
#include "data/traits.h"
#include "image/crop.h"
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

enum { LEVELS = 256, COLOURED = 40, BLACK = 16, NEAR = 8 };

static bool is_coloured(const sg_image *image, int x, int y) {
    const uint8_t *p = image->pixels + 3 * ((size_t)y * (size_t)image->width + (size_t)x);
    int low = p[0] < p[1] ? p[0] : p[1], high = p[0] > p[1] ? p[0] : p[1];
    if (p[2] < low) low = p[2];
    if (p[2] > high) high = p[2];
    return high - low >= COLOURED;
}

static void measure_colour(sg_traits *out, const sg_image *image) {
    size_t coloured = 0, solid = 0, n = (size_t)image->width * (size_t)image->height;
    if (image->channels != 3) return;
    for (int y = 0; y < image->height; y++) {
        int run = 0; /* columns up to x whose three rows are coloured */
        for (int x = 0; x < image->width; x++) {
            bool here = is_coloured(image, x, y);
            coloured += here;
            bool column = here && y > 0 && y < image->height - 1 && is_coloured(image, x, y - 1) &&
                          is_coloured(image, x, y + 1);
            run = column ? run + 1 : 0;
            solid += run >= 3;
        }
    }
    out->coloured = (double)coloured / (double)n;
    out->solid = (double)solid / (double)n;
}

/* The level below which `share` of the pixels lie. */
static double quantile(const size_t *counts, double share, size_t n) {
    double sum = 0.0;
    for (int v = 0; v < LEVELS; v++) {
        sum += (double)counts[v];
        if (sum > share * (double)n) return v;
    }
    return LEVELS - 1;
}

static void measure_levels(sg_traits *out, const sg_image *grey) {
    size_t counts[LEVELS] = {0}, n = sg_image_size(grey), near = 0, most = 0;
    int darkest = -1, brightest = 0;
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++) counts[grey->pixels[i]]++;
    for (int v = 0; v < LEVELS; v++) {
        sum += (double)counts[v] * v;
        squares += (double)counts[v] * v * v;
        out->levels += counts[v] > 0;
        if (counts[v] && darkest < 0) darkest = v;
        if (counts[v]) brightest = v;
        if (v >= BLACK && counts[v] > most) most = counts[v];
    }
    for (int v = 0; v < LEVELS; v++)
        if (v - darkest <= NEAR || brightest - v <= NEAR) near += counts[v];
    out->mean = sum / (double)n;
    out->sd = sqrt(fmax(0.0, squares / (double)n - out->mean * out->mean));
    out->low = quantile(counts, 0.005, n);
    out->high = quantile(counts, 0.995, n);
    out->two_level = (double)near / (double)n;
    out->flat = (double)most / (double)n;
}

sg_status sg_traits_measure(
        sg_traits *out, const sg_image *image, const sg_image *grey, sg_error *err) {
    sg_rect box;
    *out = (sg_traits){0};
    sg_status status = sg_crop_find(&box, grey, err);
    if (status) return status;
    out->scan = (double)box.width * box.height / ((double)grey->width * grey->height);
    measure_colour(out, image);
    measure_levels(out, grey);
    return SG_OK;
}
