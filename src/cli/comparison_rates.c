/* comparison_rates.c - a learning rate of its own for each arm and fold, by range tests on that
 * fold's training images. What was found stays in DIR/lr-find/NAME.json.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/comparison.h"
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory searching learning rates");
}

static sg_status test_fold(
        sg_lr_range *out, const sg_comparison *c, const sg_trial *t, int fold, sg_error *err) {
    const sg_lr_range_options options = SG_LR_RANGE_OPTIONS_INIT;
    const sg_train_args *a = &t->settings.args;
    sg_split parts = {0};
    char *dir = sg_campaign_path(&c->campaign, "lr-find/.range");
    const sg_train_job job = {.options = &t->settings.options,
            .manifest = &c->manifest,
            .parts = &parts,
            .fold = fold,
            .dir = dir,
            .run = dir,
            .log = c->call->log,
            .stop = &sg_cli_stop};
    sg_status st = dir ? sg_split_fold_parts(&parts, t->split, &c->manifest, fold,
                                 sg_arm_val_share(&t->settings), (uint64_t)a->seed, err)
                       : no_memory(err);
    if (!st) st = sg_split_thin(&parts, &c->manifest, a->train_share, (uint64_t)a->seed, err);
    if (!st) st = sg_lr_range_run(out, &job, &options, err);
    sg_split_dispose(&parts);
    free(dir);
    return st;
}

static sg_status run_tests(const sg_comparison *c, sg_trial *t, const char *path, sg_error *err) {
    json_t *list = json_array();
    sg_status st = list ? SG_OK : no_memory(err);
    for (int f = 0; f < t->split->folds && !st; f++) {
        st = test_fold(&t->ranges[f], c, t, f, err);
        json_t *range = st ? NULL : sg_range_to_json(&t->ranges[f]);
        if (!st && (!range || json_array_append_new(list, range))) st = no_memory(err);
    }
    if (!st) st = sg_json_write(list, path, err);
    json_decref(list);
    return st;
}

static sg_status read_tests(sg_trial *t, const char *path, sg_error *err) {
    json_t *list;
    sg_status st = sg_json_read(&list, path, err);
    if (st) return st;
    if (json_array_size(list) != (size_t)t->split->folds)
        st = sg_fail(err, SG_ERR_FORMAT, "%s has another number of folds; delete it", path);
    for (int f = 0; f < t->split->folds && !st; f++)
        st = sg_range_from_json(&t->ranges[f], json_array_get(list, (size_t)f), path, err);
    json_decref(list);
    return st;
}

static sg_status find_rates(const sg_comparison *c, sg_trial *t, sg_error *err) {
    size_t folds = (size_t)t->split->folds;
    char *path = sg_strdupf("%s/lr-find/%s.json", c->campaign.dir, t->name);
    t->ranges = calloc(folds, sizeof *t->ranges);
    t->rates = calloc(folds, sizeof *t->rates);
    sg_status st = path && t->ranges && t->rates ? SG_OK : no_memory(err);
    if (!st) st = sg_path_exists(path) ? read_tests(t, path, err) : run_tests(c, t, path, err);
    for (size_t f = 0; f < folds && !st; f++) {
        bool fell = sg_lr_range_fell(&t->ranges[f]);
        t->rates[f] = fell ? t->ranges[f].suggestion : t->settings.args.lr;
        if (!fell)
            sg_log_line(c->call->log, SG_LOG_WARN,
                    "%s, fold %zu: the loss of the range test never fell; --lr %g stays", t->name,
                    f, t->settings.args.lr);
    }
    if (!st)
        sg_log_line(c->call->log, SG_LOG_INFO, "%s: learning rate %.2g on the first fold", t->name,
                t->rates[0]);
    free(path);
    return st ? sg_fail_context(err, st, "range test of %s", t->name) : SG_OK;
}

sg_status sg_comparison_find_rates(sg_comparison *c, sg_error *err) {
    char *dir = sg_campaign_path(&c->campaign, "lr-find");
    sg_status st = dir ? sg_dir_make(dir, err) : no_memory(err);
    free(dir);
    for (size_t i = 0; i < c->trial_count && !st; i++) st = find_rates(c, &c->trials[i], err);
    return st;
}
