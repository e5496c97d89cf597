/* fit.h - how a rectangle becomes a square: geometry only, pixels are moved by resize.h and warp.h.
 *   pad      the whole image, its shape kept, centred on black (default: wider or taller than wide
 * is a sign that tells benign from malignant); crop     the centre square, the rest is lost;
 *   stretch  the whole image, its shape lost.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_FIT_H
#define SG_IMAGE_FIT_H

#include "image/image.h"

typedef enum sg_fit { SG_FIT_PAD, SG_FIT_CROP, SG_FIT_STRETCH } sg_fit;

/* `source` of the image lands on `target` of the size x size square; both non-empty. */
typedef struct sg_fit_boxes {
    sg_rect source, target;
} sg_fit_boxes;

sg_fit_boxes sg_fit_place(int width, int height, int size, sg_fit fit);

/* The same as a matrix from square to image: x = m0 u + m1 v + m2, y = m3 u + m4 v + m5, with pixel
 * centres at whole numbers. Maps a heat map's pixel back to the image. */
void sg_fit_matrix(double m[6], int width, int height, int size, sg_fit fit);

/* out = a after b: out(p) = a(b(p)). out may be a or b. */
void sg_affine_compose(double out[6], const double a[6], const double b[6]);

#endif
