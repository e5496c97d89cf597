/* svg_chart.c - lines, steps, scatter and error bars of svg.h, and sheets of several charts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/svg_draw.h"

#include "report/html.h"

#include <math.h>

enum { KEYS_MAX = 32 };

static double value_x(const sg_svg_series *s, size_t i) {
    return s->x ? s->x[i] : (double)(i + 1);
}

static void fit_scales(sg_svg_frame *frame, const sg_svg_chart *chart) {
    sg_svg_extent x = {0}, y = {0};
    for (size_t s = 0; s < chart->count; s++) {
        const sg_svg_series *series = &chart->series[s];
        for (size_t i = 0; i < series->n; i++) {
            double at = value_x(series, i);
            sg_svg_extend(&x, &at, 1, chart->x.logarithmic);
        }
        sg_svg_extend(&y, series->y, series->n, chart->y.logarithmic);
        sg_svg_extend(&y, series->low, series->n, chart->y.logarithmic);
        sg_svg_extend(&y, series->high, series->n, chart->y.logarithmic);
    }
    sg_svg_scale_fit(&frame->x, &chart->x, &x);
    sg_svg_scale_fit(&frame->y, &chart->y, &y);
}

/* One path; a NaN lifts the pen. Points nearer than a quarter pixel to the last one are left out,
 * so that a curve of 100,000 points stays small. */
static void put_path(sg_str *out, const sg_svg_frame *f, const sg_svg_series *s) {
    double last_x = NAN, last_y = NAN;
    bool pen_down = false;
    sg_str_append(out, "<path fill=\"none\" stroke-linejoin=\"round\" d=\"");
    for (size_t i = 0; i < s->n; i++) {
        double x = sg_svg_scale_at(&f->x, value_x(s, i)), y = sg_svg_scale_at(&f->y, s->y[i]);
        if (isnan(x) || isnan(y)) {
            pen_down = false;
            continue;
        }
        if (pen_down && i + 1 < s->n && fabs(x - last_x) < 0.25 && fabs(y - last_y) < 0.25)
            continue;
        if (pen_down && s->steps) {
            sg_str_append(out, "V");
            sg_html_put_short(out, y, 1);
            sg_str_append(out, "H");
            sg_html_put_short(out, x, 1);
        } else {
            sg_str_append(out, pen_down ? "L" : "M");
            sg_html_put_short(out, x, 1);
            sg_str_append(out, " ");
            sg_html_put_short(out, y, 1);
        }
        pen_down = true;
        last_x = x;
        last_y = y;
    }
    sg_str_appendf(out, "\" stroke=\"%s\"", sg_svg_color(s->color));
    sg_str_append(out,
            s->faint ? " stroke-width=\"1.2\" stroke-opacity=\"0.55\"" : " stroke-width=\"2\"");
    if (*sg_svg_dash(s->color))
        sg_str_appendf(out, " stroke-dasharray=\"%s\"", sg_svg_dash(s->color));
    sg_str_append(out, "/>\n");
}

static void put_marks(sg_str *out, const sg_svg_frame *f, const sg_svg_series *s) {
    const char *color = sg_svg_color(s->color);
    for (size_t i = 0; i < s->n; i++) {
        double x = sg_svg_scale_at(&f->x, value_x(s, i)), y = sg_svg_scale_at(&f->y, s->y[i]);
        if (isnan(x) || isnan(y)) continue;
        if (s->low && s->high && isfinite(s->low[i]) && isfinite(s->high[i])) {
            double low = sg_svg_scale_at(&f->y, s->low[i]);
            double high = sg_svg_scale_at(&f->y, s->high[i]);
            sg_svg_line(out, x, low, x, high, color, 1.4, "");
            sg_svg_line(out, x - 3, low, x + 3, low, color, 1.4, "");
            sg_svg_line(out, x - 3, high, x + 3, high, color, 1.4, "");
        }
        if (s->markers || s->no_line || s->n == 1) sg_svg_mark_put(out, s->color, x, y, 3.6, color);
    }
}

static double put_legend(sg_str *out, const sg_svg_chart *chart, double width, double top) {
    sg_svg_key keys[KEYS_MAX];
    size_t count = 0;
    for (size_t s = 0; s < chart->count && count < KEYS_MAX; s++) {
        const sg_svg_series *series = &chart->series[s];
        keys[count++] = (sg_svg_key){series->name, series->color, !series->no_line,
                series->markers || series->no_line, false};
    }
    return sg_svg_legend(out, keys, count, 14, width - 14, top);
}

static void draw_chart(
        sg_str *out, const sg_svg_chart *chart, double left, double top, bool nested) {
    double width = chart->width > 0 ? chart->width : 460;
    double height = chart->height > 0 ? chart->height : 330;
    sg_svg_frame f;
    sg_svg_open(out, chart->title, width, height, left, top, nested);
    if (chart->title)
        sg_svg_text_fitted(out, 14, 22, "start", 14, SG_SVG_INK, true, chart->title, width - 28);
    fit_scales(&f, chart);
    double legend = put_legend(out, chart, width, chart->title ? 30 : 6);
    sg_svg_frame_place(&f, width, height, legend, &chart->x, &chart->y);
    sg_svg_frame_draw(out, &f, chart->x.label, chart->y.label, false);
    if (chart->diagonal) {
        double low = fmax(f.x.low, f.y.low), high = fmin(f.x.high, f.y.high);
        sg_svg_line(out, sg_svg_scale_at(&f.x, low), sg_svg_scale_at(&f.y, low),
                sg_svg_scale_at(&f.x, high), sg_svg_scale_at(&f.y, high), SG_SVG_AXIS, 1.2, "5 4");
    }
    for (size_t m = 0; m < chart->mark_count; m++) {
        double x = sg_svg_scale_at(&f.x, chart->marks[m].x);
        if (isnan(x)) continue;
        bool left_side = x > 0.5 * (f.left + f.right);
        sg_svg_line(out, x, f.top, x, f.bottom, SG_SVG_MUTED, 1.2, "3 3");
        sg_svg_text(out, left_side ? x - 4 : x + 4, f.top + 12, left_side ? "end" : "start", 11,
                SG_SVG_MUTED, false, chart->marks[m].label ? chart->marks[m].label : "");
    }
    for (size_t s = 0; s < chart->count; s++) {
        if (!chart->series[s].no_line) put_path(out, &f, &chart->series[s]);
        put_marks(out, &f, &chart->series[s]);
    }
    sg_svg_close(out);
}

void sg_svg_put_chart(sg_str *out, const sg_svg_chart *chart) {
    draw_chart(out, chart, 0, 0, false);
}

void sg_svg_open_sheet(sg_str *out, const char *title, double width, double height) {
    sg_svg_open(out, title, width, height, 0, 0, false);
}

void sg_svg_put_panel(sg_str *out, const sg_svg_chart *chart, double left, double top) {
    draw_chart(out, chart, left, top, true);
}

void sg_svg_put_caption(sg_str *out, const char *text, double left, double baseline) {
    sg_svg_text(out, left, baseline, "start", 12, SG_SVG_MUTED, false, text);
}

void sg_svg_close_sheet(sg_str *out) {
    sg_svg_close(out);
}
