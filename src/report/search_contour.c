/* search_contour.c - two parameters of a search as a map. SPDX-License-Identifier: Apache-2.0 */
#include "report/search.h"
#include "report/svg_draw.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 460, HEIGHT = 380, TOP = 40 };

/* From pale to dark blue. */
static void put_cell(sg_str *svg, double x1, double y1, double x2, double y2, double share) {
    static const double pale[3] = {243, 247, 251}, dark[3] = {0, 90, 160};
    int color[3];
    for (int i = 0; i < 3; i++) color[i] = (int)lround(pale[i] + share * (dark[i] - pale[i]));
    sg_str_appendf(svg,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
            "fill=\"#%02x%02x%02x\"/>\n",
            fmin(x1, x2), fmin(y1, y2), fabs(x2 - x1) + 0.3, fabs(y2 - y1) + 0.3, color[0],
            color[1], color[2]);
}

/* Where level k of n begins, in data: half way to its neighbour, on the axis' own scale. */
static double edge(const sg_search_parameter *p, size_t k) {
    size_t n = p->level_count;
    double step;
    if (p->choice_count) return (double)k - 0.5;
    if (n < 2) return p->at[0] + ((double)k - 0.5);
    if (p->logarithmic) {
        step = log(p->at[n - 1] / p->at[0]) / (double)(n - 1);
        return p->at[0] * exp(((double)k - 0.5) * step);
    }
    step = (p->at[n - 1] - p->at[0]) / (double)(n - 1);
    return p->at[0] + ((double)k - 0.5) * step;
}

sg_svg_axis sg_search_axis(const sg_search_parameter *p) {
    sg_svg_axis axis = {.label = p->name,
            .logarithmic = p->logarithmic && !p->choice_count,
            .names = p->choices,
            .name_count = p->choice_count};
    if (p->level_count || p->choice_count) {
        axis.low = edge(p, 0);
        axis.high = edge(p, p->choice_count ? p->choice_count : p->level_count);
    }
    return axis;
}

static void find_range(double *low, double *high, const double *values, size_t n) {
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        *low = fmin(*low, values[i]);
        *high = fmax(*high, values[i]);
    }
}

void sg_search_put_contour(sg_str *svg, const sg_search_page *in, const sg_search_contour *c) {
    const sg_search_parameter *a = &in->parameters[c->a], *b = &in->parameters[c->b];
    sg_svg_axis x = sg_search_axis(a), y = sg_search_axis(b);
    sg_svg_frame frame = {0};
    double low, high;
    char title[160];
    (void)snprintf(title, sizeof title, "%s and %s", a->name, b->name);
    find_range(&low, &high, c->effect, a->level_count * b->level_count);
    const sg_svg_extent none = {0};
    sg_svg_scale_fit(&frame.x, &x, &none);
    sg_svg_scale_fit(&frame.y, &y, &none);
    sg_svg_frame_place(&frame, WIDTH, HEIGHT, TOP, &x, &y);
    sg_svg_open(svg, title, WIDTH, HEIGHT, 0, 0, false);
    sg_svg_text(svg, WIDTH / 2.0, 22, "middle", 14, SG_SVG_INK, true, title);
    sg_svg_frame_draw(svg, &frame, a->name, b->name, false);
    for (size_t i = 0; i < a->level_count; i++)
        for (size_t j = 0; j < b->level_count; j++) {
            double v = c->effect[i * b->level_count + j];
            double share = high > low ? (v - low) / (high - low) : 0.5;
            put_cell(svg, sg_svg_scale_at(&frame.x, edge(a, i)),
                    sg_svg_scale_at(&frame.y, edge(b, j)),
                    sg_svg_scale_at(&frame.x, edge(a, i + 1)),
                    sg_svg_scale_at(&frame.y, edge(b, j + 1)), in->maximise ? share : 1 - share);
        }
    for (size_t k = 0; k < in->trial_count; k++) {
        double px = sg_svg_scale_at(&frame.x, a->values[k]);
        double py = sg_svg_scale_at(&frame.y, b->values[k]);
        if (!isnan(px) && !isnan(py) && !isnan(in->trials[k].value))
            sg_svg_mark_put(svg, 0, px, py, 3, sg_svg_color(1));
    }
    sg_svg_close(svg);
}
