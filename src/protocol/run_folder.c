/* run_folder.c - see run_folder.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "protocol/run_folder.h"
#include "base/aside.h"
#include <stdlib.h>
#include <string.h>

static sg_status take_lock(sg_file_lock *lock, const char *folder, const char *dir, sg_error *err) {
    char *path = sg_path_join(folder, ".lock");
    sg_status st = path ? sg_file_lock_take(lock, path, err)
                        : sg_fail(err, SG_ERR_MEMORY, "out of memory with the run %s", dir);
    free(path);
    return st ? sg_fail_context(err, st, "the run %s is in use", dir) : SG_OK;
}

/* --overwrite replaces runs, not whatever --run was mistyped as. */
static sg_status check_is_run(const char *dir, sg_error *err) {
    char *args = sg_path_join(dir, "args.yaml");
    bool is_run = args && sg_path_exists(args);
    free(args);
    return is_run ? SG_OK
                  : sg_fail(err, SG_ERR_INPUT,
                            "%s is no run folder (it has no args.yaml), so --overwrite does not "
                            "delete it; choose another --run",
                            dir);
}

/* Nothing of a run is there: what a training leaves that was killed before it wrote its settings
 * does not count. */
static sg_status is_unused(bool *out, const char *dir, sg_error *err) {
    char **names = NULL;
    size_t count = 0;
    *out = true;
    sg_status st = sg_path_exists(dir) ? sg_dir_list(&names, &count, dir, err) : SG_OK;
    for (size_t i = 0; i < count && !st; i++)
        if (strcmp(names[i], ".lock") != 0 && strncmp(names[i], ".sonograde-", 11) != 0)
            *out = false;
    sg_names_free(names);
    return st;
}

/* A process was killed when it had put a run aside and not yet begun its own. */
static sg_status recover(const char *dir, sg_error *err) {
    sg_file_lock lock = {-1};
    char *aside = sg_aside_path(dir);
    sg_status st = aside ? take_lock(&lock, aside, dir, err)
                         : sg_fail(err, SG_ERR_MEMORY, "out of memory with the run %s", dir);
    if (!st) st = sg_aside_restore(dir, err);
    sg_file_lock_drop(&lock);
    free(aside);
    return st;
}

/* Makes `dir` and locks it; what was there stays locked until then. */
static sg_status take(sg_run_folder *f, bool unused, sg_error *err) {
    sg_file_lock old = {-1};
    sg_status st = unused ? SG_OK : take_lock(&old, f->dir, f->dir, err);
    if (!st && !unused) {
        st = sg_aside_put(f->dir, err);
        f->made = st == SG_OK;
    }
    if (!st) st = sg_dir_make(f->dir, err);
    if (!st) st = take_lock(&f->lock, f->dir, f->dir, err);
    if (st && f->made) (void)!sg_aside_restore(f->dir, NULL); /* the first failure is told */
    sg_file_lock_drop(&old);
    f->made = st == SG_OK;
    return st;
}

sg_status sg_run_folder_make(sg_run_folder *out, const char *dir, bool overwrite, sg_error *err) {
    sg_run_folder f = SG_RUN_FOLDER_INIT;
    bool unused = true;
    f.dir = dir;
    sg_status st = is_unused(&unused, dir, err);
    if (!st && unused && sg_aside_waits(dir)) {
        st = recover(dir, err);
        if (!st) st = is_unused(&unused, dir, err);
    }
    if (!st && !unused && !overwrite)
        st = sg_fail(err, SG_ERR_USAGE,
                "%s is not empty; go on with it by `train --resume %s`, choose another --run, or "
                "add --overwrite to replace it",
                dir, dir);
    if (!st && !unused) st = check_is_run(dir, err);
    if (!st) st = take(&f, unused, err);
    if (!st) *out = f;
    return st;
}

sg_status sg_run_folder_enter(sg_run_folder *out, const char *dir, sg_error *err) {
    sg_run_folder f = SG_RUN_FOLDER_INIT;
    f.dir = dir;
    sg_status st = take_lock(&f.lock, dir, dir, err);
    if (!st) *out = f;
    return st;
}

sg_status sg_run_folder_keep(const sg_run_folder *folder, sg_error *err) {
    return sg_aside_drop(folder->dir, err);
}

sg_status sg_run_folder_give_up(sg_run_folder *folder, sg_error *err) {
    sg_status st = SG_OK;
    if (folder->made) st = sg_dir_remove(folder->dir, err);
    if (folder->made && !st) st = sg_aside_restore(folder->dir, err);
    sg_run_folder_leave(folder);
    return st;
}

void sg_run_folder_leave(sg_run_folder *folder) {
    sg_file_lock_drop(&folder->lock);
    folder->made = false;
}
