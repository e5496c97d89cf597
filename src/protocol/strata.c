/* strata.c - see strata.h. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/strata.h"
#include "protocol/arrays.h"
#include "stats/strata.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory measuring parts of the images");
}

typedef struct work {
    sg_strata *out;
    const sg_predictions *p;
    sg_bootstrap_sample sample;
    sg_bootstrap_options options;
    uint8_t *hit;
    uint32_t *stratum;
    double *value;
} work;

/* Appends the parts 0 .. count - 1 of w->stratum, unless one of them is empty. */
static sg_status add_parts(work *w, const char *kind, const char (*names)[SG_STRATUM_NAME],
        size_t count, sg_error *err) {
    sg_share shares[3];
    sg_status st =
            sg_strata_measure(shares, w->stratum, count, &w->sample, w->hit, &w->options, err);
    if (st) return st;
    for (size_t i = 0; i < count; i++) {
        if (shares[i].n > 0) continue;
        w->out->undivided[w->out->undivided_count++] = kind;
        return SG_OK;
    }
    for (size_t i = 0; i < count; i++) {
        sg_stratum *row = &w->out->rows[w->out->count++];
        row->kind = kind;
        (void)snprintf(row->name, sizeof row->name, "%s", names[i]);
        row->accuracy = shares[i];
    }
    return SG_OK;
}

static sg_status add_marks(work *w, const sg_cohort *cohort, sg_error *err) {
    static const char names[2][SG_STRATUM_NAME] = {
            "clean", "annotated (calipers, text or pictograms found)"};
    for (size_t i = 0; i < w->p->count; i++) {
        const sg_prediction_row *row = &w->p->rows[i];
        const sg_cohort_image *image = sg_cohort_find(cohort, row->path, row->sha256);
        w->stratum[i] = image && image->marked;
    }
    return add_parts(w, "marks", names, 2, err);
}

/* Thirds by w->value. */
static sg_status add_thirds(
        work *w, const char *kind, const char *const words[3], const char *unit, sg_error *err) {
    double edges[2];
    char names[3][SG_STRATUM_NAME];
    sg_status st = sg_strata_by_quantile(w->stratum, edges, w->value, w->sample.n, 3, err);
    if (st) return st;
    (void)snprintf(names[0], sizeof names[0], "%s (up to %.0f %s)", words[0], edges[0], unit);
    (void)snprintf(names[1], sizeof names[1], "%s (up to %.0f)", words[1], edges[1]);
    (void)snprintf(names[2], sizeof names[2], "%s (above)", words[2]);
    return add_parts(w, kind, (const char(*)[SG_STRATUM_NAME])names, 3, err);
}

sg_status sg_strata_measure_all(sg_strata *out, const sg_predictions *p, const sg_cohort *cohort,
        size_t draws, sg_error *err) {
    static const char *const sizes[3] = {"smallest third", "middle third", "largest third"};
    static const char *const lights[3] = {"darkest third", "middle third", "brightest third"};
    sg_strata found = {.count = 0};
    sg_arrays rows;
    sg_status st = sg_arrays_make(&rows, p, err);
    work w = {&found, p, {rows.labels, rows.groups, rows.n, rows.classes},
            SG_BOOTSTRAP_OPTIONS_INIT, malloc(rows.n + 1), malloc((rows.n + 1) * sizeof *w.stratum),
            malloc((rows.n + 1) * sizeof *w.value)};
    w.options.draws = draws;
    if (!st && (!w.hit || !w.stratum || !w.value)) st = no_memory(err);
    for (size_t i = 0; i < rows.n && !st; i++) w.hit[i] = rows.predicted[i] == rows.labels[i];
    if (!st && cohort) st = add_marks(&w, cohort, err);
    for (size_t i = 0; i < rows.n && !st; i++)
        w.value[i] = sqrt((double)p->rows[i].width * p->rows[i].height);
    if (!st) st = add_thirds(&w, "size", sizes, "pixels, root of the area", err);
    for (size_t i = 0; i < rows.n && !st; i++) w.value[i] = p->rows[i].brightness;
    if (!st) st = add_thirds(&w, "brightness", lights, "mean grey", err);
    free(w.hit);
    free(w.stratum);
    free(w.value);
    sg_arrays_dispose(&rows);
    if (!st) *out = found;
    return st;
}

json_t *sg_strata_to_json(const sg_strata *s) {
    json_t *list = json_array();
    for (size_t i = 0; i < s->count; i++) {
        const sg_share *a = &s->rows[i].accuracy;
        json_array_append_new(
                list, json_pack("{s:s, s:s, s:I, s:o, s:[o, o]}", "by", s->rows[i].kind, "part",
                              s->rows[i].name, "n", (json_int_t)a->n, "accuracy",
                              sg_json_number(a->value), "accuracy_ci",
                              sg_json_number(a->interval.low), sg_json_number(a->interval.high)));
    }
    return list;
}

json_t *sg_strata_undivided_to_json(const sg_strata *s) {
    json_t *list = json_array();
    for (size_t i = 0; i < s->undivided_count; i++)
        json_array_append_new(list, json_string(s->undivided[i]));
    return list;
}
