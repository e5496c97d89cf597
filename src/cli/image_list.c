/* image_list.c - see image_list.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/image_list.h"
#include "base/file.h"
#include "data/manifest.h"
#include "image/codec.h"
#include <stdlib.h>
#include <string.h>

void sg_image_list_dispose(sg_image_list *p) {
    for (size_t i = 0; i < p->count; i++) free(p->items[i]);
    free(p->items);
}

static sg_status add_path(sg_image_list *p, const char *path, sg_error *err) {
    sg_status st = sg_grow(&p->items, &p->capacity, p->count + 1, sizeof *p->items, err);
    if (st) return st;
    char *copy = sg_strdup(path);
    if (!copy) return sg_fail(err, SG_ERR_MEMORY, "out of memory listing images");
    p->items[p->count++] = copy;
    return SG_OK;
}

static sg_status add_tree(sg_image_list *p, const char *path, int depth, sg_error *err) {
    if (!sg_path_is_dir(path)) {
        if (sg_mask_stem(sg_path_base(path)) >= 0)
            return sg_fail(err, SG_ERR_INPUT,
                    "%s is named like a lesion mask, and a mask is no image; name the image itself",
                    path);
        return add_path(p, path, err);
    }
    if (depth > 32) return sg_fail(err, SG_ERR_INPUT, "%s is nested too deeply", path);
    char **names;
    size_t count;
    sg_status st = sg_dir_list(&names, &count, path, err);
    if (st) return st;
    for (size_t i = 0; i < count && !st; i++) {
        char *full = sg_path_join(path, names[i]);
        if (!full)
            st = sg_fail(err, SG_ERR_MEMORY, "out of memory listing images");
        else if (sg_path_is_dir(full))
            st = add_tree(p, full, depth + 1, err);
        else if (sg_image_has_extension(names[i]) && sg_mask_stem(names[i]) < 0)
            st = add_path(p, full, err);
        free(full);
    }
    sg_names_free(names);
    return st;
}

static sg_status add_list(sg_image_list *p, const char *list, sg_error *err) {
    char *text, *rest;
    size_t size;
    sg_status st = sg_file_read(&text, &size, list, (size_t)64 << 20, err);
    if (st) return st;
    rest = text;
    for (char *line = strsep(&rest, "\n"); line && !st; line = strsep(&rest, "\n")) {
        line[strcspn(line, "\r")] = '\0';
        if (*line) st = add_tree(p, line, 0, err);
    }
    free(text);
    return st;
}

sg_status sg_image_list_add(sg_image_list *p, const char *path, sg_error *err) {
    size_t before = p->count;
    sg_status st = add_tree(p, path, 0, err);
    if (!st && p->count == before)
        st = sg_fail(err, SG_ERR_INPUT, "%s holds no PNG or JPEG image", path);
    return st;
}

sg_status sg_image_list_fill(
        sg_image_list *p, const sg_call *call, const char *list, sg_error *err) {
    sg_status st = list ? add_list(p, list, err) : SG_OK;
    for (int i = 0; i < call->operand_count && !st; i++)
        st = sg_image_list_add(p, call->operands[i], err);
    return st;
}
