/* explain_output.c - scores.csv, gates.csv and explain.json, see explain_output.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain_output.h"
#include "base/csv.h"
#include "base/file.h"
#include "cli/assessment.h"
#include "cli/values.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const char *sg_explain_map_title(char *buffer, size_t size, int map) {
    if (map == SG_EXPLAIN_CENTRE)
        (void)snprintf(buffer, size, "middle of the image");
    else if (map >= SG_EXPLAIN_UNTRAINED)
        (void)snprintf(buffer, size, "%s, untrained network",
                sg_explain_title((sg_explain_method)(map - SG_EXPLAIN_UNTRAINED)));
    else
        (void)snprintf(buffer, size, "%s", sg_explain_title((sg_explain_method)map));
    return buffer;
}

/* The same for programs. */
static const char *map_name(char *buffer, size_t size, int map) {
    if (map == SG_EXPLAIN_CENTRE)
        (void)snprintf(buffer, size, "centre");
    else if (map >= SG_EXPLAIN_UNTRAINED)
        (void)snprintf(buffer, size, "untrained:%s",
                sg_explain_name((sg_explain_method)(map - SG_EXPLAIN_UNTRAINED)));
    else
        (void)snprintf(buffer, size, "%s", sg_explain_name((sg_explain_method)map));
    return buffer;
}

const char *sg_explain_marks(
        char *buffer, size_t size, const sg_explain_output *out, sg_explain_method method) {
    const char *past = out->past ? sg_explain_past_marks(out->past, method) : NULL;
    sg_str s;
    sg_str_init(&s, size);
    if (out->verdicts) sg_explain_verdict_put_marks(&s, &out->verdicts[method]);
    (void)snprintf(buffer, size, "%s", past ? past : sg_str_text(&s));
    sg_str_dispose(&s);
    return buffer;
}

bool sg_explain_has_map(const sg_explain_output *out, int map) {
    if (map == SG_EXPLAIN_CENTRE) return out->job->scores;
    if (map < SG_EXPLAIN_METHODS) return out->job->methods[map];
    return out->job->scores && out->checked && out->job->methods[map - SG_EXPLAIN_UNTRAINED];
}

/* Writes text under a name in the folder and disposes of it. */
static sg_status write_text(
        const sg_explain_output *out, const char *name, sg_str *text, sg_error *err) {
    char *path = sg_path_join(out->folder, name);
    sg_status st = path ? sg_str_check(text, err) : sg_fail(err, SG_ERR_MEMORY, "out of memory");
    if (!st) st = sg_file_write(path, sg_str_text(text), text->len, err);
    free(path);
    sg_str_dispose(text);
    return st;
}

static bool knows_no_class(int map) {
    return map == SG_EXPLAIN_GATED || map == SG_EXPLAIN_UNTRAINED + SG_EXPLAIN_GATED;
}

static void put_reasons(sg_str *csv, const sg_assessment *assessment) {
    sg_str reasons;
    sg_str_init(&reasons, 0);
    sg_assessment_put_reasons(&reasons, assessment);
    sg_csv_put(csv, sg_str_text(&reasons));
    sg_str_dispose(&reasons);
}

sg_status sg_explain_write_scores(const sg_explain_output *out, sg_error *err) {
    static const char *const columns[] = {"image", "group", "truth", "looks_most_like", "p", "map",
            "of_class", "lesion", "seen_in_training", "marks", "without_marks", "abstain"};
    const sg_bundle *b = out->job->bundle;
    sg_str s;
    sg_str_init(&s, 0);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) sg_csv_put(&s, columns[i]);
    for (int k = 0; k < SG_MAP_MEASURES; k++)
        sg_csv_put(&s, sg_map_measure_name((sg_map_measure)k));
    sg_csv_end_row(&s);
    for (size_t r = 0; r < out->study->row_count; r++) {
        const sg_map_row *row = &out->study->rows[r];
        const sg_explained_image *at = &out->study->images[row->image];
        char name[64];
        sg_csv_put_name(&s, out->job->items->items[row->image].path);
        sg_csv_put_int(&s, row->group);
        sg_csv_put(&s, row->truth >= 0 ? b->classes[row->truth] : "");
        sg_csv_put(&s, b->classes[row->predicted]);
        sg_csv_put_double(&s, at->prediction.probability[row->predicted]);
        sg_csv_put(&s, map_name(name, sizeof name, row->map));
        sg_csv_put(&s, knows_no_class(row->map) ? "" : b->classes[at->class_index]);
        sg_csv_put(&s, row->lesion > 0 ? "yes" : row->lesion == 0 ? "no" : "");
        sg_csv_put(&s, at->seen ? "yes" : "no");
        sg_csv_put_int(&s, (long long)at->marks);
        sg_csv_put(&s, at->painted_top >= 0 ? b->classes[at->painted_top] : "");
        put_reasons(&s, &at->assessment);
        for (int k = 0; k < SG_MAP_MEASURES; k++) sg_csv_put_double(&s, row->values[k]);
        sg_csv_end_row(&s);
    }
    return write_text(out, "scores.csv", &s, err);
}

sg_status sg_explain_write_gates(const sg_explain_output *out, sg_error *err) {
    const sg_explain_study *study = out->study;
    const sg_bundle *b = out->job->bundle;
    if (!study->gate_count) return SG_OK;
    sg_str s;
    sg_str_init(&s, 0);
    static const char *const columns[] = {"gate", "class", "images", "channel", "mean"};
    for (size_t i = 0; i < 5; i++) sg_csv_put(&s, columns[i]);
    sg_csv_end_row(&s);
    for (size_t g = 0; g < study->gate_count; g++)
        for (int c = 0; c < b->class_count; c++)
            for (size_t k = 0; study->gate_images[c] && k < study->gates[g].channels; k++) {
                const sg_gate_profile *p = &study->gates[g];
                sg_csv_put(&s, p->name);
                sg_csv_put(&s, b->classes[c]);
                sg_csv_put_int(&s, (long long)study->gate_images[c]);
                sg_csv_put_int(&s, (long long)k);
                sg_csv_put_double(
                        &s, p->sums[(size_t)c * p->channels + k] / (double)study->gate_images[c]);
                sg_csv_end_row(&s);
            }
    return write_text(out, "gates.csv", &s, err);
}

/* ---- JSON ---- */

static json_t *figures_json(const sg_bootstrap_figure *f) {
    json_t *all = json_object();
    for (int k = 0; k < SG_MAP_MEASURES; k++)
        if (!isnan(f[k].estimate))
            json_object_set_new(all, sg_map_measure_name((sg_map_measure)k),
                    sg_value_to_json(sg_value_of_boot(&f[k])));
    return all;
}

static sg_status put_part(json_t *parts, const char *name, const sg_explain_output *out,
        sg_map_part part, sg_error *err) {
    sg_bootstrap_figure f[SG_MAP_MEASURES];
    size_t images;
    sg_status st = sg_map_rows_mean(
            f, &images, out->study->rows, out->study->row_count, part, &out->draws, err);
    if (!st && images)
        json_object_set_new(parts, name,
                json_pack("{s:I, s:o}", "images", (json_int_t)images, "means", figures_json(f)));
    return st;
}

/* What one map scored: with a lesion, by class and by right and wrong; without. */
static sg_status put_map(json_t *maps, const sg_explain_output *out, int map, sg_error *err) {
    const sg_bundle *b = out->job->bundle;
    char name[64];
    json_t *parts = json_object();
    json_object_set_new(maps, map_name(name, sizeof name, map), parts);
    sg_status st = put_part(parts, "lesions", out, (sg_map_part){map, -1, -1, 1}, err);
    for (int c = 0; c < b->class_count && !st; c++)
        st = put_part(parts, b->classes[c], out, (sg_map_part){map, c, -1, -1}, err);
    if (!st) st = put_part(parts, "no lesion", out, (sg_map_part){map, -1, -1, 0}, err);
    if (!st) st = put_part(parts, "lesions, right", out, (sg_map_part){map, -1, 1, 1}, err);
    if (!st) st = put_part(parts, "lesions, wrong", out, (sg_map_part){map, -1, 0, 1}, err);
    static const char *const above[] = {"above the centre", "above the untrained network"};
    for (int k = 0; k < SG_EXPLAIN_BASELINES && map < SG_EXPLAIN_METHODS && out->verdicts; k++)
        if (out->verdicts[map].compared[k])
            json_object_set_new(parts, above[k], figures_json(out->verdicts[map].above[k]));
    return st;
}

static json_t *sanity_json(const sg_explain_output *out) {
    json_t *all = json_object();
    for (int m = 0; m < SG_EXPLAIN_METHODS; m++) {
        if (!out->job->methods[m]) continue;
        json_t *cascade = json_array();
        for (int k = 0; out->checked && k <= out->study->stages; k++)
            json_array_append_new(cascade, sg_json_number(out->study->cascade[m][k]));
        bool fails = sg_explain_study_fails(out->study, (sg_explain_method)m);
        json_object_set_new(all, sg_explain_name((sg_explain_method)m),
                json_pack("{s:o, s:o, s:o, s:s}", "stages_drawn_anew", cascade, "labels_permuted",
                        sg_json_number(out->study->permuted[m]), "another_image",
                        sg_json_number(out->study->others[m]), "verdict",
                        !out->checked && !out->permuted ? "not checked"
                        : fails                         ? "fails"
                                                        : "passes"));
    }
    return all;
}

/* What pages of other images repeat (--study). */
static json_t *verdicts_json(const sg_explain_output *out) {
    json_t *all = json_object();
    for (int m = 0; m < SG_EXPLAIN_METHODS; m++)
        if (out->job->methods[m])
            json_object_set_new(all, sg_explain_name((sg_explain_method)m),
                    sg_explain_verdict_to_json(&out->verdicts[m]));
    return all;
}

static json_t *predictions_json(const sg_explain_output *out) {
    const sg_bundle *b = out->job->bundle;
    json_t *all = json_array();
    for (size_t i = 0; i < out->study->count; i++) {
        const sg_explained_image *at = &out->study->images[i];
        if (!at->read) continue;
        json_t *p = json_object();
        for (int c = 0; c < b->class_count; c++)
            json_object_set_new(p, b->classes[c], json_real(at->prediction.probability[c]));
        json_array_append_new(
                all, json_pack("{s:o, s:s, s:o, s:s, s:b, s:I, s:s?, s:o}", "image",
                             sg_json_text(out->job->items->items[i].path), "looks_most_like",
                             b->classes[at->prediction.top], "probabilities", p, "map_of",
                             b->classes[at->class_index], "seen_in_training", (int)at->seen,
                             "marks", (json_int_t)at->marks, "without_marks",
                             at->painted_top >= 0 ? b->classes[at->painted_top] : NULL,
                             "assessment", sg_assessment_to_json(&at->assessment, b)));
    }
    return all;
}

sg_status sg_explain_write_json(json_t **document, const sg_explain_output *out, sg_error *err) {
    json_t *maps = json_object();
    char *path = sg_path_join(out->folder, "explain.json");
    sg_status st = path ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory");
    for (int m = 0; m < SG_EXPLAIN_MAPS && !st; m++)
        if (sg_explain_has_map(out, m)) st = put_map(maps, out, m, err);
    json_t *doc = json_pack("{s:i, s:s, s:s, s:s, s:i, s:o, s:s?, s:b, s:f, s:s, s:o, s:o, s:o}",
            "schema", 1, "use", SG_RESEARCH_USE, "model", out->job->bundle->model, "bundle_sha256",
            sg_bundle_sha256(out->job->bundle), "members", out->job->bundle->member_count, "data",
            out->data ? sg_json_text(out->data) : json_null(), "layer", out->layer, "flip_average",
            (int)out->flip_average, "threshold", out->job->threshold, "distance_unit",
            out->job->in_mm ? "mm" : "px", "images", predictions_json(out), "maps", maps, "sanity",
            sanity_json(out));
    if (!st && !doc) st = sg_fail(err, SG_ERR_MEMORY, "out of memory writing explain.json");
    if (!st && out->verdicts) json_object_set_new(doc, "verdicts", verdicts_json(out));
    if (!st) st = sg_json_write(doc, path, err);
    free(path);
    if (st)
        json_decref(doc);
    else
        *document = doc;
    return st;
}
