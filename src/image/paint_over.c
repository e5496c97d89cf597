/* paint_over.c - see paint_over.h. Gauss-Seidel sweeps, alternating in direction, start from the
 * mean of the picture outside the boxes; boxes are small, so a fixed number of sweeps is enough for
 * 8 bits. SPDX-License-Identifier: Apache-2.0 */
#include "image/paint_over.h"
#include "image/grey.h"
#include <stdlib.h>
#include <string.h>

enum { SWEEPS = 200 };

void sg_marks_cover(uint8_t *covered, int width, int height, const sg_marks *marks) {
    memset(covered, 0, (size_t)width * (size_t)height);
    for (size_t i = 0; i < marks->count; i++) {
        sg_rect b = marks->items[i].box;
        for (int y = b.y < 0 ? 0 : b.y; y < b.y + b.height && y < height; y++)
            for (int x = b.x < 0 ? 0 : b.x; x < b.x + b.width && x < width; x++)
                covered[(size_t)y * (size_t)width + (size_t)x] = 1;
    }
}

/* The mean of the neighbours that exist. */
static void relax(sg_plane *p, int x, int y) {
    float *v = p->values + (size_t)y * (size_t)p->width + (size_t)x;
    float sum = 0;
    int count = 0;
    if (x > 0) sum += v[-1], count++;
    if (x + 1 < p->width) sum += v[1], count++;
    if (y > 0) sum += v[-(ptrdiff_t)p->width], count++;
    if (y + 1 < p->height) sum += v[p->width], count++;
    if (count) *v = sum / (float)count;
}

/* Covered pixels in the order of memory; the caller's (free). */
static size_t *list_covered(size_t *count, const uint8_t *covered, size_t n) {
    *count = 0;
    for (size_t i = 0; i < n; i++) *count += covered[i];
    size_t *list = malloc((*count + 1) * sizeof *list), at = 0;
    for (size_t i = 0; list && i < n; i++)
        if (covered[i]) list[at++] = i;
    return list;
}

static void sweep(sg_plane *p, const size_t *list, size_t count, int number) {
    size_t width = (size_t)p->width;
    for (size_t k = 0; k < count; k++) {
        size_t i = list[number % 2 ? count - 1 - k : k];
        relax(p, (int)(i % width), (int)(i / width));
    }
}

static void fill_mean(sg_plane *p, const uint8_t *covered) {
    size_t n = (size_t)p->width * (size_t)p->height, count = 0;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        if (!covered[i]) sum += p->values[i], count++;
    for (size_t i = 0; i < n; i++)
        if (covered[i]) p->values[i] = count ? (float)(sum / (double)count) : 0;
}

sg_status sg_paint_over(
        sg_image *out, const sg_image *image, const sg_marks *marks, sg_error *err) {
    sg_image grey = {0};
    sg_plane plane = {0};
    size_t n = (size_t)image->width * (size_t)image->height, count = 0, *list = NULL;
    uint8_t *covered = malloc(n);
    sg_status st = covered ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory painting over");
    if (!st) st = sg_grey_convert(&grey, image, err);
    if (!st) st = sg_plane_from_image(&plane, &grey, err);
    if (!st) {
        sg_marks_cover(covered, image->width, image->height, marks);
        list = list_covered(&count, covered, n);
        if (!list) st = sg_fail(err, SG_ERR_MEMORY, "out of memory painting over");
    }
    if (!st) {
        fill_mean(&plane, covered);
        for (int s = 0; s < SWEEPS; s++) sweep(&plane, list, count, s);
        st = sg_image_from_plane(out, &plane, err);
    }
    free(list);
    sg_plane_dispose(&plane);
    sg_image_dispose(&grey);
    free(covered);
    return st;
}
