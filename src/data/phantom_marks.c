/* phantom_marks.c - what sonographers burn into pictures: calipers with dotted lines, a line of
 * text, a body mark. A marked phantom gets its marks through a layer of coverage, so that one
 * brightness and one sharpness hold for all of them. SPDX-License-Identifier: Apache-2.0 */
#include "data/phantom_scene.h"
#include "image/draw.h"

#include <math.h>
#include <string.h>

enum { WHITE = 0xffffff };

static const char *const kind_names[] = {"caliper", "text", "pictogram"};

const char *sg_phantom_mark_name(sg_phantom_mark_kind kind) {
    return kind_names[kind];
}

static int clamp(int v, int low, int high) {
    return v < low ? low : v > high ? high : v;
}

static void note(sg_phantom_marks *marks, sg_phantom_mark_kind kind, sg_rect box) {
    if (marks->count < SG_PHANTOM_MARKS_MAX)
        marks->items[marks->count++] = (sg_phantom_mark){kind, box};
}

/* Whether two marks would run into each other. */
static bool touch(sg_rect a, sg_rect b) {
    enum { GAP = 6 }; /* pixels */
    return a.x < b.x + b.width + GAP && b.x < a.x + a.width + GAP && a.y < b.y + b.height + GAP &&
           b.y < a.y + a.height + GAP;
}

static bool is_free(const sg_phantom_marks *marks, sg_rect box) {
    for (int i = 0; i < marks->count; i++)
        if (touch(marks->items[i].box, box)) return false;
    return true;
}

/* ---- calipers ---- */

/* Box of what a mask covers; the middle of the picture when it is empty. */
static sg_rect find_lesion(const sg_image *mask) {
    int x0 = mask->width, y0 = mask->height, x1 = -1, y1 = -1;
    for (int y = 0; y < mask->height; y++) {
        for (int x = 0; x < mask->width; x++) {
            if (!mask->pixels[(size_t)y * (size_t)mask->width + (size_t)x]) continue;
            if (x < x0) x0 = x;
            if (x > x1) x1 = x;
            if (y < y0) y0 = y;
            y1 = y;
        }
    }
    if (x1 - x0 < 4 || y1 - y0 < 4)
        return (sg_rect){mask->width / 3, mask->height / 3, mask->width / 3, mask->height / 4};
    return (sg_rect){x0, y0, x1 - x0 + 1, y1 - y0 + 1};
}

static void burn_cross(sg_image *image, sg_phantom_marks *marks, int *x, int *y, int arm) {
    *x = clamp(*x, arm, image->width - 1 - arm);
    *y = clamp(*y, arm, image->height - 1 - arm);
    sg_draw_cross(image, *x, *y, arm, WHITE);
    note(marks, SG_PHANTOM_CALIPER, (sg_rect){*x - arm, *y - arm, 2 * arm + 1, 2 * arm + 1});
}

static void burn_dots(sg_image *image, int x0, int y0, int x1, int y1) {
    int length = (int)hypot(x1 - x0, y1 - y0);
    for (int i = 4; i < length - 3; i += 4)
        sg_draw_fill(image,
                (sg_rect){x0 + (x1 - x0) * i / length, y0 + (y1 - y0) * i / length, 1, 1},
                0xd0d0d0);
}

/* Two measurements across the lesion, as sonographers leave them: long axis, short axis. */
void sg_phantom_burn_calipers(
        sg_image *image, const sg_image *mask, sg_phantom_marks *marks, sg_rng *rng) {
    sg_rect box = find_lesion(mask);
    int arm = clamp(image->width / 60, 2, 6), slant = box.height / 6 + 1;
    bool dotted = sg_rng_uniform(rng) < 0.6;
    slant = (int)sg_rng_below(rng, (uint32_t)(2 * slant + 1)) - slant;
    int middle_x = box.x + box.width / 2, middle_y = box.y + box.height / 2;
    int ends[2][4] = {
            {box.x, middle_y - slant, box.x + box.width, middle_y + slant},
            {middle_x + slant, box.y, middle_x - slant, box.y + box.height},
    };
    int pairs = sg_rng_uniform(rng) < 0.7 ? 2 : 1;
    for (int i = 0; i < pairs; i++) {
        int *e = ends[i];
        burn_cross(image, marks, &e[0], &e[1], arm);
        burn_cross(image, marks, &e[2], &e[3], arm);
        if (dotted) burn_dots(image, e[0], e[1], e[2], e[3]);
    }
}

/* ---- text ---- */

void sg_phantom_burn_text(sg_image *image, sg_phantom_marks *marks, sg_rng *rng) {
    static const char *const words[] = {"RT BREAST", "LT BREAST", "RT 10 OCLOCK", "LT 2 OCLOCK",
            "UOQ", "LIQ", "RT UOQ", "LT 1"};
    const char *text = words[sg_rng_below(rng, sizeof words / sizeof words[0])];
    int scale = image->width < 320 ? 1 : 2;
    int width = sg_draw_text_width(text, scale), height = 7 * scale;
    int free_x = image->width - width - 4, free_y = image->height - height - 4;
    if (free_x < 1 || free_y < 1) return;
    for (int tries = 0; tries < 8; tries++) {
        int x = 2 + (int)sg_rng_below(rng, (uint32_t)free_x);
        bool high = sg_rng_uniform(rng) < 0.3;
        int band = free_y / 5 + 1;
        int y = 2 + (int)sg_rng_below(rng, (uint32_t)band) + (high ? 0 : free_y - band);
        sg_rect box = {x, y, width, height};
        if (!is_free(marks, box)) continue;
        sg_draw_text(image, x, y, text, scale, 0xf0f0f0);
        note(marks, SG_PHANTOM_TEXT, box);
        return;
    }
}

/* ---- body mark ---- */

static void burn_circle(sg_image *image, double x, double y, double radius) {
    int steps = (int)(radius * 12.0);
    for (int i = 0; i < steps; i++) {
        double t = 6.283185307179586 * i / steps;
        sg_draw_fill(image,
                (sg_rect){(int)lround(x + radius * cos(t)), (int)lround(y + radius * sin(t)), 1, 1},
                WHITE);
    }
}

/* A breast, its nipple, and a bar where the probe lay; in the first free corner. */
static void burn_pictogram(sg_image *image, sg_phantom_marks *marks, sg_rng *rng) {
    int radius = image->width / 20 + (int)sg_rng_below(rng, (uint32_t)(image->width / 20 + 1));
    if (radius < 6) radius = 6;
    int side = 2 * radius + 1, first = (int)sg_rng_below(rng, 4);
    double turn = sg_rng_between(rng, 0.0, 3.141592653589793);
    double place = sg_rng_between(rng, 0.4, 0.7) * radius;
    double way = sg_rng_between(rng, 0.0, 6.283185307179586);
    for (int i = 0; i < 4; i++) {
        int corner = (first + i) % 4;
        sg_rect box = {corner % 2 ? image->width - side - 4 : 4,
                corner / 2 ? 4 : image->height - side - 4, side, side};
        if (box.x < 0 || box.y < 0 || !is_free(marks, box)) continue;
        double x = box.x + radius, y = box.y + radius;
        burn_circle(image, x, y, radius);
        burn_circle(image, x, y, radius / 5.0);
        double px = x + place * cos(way), py = y + place * sin(way), half = radius / 4.0;
        sg_draw_line(image, (int)lround(px - half * cos(turn)), (int)lround(py - half * sin(turn)),
                (int)lround(px + half * cos(turn)), (int)lround(py + half * sin(turn)), WHITE);
        note(marks, SG_PHANTOM_PICTOGRAM, box);
        return;
    }
}

/* ---- a marked original ---- */

static int coverage(const sg_image *layer, int x, int y) {
    x = clamp(x, 0, layer->width - 1);
    y = clamp(y, 0, layer->height - 1);
    return layer->pixels[(size_t)y * (size_t)layer->width + (size_t)x];
}

/* Coverage 0..1 of a pixel; softened, a lone line keeps four fifths in its middle. */
static double soften(const sg_image *layer, int x, int y) {
    static const int tap[3] = {1, 6, 1};
    int sum = 0;
    for (int v = 0; v < 3; v++)
        for (int u = 0; u < 3; u++) sum += tap[v] * tap[u] * coverage(layer, x + u - 1, y + v - 1);
    return fmin(1.0, sum / (255.0 * 60.0));
}

/* The strongest coverage among a pixel and its neighbours. */
static double surround(const sg_image *layer, int x, int y) {
    int most = 0;
    for (int v = -1; v <= 1; v++)
        for (int u = -1; u <= 1; u++) {
            int c = coverage(layer, x + u, y + v);
            if (c > most) most = c;
        }
    return most / 255.0;
}

/* Marks in one level, with the dark rim by which scanners keep them readable on bright tissue. */
static void lay_over(sg_image *image, const sg_image *layer, double level, bool soft) {
    const double rim = 0.5;
    for (int y = 0; y < image->height; y++) {
        for (int x = 0; x < image->width; x++) {
            double near = surround(layer, x, y);
            if (near <= 0.0) continue;
            double a = soft ? soften(layer, x, y) : coverage(layer, x, y) / 255.0;
            uint8_t *p = image->pixels + (size_t)y * (size_t)image->width + (size_t)x;
            double under = *p * (1.0 - rim * near);
            *p = (uint8_t)lround(under + a * (level - under));
        }
    }
}

sg_status sg_phantom_mark_original(
        sg_phantom *phantom, sg_phantom_marks *marks, sg_rng *rng, sg_error *err) {
    sg_image layer = {0};
    sg_image *image = &phantom->image;
    sg_status status = sg_image_create(&layer, image->width, image->height, 1, err);
    if (status) return status;
    bool text = sg_rng_uniform(rng) < 0.6, pictogram = sg_rng_uniform(rng) < 0.4;
    bool calipers = sg_rng_uniform(rng) < 0.6 || (!text && !pictogram);
    bool soft = sg_rng_uniform(rng) < 0.5;
    double level = sg_rng_between(rng, 200.0, 255.0);
    marks->count = 0;
    if (calipers) sg_phantom_burn_calipers(&layer, &phantom->masks[0], marks, rng);
    if (text) sg_phantom_burn_text(&layer, marks, rng);
    if (pictogram) burn_pictogram(&layer, marks, rng);
    lay_over(image, &layer, level, soft);
    sg_image_dispose(&layer);
    return SG_OK;
}
