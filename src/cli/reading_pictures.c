/* reading_pictures.c - see reading_pictures.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/reading_pictures.h"
#include "base/file.h"
#include "cli/image_list.h"
#include "image/codec.h"
#include "image/resize.h"
#include "report/html.h"
#include <math.h>
#include <stdlib.h>

enum { SHELF_SIDE = 120, SHELF_QUALITY = 80 };

sg_status sg_jpeg_make(sg_jpeg *out, const sg_image *image, int side, int quality, sg_error *err) {
    sg_image small = {0};
    int longer = image->width > image->height ? image->width : image->height;
    double scale = longer > side ? (double)side / longer : 1;
    int width = (int)fmax(1, round(image->width * scale));
    int height = (int)fmax(1, round(image->height * scale));
    sg_status st = longer > side
                           ? sg_resize_image(&small, image, width, height, SG_RESIZE_AREA, err)
                           : sg_image_clone(&small, image, err);
    if (!st) st = sg_image_encode_jpeg(&out->bytes, &out->size, &small, quality, err);
    out->width = width;
    out->height = height;
    sg_image_dispose(&small);
    return st;
}

static sg_status put_file(json_t *files, const char *path, sg_error *err) {
    char sha256[SG_SHA256_HEX];
    sg_status st = sg_sha256_file(sha256, path, err);
    if (!st && json_object_set_new_nocheck(files, sha256, json_string_nocheck(path)))
        st = sg_fail(err, SG_ERR_MEMORY, "out of memory listing training images");
    return st;
}

sg_status sg_picture_shelf_open(sg_picture_shelf *out, const char *folder, const sg_log *log,
        const volatile sig_atomic_t *stop, sg_error *err) {
    sg_image_list list = {0};
    sg_picture_shelf shelf = {json_object(), json_object()};
    sg_status st = shelf.files && shelf.pictures
                           ? SG_OK
                           : sg_fail(err, SG_ERR_MEMORY, "out of memory listing training images");
    if (!st && folder) st = sg_image_list_add(&list, folder, err);
    for (size_t i = 0; i < list.count && !st; i++) {
        if (*stop)
            st = sg_fail(err, SG_ERR_INTERRUPTED, "stopped while looking through %s", folder);
        if (!st) st = put_file(shelf.files, list.items[i], err);
        sg_log_progress(log, "finding training images", (double)(i + 1), (double)list.count);
    }
    sg_image_list_dispose(&list);
    if (st)
        sg_picture_shelf_close(&shelf);
    else
        *out = shelf;
    return st;
}

static json_t *draw(const char *path) {
    sg_image image = {0};
    sg_jpeg jpeg = {0};
    sg_str text;
    sg_error ignored = SG_ERROR_INIT;
    json_t *value = NULL;
    sg_str_init(&text, 0);
    if (!sg_image_read(&image, NULL, path, NULL, &ignored) &&
            !sg_jpeg_make(&jpeg, &image, SHELF_SIDE, SHELF_QUALITY, &ignored)) {
        sg_html_put_base64(&text, jpeg.bytes, jpeg.size);
        value = json_string(sg_str_text(&text));
    }
    sg_str_dispose(&text);
    free(jpeg.bytes);
    sg_image_dispose(&image);
    return value;
}

const char *sg_picture_shelf_find(sg_picture_shelf *shelf, const char *sha256) {
    const char *path = json_string_value(json_object_get(shelf->files, sha256));
    if (path && !json_object_get(shelf->pictures, sha256))
        json_object_set_new(shelf->pictures, sha256, draw(path));
    return json_string_value(json_object_get(shelf->pictures, sha256));
}

void sg_picture_shelf_close(sg_picture_shelf *shelf) {
    json_decref(shelf->files);
    json_decref(shelf->pictures);
    *shelf = (sg_picture_shelf){0};
}
