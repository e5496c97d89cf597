/* tune_data.c - the space of a search, and the images it may use. SPDX-License-Identifier:
 * Apache-2.0 */
#include "base/file.h"
#include "cli/tune_study.h"
#include "cli/verbs.h"
#include "nn/models/models.h"
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory preparing the search");
}

/* ---- space ---- */

static char *trim(char *text) {
    text += strspn(text, " \t\n");
    for (size_t n = strlen(text); n && strchr(" \t\n", text[n - 1]); n--) text[n - 1] = '\0';
    return text;
}

/* "lr=float 1e-5 1e-2 log; batch=ordered 8 16" */
static sg_status add_typed(sg_space *space, const char *param, sg_error *err) {
    char *copy = sg_strdup(param), *rest = copy;
    sg_status st = copy ? SG_OK : no_memory(err);
    for (char *item; !st && (item = strsep(&rest, ";"));) {
        char *entry = trim(item), *equals = strchr(entry, '=');
        if (!*entry) continue;
        if (!equals) {
            st = sg_fail(err, SG_ERR_USAGE,
                    "--param '%s' must be NAME=KIND..., as lr=float 1e-5 1e-2 log", entry);
            break;
        }
        *equals = '\0';
        st = sg_space_add(space, trim(entry), equals + 1, err);
    }
    free(copy);
    return st;
}

static sg_status add_default(sg_space *space, sg_error *err) {
    static const char *const lines[][2] = {{"lr", "float 1e-5 1e-2 log"},
            {"weight-decay", "float 1e-4 0.2 log"}, {"batch", "ordered 8 16 32"},
            {"label-smoothing", "float 0 0.2"}};
    sg_status st = SG_OK;
    for (size_t i = 0; !st && i < sizeof lines / sizeof *lines; i++)
        st = sg_space_add(space, lines[i][0], lines[i][1], err);
    return st;
}

bool sg_tune_is_place(const char *name) {
    static const char *const names[] = {"data", "manifest", "group-by", "splits", "folds", "fold",
            "test-share", "val-share", "train-share", "ungrouped", "skip-bad", "run", "resume",
            "force-resume", "overwrite", "from-bundle", "threads", "workers", "backend", "seed"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

static sg_status check_name(const char *name, sg_error *err) {
    const char *near = "lr";
    size_t least = (size_t)-1;
    if (sg_tune_is_place(name))
        return sg_fail(err, SG_ERR_USAGE,
                "parameter '%s' says where or how a training runs; it cannot be searched", name);
    if (strcmp(name, "epochs") == 0)
        return sg_fail(err, SG_ERR_USAGE,
                "parameter 'epochs' is what trials are compared at: give it with --epochs");
    for (const sg_option *o = sg_train_option_rows; o->name; o++) {
        if (o->type == SG_OPTION_GROUP) continue;
        if (strcmp(o->name, name) == 0) return SG_OK;
        size_t distance = sg_edit_distance(o->name, name);
        if (distance < least) least = distance, near = o->name;
    }
    return sg_fail(err, SG_ERR_USAGE, "parameter '%s' is no option of train; did you mean '%s'?",
            name, near);
}

static sg_status try_value(sg_tune *t, const sg_dimension *p, double value, sg_error *err) {
    sg_arm_settings settings;
    const sg_arm_source source = {.config = t->args->config, .set = t->args->set};
    sg_str text, line;
    sg_str_init(&text, 0);
    sg_str_init(&line, 0);
    sg_dimension_value_put(&text, p, value);
    sg_yaml_put(&line, p->name, sg_str_text(&text));
    sg_status st = sg_arm_settings_make(&settings, t->call, &source, err);
    if (!st) {
        st = sg_arm_settings_put(&settings, sg_str_text(&line), "the space", err);
        sg_arm_settings_dispose(&settings);
    }
    sg_str_dispose(&text);
    sg_str_dispose(&line);
    return st;
}

/* An architecture is looked for when a trial begins; better now. */
static sg_status check_model(const char *name, sg_error *err) {
    const sg_model_info *info;
    sg_status st = sg_model_find(&info, name, err);
    return st ? sg_fail_context(err, st, "parameter 'model'") : SG_OK;
}

static sg_status try_ends(sg_tune *t, const sg_dimension *p, sg_error *err) {
    sg_status st = check_name(p->name, err);
    bool models = strcmp(p->name, "model") == 0;
    for (size_t k = 0; !st && models && k < p->choice_count; k++)
        st = check_model(p->choices[k], err);
    for (size_t k = 0; !st && k < p->choice_count; k++) st = try_value(t, p, (double)k, err);
    if (!st && !p->choice_count) st = try_value(t, p, p->low, err);
    if (!st && !p->choice_count) st = try_value(t, p, p->high, err);
    return st;
}

/* Says in which line of --space the parameter stands that is wrong. */
static sg_status name_line(const char *path, const char *name, sg_status st, sg_error *err) {
    sg_yaml yaml = {0};
    sg_error ignored = SG_ERROR_INIT;
    if (!path || sg_yaml_read(&yaml, path, &ignored)) return st;
    const sg_yaml_entry *entry = sg_yaml_find(&yaml, name);
    if (entry) st = sg_fail_context(err, st, "%s, line %zu", path, entry->line);
    sg_yaml_dispose(&yaml);
    return st;
}

static sg_status check_space(sg_tune *t, sg_error *err) {
    const sg_space *space = &t->space;
    for (size_t i = 0; i < space->count; i++) {
        sg_status st = try_ends(t, &space->params[i], err);
        if (st) return name_line(t->args->space, space->params[i].name, st, err);
    }
    for (size_t i = 0; i < space->fixed_count; i++) {
        sg_status st = check_name(space->fixed[i].name, err);
        if (st) return name_line(t->args->space, space->fixed[i].name, st, err);
    }
    return SG_OK;
}

sg_status sg_tune_read_space(sg_tune *t, sg_error *err) {
    const sg_tune_args *a = t->args;
    sg_status st = SG_OK;
    if (a->space) st = sg_space_read(&t->space, a->space, err);
    if (!st && a->param) st = add_typed(&t->space, a->param, err);
    if (!st && !a->space && !a->param) st = add_default(&t->space, err);
    /* One setting without a choice can be trained and judged like any other. */
    bool single = a->method == SG_SAMPLER_RANDOM && t->space.fixed_count && a->trials == 1;
    if (!st && !t->space.count && !single)
        st = sg_fail(err, SG_ERR_USAGE, "the space holds no parameter to search");
    return st ? st : check_space(t, err);
}

/* ---- images ---- */

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

/* Other images, or another table of parts under the same name, would bring test images of earlier
 * trials into the next ones. */
static sg_status check_parts(
        const char *path, const sg_str *now, const char *study, sg_error *err) {
    char *before = NULL;
    size_t size = 0;
    sg_status st = sg_file_read(&before, &size, path, (size_t)1 << 30, err);
    if (!st && (size != now->len || memcmp(before, now->data, size) != 0))
        st = sg_fail(err, SG_ERR_MISMATCH,
                "the images, or which of them are test, are not those of %s, which the study %s "
                "began with: test images would get into the search; put them back, or give "
                "another --study",
                path, study);
    free(before);
    return st;
}

/* What may be used and what is test, as a table that train --splits takes. */
static sg_status keep_parts(sg_tune *t, const sg_split *split, const bool *is_test, sg_error *err) {
    sg_split parts = *split;
    char *path = sg_path_join(t->folder, "splits.csv");
    parts.folds = 0;
    parts.bins = malloc((split->count + 1) * sizeof *parts.bins);
    sg_status st = parts.bins && path ? SG_OK : no_memory(err);
    for (size_t i = 0; !st && i < split->count; i++)
        parts.bins[i] = split->bins[i] < 0 ? SG_PART_NONE
                        : is_test[i]       ? SG_PART_TEST
                                           : SG_PART_TRAIN;
    sg_str text;
    sg_str_init(&text, (size_t)1 << 30);
    if (!st) sg_split_put(&text, &parts, &t->manifest);
    if (!st) st = sg_str_check(&text, err);
    if (!st)
        st = sg_path_exists(path) ? check_parts(path, &text, t->args->study, err)
                                  : sg_file_write(path, text.data, text.len, err);
    sg_str_dispose(&text);
    free(parts.bins);
    free(path);
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
    if (!st) st = sg_dir_make(t->folder, err);
    if (!st) st = keep_parts(t, &split, is_test, err);
    sg_split_dispose(&split);
    free(is_test);
    free(usable);
    return st;
}
