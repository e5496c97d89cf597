/* campaign.c - see campaign.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "protocol/campaign.h"
#include "base/aside.h"
#include "base/yaml.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char settings_name[] = "campaign.yaml";

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory with the campaign");
}

char *sg_campaign_path(const sg_campaign *c, const char *name) {
    return sg_path_join(c->dir, name);
}

char *sg_campaign_arm_dir(const sg_campaign *c, const char *name) {
    return sg_strdupf("%s/arms/%s", c->dir, name);
}

sg_status sg_campaign_write_text(
        const sg_campaign *c, const char *name, sg_str *text, sg_error *err) {
    char *path = sg_campaign_path(c, name);
    sg_status st = path ? sg_str_check(text, err) : no_memory(err);
    if (!st) st = sg_file_write(path, text->data, text->len, err);
    free(path);
    sg_str_dispose(text);
    return st;
}

/* ---- the folder ---- */

/* Nothing but what a process leaves that was killed before it wrote its settings. */
static sg_status is_unused(bool *out, const char *dir, sg_error *err) {
    char **names = NULL;
    size_t count = 0;
    *out = true;
    if (!sg_path_exists(dir)) return SG_OK;
    sg_status st = sg_dir_list(&names, &count, dir, err);
    if (st) return st;
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], ".lock") != 0 && strncmp(names[i], ".sonograde-", 11) != 0)
            *out = false;
    sg_names_free(names);
    return SG_OK;
}

static const char *value_of(const sg_yaml *yaml, const char *key) {
    const sg_yaml_entry *entry = sg_yaml_find(yaml, key);
    return entry ? entry->value : "";
}

static sg_status refuse(
        const char *dir, const char *key, const char *was, const char *is, sg_error *err) {
    return sg_fail(err, SG_ERR_MISMATCH,
            "--%s differs from what %s was begun with (%s, now %s): its arms would not be "
            "comparable; repeat the command as it was, or choose another folder; --overwrite, "
            "where the command has it, replaces this one",
            key, dir, *was ? was : "not given", *is ? is : "not given");
}

/* The first key whose value is another one, whichever side has it. */
static sg_status compare(const sg_yaml *was, const sg_yaml *is, const char *const *free_to_change,
        const char *dir, sg_error *err) {
    const char *verb = value_of(was, "verb");
    if (strcmp(verb, value_of(is, "verb")) != 0)
        return sg_fail(err, SG_ERR_USAGE, "%s belongs to `sonograde %s`; choose another folder",
                dir, verb);
    for (size_t i = 0; i < was->count; i++) {
        const sg_yaml_entry *e = &was->entries[i];
        if (sg_is_among(free_to_change, e->key)) continue;
        if (strcmp(e->value, value_of(is, e->key)) != 0)
            return refuse(dir, e->key, e->value, value_of(is, e->key), err);
    }
    for (size_t i = 0; i < is->count; i++) {
        const sg_yaml_entry *e = &is->entries[i];
        if (*e->value && !sg_yaml_find(was, e->key)) return refuse(dir, e->key, "", e->value, err);
    }
    return SG_OK;
}

static sg_status check_settings(const char *path, const char *dir, const char *settings,
        const char *const *free_to_change, sg_error *err) {
    sg_yaml was = {0}, is = {0};
    sg_status st = sg_yaml_read(&was, path, err);
    if (!st) st = sg_yaml_parse(&is, settings, strlen(settings), "the settings", err);
    if (!st) st = compare(&was, &is, free_to_change, dir, err);
    sg_yaml_dispose(&was);
    sg_yaml_dispose(&is);
    return st;
}

static sg_status take_lock(sg_file_lock *lock, const char *dir, sg_error *err) {
    char *path = sg_path_join(dir, ".lock");
    sg_status st = path ? sg_file_lock_take(lock, path, err) : no_memory(err);
    free(path);
    return st ? sg_fail_context(err, st, "%s is in use", dir) : SG_OK;
}

/* Puts aside what is there, if it is a campaign and nobody works in it. */
static sg_status clear(sg_campaign *c, const char *settings_path, sg_error *err) {
    if (!sg_path_exists(settings_path))
        return sg_fail(err, SG_ERR_INPUT,
                "%s is no campaign (it has no %s), so --overwrite does not delete it; choose "
                "another folder",
                c->dir, settings_name);
    sg_status st = take_lock(&c->lock, c->dir, err);
    if (st) return st;
    st = sg_aside_put(c->dir, err);
    sg_file_lock_drop(&c->lock);
    c->replaces = st == SG_OK;
    return st;
}

static sg_status enter(sg_campaign *c, const char *settings, const char *const *free_to_change,
        bool overwrite, sg_error *err) {
    bool unused = false;
    char *path = sg_campaign_path(c, settings_name);
    if (!path) return no_memory(err);
    sg_status st = is_unused(&unused, c->dir, err);
    if (!st && !unused && overwrite) {
        st = clear(c, path, err);
        unused = st == SG_OK;
    }
    if (!st && !unused && !sg_path_exists(path))
        st = sg_fail(err, SG_ERR_USAGE, "%s is not empty and no campaign; choose another folder",
                c->dir);
    if (!st && !unused) st = check_settings(path, c->dir, settings, free_to_change, err);
    if (!st) st = sg_dir_make(c->dir, err);
    if (!st) st = take_lock(&c->lock, c->dir, err);
    if (!st && unused) st = sg_file_write(path, settings, strlen(settings), err);
    c->made = !st && unused;
    free(path);
    return st;
}

sg_status sg_campaign_open(sg_campaign *out, const char *dir, const char *settings,
        const char *const *free_to_change, bool overwrite, sg_error *err) {
    sg_campaign c = {sg_strdup(dir), {-1}, false, false};
    sg_status st = c.dir ? enter(&c, settings, free_to_change, overwrite, err) : no_memory(err);
    if (st)
        sg_campaign_close(&c);
    else
        *out = c;
    return st;
}

void sg_campaign_close(sg_campaign *c) {
    if (!c) return;
    if (c->replaces) (void)!sg_aside_restore(c->dir, NULL); /* if not, it waits where it is */
    if (c->dir) sg_file_lock_drop(&c->lock);
    free(c->dir);
    *c = (sg_campaign){NULL, {-1}, false, false};
}

static bool is_refusal(sg_status st) {
    return st == SG_ERR_USAGE || st == SG_ERR_IO || st == SG_ERR_MISSING || st == SG_ERR_FORMAT ||
           st == SG_ERR_INPUT || st == SG_ERR_SHAPE || st == SG_ERR_UNSUPPORTED;
}

void sg_campaign_end(sg_campaign *c, sg_status status, const sg_log *log) {
    char *arms = c->dir && c->made && is_refusal(status) ? sg_campaign_path(c, "arms") : NULL;
    sg_error why;
    if (arms && !sg_path_exists(arms) && sg_dir_remove(c->dir, &why))
        sg_log_line(log, SG_LOG_WARN, "left behind: %s", why.message);
    free(arms);
    sg_campaign_close(c);
}

/* ---- arms ---- */

/* Inside an arm only warnings are told, and progress says which arm it is. */
typedef struct arm_log {
    const sg_log *log;
    const char *name;
    size_t number, count;
} arm_log;

static void pass_line(void *user, sg_log_level level, const char *text) {
    const arm_log *a = user;
    sg_log_line(a->log, level, "%s: %s", a->name, text);
}

static void pass_progress(void *user, const char *what, double done, double total) {
    const arm_log *a = user;
    char text[256];
    (void)snprintf(
            text, sizeof text, "%s (arm %zu of %zu), %s", a->name, a->number, a->count, what);
    sg_log_progress(a->log, text, done, total);
}

/* Data, split and settings of a new arm; of an old one the settings must be these. */
static sg_status prepare(const sg_arm *arm, const char *dir, sg_error *err) {
    char *args = sg_path_join(dir, "args.yaml");
    if (!args) return no_memory(err);
    sg_status st = SG_OK;
    if (sg_path_exists(args)) {
        st = check_settings(args, dir, arm->settings, NULL, err);
    } else {
        st = sg_run_write_data(dir, arm->manifest, arm->split, err);
        if (!st) st = sg_file_write(args, arm->settings, strlen(arm->settings), err);
    }
    free(args);
    return st;
}

typedef struct epoch_hook {
    sg_campaign *campaign;
    const sg_campaign_job *job;
} epoch_hook;

static void end_epoch(void *user, const char *dir, const sg_history *history) {
    const epoch_hook *h = user;
    sg_error why = SG_ERROR_INIT;
    if (h->campaign->replaces && sg_aside_drop(h->campaign->dir, &why))
        sg_log_line(h->job->log, SG_LOG_WARN, "left behind: %s", why.message);
    h->campaign->replaces = false;
    if (h->job->epoch_done) h->job->epoch_done(h->job->user, dir, history);
}

static sg_status train_arm(const sg_arm *arm, const char *dir, epoch_hook *hook, size_t number,
        bool *was_finished, sg_error *err) {
    const sg_campaign_job *job = hook->job;
    int folds = arm->split->folds;
    sg_train_summary *summaries = calloc((size_t)(folds ? folds : 1), sizeof *summaries);
    arm_log inner = {job->log, arm->name, number, job->count};
    const sg_log log = {pass_line, pass_progress, &inner, SG_LOG_WARN};
    sg_run_job run = {arm->options, arm->manifest, arm->split, -1, arm->val_share, arm->train_share,
            dir, true, job->force_resume, &log, job->stop, end_epoch, hook, job->ledger,
            arm->fold_rates};
    sg_file_lock lock = {-1};
    sg_status st = summaries ? sg_dir_make(dir, err) : no_memory(err);
    if (!st) st = take_lock(&lock, dir, err);
    if (!st) st = prepare(arm, dir, err);
    if (!st) st = sg_run_is_finished(was_finished, dir, arm->split, -1, err);
    if (!st && !*was_finished) st = sg_run_train(summaries, &run, err);
    sg_file_lock_drop(&lock);
    free(summaries);
    return st;
}

sg_status sg_campaign_train(sg_campaign *c, const sg_campaign_job *job, sg_error *err) {
    sg_status st = SG_OK;
    epoch_hook hook = {c, job};
    for (size_t i = 0; i < job->count && !st; i++) {
        const sg_arm *arm = &job->arms[i];
        bool was_finished = false;
        char *dir = sg_campaign_arm_dir(c, arm->name);
        st = dir ? train_arm(arm, dir, &hook, i + 1, &was_finished, err) : no_memory(err);
        free(dir);
        if (st == SG_ERR_INTERRUPTED && c->replaces)
            return sg_fail(err, st,
                    "stopped before an epoch was complete; what --overwrite was to replace is "
                    "back");
        if (st == SG_ERR_INTERRUPTED)
            return sg_fail(err, st,
                    "stopped in %s (arm %zu of %zu); all is saved, the same command goes on from "
                    "there",
                    arm->name, i + 1, job->count);
        if (st) return sg_fail_context(err, st, "in %s", arm->name);
        sg_log_line(job->log, SG_LOG_INFO, "%s (arm %zu of %zu): %s", arm->name, i + 1, job->count,
                was_finished ? "was finished already" : "trained");
    }
    return st;
}
