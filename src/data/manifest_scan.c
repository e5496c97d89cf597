/* manifest_scan.c - a folder of class folders becomes rows; masks find their images by name.
 * Hidden entries and __MACOSX are passed over. SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "data/manifest_internal.h"
#include "data/published.h"
#include "image/codec.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_DEPTH = 12 };

/* ---- names ---- */

/* Length of the name without its extension. */
static size_t stem_length(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot ? (size_t)(dot - name) : strlen(name);
}

int sg_mask_stem(const char *name) {
    size_t end = stem_length(name);
    while (end > 0 && isdigit((unsigned char)name[end - 1])) end--;
    if (end > 0 && end < stem_length(name) && name[end - 1] == '_') end--;
    static const char word[] = "_mask";
    size_t n = sizeof word - 1;
    return end >= n && strncasecmp(name + end - n, word, n) == 0 ? (int)(end - n) : -1;
}

bool sg_mask_folder(const char *name) {
    return strcasecmp(name, "mask") == 0 || strcasecmp(name, "masks") == 0;
}

static bool is_hidden(const char *name) {
    return name[0] == '.' || strcmp(name, "__MACOSX") == 0;
}

/* ---- which folder holds the classes ---- */

typedef struct folder_look {
    size_t folders, images; /* visible; mask folders and masks not counted */
    char *only_folder;      /* the last folder seen, the caller's */
} folder_look;

static sg_status look_at_folder(folder_look *look, const char *dir, sg_error *err) {
    char **names;
    size_t count;
    sg_status status = sg_dir_list(&names, &count, dir, err);
    if (status) return status;
    *look = (folder_look){0};
    for (size_t i = 0; i < count && !status; i++) {
        if (is_hidden(names[i])) continue;
        char *path = sg_path_join(dir, names[i]);
        if (!path) {
            status = sg_fail(err, SG_ERR_MEMORY, "%s: out of memory", dir);
        } else if (!sg_path_is_dir(path)) {
            look->images += sg_image_has_extension(names[i]) && sg_mask_stem(names[i]) < 0;
        } else if (!sg_mask_folder(names[i])) {
            look->folders++;
            free(look->only_folder);
            look->only_folder = path;
            path = NULL;
        }
        free(path);
    }
    sg_names_free(names);
    if (status) free(look->only_folder);
    return status;
}

static bool is_known_class(const char *name) {
    return !strcasecmp(name, "benign") || !strcasecmp(name, "malignant") ||
           !strcasecmp(name, "normal");
}

/* Goes down while a folder holds one folder and no image, and that one is no class itself. */
static sg_status find_class_root(char **root, const char *dir, sg_error *err) {
    char *at = sg_strdup(dir);
    if (!at) return sg_fail(err, SG_ERR_MEMORY, "%s: out of memory", dir);
    for (int depth = 0; depth < MAX_DEPTH; depth++) {
        folder_look here, below = {0};
        sg_status status = look_at_folder(&here, at, err);
        bool single = !status && here.folders == 1 && here.images == 0 &&
                      !is_known_class(sg_path_base(here.only_folder));
        if (single) status = look_at_folder(&below, here.only_folder, err);
        bool go_down = single && !status && below.folders > 0 && below.images == 0;
        free(below.only_folder);
        if (status) {
            free(here.only_folder);
            free(at);
            return status;
        }
        if (!go_down) {
            free(here.only_folder);
            break;
        }
        free(at);
        at = here.only_folder;
    }
    *root = at;
    return SG_OK;
}

/* ---- walking ---- */

typedef struct scan {
    const char *root;
    sg_manifest_builder *builder;
    const char *class_name;
    char **masks; /* relative paths */
    size_t mask_count, mask_capacity;
} scan;

static sg_status note_mask(scan *s, const char *path, sg_error *err) {
    sg_status status =
            sg_grow(&s->masks, &s->mask_capacity, s->mask_count + 1, sizeof *s->masks, err);
    if (status) return status;
    s->masks[s->mask_count] = sg_strdup(path);
    if (!s->masks[s->mask_count]) return sg_fail(err, SG_ERR_MEMORY, "%s: out of memory", path);
    s->mask_count++;
    return SG_OK;
}

static sg_status walk(scan *s, const char *folder, int depth, bool masks_only, sg_error *err);

/* `path` is relative to the root, `name` its last part. */
static sg_status visit(
        scan *s, const char *path, const char *name, int depth, bool masks_only, sg_error *err) {
    char *full = sg_path_join(s->root, path);
    if (!full) return sg_fail(err, SG_ERR_MEMORY, "%s: out of memory", path);
    bool folder = sg_path_is_dir(full);
    free(full);
    if (folder) return walk(s, path, depth + 1, masks_only || sg_mask_folder(name), err);
    if (!sg_image_has_extension(name)) return SG_OK;
    if (masks_only || sg_mask_stem(name) >= 0) return note_mask(s, path, err);
    sg_manifest_row *row;
    return sg_manifest_add_row(&row, s->builder, path, s->class_name, err);
}

static sg_status walk(scan *s, const char *folder, int depth, bool masks_only, sg_error *err) {
    if (depth > MAX_DEPTH)
        return sg_fail(err, SG_ERR_INPUT,
                "%s/%s: folders are nested more than %d deep; remove the link that leads in a "
                "circle, or name a folder further down",
                s->root, folder, MAX_DEPTH);
    char *full = sg_path_join(s->root, folder);
    if (!full) return sg_fail(err, SG_ERR_MEMORY, "%s: out of memory", folder);
    char **names;
    size_t count;
    sg_status status = sg_dir_list(&names, &count, full, err);
    free(full);
    if (status) return status;
    for (size_t i = 0; i < count && !status; i++) {
        if (is_hidden(names[i])) continue;
        char *path = sg_path_join(folder, names[i]);
        status = path ? visit(s, path, names[i], depth, masks_only, err)
                      : sg_fail(err, SG_ERR_MEMORY, "%s: out of memory", folder);
        free(path);
    }
    sg_names_free(names);
    return status;
}

static sg_status walk_class(scan *s, const char *name, sg_error *err) {
    size_t before = s->builder->manifest.count;
    s->class_name = name;
    sg_status status = walk(s, name, 1, false, err);
    if (status) return status;
    if (s->builder->manifest.count == before)
        return sg_fail(err, SG_ERR_INPUT,
                "%s/%s: this class folder holds no PNG or JPEG image (masks do not count); add "
                "images or remove the folder",
                s->root, name);
    return SG_OK;
}

static sg_status walk_classes(scan *s, const sg_log *log, sg_error *err) {
    char **names;
    size_t count, loose = 0, classes = 0;
    sg_status status = sg_dir_list(&names, &count, s->root, err);
    if (status) return status;
    for (size_t i = 0; i < count && !status; i++) {
        if (is_hidden(names[i])) continue;
        char *full = sg_path_join(s->root, names[i]);
        bool folder = full && sg_path_is_dir(full);
        free(full);
        if (folder && sg_mask_folder(names[i])) {
            sg_log_line(log, SG_LOG_INFO, "%s/%s: left aside, a folder of masks is no class",
                    s->root, names[i]);
        } else if (folder) {
            classes++;
            status = walk_class(s, names[i], err);
        } else {
            loose += sg_image_has_extension(names[i]) && sg_mask_stem(names[i]) < 0;
        }
    }
    sg_names_free(names);
    if (status) return status;
    if (classes == 0)
        return sg_fail(err, SG_ERR_INPUT,
                "%s: holds no class folder; expected one folder per class with PNG or JPEG images "
                "in it, such as benign/ malignant/ normal/",
                s->root);
    if (loose)
        sg_log_line(log, SG_LOG_WARN, "%s: %zu images lie in no class folder and are left out",
                s->root, loose);
    return SG_OK;
}

/* ---- masks to images ---- */

/* "folder/stem" of an image or of the image a mask belongs to. */
typedef struct image_key {
    char *text;
    size_t row;
} image_key;

static int compare_keys(const void *a, const void *b) {
    return strcmp(((const image_key *)a)->text, ((const image_key *)b)->text);
}

static const image_key *find_key(const image_key *keys, size_t n, const char *folder,
        int folder_length, const char *part, const char *stem, int stem_length_) {
    char *text = sg_strdupf("%.*s%s%.*s", folder_length, folder, part, stem_length_, stem);
    if (!text) return NULL;
    image_key wanted = {text, 0};
    const image_key *found = bsearch(&wanted, keys, n, sizeof *keys, compare_keys);
    free(text);
    return found;
}

/* Beside the mask; or, for a folder of masks, in the folder around it or its `images`. */
static const image_key *find_image_of_mask(const image_key *keys, size_t n, const char *mask) {
    const char *name = sg_path_base(mask);
    int folder = (int)(name - mask); /* with its slash */
    int stem = sg_mask_stem(name);
    if (stem < 0) stem = (int)stem_length(name);
    const image_key *found = find_key(keys, n, mask, folder, "", name, stem);
    if (found || folder < 2) return found;
    int parent = folder - 1; /* up to the slash before the folder's own name */
    while (parent > 0 && mask[parent - 1] != '/') parent--;
    found = find_key(keys, n, mask, parent, "", name, stem);
    return found ? found : find_key(keys, n, mask, parent, "images/", name, stem);
}

static sg_status match_masks(scan *s, const sg_log *log, sg_error *err) {
    sg_manifest *m = &s->builder->manifest;
    image_key *keys = calloc(m->count + 1, sizeof *keys);
    sg_status status =
            keys ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "%s: out of memory for masks", s->root);
    for (size_t i = 0; i < m->count && !status; i++) {
        const char *path = m->rows[i].path, *name = sg_path_base(path);
        size_t length = (size_t)(name - path) + stem_length(name);
        keys[i] = (image_key){sg_strdupf("%.*s", (int)length, path), i};
        if (!keys[i].text) status = sg_fail(err, SG_ERR_MEMORY, "%s: out of memory", path);
    }
    if (!status) qsort(keys, m->count, sizeof *keys, compare_keys);
    for (size_t i = 0; i < s->mask_count && !status; i++) {
        const image_key *key = find_image_of_mask(keys, m->count, s->masks[i]);
        if (key)
            status = sg_manifest_add_mask(&m->rows[key->row], s->masks[i], err);
        else if (m->stray_masks++ == 0)
            sg_log_line(log, SG_LOG_WARN, "%s/%s: a mask whose image is not there", s->root,
                    s->masks[i]);
    }
    if (!status && m->stray_masks > 1)
        sg_log_line(log, SG_LOG_WARN, "%zu masks in all have no image; none was taken for an image",
                m->stray_masks);
    for (size_t i = 0; keys && i < m->count; i++) free(keys[i].text);
    free(keys);
    return status;
}

static sg_status read_published(sg_manifest *out, const sg_published *set, char *root,
        const sg_manifest_options *options, sg_error *err) {
    sg_manifest_builder builder = {.manifest.root = root};
    sg_status status = sg_published_read(&builder, set, options, err);
    sg_manifest_known known = {false, options->group_by == NULL};
    if (!status) status = sg_manifest_complete(out, &builder, known, options, err);
    sg_manifest_builder_dispose(&builder);
    return status;
}

sg_status sg_manifest_scan(
        sg_manifest *out, const char *dir, const sg_manifest_options *options, sg_error *err) {
    static const sg_manifest_options defaults = SG_MANIFEST_OPTIONS_INIT;
    if (!options) options = &defaults;
    if (!sg_path_is_dir(dir))
        return sg_path_exists(dir)
                       ? sg_fail(err, SG_ERR_INPUT,
                                 "%s: is a file; name the folder that holds the class folders", dir)
                       : sg_fail(err, SG_ERR_MISSING, "%s: there is no such folder; check the path",
                                 dir);
    const sg_published *set;
    char *published_root = NULL;
    sg_status status = sg_published_find(&set, &published_root, dir, err);
    if (status) return status;
    if (set) return read_published(out, set, published_root, options, err);
    sg_manifest_builder builder = {0};
    status = find_class_root(&builder.manifest.root, dir, err);
    scan s = {.root = builder.manifest.root, .builder = &builder};
    if (!status) status = walk_classes(&s, options->log, err);
    if (!status) status = match_masks(&s, options->log, err);
    if (!status)
        status = sg_manifest_complete(
                out, &builder, (sg_manifest_known){false, false}, options, err);
    for (size_t i = 0; i < s.mask_count; i++) free(s.masks[i]);
    free(s.masks);
    sg_manifest_builder_dispose(&builder);
    return status;
}
