/* clahe.c - contrast limited adaptive histogram equalisation in OpenCV's arithmetic: integer clip
 * and redistribution, single-precision interpolation between the four nearest tiles, rounded half
 * to even. SPDX-License-Identifier: Apache-2.0 */
#include "image/clahe.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 256 };

/* Which two tiles an axis position lies between. */
typedef struct blend {
    int low, high;   /* tile index */
    float near, far; /* weight of low, of high */
} blend;

typedef struct grid {
    int tiles;
    int tile_width, tile_height;
    int *columns, *rows; /* source index of each extended column and row */
    blend *across, *down;
    uint8_t *luts; /* [tiles][tiles][LEVELS] */
} grid;

static void dispose_grid(grid *g) {
    free(g->columns);
    free(g->rows);
    free(g->across);
    free(g->down);
    free(g->luts);
}

/* Border of OpenCV's BORDER_REFLECT_101: ...3 2 1 | 0 1 2 3 ... n-1 | n-2 ... */
static int reflect(int i, int n) {
    if (n == 1) return 0;
    while (i >= n || i < 0) i = i < 0 ? -i : 2 * n - 2 - i;
    return i;
}

static int *reflected(int n, int extended) {
    int *map = malloc((size_t)extended * sizeof *map);
    for (int i = 0; map && i < extended; i++) map[i] = reflect(i, n);
    return map;
}

static blend *blends(int n, int tile, int tiles) {
    blend *b = malloc((size_t)n * sizeof *b);
    float inverse = 1.0f / (float)tile;
    for (int i = 0; b && i < n; i++) {
        float at = (float)i * inverse - 0.5f;
        int low = (int)floorf(at);
        float far = at - (float)low;
        b[i] = (blend){low < 0 ? 0 : low, low + 1 < tiles ? low + 1 : tiles - 1, 1.0f - far, far};
    }
    return b;
}

static sg_status create_grid(grid *g, int width, int height, int tiles, sg_error *err) {
    /* As OpenCV: when either axis does not divide, both are extended, a dividing one by a whole
     * `tiles`. */
    bool divides = width % tiles == 0 && height % tiles == 0;
    int wide = divides ? width : width + tiles - width % tiles;
    int high = divides ? height : height + tiles - height % tiles;
    *g = (grid){.tiles = tiles, .tile_width = wide / tiles, .tile_height = high / tiles};
    g->columns = reflected(width, wide);
    g->rows = reflected(height, high);
    g->across = blends(width, g->tile_width, tiles);
    g->down = blends(height, g->tile_height, tiles);
    g->luts = malloc((size_t)tiles * (size_t)tiles * LEVELS);
    if (g->columns && g->rows && g->across && g->down && g->luts) return SG_OK;
    dispose_grid(g);
    return sg_fail(err, SG_ERR_MEMORY, "no memory for CLAHE of %d x %d pixels", width, height);
}

static void count_tile(int histogram[LEVELS], const sg_image *in, const grid *g, int tx, int ty) {
    memset(histogram, 0, LEVELS * sizeof *histogram);
    const int *columns = g->columns + (size_t)tx * (size_t)g->tile_width;
    for (int y = 0; y < g->tile_height; y++) {
        int source = g->rows[ty * g->tile_height + y];
        const uint8_t *row = in->pixels + (size_t)source * (size_t)in->width;
        for (int x = 0; x < g->tile_width; x++) histogram[row[columns[x]]]++;
    }
}

/* Cuts bins at the limit and spreads what was cut: the same for all, the rest in even steps. */
static void clip_histogram(int histogram[LEVELS], int limit) {
    int cut = 0;
    for (int i = 0; i < LEVELS; i++)
        if (histogram[i] > limit) {
            cut += histogram[i] - limit;
            histogram[i] = limit;
        }
    int share = cut / LEVELS, rest = cut - share * LEVELS;
    for (int i = 0; i < LEVELS; i++) histogram[i] += share;
    if (!rest) return;
    int step = LEVELS / rest > 1 ? LEVELS / rest : 1;
    for (int i = 0; i < LEVELS && rest > 0; i += step, rest--) histogram[i]++;
}

static uint8_t round_level(float v) {
    long level = lrintf(v);
    return (uint8_t)(level < 0 ? 0 : level > 255 ? 255 : level);
}

static void make_luts(grid *g, const sg_image *in, double clip) {
    int area = g->tile_width * g->tile_height;
    float scale = (float)(LEVELS - 1) / (float)area;
    int limit = (int)(clip * area / LEVELS);
    if (limit < 1) limit = 1;
    for (int tile = 0; tile < g->tiles * g->tiles; tile++) {
        int histogram[LEVELS];
        count_tile(histogram, in, g, tile % g->tiles, tile / g->tiles);
        if (clip > 0.0) clip_histogram(histogram, limit);
        uint8_t *lut = g->luts + (size_t)tile * LEVELS;
        int sum = 0;
        for (int i = 0; i < LEVELS; i++) {
            sum += histogram[i];
            lut[i] = round_level((float)sum * scale);
        }
    }
}

static void map_row(uint8_t *out, const uint8_t *in, int width, const grid *g, int y) {
    blend down = g->down[y];
    const uint8_t *upper = g->luts + (size_t)down.low * (size_t)g->tiles * LEVELS;
    const uint8_t *lower = g->luts + (size_t)down.high * (size_t)g->tiles * LEVELS;
    for (int x = 0; x < width; x++) {
        blend across = g->across[x];
        size_t left = (size_t)across.low * LEVELS + in[x];
        size_t right = (size_t)across.high * LEVELS + in[x];
        float above = upper[left] * across.near + upper[right] * across.far;
        float below = lower[left] * across.near + lower[right] * across.far;
        out[x] = round_level(above * down.near + below * down.far);
    }
}

sg_status sg_clahe_apply(sg_image *out, const sg_image *in, double clip, int tiles, sg_error *err) {
    if (in->channels != 1)
        return sg_fail(
                err, SG_ERR_USAGE, "CLAHE wants a grey image, not %d channels", in->channels);
    if (tiles < 1 || tiles > 64 || !(clip >= 0) || clip > 256)
        return sg_fail(err, SG_ERR_USAGE,
                "CLAHE wants 1 to 64 tiles and a clip limit of 0 to 256, not %d and %g", tiles,
                clip);
    grid g;
    sg_status status = create_grid(&g, in->width, in->height, tiles, err);
    if (status) return status;
    sg_image made = {0};
    if (out != in) status = sg_image_create(&made, in->width, in->height, 1, err);
    if (!status) {
        make_luts(&g, in, clip);
        uint8_t *pixels = out == in ? in->pixels : made.pixels;
        for (int y = 0; y < in->height; y++) {
            size_t at = (size_t)y * (size_t)in->width;
            map_row(pixels + at, in->pixels + at, in->width, &g, y);
        }
        if (out != in) *out = made;
    }
    dispose_grid(&g);
    return status;
}
