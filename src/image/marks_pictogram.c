/* marks_pictogram.c - body marks: a round outline of one level, as scanners draw a breast. One
 * that the picture's edge cuts is not found.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/marks_internal.h"

#include <math.h>
#include <stdlib.h>

enum { MIN_SIDE = 11, SECTORS = 24 };

/* Share of the directions from the middle of the box in which the component has ink on the
 * ellipse that the box encloses. */
static double roundness(const sg_ink *ink, const sg_blob *blob, int number) {
    sg_rect b = blob->box;
    double rx = 0.5 * (b.width - 1), ry = 0.5 * (b.height - 1), slack = 1.6 / (rx < ry ? rx : ry);
    bool hit[SECTORS] = {false};
    int hits = 0;
    for (int y = b.y; y < b.y + b.height; y++) {
        for (int x = b.x; x < b.x + b.width; x++) {
            if (ink->label[(size_t)y * (size_t)ink->width + (size_t)x] != number) continue;
            double u = (x - b.x - rx) / rx, v = (y - b.y - ry) / ry;
            if (fabs(hypot(u, v) - 1.0) > slack) continue;
            int sector = (int)((atan2(v, u) / 6.283185307179586 + 0.5) * SECTORS) % SECTORS;
            hits += !hit[sector];
            hit[sector] = true;
        }
    }
    return (double)hits / SECTORS;
}

static bool is_body_mark(const sg_ink *ink, size_t i) {
    const sg_blob *b = &ink->blobs[i];
    int w = b->box.width, h = b->box.height;
    int shorter = ink->width < ink->height ? ink->width : ink->height;
    int least = shorter / 20 > MIN_SIDE ? shorter / 20 : MIN_SIDE;
    if (w < least || h < least || w > shorter / 3 || h > shorter / 3) return false;
    if (w > 2 * h || h > 2 * w || b->contrast < 40.0) return false;
    return b->area <= 0.5 * w * h && roundness(ink, b, (int)i) >= 0.85;
}

sg_status sg_marks_find_pictograms(sg_mark_list *list, const sg_ink *ink, sg_error *err) {
    for (size_t i = 0; i < ink->blob_count; i++) {
        if (!is_body_mark(ink, i)) continue;
        const sg_blob *b = &ink->blobs[i];
        sg_status status = sg_mark_add(list, SG_MARK_PICTOGRAM, b->box, b->contrast, err);
        if (status) return status;
    }
    return SG_OK;
}
