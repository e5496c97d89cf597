/* recipe.c - the steps of preprocessing in their order.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/recipe.h"

#include "image/clahe.h"
#include "image/crop.h"
#include "image/grey.h"
#include "image/median.h"
#include "image/warp.h"
#include <stdlib.h>
#include <string.h>

/* Replaces *image by what `step` made of it. */
static void replace(sg_image *image, sg_image *made) {
    sg_image_dispose(image);
    *image = *made;
    *made = (sg_image){0};
}

static sg_status crop(sg_image *image, sg_rect *box, sg_error *err) {
    sg_image part = {0};
    sg_status status = sg_crop_find(box, image, err);
    if (!status) status = sg_crop_copy(&part, image, *box, err);
    if (!status) replace(image, &part);
    return status;
}

static sg_status median(sg_image *image, int size, sg_error *err) {
    sg_image smooth = {0};
    sg_status status = sg_median_apply(&smooth, image, size, err);
    if (!status) replace(image, &smooth);
    return status;
}

static sg_status srad(sg_image *image, const sg_srad_options *options, sg_error *err) {
    sg_plane plane = {0};
    sg_image smooth = {0};
    sg_status status = sg_plane_from_image(&plane, image, err);
    if (!status) status = sg_srad_apply(&plane, options, err);
    if (!status) status = sg_image_from_plane(&smooth, &plane, err);
    if (!status) replace(image, &smooth);
    sg_plane_dispose(&plane);
    return status;
}

static sg_status despeckle(sg_image *image, const sg_recipe *recipe, sg_error *err) {
    if (recipe->despeckle == SG_DESPECKLE_MEDIAN) return median(image, recipe->median_size, err);
    if (recipe->despeckle == SG_DESPECKLE_SRAD) return srad(image, &recipe->srad, err);
    return SG_OK;
}

sg_status sg_recipe_prepare(
        sg_image *out, sg_rect *box, const sg_image *in, const sg_recipe *recipe, sg_error *err) {
    sg_image image = {0};
    sg_rect seen = {0, 0, in->width, in->height};
    sg_status status = sg_grey_convert(&image, in, err);
    if (!status && recipe->crop) status = crop(&image, &seen, err);
    if (!status) status = despeckle(&image, recipe, err);
    if (!status && recipe->contrast == SG_CONTRAST_CLAHE)
        status = sg_clahe_apply(&image, &image, recipe->clahe_clip, recipe->clahe_tiles, err);
    if (status) {
        sg_image_dispose(&image);
        return status;
    }
    *out = image;
    if (box) *box = seen;
    return SG_OK;
}

/* From square to image: fit, after the augmentation. */
static void full_matrix(
        double m[6], int width, int height, const sg_recipe *recipe, const double affine[6]) {
    sg_fit_matrix(m, width, height, recipe->size, recipe->fit);
    if (affine) sg_affine_compose(m, m, affine);
}

static sg_status sample_plain(
        float *plane, const sg_image *prepared, const sg_recipe *recipe, sg_error *err) {
    size_t size = (size_t)recipe->size;
    sg_fit_boxes b = sg_fit_place(prepared->width, prepared->height, recipe->size, recipe->fit);
    memset(plane, 0, size * size * sizeof *plane);
    return sg_resize_grey_box(plane + (size_t)b.target.y * size + (size_t)b.target.x, size,
            b.target.width, b.target.height, prepared, b.source, recipe->filter, err);
}

static sg_status sample_warped(float *plane, const sg_image *prepared, const sg_recipe *recipe,
        const double affine[6], sg_error *err) {
    double m[6];
    full_matrix(m, prepared->width, prepared->height, recipe, affine);
    sg_rect box = sg_fit_place(prepared->width, prepared->height, recipe->size, recipe->fit).source;
    return sg_warp_affine(plane, recipe->size, recipe->size, prepared, box, m, 0.0f, err);
}

sg_status sg_recipe_sample(float *plane, const sg_image *prepared, const sg_recipe *recipe,
        const double affine[6], sg_error *err) {
    sg_status status = affine ? sample_warped(plane, prepared, recipe, affine, err)
                              : sample_plain(plane, prepared, recipe, err);
    if (status) return status;
    size_t n = (size_t)recipe->size * (size_t)recipe->size;
    for (size_t i = 0; i < n; i++) plane[i] *= 1.0f / 255.0f;
    return SG_OK;
}

void sg_recipe_standardise(float *chw, const float *plane, const sg_recipe *recipe) {
    size_t n = (size_t)recipe->size * (size_t)recipe->size;
    for (int c = 0; c < recipe->channels; c++, chw += n) {
        float mean = recipe->mean[c], scale = 1.0f / recipe->std[c];
        for (size_t i = 0; i < n; i++) chw[i] = (plane[i] - mean) * scale;
    }
}

sg_status sg_recipe_finish(float *chw, const sg_image *prepared, const sg_recipe *recipe,
        const double affine[6], sg_error *err) {
    size_t n = (size_t)recipe->size * (size_t)recipe->size;
    float *plane = malloc(n * sizeof *plane);
    if (!plane)
        return sg_fail(err, SG_ERR_MEMORY, "no memory for an image of side %d", recipe->size);
    sg_status status = sg_recipe_sample(plane, prepared, recipe, affine, err);
    if (!status) sg_recipe_standardise(chw, plane, recipe);
    free(plane);
    return status;
}

sg_status sg_recipe_sample_mask(uint8_t *plane, const sg_image *mask, sg_rect box,
        const sg_recipe *recipe, const double affine[6], sg_error *err) {
    sg_image grey = {0}, part = {0};
    sg_status status = sg_grey_convert(&grey, mask, err);
    if (!status) status = sg_crop_copy(&part, &grey, box, err);
    if (!status) {
        double m[6];
        full_matrix(m, part.width, part.height, recipe, affine);
        status = sg_warp_nearest(plane, recipe->size, recipe->size, &part, m, 0, err);
    }
    if (!status) {
        size_t n = (size_t)recipe->size * (size_t)recipe->size;
        for (size_t i = 0; i < n; i++) plane[i] = plane[i] > 127 ? 255 : 0;
    }
    sg_image_dispose(&grey);
    sg_image_dispose(&part);
    return status;
}
