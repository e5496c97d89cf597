/* overlay.c - see overlay.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/overlay.h"
#include "image/draw.h"
#include "image/grey.h"
#include <stdbool.h>

enum { STOPS = 33, GAP = 8 };

static const uint8_t stops[STOPS][3] = {{68, 1, 84}, {71, 13, 96}, {72, 24, 106}, {72, 35, 116},
        {71, 45, 123}, {69, 55, 129}, {66, 64, 134}, {62, 73, 137}, {59, 82, 139}, {55, 91, 141},
        {51, 99, 141}, {47, 107, 142}, {44, 114, 142}, {41, 122, 142}, {38, 130, 142},
        {35, 137, 142}, {33, 145, 140}, {31, 152, 139}, {31, 160, 136}, {34, 167, 133},
        {40, 174, 128}, {50, 182, 122}, {63, 188, 115}, {78, 195, 107}, {94, 201, 98},
        {112, 207, 87}, {132, 212, 75}, {152, 216, 62}, {173, 220, 48}, {194, 223, 35},
        {216, 226, 25}, {236, 229, 27}, {253, 231, 37}};

void sg_viridis(uint8_t rgb[3], float value) {
    float at = value > 0 ? (value < 1 ? value : 1) * (STOPS - 1) : 0;
    int i = at < STOPS - 1 ? (int)at : STOPS - 2;
    for (int c = 0; c < 3; c++) {
        float low = stops[i][c], high = stops[i + 1][c];
        rgb[c] = (uint8_t)(low + (at - (float)i) * (high - low) + 0.5f);
    }
}

static bool is_hot(const sg_plane *map, int x, int y, double threshold) {
    return x >= 0 && y >= 0 && x < map->width && y < map->height &&
           map->values[(size_t)y * (size_t)map->width + (size_t)x] >= threshold;
}

/* Hot, with a neighbour that is not. */
static bool on_outline(const sg_plane *map, int x, int y, double threshold) {
    return is_hot(map, x, y, threshold) &&
           !(is_hot(map, x - 1, y, threshold) && is_hot(map, x + 1, y, threshold) &&
                   is_hot(map, x, y - 1, threshold) && is_hot(map, x, y + 1, threshold));
}

sg_status sg_overlay_draw(sg_image *out, const sg_image *image, const sg_plane *map,
        const sg_overlay *options, sg_error *err) {
    if (image->width != map->width || image->height != map->height)
        return sg_fail(err, SG_ERR_USAGE, "a map of %d x %d cannot lie over an image of %d x %d",
                map->width, map->height, image->width, image->height);
    sg_status st = sg_grey_to_rgb(out, image, err);
    if (st) return st;
    float share = (float)options->opacity;
    for (int y = 0; y < map->height; y++)
        for (int x = 0; x < map->width; x++) {
            size_t i = (size_t)y * (size_t)map->width + (size_t)x;
            uint8_t colour[3] = {255, 255, 255}, *pixel = out->pixels + 3 * i;
            bool outline = on_outline(map, x, y, options->threshold);
            if (!outline) sg_viridis(colour, map->values[i]);
            for (int c = 0; c < 3; c++)
                pixel[c] = outline ? colour[c]
                                   : (uint8_t)((1 - share) * (float)pixel[c] +
                                               share * (float)colour[c] + 0.5f);
        }
    return SG_OK;
}

sg_status sg_overlay_pair(sg_image *out, const sg_image *image, const sg_plane *map,
        const sg_overlay *options, sg_error *err) {
    sg_image overlay, both;
    sg_status st = sg_overlay_draw(&overlay, image, map, options, err);
    if (st) return st;
    st = sg_image_create(&both, 2 * image->width + GAP, image->height, 3, err);
    if (!st) {
        sg_draw_fill(&both, (sg_rect){0, 0, both.width, both.height}, 0xffffff);
        sg_draw_image(&both, 0, 0, image);
        sg_draw_image(&both, image->width + GAP, 0, &overlay);
        *out = both;
    }
    sg_image_dispose(&overlay);
    return st;
}
