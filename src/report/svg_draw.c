/* svg_draw.c - see svg_draw.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/svg_draw.h"

#include "report/html.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Okabe and Ito 2008 without yellow, which white paper swallows. */
static const char *const palette[] = {
        "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"};
static const char *const dashes[] = {"", "7 3", "2 3", "9 3 2 3", "4 4", "1 4", "12 4"};
enum { PALETTE = 7, MARKS = 5 };

const char *sg_svg_color(size_t i) {
    return palette[i % PALETTE];
}

const char *sg_svg_dash(size_t i) {
    return dashes[i % PALETTE];
}

/* ---- scales ---- */

void sg_svg_extend(sg_svg_extent *extent, const double *values, size_t n, bool logarithmic) {
    for (size_t i = 0; values && i < n; i++) {
        if (!isfinite(values[i]) || (logarithmic && values[i] <= 0)) continue;
        if (!extent->any || values[i] < extent->low) extent->low = values[i];
        if (!extent->any || values[i] > extent->high) extent->high = values[i];
        extent->any = true;
    }
}

/* 1, 2 or 5 times a power of ten, so that about `parts` steps cover the span. */
static double choose_step(double span, int parts, bool whole) {
    double raw = span / parts, power = pow(10, floor(log10(raw)));
    double part = raw / power;
    double step = (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10) * power;
    return whole ? fmax(1, round(step)) : step;
}

static void fit_logarithmic(sg_svg_scale *scale, bool fixed) {
    static const double parts[] = {1, 2, 5};
    int first = (int)floor(log10(scale->low) + 1e-9), last = (int)ceil(log10(scale->high) - 1e-9);
    int stride = (last - first) / 6 + 1;
    bool fine = last - first < 3;
    if (first == last) last++;
    if (!fixed) { /* outward to whole powers */
        scale->low = fmin(scale->low, pow(10, first));
        scale->high = fmax(scale->high, pow(10, last));
    }
    for (int e = first; e <= last; e += stride)
        for (int i = 0; i < (fine ? 3 : 1); i++) {
            double tick = parts[i] * pow(10, e);
            bool inside = tick > scale->low * (1 - 1e-9) && tick < scale->high * (1 + 1e-9);
            if (!inside || scale->ticks == SG_SVG_TICKS_MAX) continue;
            scale->tick[scale->ticks++] = tick;
        }
}

static void fit_linear(sg_svg_scale *scale, bool fixed, bool whole) {
    if (scale->high <= scale->low) {
        double pad = scale->low == 0 ? 1 : fabs(scale->low) * 0.1;
        scale->low -= whole ? 0 : pad;
        scale->high += whole ? 1 : pad;
    }
    scale->step = choose_step(scale->high - scale->low, 5, whole);
    double first = ceil(scale->low / scale->step - 1e-9);
    double last = floor(scale->high / scale->step + 1e-9);
    if (!fixed && !whole) { /* outward to whole steps */
        first = floor(scale->low / scale->step + 1e-9);
        last = ceil(scale->high / scale->step - 1e-9);
        scale->low = first * scale->step;
        scale->high = last * scale->step;
    }
    for (double t = first; t <= last && scale->ticks < SG_SVG_TICKS_MAX; t++)
        scale->tick[scale->ticks++] = t * scale->step;
}

void sg_svg_scale_fit(sg_svg_scale *scale, const sg_svg_axis *axis, const sg_svg_extent *extent) {
    bool fixed = axis->low != 0 || axis->high != 0;
    *scale = (sg_svg_scale){.logarithmic = axis->logarithmic,
            .percent = axis->percent,
            .names = axis->names,
            .name_count = axis->name_count};
    scale->low = fixed ? axis->low : extent->any ? extent->low : axis->logarithmic ? 0.1 : 0;
    scale->high = fixed ? axis->high : extent->any ? extent->high : 1;
    if (scale->logarithmic)
        fit_logarithmic(scale, fixed);
    else
        fit_linear(scale, fixed, axis->whole || axis->names);
}

double sg_svg_scale_at(const sg_svg_scale *scale, double value) {
    if (!isfinite(value) || (scale->logarithmic && value <= 0)) return NAN;
    double part = scale->logarithmic ? log(value / scale->low) / log(scale->high / scale->low)
                                     : (value - scale->low) / (scale->high - scale->low);
    return scale->from + fmin(1, fmax(0, part)) * (scale->to - scale->from);
}

static int count_decimals(double step) {
    int decimals = (int)ceil(-log10(step) - 1e-9);
    return decimals < 0 ? 0 : decimals > 9 ? 9 : decimals;
}

static void format_power(char *buffer, size_t size, double value, double step) {
    int e = (int)floor(log10(fabs(value)) + 1e-9);
    char mantissa[40];
    double unit = pow(10, e);
    int decimals = step > 0 ? count_decimals(step / unit) : 0;
    sg_html_format_fixed(mantissa, sizeof mantissa, value / unit, decimals);
    snprintf(buffer, size, "%se%d", mantissa, e);
}

void sg_svg_format_tick(char *buffer, size_t size, const sg_svg_scale *scale, double value) {
    double largest = fmax(fabs(scale->low), fabs(scale->high));
    if (scale->names) {
        bool named = value >= 0 && value < (double)scale->name_count;
        snprintf(buffer, size, "%s", named ? scale->names[(size_t)value] : "");
    } else if (scale->logarithmic) {
        if (value >= 1e-3 && value < 1e5)
            sg_html_format_fixed(buffer, size, value, value < 1 ? count_decimals(value) : 0);
        else
            format_power(buffer, size, value, 0);
    } else if (scale->percent) {
        char number[40];
        sg_html_format_fixed(number, sizeof number, 100 * value, count_decimals(100 * scale->step));
        snprintf(buffer, size, "%s %%", number);
    } else if (value != 0 && (largest < 5e-3 || largest >= 1e6)) {
        format_power(buffer, size, value, scale->step);
    } else {
        sg_html_format_fixed(buffer, size, value, value == 0 ? 0 : count_decimals(scale->step));
    }
}

/* ---- elements ---- */

static void put_attribute(sg_str *out, const char *name, double value) {
    sg_str_append(out, " ");
    sg_str_append(out, name);
    sg_str_append(out, "=\"");
    sg_html_put_short(out, value, 1);
    sg_str_append(out, "\"");
}

void sg_svg_open(sg_str *out, const char *title, double width, double height, double left,
        double top, bool nested) {
    sg_str_append(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\"");
    if (nested) {
        put_attribute(out, "x", left);
        put_attribute(out, "y", top);
    }
    put_attribute(out, "width", width);
    put_attribute(out, "height", height);
    sg_str_append(out, " viewBox=\"0 0 ");
    sg_html_put_short(out, width, 1);
    sg_str_append(out, " ");
    sg_html_put_short(out, height, 1);
    sg_str_append(out, "\" font-family=\"system-ui, 'DejaVu Sans', Arial, sans-serif\">\n<title>");
    sg_html_put_text(out, title ? title : "chart");
    sg_str_append(out, "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");
}

void sg_svg_close(sg_str *out) {
    sg_str_append(out, "</svg>\n");
}

void sg_svg_line(sg_str *out, double x1, double y1, double x2, double y2, const char *color,
        double thickness, const char *dash) {
    sg_str_append(out, "<line");
    put_attribute(out, "x1", x1);
    put_attribute(out, "y1", y1);
    put_attribute(out, "x2", x2);
    put_attribute(out, "y2", y2);
    sg_str_appendf(out, " stroke=\"%s\"", color);
    put_attribute(out, "stroke-width", thickness);
    if (*dash) sg_str_appendf(out, " stroke-dasharray=\"%s\"", dash);
    sg_str_append(out, "/>\n");
}

/* Bytes of the character at text, by its first byte. */
static size_t measure_character(const char *text) {
    size_t n = 1;
    while (((unsigned char)text[n] & 0xC0) == 0x80) n++;
    return n;
}

double sg_svg_text_width(const char *text, double size) {
    double characters = 0;
    for (; *text; text += measure_character(text)) characters++;
    return 0.58 * size * characters;
}

static void put_text(sg_str *out, double x, double y, const char *anchor, double size,
        const char *color, bool bold, const char *text, size_t n, const char *tail) {
    sg_str_append(out, "<text");
    put_attribute(out, "x", x);
    put_attribute(out, "y", y);
    put_attribute(out, "font-size", size);
    if (strcmp(anchor, "start") != 0) sg_str_appendf(out, " text-anchor=\"%s\"", anchor);
    if (bold) sg_str_append(out, " font-weight=\"600\"");
    sg_str_appendf(out, " fill=\"%s\">", color);
    sg_html_put_text_n(out, text, n);
    sg_str_append(out, tail);
    sg_str_append(out, "</text>\n");
}

void sg_svg_text(sg_str *out, double x, double y, const char *anchor, double size,
        const char *color, bool bold, const char *text) {
    put_text(out, x, y, anchor, size, color, bold, text, strlen(text), "");
}

void sg_svg_text_fitted(sg_str *out, double x, double y, const char *anchor, double size,
        const char *color, bool bold, const char *text, double room) {
    double fit = room / (0.58 * size);
    bool cut = sg_svg_text_width(text, size) > room && fit >= 2;
    size_t n = strlen(text);
    if (cut) {
        n = 0;
        for (double used = 1; used + 1 <= fit; used++) n += measure_character(text + n);
    }
    put_text(out, x, y, anchor, size, color, bold, text, n, cut ? "\xE2\x80\xA6" : "");
}

static void put_point(sg_str *out, const char *before, double x, double y) {
    sg_str_append(out, before);
    sg_html_put_short(out, x, 1);
    sg_str_append(out, " ");
    sg_html_put_short(out, y, 1);
}

void sg_svg_mark_put(
        sg_str *out, size_t shape, double x, double y, double radius, const char *color) {
    static const double corners[MARKS][4][2] = {{{0, 0}, {0, 0}, {0, 0}, {0, 0}},
            {{-0.9, -0.9}, {0.9, -0.9}, {0.9, 0.9}, {-0.9, 0.9}},
            {{0, -1.2}, {1.1, 0.8}, {-1.1, 0.8}, {-1.1, 0.8}},
            {{0, -1.3}, {1.3, 0}, {0, 1.3}, {-1.3, 0}},
            {{0, 1.2}, {1.1, -0.8}, {-1.1, -0.8}, {-1.1, -0.8}}};
    shape %= MARKS;
    if (shape == 0) {
        sg_str_append(out, "<circle");
        put_attribute(out, "cx", x);
        put_attribute(out, "cy", y);
        put_attribute(out, "r", radius);
    } else {
        sg_str_append(out, "<path d=\"");
        for (int i = 0; i < 4; i++)
            put_point(out, i ? " L" : "M", x + radius * corners[shape][i][0],
                    y + radius * corners[shape][i][1]);
        sg_str_append(out, "Z\"");
    }
    sg_str_appendf(out, " fill=\"%s\" stroke=\"#fff\" stroke-width=\"0.6\"/>\n", color);
}

/* ---- legend and frame ---- */

double sg_svg_legend(
        sg_str *out, const sg_svg_key *keys, size_t count, double left, double right, double top) {
    const double sample = 24, size = 12, row = 18;
    double x = left, y = top + 12;
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (!keys[i].name) continue;
        double room = sample + 6 + sg_svg_text_width(keys[i].name, size) + 14;
        if (any && x + room > right + 14) {
            x = left;
            y += row;
        }
        const char *color = sg_svg_color(keys[i].color);
        if (keys[i].block)
            sg_str_appendf(out,
                    "<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"11\" fill=\"%s\"/>\n",
                    (int)x + 6, (int)y - 10, color);
        if (keys[i].line)
            sg_svg_line(out, x, y - 4, x + sample, y - 4, color, 2, sg_svg_dash(keys[i].color));
        if (keys[i].mark) sg_svg_mark_put(out, keys[i].color, x + sample / 2, y - 4, 3.6, color);
        sg_svg_text_fitted(out, x + sample + 6, y, "start", size, SG_SVG_INK, false, keys[i].name,
                right - x - sample - 6);
        x += room;
        any = true;
    }
    return any ? y + 6 : top;
}

void sg_svg_frame_place(sg_svg_frame *frame, double width, double height, double top,
        const sg_svg_axis *x, const sg_svg_axis *y) {
    double widest = 0;
    char text[40];
    for (size_t i = 0; i < frame->y.ticks; i++) {
        sg_svg_format_tick(text, sizeof text, &frame->y, frame->y.tick[i]);
        widest = fmax(widest, sg_svg_text_width(text, 12));
    }
    frame->width = width;
    frame->height = height;
    frame->left = 12 + widest + (y->label ? 18 : 0);
    double last = 0;
    if (frame->x.ticks) {
        sg_svg_format_tick(text, sizeof text, &frame->x, frame->x.tick[frame->x.ticks - 1]);
        last = 0.5 * sg_svg_text_width(text, 12);
    }
    frame->right = width - fmax(16, last + 2);
    frame->top = top + 8;
    frame->bottom = height - 26 - (x->label ? 18 : 0);
    frame->x.from = frame->left;
    frame->x.to = frame->right;
    frame->y.from = frame->bottom;
    frame->y.to = frame->top;
}

static void draw_y_label(sg_str *out, const sg_svg_frame *f, const char *label) {
    double middle = 0.5 * (f->top + f->bottom);
    sg_str_append(out, "<text transform=\"translate(14 ");
    sg_html_put_short(out, middle, 1);
    sg_str_append(out,
            ") rotate(-90)\" font-size=\"12\" text-anchor=\"middle\" fill=\"" SG_SVG_MUTED "\">");
    sg_html_put_text(out, label);
    sg_str_append(out, "</text>\n");
}

void sg_svg_frame_draw(sg_str *out, const sg_svg_frame *f, const char *x_label, const char *y_label,
        bool categories) {
    char text[40];
    for (size_t i = 0; i < f->y.ticks; i++) {
        double y = sg_svg_scale_at(&f->y, f->y.tick[i]);
        sg_svg_line(out, f->left, y, f->right, y, SG_SVG_GRID, 1, "");
        sg_svg_format_tick(text, sizeof text, &f->y, f->y.tick[i]);
        sg_svg_text(out, f->left - 6, y + 4, "end", 12, SG_SVG_MUTED, false, text);
    }
    for (size_t i = 0; i < f->x.ticks && !categories; i++) {
        double x = sg_svg_scale_at(&f->x, f->x.tick[i]);
        sg_svg_line(out, x, f->bottom, x, f->bottom + 4, SG_SVG_AXIS, 1, "");
        sg_svg_format_tick(text, sizeof text, &f->x, f->x.tick[i]);
        sg_svg_text(out, x, f->bottom + 17, "middle", 12, SG_SVG_MUTED, false, text);
    }
    sg_svg_line(out, f->left, f->bottom, f->right, f->bottom, SG_SVG_AXIS, 1, "");
    sg_svg_line(out, f->left, f->top, f->left, f->bottom, SG_SVG_AXIS, 1, "");
    if (x_label)
        sg_svg_text(out, 0.5 * (f->left + f->right), f->height - 8, "middle", 12, SG_SVG_MUTED,
                false, x_label);
    if (y_label) draw_y_label(out, f, y_label);
}
