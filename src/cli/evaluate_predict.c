/* evaluate_predict.c - the predictions that an evaluation judges. SPDX-License-Identifier:
 * Apache-2.0
 */
#include "cli/cli.h"
#include "cli/evaluate.h"
#include <stdlib.h>
#include <string.h>

static sg_predict_options predict_options(const sg_evaluate_args *a, const sg_log *log) {
    sg_predict_options o = {.predictor = SG_PREDICTOR_OPTIONS_INIT,
            .allow_seen = a->allow_seen,
            .root = a->root,
            .log = log,
            .stop = &sg_cli_stop};
    o.predictor.threads = (int)a->threads;
    o.predictor.flip_average = a->tta;
    o.predictor.allow_phantom_model = a->allow_phantom;
    return o;
}

static sg_status predict_data(sg_predictions *out, size_t *skipped, const sg_evaluate_args *a,
        const sg_log *log, sg_error *err) {
    sg_manifest manifest;
    sg_bundle *bundle;
    sg_cli_dataset dataset = a->dataset;
    dataset.any_classes = true;
    dataset.threads = a->threads;
    sg_predict_options options = predict_options(a, log);
    sg_class_map map = {0};
    sg_status st = a->class_map ? sg_class_map_parse(&map, a->class_map, err) : SG_OK;
    options.class_map = a->class_map ? &map : NULL;
    if (!st) st = sg_cli_open_dataset(&manifest, &dataset, log, err);
    if (st) {
        sg_class_map_dispose(&map);
        return st;
    }
    *skipped = manifest.skip_count;
    st = sg_bundle_open(&bundle, a->bundle ? a->bundle : a->run, err);
    if (!st) st = sg_predictions_of_bundle(out, bundle, &manifest, &options, err);
    sg_manifest_dispose(&manifest);
    sg_class_map_dispose(&map);
    return st;
}

/* Runs on the same data leave the same files out. */
static sg_status count_skips(size_t *out, const sg_evaluation_source *source, sg_error *err) {
    sg_status st = SG_OK;
    for (size_t r = 0; r < source->run_count && !st; r++) {
        size_t n;
        st = sg_run_count_skips(&n, source->runs[r], err);
        if (!st && n > *out) *out = n;
    }
    return st;
}

/* One run after the other on a part of its images, under one another where there are several. */
static sg_status predict_runs(sg_predictions *out, const sg_evaluation_source *source, sg_part part,
        const sg_predict_options *options, sg_error *err) {
    size_t n = source->run_count;
    sg_predictions *each = calloc(n, sizeof *each);
    sg_status st = each ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory");
    for (size_t r = 0; r < n && !st; r++)
        st = sg_predictions_of_run(&each[r], source->runs[r], part, options, err);
    if (!st && n > 1) {
        st = sg_predictions_stack(out, each, n, source->runs, err);
    } else if (!st) {
        *out = each[0];
        each[0] = (sg_predictions){0};
    }
    for (size_t r = 0; each && r < n; r++) sg_predictions_dispose(&each[r]);
    free(each);
    return st;
}

sg_status sg_evaluate_predict(sg_predictions *out, sg_evaluation_source *source,
        const sg_evaluate_args *a, const sg_log *log, sg_error *err) {
    if (a->dataset.data || a->dataset.manifest) {
        source->run_count = 0;
        return predict_data(out, &source->skipped, a, log, err);
    }
    sg_predict_options options = predict_options(a, log);
    options.allow_seen = a->allow_seen || (sg_part)a->split != SG_PART_TEST;
    source->allow_seen = options.allow_seen;
    sg_status st = predict_runs(out, source, (sg_part)a->split, &options, err);
    return st ? st : count_skips(&source->skipped, source, err);
}

sg_status sg_evaluate_predict_validation(sg_predictions *out, const sg_evaluation_source *source,
        const sg_evaluate_args *a, const sg_log *log, sg_error *err) {
    if (!source->run_count || (sg_part)a->split != SG_PART_TEST) return SG_OK;
    for (size_t r = 0; r < source->run_count; r++) {
        size_t images;
        sg_status st =
                sg_predictions_count_part(&images, source->runs[r], a->root, SG_PART_VAL, err);
        if (st || !images) return st;
    }
    sg_predict_options options = predict_options(a, log);
    options.allow_seen = true; /* not trained on, but looked at while training */
    return predict_runs(out, source, SG_PART_VAL, &options, err);
}

sg_status sg_evaluate_add_last(json_t *metrics, const sg_predictions *p, const sg_evaluate_args *a,
        const sg_cohort *cohort, const sg_log *log, sg_error *err) {
    const json_t *selection = json_object_get(json_array_get(p->models, 0), "selection");
    const char *figure = json_string_value(json_object_get(selection, "figure"));
    if (a->dataset.data || a->dataset.manifest || p->runs > 1 || !figure ||
            strcmp(figure, "none") == 0)
        return SG_OK;
    sg_predict_options options = predict_options(a, log);
    options.allow_seen = true; /* checked with the chosen weights, same images */
    options.last = true;
    sg_predictions last = {0}, kept = {0};
    sg_metrics m = {0};
    sg_status st = sg_predictions_of_run(&last, a->run, (sg_part)a->split, &options, err);
    if (!st && cohort) st = sg_cohort_regroup(&last, cohort, err);
    if (!st && cohort) st = sg_cohort_select(&kept, &last, cohort, err);
    if (!st) st = sg_metrics_measure(&m, cohort ? &kept : &last, (size_t)a->draws, err);
    if (!st) {
        json_t *value = json_pack("{s:f, s:[o,o], s:f, s:o}", "accuracy", m.c.accuracy,
                "accuracy_ci", sg_json_number(m.accuracy_interval.low),
                sg_json_number(m.accuracy_interval.high), "macro_f1", m.c.f1_macro, "auroc_macro",
                sg_json_number(m.auroc_macro));
        if (json_object_set_new(metrics, "last_epoch", value))
            st = sg_fail(err, SG_ERR_MEMORY, "out of memory writing metrics");
    }
    sg_metrics_dispose(&m);
    sg_predictions_dispose(&last);
    sg_predictions_dispose(&kept);
    return st;
}
