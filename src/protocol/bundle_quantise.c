/* bundle_quantise.c - see bundle_quantise.h. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/bundle_quantise.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory quantising the bundle");
}

/* One model, and the images that its training set aside. */
typedef struct model {
    const char *dir;
    const sg_run *run;
    const sg_split *parts;
    const sg_predict_options *predicting;
} model;

static bool is_stopped(const model *m) {
    return m->predicting->stop && *m->predicting->stop;
}

/* ---- scales ---- */

static sg_status add_image(sg_ranges *ranges, float *input, const model *m, size_t row,
        const sg_recipe *r, sg_error *err) {
    sg_image image, prepared;
    if (is_stopped(m)) return sg_fail(err, SG_ERR_INTERRUPTED, "stopped; nothing was written");
    sg_status st = sg_predictions_read_image(&image, &m->run->manifest, row, err);
    if (st) return st;
    st = sg_recipe_prepare(&prepared, NULL, &image, r, err);
    sg_image_dispose(&image);
    if (st) return st;
    st = sg_recipe_finish(input, &prepared, r, NULL, err);
    sg_image_dispose(&prepared);
    return st ? st : sg_ranges_add(ranges, input, err);
}

/* `most` training images, evenly spread over the list. */
static sg_status add_images(size_t *used, sg_ranges *ranges, const model *m, const sg_recipe *r,
        int most, sg_error *err) {
    size_t *rows = NULL, n = 0;
    float *input = malloc((size_t)r->channels * (size_t)r->size * (size_t)r->size * sizeof *input);
    sg_status st =
            input ? sg_split_select(&rows, &n, m->parts, SG_PART_TRAIN, err) : no_memory(err);
    size_t count = n < (size_t)most ? n : (size_t)most;
    for (size_t k = 0; k < count && !st; k++) {
        st = add_image(ranges, input, m, rows[k * n / count], r, err);
        sg_log_progress(
                m->predicting->log, "looking at training images", (double)(k + 1), (double)count);
    }
    free(rows);
    free(input);
    *used = count;
    return st;
}

static sg_status find_scales(json_t **out, const model *m, const sg_member *member,
        const sg_recipe *r, int most, sg_error *err) {
    sg_backend_options engine = SG_BACKEND_OPTIONS_INIT;
    engine.threads = m->predicting->predictor.threads;
    engine.deterministic = true;
    sg_backend *backend = NULL, *fallback = NULL;
    sg_ranges *ranges = NULL;
    sg_quantisation *found = NULL;
    size_t used = 0;
    sg_status st = sg_backend_create(&backend, "onednn", &engine, err);
    if (!st && !backend->ops->quantises(backend))
        st = sg_fail(err, SG_ERR_UNSUPPORTED,
                "not applicable: this processor has no dot products of bytes (VNNI), or the "
                "library does not use them; predictions stay float32");
    if (!st) st = sg_backend_create(&fallback, "ref", &engine, err);
    if (!st)
        st = sg_ranges_create(
                &ranges, member->graph, member->params, r->size, backend, fallback, err);
    if (!st) st = add_images(&used, ranges, m, r, most, err);
    if (!st) st = sg_quantisation_find(&found, ranges, member->graph, err);
    json_t *storage = st ? NULL : sg_quantisation_to_json(found, member->graph);
    if (!st) {
        *out = storage ? json_pack("{s:o, s:I}", "storage", storage, "calibration_images",
                                 (json_int_t)used)
                       : NULL;
        if (!*out) st = no_memory(err);
    }
    sg_quantisation_free(found);
    sg_ranges_destroy(ranges);
    sg_backend_destroy(fallback);
    sg_backend_destroy(backend);
    return st;
}

/* ---- agreement ---- */

/* section NULL: float32. */
static sg_status open_predictor(
        sg_predictor **out, const model *m, json_t *section, sg_error *err) {
    sg_bundle *bundle;
    sg_predictor_options options = m->predicting->predictor;
    options.allow_phantom_model = true; /* a run is judged on data of its own kind */
    sg_status st = sg_bundle_open(&bundle, m->dir, err);
    if (st) return st;
    if (section) st = sg_bundle_set_quantisation(bundle, 0, section, m->dir, err);
    if (!st) return sg_predictor_create(out, bundle, &options, err);
    sg_bundle_close(bundle);
    return st;
}

static sg_status compare_image(
        sg_agreement *sum, sg_predictor *both[2], const model *m, size_t row, sg_error *err) {
    sg_image image;
    sg_prediction answer[2];
    if (is_stopped(m)) return sg_fail(err, SG_ERR_INTERRUPTED, "stopped; nothing was written");
    sg_status st = sg_predictions_read_image(&image, &m->run->manifest, row, err);
    if (st) return st;
    for (int i = 0; i < 2 && !st; i++)
        st = sg_predictor_predict_images(both[i], &answer[i], &image, 1, err);
    sg_image_dispose(&image);
    if (st) return st;
    double difference = 0;
    for (int c = 0; c < answer[0].classes; c++)
        difference += fabs(answer[0].probability[c] - answer[1].probability[c]);
    sum->images++;
    sum->equal += answer[0].top == answer[1].top;
    sum->difference += difference / answer[0].classes;
    return SG_OK;
}

/* The images of one part through the model in float32 and with bytes; sums, not yet means. */
static sg_status compare_part(
        sg_agreement *sum, const model *m, json_t *section, sg_part part, sg_error *err) {
    size_t *rows = NULL, n = 0;
    sg_predictor *both[2] = {NULL, NULL};
    *sum = (sg_agreement){0, 0, 0};
    sg_status st = sg_split_select(&rows, &n, m->parts, part, err);
    if (!st) st = open_predictor(&both[0], m, NULL, err);
    if (!st) st = open_predictor(&both[1], m, section, err);
    for (size_t i = 0; i < n && !st; i++) {
        st = compare_image(sum, both, m, rows[i], err);
        sg_log_progress(m->predicting->log, "comparing", (double)(i + 1), (double)n);
    }
    sg_predictor_close(both[0]);
    sg_predictor_close(both[1]);
    free(rows);
    return st;
}

static void add(sg_agreement *total, const sg_agreement *sum) {
    total->images += sum->images;
    total->equal += sum->equal;
    total->difference += sum->difference;
}

static sg_agreement mean_of(sg_agreement sum) {
    double n = sum.images ? (double)sum.images : 1;
    return (sg_agreement){sum.images, sum.equal / n, sum.difference / n};
}

static json_t *agreement_json(const sg_agreement *sum) {
    sg_agreement mean = mean_of(*sum);
    return json_pack("{s:I, s:f, s:f}", "images", (json_int_t)mean.images, "equal_decisions",
            mean.equal, "mean_abs_difference", mean.difference);
}

/* Before any work: without validation images nothing could be accepted. */
static sg_status check_part(const char *dir, const char *root, sg_error *err) {
    size_t images;
    sg_status st = sg_predictions_count_part(&images, dir, root, SG_PART_VAL, err);
    if (st || images) return st;
    return sg_fail(err, SG_ERR_INPUT,
            "%s set no validation images aside to compare answers on; train with --val-share", dir);
}

static sg_status check_validation(const char *dir, const sg_agreement *sum, sg_error *err) {
    sg_agreement v = mean_of(*sum);
    if (v.equal >= SG_QUANTISE_LEAST_EQUAL && v.difference <= SG_QUANTISE_MOST_DIFFERENCE)
        return SG_OK;
    return sg_fail(err, SG_ERR_INPUT,
            "no: with bytes %s decides alike on %.1f %% of its %zu validation images (at least "
            "%.0f %%) and its probabilities differ by %.4f on average (at most %.2f); it stays "
            "float32, and no bundle was written",
            dir, 100 * v.equal, v.images, 100 * SG_QUANTISE_LEAST_EQUAL, v.difference,
            SG_QUANTISE_MOST_DIFFERENCE);
}

/* ---- a run ---- */

static sg_status quantise_model(json_t **out, sg_quantise_report *report, const model *m,
        const sg_member *member, const sg_recipe *recipe, int images, sg_error *err) {
    json_t *section = NULL;
    sg_agreement validation = {0, 0, 0}, test = {0, 0, 0};
    sg_status st = find_scales(&section, m, member, recipe, images, err);
    if (!st) st = compare_part(&validation, m, section, SG_PART_VAL, err);
    if (!st) st = check_validation(m->dir, &validation, err);
    if (!st) st = compare_part(&test, m, section, SG_PART_TEST, err);
    if (!st && (json_object_set_new(section, "validation", agreement_json(&validation)) ||
                       json_object_set_new(section, "test", agreement_json(&test))))
        st = no_memory(err);
    if (st) {
        json_decref(section);
        return st;
    }
    report->calibrated_on +=
            (size_t)json_integer_value(json_object_get(section, "calibration_images"));
    add(&report->validation, &validation);
    add(&report->test, &test);
    *out = section;
    return SG_OK;
}

/* Appends the section of one fold's model, if its training is finished. */
static sg_status quantise_fold(json_t *sections, sg_quantise_report *report, const sg_bundle *b,
        const sg_run *run, int fold, const sg_quantise_options *options, sg_error *err) {
    sg_split parts = {0};
    json_t *section = NULL;
    bool there = true;
    char *dir = fold < 0 ? sg_strdup(run->dir) : sg_run_fold_dir(run->dir, fold);
    sg_status st = dir ? SG_OK : no_memory(err);
    if (!st && fold >= 0) st = sg_train_is_finished(&there, dir, err);
    if (!st && there && fold >= 0) st = sg_predictions_fold_parts(&parts, run, dir, fold, err);
    size_t i = json_array_size(sections);
    if (!st && there && i < (size_t)b->member_count) {
        model m = {dir, run, fold < 0 ? &run->split : &parts, options->predicting};
        st = quantise_model(&section, report, &m, &b->members[i], &b->recipe, options->images, err);
        if (!st && json_array_append_new(sections, section)) st = no_memory(err);
    }
    sg_split_dispose(&parts);
    free(dir);
    return st;
}

sg_status sg_bundle_quantise(sg_quantise_report *out, sg_bundle *b, const char *run_dir,
        const sg_quantise_options *options, sg_error *err) {
    sg_run run;
    sg_quantise_report report = {0};
    const sg_predict_options *p = options->predicting;
    sg_status st = check_part(run_dir, p->root, err);
    if (!st) st = sg_run_open(&run, run_dir, p->root, p->log, err);
    if (st) return st;
    json_t *sections = json_array();
    if (!sections) st = no_memory(err);
    if (!st && !run.split.folds) st = quantise_fold(sections, &report, b, &run, -1, options, err);
    for (int fold = 0; fold < run.split.folds && !st; fold++)
        st = quantise_fold(sections, &report, b, &run, fold, options, err);
    for (int i = 0; i < b->member_count && !st; i++)
        st = sg_bundle_set_quantisation(b, i, json_array_get(sections, (size_t)i), run_dir, err);
    json_decref(sections);
    sg_run_close(&run);
    if (st) return st;
    report.validation = mean_of(report.validation);
    report.test = mean_of(report.test);
    *out = report;
    return SG_OK;
}
