/* svg.h - charts as SVG text: same input, same bytes.
 *
 * A chart is one <svg> element that stands alone as a file or inside a page. Series differ by
 * colour (Okabe and Ito's palette), dash and marker, so that they survive colour blindness and
 * black-and-white print. Text is escaped; NaN points are gaps. Structs borrow everything.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_SVG_H
#define SG_REPORT_SVG_H

#include "base/str.h"
#include <stdbool.h>
#include <stddef.h>

/* Colour of series i, "#rrggbb"; repeats after 7. */
const char *sg_svg_color(size_t i);

typedef struct sg_svg_axis {
    const char *label;        /* NULL: none */
    double low, high;         /* both 0: fitted to the data */
    bool percent;             /* ticks 0..1 are written as percent */
    bool logarithmic;         /* base 10; values <= 0 are gaps */
    bool whole;               /* ticks at whole numbers only */
    const char *const *names; /* [name_count] written for 0, 1, 2...; NULL: the numbers */
    size_t name_count;
} sg_svg_axis;

typedef struct sg_svg_series {
    const char *name;    /* NULL: not in the legend */
    const double *x, *y; /* [n]; x NULL: 1, 2, 3... */
    size_t n;
    const double *low, *high; /* [n] error bars, or NULL */
    bool markers;             /* a mark at each point */
    bool no_line;             /* marks only (scatter) */
    bool steps;   /* level from the point before, at the new height (as average precision counts) */
    bool faint;   /* thin and pale: one fold among several */
    size_t color; /* palette number */
} sg_svg_series;

typedef struct sg_svg_mark { /* a vertical line with a short text */
    double x;
    const char *label;
} sg_svg_mark;

/* Lines, steps, scatter, error bars. Legend below the title when any series has a name. */
typedef struct sg_svg_chart {
    const char *title;    /* also the accessible name */
    double width, height; /* 0: 460 x 330 */
    sg_svg_axis x, y;
    const sg_svg_series *series;
    size_t count;
    bool diagonal; /* dashed y = x */
    const sg_svg_mark *marks;
    size_t mark_count;
} sg_svg_chart;
void sg_svg_put_chart(sg_str *out, const sg_svg_chart *chart);

/* Grouped bars: values[series * categories + category]; low/high may be NULL. */
typedef struct sg_svg_bars {
    const char *title;
    double width, height;
    sg_svg_axis y;
    const char *category_label;
    const char *const *categories;
    size_t category_count;
    const char *const *series; /* names; NULL: one unnamed series */
    size_t series_count;
    const double *values, *low, *high;
    bool values_shown; /* the number above each bar */
    int decimals;
} sg_svg_bars;
void sg_svg_put_bars(sg_str *out, const sg_svg_bars *bars);

/* Histograms over shared edges, drawn as outlined steps: counts[series * bins + bin]. */
typedef struct sg_svg_histogram {
    const char *title;
    double width, height;
    sg_svg_axis x, y;
    const double *edges; /* [bins + 1], rising */
    size_t bins;
    const char *const *series; /* names */
    size_t series_count;
    const double *counts;
} sg_svg_histogram;
void sg_svg_put_histogram(sg_str *out, const sg_svg_histogram *histogram);

/* Boxes (low whisker, quartile, median, quartile, high whisker) per category, dots over them. */
typedef struct sg_svg_box {
    const char *name;
    bool has_box;
    double whisker_low, quartile_low, median, quartile_high, whisker_high;
    const double *dots; /* [dot_count] drawn beside one another, in order */
    size_t dot_count;
    double center; /* a short line, e.g. the mean of the dots; NaN: none */
} sg_svg_box;
typedef struct sg_svg_boxes {
    const char *title;
    double width, height;
    sg_svg_axis y;
    const sg_svg_box *boxes;
    size_t count;
} sg_svg_boxes;
void sg_svg_put_boxes(sg_str *out, const sg_svg_boxes *boxes);

/* A confusion matrix: counts[truth * classes + predicted], shaded by the share of its row; each
 * cell says count and row share. */
typedef struct sg_svg_matrix {
    const char *title;
    const char *row_label, *column_label;
    const char *const *classes;
    size_t class_count;
    const size_t *counts;
} sg_svg_matrix;
void sg_svg_put_matrix(sg_str *out, const sg_svg_matrix *matrix);

/* Several charts in one file: open, put charts at places, close. Each chart keeps its own width and
 * height; the caller leaves room. */
void sg_svg_open_sheet(sg_str *out, const char *title, double width, double height);
void sg_svg_put_panel(sg_str *out, const sg_svg_chart *chart, double left, double top);
void sg_svg_put_caption(sg_str *out, const char *text, double left, double baseline);
void sg_svg_close_sheet(sg_str *out);

#endif
