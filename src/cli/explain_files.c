/* explain_files.c - see explain_files.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain_files.h"
#include "base/npy.h"
#include "cli/reading_pictures.h"
#include "image/codec.h"
#include "report/explain.h"
#include <stdlib.h>
#include <string.h>

enum { PAIR_SIDE = 960, PAIR_QUALITY = 88 };

/* "0007-benign (22)-grad-cam": sorts as the images came, and says which they are. */
static char *stem_of(
        const sg_explain_files *f, size_t item, sg_explain_method method, const char *ending) {
    const char *name = sg_path_base(f->job->items->items[item].path), *dot = strrchr(name, '.');
    int length = dot ? (int)(dot - name) : (int)strlen(name);
    return sg_strdupf("%s/maps/%04zu-%.*s-%s.%s", f->folder, item + 1, length, name,
            sg_explain_name(method), ending);
}

static sg_status write_png(const char *path, const sg_explain_files *f, const sg_image *image,
        const sg_plane *map, sg_error *err) {
    sg_image both;
    sg_status st = sg_overlay_pair(&both, image, map, &f->overlay, err);
    if (st) return st;
    st = sg_image_write_png(path, &both, err);
    sg_image_dispose(&both);
    return st;
}

static sg_status write_svg(const char *path, const char *title, const sg_explain_files *f,
        const sg_image *image, const sg_plane *map, sg_error *err) {
    sg_explain_picture p = {.title = title,
            .width = image->width,
            .height = image->height,
            .map = map->values,
            .threshold = f->overlay.threshold};
    sg_overlay colours = f->overlay;
    sg_image overlay = {0};
    uint8_t *plain = NULL, *coloured = NULL;
    sg_str svg;
    sg_str_init(&svg, 0);
    colours.threshold = 2; /* the outline is a path of its own */
    sg_status st = sg_overlay_draw(&overlay, image, map, &colours, err);
    if (!st) st = sg_image_encode_png(&plain, &p.plain_size, image, err);
    if (!st) st = sg_image_encode_png(&coloured, &p.overlay_size, &overlay, err);
    p.plain = plain;
    p.overlay = coloured;
    if (!st) sg_explain_put_svg(&svg, &p);
    if (!st) st = sg_str_check(&svg, err);
    if (!st) st = sg_file_write(path, sg_str_text(&svg), svg.len, err);
    sg_str_dispose(&svg);
    sg_image_dispose(&overlay);
    free(plain);
    free(coloured);
    return st;
}

static sg_status write_as(const sg_explain_files *f, const char *ending, size_t item,
        const sg_image *image, sg_explain_method method, const sg_plane *map, sg_error *err) {
    char *path = stem_of(f, item, method, ending);
    if (!path) return sg_fail(err, SG_ERR_MEMORY, "out of memory writing maps");
    sg_status st;
    if (strcmp(ending, "png") == 0) {
        st = write_png(path, f, image, map, err);
    } else if (strcmp(ending, "svg") == 0) {
        st = write_svg(path, sg_explain_title(method), f, image, map, err);
    } else {
        const size_t shape[] = {(size_t)map->height, (size_t)map->width};
        st = sg_npy_write(path, map->values, shape, 2, err);
    }
    free(path);
    return st;
}

/* A small pair of image and overlay for the page. */
static sg_status add_picture(sg_explain_files *f, size_t item, const sg_image *image,
        sg_explain_method method, const sg_plane *map, int class_index, sg_error *err) {
    sg_image both;
    sg_jpeg small = {0};
    sg_status st = sg_overlay_pair(&both, image, map, &f->overlay, err);
    if (st) return st;
    st = sg_jpeg_make(&small, &both, PAIR_SIDE, PAIR_QUALITY, err);
    if (!st) {
        const char *path = f->job->items->items[item].path;
        char *detail = method == SG_EXPLAIN_GATED
                               ? sg_strdupf("%s, of no class", sg_explain_title(method))
                               : sg_strdupf("%s, map of %s", sg_explain_title(method),
                                         f->job->bundle->classes[class_index]);
        f->shown[f->picture_count].item = item;
        f->shown[f->picture_count].method = method;
        f->pictures[f->picture_count++] = (sg_page_image){.bytes = small.bytes,
                .size = small.size,
                .alt = "the image, and the image under its map",
                .title = sg_path_base(path),
                .detail = detail};
    }
    sg_image_dispose(&both);
    return st;
}

sg_status sg_explain_files_show(void *user, size_t item, const sg_image *image,
        sg_explain_method method, const sg_plane *map, int class_index, sg_error *err) {
    sg_explain_files *f = user;
    sg_status st = SG_OK;
    if (f->png) st = write_as(f, "png", item, image, method, map, err);
    if (!st && f->svg) st = write_as(f, "svg", item, image, method, map, err);
    if (!st && f->npy) st = write_as(f, "npy", item, image, method, map, err);
    if (!st && f->picture_count < f->wanted)
        st = add_picture(f, item, image, method, map, class_index, err);
    return st;
}

sg_status sg_explain_files_mark(sg_explain_files *f, size_t i, const char *text, sg_error *err) {
    char *copy = sg_strdup(text);
    if (!copy) return sg_fail(err, SG_ERR_MEMORY, "out of memory making the page");
    free((void *)f->pictures[i].mark);
    f->pictures[i].mark = copy;
    return SG_OK;
}

void sg_explain_files_dispose(sg_explain_files *f) {
    for (size_t i = 0; i < f->picture_count; i++) {
        free((void *)f->pictures[i].mark);
        free((void *)f->pictures[i].bytes);
        free((void *)f->pictures[i].detail);
    }
}
