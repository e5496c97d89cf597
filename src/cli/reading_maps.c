/* reading_maps.c - see reading_maps.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/reading_maps.h"
#include "image/overlay.h"
#include "image/resize.h"
#include <stdlib.h>

/* A grid of 7 x 7 laid over an image loses nothing at this size; 100 maps are 1 MB of the page. */
enum { SIDE = 96 };

sg_status sg_map_maker_open(sg_map_maker *out, const sg_bundle *bundle, sg_explain_method method,
        const sg_explain_options *options, sg_error *err) {
    sg_map_maker made = {.method = method};
    sg_status st = sg_explainer_create(&made.explainer, bundle, options, err);
    if (st == SG_ERR_INPUT) {
        made.lacks = "No maps: the last layer of this model has no extent at its image size, so a "
                     "map could localise nothing.";
        st = SG_OK;
    } else if (!st) {
        st = sg_explainer_check(made.explainer, method, err);
    }
    if (st)
        sg_map_maker_close(&made);
    else
        *out = made;
    return st;
}

void sg_map_maker_close(sg_map_maker *maker) {
    sg_explainer_close(maker->explainer);
    maker->explainer = NULL;
}

void sg_map_ramp(uint8_t ramp[SG_READING_RAMP][3]) {
    for (int i = 0; i < SG_READING_RAMP; i++)
        sg_viridis(ramp[i], (float)i / (float)(SG_READING_RAMP - 1));
}

static int part_of(int side, int longer) {
    int part = longer > SIDE ? (side * SIDE + longer / 2) / longer : side;
    return part > 0 ? part : 1;
}

/* A byte per pixel; *empty: all are 0. */
static uint8_t *bytes_of(const sg_plane *map, bool *empty) {
    size_t n = (size_t)map->width * (size_t)map->height;
    uint8_t *bytes = malloc(n);
    *empty = true;
    for (size_t i = 0; bytes && i < n; i++) {
        bytes[i] = (uint8_t)(255 * map->values[i] + 0.5f);
        *empty = *empty && !bytes[i];
    }
    return bytes;
}

sg_status sg_map_maker_make(sg_reading_map *out, sg_keep *keep, sg_map_maker *maker,
        const sg_image *image, int class_index, const char *class_name, sg_error *err) {
    sg_plane map = {0}, small = {0};
    int longer = image->width > image->height ? image->width : image->height;
    int width = part_of(image->width, longer), height = part_of(image->height, longer);
    bool empty = false;
    sg_status st = sg_explainer_look(maker->explainer, image, err);
    if (!st) st = sg_explainer_map(&map, maker->explainer, maker->method, class_index, err);
    if (!st) st = sg_resize_plane(&small, &map, width, height, SG_RESIZE_AREA, err);
    if (!st) {
        *out = (sg_reading_map){.width = width,
                .height = height,
                .values = sg_keep_hold(keep, bytes_of(&small, &empty)),
                .name = SG_KEEP_TEXT(keep, "%s, %s", sg_explain_title(maker->method), class_name)};
        out->warning =
                empty         ? "It is empty: nothing in the image speaks for this class."
                : maker->said ? maker->said
                              : "Not checked on these images: whether such maps depend on what the "
                                "model learned is what sonograde explain --check measures.";
        if (keep->failed) st = sg_fail(err, SG_ERR_MEMORY, "out of memory for a map");
    }
    sg_plane_dispose(&map);
    sg_plane_dispose(&small);
    return st;
}
