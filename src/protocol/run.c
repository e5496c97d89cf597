/* run.c - see run.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "protocol/run.h"
#include "base/csv.h"
#include "protocol/ledger.h"
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err, const char *dir) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory with the run %s", dir);
}

char *sg_run_fold_dir(const char *dir, int fold) {
    return sg_strdupf("%s/fold%d", dir, fold);
}

/* What a fold was trained and stopped on, for `evaluate --split` and for people. Written once. */
static sg_status write_fold_parts(
        const sg_split *parts, const sg_run_job *job, const char *dir, sg_error *err) {
    char *path = sg_path_join(dir, "splits.csv");
    if (!path) return no_memory(err, dir);
    sg_status st = sg_path_exists(path) ? SG_OK : sg_split_write(parts, job->manifest, path, err);
    free(path);
    return st;
}

/* A ledger that cannot be read must not keep anyone from training: the model is then one of which
 * nobody knows whether it came after a look. */
static void mark_ledger(const sg_run_job *job, const char *dir) {
    sg_error why = SG_ERROR_INIT;
    if (job->ledger && sg_ledger_mark(dir, job->ledger, &why))
        sg_log_line(job->log, SG_LOG_WARN,
                "not noted which test evaluations came before this training: %s", why.message);
}

static sg_status train_one(
        sg_train_summary *out, const sg_run_job *job, int fold, const char *dir, sg_error *err) {
    sg_split parts = {0};
    sg_status st = sg_split_fold_parts(&parts, job->split, job->manifest, fold < 0 ? 0 : fold,
            job->val_share, job->options->seed, err);
    if (!st) st = sg_split_thin(&parts, job->manifest, job->train_share, job->options->seed, err);
    if (!st && fold >= 0) st = write_fold_parts(&parts, job, dir, err);
    if (st) {
        sg_split_dispose(&parts);
        return st;
    }
    mark_ledger(job, dir);
    sg_train_options options = *job->options;
    if (job->fold_rates && fold >= 0) options.schedule.learning_rate = job->fold_rates[fold];
    sg_train_job one = {&options, job->manifest, &parts, fold, dir, job->dir, job->resume,
            job->force_resume, false, NULL, 0, job->log, job->stop, NULL, job->epoch_done,
            job->user};
    st = sg_train_run(out, &one, err);
    sg_split_dispose(&parts);
    return st;
}

static sg_status train_fold(sg_train_summary *out, const sg_run_job *job, int fold, sg_error *err) {
    char *dir = sg_run_fold_dir(job->dir, fold);
    if (!dir) return no_memory(err, job->dir);
    sg_status st = sg_dir_make(dir, err);
    if (!st) {
        sg_log_line(job->log, SG_LOG_INFO, "fold %d of %d", fold, job->split->folds);
        st = train_one(out, job, fold, dir, err);
    }
    if (!st && out->was_finished)
        sg_log_line(job->log, SG_LOG_INFO, "fold %d was finished already", fold);
    free(dir);
    return st;
}

static sg_status check_fold(int only_fold, int folds, sg_error *err) {
    return only_fold < folds ? SG_OK
                             : sg_fail(err, SG_ERR_USAGE, "--fold %d: the folds are 0 to %d",
                                       only_fold, folds - 1);
}

sg_status sg_run_train(sg_train_summary *summaries, const sg_run_job *job, sg_error *err) {
    int folds = job->split->folds;
    if (folds == 0) return train_one(&summaries[0], job, -1, job->dir, err);
    sg_status bad = check_fold(job->only_fold, folds, err);
    if (bad) return bad;
    memset(summaries, 0, (size_t)folds * sizeof *summaries);
    for (int fold = 0; fold < folds; fold++) {
        if (job->only_fold >= 0 && fold != job->only_fold) continue;
        sg_status st = train_fold(&summaries[fold], job, fold, err);
        if (st) return st;
    }
    return SG_OK;
}

sg_status sg_run_is_finished(
        bool *out, const char *dir, const sg_split *split, int only_fold, sg_error *err) {
    if (split->folds == 0) return sg_train_is_finished(out, dir, err);
    sg_status bad = check_fold(only_fold, split->folds, err);
    if (bad) return bad;
    bool all = true;
    for (int fold = 0; fold < split->folds && all; fold++) {
        if (only_fold >= 0 && fold != only_fold) continue;
        char *sub = sg_run_fold_dir(dir, fold);
        sg_status st = sub ? sg_train_is_finished(&all, sub, err) : no_memory(err, dir);
        free(sub);
        if (st) return st;
    }
    *out = all;
    return SG_OK;
}

/* skipped.csv: what --skip-bad left out, and why. */
static sg_status write_skips(const char *dir, const sg_manifest *manifest, sg_error *err) {
    sg_str text;
    sg_str_init(&text, 0);
    sg_str_append(&text, "path,reason\n");
    for (size_t i = 0; i < manifest->skip_count; i++) {
        sg_csv_put_name(&text, manifest->skips[i].path);
        sg_csv_put_name(&text, manifest->skips[i].reason);
        sg_csv_end_row(&text);
    }
    char *path = sg_path_join(dir, "skipped.csv");
    sg_status st = path ? sg_str_check(&text, err) : no_memory(err, dir);
    if (!st) st = sg_file_write(path, text.data, text.len, err);
    free(path);
    sg_str_dispose(&text);
    return st;
}

sg_status sg_run_count_skips(size_t *out, const char *dir, sg_error *err) {
    char *path = sg_path_join(dir, "skipped.csv");
    sg_csv csv;
    sg_status st = path ? SG_OK : no_memory(err, dir);
    *out = 0;
    if (!st && sg_path_exists(path)) {
        st = sg_csv_read(&csv, path, err);
        if (!st) {
            *out = csv.rows;
            sg_csv_dispose(&csv);
        }
    }
    free(path);
    return st;
}

sg_status sg_run_write_data(
        const char *dir, const sg_manifest *manifest, const sg_split *split, sg_error *err) {
    char *table = sg_path_join(dir, "manifest.csv"), *splits = sg_path_join(dir, "splits.csv");
    sg_status st = table && splits ? sg_manifest_write(manifest, table, err) : no_memory(err, dir);
    if (!st) st = sg_split_write(split, manifest, splits, err);
    if (!st && manifest->skip_count) st = write_skips(dir, manifest, err);
    free(table);
    free(splits);
    return st;
}

sg_status sg_run_open(
        sg_run *out, const char *dir, const char *root, const sg_log *log, sg_error *err) {
    sg_run run = {0};
    sg_manifest_options options = SG_MANIFEST_OPTIONS_INIT;
    options.log = log;
    options.any_classes = true;
    options.may_be_gone = true; /* what only asks how they were split reads none */
    sg_split_options split = SG_SPLIT_OPTIONS_INIT;
    split.ungrouped = true; /* it was checked when the run was made; the mark is kept */
    char *table = sg_path_join(dir, "manifest.csv"), *splits = sg_path_join(dir, "splits.csv");
    run.dir = sg_strdup(dir);
    sg_status st = table && splits && run.dir ? SG_OK : no_memory(err, dir);
    if (!st && !sg_path_exists(table))
        st = sg_fail(err, SG_ERR_INPUT,
                "%s is no run folder: it has no manifest.csv; check the name", dir);
    if (!st) st = sg_manifest_read(&run.manifest, table, root, &options, err);
    if (!st) st = sg_split_read(&run.split, splits, &run.manifest, &split, err);
    free(table);
    free(splits);
    if (st)
        sg_run_close(&run);
    else
        *out = run;
    return st;
}

/* ---- images that were moved ---- */

static sg_status is_at(
        bool *out, const sg_manifest *m, size_t row, const char *root, sg_error *err) {
    char sha256[SG_SHA256_HEX];
    char *path = sg_path_join(root, m->rows[row].path);
    sg_status st = path ? SG_OK : no_memory(err, root);
    *out = false;
    if (!st && sg_path_exists(path)) {
        st = sg_sha256_file(sha256, path, err);
        *out = !st && strcmp(sha256, m->rows[row].sha256) == 0;
    }
    free(path);
    return st;
}

static sg_status are_most_at(bool *out, const sg_manifest *m, const char *root, sg_error *err) {
    size_t hits = 0, misses = 0, half = m->count / 2;
    sg_status st = SG_OK;
    for (size_t i = 0; i < m->count && !st && hits <= half && misses <= half; i++) {
        bool there;
        st = is_at(&there, m, i, root, err);
        if (there)
            hits++;
        else
            misses++;
    }
    *out = hits > half;
    return st;
}

static sg_status look_below(char **root, const sg_manifest *m, const char *folder, sg_error *err) {
    char **names = NULL;
    size_t count = 0;
    sg_status st = sg_dir_list(&names, &count, folder, err);
    for (size_t i = 0; i < count && !st && !*root; i++) {
        bool found = false;
        char *below = sg_path_join(folder, names[i]);
        if (!below) st = no_memory(err, folder);
        if (!st && sg_path_is_dir(below)) st = are_most_at(&found, m, below, err);
        if (found)
            *root = below;
        else
            free(below);
    }
    sg_names_free(names);
    return st;
}

sg_status sg_run_find_images(char **root, const char *dir, const char *folder, sg_error *err) {
    sg_manifest m = {0};
    sg_manifest_options options = SG_MANIFEST_OPTIONS_INIT;
    options.any_classes = options.may_be_gone = true;
    bool found = false;
    char *table = sg_path_join(dir, "manifest.csv");
    sg_status st = table ? SG_OK : no_memory(err, dir);
    *root = NULL;
    if (!st && sg_path_exists(table) && sg_path_is_dir(folder))
        st = sg_manifest_read(&m, table, folder, &options, err);
    if (!st && m.count) st = are_most_at(&found, &m, folder, err);
    if (!st && found) {
        *root = sg_strdup(folder);
        if (!*root) st = no_memory(err, folder);
    }
    if (!st && m.count && !found) st = look_below(root, &m, folder, err);
    sg_manifest_dispose(&m);
    free(table);
    return st;
}

void sg_run_close(sg_run *run) {
    if (!run) return;
    sg_manifest_dispose(&run->manifest);
    sg_split_dispose(&run->split);
    free(run->dir);
    memset(run, 0, sizeof *run);
}
