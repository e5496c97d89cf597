/* reading_pictures.h - the JPEGs of the reading page, and training images found by hash in a folder
 * that the user names. Inside cli only. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_READING_PICTURES_H
#define SG_CLI_READING_PICTURES_H

#include "base/json.h"
#include "base/log.h"
#include "image/image.h"
#include <signal.h>

typedef struct sg_jpeg {
    uint8_t *bytes; /* owned by the caller */
    size_t size;
    int width, height;
} sg_jpeg;

/* The longer side becomes `side` pixels, or stays when it is shorter. */
SG_MUST_CHECK sg_status sg_jpeg_make(
        sg_jpeg *out, const sg_image *image, int side, int quality, sg_error *err);

/* Images of a folder by SHA-256, and their small pictures as base64, made when first asked for. */
typedef struct sg_picture_shelf {
    json_t *files, *pictures;
} sg_picture_shelf;
/* folder NULL: an empty shelf. SG_ERR_INTERRUPTED when *stop was set. */
SG_MUST_CHECK sg_status sg_picture_shelf_open(sg_picture_shelf *out, const char *folder,
        const sg_log *log, const volatile sig_atomic_t *stop, sg_error *err);
/* Borrowed; NULL when it is not there or cannot be read. */
const char *sg_picture_shelf_find(sg_picture_shelf *shelf, const char *sha256);
void sg_picture_shelf_close(sg_picture_shelf *shelf);

#endif
