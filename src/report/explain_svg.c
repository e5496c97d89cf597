/* explain_svg.c - one image with its map as SVG; the outline follows the edges of pixels.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/explain.h"
#include "report/html.h"

enum { GAP = 8 };

static bool is_hot(const sg_explain_picture *p, int x, int y) {
    return x >= 0 && y >= 0 && x < p->width && y < p->height &&
           p->map[(size_t)y * (size_t)p->width + (size_t)x] >= p->threshold;
}

/* Edges between row y - 1 and y, neighbours joined. */
static void put_level_edges(sg_str *out, const sg_explain_picture *p, int y) {
    for (int x = 0; x < p->width;) {
        int from = x;
        while (x < p->width && is_hot(p, x, y) != is_hot(p, x, y - 1)) x++;
        if (x > from) sg_str_appendf(out, "M%d %dh%d", from, y, x - from);
        if (x == from) x++;
    }
}

/* Edges between column x - 1 and x. */
static void put_upright_edges(sg_str *out, const sg_explain_picture *p, int x) {
    for (int y = 0; y < p->height;) {
        int from = y;
        while (y < p->height && is_hot(p, x, y) != is_hot(p, x - 1, y)) y++;
        if (y > from) sg_str_appendf(out, "M%d %dv%d", x, from, y - from);
        if (y == from) y++;
    }
}

static void put_image(
        sg_str *out, const sg_explain_picture *p, int left, const void *png, size_t size) {
    sg_str_appendf(out,
            "<image x=\"%d\" width=\"%d\" height=\"%d\" xlink:href=\"data:image/png;base64,", left,
            p->width, p->height);
    sg_html_put_base64(out, png, size);
    sg_str_append(out, "\"/>");
}

void sg_explain_put_svg(sg_str *out, const sg_explain_picture *p) {
    int left = p->width + GAP;
    sg_str_appendf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" "
            "xmlns:xlink=\"http://www.w3.org/1999/xlink\" viewBox=\"0 0 %d %d\" width=\"%d\" "
            "height=\"%d\"><title>",
            left + p->width, p->height, left + p->width, p->height);
    sg_html_put_text(out, p->title);
    sg_str_append(out, "</title>");
    put_image(out, p, 0, p->plain, p->plain_size);
    put_image(out, p, left, p->overlay, p->overlay_size);
    sg_str_appendf(
            out, "<path transform=\"translate(%d 0)\" fill=\"none\" stroke=\"#fff\" d=\"", left);
    for (int y = 0; y <= p->height; y++) put_level_edges(out, p, y);
    for (int x = 0; x <= p->width; x++) put_upright_edges(out, p, x);
    sg_str_append(out, "\"/></svg>\n");
}
