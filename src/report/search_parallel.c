/* search_parallel.c - the parallel-coordinates picture of a search. SPDX-License-Identifier:
 * Apache-2.0 */
#include "report/search.h"
#include "report/svg_draw.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { AXIS_ROOM = 120, HEIGHT = 340, TOP = 70, BOTTOM = 300, LEFT = 60, AXES_MAX = 24 };

typedef struct axis {
    const char *name;
    const double *values; /* NULL: the trials' own values */
    double low, high;
    bool logarithmic;
    const char *const *choices;
    size_t choice_count;
} axis;

static double value_of(const sg_search_page *in, const axis *a, size_t trial) {
    return a->values ? a->values[trial] : in->trials[trial].value;
}

static void fit(const sg_search_page *in, axis *a) {
    a->low = INFINITY;
    a->high = -INFINITY;
    for (size_t i = 0; i < in->trial_count; i++) {
        double v = value_of(in, a, i);
        if (isnan(v) || isnan(in->trials[i].value)) continue;
        a->low = fmin(a->low, v);
        a->high = fmax(a->high, v);
    }
    if (a->choice_count) {
        a->low = 0;
        a->high = (double)a->choice_count - 1;
    }
}

static double height_at(const axis *a, double value) {
    double low = a->low, high = a->high;
    if (a->logarithmic) low = log(low), high = log(high), value = log(value);
    double share = high > low ? (value - low) / (high - low) : 0.5;
    return BOTTOM - share * (BOTTOM - TOP);
}

static void put_axis(sg_str *svg, const axis *a, double x) {
    char text[40];
    sg_svg_line(svg, x, TOP, x, BOTTOM, SG_SVG_AXIS, 1, "");
    sg_svg_text_fitted(svg, x, TOP - 24, "middle", 12, SG_SVG_INK, true, a->name, AXIS_ROOM - 8);
    for (size_t k = 0; k < a->choice_count; k++)
        sg_svg_text_fitted(svg, x + 5, height_at(a, (double)k) + 4, "start", 10, SG_SVG_MUTED,
                false, a->choices[k], AXIS_ROOM - 20);
    if (a->choice_count || !isfinite(a->low)) return;
    snprintf(text, sizeof text, "%.3g", a->high);
    sg_svg_text(svg, x, TOP - 8, "middle", 10, SG_SVG_MUTED, false, text);
    snprintf(text, sizeof text, "%.3g", a->low);
    sg_svg_text(svg, x, BOTTOM + 14, "middle", 10, SG_SVG_MUTED, false, text);
}

static void put_trial(sg_str *svg, const sg_search_page *in, const axis *axes, size_t count,
        size_t trial, bool good) {
    double before_x = 0, before_y = NAN;
    for (size_t k = 0; k < count; k++) {
        double v = value_of(in, &axes[k], trial), x = LEFT + (double)k * AXIS_ROOM;
        double y = isnan(v) ? NAN : height_at(&axes[k], v);
        if (!isnan(y) && !isnan(before_y))
            sg_svg_line(svg, before_x, before_y, x, y, good ? sg_svg_color(0) : "#c9d1d9",
                    good ? 2 : 1, "");
        if (isnan(y)) continue;
        before_x = x;
        before_y = y;
    }
}

static int by_number(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The value that a tenth of the finished trials, at least one, reaches. */
static double good_value(const sg_search_page *in) {
    double *values = malloc((in->trial_count + 1) * sizeof *values), result = NAN;
    size_t n = 0;
    if (!values) return NAN;
    for (size_t i = 0; i < in->trial_count; i++)
        if (!isnan(in->trials[i].value))
            values[n++] = in->maximise ? -in->trials[i].value : in->trials[i].value;
    qsort(values, n, sizeof *values, by_number);
    if (n) result = values[(n - 1) / 10];
    free(values);
    return result;
}

void sg_search_put_parallel(sg_str *svg, const sg_search_page *in) {
    axis axes[AXES_MAX];
    size_t count = in->parameter_count < AXES_MAX - 1 ? in->parameter_count : AXES_MAX - 1;
    for (size_t k = 0; k < count; k++) {
        const sg_search_parameter *p = &in->parameters[k];
        axes[k] = (axis){p->name, p->values, 0, 0, p->logarithmic, p->choices, p->choice_count};
        fit(in, &axes[k]);
    }
    axes[count] = (axis){.name = in->figure};
    fit(in, &axes[count++]);
    double good = good_value(in);
    sg_svg_open(svg, "Trials in parallel coordinates", 2 * LEFT + (double)(count - 1) * AXIS_ROOM,
            HEIGHT, 0, 0, false);
    sg_svg_text(svg, 8, 22, "start", 14, SG_SVG_INK, true, "Parallel coordinates");
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < in->trial_count; i++) {
            double v = in->maximise ? -in->trials[i].value : in->trials[i].value;
            if (!isnan(v) && (v <= good) == (pass == 1))
                put_trial(svg, in, axes, count, i, pass == 1);
        }
    for (size_t k = 0; k < count; k++) put_axis(svg, &axes[k], LEFT + (double)k * AXIS_ROOM);
    sg_svg_close(svg);
}
