/* sheet.c - contact sheets on a dark ground, so that scans keep their blacks.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/sheet.h"

#include "image/draw.h"
#include "image/resize.h"
#include <stdio.h>
#include <string.h>

enum { GAP = 8, HEAD = 24, FOOT = 20, LABEL = 14 };
static const uint32_t ground = 0x1c1c1e, cell_ground = 0x000000, ink = 0xe8e8e8, faint = 0xa0a0a4;

static int head_height(const sg_sheet_layout *layout) {
    return layout->title ? HEAD : GAP;
}

sg_status sg_sheet_create(
        sg_image *out, size_t cells, const sg_sheet_layout *layout, sg_error *err) {
    if (layout->columns < 1 || layout->cell < 16 || layout->columns > 1000 || layout->cell > 4096)
        return sg_fail(err, SG_ERR_USAGE, "a sheet of %d columns of %d pixels cannot be made",
                layout->columns, layout->cell);
    size_t rows = (cells + (size_t)layout->columns - 1) / (size_t)layout->columns;
    size_t height =
            (size_t)head_height(layout) + FOOT + rows * (size_t)(layout->cell + LABEL + GAP);
    size_t width = GAP + (size_t)layout->columns * (size_t)(layout->cell + GAP);
    if (height > 65535 || width > 65535)
        return sg_fail(
                err, SG_ERR_USAGE, "a sheet of %zu pictures is too large; show fewer", cells);
    sg_image sheet = {0};
    sg_status status = sg_image_create(&sheet, (int)width, (int)height, 3, err);
    if (status) return status;
    sg_draw_fill(&sheet, (sg_rect){0, 0, sheet.width, sheet.height}, ground);
    if (layout->title) sg_draw_text(&sheet, GAP, GAP, layout->title, 1, ink);
    if (layout->footer)
        sg_draw_text(&sheet, GAP, sheet.height - FOOT + 6, layout->footer, 1, faint);
    *out = sheet;
    return SG_OK;
}

/* Sides of an image that fits a square cell, its shape kept. */
static sg_rect fit_cell(const sg_image *image, int cell) {
    int64_t w = image->width, h = image->height, longer = w > h ? w : h;
    int width = (int)(w * cell / longer), height = (int)(h * cell / longer);
    width = width < 1 ? 1 : width;
    height = height < 1 ? 1 : height;
    return (sg_rect){(cell - width) / 2, (cell - height) / 2, width, height};
}

sg_status sg_sheet_place(sg_image *sheet, const sg_sheet_layout *layout, size_t index,
        const sg_image *image, const char *label, sg_error *err) {
    int column = (int)(index % (size_t)layout->columns);
    int row = (int)(index / (size_t)layout->columns);
    int x = GAP + column * (layout->cell + GAP);
    int y = head_height(layout) + row * (layout->cell + LABEL + GAP);
    sg_rect in_cell = fit_cell(image, layout->cell);
    sg_image small = {0};
    sg_status status =
            sg_resize_image(&small, image, in_cell.width, in_cell.height, SG_RESIZE_BILINEAR, err);
    if (status) return status;
    sg_draw_fill(sheet, (sg_rect){x, y, layout->cell, layout->cell}, cell_ground);
    sg_draw_image(sheet, x + in_cell.x, y + in_cell.y, &small);
    sg_image_dispose(&small);
    char text[128];
    (void)snprintf(text, sizeof text, "%s", label);
    size_t most = (size_t)(layout->cell / SG_FONT_WIDTH);
    if (most < strlen(text)) text[most] = '\0';
    sg_draw_text(sheet, x, y + layout->cell + 3, text, 1, ink);
    return SG_OK;
}
