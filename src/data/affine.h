/* affine.h - maps of the plane, x' = m0 x + m1 y + m2, y' = m3 x + m4 y + m5, as image/warp.h has
 * them. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_DATA_AFFINE_H
#define SG_DATA_AFFINE_H

#include <stdbool.h>
#include <stddef.h>

void sg_affine_apply(double *x, double *y, const double m[6]); /* in place */
/* out = first, then second; out may be either. */
void sg_affine_chain(double out[6], const double first[6], const double second[6]);
bool sg_affine_invert(double out[6], const double m[6]); /* false when singular */
/* The map that takes n >= 3 points from[][2] to to[][2] with least weighted squares; weights NULL =
 * all 1. False when the points lie on a line. */
bool sg_affine_fit(double out[6], const double (*from)[2], const double (*to)[2],
        const double *weights, size_t n);

#endif
