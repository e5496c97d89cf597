/* srad.h - speckle reducing anisotropic diffusion: Yongjian Yu and Scott T. Acton, "Speckle
 * reducing anisotropic diffusion", IEEE Trans. Image Processing 11(11), 2002, equations 31-33 and
 * 37, 55-58: diffusion steered by the instantaneous coefficient of variation q against the speckle
 * scale q0(t) = q0 exp(-rho t). It smooths where q is about q0 (developed speckle) and stops at
 * edges. q0 is found in the image: the coefficient of variation of the most homogeneous of its
 * blocks that are neither black nor saturated, unless given. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_SRAD_H
#define SG_IMAGE_SRAD_H

#include "image/image.h"

typedef struct sg_srad_options {
    int iterations; /* 0..1000 */
    double dt;      /* time step, 0 < dt <= 1 (stability) */
    double rho;     /* decay of q0 per unit of time, 0..10; the paper's 1/6 */
    double q0;      /* speckle scale at t = 0, 0..10; 0 = estimate from the image */
} sg_srad_options;
#define SG_SRAD_OPTIONS_INIT                                                                       \
    { 30, 0.2, 1.0 / 6.0, 0.0 }

/* In place on positive intensities (B-mode grey levels 0..255; 1 is added inside so that black
 * divides nothing). SG_ERR_USAGE on options outside their ranges. */
SG_MUST_CHECK sg_status sg_srad_apply(
        sg_plane *plane, const sg_srad_options *options, sg_error *err);
/* The estimate of q0 on its own, > 0. */
double sg_srad_speckle_scale(const sg_plane *plane);

#endif
