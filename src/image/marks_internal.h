/* marks_internal.h - what the finders of marks share: the ink map and the growing list.
 * Private to src/image/marks*.c. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_MARKS_INTERNAL_H
#define SG_IMAGE_MARKS_INTERNAL_H

#include "image/marks.h"
#include <stdbool.h>

typedef struct sg_ink {
    int width, height;
    int stroke;            /* widest stroke looked for, pixels */
    const uint8_t *grey;   /* [height][width], borrowed */
    uint8_t *relief;       /* white top-hat: height above the opening with a square */
    uint8_t *ink;          /* 1 where relief and level say stroke, else 0 */
    float *noise;          /* mean relief around, what tissue itself has */
    int *label;            /* component of each ink pixel, -1 elsewhere */
    struct sg_blob *blobs; /* connected components, 8 neighbours */
    size_t blob_count;
} sg_ink;

typedef struct sg_blob {
    sg_rect box;
    int area;        /* pixels */
    double level;    /* mean grey of its brighter half */
    double contrast; /* level less the mean grey of the pixels around it */
} sg_blob;

SG_MUST_CHECK sg_status sg_ink_make(sg_ink *out, const sg_image *grey, sg_error *err);
/* Takes ink below a grey level away, so that bright letters come apart from tissue they touch. */
SG_MUST_CHECK sg_status sg_ink_raise(sg_ink *ink, int level, sg_error *err);
void sg_ink_dispose(sg_ink *ink);

static inline int sg_ink_grey(const sg_ink *ink, int x, int y) {
    return ink->grey[(size_t)y * (size_t)ink->width + (size_t)x];
}
static inline bool sg_ink_holds(const sg_ink *ink, int x, int y) {
    return x >= 0 && y >= 0 && x < ink->width && y < ink->height;
}

static inline bool sg_rect_touch(sg_rect a, sg_rect b) {
    return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height &&
           b.y < a.y + a.height;
}

typedef struct sg_mark_list {
    sg_mark *items;
    size_t count, capacity;
} sg_mark_list;
SG_MUST_CHECK sg_status sg_mark_add(
        sg_mark_list *list, sg_mark_kind kind, sg_rect box, double contrast, sg_error *err);

/* Each appends what it finds, in this order: crosses beside each other are no text, and a letter
 * that looks like a cross is none. */
SG_MUST_CHECK sg_status sg_marks_find_pictograms(
        sg_mark_list *list, const sg_ink *ink, sg_error *err);
SG_MUST_CHECK sg_status sg_marks_find_calipers(
        sg_mark_list *list, const sg_ink *ink, sg_error *err);
SG_MUST_CHECK sg_status sg_marks_find_text(sg_mark_list *list, const sg_ink *ink, sg_error *err);
/* Fainter crosses of the size and level of those found, where no mark is yet. */
SG_MUST_CHECK sg_status sg_marks_find_more_calipers(
        sg_mark_list *list, const sg_ink *ink, sg_error *err);

#endif
