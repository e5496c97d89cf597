/* predictions.c - see predictions.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "protocol/predictions.h"
#include "image/codec.h"
#include "protocol/run.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 32 }; /* images decoded and predicted together */

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory collecting predictions");
}

static void dispose_row(sg_prediction_row *row) {
    free(row->path);
    free(row->group);
    free(row->own_group);
}

void sg_predictions_dispose(sg_predictions *p) {
    if (!p) return;
    for (size_t i = 0; i < p->count; i++) dispose_row(&p->rows[i]);
    for (int c = 0; p->classes && c < p->class_count; c++) free(p->classes[c]);
    free(p->classes);
    free(p->rows);
    free(p->values);
    free(p->adjusted);
    free(p->root);
    free(p->published);
    json_decref(p->models);
    memset(p, 0, sizeof *p);
}

void sg_predictions_keep(sg_predictions *p, const bool *keep) {
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (keep[i])
            p->rows[kept++] = p->rows[i];
        else
            dispose_row(&p->rows[i]);
    }
    p->count = kept;
}

/* Room for at most `most` rows of these classes. */
static sg_status start(sg_predictions *p, size_t most, const char *const *classes, int class_count,
        const char *root, sg_error *err) {
    memset(p, 0, sizeof *p);
    p->rows = calloc(most + 1, sizeof *p->rows);
    p->values = calloc(2 * most * (size_t)class_count + 1, sizeof *p->values);
    p->classes = calloc((size_t)class_count + 1, sizeof *p->classes);
    p->root = sg_strdup(root);
    p->models = json_array();
    bool ok = p->rows && p->values && p->classes && p->root && p->models;
    for (int c = 0; c < class_count && ok; c++)
        ok = (p->classes[c] = sg_strdup(classes[c])) != NULL;
    p->class_count = class_count;
    return ok ? SG_OK : no_memory(err);
}

static json_t *training_facts(const json_t *training) {
    json_t *facts = json_copy((json_t *)training);
    json_object_del(facts, "seen");
    json_object_del(facts, "group_key");
    return facts;
}

static sg_status add_models(sg_predictions *out, const sg_bundle *b, sg_error *err) {
    for (int i = 0; i < b->member_count; i++) {
        const sg_member *m = &b->members[i];
        sg_graph_cost cost;
        sg_status st = sg_graph_measure(&cost, m->graph, b->recipe.size, b->recipe.size, err);
        if (st) return st;
        char parameters[SG_SHA256_HEX];
        sg_params_sha256(parameters, m->params);
        json_t *entry = json_pack("{s:s, s:I, s:I, s:o, s:o, s:O?, s:O?, s:s, s:s, s:O?}", "model",
                m->graph->name, "parameters", (json_int_t)cost.parameters, "macs",
                (json_int_t)cost.macs, "recipe", sg_recipe_to_json(&b->recipe), "training",
                training_facts(m->training), "calibration", (json_t *)m->calibration, "selection",
                (json_t *)m->selection, "weights_sha256", sg_bundle_sha256(b), "parameters_sha256",
                parameters, "ledger", json_array_get(b->ledgers, (size_t)i));
        if (!entry || json_array_append_new(out->models, entry)) return no_memory(err);
    }
    return SG_OK;
}

/* Squares of one size were mostly made so by somebody: stretched, or cropped. */
static int uniform_side(const sg_manifest *m) {
    int side = m->count ? m->rows[0].width : 0;
    for (size_t i = 0; i < m->count && side; i++)
        if (m->rows[i].width != side || m->rows[i].height != side) side = 0;
    return side;
}

typedef struct stamp {
    const char *split;
    int fold;
    long long seed;
} stamp;

static double mean_grey(const sg_image *image) {
    size_t n = sg_image_size(image);
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += image->pixels[i];
    return n ? sum / (double)n : 0;
}

static sg_status add_row(sg_predictions *out, const sg_manifest *m, size_t row, int label,
        const sg_prediction *found, const sg_image *image, const stamp *mark, sg_error *err) {
    size_t k = (size_t)out->class_count;
    sg_prediction_row *r = &out->rows[out->count];
    r->path = sg_strdup(m->rows[row].path);
    r->group = sg_strdup(m->group_labels[m->rows[row].group]);
    const char *own = sg_manifest_own_group(m, row);
    r->own_group = own ? sg_strdup(own) : NULL;
    memcpy(r->sha256, m->rows[row].sha256, sizeof r->sha256);
    r->split = mark->split;
    r->fold = mark->fold;
    r->official_fold = m->rows[row].official_fold;
    r->seed = mark->seed;
    r->label = label;
    r->predicted = found->top;
    r->width = image->width;
    r->height = image->height;
    r->brightness = mean_grey(image);
    r->p = out->values + 2 * k * out->count;
    r->logit = r->p + k;
    memcpy(r->p, found->probability, k * sizeof *r->p);
    memcpy(r->logit, found->logit, k * sizeof *r->logit);
    out->count++;
    return r->path && r->group && (r->own_group || !own) ? SG_OK : no_memory(err);
}

/* The image that the manifest lists, and no other that came under its name since. */
static sg_status read_file(sg_image *out, const char *path, const char *listed, sg_error *err) {
    static const sg_image_limits limits = SG_IMAGE_LIMITS_INIT;
    char sha256[SG_SHA256_HEX];
    char *bytes;
    size_t size;
    sg_status st = sg_file_read(&bytes, &size, path, limits.max_file_bytes, err);
    if (st == SG_ERR_MISSING)
        return sg_fail(err, SG_ERR_INPUT,
                "%s: this file is not there; say where the images lie (--data DIR)", path);
    if (st) return st;
    sg_sha256_hex(sha256, bytes, size);
    if (strcmp(sha256, listed) != 0)
        st = sg_fail(err, SG_ERR_INPUT,
                "%s is another image than the manifest lists (its SHA-256 is %.12s..., not "
                "%.12s...): it was changed since; put the old file back, or make a manifest of "
                "the images as they are",
                path, sha256, listed);
    if (!st) st = sg_image_decode(out, NULL, bytes, size, path, &limits, err);
    free(bytes);
    return st;
}

sg_status sg_predictions_read_image(
        sg_image *out, const sg_manifest *m, size_t row, sg_error *err) {
    char *path = sg_manifest_file(m, row);
    if (!path) return no_memory(err);
    sg_status st = read_file(out, path, m->rows[row].sha256, err);
    free(path);
    return st;
}

/* Predicts rows[n] in chunks and appends them. class_map: manifest class -> model class. */
static sg_status predict_rows(sg_predictions *out, sg_predictor *predictor, const sg_manifest *m,
        const size_t *rows, size_t n, const int *class_map, const stamp *mark,
        const sg_predict_options *options, sg_error *err) {
    sg_image images[CHUNK] = {{0, 0, 0, NULL}};
    sg_prediction found[CHUNK];
    sg_status st = SG_OK;
    for (size_t start_at = 0; start_at < n && !st; start_at += CHUNK) {
        if (options->stop && *options->stop)
            return sg_fail(err, SG_ERR_INTERRUPTED, "stopped; nothing was written");
        size_t count = n - start_at < CHUNK ? n - start_at : CHUNK;
        for (size_t i = 0; i < count && !st; i++)
            st = sg_predictions_read_image(&images[i], m, rows[start_at + i], err);
        if (!st) st = sg_predictor_predict_images(predictor, found, images, (int)count, err);
        for (size_t i = 0; i < count && !st; i++) {
            size_t row = rows[start_at + i];
            st = add_row(out, m, row, class_map[m->rows[row].class_index], &found[i], &images[i],
                    mark, err);
        }
        for (size_t i = 0; i < count; i++) sg_image_dispose(&images[i]);
        sg_log_progress(options->log, "predicting", (double)(start_at + count), (double)n);
    }
    return st;
}

/* A run's own models have the classes of its data, in their order. */
static sg_status map_own_classes(
        int *map, const sg_manifest *m, const sg_bundle *b, const char *dir, sg_error *err) {
    bool same = m->class_count == (size_t)b->class_count;
    for (size_t c = 0; c < m->class_count && same; c++) {
        map[c] = (int)c;
        same = sg_class_same_name(m->class_names[c], b->classes[c]);
    }
    return same ? SG_OK
                : sg_fail(err, SG_ERR_INPUT,
                          "the weights in %s have other classes than the run's manifest.csv; they "
                          "belong to another run",
                          dir);
}

/* Rows whose bytes the model was trained, stopped or calibrated on. */
static size_t mark_seen(bool *seen, const sg_bundle *b, const sg_manifest *m) {
    size_t n = 0;
    for (size_t i = 0; i < m->count; i++) {
        seen[i] = sg_bundle_seen(b, m->rows[i].sha256);
        n += seen[i];
    }
    return n;
}

/* Adds to marked rows what belongs to their groups, and groups known by name. */
static sg_status mark_seen_groups(
        bool *seen, const sg_bundle *b, const sg_manifest *m, sg_error *err) {
    bool *groups = calloc(m->group_count + 1, sizeof *groups);
    char *grouping = sg_manifest_own_grouping_text(m);
    json_t *source = grouping ? sg_json_text(grouping) : NULL;
    sg_status st = groups && source ? SG_OK : no_memory(err);
    for (size_t i = 0; i < m->count && !st; i++)
        if (seen[i]) groups[m->rows[i].group] = true;
    for (size_t i = 0; i < m->count && !st; i++) {
        const char *name = sg_manifest_own_group(m, i);
        if (name && sg_bundle_seen_group(b, json_string_value(source), name))
            groups[m->rows[i].group] = true;
    }
    for (size_t i = 0; i < m->count && !st; i++) seen[i] = groups[m->rows[i].group];
    json_decref(source);
    free(grouping);
    free(groups);
    return st;
}

/* *count: how many of rows[n] are marked. */
static sg_status check_seen(size_t *count, const bool *seen, const sg_manifest *m,
        const size_t *rows, size_t n, bool allowed, sg_error *err) {
    size_t first = 0;
    *count = 0;
    for (size_t i = 0; i < n; i++)
        if (seen[rows[i]] && (*count)++ == 0) first = rows[i];
    if (!*count || allowed) return SG_OK;
    return sg_fail(err, SG_ERR_INPUT,
            "%zu of %zu images, or images of their groups, were in this model's training or "
            "validation, the first is %s: figures on them say nothing about new images; take other "
            "images, or `evaluate --allow-seen`, whose report is marked",
            *count, n, m->rows[first].path);
}

/* Every image must be one the model may speak about. */
static sg_status check_phantoms(
        const sg_predictor *predictor, const sg_manifest *m, sg_error *err) {
    sg_status st = SG_OK;
    for (size_t i = 0; i < m->count && !st; i++) {
        char *path = sg_manifest_file(m, i);
        st = path ? sg_predictor_check_phantom(predictor, path, err) : no_memory(err);
        free(path);
    }
    return st;
}

/* One model on the rows of a run's part. */
static sg_status predict_part(sg_predictions *out, const char *dir, const sg_run *run,
        const sg_split *parts, sg_part part, int fold, const sg_predict_options *options,
        sg_error *err) {
    size_t *rows = NULL, n = 0;
    sg_bundle *bundle = NULL;
    sg_predictor *predictor = NULL;
    int map[SG_PREDICTOR_MAX_CLASSES];
    sg_status st = sg_split_select(&rows, &n, parts, part, err);
    if (!st && n == 0)
        st = sg_fail(err, SG_ERR_INPUT,
                "the run %s has no image in its %s part: judge another part (--split) or other "
                "images (--data DIR)",
                dir, sg_part_name(part));
    char *last = sg_run_weights_path(dir, "last");
    if (!st && !last) st = no_memory(err);
    if (!st) st = sg_bundle_open(&bundle, options->last ? last : dir, err);
    free(last);
    bool *seen = calloc(run->manifest.count + 1, sizeof *seen);
    if (!st && !seen) st = no_memory(err);
    size_t seen_rows = 0;
    if (!st && mark_seen(seen, bundle, &run->manifest)) /* its groups were kept by the split */
        st = check_seen(&seen_rows, seen, &run->manifest, rows, n,
                options->allow_seen || part != SG_PART_TEST || run->split.ungrouped, err);
    out->seen += seen_rows;
    free(seen);
    if (!st) st = map_own_classes(map, &run->manifest, bundle, dir, err);
    if (!st) st = add_models(out, bundle, err);
    if (st) {
        sg_bundle_close(bundle);
        free(rows);
        return st;
    }
    stamp mark = {sg_part_name(part), fold, bundle->members[0].seed};
    sg_predict_options own = *options;
    own.predictor.allow_phantom_model = true; /* a run is judged on data of its own kind */
    own.predictor.batch = CHUNK;
    st = sg_predictor_create(&predictor, bundle, &own.predictor, err);
    if (!st) st = predict_rows(out, predictor, &run->manifest, rows, n, map, &mark, &own, err);
    sg_predictor_close(predictor);
    free(rows);
    return st;
}

sg_status sg_predictions_fold_parts(
        sg_split *out, const sg_run *run, const char *dir, int fold, sg_error *err) {
    sg_split_options options = SG_SPLIT_OPTIONS_INIT;
    options.ungrouped = true; /* the mark comes from the whole split */
    char *path = sg_path_join(dir, "splits.csv");
    if (!path) return no_memory(err);
    sg_status st = sg_path_exists(path)
                           ? sg_split_read(out, path, &run->manifest, &options, err)
                           : sg_split_fold_parts(out, &run->split, &run->manifest, fold, 0, 0, err);
    free(path);
    return st;
}

static sg_status predict_fold(sg_predictions *out, const sg_run *run, int fold, sg_part part,
        const sg_predict_options *options, sg_error *err) {
    sg_split parts = {0};
    char *dir = sg_run_fold_dir(run->dir, fold);
    sg_status st = dir ? sg_predictions_fold_parts(&parts, run, dir, fold, err) : no_memory(err);
    if (!st) st = predict_part(out, dir, run, &parts, part, fold, options, err);
    sg_split_dispose(&parts);
    free(dir);
    return st;
}

sg_status sg_predictions_of_run(sg_predictions *out, const char *dir, sg_part part,
        const sg_predict_options *options, sg_error *err) {
    sg_run run;
    sg_status st = sg_run_open(&run, dir, options->root, options->log, err);
    if (st) return st;
    sg_predictions found = {0};
    int folds = run.split.folds;
    size_t most = run.manifest.count * (size_t)(folds ? folds : 1);
    st = start(&found, most, (const char *const *)run.manifest.class_names,
            (int)run.manifest.class_count, run.manifest.root, err);
    if (!st && folds == 0) st = predict_part(&found, dir, &run, &run.split, part, -1, options, err);
    int done = 0;
    for (int fold = 0; fold < folds && !st; fold++) {
        char *sub = sg_run_fold_dir(dir, fold);
        bool there = false;
        st = sub ? sg_train_is_finished(&there, sub, err) : no_memory(err);
        free(sub);
        if (st || !there) continue;
        done++;
        st = predict_fold(&found, &run, fold, part, options, err);
    }
    if (!st && folds && !done)
        st = sg_fail(err, SG_ERR_INPUT,
                "no fold of %s is finished; go on with `sonograde train --resume %s`", dir, dir);
    if (!st && done < folds)
        sg_log_line(options->log, SG_LOG_WARN,
                "%d of %d folds are finished; the others are left out", done, folds);
    found.uniform_side = uniform_side(&run.manifest);
    found.ungrouped = run.split.ungrouped;
    found.doubtful = run.split.doubtful;
    found.folds = folds;
    found.flip_averaged = options->predictor.flip_average;
    sg_run_close(&run);
    if (st)
        sg_predictions_dispose(&found);
    else
        *out = found;
    return st;
}

static size_t count_bin(const sg_split *parts, sg_part part) {
    size_t n = 0;
    for (size_t i = 0; i < parts->count; i++) n += parts->bins[i] == (int)part;
    return n;
}

sg_status sg_predictions_count_part(
        size_t *out, const char *dir, const char *root, sg_part part, sg_error *err) {
    sg_run run;
    sg_status st = sg_run_open(&run, dir, root, NULL, err);
    if (st) return st;
    size_t least = run.split.folds ? SIZE_MAX : count_bin(&run.split, part);
    for (int fold = 0; fold < run.split.folds && !st; fold++) {
        sg_split parts = {0};
        bool there = false;
        char *sub = sg_run_fold_dir(dir, fold);
        st = sub ? sg_train_is_finished(&there, sub, err) : no_memory(err);
        if (!st && there) st = sg_predictions_fold_parts(&parts, &run, sub, fold, err);
        size_t n = st || !there ? SIZE_MAX : count_bin(&parts, part);
        if (n < least) least = n;
        sg_split_dispose(&parts);
        free(sub);
    }
    sg_run_close(&run);
    if (!st) *out = least == SIZE_MAX ? 0 : least;
    return st;
}

sg_status sg_predictions_of_bundle(sg_predictions *out, sg_bundle *bundle,
        const sg_manifest *manifest, const sg_predict_options *options, sg_error *err) {
    size_t n = 0;
    sg_predictions found = {0};
    sg_predictor *predictor = NULL;
    int *map = calloc(manifest->class_count + 1, sizeof *map);
    size_t *rows = malloc(manifest->count * sizeof *rows + 1);
    sg_status st = rows && map ? SG_OK : no_memory(err);
    if (!st)
        st = sg_class_map_apply(
                map, options->class_map, manifest, bundle->classes, bundle->class_count, err);
    for (size_t i = 0; i < manifest->count && !st; i++)
        if (map[manifest->rows[i].class_index] != SG_CLASS_LEFT_OUT) rows[n++] = i;
    if (!st && n == 0)
        st = sg_fail(err, SG_ERR_INPUT, "--class-map leaves out every image of %s", manifest->root);
    bool *seen = calloc(manifest->count + 1, sizeof *seen);
    if (!st && !seen) st = no_memory(err);
    size_t seen_rows = 0;
    if (!st) {
        mark_seen(seen, bundle, manifest);
        st = mark_seen_groups(seen, bundle, manifest, err);
    }
    if (!st) st = check_seen(&seen_rows, seen, manifest, rows, n, options->allow_seen, err);
    free(seen);
    if (!st) st = start(&found, n, bundle->classes, bundle->class_count, manifest->root, err);
    sg_predict_options own = *options;
    own.predictor.batch = CHUNK;
    if (!st) st = add_models(&found, bundle, err);
    if (!st && manifest->published && !(found.published = sg_strdup(manifest->published)))
        st = no_memory(err);
    found.left_out = manifest->count - n;
    found.uniform_side = uniform_side(manifest);
    found.flip_averaged = options->predictor.flip_average;
    stamp mark = {"external", -1, bundle->members[0].seed};
    if (!st)
        st = sg_predictor_create(&predictor, bundle, &own.predictor, err);
    else
        sg_bundle_close(bundle);
    if (!st) st = check_phantoms(predictor, manifest, err);
    if (!st) st = predict_rows(&found, predictor, manifest, rows, n, map, &mark, &own, err);
    found.seen = seen_rows;
    sg_predictor_close(predictor);
    free(rows);
    free(map);
    if (st)
        sg_predictions_dispose(&found);
    else
        *out = found;
    return st;
}

double sg_predictions_mean_training(const sg_predictions *p) {
    size_t n = json_array_size(p->models);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)json_integer_value(json_object_get(
                json_object_get(json_array_get(p->models, i), "training"), "images"));
    return n ? sum / (double)n : NAN;
}
