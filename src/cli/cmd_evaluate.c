/* cmd_evaluate.c - `sonograde evaluate`: predictions, figures and a report for a run's own test
 * images or for other data. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "cli/cli.h"
#include "cli/evaluate.h"
#include "cli/evaluation_acting.h"
#include "cli/evaluation_cohort.h"
#include "cli/shared_rows.h"
#include "cli/verbs.h"
#include "data/phantom.h"
#include "protocol/recalibrate.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(field) offsetof(sg_evaluate_args, field)
/* clang-format off */
static const sg_option rows[] = {
    { "run", 0, SG_OPTION_PATH, AT(run), NULL, "DIR", "run folder: judged on its own test images, or on others in --data", 0, 0 },
    { "bundle", 0, SG_OPTION_PATH, AT(bundle), NULL, "FILE", "bundle to judge on --data", 0, 0 },
    { "data", 0, SG_OPTION_PATH, AT(dataset.data), NULL, "DIR", "folder with one folder of images per class; for a run also where its own images lie now", 0, 0 },
    SG_MANIFEST_ROW(AT(dataset.manifest)),
    { "group-by", 0, SG_OPTION_TEXT, AT(dataset.group_by), NULL, "COLUMN|REGEX", "what belongs together in --data", 0, 0 },
    { "class-map", 0, SG_OPTION_TEXT, AT(class_map), NULL, "MAP", "what the classes of --data are to the model: \"malignant=malignant;benign=benign,cyst;=unknown\" (nothing on the left: left out)", 0, 0 },
    { "audit", 0, SG_OPTION_PATH, AT(audit), NULL, "DIR", "what `audit --out` left for these images: figures of the cohort, beside those of all images", 0, 0 },
    { "split", 0, SG_OPTION_CHOICE, AT(split), "test", "train|val|test", "part of the run to judge", 0, 0 },
    { "out", 'o', SG_OPTION_PATH, AT(output), NULL, "DIR", "folder for predictions.csv, metrics.json and report.html", 0, 0 },
    { "calibration", 0, SG_OPTION_CHOICE, AT(calibration), "temperature", "none|temperature|vector|isotonic", "also measure probabilities mended so, fitted on validation images or the other folds; isotonic needs 500", 0, 0 },
    { "prevalence", 0, SG_OPTION_REAL, AT(prevalence), NULL, "P", "share of malignant images where the model shall work, 0..1: predictive values, net benefit and scores are given for it", 1e-6, 0.999999 },
    { "tta", 0, SG_OPTION_FLAG, AT(tta), NULL, NULL, "average over each image and its mirror image", 0, 0 },
    { "allow-seen", 0, SG_OPTION_FLAG, AT(allow_seen), NULL, NULL, "judge images that the model was trained on; the report is marked", 0, 0 },
    { "allow-phantom-model", 0, SG_OPTION_FLAG, AT(allow_phantom), NULL, NULL, "let a model of simulated images be judged on others", 0, 0 },
    { "show-full", 0, SG_OPTION_FLAG, AT(show_full), NULL, NULL, "show file paths and whole pictures with their borders", 0, 0 },
    { "no-ledger", 0, SG_OPTION_FLAG, AT(no_ledger), NULL, NULL, "do not enter this look at test images in the ledger; the report is marked", 0, 0 },
    SG_SKIP_BAD_ROW(AT(dataset.skip_bad)),
    { "draws", 0, SG_OPTION_INT, AT(draws), "10000", "N", "bootstrap draws behind the intervals", 100, 1000000 },
    SG_THREADS_ROW(AT(threads)),
    { NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0 },
};
/* clang-format on */

static bool has_phantoms(const sg_predictions *p) {
    bool found = false;
    for (size_t i = 0; i < p->count && !found; i++) {
        char *path = sg_path_join(p->root, p->rows[i].path);
        found = path && sg_phantom_is_member(path);
        free(path);
    }
    return found;
}

/* Before anybody sees a figure, and after all that can be refused: a look that shows none is none.
 */
static sg_status enter_ledger(sg_test_look *look, const sg_predictions *p,
        const sg_evaluate_args *a, const sg_log *log, sg_error *err) {
    *look = (sg_test_look){.order = SG_LOOK_NOT_ENTERED};
    if (a->no_ledger) return SG_OK;
    char *path = NULL;
    sg_status st = sg_ledger_default_path(&path, err);
    if (st == SG_ERR_INPUT)
        st = sg_fail(err, st,
                "there is no place for the ledger of test evaluations: neither XDG_STATE_HOME nor "
                "HOME is an absolute path; set one, or add --no-ledger (the report is marked)");
    if (!st) st = sg_ledger_enter(look, path, p, a->tta ? "flip averaged" : "plain", err);
    if (!st)
        sg_log_line(
                log, SG_LOG_INFO, "look %zu at these test images, kept in %s", look->total, path);
    free(path);
    return st;
}

static sg_status check_args(const sg_evaluate_args *a, const sg_call *call, sg_error *err) {
    bool external = a->dataset.data || a->dataset.manifest;
    if (!a->run == !a->bundle)
        return sg_fail(err, SG_ERR_USAGE, "name what to judge: --run DIR or --bundle FILE");
    if (call->operand_count && (!a->run || external))
        return sg_fail(err, SG_ERR_USAGE,
                "'%s': further runs stand behind --run, and are judged on their own images",
                call->operands[0]);
    if (a->bundle && !external)
        return sg_fail(err, SG_ERR_USAGE,
                "a bundle has no test images of its own: say which with --data DIR");
    if (external && sg_cli_is_given(call, "split"))
        return sg_fail(err, SG_ERR_USAGE,
                "--split names a part of the run's own images; beside --data or --manifest, all "
                "images of which are judged, it says nothing: leave one of the two out");
    if (!external && a->dataset.group_by)
        return sg_fail(err, SG_ERR_USAGE,
                "--group-by is for other images: add --data DIR or --manifest FILE, or leave it "
                "out (a run's own images keep the groups of its manifest.csv)");
    if (a->dataset.data && a->dataset.manifest)
        return sg_fail(err, SG_ERR_USAGE, "--data and --manifest exclude each other");
    if (a->class_map && !external)
        return sg_fail(err, SG_ERR_USAGE,
                "--class-map is for other data than the run's own: say which with --data DIR");
    if (!a->output) return sg_fail(err, SG_ERR_USAGE, "say where the report shall go: --out DIR");
    return SG_OK;
}

/* All that one evaluation holds. */
typedef struct evaluation {
    sg_predictions all;
    sg_evaluation_cohort cohort; /* with --audit */
    const sg_predictions *p;     /* what the figures are of: the cohort's part, or all */
    sg_metrics m;
    sg_predictions validation; /* of the run's models, where they have any */
    sg_acting acting;
    sg_recalibration recalibration;
    sg_strata strata;
    json_t *metrics;
    sg_test_look look;
    sg_evaluation_source source;
} evaluation;

static sg_status measure(
        evaluation *e, const sg_evaluate_args *a, const sg_log *log, sg_error *err) {
    size_t draws = (size_t)a->draws;
    sg_status st = SG_OK;
    e->p = &e->all;
    if (a->audit) {
        st = sg_evaluation_cohort_open(
                &e->cohort, &e->all, a->audit, e->source.runs, e->source.run_count, draws, err);
        e->p = &e->cohort.kept;
        if (!st && e->cohort.leaks)
            sg_log_line(log, SG_LOG_WARN,
                    "the audit finds relatives of %zu of %zu %s in another part of the split; for "
                    "figures without that, train with --manifest %s/manifest.csv",
                    e->cohort.leaks, e->cohort.all_images,
                    e->all.runs > 1 ? "answers" : "images judged", a->audit);
        if (!st && e->cohort.by_copy)
            sg_log_line(log, SG_LOG_WARN,
                    "%zu lesions of the audit's cohort were judged on another image than the one "
                    "that it kept, and are in no figure of the cohort",
                    e->cohort.by_copy);
        e->source.cohort = &e->cohort;
    }
    if (!st) st = sg_metrics_measure(&e->m, e->p, draws, err);
    if (st) return st;
    e->metrics = sg_metrics_to_json(&e->m, e->p);
    if (!e->metrics) return sg_fail(err, SG_ERR_MEMORY, "out of memory writing metrics");
    return a->audit ? sg_evaluation_cohort_put_json(e->metrics, &e->cohort, &e->all, err) : SG_OK;
}

static sg_status measure_acting(
        evaluation *e, const sg_evaluate_args *a, const sg_log *log, sg_error *err) {
    double prevalence = a->prevalence > 0 ? a->prevalence : NAN;
    size_t draws = (size_t)a->draws;
    sg_status st = sg_evaluate_predict_validation(&e->validation, &e->source, a, log, err);
    if (!st)
        st = sg_acting_measure(&e->acting, e->p, e->validation.count ? &e->validation : NULL,
                prevalence, draws, err);
    if (!st)
        st = sg_recalibrate_measure(&e->recalibration, (sg_calibrator_kind)a->calibration, e->p,
                e->validation.count ? &e->validation : NULL, draws, err);
    if (!st)
        st = sg_strata_measure_all(
                &e->strata, e->p, a->audit ? &e->cohort.cohort : NULL, draws, err);
    if (st) return st;
    e->source.acting = &e->acting;
    e->source.strata = &e->strata;
    e->source.recalibration = &e->recalibration;
    bool failed = json_object_set_new(e->metrics, "acting", sg_acting_to_json(&e->acting, e->p));
    failed |= json_object_set_new(
            e->metrics, "recalibrated", sg_recalibration_to_json(&e->recalibration));
    failed |= json_object_set_new(e->metrics, "strata", sg_strata_to_json(&e->strata));
    failed |= json_object_set_new(
            e->metrics, "strata_undivided", sg_strata_undivided_to_json(&e->strata));
    return failed ? sg_fail(err, SG_ERR_MEMORY, "out of memory writing metrics") : SG_OK;
}

/* --data that holds the run's own images is where they lie now: the run is judged as without it. */
static sg_status settle_root(sg_evaluate_args *a, char **root, const sg_call *call, sg_error *err) {
    const sg_cli_dataset *d = &a->dataset;
    if (!a->run || call->operand_count || !d->data || d->manifest || d->group_by || a->class_map ||
            a->allow_seen)
        return SG_OK;
    sg_status st = sg_run_find_images(root, a->run, d->data, err);
    if (st || !*root) return st;
    sg_log_line(call->log, SG_LOG_INFO, "the run's own images lie in %s: their %s part is judged",
            *root, sg_part_name((sg_part)a->split));
    a->root = *root;
    a->dataset.data = NULL;
    return SG_OK;
}

static sg_status evaluate(
        evaluation *e, const sg_evaluate_args *a, const sg_call *call, sg_error *err) {
    bool external = a->dataset.data || a->dataset.manifest;
    bool test = external || (sg_part)a->split == SG_PART_TEST;
    sg_status st = check_args(a, call, err);
    if (!st) st = sg_evaluate_predict(&e->all, &e->source, a, call->log, err);
    if (st) return st;
    if (a->prevalence > 0) st = sg_predictions_adjust_prior(&e->all, a->prevalence, err);
    if (st) return st;
    e->source.seen_images = e->all.seen;
    e->source.phantom_data = has_phantoms(&e->all);
    e->source.data = sg_path_base(e->all.root);
    st = measure(e, a, call->log, err);
    if (!st) st = measure_acting(e, a, call->log, err);
    if (!st)
        st = sg_evaluate_add_last(
                e->metrics, &e->all, a, a->audit ? &e->cohort.cohort : NULL, call->log, err);
    bool fresh = !sg_path_exists(a->output);
    if (!st) st = sg_dir_make(a->output, err);
    if (!st && test) {
        st = enter_ledger(&e->look, &e->all, a, call->log, err);
        if (st && fresh) (void)rmdir(a->output);
    }
    if (test) e->source.look = &e->look;
    if (!st && test && json_object_set_new(e->metrics, "ledger", sg_look_to_json(&e->look)))
        st = sg_fail(err, SG_ERR_MEMORY, "out of memory writing metrics");
    if (!st &&
            (json_object_set_new(e->metrics, "evaluated_on", json_string(e->all.rows[0].split)) ||
                    json_object_set_new(json_object_get(e->metrics, "data"), "name",
                            sg_json_text(e->source.data)) ||
                    json_object_set_new(json_object_get(e->metrics, "data"), "skipped_files",
                            json_integer((json_int_t)e->source.skipped))))
        st = sg_fail(err, SG_ERR_MEMORY, "out of memory writing metrics");
    e->source.metrics = e->metrics;
    return st ? st : sg_evaluate_write(&e->all, e->p, &e->m, e->metrics, &e->source, a, err);
}

/* --run and the operands behind it. */
static sg_status list_runs(const char ***out, size_t *count, const sg_call *call, sg_error *err) {
    const sg_evaluate_args *a = call->options;
    *count = 0;
    *out = calloc((size_t)call->operand_count + 1, sizeof **out);
    if (!*out) return sg_fail(err, SG_ERR_MEMORY, "out of memory");
    if (a->run) (*out)[(*count)++] = a->run;
    for (int i = 0; i < call->operand_count; i++) (*out)[(*count)++] = call->operands[i];
    return sg_cli_check_distinct(*out, (int)*count, "a run counts once", err);
}

static int run_evaluate(const sg_call *call) {
    sg_evaluate_args own = *(const sg_evaluate_args *)call->options;
    const sg_evaluate_args *a = &own;
    char *root = NULL;
    sg_error err = SG_ERROR_INIT;
    const char **runs = NULL;
    size_t run_count = 0;
    evaluation e = {.source = {.data = "the run's own data",
                            .allow_seen = a->allow_seen,
                            .show_full = a->show_full,
                            .class_map = a->class_map,
                            .log = call->log}};
    sg_status st = list_runs(&runs, &run_count, call, &err);
    e.source.runs = runs;
    e.source.run_count = run_count;
    if (!st) st = settle_root(&own, &root, call, &err);
    if (!st) st = evaluate(&e, a, call, &err);
    if (!st && call->json)
        sg_cli_print_json(json_incref(e.metrics));
    else if (!st && !call->quiet)
        sg_evaluate_print(&e.m, e.p, a);
    json_decref(e.metrics);
    sg_metrics_dispose(&e.m);
    sg_acting_dispose(&e.acting);
    sg_predictions_dispose(&e.validation);
    sg_evaluation_cohort_dispose(&e.cohort);
    sg_predictions_dispose(&e.all);
    free(runs);
    free(root);
    return st ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_evaluate = {
        .name = "evaluate",
        .operands = "[RUN...]",
        .summary = "judge a run or a bundle on images whose truth is known",
        .details =
                "Writes predictions.csv (one row per image), metrics.json, folds.csv (where there "
                "are folds) and report.html. A run is judged "
                "on its own test images, a cross-validation on all of them, each by the model "
                "that did not "
                "see it. Intervals come from a bootstrap over groups of images that belong "
                "together. "
                "Images that the model was trained on are refused.",
        .examples = "sonograde evaluate --run r1 --out r1/report\n"
                    "sonograde evaluate --run seed0 seed1 seed2 --out seeds\n"
                    "sonograde evaluate --bundle breast.sgb --data other-hospital --out external",
        .options = rows,
        .struct_size = sizeof(sg_evaluate_args),
        .min_operands = 0,
        .max_operands = -1,
        .run = run_evaluate,
};
