/* dir.c - folders and paths, the second half of file.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/io_error.h"
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_FOLDERS = 32 };

bool sg_path_exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0;
}

bool sg_path_is_dir(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* One level; a folder that is there already is fine. */
static bool make_one(const char *path) {
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && sg_path_is_dir(path))) return true;
    if (errno == EEXIST) errno = ENOTDIR;
    return false;
}

sg_status sg_dir_make(const char *path, sg_error *err) {
    if (sg_path_is_dir(path)) return SG_OK;
    char *copy = sg_strdup(path);
    if (!copy) return sg_fail(err, SG_ERR_MEMORY, "%s: out of memory", path);
    bool made = true;
    for (char *p = copy + 1; *copy && *p && made; p++) {
        if (*p != '/') continue;
        *p = '\0';
        made = make_one(copy);
        *p = '/';
    }
    if (made) made = make_one(copy);
    sg_status status = made ? SG_OK : sg_io_fail(err, "cannot make folder", path);
    free(copy);
    return status;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where) {
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

/* FTW_PHYS: a link is removed, never followed. */
sg_status sg_dir_remove(const char *path, sg_error *err) {
    if (nftw(path, remove_entry, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS) == 0) return SG_OK;
    if (errno == ENOENT && !sg_path_exists(path)) return SG_OK;
    return sg_io_fail(err, "cannot remove", path);
}

static bool is_dots(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

sg_status sg_dir_is_empty(bool *empty, const char *path, sg_error *err) {
    DIR *dir = opendir(path);
    if (!dir) return sg_io_fail(err, "cannot open folder", path);
    const struct dirent *entry;
    do {
        errno = 0;
        entry = readdir(dir);
    } while (entry && is_dots(entry->d_name));
    sg_status status = SG_OK;
    if (!entry && errno) status = sg_io_fail(err, "cannot read folder", path);
    closedir(dir);
    if (!status) *empty = !entry;
    return status;
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Everything readdir gives, unsorted, NULL-terminated as it grows. */
static sg_status collect(char ***names, size_t *count, DIR *dir, const char *path, sg_error *err) {
    size_t capacity = 0;
    for (;;) {
        sg_status status = sg_grow(names, &capacity, *count + 1, sizeof **names, err);
        if (status) return status;
        (*names)[*count] = NULL;
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry) return errno ? sg_io_fail(err, "cannot read folder", path) : SG_OK;
        if (is_dots(entry->d_name)) continue;
        (*names)[*count] = sg_strdup(entry->d_name);
        if (!(*names)[*count]) return sg_fail(err, SG_ERR_MEMORY, "%s: out of memory", path);
        ++*count;
    }
}

sg_status sg_dir_list(char ***names, size_t *count, const char *path, sg_error *err) {
    DIR *dir = opendir(path);
    if (!dir) return sg_io_fail(err, "cannot open folder", path);
    char **found = NULL;
    size_t n = 0;
    sg_status status = collect(&found, &n, dir, path, err);
    closedir(dir);
    if (status) {
        sg_names_free(found);
        return status;
    }
    qsort(found, n, sizeof *found, by_bytes);
    *names = found;
    *count = n;
    return SG_OK;
}

void sg_names_free(char **names) {
    if (!names) return;
    for (size_t i = 0; names[i]; i++) free(names[i]);
    free(names);
}

char *sg_path_join(const char *folder, const char *name) {
    size_t n = strlen(folder);
    if (n == 0) return sg_strdup(name);
    return sg_strdupf("%s%s%s", folder, folder[n - 1] == '/' ? "" : "/", name);
}

bool sg_path_marked_above(const char *path, const char *name) {
    char *full = realpath(path, NULL), *marker = NULL;
    for (int up = 0; full && up < 2; up++) {
        char *slash = strrchr(full, '/');
        if (slash) *slash = '\0';
    }
    if (full) marker = sg_strdupf("%s/%s", full, name);
    bool found = marker && sg_path_exists(marker);
    free(marker);
    free(full);
    return found;
}

const char *sg_path_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}
