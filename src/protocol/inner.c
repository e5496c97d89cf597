/* inner.c - see inner.h. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/inner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct listener {
    const sg_inner_job *job;
    int fold;
    bool enough;
} listener;

static int end_of(const sg_inner_job *job) {
    return job->until ? job->until : job->options->epochs;
}

static void epoch_done(void *user, const char *dir, const sg_history *history) {
    listener *l = user;
    (void)dir;
    if (!history->count || !l->job->heard) return;
    const sg_epoch *e = &history->epochs[history->count - 1];
    double value = e->has_val ? sg_select_figure(l->job->figure, &e->val) : NAN;
    int end = end_of(l->job), from = l->job->from;
    bool last = e->epoch >= end;
    if (!l->job->heard(l->job->user, l->fold * (end - from) + e->epoch - from, value))
        l->enough = !last || l->fold + 1 < l->job->inner->folds;
}

/* Inner fold `fold` validates, the other inner folds train, all else is left out. */
static sg_status make_parts(sg_split *parts, const sg_inner_job *job, int fold, sg_error *err) {
    *parts = *job->inner;
    parts->folds = 0;
    parts->bins = malloc((parts->count + 1) * sizeof *parts->bins);
    if (!parts->bins) return sg_fail(err, SG_ERR_MEMORY, "out of memory for an inner fold");
    for (size_t i = 0; i < parts->count; i++) {
        int bin = job->inner->bins[i];
        parts->bins[i] = bin < 0 ? SG_PART_NONE : bin == fold ? SG_PART_VAL : SG_PART_TRAIN;
    }
    return SG_OK;
}

/* The row whose weights were kept: the last, or the one that options->select chose. */
static sg_status read_score(
        double *score, const sg_inner_job *job, const char *dir, sg_error *err) {
    sg_history history = {0};
    char *path = sg_path_join(dir, "results.csv");
    sg_status st = path ? sg_history_read(&history, path, job->options->epochs, err)
                        : sg_fail(err, SG_ERR_MEMORY, "out of memory reading %s", dir);
    free(path);
    if (st) return st;
    sg_select select = job->until ? SG_SELECT_NONE : job->options->select;
    const sg_epoch *kept = NULL;
    for (size_t i = 0; i < history.count; i++) {
        const sg_epoch *e = &history.epochs[i];
        double sign = select == SG_SELECT_LOSS ? -1 : 1;
        if (!e->has_val) continue;
        if (!kept || select == SG_SELECT_NONE ||
                sign * sg_select_figure(select, &e->val) >
                        sign * sg_select_figure(select, &kept->val))
            kept = e;
    }
    *score = kept ? sg_select_figure(job->figure, &kept->val) : NAN;
    sg_history_dispose(&history);
    return SG_OK;
}

static sg_status run_fold(
        double *score, bool *given_up, const sg_inner_job *job, int fold, sg_error *err) {
    sg_split parts;
    char *dir = sg_strdupf("%s/inner%d", job->dir, fold);
    char *start =
            job->start ? sg_strdupf("%s/inner%d/weights/last.safetensors", job->start, fold) : NULL;
    if (!dir || (job->start && !start)) {
        free(dir);
        free(start);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for an inner fold");
    }
    listener l = {job, fold, false};
    sg_status st = sg_dir_make(dir, err);
    if (!st) sg_run_sweep(dir);
    if (!st) st = make_parts(&parts, job, fold, err);
    if (!st) {
        const sg_train_job train = {.options = job->options,
                .manifest = job->manifest,
                .parts = &parts,
                .fold = -1,
                .dir = dir,
                .run = job->dir,
                .resume = true,
                .elsewhere = true,
                .start = start,
                .until = job->until,
                .log = job->log,
                .stop = job->stop,
                .enough = &l.enough,
                .epoch_done = epoch_done,
                .user = &l};
        sg_train_summary summary;
        sg_error why = SG_ERROR_INIT;
        st = sg_train_run(&summary, &train, &why);
        if (st == SG_ERR_INTERRUPTED && l.enough && !(job->stop && *job->stop))
            st = SG_OK;
        else if (st)
            st = sg_fail(err, st, "%s", why.message);
        *given_up = l.enough;
        sg_split_dispose(&parts);
    }
    if (!st) st = read_score(score, job, dir, err);
    free(start);
    free(dir);
    return st;
}

static double now_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

sg_status sg_inner_run(sg_inner_result *out, const sg_inner_job *job, sg_error *err) {
    sg_inner_result result = {0};
    double sum = 0, begin = now_seconds();
    int fold = 0;
    while (fold < job->inner->folds && !result.given_up) {
        double score;
        sg_status st = run_fold(&score, &result.given_up, job, fold, err);
        if (st) return st;
        sum += score;
        fold++;
    }
    result.score = sum / fold;
    result.seconds = now_seconds() - begin;
    *out = result;
    return SG_OK;
}
