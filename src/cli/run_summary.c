/* run_summary.c - see run_summary.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_summary.h"
#include "base/file.h"
#include "train/trainer.h"
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory reading runs");
}

static bool has_file(const char *dir, const char *name) {
    char *path = sg_path_join(dir, name);
    bool there = path && sg_path_exists(path);
    free(path);
    return there;
}

bool sg_is_run(const char *dir) {
    return has_file(dir, "args.yaml");
}

const char *sg_run_option(const sg_run_summary *s, const char *name) {
    const sg_yaml_entry *entry = sg_yaml_find(&s->args, name);
    return entry ? entry->value : "";
}

void sg_run_summary_dispose(sg_run_summary *s) {
    if (!s) return;
    for (size_t i = 0; s->histories && i < s->models; i++) sg_history_dispose(&s->histories[i]);
    free(s->histories);
    sg_yaml_dispose(&s->args);
    free(s->dir);
    memset(s, 0, sizeof *s);
}

/* Number of a name "fold3", or -1. */
static long long fold_number(const char *name) {
    long long number;
    if (strncmp(name, "fold", 4) != 0 || !sg_parse_int64(&number, name + 4)) return -1;
    return number;
}

static sg_status add_model(sg_run_summary *s, const char *dir, sg_error *err) {
    bool done = false;
    char *path = sg_path_join(dir, "results.csv");
    sg_status st = path ? sg_train_is_finished(&done, dir, err) : no_memory(err);
    if (!st) st = sg_history_read(&s->histories[s->models], path, 1 << 30, err);
    free(path);
    if (st) return st;
    s->models++;
    s->finished += done;
    return SG_OK;
}

/* The folds in the order of their numbers. */
static sg_status add_folds(sg_run_summary *s, char **names, size_t count, sg_error *err) {
    sg_status st = SG_OK;
    for (long long fold = 0; fold < 100 && !st; fold++)
        for (size_t i = 0; i < count && !st; i++) {
            if (fold_number(names[i]) != fold) continue;
            char *dir = sg_path_join(s->dir, names[i]);
            st = dir ? add_model(s, dir, err) : no_memory(err);
            free(dir);
        }
    return st;
}

static size_t count_folds(const sg_run_summary *s, char **names, size_t count) {
    long long k;
    size_t begun = 0;
    for (size_t i = 0; i < count; i++) begun += fold_number(names[i]) >= 0;
    if (sg_parse_int64(&k, sg_run_option(s, "folds")) && k > 0) return (size_t)k;
    return begun;
}

static sg_status read_models(sg_run_summary *s, sg_error *err) {
    char **names = NULL;
    size_t count = 0;
    sg_status st = sg_dir_list(&names, &count, s->dir, err);
    if (st) return st;
    s->folds = count_folds(s, names, count);
    s->histories = calloc(count + 1, sizeof *s->histories);
    if (!s->histories) st = no_memory(err);
    if (!st) st = s->folds ? add_folds(s, names, count, err) : add_model(s, s->dir, err);
    sg_names_free(names);
    return st;
}

sg_status sg_run_summary_read(sg_run_summary *out, const char *dir, sg_error *err) {
    sg_run_summary s = {.dir = sg_strdup(dir)};
    char *args = sg_path_join(dir, "args.yaml");
    sg_status st = s.dir && args ? SG_OK : no_memory(err);
    if (!st && !sg_path_exists(args))
        st = sg_fail(err, SG_ERR_INPUT, "%s is no run folder: it has no args.yaml", dir);
    if (!st) st = sg_yaml_read(&s.args, args, err);
    if (!st) st = read_models(&s, err);
    free(args);
    if (st)
        sg_run_summary_dispose(&s);
    else
        *out = s;
    return st;
}
