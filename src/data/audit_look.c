/* audit_look.c - see audit_look.h. SPDX-License-Identifier: Apache-2.0 */
#include "data/audit_look.h"
#include "image/grey.h"

static void hash_pixels(sg_look *look, const sg_image *grey) {
    const int size[2] = {grey->width, grey->height};
    const void *parts[] = {size, grey->pixels};
    const size_t sizes[] = {sizeof size, sg_image_size(grey)};
    sg_sha256_parts(look->pixels_sha256, parts, sizes, 2);
}

sg_status sg_look_make(void *record, const sg_image *image, void *user, sg_error *err) {
    (void)user;
    sg_look *look = record;
    sg_image grey = {0};
    sg_status status = sg_grey_convert(&grey, image, err);
    if (status) return status;
    look->width = grey.width;
    look->height = grey.height;
    hash_pixels(look, &grey);
    status = sg_keypoints_find(&look->keypoints, &grey, err);
    if (!status) status = sg_traits_measure(&look->traits, image, &grey, err);
    if (!status) status = sg_marks_find(&look->marks, image, err);
    sg_image_dispose(&grey);
    return status;
}

void sg_look_dispose(void *record) {
    sg_look *look = record;
    sg_keypoints_dispose(&look->keypoints);
    sg_marks_dispose(&look->marks);
    *look = (sg_look){0};
}
