/* audit_pictures.c - see audit_pictures.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/audit_pictures.h"
#include "image/codec.h"
#include "image/crop.h"
#include "image/grey.h"
#include "image/resize.h"
#include "image/warp.h"
#include <math.h>
#include <string.h>

enum { STEP = 10, MARGIN = 4 }; /* grey levels between two that are kept; pixels */

static sg_status read_grey(sg_image *out, const char *file, sg_error *err) {
    sg_image image = {0};
    sg_status status = sg_image_read(&image, NULL, file, NULL, err);
    if (!status) status = sg_grey_convert(out, &image, err);
    sg_image_dispose(&image);
    return status;
}

static sg_status keep_png(
        sg_audit_picture *out, sg_keep *keep, const sg_image *image, sg_error *err) {
    uint8_t *png = NULL;
    size_t size = 0;
    sg_status status = sg_image_encode_png(&png, &size, image, err);
    if (status) return status;
    if (!sg_keep_hold(keep, png)) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a picture");
    *out = (sg_audit_picture){png, size, image->width, image->height};
    return SG_OK;
}

static void coarsen(sg_image *image) {
    size_t n = sg_image_size(image);
    for (size_t i = 0; i < n; i++) {
        int v = (image->pixels[i] + STEP / 2) / STEP * STEP;
        image->pixels[i] = (uint8_t)(v > 255 ? 255 : v);
    }
}

/* Size of a picture whose longer side is at most `side`. */
static void fit_size(int *width, int *height, const sg_image *image, int side) {
    int longer = image->width > image->height ? image->width : image->height;
    if (longer < side) side = longer;
    *width = (int)lround((double)image->width * side / longer);
    *height = (int)lround((double)image->height * side / longer);
    if (*width < 1) *width = 1;
    if (*height < 1) *height = 1;
}

sg_status sg_audit_draw_image(sg_audit_picture *out, sg_keep *keep, const char *file, bool colour,
        int side, sg_error *err) {
    sg_image image = {0}, small = {0};
    int width, height;
    sg_status status =
            colour ? sg_image_read(&image, NULL, file, NULL, err) : read_grey(&image, file, err);
    if (!status) {
        fit_size(&width, &height, &image, side);
        status = sg_resize_image(&small, &image, width, height, SG_RESIZE_AREA, err);
    }
    if (!status) coarsen(&small);
    if (!status) status = keep_png(out, keep, &small, err);
    sg_image_dispose(&image);
    sg_image_dispose(&small);
    return status;
}

sg_status sg_audit_draw_part(
        sg_audit_picture *out, sg_keep *keep, const char *file, sg_rect box, sg_error *err) {
    sg_image grey = {0}, part = {0};
    sg_status status = read_grey(&grey, file, err);
    if (!status) {
        int left = box.x > MARGIN ? box.x - MARGIN : 0, top = box.y > MARGIN ? box.y - MARGIN : 0;
        int right = box.x + box.width + MARGIN, bottom = box.y + box.height + MARGIN;
        if (right > grey.width) right = grey.width;
        if (bottom > grey.height) bottom = grey.height;
        status = sg_crop_copy(&part, &grey, (sg_rect){left, top, right - left, bottom - top}, err);
    }
    if (!status) status = keep_png(out, keep, &part, err);
    sg_image_dispose(&grey);
    sg_image_dispose(&part);
    return status;
}

/* ---- pairs ---- */

/* out(p) = m^-1(p); false when m flattens the plane. */
static bool invert(double out[6], const double m[6]) {
    double det = m[0] * m[4] - m[1] * m[3];
    if (!(fabs(det) > 1e-9)) return false;
    out[0] = m[4] / det;
    out[1] = -m[1] / det;
    out[3] = -m[3] / det;
    out[4] = m[0] / det;
    out[2] = -(out[0] * m[2] + out[1] * m[5]);
    out[5] = -(out[3] * m[2] + out[4] * m[5]);
    return true;
}

/* m after a change of scale: thumbnail pixel -> full pixel -> m. */
static void after_scale(double out[6], const double m[6], double sx, double sy) {
    double ox = 0.5 * sx - 0.5, oy = 0.5 * sy - 0.5;
    for (int r = 0; r < 6; r += 3) {
        out[r] = m[r] * sx;
        out[r + 1] = m[r + 1] * sy;
        out[r + 2] = m[r] * ox + m[r + 1] * oy + m[r + 2];
    }
}

/* Gives b the mean and spread of a where b is; where it is not (below 0), black. */
static void match_levels(float *b, const float *a, size_t n) {
    double sa = 0, sb = 0, saa = 0, sbb = 0, count = 0;
    for (size_t i = 0; i < n; i++) {
        if (b[i] < 0) continue;
        sa += a[i];
        sb += b[i];
        saa += (double)a[i] * a[i];
        sbb += (double)b[i] * b[i];
        count++;
    }
    if (count > 0) {
        sa /= count;
        sb /= count;
    }
    double va = saa / fmax(count, 1) - sa * sa, vb = sbb / fmax(count, 1) - sb * sb;
    double gain = va > 0 && vb > 1e-6 ? fmin(4.0, sqrt(va / vb)) : 1.0;
    for (size_t i = 0; i < n; i++) b[i] = b[i] < 0 ? 0 : (float)(sa + gain * (b[i] - sb));
}

static sg_status keep_plane(
        sg_audit_picture *out, sg_keep *keep, const sg_plane *plane, sg_error *err) {
    sg_image image = {0};
    sg_status status = sg_image_from_plane(&image, plane, err);
    if (!status) coarsen(&image);
    if (!status) status = keep_png(out, keep, &image, err);
    sg_image_dispose(&image);
    return status;
}

sg_status sg_audit_draw_pair(sg_audit_picture *first, sg_audit_picture *second, sg_keep *keep,
        const char *file_a, const char *file_b, const double affine[6], int side, sg_error *err) {
    static const double same[6] = {1, 0, 0, 0, 1, 0};
    sg_image a = {0}, b = {0};
    sg_plane pa = {0}, pb = {0};
    double back[6], m[6];
    int width = 0, height = 0;
    if (!invert(back, affine))
        return sg_fail(err, SG_ERR_INPUT, "%s cannot be laid onto %s", file_b, file_a);
    sg_status status = read_grey(&a, file_a, err);
    if (!status) status = read_grey(&b, file_b, err);
    if (!status) {
        fit_size(&width, &height, &a, side);
        status = sg_plane_create(&pa, width, height, err);
    }
    if (!status) status = sg_plane_create(&pb, width, height, err);
    if (!status) {
        double sx = (double)a.width / width, sy = (double)a.height / height;
        after_scale(m, same, sx, sy);
        status = sg_warp_affine(pa.values, width, height, &a, (sg_rect){0}, m, 0.0f, err);
        after_scale(m, back, sx, sy);
        if (!status)
            status = sg_warp_affine(pb.values, width, height, &b, (sg_rect){0}, m, -1.0f, err);
    }
    if (!status) {
        match_levels(pb.values, pa.values, (size_t)width * (size_t)height);
        status = keep_plane(first, keep, &pa, err);
    }
    if (!status) status = keep_plane(second, keep, &pb, err);
    sg_image_dispose(&a);
    sg_image_dispose(&b);
    sg_plane_dispose(&pa);
    sg_plane_dispose(&pb);
    return status;
}
