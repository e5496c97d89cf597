/* phantom_copy.c - near-copies as public sets are full of: the same picture cropped, scaled,
 * turned, mirrored, brightened, with calipers or text burnt in. The truth about each is kept, so
 * that a search for copies and marks can be scored. SPDX-License-Identifier: Apache-2.0 */
#include "data/phantom_scene.h"
#include "image/warp.h"

#include <math.h>

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

sg_status sg_phantom_copy_apply(
        sg_phantom *phantom, sg_phantom_copy *copy, sg_rng *rng, sg_error *err) {
    sg_status status = warp_image(&phantom->image, copy, err);
    for (int i = 0; !status && i < phantom->mask_count; i++)
        status = warp_mask(&phantom->masks[i], copy, err);
    if (status) return status;
    sg_phantom_marks *marks = &copy->marks;
    marks->count = 0;
    if (copy->calipers) sg_phantom_burn_calipers(&phantom->image, &phantom->masks[0], marks, rng);
    if (copy->text) sg_phantom_burn_text(&phantom->image, marks, rng);
    return SG_OK;
}
