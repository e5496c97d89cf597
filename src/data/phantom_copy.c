/* phantom_copy.c - near-copies as public sets are full of: the same picture cropped, scaled,
 * turned, mirrored, brightened, with calipers or text burnt in. The truth about each is kept, so
 * that a search for copies and marks can be scored. SPDX-License-Identifier: Apache-2.0 */
#include "data/phantom_scene.h"
#include "image/draw.h"
#include "image/warp.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double radians = 3.14159265358979323846 / 180.0;

void sg_phantom_copy_draw_exact(sg_phantom_copy *out, int size) {
    *out = (sg_phantom_copy){
            .affine = {1, 0, 0, 0, 1, 0}, .width = size, .height = size, .gain = 1};
}

void sg_phantom_copy_draw(sg_phantom_copy *out, int size, sg_rng *rng) {
    sg_phantom_copy c = {0};
    double keep_x = sg_rng_between(rng, 0.75, 1.0), keep_y = sg_rng_between(rng, 0.75, 1.0);
    double scale = sg_rng_between(rng, 0.8, 1.25), turn = sg_rng_between(rng, -5.0, 5.0) * radians;
    double left = sg_rng_uniform(rng) * (1.0 - keep_x), top = sg_rng_uniform(rng) * (1.0 - keep_y);
    c.gain = sg_rng_between(rng, 0.7, 1.3);
    c.flip = sg_rng_uniform(rng) < 0.5;
    c.calipers = sg_rng_uniform(rng) < 0.4;
    c.text = sg_rng_uniform(rng) < 0.4;
    c.width = (int)lround(keep_x * scale * size);
    c.height = (int)lround(keep_y * scale * size);
    double centre_x = (left + 0.5 * keep_x) * size - 0.5, mid_u = 0.5 * (c.width - 1);
    double centre_y = (top + 0.5 * keep_y) * size - 0.5, mid_v = 0.5 * (c.height - 1);
    double side = c.flip ? -1.0 : 1.0, co = cos(turn) / scale, si = sin(turn) / scale;
    c.affine[0] = side * co;
    c.affine[1] = -si;
    c.affine[3] = side * si;
    c.affine[4] = co;
    c.affine[2] = centre_x - c.affine[0] * mid_u - c.affine[1] * mid_v;
    c.affine[5] = centre_y - c.affine[3] * mid_u - c.affine[4] * mid_v;
    *out = c;
}

static sg_status warp_image(sg_image *image, const sg_phantom_copy *copy, sg_error *err) {
    sg_plane plane = {0};
    sg_image warped = {0};
    sg_status status = sg_plane_create(&plane, copy->width, copy->height, err);
    if (status) return status;
    status = sg_warp_affine(
            plane.values, copy->width, copy->height, image, (sg_rect){0}, copy->affine, 0.0f, err);
    if (status) goto done;
    size_t n = (size_t)copy->width * (size_t)copy->height;
    for (size_t i = 0; i < n; i++) plane.values[i] *= (float)copy->gain;
    status = sg_image_from_plane(&warped, &plane, err);
    if (status) goto done;
    sg_image_dispose(image);
    *image = warped;
done:
    sg_plane_dispose(&plane);
    return status;
}

static sg_status warp_mask(sg_image *mask, const sg_phantom_copy *copy, sg_error *err) {
    sg_image warped = {0};
    sg_status status = sg_image_create(&warped, copy->width, copy->height, 1, err);
    if (status) return status;
    status = sg_warp_nearest(warped.pixels, copy->width, copy->height, mask, copy->affine, 0, err);
    if (status) {
        sg_image_dispose(&warped);
        return status;
    }
    sg_image_dispose(mask);
    *mask = warped;
    return SG_OK;
}

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

static void note(sg_phantom_copy *copy, const char *kind, int x, int y, int width, int height) {
    size_t used = strlen(copy->marks);
    snprintf(copy->marks + used, sizeof copy->marks - used, "%s%s:%d,%d,%d,%d", used ? ";" : "",
            kind, x, y, width, height);
}

static int clamp(int v, int low, int high) {
    return v < low ? low : v > high ? high : v;
}

static void burn_cross(sg_image *image, sg_phantom_copy *copy, int *x, int *y, int arm) {
    *x = clamp(*x, arm, image->width - 1 - arm);
    *y = clamp(*y, arm, image->height - 1 - arm);
    sg_draw_cross(image, *x, *y, arm, 0xffffff);
    note(copy, "caliper", *x - arm, *y - arm, 2 * arm + 1, 2 * arm + 1);
}

static void burn_dots(sg_image *image, int x0, int y0, int x1, int y1) {
    int length = (int)hypot(x1 - x0, y1 - y0);
    for (int i = 4; i < length - 3; i += 4)
        sg_draw_fill(image,
                (sg_rect){x0 + (x1 - x0) * i / length, y0 + (y1 - y0) * i / length, 1, 1},
                0xd0d0d0);
}

/* Two measurements across the lesion, as sonographers leave them: long axis, short axis. */
static void burn_calipers(
        sg_image *image, const sg_image *mask, sg_phantom_copy *copy, sg_rng *rng) {
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
        burn_cross(image, copy, &e[0], &e[1], arm);
        burn_cross(image, copy, &e[2], &e[3], arm);
        if (dotted) burn_dots(image, e[0], e[1], e[2], e[3]);
    }
}

static void burn_text(sg_image *image, sg_phantom_copy *copy, sg_rng *rng) {
    static const char *const words[] = {"RT BREAST", "LT BREAST", "RT 10 OCLOCK", "LT 2 OCLOCK",
            "UOQ", "LIQ", "RT UOQ", "LT 1"};
    const char *text = words[sg_rng_below(rng, sizeof words / sizeof words[0])];
    int scale = image->width < 320 ? 1 : 2;
    int width = sg_draw_text_width(text, scale), height = 7 * scale;
    int free_x = image->width - width - 4, free_y = image->height - height - 4;
    if (free_x < 1 || free_y < 1) return;
    int x = 2 + (int)sg_rng_below(rng, (uint32_t)free_x);
    bool high = sg_rng_uniform(rng) < 0.3;
    int band = free_y / 5 + 1;
    int y = 2 + (int)sg_rng_below(rng, (uint32_t)band) + (high ? 0 : free_y - band);
    sg_draw_text(image, x, y, text, scale, 0xf0f0f0);
    note(copy, "text", x, y, width, height);
}

sg_status sg_phantom_copy_apply(
        sg_phantom *phantom, sg_phantom_copy *copy, sg_rng *rng, sg_error *err) {
    sg_status status = warp_image(&phantom->image, copy, err);
    for (int i = 0; !status && i < phantom->mask_count; i++)
        status = warp_mask(&phantom->masks[i], copy, err);
    if (status) return status;
    copy->marks[0] = '\0';
    if (copy->calipers) burn_calipers(&phantom->image, &phantom->masks[0], copy, rng);
    if (copy->text) burn_text(&phantom->image, copy, rng);
    return SG_OK;
}
