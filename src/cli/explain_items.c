/* explain_items.c - see explain_items.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain_items.h"
#include "image/codec.h"
#include "image/grey.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory listing images");
}

void sg_explain_items_dispose(sg_explain_items *list) {
    for (size_t i = 0; i < list->count; i++) {
        sg_explain_item *item = &list->items[i];
        for (size_t k = 0; k < item->mask_count; k++) free(item->masks[k]);
        free(item->masks);
        free(item->path);
    }
    free(list->items);
}

/* A new item with this path, which becomes the item's. */
static sg_status add_item(
        sg_explain_item **item, sg_explain_items *list, char *path, sg_error *err) {
    sg_status st = path ? SG_OK : no_memory(err);
    if (!st) st = sg_grow(&list->items, &list->capacity, list->count + 1, sizeof **item, err);
    if (st) {
        free(path);
        return st;
    }
    *item = &list->items[list->count];
    **item = (sg_explain_item){.path = path, .truth = -1, .group = (uint32_t)list->count};
    list->count++;
    return SG_OK;
}

static sg_status add_mask(sg_explain_item *item, char *path, sg_error *err) {
    char **more = path ? realloc(item->masks, (item->mask_count + 1) * sizeof *more) : NULL;
    if (!more) {
        free(path);
        return no_memory(err);
    }
    item->masks = more;
    item->masks[item->mask_count++] = path;
    return SG_OK;
}

static int class_of(const sg_bundle *b, const char *name, size_t length) {
    for (int c = 0; c < b->class_count; c++)
        if (strlen(b->classes[c]) == length && strncasecmp(b->classes[c], name, length) == 0)
            return c;
    return -1;
}

/* Names of the folder that was looked into last: images of one folder come together. */
typedef struct folder {
    char *path, **names;
    size_t count;
} folder;

static void folder_close(folder *f) {
    sg_names_free(f->names);
    free(f->path);
    *f = (folder){0};
}

static sg_status folder_open(folder *f, const char *path, size_t length, sg_error *err) {
    if (f->path && strlen(f->path) == length && memcmp(f->path, path, length) == 0) return SG_OK;
    folder_close(f);
    f->path = sg_strdupf("%.*s", (int)length, path);
    return f->path ? sg_dir_list(&f->names, &f->count, length ? f->path : ".", err)
                   : no_memory(err);
}

static sg_status find_masks(sg_explain_item *item, folder *f, sg_error *err) {
    const char *name = sg_path_base(item->path), *dot = strrchr(name, '.');
    size_t stem = dot ? (size_t)(dot - name) : strlen(name);
    sg_status st = folder_open(f, item->path, (size_t)(name - item->path), err);
    for (size_t i = 0; i < f->count && !st; i++) {
        int of = sg_mask_stem(f->names[i]);
        if (of >= 0 && (size_t)of == stem && strncmp(f->names[i], name, stem) == 0 &&
                sg_image_has_extension(f->names[i]))
            st = add_mask(item, sg_strdupf("%s%s", f->path, f->names[i]), err);
    }
    return st;
}

/* The name of the folder that holds the file. */
static int class_by_folder(const sg_bundle *b, const char *path) {
    const char *end = sg_path_base(path);
    if (end == path) return -1;
    const char *start = --end;
    while (start > path && start[-1] != '/') start--;
    return class_of(b, start, (size_t)(end - start));
}

sg_status sg_explain_items_from_paths(
        sg_explain_items *out, const sg_image_list *paths, const sg_bundle *b, sg_error *err) {
    folder f = {0};
    sg_status st = SG_OK;
    for (size_t i = 0; i < paths->count && !st; i++) {
        sg_explain_item *item;
        st = add_item(&item, out, sg_strdup(paths->items[i]), err);
        if (st) break;
        item->truth = class_by_folder(b, item->path);
        st = find_masks(item, &f, err);
    }
    folder_close(&f);
    return st;
}

sg_status sg_explain_items_from_manifest(
        sg_explain_items *out, const sg_manifest *m, const sg_bundle *b, sg_error *err) {
    sg_status st = SG_OK;
    for (size_t i = 0; i < m->count && !st; i++) {
        const sg_manifest_row *row = &m->rows[i];
        const char *name = m->class_names[row->class_index];
        sg_explain_item *item;
        st = add_item(&item, out, sg_manifest_file(m, i), err);
        if (st) break;
        item->truth = class_of(b, name, strlen(name));
        item->group = (uint32_t)row->group;
        item->pixel_mm = row->pixel_mm;
        for (size_t k = 0; k < row->mask_count && !st; k++)
            st = add_mask(item, sg_path_join(m->root, row->masks[k]), err);
    }
    return st;
}

void sg_explain_items_set_pixels(
        sg_explain_items *items, double pixel_mm, size_t *with, size_t *without) {
    *with = *without = 0;
    for (size_t i = 0; i < items->count; i++) {
        sg_explain_item *item = &items->items[i];
        if (!(item->pixel_mm > 0)) item->pixel_mm = pixel_mm;
        if (item->mask_count) ++*(item->pixel_mm > 0 ? with : without);
    }
}

static sg_status join_mask(uint8_t *mask, const char *path, int width, int height, sg_error *err) {
    sg_image image, grey = {0};
    sg_status st = sg_image_read(&image, NULL, path, NULL, err);
    if (st) return st;
    if (image.width != width || image.height != height)
        st = sg_fail(err, SG_ERR_INPUT,
                "%s: a mask of %d x %d pixels for an image of %d x %d; a mask must have the size "
                "of its image",
                path, image.width, image.height, width, height);
    if (!st) st = sg_grey_convert(&grey, &image, err);
    for (size_t i = 0; !st && i < sg_image_size(&grey); i++) mask[i] |= grey.pixels[i] > 127;
    sg_image_dispose(&image);
    sg_image_dispose(&grey);
    return st;
}

sg_status sg_explain_item_mask(uint8_t **mask, bool *lesion, const sg_explain_item *item, int width,
        int height, sg_error *err) {
    size_t n = (size_t)width * (size_t)height;
    *mask = NULL;
    *lesion = false;
    if (!item->mask_count) return SG_OK;
    uint8_t *joined = calloc(n, 1);
    sg_status st = joined ? SG_OK : no_memory(err);
    for (size_t k = 0; k < item->mask_count && !st; k++)
        st = join_mask(joined, item->masks[k], width, height, err);
    if (st) {
        free(joined);
        return st;
    }
    *lesion = memchr(joined, 1, n) != NULL;
    *mask = joined;
    return SG_OK;
}
