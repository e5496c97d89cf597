/* audit_look.h - what one decoded image leaves behind for the audit. Every file is decoded once, by
 * whichever thread comes; all that a later step wants of the pixels is taken then.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_DATA_AUDIT_LOOK_H
#define SG_DATA_AUDIT_LOOK_H

#include "base/file.h"
#include "data/keypoint.h"
#include "data/traits.h"
#include "image/image.h"
#include "image/marks.h"

typedef struct sg_look {
    int width, height;
    char pixels_sha256[SG_SHA256_HEX]; /* of size and grey pixels: equal pictures, equal digest */
    sg_keypoints keypoints;            /* for the search for copies */
    sg_traits traits;
    sg_marks marks;
} sg_look;

/* For sg_manifest_records: record is an sg_look. */
SG_MUST_CHECK sg_status sg_look_make(
        void *record, const sg_image *image, void *user, sg_error *err);
void sg_look_dispose(void *record); /* also of a zeroed one */

#endif
