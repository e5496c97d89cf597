/* clahe.c - contrast limited adaptive histogram equalisation in OpenCV's arithmetic: integer clip
 * and redistribution, single-precision interpolation between the four nearest tiles, rounded half
 * to even. SPDX-License-Identifier: Apache-2.0 */
#include "image/clahe.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 256 };

/* Which two tiles each position of an axis lies between, and how near to either. */
typedef struct blend {
    int *low, *high;   /* tile index */
    float *near, *far; /* weight of low, of high */
} blend;

typedef struct grid {
    int tiles;
    int tile_width, tile_height;
    int *columns, *rows; /* source index of each extended column and row */
    blend across, down;
    float *luts; /* [tiles][tiles][LEVELS], whole numbers 0..255 */
} grid;

static void dispose_blend(blend *b) {
    free(b->low);
    free(b->high);
    free(b->near);
    free(b->far);
}

static void dispose_grid(grid *g) {
    free(g->columns);
    free(g->rows);
    dispose_blend(&g->across);
    dispose_blend(&g->down);
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

static bool create_blend(blend *b, int n, int tile, int tiles) {
    b->low = malloc((size_t)n * sizeof *b->low);
    b->high = malloc((size_t)n * sizeof *b->high);
    b->near = malloc((size_t)n * sizeof *b->near);
    b->far = malloc((size_t)n * sizeof *b->far);
    if (!b->low || !b->high || !b->near || !b->far) return false;
    float inverse = 1.0f / (float)tile;
    for (int i = 0; i < n; i++) {
        float at = (float)i * inverse - 0.5f;
        int low = (int)floorf(at);
        b->far[i] = at - (float)low;
        b->near[i] = 1.0f - b->far[i];
        b->low[i] = low < 0 ? 0 : low;
        b->high[i] = low + 1 < tiles ? low + 1 : tiles - 1;
    }
    return true;
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
    g->luts = malloc((size_t)tiles * (size_t)tiles * LEVELS * sizeof *g->luts);
    if (create_blend(&g->across, width, g->tile_width, tiles) &&
            create_blend(&g->down, height, g->tile_height, tiles) && g->columns && g->rows &&
            g->luts)
        return SG_OK;
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

/* Nearest whole number, halves to even, for 0 <= v < 2^22: adding 1.5 * 2^23 leaves no fraction
 * bits. The C library's lrintf is a call, which would keep the loops scalar. */
static inline uint8_t round_level(float v) {
    union {
        float value;
        uint32_t bits;
    } shifted = {v + 12582912.0f};
    return (uint8_t)shifted.bits;
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
        float *lut = g->luts + (size_t)tile * LEVELS;
        int sum = 0;
        for (int i = 0; i < LEVELS; i++) {
            sum += histogram[i];
            lut[i] = round_level((float)sum * scale);
        }
    }
}

/* Pixels [x0, x1) of a row, all between the same four tiles. */
static void map_span(uint8_t *out, const uint8_t *in, int x0, int x1, const grid *g, int y) {
    int left = g->across.low[x0], right = g->across.high[x0];
    const float *upper = g->luts + (size_t)g->down.low[y] * (size_t)g->tiles * LEVELS;
    const float *lower = g->luts + (size_t)g->down.high[y] * (size_t)g->tiles * LEVELS;
    const float *upper_left = upper + left * LEVELS, *upper_right = upper + right * LEVELS;
    const float *lower_left = lower + left * LEVELS, *lower_right = lower + right * LEVELS;
    float down_near = g->down.near[y], down_far = g->down.far[y];
    for (int x = x0; x < x1; x++) {
        float near = g->across.near[x], far = g->across.far[x];
        float above = upper_left[in[x]] * near + upper_right[in[x]] * far;
        float below = lower_left[in[x]] * near + lower_right[in[x]] * far;
        out[x] = round_level(above * down_near + below * down_far);
    }
}

static void map_row(uint8_t *out, const uint8_t *in, int width, const grid *g, int y) {
    const int *low = g->across.low, *high = g->across.high;
    for (int x0 = 0, x1; x0 < width; x0 = x1) {
        for (x1 = x0 + 1; x1 < width && low[x1] == low[x0] && high[x1] == high[x0]; x1++) continue;
        map_span(out, in, x0, x1, g, y);
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
