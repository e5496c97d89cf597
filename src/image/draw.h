/* draw.h - the little drawing that contact sheets and simulated calipers need: on 8-bit grey or RGB
 * images, everything clipped, no anti-aliasing. Colours are 0xRRGGBB; grey images take their luma.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_DRAW_H
#define SG_IMAGE_DRAW_H

#include "image/image.h"

enum { SG_FONT_WIDTH = 6, SG_FONT_HEIGHT = 8 }; /* cell of the 5x7 font with its gap, at scale 1 */

void sg_draw_fill(sg_image *on, sg_rect box, uint32_t colour);
void sg_draw_box(
        sg_image *on, sg_rect box, uint32_t colour); /* outline, one pixel, inside the box */
void sg_draw_line(sg_image *on, int x0, int y0, int x1, int y1, uint32_t colour);
/* Cross of arms `arm` pixels long: a caliper mark. */
void sg_draw_cross(sg_image *on, int x, int y, int arm, uint32_t colour);
/* Printable ASCII; other bytes show as a small box. scale >= 1. */
void sg_draw_text(sg_image *on, int x, int y, const char *text, int scale, uint32_t colour);
int sg_draw_text_width(const char *text, int scale);
/* Copies `from` with its top left at x, y; grey onto RGB is replicated, RGB onto grey is converted.
 */
void sg_draw_image(sg_image *on, int x, int y, const sg_image *from);

#endif
