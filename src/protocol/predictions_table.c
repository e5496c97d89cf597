/* predictions_table.c - predictions as a table: a part of it, and predictions.csv.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "base/version.h"
#include "protocol/predictions.h"
#include <stdlib.h>
#include <string.h>

static sg_status copy_row(
        sg_predictions *out, const sg_prediction_row *from, size_t classes, sg_error *err) {
    sg_prediction_row *row = &out->rows[out->count];
    *row = *from;
    row->path = sg_strdup(from->path);
    row->group = sg_strdup(from->group);
    row->own_group = from->own_group ? sg_strdup(from->own_group) : NULL;
    row->p = out->values + 2 * classes * out->count;
    row->logit = row->p + classes;
    memcpy(row->p, from->p, classes * sizeof *row->p);
    memcpy(row->logit, from->logit, classes * sizeof *row->logit);
    out->count++;
    bool ok = row->path && row->group && (row->own_group || !from->own_group);
    return ok ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory for predictions");
}

int sg_prediction_fold_key(const sg_predictions *p, const sg_prediction_row *row) {
    int none = SG_FOLD_KEYS - 1;
    return p->runs > 1 ? row->run * SG_FOLD_KEYS + (row->fold < 0 ? none : row->fold) : row->fold;
}

/* ---- several runs ---- */

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Hashes of the rows, sorted; the caller's. */
static const char **sorted_hashes(const sg_predictions *p) {
    const char **list = malloc(p->count * sizeof *list + 1);
    for (size_t i = 0; list && i < p->count; i++) list[i] = p->rows[i].sha256;
    if (list) qsort(list, p->count, sizeof *list, compare_texts);
    return list;
}

static bool same_classes(const sg_predictions *a, const sg_predictions *b) {
    bool same = a->class_count == b->class_count;
    for (int c = 0; same && c < a->class_count; c++)
        same = strcmp(a->classes[c], b->classes[c]) == 0;
    return same;
}

static sg_status check_same(const sg_predictions *a, const sg_predictions *b, const char *first,
        const char *other, sg_error *err) {
    const char **x = sorted_hashes(a), **y = sorted_hashes(b);
    bool same = x && y && a->count == b->count && same_classes(a, b);
    for (size_t i = 0; same && i < a->count; i++) same = strcmp(x[i], y[i]) == 0;
    sg_status st = x && y ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory for predictions");
    free(x);
    free(y);
    if (!st && !same)
        st = sg_fail(err, SG_ERR_INPUT,
                "%s and %s were judged on different images or classes (%zu and %zu images); runs "
                "that are told together must answer for the same ones",
                first, other, a->count, b->count);
    return st;
}

sg_status sg_predictions_stack(sg_predictions *out, const sg_predictions *parts, size_t n,
        const char *const *names, sg_error *err) {
    size_t k = (size_t)parts[0].class_count, rows = 0;
    sg_status st = SG_OK;
    for (size_t r = 0; r < n && !st; r++) {
        rows += parts[r].count;
        if (r) st = check_same(&parts[0], &parts[r], names[0], names[r], err);
    }
    if (st) return st;
    bool *all = malloc(parts[0].count + 1);
    if (!all) return sg_fail(err, SG_ERR_MEMORY, "out of memory for predictions");
    memset(all, 1, parts[0].count);
    sg_predictions stack = {0};
    st = sg_predictions_subset(&stack, &parts[0], all, err); /* names and facts of the first */
    free(all);
    if (st) return st;
    sg_prediction_row *grown = realloc(stack.rows, (rows + 1) * sizeof *grown);
    if (grown) stack.rows = grown;
    json_t *models = json_array();
    double *values = calloc(2 * rows * k + 1, sizeof *values);
    if (!grown || !values || !models) {
        free(values);
        json_decref(models);
        sg_predictions_dispose(&stack);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for predictions");
    }
    memcpy(values, stack.values, 2 * stack.count * k * sizeof *values);
    free(stack.values);
    stack.values = values;
    for (size_t i = 0; i < stack.count; i++) {
        stack.rows[i].p = values + 2 * k * i;
        stack.rows[i].logit = stack.rows[i].p + k;
    }
    json_decref(stack.models);
    stack.models = models;
    for (size_t r = 0; r < n && !st; r++) {
        for (size_t m = 0; m < json_array_size(parts[r].models); m++) {
            json_t *model = json_copy(json_array_get(parts[r].models, m));
            json_object_set_new(model, "run", json_integer((json_int_t)r));
            json_array_append_new(models, model);
        }
        if (r) stack.seen += parts[r].seen;
        stack.ungrouped |= parts[r].ungrouped;
        for (size_t i = 0; r && i < parts[r].count && !st; i++) {
            st = copy_row(&stack, &parts[r].rows[i], k, err);
            stack.rows[stack.count - 1].run = (int)r;
        }
    }
    stack.runs = (int)n;
    if (st)
        sg_predictions_dispose(&stack);
    else
        *out = stack;
    return st;
}

/* ---- a part ---- */

sg_status sg_predictions_subset(
        sg_predictions *out, const sg_predictions *p, const bool *keep, sg_error *err) {
    size_t n = 0, k = (size_t)p->class_count;
    for (size_t i = 0; i < p->count; i++) n += keep[i];
    sg_predictions part = *p;
    part.count = 0;
    part.rows = calloc(n + 1, sizeof *part.rows);
    part.values = calloc(2 * n * k + 1, sizeof *part.values);
    part.classes = calloc(k + 1, sizeof *part.classes);
    part.adjusted = p->adjusted ? calloc(n * k + 1, sizeof *part.adjusted) : NULL;
    part.root = sg_strdup(p->root);
    part.published = p->published ? sg_strdup(p->published) : NULL;
    part.models = json_incref(p->models);
    bool ok = part.rows && part.values && part.classes && part.root &&
              (part.published || !p->published) && (part.adjusted || !p->adjusted);
    for (size_t c = 0; ok && c < k; c++) ok = (part.classes[c] = sg_strdup(p->classes[c])) != NULL;
    sg_status st = ok ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory for predictions");
    for (size_t i = 0; i < p->count && !st; i++)
        if (keep[i]) {
            if (p->adjusted)
                memcpy(part.adjusted + k * part.count, p->adjusted + k * i, k * sizeof(double));
            st = copy_row(&part, &p->rows[i], k, err);
        }
    if (st)
        sg_predictions_dispose(&part);
    else
        *out = part;
    return st;
}

sg_status sg_predictions_write(const sg_predictions *p, const char *path, sg_error *err) {
    static const char *const fixed[] = {
            "path", "sha256", "group", "split", "fold", "seed", "label", "predicted"};
    sg_str s;
    sg_str_init(&s, (size_t)1 << 30);
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) sg_csv_put(&s, fixed[i]);
    for (int what = 0; what < 2; what++)
        for (int c = 0; c < p->class_count; c++) {
            char *name = sg_strdupf("%s_%s", what == 0 ? "p" : "logit", p->classes[c]);
            sg_csv_put_name(&s, name ? name : "?");
            free(name);
        }
    sg_csv_put(&s, "training_population");
    sg_csv_put(&s, "use");
    bool official = p->count && p->rows[0].official_fold;
    if (official) sg_csv_put(&s, "official_fold");
    if (p->runs > 1) sg_csv_put(&s, "run");
    for (int c = 0; c < p->class_count && p->adjusted; c++) {
        char *name = sg_strdupf("adjusted_%s", p->classes[c]);
        sg_csv_put(&s, name ? name : "?");
        free(name);
    }
    sg_csv_end_row(&s);
    sg_str population;
    sg_str_init(&population, 0);
    sg_bundle_put_population(
            &population, json_object_get(json_array_get(p->models, 0), "training"));
    for (size_t i = 0; i < p->count; i++) {
        const sg_prediction_row *r = &p->rows[i];
        sg_csv_put_name(&s, r->path);
        sg_csv_put(&s, r->sha256);
        sg_csv_put_name(&s, r->group);
        sg_csv_put(&s, r->split);
        if (r->fold < 0)
            sg_csv_put(&s, "");
        else
            sg_csv_put_int(&s, r->fold);
        sg_csv_put_int(&s, r->seed);
        sg_csv_put_name(&s, p->classes[r->label]);
        sg_csv_put_name(&s, p->classes[r->predicted]);
        for (int c = 0; c < p->class_count; c++) sg_csv_put_double(&s, r->p[c]);
        for (int c = 0; c < p->class_count; c++) sg_csv_put_double(&s, r->logit[c]);
        sg_csv_put(&s, sg_str_text(&population));
        sg_csv_put(&s, SG_RESEARCH_USE);
        if (official) sg_csv_put_int(&s, r->official_fold);
        if (p->runs > 1) sg_csv_put_int(&s, r->run);
        for (int c = 0; c < p->class_count && p->adjusted; c++)
            sg_csv_put_double(&s, p->adjusted[i * (size_t)p->class_count + (size_t)c]);
        sg_csv_end_row(&s);
    }
    sg_str_dispose(&population);
    sg_status st = sg_str_check(&s, err);
    if (!st) st = sg_file_write(path, s.data, s.len, err);
    sg_str_dispose(&s);
    return st;
}
