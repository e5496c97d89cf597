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
    row->p = out->values + 2 * classes * out->count;
    row->logit = row->p + classes;
    memcpy(row->p, from->p, classes * sizeof *row->p);
    memcpy(row->logit, from->logit, classes * sizeof *row->logit);
    out->count++;
    return row->path && row->group ? SG_OK
                                   : sg_fail(err, SG_ERR_MEMORY, "out of memory for predictions");
}

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
