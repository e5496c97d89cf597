/* overlay.h - a heat map over its image: viridis, an even scale of lightness that survives colour
 * blindness and grey print, and the outline of the hot region.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_OVERLAY_H
#define SG_IMAGE_OVERLAY_H

#include "image/image.h"

typedef struct sg_overlay {
    double opacity;   /* of the colours, 0..1 */
    double threshold; /* the hot region: values of at least this; > 1: no outline */
} sg_overlay;
#define SG_OVERLAY_INIT                                                                            \
    { 0.45, 0.5 }

/* Colour of 0..1 (clamped): 33 stops of matplotlib's viridis (van der Walt and Smith, CC0), lines
 * between them. */
void sg_viridis(uint8_t rgb[3], float value);

/* *out: new RGB image. map: values 0..1, of the image's size (else SG_ERR_USAGE). */
SG_MUST_CHECK sg_status sg_overlay_draw(sg_image *out, const sg_image *image, const sg_plane *map,
        const sg_overlay *options, sg_error *err);
/* The image as it is, a gap, and the overlay. */
SG_MUST_CHECK sg_status sg_overlay_pair(sg_image *out, const sg_image *image, const sg_plane *map,
        const sg_overlay *options, sg_error *err);

#endif
