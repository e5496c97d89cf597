/* svg_bars.c - charts over categories and bins of svg.h: bars, histograms, boxes, and the confusion
 * matrix.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/svg_draw.h"

#include "report/html.h"

#include <math.h>
#include <stdio.h>

enum { KEYS_MAX = 32 };

static void put_rect(
        sg_str *out, double x, double y, double width, double height, const char *fill) {
    sg_str_append(out, "<rect x=\"");
    sg_html_put_short(out, x, 1);
    sg_str_append(out, "\" y=\"");
    sg_html_put_short(out, y, 1);
    sg_str_append(out, "\" width=\"");
    sg_html_put_short(out, fmax(0, width), 1);
    sg_str_append(out, "\" height=\"");
    sg_html_put_short(out, fmax(0, height), 1);
    sg_str_appendf(out, "\" fill=\"%s\"", fill);
}

/* Opens the chart with title and legend; returns where the plotting area may start. */
static double open_chart(sg_str *out, const char *title, double width, double height,
        const char *const *names, size_t count, bool blocks) {
    sg_svg_key keys[KEYS_MAX];
    size_t used = 0;
    sg_svg_open(out, title, width, height, 0, 0, false);
    if (title) sg_svg_text_fitted(out, 14, 22, "start", 14, SG_SVG_INK, true, title, width - 28);
    for (; names && used < count && used < KEYS_MAX; used++)
        keys[used] = (sg_svg_key){names[used], used, !blocks, false, blocks};
    return sg_svg_legend(out, keys, used, 14, width - 14, title ? 30 : 6);
}

/* An axis that starts at zero, with room above the largest value. */
static void fit_from_zero(sg_svg_scale *scale, const sg_svg_axis *axis, sg_svg_extent extent) {
    sg_svg_axis from_zero = *axis;
    if (extent.any && extent.low > 0) extent.low = 0;
    if (axis->whole) {
        from_zero.low = 0;
        from_zero.high = axis->high > 0 ? axis->high : extent.any ? fmax(1, 1.05 * extent.high) : 1;
    }
    sg_svg_scale_fit(scale, &from_zero, &extent);
}

/* ---- bars ---- */

static void draw_bar(sg_str *out, const sg_svg_frame *f, const sg_svg_bars *bars, size_t s,
        size_t c, double x, double width) {
    size_t at = s * bars->category_count + c;
    double value = bars->values[at], y = sg_svg_scale_at(&f->y, value);
    if (isnan(y)) {
        sg_svg_text(out, x + width / 2, f->bottom - 4, "middle", 11, SG_SVG_MUTED, false, "-");
        return;
    }
    put_rect(out, x, y, width, f->bottom - y, sg_svg_color(s));
    sg_str_append(out, "/>\n");
    double top = y;
    if (bars->low && bars->high && isfinite(bars->low[at]) && isfinite(bars->high[at])) {
        double middle = x + width / 2, low = sg_svg_scale_at(&f->y, bars->low[at]);
        top = sg_svg_scale_at(&f->y, bars->high[at]);
        sg_svg_line(out, middle, low, middle, top, SG_SVG_INK, 1.4, "");
        sg_svg_line(out, middle - 3, top, middle + 3, top, SG_SVG_INK, 1.4, "");
        sg_svg_line(out, middle - 3, low, middle + 3, low, SG_SVG_INK, 1.4, "");
    }
    if (!bars->values_shown) return;
    char text[40];
    sg_html_format_fixed(text, sizeof text, bars->y.percent ? 100 * value : value, bars->decimals);
    sg_svg_text(out, x + width / 2, top - 4, "middle", 11, SG_SVG_INK, false, text);
}

void sg_svg_put_bars(sg_str *out, const sg_svg_bars *bars) {
    double width = bars->width > 0 ? bars->width : 460;
    double height = bars->height > 0 ? bars->height : 330;
    size_t cells = bars->series_count * bars->category_count;
    sg_svg_axis x = {.label = bars->category_label};
    sg_svg_extent extent = {0};
    sg_svg_frame f = {0};
    double top =
            open_chart(out, bars->title, width, height, bars->series, bars->series_count, true);
    sg_svg_extend(&extent, bars->values, cells, false);
    sg_svg_extend(&extent, bars->high, cells, false);
    if (bars->values_shown && extent.any) extent.high *= 1.06;
    fit_from_zero(&f.y, &bars->y, extent);
    sg_svg_frame_place(&f, width, height, top, &x, &bars->y);
    sg_svg_frame_draw(out, &f, bars->category_label, bars->y.label, true);
    double slot = (f.right - f.left) / (double)(bars->category_count ? bars->category_count : 1);
    double bar = 0.76 * slot / (double)(bars->series_count ? bars->series_count : 1);
    for (size_t c = 0; c < bars->category_count; c++) {
        double left = f.left + slot * (double)c;
        for (size_t s = 0; s < bars->series_count; s++)
            draw_bar(out, &f, bars, s, c, left + 0.12 * slot + bar * (double)s, 0.94 * bar);
        sg_svg_text_fitted(out, left + slot / 2, f.bottom + 17, "middle", 12, SG_SVG_INK, false,
                bars->categories[c], slot);
    }
    sg_svg_close(out);
}

/* ---- histograms ---- */

static void draw_outline(sg_str *out, const sg_svg_frame *f, const sg_svg_histogram *h, size_t s) {
    sg_str_append(out, "<path d=\"M");
    sg_html_put_short(out, sg_svg_scale_at(&f->x, h->edges[0]), 1);
    sg_str_append(out, " ");
    sg_html_put_short(out, f->bottom, 1);
    for (size_t b = 0; b < h->bins; b++) {
        double y = sg_svg_scale_at(&f->y, h->counts[s * h->bins + b]);
        sg_str_append(out, "V");
        sg_html_put_short(out, isnan(y) ? f->bottom : y, 1);
        sg_str_append(out, "H");
        sg_html_put_short(out, sg_svg_scale_at(&f->x, h->edges[b + 1]), 1);
    }
    sg_str_append(out, "V");
    sg_html_put_short(out, f->bottom, 1);
    const char *color = sg_svg_color(s), *dash = sg_svg_dash(s);
    sg_str_appendf(out, "\" fill=\"%s\" fill-opacity=\"0.10\" stroke=\"%s\" stroke-width=\"1.8\"",
            color, color);
    if (*dash) sg_str_appendf(out, " stroke-dasharray=\"%s\"", dash);
    sg_str_append(out, "/>\n");
}

void sg_svg_put_histogram(sg_str *out, const sg_svg_histogram *h) {
    double width = h->width > 0 ? h->width : 460, height = h->height > 0 ? h->height : 330;
    sg_svg_extent x = {0}, y = {0};
    sg_svg_frame f = {0};
    double top = open_chart(out, h->title, width, height, h->series, h->series_count, false);
    sg_svg_extend(&x, h->edges, h->bins ? h->bins + 1 : 0, h->x.logarithmic);
    sg_svg_extend(&y, h->counts, h->series_count * h->bins, h->y.logarithmic);
    sg_svg_scale_fit(&f.x, &h->x, &x);
    fit_from_zero(&f.y, &h->y, y);
    sg_svg_frame_place(&f, width, height, top, &h->x, &h->y);
    sg_svg_frame_draw(out, &f, h->x.label, h->y.label, false);
    for (size_t s = 0; s < h->series_count && h->bins; s++) draw_outline(out, &f, h, s);
    sg_svg_close(out);
}

/* ---- boxes ---- */

static void draw_box(sg_str *out, const sg_svg_frame *f, const sg_svg_box *box, size_t index,
        double middle, double half) {
    const char *color = sg_svg_color(index);
    if (box->has_box) {
        double low = sg_svg_scale_at(&f->y, box->quartile_low);
        double high = sg_svg_scale_at(&f->y, box->quartile_high);
        double ends[2][2] = {{low, sg_svg_scale_at(&f->y, box->whisker_low)},
                {high, sg_svg_scale_at(&f->y, box->whisker_high)}};
        double median = sg_svg_scale_at(&f->y, box->median);
        for (int i = 0; i < 2; i++) {
            sg_svg_line(out, middle, ends[i][0], middle, ends[i][1], color, 1.4, "");
            sg_svg_line(out, middle - half / 2, ends[i][1], middle + half / 2, ends[i][1], color,
                    1.4, "");
        }
        put_rect(out, middle - half, high, 2 * half, low - high, color);
        sg_str_appendf(out, " fill-opacity=\"0.22\" stroke=\"%s\" stroke-width=\"1.4\"/>\n", color);
        sg_svg_line(out, middle - half, median, middle + half, median, SG_SVG_INK, 2, "");
    }
    double spread = box->dot_count > 1 ? 1.4 * half / (double)(box->dot_count - 1) : 0;
    for (size_t i = 0; i < box->dot_count; i++) {
        double y = sg_svg_scale_at(&f->y, box->dots[i]);
        double x = middle + spread * ((double)i - 0.5 * (double)(box->dot_count - 1));
        if (!isnan(y)) sg_svg_mark_put(out, index, x, y, 4, color);
    }
    double center = sg_svg_scale_at(&f->y, box->center);
    if (!box->has_box && !isnan(center))
        sg_svg_line(out, middle - half, center, middle + half, center, SG_SVG_INK, 2, "");
}

void sg_svg_put_boxes(sg_str *out, const sg_svg_boxes *boxes) {
    double width = boxes->width > 0 ? boxes->width : 460;
    double height = boxes->height > 0 ? boxes->height : 330;
    sg_svg_axis x = {0};
    sg_svg_extent extent = {0};
    sg_svg_frame f = {0};
    double top = open_chart(out, boxes->title, width, height, NULL, 0, true);
    for (size_t i = 0; i < boxes->count; i++) {
        const sg_svg_box *box = &boxes->boxes[i];
        double ends[2] = {box->whisker_low, box->whisker_high};
        if (box->has_box) sg_svg_extend(&extent, ends, 2, false);
        sg_svg_extend(&extent, box->dots, box->dot_count, false);
    }
    sg_svg_scale_fit(&f.y, &boxes->y, &extent);
    sg_svg_frame_place(&f, width, height, top, &x, &boxes->y);
    sg_svg_frame_draw(out, &f, NULL, boxes->y.label, true);
    double slot = (f.right - f.left) / (double)(boxes->count ? boxes->count : 1);
    for (size_t i = 0; i < boxes->count; i++) {
        double middle = f.left + slot * ((double)i + 0.5);
        draw_box(out, &f, &boxes->boxes[i], i, middle, fmin(34, 0.3 * slot));
        sg_svg_text_fitted(out, middle, f.bottom + 17, "middle", 12, SG_SVG_INK, false,
                boxes->boxes[i].name ? boxes->boxes[i].name : "", slot);
    }
    sg_svg_close(out);
}

/* ---- the confusion matrix ---- */

static void draw_cell(sg_str *out, double x, double y, double size, size_t count, size_t row_total,
        bool diagonal) {
    double share = row_total ? (double)count / (double)row_total : 0;
    char fill[32], text[40], rate[48];
    /* White to the palette's blue. */
    snprintf(fill, sizeof fill, "#%02x%02x%02x", (unsigned)lround(255 - 255 * share),
            (unsigned)lround(255 - (255 - 0x72) * share),
            (unsigned)lround(255 - (255 - 0xB2) * share));
    const char *ink = share > 0.5 ? "#fff" : SG_SVG_INK;
    put_rect(out, x, y, size, size, fill);
    sg_str_appendf(out, " stroke=\"%s\" stroke-width=\"%s\"/>\n",
            diagonal ? SG_SVG_INK : SG_SVG_AXIS, diagonal ? "1.6" : "0.6");
    bool roomy = size >= 48;
    snprintf(text, sizeof text, "%zu", count);
    sg_svg_text(out, x + size / 2, y + size / 2 + (roomy ? -2 : 4), "middle", roomy ? 17 : 11, ink,
            roomy, text);
    if (!roomy) return;
    sg_html_format_fixed(text, sizeof text, 100 * share, 1);
    snprintf(rate, sizeof rate, "%s %%", row_total ? text : "-");
    sg_svg_text(out, x + size / 2, y + size / 2 + 16, "middle", 12, ink, false, rate);
}

void sg_svg_put_matrix(sg_str *out, const sg_svg_matrix *m) {
    size_t classes = m->class_count;
    double size = classes ? fmin(96, fmax(26, 320 / (double)classes)) : 96;
    double left = 112, top = 76, side = size * (double)classes;
    double width = fmax(300, left + side + 14), height = top + side + 14;
    sg_svg_open(out, m->title, width, height, 0, 0, false);
    if (m->title)
        sg_svg_text_fitted(out, 14, 22, "start", 14, SG_SVG_INK, true, m->title, width - 28);
    sg_svg_text(out, left + side / 2, 46, "middle", 12, SG_SVG_MUTED, false,
            m->column_label ? m->column_label : "");
    sg_svg_text(
            out, 14, top - 8, "start", 12, SG_SVG_MUTED, false, m->row_label ? m->row_label : "");
    for (size_t i = 0; i < classes; i++) {
        size_t total = 0;
        for (size_t j = 0; j < classes; j++) total += m->counts[i * classes + j];
        double y = top + size * (double)i;
        sg_svg_text_fitted(out, left - 8, y + size / 2 + 4, "end", 12, SG_SVG_INK, false,
                m->classes[i], left - 22);
        sg_svg_text_fitted(out, left + size * ((double)i + 0.5), top - 8, "middle", 12, SG_SVG_INK,
                false, m->classes[i], size);
        for (size_t j = 0; j < classes; j++)
            draw_cell(out, left + size * (double)j, y, size, m->counts[i * classes + j], total,
                    i == j);
    }
    sg_svg_close(out);
}
