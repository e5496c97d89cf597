/* marks.c - all marks of a picture: the ink map once, then each kind; and coloured lines, which a
 * grey picture gives away by their colour. SPDX-License-Identifier: Apache-2.0 */
#include "image/marks.h"

#include "base/str.h"
#include "image/grey.h"
#include "image/marks_internal.h"

#include <stdlib.h>

enum { MIN_PICTURE = 48, BRIGHT = 200 }; /* pixels; grey level of letters on tissue */

static const char *const kind_names[SG_MARK_KINDS] = {"caliper", "text", "pictogram", "overlay"};

const char *sg_mark_name(sg_mark_kind kind) {
    return kind_names[kind];
}

void sg_marks_dispose(sg_marks *marks) {
    if (!marks) return;
    free(marks->items);
    *marks = (sg_marks){0};
}

sg_status sg_mark_add(
        sg_mark_list *list, sg_mark_kind kind, sg_rect box, double contrast, sg_error *err) {
    sg_status status =
            sg_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items, err);
    if (!status) list->items[list->count++] = (sg_mark){kind, box, contrast};
    return status;
}

static int in_order(const void *a, const void *b) {
    const sg_mark *p = a, *q = b;
    if (p->kind != q->kind) return p->kind < q->kind ? -1 : 1;
    if (p->box.y != q->box.y) return p->box.y < q->box.y ? -1 : 1;
    return (p->box.x > q->box.x) - (p->box.x < q->box.x);
}

/* One box around the coloured pixels, when they are few enough to be lines. */
static sg_status find_overlay(sg_mark_list *list, const sg_image *image, sg_error *err) {
    enum { COLOURED = 16, FEWEST = 40 }; /* channels apart by levels; pixels */
    int x0 = image->width, y0 = image->height, x1 = -1, y1 = -1;
    size_t n = 0, all = (size_t)image->width * (size_t)image->height;
    double spread = 0.0;
    for (int y = 0; y < image->height; y++) {
        for (int x = 0; x < image->width; x++) {
            const uint8_t *p = image->pixels + 3 * ((size_t)y * (size_t)image->width + (size_t)x);
            int low = p[0] < p[1] ? p[0] : p[1], high = p[0] > p[1] ? p[0] : p[1];
            if (p[2] < low) low = p[2];
            if (p[2] > high) high = p[2];
            if (high - low < COLOURED) continue;
            n++;
            spread += high - low;
            if (x < x0) x0 = x;
            if (x > x1) x1 = x;
            if (y < y0) y0 = y;
            y1 = y;
        }
    }
    if (n < FEWEST || n > all / 20) return SG_OK;
    sg_rect box = {x0, y0, x1 - x0 + 1, y1 - y0 + 1};
    return sg_mark_add(list, SG_MARK_OVERLAY, box, spread / (double)n, err);
}

sg_status sg_marks_find(sg_marks *out, const sg_image *image, sg_error *err) {
    *out = (sg_marks){0};
    if (image->width < MIN_PICTURE || image->height < MIN_PICTURE) return SG_OK;
    sg_image grey = {0};
    sg_ink ink = {0};
    sg_mark_list list = {0};
    sg_status status = sg_grey_convert(&grey, image, err);
    if (!status) status = sg_ink_make(&ink, &grey, err);
    if (!status) status = sg_marks_find_pictograms(&list, &ink, err);
    if (!status) status = sg_marks_find_calipers(&list, &ink, err);
    if (!status) status = sg_marks_find_text(&list, &ink, err);
    if (!status) status = sg_ink_raise(&ink, BRIGHT, err);
    if (!status) status = sg_marks_find_text(&list, &ink, err);
    if (!status) status = sg_marks_find_more_calipers(&list, &ink, err);
    if (!status && image->channels == 3) status = find_overlay(&list, image, err);
    sg_ink_dispose(&ink);
    sg_image_dispose(&grey);
    if (status) {
        free(list.items);
        return status;
    }
    if (list.count) qsort(list.items, list.count, sizeof *list.items, in_order);
    *out = (sg_marks){list.items, list.count};
    return SG_OK;
}
