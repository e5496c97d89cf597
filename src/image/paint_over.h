/* paint_over.h - takes burnt-in marks out of a picture: every box is filled smoothly from the
 * pixels around it, so that a network's answer without the marks can be asked.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_PAINT_OVER_H
#define SG_IMAGE_PAINT_OVER_H

#include "image/marks.h"

/* *out: new grey image. Inside the boxes, values solve Laplace's equation with the pixels around
 * as border (the smoothest surface through them); what lies outside every box is unchanged. */
SG_MUST_CHECK sg_status sg_paint_over(
        sg_image *out, const sg_image *image, const sg_marks *marks, sg_error *err);
/* covered[height * width]: 1 where a box lies, else 0. */
void sg_marks_cover(uint8_t *covered, int width, int height, const sg_marks *marks);

#endif
