/* tune_space.c - the space of a search, each of its values tried before the study is begun.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/tune_study.h"
#include "cli/verbs.h"
#include "nn/models/models.h"
#include "train/transfer.h"
#include "weights/weight_set.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory reading the space");
}

/* ---- reading ---- */

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

/* ---- trying ----
 *
 * A value that no training takes is refused now, not in trial 17. Settings that only contradict
 * each other in some points are no fault of the space: such a trial fails, and the search goes on.
 * So a value is refused when it is not taken by itself, under the settings of its condition, and in
 * none of some points spread over the space either. */

enum { SPREAD_POINTS = 32 };

/* What train looks at before its first step, short of loading weights. */
static sg_status try_model(const sg_train_options *o, sg_error *err) {
    sg_graph *graph = NULL;
    sg_weight_set *weights = NULL;
    bool *trained = NULL;
    sg_status st = sg_model_build(&graph, o->model, &o->model_options, err);
    if (!st) {
        trained = malloc((size_t)graph->param_count * sizeof *trained);
        st = trained ? sg_transfer_freeze(trained, graph, o->freeze, err) : no_memory(err);
    }
    if (!st && o->weights) st = sg_weight_set_open(&weights, o->weights, false, err);
    sg_weight_set_close(weights);
    free(trained);
    sg_graph_destroy(graph);
    return st;
}

static sg_status try_point(sg_tune *t, const double *point, sg_error *err) {
    sg_arm_settings settings;
    sg_status st =
            sg_tune_settings(&settings, t, point, (int)t->args->epochs, NULL, t->args->seed, err);
    if (st) return st;
    st = try_model(&settings.options, err);
    sg_arm_settings_dispose(&settings);
    return st;
}

/* A point with nothing but parameter i at a value and what its condition asks for. */
static void set_alone(double *point, const sg_space *space, size_t i, double value) {
    for (size_t k = 0; k < space->count; k++) point[k] = NAN;
    point[i] = value;
    for (int parent = space->params[i].parent; parent >= 0;
            i = (size_t)parent, parent = space->params[i].parent) {
        size_t choice = 0;
        while (!(space->params[i].parent_values >> choice & 1u)) choice++;
        point[parent] = (double)choice;
    }
}

/* Does a training take one of the spread points? wanted: values that they shall have, NaN: any. */
static bool fits_somewhere(sg_tune *t, const double *wanted) {
    const sg_sampler_options spread = {SG_SAMPLER_SOBOL, 0, 0};
    const sg_space *space = &t->space;
    double point[SG_SPACE_MAX], unit[SG_SPACE_MAX], wanted_unit[SG_SPACE_MAX];
    sg_space_to_unit(space, wanted, wanted_unit);
    for (size_t n = 0; space->count && n < SPREAD_POINTS; n++) {
        sg_error ignored = SG_ERROR_INIT;
        if (sg_propose(point, space, NULL, 0, n, &spread, &ignored)) return false;
        sg_space_to_unit(space, point, unit);
        for (size_t k = 0; k < space->count; k++)
            if (!isnan(wanted[k])) unit[k] = wanted_unit[k];
        sg_space_from_unit(space, unit, point);
        if (!try_point(t, point, &ignored)) return true;
    }
    return false;
}

static sg_status refuse(const sg_tune *t, const char *name, const char *value, sg_error *err) {
    sg_status st = sg_fail_context(err, err->code, "parameter '%s', value '%s'", name, value);
    if (st == SG_ERR_MEMORY) return st;
    err->code = SG_ERR_USAGE;
    return name_line(t->args->space, name, SG_ERR_USAGE, err);
}

static sg_status check_value(sg_tune *t, size_t i, double value, sg_error *err) {
    double alone[SG_SPACE_MAX];
    sg_error why = SG_ERROR_INIT;
    sg_str text;
    set_alone(alone, &t->space, i, value);
    if (!try_point(t, alone, &why) || fits_somewhere(t, alone)) return SG_OK;
    *err = why;
    sg_str_init(&text, 0);
    sg_dimension_value_put(&text, &t->space.params[i], value);
    sg_status st = refuse(t, t->space.params[i].name, sg_str_text(&text), err);
    sg_str_dispose(&text);
    return st;
}

/* All choices; all whole numbers of a short range; else the ends. */
static sg_status check_values(sg_tune *t, size_t i, sg_error *err) {
    enum { SHORT_RANGE = 64 };
    const sg_dimension *p = &t->space.params[i];
    double low = p->choice_count ? 0 : p->low;
    double high = p->choice_count ? (double)p->choice_count - 1 : p->high;
    bool counted = p->kind != SG_PARAM_FLOAT && high - low <= SHORT_RANGE;
    sg_status st = check_value(t, i, low, err);
    for (double value = low + 1; !st && counted && value < high; value++)
        st = check_value(t, i, value, err);
    return st || high == low ? st : check_value(t, i, high, err);
}

/* What every trial is made with, before anything is searched. */
static sg_status check_base(sg_tune *t, sg_error *err) {
    double none[SG_SPACE_MAX];
    for (size_t k = 0; k < SG_SPACE_MAX; k++) none[k] = NAN;
    sg_error why = SG_ERROR_INIT;
    if (!try_point(t, none, &why) || fits_somewhere(t, none)) return SG_OK;
    size_t all = t->space.fixed_count, n = 0;
    for (; n <= all; n++) {
        t->space.fixed_count = n;
        why = (sg_error)SG_ERROR_INIT;
        if (try_point(t, none, &why)) break;
    }
    t->space.fixed_count = all;
    *err = why;
    return n ? refuse(t, t->space.fixed[n - 1].name, t->space.fixed[n - 1].value, err) : why.code;
}

/* ---- the whole ---- */

static sg_status check_names(const sg_tune *t, sg_error *err) {
    const sg_space *space = &t->space;
    for (size_t i = 0; i < space->count + space->fixed_count; i++) {
        const char *name =
                i < space->count ? space->params[i].name : space->fixed[i - space->count].name;
        sg_status st = check_name(name, err);
        if (st) return name_line(t->args->space, name, st, err);
    }
    return SG_OK;
}

/* What the settings tell about themselves, as image sizes taken from a file beside the weights, is
 * told by the trials. */
static sg_status check_space(const sg_tune *t, sg_error *err) {
    static const sg_log silent = {0};
    sg_call call = *t->call;
    sg_tune quiet = *t;
    call.log = &silent;
    quiet.call = &call;
    sg_status st = check_names(t, err);
    if (!st) st = check_base(&quiet, err);
    for (size_t i = 0; !st && i < t->space.count; i++) st = check_values(&quiet, i, err);
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
    return st ? st : check_space(t, err);
}
