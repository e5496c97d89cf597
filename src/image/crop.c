/* crop.c - the scan area of a screenshot. The image is cut into cells; a cell is tissue when most
 * of its pixels are not black. Opening by one cell removes what is thin (text lines, scales,
 * frames); the large connected rests are the scan, and their box is moved in to the last row and
 * column that carries them. SPDX-License-Identifier: Apache-2.0 */
#include "image/crop.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    CELLS = 64,        /* along the longer side */
    BLACK = 8,         /* levels up to here are background */
    LEAST_CELL = 4,    /* pixels */
    LEAST_SHARE = 20,  /* percent of the image that a scan covers at least */
    LEAST_REGION = 10, /* percent of the lit cells that a part of the scan has at least */
    LEAST_LINE = 10    /* percent of a row or column inside the box that is not black */
};

typedef struct cells {
    int size; /* pixels per cell side */
    int width, height;
    uint8_t *on;
    uint8_t *other; /* of the same size: scratch */
    int *queue;
} cells;

static void mark_cells(cells *g, const sg_image *grey) {
    for (int cy = 0; cy < g->height; cy++)
        for (int cx = 0; cx < g->width; cx++) {
            int lit = 0, all = 0;
            for (int y = cy * g->size; y < (cy + 1) * g->size && y < grey->height; y++)
                for (int x = cx * g->size; x < (cx + 1) * g->size && x < grey->width; x++, all++)
                    lit += grey->pixels[(size_t)y * (size_t)grey->width + (size_t)x] > BLACK;
            g->on[cy * g->width + cx] = 2 * lit > all;
        }
}

/* 3 x 3 erosion (wanted = 0) or dilation (wanted = 1); cells beyond the border repeat it. */
static void morph(cells *g, uint8_t wanted) {
    for (int y = 0; y < g->height; y++)
        for (int x = 0; x < g->width; x++) {
            bool hit = false;
            for (int dy = -1; dy <= 1; dy++)
                for (int dx = -1; dx <= 1; dx++) {
                    int ny = y + dy, nx = x + dx;
                    if (ny < 0 || nx < 0 || ny >= g->height || nx >= g->width) continue;
                    hit |= g->on[ny * g->width + nx] == wanted;
                }
            g->other[y * g->width + x] = hit ? wanted : !wanted;
        }
    uint8_t *swap = g->on;
    g->on = g->other;
    g->other = swap;
}

/* Cells of the region that holds `start`, taken off the map; *box grows around them. */
static int flood(cells *g, int start, sg_rect *box) {
    int head = 0, tail = 0;
    int left = g->width, top = g->height, right = -1, bottom = -1;
    g->queue[tail++] = start;
    g->on[start] = 0;
    while (head < tail) {
        int at = g->queue[head++], x = at % g->width, y = at / g->width;
        left = x < left ? x : left;
        right = x > right ? x : right;
        top = y < top ? y : top;
        bottom = y > bottom ? y : bottom;
        const int next[4] = {x > 0 ? at - 1 : -1, x + 1 < g->width ? at + 1 : -1,
                y > 0 ? at - g->width : -1, y + 1 < g->height ? at + g->width : -1};
        for (int i = 0; i < 4; i++)
            if (next[i] >= 0 && g->on[next[i]]) {
                g->on[next[i]] = 0;
                g->queue[tail++] = next[i];
            }
    }
    *box = (sg_rect){left, top, right - left + 1, bottom - top + 1};
    return tail;
}

static sg_rect join(sg_rect a, sg_rect b) {
    int left = a.x < b.x ? a.x : b.x, top = a.y < b.y ? a.y : b.y;
    int right = a.x + a.width > b.x + b.width ? a.x + a.width : b.x + b.width;
    int bottom = a.y + a.height > b.y + b.height ? a.y + a.height : b.y + b.height;
    return (sg_rect){left, top, right - left, bottom - top};
}

/* The box of all regions of at least LEAST_REGION percent of the lit cells: cysts and shadows may
 * cut a scan in two, what is smaller lies beside it. Empty when nothing is lit. */
static sg_rect box_of_regions(cells *g) {
    sg_rect all = {0};
    int lit = 0;
    for (int i = 0; i < g->width * g->height; i++) lit += g->on[i];
    for (int i = 0; i < g->width * g->height; i++) {
        if (!g->on[i]) continue;
        sg_rect box;
        if (100 * flood(g, i, &box) < LEAST_REGION * lit) continue;
        all = all.width ? join(all, box) : box;
    }
    return all;
}

/* Is the line of the box at x (column) or y (row) lit enough to belong to the scan? */
static bool line_is_lit(const sg_image *grey, sg_rect line) {
    int lit = 0;
    for (int y = line.y; y < line.y + line.height; y++)
        for (int x = line.x; x < line.x + line.width; x++)
            lit += grey->pixels[(size_t)y * (size_t)grey->width + (size_t)x] > BLACK;
    return 100 * lit >= LEAST_LINE * line.width * line.height;
}

/* Trims dark rows and columns from a box that was rounded up to whole cells. */
static sg_rect trim(const sg_image *grey, sg_rect b) {
    while (b.height > 1 && !line_is_lit(grey, (sg_rect){b.x, b.y, b.width, 1})) b.y++, b.height--;
    while (b.height > 1 && !line_is_lit(grey, (sg_rect){b.x, b.y + b.height - 1, b.width, 1}))
        b.height--;
    while (b.width > 1 && !line_is_lit(grey, (sg_rect){b.x, b.y, 1, b.height})) b.x++, b.width--;
    while (b.width > 1 && !line_is_lit(grey, (sg_rect){b.x + b.width - 1, b.y, 1, b.height}))
        b.width--;
    return b;
}

static sg_rect to_pixels(const cells *g, const sg_image *grey, sg_rect c) {
    int left = c.x * g->size, top = c.y * g->size;
    int right = (c.x + c.width) * g->size, bottom = (c.y + c.height) * g->size;
    if (right > grey->width) right = grey->width;
    if (bottom > grey->height) bottom = grey->height;
    return (sg_rect){left, top, right - left, bottom - top};
}

sg_status sg_crop_find(sg_rect *out, const sg_image *grey, sg_error *err) {
    if (grey->channels != 1)
        return sg_fail(err, SG_ERR_USAGE,
                "the scan area is sought in a grey image, not in %d channels", grey->channels);
    int longer = grey->width > grey->height ? grey->width : grey->height;
    cells g = {.size = (longer + CELLS - 1) / CELLS};
    if (g.size < LEAST_CELL) g.size = LEAST_CELL;
    g.width = (grey->width + g.size - 1) / g.size;
    g.height = (grey->height + g.size - 1) / g.size;
    size_t n = (size_t)g.width * (size_t)g.height;
    g.on = malloc(n);
    g.other = malloc(n);
    g.queue = malloc(n * sizeof *g.queue);
    sg_status status = SG_OK;
    if (!g.on || !g.other || !g.queue) {
        status = sg_fail(err, SG_ERR_MEMORY, "no memory to find the scan area");
    } else {
        mark_cells(&g, grey);
        morph(&g, 0);
        morph(&g, 1);
        sg_rect found = box_of_regions(&g), whole = {0, 0, grey->width, grey->height};
        sg_rect box = found.width ? trim(grey, to_pixels(&g, grey, found)) : whole;
        int64_t share = 100 * (int64_t)box.width * box.height;
        *out = share < LEAST_SHARE * (int64_t)whole.width * whole.height ? whole : box;
    }
    free(g.on);
    free(g.other);
    free(g.queue);
    return status;
}

sg_status sg_crop_copy(sg_image *out, const sg_image *in, sg_rect box, sg_error *err) {
    if (box.width < 1 || box.height < 1 || box.x < 0 || box.y < 0 ||
            box.width > in->width - box.x || box.height > in->height - box.y)
        return sg_fail(err, SG_ERR_USAGE, "a box of %d x %d at %d, %d is not inside %d x %d pixels",
                box.width, box.height, box.x, box.y, in->width, in->height);
    sg_image part = {0};
    sg_status status = sg_image_create(&part, box.width, box.height, in->channels, err);
    if (status) return status;
    size_t c = (size_t)in->channels, row = (size_t)box.width * c;
    for (int y = 0; y < box.height; y++)
        memcpy(part.pixels + (size_t)y * row,
                in->pixels + ((size_t)(box.y + y) * (size_t)in->width + (size_t)box.x) * c, row);
    *out = part;
    return SG_OK;
}
