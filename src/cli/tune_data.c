/* tune_data.c - the space of a search, and the images it may use. SPDX-License-Identifier:
 * Apache-2.0 */
#include "cli/tune_study.h"
#include "cli/verbs.h"
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

static sg_status try_ends(sg_tune *t, const sg_dimension *p, sg_error *err) {
    sg_status st = check_name(p->name, err);
    for (size_t k = 0; !st && k < p->choice_count; k++) st = try_value(t, p, (double)k, err);
    if (!st && !p->choice_count) st = try_value(t, p, p->low, err);
    if (!st && !p->choice_count) st = try_value(t, p, p->high, err);
    return st;
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
    for (size_t i = 0; !st && i < t->space.count; i++) st = try_ends(t, &t->space.params[i], err);
    for (size_t i = 0; !st && i < t->space.fixed_count; i++)
        st = check_name(t->space.fixed[i].name, err);
    return st;
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

/* What may be used and what is test, as a table that train --splits takes. */
static sg_status write_parts(
        sg_tune *t, const sg_split *split, const bool *is_test, sg_error *err) {
    sg_split parts = *split;
    char *path = sg_path_join(t->folder, "splits.csv");
    parts.folds = 0;
    parts.bins = malloc((split->count + 1) * sizeof *parts.bins);
    sg_status st = parts.bins && path ? SG_OK : no_memory(err);
    for (size_t i = 0; !st && i < split->count; i++)
        parts.bins[i] = split->bins[i] < 0 ? SG_PART_NONE
                        : is_test[i]       ? SG_PART_TEST
                                           : SG_PART_TRAIN;
    if (!st && !sg_path_exists(path)) st = sg_split_write(&parts, &t->manifest, path, err);
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
    if (!st) st = write_parts(t, &split, is_test, err);
    sg_split_dispose(&split);
    free(is_test);
    free(usable);
    return st;
}
