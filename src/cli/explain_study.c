/* explain_study.c - see explain_study.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain_study.h"
#include "image/codec.h"
#include "image/paint_over.h"
#include "infer/predict.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 256 << 20 };

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory studying maps");
}

/* An image in work, with its masks. */
typedef struct in_work {
    sg_image image;
    uint8_t *mask;
    bool lesion;
} in_work;

static void scene_close(in_work *s) {
    sg_image_dispose(&s->image);
    free(s->mask);
}

static sg_status scene_open(
        in_work *s, char sha256[SG_SHA256_HEX], const sg_explain_item *item, sg_error *err) {
    char *bytes;
    size_t size;
    *s = (in_work){0};
    sg_status st = sg_file_read(&bytes, &size, item->path, FILE_MAX, err);
    if (st) return st;
    st = sg_image_decode(&s->image, NULL, bytes, size, item->path, NULL, err);
    if (!st) sg_sha256_hex(sha256, bytes, size);
    free(bytes);
    if (!st)
        st = sg_explain_item_mask(&s->mask, &s->lesion, item, s->image.width, s->image.height, err);
    if (st) scene_close(s);
    return st;
}

static bool is_costly(int method) {
    return method == SG_EXPLAIN_INTEGRATED || method == SG_EXPLAIN_OCCLUSION;
}

static sg_status check_stop(size_t done, size_t total, sg_error *err) {
    return sg_cli_stop ? sg_fail(err, SG_ERR_INTERRUPTED, "stopped after %zu of %zu images", done,
                                 total)
                       : SG_OK;
}

/* ---- rows ---- */

static sg_status add_row(sg_map_row **row, sg_explain_study *s, const sg_explain_job *job, size_t i,
        int map, sg_error *err) {
    sg_status st = sg_grow(&s->rows, &s->row_capacity, s->row_count + 1, sizeof **row, err);
    if (st) return st;
    const sg_explain_item *item = &job->items->items[i];
    *row = &s->rows[s->row_count++];
    **row = (sg_map_row){.image = i,
            .map = map,
            .truth = item->truth,
            .predicted = s->images[i].prediction.top,
            .group = item->group,
            .lesion = s->images[i].has_mask ? s->images[i].lesion : -1};
    for (int k = 0; k < SG_MAP_MEASURES; k++) (*row)->values[k] = NAN;
    return SG_OK;
}

static double hot_share(const sg_plane *map, double threshold) {
    size_t n = (size_t)map->width * (size_t)map->height, hot = 0;
    for (size_t i = 0; i < n; i++) hot += map->values[i] > 0 && map->values[i] >= threshold;
    return (double)hot / (double)n;
}

static sg_status score(sg_map_row *row, const sg_explain_job *job, const in_work *s,
        const sg_plane *map, sg_error *err) {
    row->values[SG_MAP_HOT] = hot_share(map, job->threshold);
    if (!s->lesion) return SG_OK;
    sg_map_score found;
    sg_status st = sg_map_score_measure(&found, map, s->mask, job->threshold, err);
    if (st) return st;
    row->values[SG_MAP_POINTING] = found.pointing;
    row->values[SG_MAP_ENERGY] = found.energy;
    row->values[SG_MAP_IOU_BEST] = found.iou_best;
    row->values[SG_MAP_IOU_FIXED] = found.iou_fixed;
    row->values[SG_MAP_AUPRC] = found.auprc;
    row->values[SG_MAP_DISTANCE] =
            found.distance * (job->in_mm ? job->items->items[row->image].pixel_mm : 1);
    return SG_OK;
}

static sg_status add_curves(sg_explain_study *s, sg_map_row *row, sg_explainer *e,
        const sg_plane *map, int class_index, sg_error *err) {
    sg_explain_curves c;
    sg_status st = sg_explainer_curves(&c, e, map, class_index, err);
    if (st) return st;
    row->values[SG_MAP_DELETION] = c.deletion_area;
    row->values[SG_MAP_INSERTION] = c.insertion_area;
    for (int k = 0; k <= SG_EXPLAIN_CURVE_STEPS; k++) {
        s->deletion[row->map][k] += c.deletion[k];
        s->insertion[row->map][k] += c.insertion[k];
    }
    return SG_OK;
}

/* ---- burnt-in marks ---- */

static sg_status look_without_marks(sg_explained_image *at, uint8_t **covered, sg_explainer *e,
        const sg_image *image, sg_error *err) {
    sg_marks marks;
    sg_image painted = {0};
    sg_prediction p;
    size_t n = (size_t)image->width * (size_t)image->height, under = 0;
    *covered = NULL;
    sg_status st = sg_marks_find(&marks, image, err);
    if (st) return st;
    at->marks = marks.count;
    if (marks.count) {
        *covered = malloc(n);
        if (!*covered) st = no_memory(err);
        if (!st) sg_marks_cover(*covered, image->width, image->height, &marks);
        if (!st) st = sg_paint_over(&painted, image, &marks, err);
        if (!st) st = sg_explainer_look(e, &painted, err);
        if (!st) st = sg_explainer_predict(e, &p, err);
        for (size_t i = 0; i < n && !st; i++) under += (*covered)[i];
        if (!st) {
            at->painted_top = p.top;
            at->painted = p.probability[at->prediction.top];
            at->marks_area = (double)under / (double)n;
        }
    }
    sg_image_dispose(&painted);
    sg_marks_dispose(&marks);
    return st;
}

/* ---- gates ---- */

typedef struct gate_sum {
    sg_explain_study *study;
    int classes, class_index;
    sg_status status;
    sg_error *err;
} gate_sum;

static sg_status make_gate(
        sg_explain_study *s, const char *name, size_t channels, int classes, sg_error *err) {
    sg_gate_profile *more = realloc(s->gates, (s->gate_count + 1) * sizeof *more);
    if (!more) return no_memory(err);
    s->gates = more;
    sg_gate_profile *g = &s->gates[s->gate_count++];
    *g = (sg_gate_profile){sg_strdup(name), channels, calloc((size_t)classes * channels + 1, 8)};
    return g->name && g->sums ? SG_OK : no_memory(err);
}

static void add_gate(
        void *user, int number, const char *name, const float *gates, size_t channels) {
    gate_sum *sum = user;
    if ((size_t)number == sum->study->gate_count && !sum->status)
        sum->status = make_gate(sum->study, name, channels, sum->classes, sum->err);
    if (sum->status || (size_t)number >= sum->study->gate_count) return;
    double *to = sum->study->gates[number].sums + (size_t)sum->class_index * channels;
    for (size_t c = 0; c < channels; c++) to[c] += (double)gates[c];
}

static sg_status add_gates(
        sg_explain_study *s, const sg_explain_job *job, sg_explainer *e, size_t i, sg_error *err) {
    if (!job->methods[SG_EXPLAIN_GATED]) return SG_OK;
    int truth = job->items->items[i].truth;
    gate_sum sum = {.study = s,
            .classes = job->bundle->class_count,
            .class_index = truth >= 0 ? truth : s->images[i].prediction.top,
            .err = err};
    sg_status st = sg_explainer_gates(e, add_gate, &sum, err);
    if (!st) s->gate_images[sum.class_index]++;
    return st ? st : sum.status;
}

/* ---- one image with the trained network ---- */

static sg_status measure(sg_explain_study *s, const sg_explain_job *job, sg_explainer *e,
        const in_work *w, size_t i, int map_number, const sg_plane *map, const uint8_t *covered,
        sg_error *err) {
    sg_map_row *row;
    sg_status st = add_row(&row, s, job, i, map_number, err);
    if (!st) st = score(row, job, w, map, err);
    if (!st && covered) row->values[SG_MAP_ON_MARKS] = sg_map_share(map, covered);
    if (!st && job->curves && (w->lesion || !job->scores))
        st = add_curves(s, row, e, map, s->images[i].class_index, err);
    return st;
}

static sg_status explain_method(sg_explain_study *s, const sg_explain_job *job, sg_explainer *e,
        const in_work *w, size_t i, int method, const uint8_t *covered, sg_error *err) {
    sg_plane map;
    sg_explained_image *at = &s->images[i];
    sg_status st = sg_explainer_map(&map, e, (sg_explain_method)method, at->class_index, err);
    if (st) return st;
    sg_map_sample(at->samples + (size_t)method * SG_MAP_SAMPLES, &map);
    st = measure(s, job, e, w, i, method, &map, covered, err);
    if (!st && job->show)
        st = job->show(
                job->user, i, &w->image, (sg_explain_method)method, &map, at->class_index, err);
    sg_plane_dispose(&map);
    return st;
}

static sg_status explain_centre(sg_explain_study *s, const sg_explain_job *job, sg_explainer *e,
        const in_work *w, size_t i, const uint8_t *covered, sg_error *err) {
    sg_plane map;
    if (!job->scores) return SG_OK;
    sg_status st = sg_map_centre(&map, w->image.width, w->image.height, err);
    if (st) return st;
    st = measure(s, job, e, w, i, SG_EXPLAIN_CENTRE, &map, covered, err);
    sg_plane_dispose(&map);
    return st;
}

static sg_status choose_class(
        sg_explained_image *at, const sg_explain_job *job, size_t i, sg_error *err) {
    const sg_explain_item *item = &job->items->items[i];
    at->class_index = job->of_class >= 0 ? job->of_class : at->prediction.top;
    if (job->of_class != SG_EXPLAIN_OF_TRUTH) return SG_OK;
    if (item->truth < 0)
        return sg_fail(err, SG_ERR_INPUT,
                "%s: its class is not known to the model; --class truth needs folders or a table "
                "with the model's classes",
                item->path);
    at->class_index = item->truth;
    return SG_OK;
}

/* As `predict` does; features come from the predictor, which is asked only where the bundle can
 * compare them. */
static sg_status assess(
        sg_explained_image *at, const sg_explain_job *job, const sg_image *image, sg_error *err) {
    sg_prediction ignored;
    sg_status st = SG_OK;
    if (job->bundle->atlas)
        st = sg_predictor_predict_images(job->predictor, &ignored, image, 1, err);
    return st ? st : sg_assess(&at->assessment, job->predictor, image, &at->prediction, err);
}

static sg_status explain_image(sg_explain_study *s, const sg_explain_job *job, sg_explainer *e,
        const in_work *w, size_t i, sg_error *err) {
    sg_explained_image *at = &s->images[i];
    uint8_t *covered = NULL;
    at->has_mask = w->mask != NULL;
    at->lesion = w->lesion;
    at->samples = calloc((size_t)SG_EXPLAIN_METHODS * SG_MAP_SAMPLES, sizeof *at->samples);
    sg_status st = at->samples ? SG_OK : no_memory(err);
    if (!st) st = sg_explainer_look(e, &w->image, err);
    if (!st) st = sg_explainer_predict(e, &at->prediction, err);
    if (!st) st = assess(at, job, &w->image, err);
    if (!st) st = choose_class(at, job, i, err);
    if (!st && job->marks) st = look_without_marks(at, &covered, e, &w->image, err);
    if (!st && covered) st = sg_explainer_look(e, &w->image, err);
    for (int m = 0; m < SG_EXPLAIN_METHODS && !st; m++)
        if (job->methods[m]) st = explain_method(s, job, e, w, i, m, covered, err);
    if (!st) st = explain_centre(s, job, e, w, i, covered, err);
    if (!st) st = add_gates(s, job, e, i, err);
    free(covered);
    if (!st && job->curves && (w->lesion || !job->scores)) s->curve_images++;
    return st;
}

/* ---- passes ---- */

static bool can_skip(const sg_explain_job *job, sg_status st) {
    return job->skip_bad && (st == SG_ERR_FORMAT || st == SG_ERR_IO || st == SG_ERR_MISSING);
}

static void no_results(sg_explain_study *s) {
    for (int m = 0; m < SG_EXPLAIN_METHODS; m++) {
        s->permuted[m] = s->others[m] = NAN;
        for (int k = 0; k < SG_EXPLAIN_STAGES_MAX; k++) s->cascade[m][k] = NAN;
    }
}

/* Between each image and the next: what maps share without sharing an image. */
static sg_status correlate_others(sg_explain_study *s, const sg_explain_job *job, sg_error *err) {
    sg_status st = SG_OK;
    for (int m = 0; m < SG_EXPLAIN_METHODS; m++) {
        double sum = 0, r = 0;
        size_t n = 0;
        const float *before = NULL;
        for (size_t i = 0; i < s->count && job->methods[m] && !st; i++) {
            if (!s->images[i].read) continue;
            const float *now = s->images[i].samples + (size_t)m * SG_MAP_SAMPLES;
            if (before) st = sg_map_correlate(&r, before, now, err);
            if (before && !st && !isnan(r)) sum += r, n++;
            before = now;
        }
        if (n) s->others[m] = sum / (double)n;
    }
    return st;
}

static void finish_curves(sg_explain_study *s) {
    for (int m = 0; m < SG_EXPLAIN_MAPS && s->curve_images; m++)
        for (int k = 0; k <= SG_EXPLAIN_CURVE_STEPS; k++) {
            s->deletion[m][k] /= (double)s->curve_images;
            s->insertion[m][k] /= (double)s->curve_images;
        }
}

sg_status sg_explain_study_run(
        sg_explain_study *out, const sg_explain_job *job, sg_explainer *e, sg_error *err) {
    sg_explain_study *s = out;
    size_t n = job->items->count, read = 0;
    *s = (sg_explain_study){.count = n, .images = calloc(n + 1, sizeof *s->images)};
    s->gate_images = calloc((size_t)job->bundle->class_count, sizeof *s->gate_images);
    no_results(s);
    sg_status st = s->images && s->gate_images ? SG_OK : no_memory(err);
    for (size_t i = 0; i < n && !st; i++) {
        in_work w;
        char sha256[SG_SHA256_HEX];
        st = check_stop(i, n, err);
        if (!st) st = scene_open(&w, sha256, &job->items->items[i], err);
        if (can_skip(job, st)) {
            sg_log_line(job->log, SG_LOG_WARN, "left out: %s", err->message);
            st = SG_OK;
            continue;
        }
        if (st) break;
        s->images[i].read = true;
        s->images[i].painted_top = -1;
        s->images[i].seen = sg_bundle_seen(job->bundle, sha256);
        st = explain_image(s, job, e, &w, i, err);
        scene_close(&w);
        read++;
        sg_log_progress(job->log, "explaining", (double)(i + 1), (double)n);
    }
    if (!st && !read) st = sg_fail(err, SG_ERR_INPUT, "none of the %zu files could be read", n);
    if (!st) st = correlate_others(s, job, err);
    finish_curves(s);
    return st;
}

/* Another network's maps of the same images and classes, against the trained one's. `costly`: also
 * by the methods that need many passes. map_offset >= 0: scored as maps of that number on. */
typedef struct second {
    const sg_explain_job *job;
    sg_explainer *explainer;
    bool costly;
    int map_offset;
    const char *what;
    double sums[SG_EXPLAIN_METHODS];
    size_t counts[SG_EXPLAIN_METHODS];
} second;

static sg_status second_map(
        sg_explain_study *s, second *p, const in_work *w, size_t i, int m, sg_error *err) {
    sg_plane map;
    sg_map_row *row;
    float samples[SG_MAP_SAMPLES];
    double r;
    sg_status st = sg_explainer_map(
            &map, p->explainer, (sg_explain_method)m, s->images[i].class_index, err);
    if (st) return st;
    sg_map_sample(samples, &map);
    st = sg_map_correlate(&r, s->images[i].samples + (size_t)m * SG_MAP_SAMPLES, samples, err);
    if (!st && !isnan(r)) {
        p->sums[m] += r;
        p->counts[m]++;
    }
    if (!st && p->map_offset >= 0) {
        st = add_row(&row, s, p->job, i, p->map_offset + m, err);
        if (!st) st = score(row, p->job, w, &map, err);
    }
    sg_plane_dispose(&map);
    return st;
}

static sg_status second_pass(sg_explain_study *s, second *p, sg_error *err) {
    sg_status st = SG_OK;
    for (size_t i = 0; i < s->count && !st; i++) {
        in_work w;
        char sha256[SG_SHA256_HEX];
        st = check_stop(i, s->count, err);
        if (!s->images[i].read || st) continue;
        st = scene_open(&w, sha256, &p->job->items->items[i], err);
        if (st) break;
        st = sg_explainer_look(p->explainer, &w.image, err);
        for (int m = 0; m < SG_EXPLAIN_METHODS && !st; m++)
            if (p->job->methods[m] && (p->costly || !is_costly(m)))
                st = second_map(s, p, &w, i, m, err);
        scene_close(&w);
        sg_log_progress(p->job->log, p->what, (double)(i + 1), (double)s->count);
    }
    return st;
}

static double mean_of(const second *p, int method) {
    return p->counts[method] ? p->sums[method] / (double)p->counts[method] : NAN;
}

sg_status sg_explain_study_randomise(
        sg_explain_study *s, const sg_explain_job *job, sg_explainer *e, sg_error *err) {
    int stages = sg_explainer_stages(e);
    stages = stages < SG_EXPLAIN_STAGES_MAX ? stages : SG_EXPLAIN_STAGES_MAX - 1;
    sg_status st = SG_OK;
    s->stages = stages;
    for (int drawn = 1; drawn <= stages && !st; drawn++) {
        bool all = drawn == stages;
        second p = {.job = job,
                .explainer = e,
                .costly = all,
                .map_offset = all && job->scores ? SG_EXPLAIN_UNTRAINED : -1,
                .what = all ? "untrained network" : "weights drawn anew"};
        st = sg_explainer_randomise(e, all ? 0 : sg_explainer_stages(e) - drawn, job->seed, err);
        if (!st) st = second_pass(s, &p, err);
        for (int m = 0; m < SG_EXPLAIN_METHODS; m++) s->cascade[m][drawn] = mean_of(&p, m);
    }
    for (int m = 0; m < SG_EXPLAIN_METHODS; m++) s->cascade[m][0] = 1;
    return st;
}

sg_status sg_explain_study_permute(
        sg_explain_study *s, const sg_explain_job *job, sg_explainer *e, sg_error *err) {
    second p = {.job = job,
            .explainer = e,
            .costly = true,
            .map_offset = -1,
            .what = "trained on permuted labels"};
    sg_status st = second_pass(s, &p, err);
    for (int m = 0; m < SG_EXPLAIN_METHODS; m++) s->permuted[m] = mean_of(&p, m);
    return st;
}

bool sg_explain_study_fails(const sg_explain_study *s, sg_explain_method method) {
    double untrained = s->stages ? s->cascade[method][s->stages] : NAN;
    return fabs(untrained) > SG_EXPLAIN_FAILS_ABOVE ||
           fabs(s->permuted[method]) > SG_EXPLAIN_FAILS_ABOVE;
}

void sg_explain_study_dispose(sg_explain_study *s) {
    for (size_t i = 0; s->images && i < s->count; i++) free(s->images[i].samples);
    for (size_t g = 0; g < s->gate_count; g++) {
        free(s->gates[g].name);
        free(s->gates[g].sums);
    }
    free(s->images);
    free(s->rows);
    free(s->gates);
    free(s->gate_images);
}
