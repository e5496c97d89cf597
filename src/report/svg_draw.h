/* svg_draw.h - what the charts of svg.h are made of: scales, ticks, a frame, text and marks. Inside
 * report only. Coordinates are pixels of the chart's own box, written with one decimal.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_SVG_DRAW_H
#define SG_REPORT_SVG_DRAW_H

#include "report/svg.h"

#define SG_SVG_INK   "#1f2328"
#define SG_SVG_MUTED "#57606a"
#define SG_SVG_AXIS  "#8c959f"
#define SG_SVG_GRID  "#e4e7eb"

enum { SG_SVG_TICKS_MAX = 24 };

/* From data to pixels along one axis. */
typedef struct sg_svg_scale {
    double low, high; /* data */
    double from, to;  /* pixels */
    double step;      /* between ticks; factors of ten when logarithmic */
    bool logarithmic, percent;
    const char *const *names; /* of an axis */
    size_t name_count;
    double tick[SG_SVG_TICKS_MAX];
    size_t ticks;
} sg_svg_scale;

/* Extent of data, grown by sg_svg_extend; NaN and, on logarithmic axes, values <= 0 are ignored. */
typedef struct sg_svg_extent {
    double low, high;
    bool any;
} sg_svg_extent;
void sg_svg_extend(sg_svg_extent *extent, const double *values, size_t n, bool logarithmic);

/* The axis' own limits, or the extent rounded outward to ticks. */
void sg_svg_scale_fit(sg_svg_scale *scale, const sg_svg_axis *axis, const sg_svg_extent *extent);
/* Pixel of a value, kept inside the frame; NaN where the value cannot be drawn. */
double sg_svg_scale_at(const sg_svg_scale *scale, double value);
void sg_svg_format_tick(char *buffer, size_t size, const sg_svg_scale *scale, double value);

typedef struct sg_svg_frame {
    double width, height;
    double left, top, right, bottom; /* the plotting area */
    sg_svg_scale x, y;
} sg_svg_frame;

void sg_svg_open(sg_str *out, const char *title, double width, double height, double left,
        double top, bool nested);
void sg_svg_close(sg_str *out);

void sg_svg_line(sg_str *out, double x1, double y1, double x2, double y2, const char *color,
        double thickness, const char *dash);
/* anchor: start, middle or end. */
void sg_svg_text(sg_str *out, double x, double y, const char *anchor, double size,
        const char *color, bool bold, const char *text);
/* The same, shortened with an ellipsis to about `room` pixels. */
void sg_svg_text_fitted(sg_str *out, double x, double y, const char *anchor, double size,
        const char *color, bool bold, const char *text, double room);
double sg_svg_text_width(const char *text, double size); /* an estimate */

const char *sg_svg_dash(size_t i); /* "" for the first: a full line */
void sg_svg_mark_put(
        sg_str *out, size_t shape, double x, double y, double radius, const char *color);

typedef struct sg_svg_key {
    const char *name;
    size_t color;
    bool line, mark, block; /* what the sample shows */
} sg_svg_key;
/* Places the keys in rows from `top` on; returns the baseline below the last row. */
double sg_svg_legend(
        sg_str *out, const sg_svg_key *keys, size_t count, double left, double right, double top);

/* Sets the plotting area below title and legend (at `top`) and fixes the pixel ranges. */
void sg_svg_frame_place(sg_svg_frame *frame, double width, double height, double top,
        const sg_svg_axis *x, const sg_svg_axis *y);
/* Grid, ticks and labels. categories: x ticks and labels are left to the caller. */
void sg_svg_frame_draw(sg_str *out, const sg_svg_frame *frame, const char *x_label,
        const char *y_label, bool categories);

#endif
