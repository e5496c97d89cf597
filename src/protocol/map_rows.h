/* map_rows.h - what heat maps scored over many images: means with intervals over groups, of parts
 * of the images, and differences from a baseline on the same images.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_MAP_ROWS_H
#define SG_PROTOCOL_MAP_ROWS_H

#include "stats/bootstrap.h"

typedef enum sg_map_measure {
    SG_MAP_POINTING,
    SG_MAP_ENERGY,
    SG_MAP_IOU_BEST,
    SG_MAP_IOU_FIXED,
    SG_MAP_AUPRC,
    SG_MAP_DISTANCE, /* pixels, or mm where the spacing is known */
    SG_MAP_DELETION, /* areas under the curves */
    SG_MAP_INSERTION,
    SG_MAP_ON_MARKS, /* share of the map on burnt-in marks */
    SG_MAP_HOT,      /* share of the image at or above the fixed threshold */
    SG_MAP_MEASURES
} sg_map_measure;

/* "pointing", "energy_inside"...: columns of tables. */
const char *sg_map_measure_name(sg_map_measure measure);

typedef struct sg_map_row {
    size_t image;         /* number of the image: pairs rows of two maps */
    int map;              /* which method or baseline; the caller's numbers */
    int truth, predicted; /* classes; truth -1: not known */
    uint32_t group;
    int lesion; /* 1: its mask shows one, 0: its mask is empty, -1: it has no mask */
    double values[SG_MAP_MEASURES]; /* NaN where there is none */
} sg_map_row;

/* Rows that count: -1 = any. */
typedef struct sg_map_part {
    int map, truth, correct;
    int lesion;
} sg_map_part;

/* figures[SG_MAP_MEASURES]: means over the part's rows; *images: how many. Figures are NaN where no
 * row has the measure. A share of pointing that is 0 or 1 has Wilson's interval with a group as one
 * trial, since every draw repeats it. */
SG_MUST_CHECK sg_status sg_map_rows_mean(sg_bootstrap_figure *figures, size_t *images,
        const sg_map_row *rows, size_t n, sg_map_part part, const sg_bootstrap_options *options,
        sg_error *err);
/* The same of the differences from the rows of map `baseline` on the same images. */
SG_MUST_CHECK sg_status sg_map_rows_above(sg_bootstrap_figure *figures, const sg_map_row *rows,
        size_t n, sg_map_part part, int baseline, const sg_bootstrap_options *options,
        sg_error *err);

#endif
