/* derived.c - see derived.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "protocol/derived.h"
#include "base/csv.h"
#include "image/codec.h"
#include <stdlib.h>
#include <string.h>

enum { MASK_LEVEL = 128, IMAGE_BYTES = 512 << 20 };

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory deriving data");
}

/* ---- the set ---- */

/* A list of images in the making, as a user's table with groups. */
typedef struct listing {
    sg_str text;
    const sg_derivation *d;
    char *grouping;
} listing;

static void list_image(listing *l, const char *path, size_t row) {
    const sg_manifest *m = l->d->source;
    sg_csv_put(&l->text, path);
    sg_csv_put(&l->text, m->class_names[m->rows[row].class_index]);
    sg_csv_put(&l->text, m->group_labels[m->rows[row].group]);
    sg_csv_put(&l->text, l->grouping);
    sg_csv_end_row(&l->text);
}

/* The file of a new image, with the folders on the way; the caller's. */
static sg_status place(char **out, const sg_derivation *d, const char *path, sg_error *err) {
    char *file = sg_path_join(d->dir, path);
    char *folder = file ? sg_strdup(file) : NULL;
    if (!folder) {
        free(file);
        return no_memory(err);
    }
    folder[sg_path_base(folder) - folder] = '\0';
    sg_status st = sg_dir_make(folder, err);
    free(folder);
    if (st)
        free(file);
    else
        *out = file;
    return st;
}

static sg_status write_image(
        const sg_derivation *d, const char *path, const sg_image *image, sg_error *err) {
    char *file = NULL;
    sg_status st = place(&file, d, path, err);
    if (!st) st = sg_image_write_png(file, image, err);
    free(file);
    return st;
}

static sg_status copy_file(
        const sg_derivation *d, const char *from, const char *path, sg_error *err) {
    char *file = NULL, *bytes = NULL;
    size_t size = 0;
    sg_status st = sg_file_read(&bytes, &size, from, IMAGE_BYTES, err);
    if (!st) st = place(&file, d, path, err);
    if (!st) st = sg_file_write(file, bytes, size, err);
    free(bytes);
    free(file);
    return st;
}

/* Simulated images stay known as such. */
static sg_status copy_truth(const sg_derivation *d, sg_error *err) {
    char *truth = sg_path_join(d->source->root, "phantom-truth.csv");
    sg_status st = truth ? SG_OK : no_memory(err);
    if (!st && sg_path_exists(truth)) st = copy_file(d, truth, "phantom-truth.csv", err);
    free(truth);
    return st;
}

static sg_status read_set(
        sg_manifest *out, const sg_derivation *d, const char *table, sg_error *err) {
    sg_manifest_options options = SG_MANIFEST_OPTIONS_INIT;
    options.log = d->log;
    return sg_manifest_read(out, table, d->dir, &options, err);
}

/* From the finished listing to manifest.csv, which later calls open. */
static sg_status finish_set(sg_manifest *out, listing *l, const char *table, sg_error *err) {
    char *list = sg_path_join(l->d->dir, "list.csv");
    sg_status st = list ? sg_str_check(&l->text, err) : no_memory(err);
    if (!st) st = sg_file_write(list, l->text.data, l->text.len, err);
    if (!st) st = read_set(out, l->d, list, err);
    if (!st) {
        st = sg_manifest_write(out, table, err);
        if (st) sg_manifest_dispose(out);
    }
    free(list);
    return st;
}

typedef sg_status derive_one(listing *l, size_t row, const void *how, sg_error *err);

static sg_status make_set(sg_manifest *out, const sg_derivation *d, const char *table,
        const char *what, derive_one *one, const void *how, sg_error *err) {
    listing l = {.d = d, .grouping = sg_manifest_grouping_text(d->source)};
    sg_str_init(&l.text, 0);
    sg_str_append(&l.text, "path,class,group,grouping\n");
    sg_status st = l.grouping ? SG_OK : no_memory(err);
    if (!st && sg_path_exists(d->dir)) st = sg_dir_remove(d->dir, err);
    if (!st) st = sg_dir_make(d->dir, err);
    if (!st) st = copy_truth(d, err);
    for (size_t i = 0; i < d->source->count && !st; i++) {
        if (d->stop && *d->stop)
            st = sg_fail(err, SG_ERR_INTERRUPTED,
                    "stopped while %s; the same command begins it anew", what);
        if (!st) st = one(&l, i, how, err);
        sg_log_progress(d->log, what, (double)(i + 1), (double)d->source->count);
    }
    if (!st) st = finish_set(out, &l, table, err);
    sg_str_dispose(&l.text);
    free(l.grouping);
    return st;
}

static sg_status open_or_make(sg_manifest *out, const sg_derivation *d, const char *what,
        derive_one *one, const void *how, sg_error *err) {
    char *table = sg_path_join(d->dir, "manifest.csv");
    if (!table) return no_memory(err);
    sg_status st = sg_path_exists(table) ? read_set(out, d, table, err)
                                         : make_set(out, d, table, what, one, how, err);
    free(table);
    return st;
}

/* ---- masks ---- */

/* The mask may have another size: nearest pixel. */
static void blend(sg_image *on, const sg_image *mask) {
    for (int y = 0; y < on->height; y++) {
        const uint8_t *m = mask->pixels + (size_t)((int64_t)y * mask->height / on->height) *
                                                  (size_t)mask->width * (size_t)mask->channels;
        uint8_t *p = on->pixels + (size_t)y * (size_t)on->width * (size_t)on->channels;
        for (int x = 0; x < on->width; x++, p += on->channels) {
            int64_t at = (int64_t)x * mask->width / on->width * mask->channels;
            if (m[at] < MASK_LEVEL) continue;
            for (int c = 0; c < on->channels; c++) p[c] = (uint8_t)((p[c] + 255) / 2);
        }
    }
}

static sg_status draw_masks(
        sg_image *on, const sg_manifest *m, const sg_manifest_row *row, sg_error *err) {
    sg_status st = SG_OK;
    for (size_t k = 0; k < row->mask_count && !st; k++) {
        sg_image mask = {0};
        char *file = sg_path_join(m->root, row->masks[k]);
        st = file ? sg_image_read(&mask, NULL, file, NULL, err) : no_memory(err);
        if (!st) blend(on, &mask);
        sg_image_dispose(&mask);
        free(file);
    }
    return st;
}

static sg_status derive_masked(listing *l, size_t row, const void *how, sg_error *err) {
    const sg_manifest *m = l->d->source;
    const sg_manifest_row *r = &m->rows[row];
    (void)how;
    sg_image image = {0};
    char *file = sg_manifest_file(m, row);
    sg_status st = file ? SG_OK : no_memory(err);
    if (!st && !r->mask_count) {
        st = copy_file(l->d, file, r->path, err);
    } else if (!st) {
        st = sg_image_read(&image, NULL, file, NULL, err);
        if (!st) st = draw_masks(&image, m, r, err);
        if (!st) st = write_image(l->d, r->path, &image, err);
    }
    if (!st) list_image(l, r->path, row);
    sg_image_dispose(&image);
    free(file);
    return st;
}

sg_status sg_derive_masked(sg_manifest *out, const sg_derivation *d, sg_error *err) {
    return open_or_make(out, d, "drawing masks into images", derive_masked, NULL, err);
}

/* ---- copies ---- */

static char *copy_name(const char *path, int number) {
    const char *dot = strrchr(sg_path_base(path), '.');
    int stem = dot ? (int)(dot - path) : (int)strlen(path);
    return sg_strdupf("%.*s_copy%d.png", stem, path, number);
}

/* What training would make of the image in epoch `number`. */
static sg_status make_copy(sg_image *out, sg_plane *plane, const sg_image *prepared,
        const sg_copies *how, size_t row, int number, sg_error *err) {
    int size = how->recipe.size;
    sg_augment_draw draw;
    sg_augment_draw_sample(
            &draw, &how->augment, size, how->seed, (uint32_t)number, (uint32_t)row, 0);
    sg_status st = sg_recipe_sample(plane->values, prepared, &how->recipe, draw.affine, err);
    if (st) return st;
    sg_augment_apply(plane->values, size, &draw);
    for (size_t i = 0; i < (size_t)size * (size_t)size; i++) plane->values[i] *= 255.0f;
    return sg_image_from_plane(out, plane, err);
}

static sg_status derive_copies(listing *l, size_t row, const void *user, sg_error *err) {
    const sg_copies *how = user;
    const sg_manifest *m = l->d->source;
    const char *path = m->rows[row].path;
    sg_image raw = {0}, prepared = {0};
    sg_plane plane = {0};
    char *file = sg_manifest_file(m, row);
    sg_status st = file ? copy_file(l->d, file, path, err) : no_memory(err);
    if (!st) list_image(l, path, row);
    if (!st) st = sg_image_read(&raw, NULL, file, NULL, err);
    if (!st) st = sg_recipe_prepare(&prepared, NULL, &raw, &how->recipe, err);
    if (!st) st = sg_plane_create(&plane, how->recipe.size, how->recipe.size, err);
    for (int k = 1; k <= how->count && !st; k++) {
        sg_image copy = {0};
        char *name = copy_name(path, k);
        st = name ? make_copy(&copy, &plane, &prepared, how, row, k, err) : no_memory(err);
        if (!st) st = write_image(l->d, name, &copy, err);
        if (!st) list_image(l, name, row);
        sg_image_dispose(&copy);
        free(name);
    }
    sg_plane_dispose(&plane);
    sg_image_dispose(&prepared);
    sg_image_dispose(&raw);
    free(file);
    return st;
}

sg_status sg_derive_copies(
        sg_manifest *out, const sg_derivation *d, const sg_copies *copies, sg_error *err) {
    if (copies->count < 1 || copies->count > 100)
        return sg_fail(
                err, SG_ERR_USAGE, "%d copies of each image; 1 to 100 are possible", copies->count);
    return open_or_make(out, d, "making augmented copies", derive_copies, copies, err);
}
