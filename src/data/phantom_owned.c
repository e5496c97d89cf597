/* phantom_owned.c - what of a folder is a phantom set's, by its own truth table: the table, the one
 * of marks, the three class folders, the images that the table names and their masks.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "base/file.h"
#include "data/phantom.h"
#include "data/phantom_scene.h"
#include <stdlib.h>
#include <string.h>

typedef struct owned {
    const char **paths; /* [count], sorted; borrowed from the table */
    size_t count;
} owned;

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool names(const owned *o, const char *path) {
    return bsearch(&path, o->paths, o->count, sizeof *o->paths, by_text) != NULL;
}

/* "class/class (3).png", or a mask of it. */
static bool is_picture(const owned *o, const char *path) {
    static const char *const ends[] = {"_mask.png", "_mask_1.png"};
    if (names(o, path)) return true;
    size_t n = strlen(path);
    bool found = false;
    for (size_t i = 0; i < sizeof ends / sizeof *ends && !found; i++) {
        size_t m = strlen(ends[i]);
        if (n <= m || strcmp(path + n - m, ends[i]) != 0) continue;
        char *image = sg_strdupf("%.*s.png", (int)(n - m), path);
        found = image && names(o, image);
        free(image);
    }
    return found;
}

static bool is_class(const char *name) {
    for (int c = 0; c < SG_PHANTOM_CLASSES; c++)
        if (strcmp(name, sg_phantom_class_name((sg_phantom_class)c)) == 0) return true;
    return false;
}

/* A table that was being written when its process was killed. */
static bool is_unfinished(const char *name) {
    return strncmp(name, ".sonograde-", 11) == 0 && sg_ends_with(name, ".tmp");
}

static bool is_table(const char *name) {
    return strcmp(name, SG_PHANTOM_TRUTH) == 0 || strcmp(name, SG_PHANTOM_MARK_TABLE) == 0 ||
           is_unfinished(name);
}

static sg_status foreign(const char *dir, const char *path, sg_error *err) {
    return sg_fail(err, SG_ERR_INPUT,
            "%s holds %s, which is not of the phantom set there and would be deleted with it; move "
            "it away, or name a new folder",
            dir, path);
}

static sg_status check_class(const owned *o, const char *dir, const char *class, sg_error *err) {
    char **found = NULL, *folder = sg_path_join(dir, class);
    size_t count = 0;
    sg_status st = folder ? sg_dir_list(&found, &count, folder, err)
                          : sg_fail(err, SG_ERR_MEMORY, "out of memory looking into %s", dir);
    for (size_t i = 0; i < count && !st; i++) {
        char *path = sg_strdupf("%s/%s", class, found[i]), *full = sg_path_join(folder, found[i]);
        if (!path || !full)
            st = sg_fail(err, SG_ERR_MEMORY, "out of memory looking into %s", dir);
        else if (!is_picture(o, path) || sg_path_is_dir(full))
            st = foreign(dir, path, err);
        free(path);
        free(full);
    }
    sg_names_free(found);
    free(folder);
    return st;
}

static sg_status check_all(const owned *o, const char *dir, sg_error *err) {
    char **found = NULL;
    size_t count = 0;
    sg_status st = sg_dir_list(&found, &count, dir, err);
    for (size_t i = 0; i < count && !st; i++) {
        char *full = sg_path_join(dir, found[i]);
        bool folder = full && sg_path_is_dir(full);
        free(full);
        if (folder && is_class(found[i]))
            st = check_class(o, dir, found[i], err);
        else if (folder || !is_table(found[i]))
            st = foreign(dir, found[i], err);
    }
    sg_names_free(found);
    return st;
}

sg_status sg_phantom_check_owned(const char *dir, sg_error *err) {
    sg_csv csv = {0};
    owned o = {0};
    char *truth = sg_path_join(dir, SG_PHANTOM_TRUTH);
    sg_status st = truth ? sg_csv_read(&csv, truth, err)
                         : sg_fail(err, SG_ERR_MEMORY, "out of memory looking into %s", dir);
    free(truth);
    if (st) return st;
    int column = sg_csv_column(&csv, "path");
    o.paths = malloc((csv.rows + 1) * sizeof *o.paths);
    if (!o.paths) st = sg_fail(err, SG_ERR_MEMORY, "out of memory looking into %s", dir);
    if (!st && column >= 0)
        for (size_t i = 0; i < csv.rows; i++) o.paths[o.count++] = sg_csv_cell(&csv, i, column);
    if (!st) {
        qsort(o.paths, o.count, sizeof *o.paths, by_text);
        st = check_all(&o, dir, err);
    }
    free(o.paths);
    sg_csv_dispose(&csv);
    return st;
}
