/* sheet.h - contact sheets: a title, rows of equal cells with a picture and a label each, a footer.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_SHEET_H
#define SG_IMAGE_SHEET_H

#include "image/image.h"

typedef struct sg_sheet_layout {
    int columns;
    int cell;           /* side of a cell's square picture, pixels */
    const char *title;  /* may be NULL */
    const char *footer; /* may be NULL */
} sg_sheet_layout;

/* An RGB image with room for `cells` cells. SG_ERR_USAGE when it would pass 65535 pixels a side. */
SG_MUST_CHECK sg_status sg_sheet_create(
        sg_image *out, size_t cells, const sg_sheet_layout *layout, sg_error *err);
/* Puts `image` (grey or RGB) into cell `index`, scaled to fit with its shape kept, and the label
 * below it, cut to the cell's width. Label bytes that are no printable ASCII show as boxes. */
SG_MUST_CHECK sg_status sg_sheet_place(sg_image *sheet, const sg_sheet_layout *layout, size_t index,
        const sg_image *image, const char *label, sg_error *err);

#endif
