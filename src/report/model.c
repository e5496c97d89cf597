/* model.c - see model.h. Columns are stages, boxes are blocks; text sets the box's height.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/model.h"
#include "report/html.h"
#include <stdio.h>

enum {
    MARGIN = 20,
    COLUMN = 206,
    GAP = 14,
    BOX = 190,
    HEAD = 104, /* title, facts and the stage's own two lines */
    LINE = 14,
    PAD = 8,
    LEGEND = 44
};

/* Okabe and Ito's palette, pale for filling. */
static const struct {
    const char *fill, *stroke, *dash, *text;
} looks[] = {
        [SG_DRAWING_SAME] = {"#f4f6f8", "#8795a1", "none", "as in"},
        [SG_DRAWING_CHANGED] = {"#fff3df", "#d17a00", "none", "unlike"},
        [SG_DRAWING_ADDED] = {"#e2f2fb", "#0072b2", "none", "not in"},
        [SG_DRAWING_LEFT_OUT] = {"#ffffff", "#9aa5b1", "5 4", "left out, there in"},
};

static void put_text(sg_str *out, double x, double y, const char *size_and_weight, const char *fill,
        const char *text) {
    sg_str_appendf(
            out, "<text x=\"%.0f\" y=\"%.0f\" font-%s fill=\"%s\">", x, y, size_and_weight, fill);
    sg_html_put_text(out, text);
    sg_str_append(out, "</text>\n");
}

static void put_box(sg_str *out, double x, double y, double w, double h, sg_drawing_mark mark) {
    sg_str_appendf(out,
            "<rect x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" rx=\"5\" fill=\"%s\" "
            "stroke=\"%s\" stroke-width=\"1.5\" stroke-dasharray=\"%s\"/>\n",
            x, y, w, h, looks[mark].fill, looks[mark].stroke, looks[mark].dash);
}

/* A small filled label; returns the room it takes. */
static double put_pill(sg_str *out, double x, double y, const char *fill, const char *text) {
    double width = 12;
    for (const char *c = text; *c; c++) width += 5.6;
    sg_str_appendf(out,
            "<rect x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"15\" rx=\"7\" fill=\"%s\"/>\n", x,
            y - 11, width, fill);
    put_text(out, x + 6, y, "size=\"10.5\"", "#ffffff", text);
    return width + 4;
}

static double block_height(const sg_drawing_block *b) {
    double lines = b->mark == SG_DRAWING_LEFT_OUT ? 1 : 1 + (double)b->line_count;
    if (b->mark != SG_DRAWING_LEFT_OUT && (b->gate || b->dilation)) lines += 1.3;
    return 2 * PAD + lines * LINE - 3;
}

static void put_block(sg_str *out, const sg_drawing_block *b, double x, double y) {
    bool ghost = b->mark == SG_DRAWING_LEFT_OUT;
    put_box(out, x, y, BOX, block_height(b), b->mark);
    y += PAD + 9;
    put_text(out, x + PAD, y, "size=\"12\" font-weight=\"600\"", ghost ? "#7b8794" : "#1f2933",
            b->name);
    if (ghost) return;
    for (size_t i = 0; i < b->line_count; i++) {
        y += LINE;
        put_text(out, x + PAD, y, "size=\"11\"", "#3e4c59", b->lines[i]);
    }
    y += LINE * 1.3;
    double at = x + PAD;
    if (b->gate) at += put_pill(out, at, y, "#007a5a", b->gate);
    if (b->dilation) put_pill(out, at, y, "#b3540a", b->dilation);
}

static double stage_height(const sg_drawing_stage *s) {
    double height = 0;
    for (size_t i = 0; i < s->block_count; i++) height += block_height(&s->blocks[i]) + GAP;
    return height;
}

static void put_stage(sg_str *out, const sg_drawing_stage *s, double x) {
    put_text(out, x, HEAD - 32, "size=\"13\" font-weight=\"600\"", "#1f2933", s->title);
    put_text(out, x, HEAD - 16, "size=\"11\"", "#52606d", s->size);
    double y = HEAD;
    for (size_t i = 0; i < s->block_count; i++) {
        put_block(out, &s->blocks[i], x, y);
        y += block_height(&s->blocks[i]);
        if (i + 1 < s->block_count)
            sg_str_appendf(out,
                    "<path d=\"M%.0f %.0fv%d\" stroke=\"#8795a1\" stroke-width=\"1.5\"/>\n",
                    x + BOX / 2.0, y, (int)GAP);
        y += GAP;
    }
}

static void put_legend(sg_str *out, const char *compared, double y) {
    double x = MARGIN;
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        char text[96];
        (void)snprintf(text, sizeof text, "%s %.40s", looks[i].text, compared);
        put_box(out, x, y, 22, 14, (sg_drawing_mark)i);
        put_text(out, x + 28, y + 11, "size=\"11\"", "#3e4c59", text);
        x += COLUMN;
    }
}

void sg_drawing_put_svg(sg_str *out, const sg_drawing *d) {
    double tallest = 0;
    for (size_t i = 0; i < d->stage_count; i++)
        if (stage_height(&d->stages[i]) > tallest) tallest = stage_height(&d->stages[i]);
    double columns = d->stage_count > 4 ? (double)d->stage_count : 4;
    double width = 2 * MARGIN + columns * COLUMN - (COLUMN - BOX);
    double height = HEAD + tallest + (d->compared ? LEGEND : 0) + MARGIN / 2.0;
    sg_str_appendf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
            "viewBox=\"0 0 %.0f %.0f\" role=\"img\" font-family=\"system-ui, "
            "sans-serif\">\n<title>",
            width, height, width, height);
    sg_html_put_text(out, d->title);
    sg_str_appendf(out, "</title>\n<rect width=\"%.0f\" height=\"%.0f\" fill=\"#ffffff\"/>\n",
            width, height);
    put_text(out, MARGIN, 28, "size=\"17\" font-weight=\"700\"", "#1f2933", d->title);
    put_text(out, MARGIN, 47, "size=\"12\"", "#52606d", d->facts);
    for (size_t i = 0; i < d->stage_count; i++)
        put_stage(out, &d->stages[i], MARGIN + (double)i * COLUMN);
    if (d->compared) put_legend(out, d->compared, HEAD + tallest + 8);
    sg_str_append(out, "</svg>\n");
}
