/* explore_charts.h - the charts of the exploration page and the sorted measures behind them. For
 * explore.c only. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_EXPLORE_CHARTS_H
#define SG_REPORT_EXPLORE_CHARTS_H

#include "report/explore.h"
#include "report/page.h"

typedef struct sg_explore_canvas {
    sg_page page;
    const sg_explore_page *in;
    double *values;           /* [image_count] the measure gathered last, class after class */
    size_t *first;            /* [class_count + 1] where each class starts in values */
    const char **class_names; /* [class_count] */
} sg_explore_canvas;

/* One number of an image; NaN where it has none. */
typedef double sg_explore_measure(const sg_explore_image *image);

/* Fills values with one measure, sorted within each class; NaN left out. */
void sg_explore_gather(sg_explore_canvas *w, sg_explore_measure *measure);
/* Linear interpolation between order statistics (type 7 of Hyndman and Fan); NaN when n is 0. */
double sg_explore_quantile(const double *sorted, size_t n, double q);

void sg_explore_put_balance_chart(sg_explore_canvas *w);
void sg_explore_put_level_histogram(sg_explore_canvas *w);
/* Middle half and middle 90 % per class. */
void sg_explore_put_boxes(sg_explore_canvas *w, const char *title, const char *axis,
        bool logarithmic, sg_explore_measure *measure, const char *caption);
/* Shares of each class over equal bins from the lowest value to the highest; nothing when all
 * values are equal. */
void sg_explore_put_histogram(sg_explore_canvas *w, const char *title, const char *axis,
        sg_explore_measure *measure, const char *caption);

#endif
