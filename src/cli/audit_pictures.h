/* audit_pictures.h - small pictures for audit.html: one image, a part of one, a pair laid one onto
 * the other. Few grey levels, so that hundreds fit into a page. Inside cli only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_AUDIT_PICTURES_H
#define SG_CLI_AUDIT_PICTURES_H

#include "cli/evaluation_facts.h"
#include "image/image.h"
#include "report/audit.h"

/* The longer side becomes `side` pixels, or stays when it is shorter; grey unless colour is asked
 * for. The PNG is kept by `keep`. SG_ERR_IO, SG_ERR_FORMAT when the file cannot be read. */
SG_MUST_CHECK sg_status sg_audit_draw_image(sg_audit_picture *out, sg_keep *keep, const char *file,
        bool colour, int side, sg_error *err);
/* A part, at its own size, with a margin of a few pixels. */
SG_MUST_CHECK sg_status sg_audit_draw_part(
        sg_audit_picture *out, sg_keep *keep, const char *file, sg_rect box, sg_error *err);
/* Image a, and image b where a is: affine maps a pixel of b to a's. b takes a's brightness and
 * contrast where both are, and is black elsewhere. SG_ERR_INPUT when the affine cannot be undone.
 */
SG_MUST_CHECK sg_status sg_audit_draw_pair(sg_audit_picture *first, sg_audit_picture *second,
        sg_keep *keep, const char *file_a, const char *file_b, const double affine[6], int side,
        sg_error *err);

#endif
