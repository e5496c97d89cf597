/* marks.h - what a scanner or a hand burnt into a picture: caliper crosses, lines of text, body
 * marks, coloured lines; each as a box with its kind. Nothing is read: a box says that letters are
 * there, not which.
 *
 * All of it is ink: strokes a few pixels wide, brighter than what lies on both sides by more than
 * tissue is, sharp in every direction. Kinds differ in how strokes are put together. Crosses are
 * upright (+); text is a horizontal line of two letters or more, between 5 and 40 pixels high; body
 * marks are round. Dotted lines, a lone digit, slanted crosses and marks in dark ink have no box.
 * docs/internals/audit.md has what was measured. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_MARKS_H
#define SG_IMAGE_MARKS_H

#include "image/image.h"

typedef enum sg_mark_kind {
    SG_MARK_CALIPER,   /* one cross */
    SG_MARK_TEXT,      /* one line */
    SG_MARK_PICTOGRAM, /* a body mark; parts of one at the picture's edge too */
    SG_MARK_OVERLAY,   /* coloured lines in a grey picture: a region box, a cursor */
    SG_MARK_KINDS
} sg_mark_kind;

typedef struct sg_mark {
    sg_mark_kind kind;
    sg_rect box;
    double contrast; /* grey levels by which its ink stands above what surrounds it */
} sg_mark;

typedef struct sg_marks {
    sg_mark *items; /* ordered by kind, then top to bottom, then left to right */
    size_t count;
} sg_marks;

/* 8-bit grey or RGB. Pictures below 48 x 48 have no marks that could be told from tissue. */
SG_MUST_CHECK sg_status sg_marks_find(sg_marks *out, const sg_image *image, sg_error *err);
void sg_marks_dispose(sg_marks *marks); /* NULL-safe; leaves it empty */

/* "caliper", "text", "pictogram", "overlay". */
const char *sg_mark_name(sg_mark_kind kind);

#endif
