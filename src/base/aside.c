/* aside.c - see aside.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/aside.h"
#include "base/file.h"
#include "base/io_error.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char marker_name[] = ".sonograde-replaced";
static const char marker_text[] =
        "--overwrite put this folder aside. It is deleted when what replaces it has got going, and "
        "comes back when that fails.\n";

static sg_status no_memory(const char *dir, sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory replacing %s", dir);
}

static size_t bare_length(const char *dir) {
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/') n--;
    return n;
}

char *sg_aside_path(const char *dir) {
    return sg_strdupf("%.*s.replaced", (int)bare_length(dir), dir);
}

static bool is_marked(const char *aside) {
    char *marker = sg_path_join(aside, marker_name);
    bool marked = marker && sg_path_exists(marker);
    free(marker);
    return marked;
}

bool sg_aside_waits(const char *dir) {
    char *aside = sg_aside_path(dir);
    bool waits = aside && is_marked(aside);
    free(aside);
    return waits;
}

static sg_status move(const char *from, const char *to, sg_error *err) {
    return rename(from, to) ? sg_io_fail(err, "cannot move", from) : SG_OK;
}

static sg_status unmark(const char *dir, sg_error *err) {
    char *marker = sg_path_join(dir, marker_name);
    sg_status st = SG_OK;
    if (!marker)
        st = no_memory(dir, err);
    else if (unlink(marker))
        st = sg_io_fail(err, "cannot remove", marker);
    free(marker);
    return st;
}

/* Marked first: a marked folder under its own name is an ordinary one. */
static sg_status put(const char *dir, const char *bare, const char *aside, sg_error *err) {
    if (is_marked(aside)) return sg_dir_remove(bare, err);
    if (sg_path_exists(aside))
        return sg_fail(err, SG_ERR_INPUT,
                "%s is to be put aside as %s while it is replaced, but that exists; rename or "
                "delete it",
                dir, aside);
    char *marker = sg_path_join(bare, marker_name);
    sg_status st = marker ? sg_file_write(marker, marker_text, sizeof marker_text - 1, err)
                          : no_memory(dir, err);
    free(marker);
    return st ? st : move(bare, aside, err);
}

sg_status sg_aside_put(const char *dir, sg_error *err) {
    char *aside = sg_aside_path(dir), *bare = sg_strdupf("%.*s", (int)bare_length(dir), dir);
    sg_status st = aside && bare ? put(dir, bare, aside, err) : no_memory(dir, err);
    free(aside);
    free(bare);
    return st;
}

sg_status sg_aside_restore(const char *dir, sg_error *err) {
    if (!sg_aside_waits(dir)) return SG_OK;
    char *aside = sg_aside_path(dir), *bare = sg_strdupf("%.*s", (int)bare_length(dir), dir);
    sg_status st = aside && bare ? sg_dir_remove(bare, err) : no_memory(dir, err);
    if (!st) st = move(aside, bare, err);
    if (!st) st = unmark(bare, err);
    free(aside);
    free(bare);
    return st;
}

/* Unmarked first: half a folder must never come back. */
sg_status sg_aside_drop(const char *dir, sg_error *err) {
    if (!sg_aside_waits(dir)) return SG_OK;
    char *aside = sg_aside_path(dir);
    sg_status st = aside ? unmark(aside, err) : no_memory(dir, err);
    if (!st) st = sg_dir_remove(aside, err);
    free(aside);
    return st;
}
