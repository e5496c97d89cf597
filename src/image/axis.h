/* axis.h - one axis of a separable resize: which source samples make target sample i, and by what
 * weights. Used by resize.c only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_AXIS_H
#define SG_IMAGE_AXIS_H

#include "image/resize.h"
#include <stdbool.h>

typedef struct sg_axis {
    int length;      /* target samples */
    int taps;        /* most source samples one target sample takes */
    int *first;      /* [length] */
    int *count;      /* [length] */
    double *weights; /* [length][taps], each row sums to 1 */
} sg_axis;

/* Weights for `from` samples becoming `to`. area_linear: OpenCV's variant of area when any axis
 * enlarges. */
SG_MUST_CHECK sg_status sg_axis_create(
        sg_axis *out, int from, int to, sg_resize_filter filter, bool area_linear, sg_error *err);
void sg_axis_dispose(sg_axis *axis);

#endif
