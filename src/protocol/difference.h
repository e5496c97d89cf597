/* difference.h - what one set of predictions is worth against another, in points with intervals.
 *
 * Both are about images of the same data; where they hold the same images the difference is paired.
 * Images that only one side holds (a cohort against all images) count on that side alone, in the
 * same bootstrap draws. The interval covers which groups of images were drawn, not the luck of a
 * training. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_DIFFERENCE_H
#define SG_PROTOCOL_DIFFERENCE_H

#include "protocol/predictions.h"
#include "stats/interval.h"

typedef struct sg_difference_figure {
    double base, other, difference; /* other - base, fractions; NaN where a side has none */
    sg_interval interval;           /* of the difference; NaN where all draws agree */
} sg_difference_figure;

typedef struct sg_difference {
    size_t shared, only_base, only_other; /* images */
    size_t groups;
    sg_difference_figure accuracy, macro_f1;
    sg_difference_figure sensitivity; /* of the class named malignant against the rest */
    size_t gained, lost; /* shared images that only `other`, or only `base`, has right */
    double p;            /* sign-flip test over groups on the shared images' accuracy */
} sg_difference;

/* SG_ERR_INPUT when the classes differ or a side has no row. */
SG_MUST_CHECK sg_status sg_difference_measure(sg_difference *out, const sg_predictions *base,
        const sg_predictions *other, size_t draws, sg_error *err);

/* One image that both sides judged, as rows of the two tables. */
typedef struct sg_shared_row {
    const sg_prediction_row *base, *other;
} sg_shared_row;
/* *rows[*count], in order of paths; the caller's (free). */
SG_MUST_CHECK sg_status sg_difference_shared(sg_shared_row **rows, size_t *count,
        const sg_predictions *base, const sg_predictions *other, sg_error *err);

#endif
