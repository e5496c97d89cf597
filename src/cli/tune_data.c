/* tune_data.c - the images that a search may use. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "cli/tune_study.h"
#include "cli/verbs.h"
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory preparing the search");
}

static sg_status read_split(sg_split *split, bool *is_test, sg_tune *t, sg_error *err) {
    const sg_tune_args *a = t->args;
    sg_split_options options = SG_SPLIT_OPTIONS_INIT;
    options.seed = (uint64_t)a->seed;
    options.ungrouped = a->ungrouped;
    options.log = t->call->log;
    double shares[SG_PART_COUNT] = {1 - a->test_share, 0, a->test_share};
    const char *table = a->folds ? a->folds : a->splits;
    sg_status st = table ? sg_split_read(split, table, &t->manifest, &options, err)
                         : sg_split_make_parts(split, &t->manifest, shares, &options, err);
    if (st) return st;
    if (split->folds && (a->fold < 0 || a->fold >= split->folds))
        st = sg_fail(err, SG_ERR_USAGE,
                "%s has folds 0 to %d: say with --fold which one is the test set of this search, "
                "so "
                "that it stays unseen",
                table, split->folds - 1);
    else if (!split->folds && a->fold >= 0)
        st = sg_fail(
                err, SG_ERR_USAGE, "--fold %lld needs a table of folds: --folds FILE", a->fold);
    for (size_t i = 0; !st && i < split->count; i++)
        is_test[i] = split->folds ? split->bins[i] == a->fold : split->bins[i] == SG_PART_TEST;
    return st;
}

/* What may be used and what is test, as a table that train --splits takes. */
static sg_status put_parts(sg_tune *t, const sg_split *split, const bool *is_test, sg_error *err) {
    sg_split parts = *split;
    parts.folds = 0;
    parts.bins = malloc((split->count + 1) * sizeof *parts.bins);
    if (!parts.bins) return no_memory(err);
    for (size_t i = 0; i < split->count; i++)
        parts.bins[i] = split->bins[i] < 0 ? SG_PART_NONE
                        : is_test[i]       ? SG_PART_TEST
                                           : SG_PART_TRAIN;
    sg_str text;
    sg_str_init(&text, (size_t)1 << 30);
    sg_split_put(&text, &parts, &t->manifest);
    sg_status st = sg_str_check(&text, err);
    if (!st) t->parts = sg_str_take(&text);
    sg_str_dispose(&text);
    free(parts.bins);
    return st;
}

sg_status sg_tune_open_data(sg_tune *t, sg_error *err) {
    const sg_tune_args *a = t->args;
    sg_split split = {0};
    sg_status st = sg_cli_open_dataset(&t->manifest, &a->dataset, t->call->log, err);
    size_t n = t->manifest.count;
    bool *is_test = calloc(n + 1, sizeof *is_test), *usable = calloc(n + 1, sizeof *usable);
    if (!st && (!is_test || !usable)) st = no_memory(err);
    if (!st) st = read_split(&split, is_test, t, err);
    for (size_t i = 0; !st && i < n; i++) {
        usable[i] = split.bins[i] >= 0 && !is_test[i];
        t->usable += usable[i];
        t->held_out += is_test[i];
    }
    sg_split_options options = SG_SPLIT_OPTIONS_INIT;
    options.seed = (uint64_t)a->seed + 1;
    options.ungrouped = a->ungrouped;
    if (!st)
        st = sg_split_make_folds_of(&t->inner, &t->manifest, usable, (int)a->inner, &options, err);
    if (!st) st = put_parts(t, &split, is_test, err);
    sg_split_dispose(&split);
    free(is_test);
    free(usable);
    return st;
}

/* Other images, or another table of parts under the same name, would bring test images of earlier
 * trials into the next ones. */
static sg_status keep(const sg_tune *t, const char *name, const char *now, sg_error *err) {
    char *path = sg_path_join(t->folder, name), *before = NULL;
    size_t size = 0;
    sg_status st = path ? SG_OK : no_memory(err);
    if (!st && !sg_path_exists(path)) {
        st = sg_file_write(path, now, strlen(now), err);
    } else if (!st) {
        st = sg_file_read(&before, &size, path, (size_t)1 << 30, err);
        if (!st && (size != strlen(now) || memcmp(before, now, size) != 0))
            st = sg_fail(err, SG_ERR_MISMATCH,
                    "the images, or which of them are test, are not those of %s, which the study "
                    "%s began with: test images would get into the search; put them back, or give "
                    "another --study",
                    path, t->args->study);
    }
    free(before);
    free(path);
    return st;
}

sg_status sg_tune_keep_parts(const sg_tune *t, sg_error *err) {
    char digest[SG_SHA256_HEX], line[SG_SHA256_HEX + 1];
    sg_status st = sg_manifest_digest(digest, &t->manifest, err);
    (void)snprintf(line, sizeof line, "%s\n", st ? "" : digest);
    if (!st) st = sg_dir_make(t->folder, err);
    if (!st) st = keep(t, "splits.csv", t->parts, err);
    if (!st) st = keep(t, "images.sha256", line, err);
    return st;
}
