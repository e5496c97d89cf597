/* leakage_results.c - see leakage_results.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/leakage_results.h"
#include "base/csv.h"
#include "cli/looks.h"
#include "cli/values.h"
#include "report/leakage.h"
#include "stats/repeated.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory measuring the study");
}

void sg_leakage_dispose(sg_leakage_study *s, sg_status status) {
    for (size_t i = 0; i < s->trial_count; i++) {
        sg_arm_settings_dispose(&s->trials[i].settings);
        sg_predictions_dispose(&s->trials[i].predictions);
        sg_metrics_dispose(&s->trials[i].metrics);
    }
    for (int k = 0; k < SG_LEAK_KINDS; k++) sg_split_dispose(&s->splits[k]);
    sg_manifest_dispose(&s->copies);
    sg_manifest_dispose(&s->masked);
    sg_manifest_dispose(&s->base);
    free(s->ledger);
    sg_campaign_end(&s->campaign, status, s->call->log);
}

/* ---- figures ---- */

/* Leaves the rows that are images of the source. */
static sg_status drop_copies(sg_leakage_trial *t, const sg_manifest *base, sg_error *err) {
    sg_predictions *p = &t->predictions;
    bool *keep = calloc(p->count + 1, sizeof *keep);
    double right = 0;
    if (!keep) return no_memory(err);
    for (size_t i = 0; i < p->count; i++) {
        keep[i] = sg_manifest_find(base, p->rows[i].path) >= 0;
        right += p->rows[i].label == p->rows[i].predicted;
    }
    t->accuracy_of_all = p->count ? right / (double)p->count : NAN;
    sg_predictions_keep(p, keep);
    free(keep);
    return SG_OK;
}

/* The rows of `from` whose images `other` has too. */
static sg_status keep_shared(sg_predictions *out, const sg_predictions *from,
        const sg_predictions *other, sg_error *err) {
    sg_shared_row *rows = NULL;
    size_t count = 0;
    bool *keep = calloc(from->count + 1, sizeof *keep);
    sg_status st = keep ? sg_difference_shared(&rows, &count, from, other, err) : no_memory(err);
    for (size_t i = 0; i < count && !st; i++) keep[rows[i].base - from->rows] = true;
    if (!st) st = sg_predictions_subset(out, from, keep, err);
    free(rows);
    free(keep);
    return st;
}

/* What an arm is worth where both it and the reference answered. */
static sg_status measure_shared(
        sg_leakage_trial *t, const sg_predictions *reference, size_t draws, sg_error *err) {
    if (!t->worth.only_base && !t->worth.only_other) {
        t->shared = t->worth;
        return SG_OK;
    }
    sg_predictions base = {0}, other = {0};
    sg_status st = keep_shared(&base, reference, &t->predictions, err);
    if (!st) st = keep_shared(&other, &t->predictions, reference, err);
    if (!st) st = sg_difference_measure(&t->shared, &base, &other, draws, err);
    sg_predictions_dispose(&base);
    sg_predictions_dispose(&other);
    return st;
}

/* Every arm is one test against the reference; points of a learning curve are none. */
static sg_status adjust_tests(sg_leakage_study *s, sg_error *err) {
    double p[SG_LEAKAGE_TRIALS];
    for (size_t i = 0; i < s->trial_count; i++)
        p[i] = i && s->trials[i].share == 1 ? s->trials[i].shared.p : NAN;
    sg_status st = sg_holm_adjust(p, p, s->trial_count, err);
    for (size_t i = 0; i < s->trial_count && !st; i++) s->trials[i].p_holm = p[i];
    return st;
}

static sg_status measure_trial(sg_leakage_study *s, sg_leakage_trial *t, sg_error *err) {
    sg_predict_options options = {.predictor = SG_PREDICTOR_OPTIONS_INIT,
            .allow_seen = t->settings.args.ungrouped,
            .log = s->call->log,
            .stop = &sg_cli_stop};
    options.predictor.threads = (int)s->args->dataset.threads;
    char *dir = sg_campaign_arm_dir(&s->campaign, t->name);
    t->accuracy_of_all = NAN;
    sg_status st = dir ? sg_predictions_of_run(&t->predictions, dir, SG_PART_TEST, &options, err)
                       : no_memory(err);
    free(dir);
    if (!st) t->train_images = sg_predictions_mean_training(&t->predictions);
    if (!st && t->kind == SG_LEAK_COPIES) st = drop_copies(t, &s->base, err);
    if (!st) st = sg_cli_enter_look(s->ledger, &t->predictions, false, err);
    if (!st) st = sg_metrics_measure(&t->metrics, &t->predictions, (size_t)s->args->draws, err);
    if (!st && t != s->trials)
        st = sg_difference_measure(
                &t->worth, &s->trials[0].predictions, &t->predictions, (size_t)s->args->draws, err);
    if (!st && t != s->trials && t->share == 1)
        st = measure_shared(t, &s->trials[0].predictions, (size_t)s->args->draws, err);
    return st ? sg_fail_context(err, st, "judging %s", t->name) : SG_OK;
}

sg_status sg_leakage_measure(sg_leakage_study *s, sg_error *err) {
    sg_status st = SG_OK;
    for (size_t i = 0; i < s->trial_count && !st; i++) st = measure_trial(s, &s->trials[i], err);
    return st ? st : adjust_tests(s, err);
}

static bool is_arm(const sg_leakage_trial *t, size_t number) {
    return number && t->share == 1;
}

/* ---- tables ---- */

static sg_status write_arms(const sg_leakage_study *s, sg_error *err) {
    sg_str out;
    sg_str_init(&out, 0);
    sg_str_append(&out,
            "arm,images,groups,train_images,accuracy,accuracy_low,accuracy_high,macro_f1,"
            "macro_f1_low,macro_f1_high,auroc_macro,auroc_macro_low,auroc_macro_high,worth,"
            "worth_low,worth_high,images_shared,worth_shared,worth_shared_low,worth_shared_high,p,"
            "p_holm\n");
    for (size_t i = 0; i < s->trial_count; i++) {
        const sg_leakage_trial *t = &s->trials[i];
        const sg_metrics *m = &t->metrics;
        sg_csv_put(&out, t->name);
        sg_csv_put_int(&out, (long long)m->n);
        sg_csv_put_int(&out, (long long)m->groups);
        sg_csv_put_double(&out, t->train_images);
        sg_value_put_csv(&out, sg_value_of_accuracy(m));
        sg_value_put_csv(&out, sg_value_of_boot(&m->boot.f1_macro));
        sg_value_put_csv(&out, sg_value_of_auroc(m));
        const sg_difference_figure *w = &t->worth.accuracy;
        sg_csv_put_double(&out, i ? w->difference : 0);
        sg_csv_put_double(&out, i ? w->interval.low : NAN);
        sg_csv_put_double(&out, i ? w->interval.high : NAN);
        const sg_difference_figure *both = &t->shared.accuracy;
        bool arm = is_arm(t, i);
        sg_csv_put_int(&out, (long long)(i ? t->worth.shared : m->n));
        sg_csv_put_double(&out, arm ? both->difference : NAN);
        sg_csv_put_double(&out, arm ? both->interval.low : NAN);
        sg_csv_put_double(&out, arm ? both->interval.high : NAN);
        sg_csv_put_double(&out, arm ? t->shared.p : NAN);
        sg_csv_put_double(&out, t->p_holm);
        sg_csv_end_row(&out);
    }
    return sg_campaign_write_text(&s->campaign, "leakage.csv", &out, err);
}

static sg_status write_folds(const sg_leakage_study *s, sg_error *err) {
    sg_str out;
    sg_str_init(&out, 0);
    sg_str_append(&out, "arm,fold,seed," SG_FOLD_FIGURES_COLUMNS "\n");
    for (size_t i = 0; i < s->trial_count; i++) {
        const sg_metrics *m = &s->trials[i].metrics;
        for (size_t f = 0; f < m->fold_count; f++) {
            sg_csv_put(&out, s->trials[i].name);
            sg_csv_put_int(&out, m->folds[f].fold);
            sg_csv_put_int(&out, s->args->seed);
            sg_fold_figures_put_csv(&out, &m->folds[f]);
        }
    }
    return sg_campaign_write_text(&s->campaign, "folds.csv", &out, err);
}

static json_t *worth_json(const sg_leakage_trial *t) {
    const sg_difference *w = &t->worth;
    const sg_difference_figure *both = &t->shared.accuracy;
    json_t *shared = t->share < 1 ? json_null()
                                  : json_pack("{s:o, s:[o, o], s:o, s:o}", "accuracy",
                                            sg_json_number(both->difference), "ci",
                                            sg_json_number(both->interval.low),
                                            sg_json_number(both->interval.high), "p",
                                            sg_json_number(t->shared.p), "p_holm",
                                            sg_json_number(t->p_holm));
    return json_pack("{s:o, s:[o, o], s:o, s:I, s:I, s:I}", "accuracy",
            sg_json_number(w->accuracy.difference), "ci", sg_json_number(w->accuracy.interval.low),
            sg_json_number(w->accuracy.interval.high), "on_images_in_both", shared,
            "images_in_both", (json_int_t)w->shared, "gained", (json_int_t)w->gained, "lost",
            (json_int_t)w->lost);
}

static json_t *study_json(const sg_leakage_study *s) {
    json_t *arms = json_array();
    for (size_t i = 0; i < s->trial_count; i++) {
        const sg_leakage_trial *t = &s->trials[i];
        const sg_metrics *m = &t->metrics;
        json_array_append_new(
                arms, json_pack("{s:s, s:s, s:f, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "arm",
                              t->name, "meaning", t->meaning, "train_share", t->share,
                              "train_images", sg_json_number(t->train_images), "images",
                              (json_int_t)m->n, "groups", (json_int_t)m->groups, "accuracy",
                              sg_value_to_json(sg_value_of_accuracy(m)), "macro_f1",
                              sg_value_to_json(sg_value_of_boot(&m->boot.f1_macro)), "auroc_macro",
                              sg_value_to_json(sg_value_of_auroc(m)), "accuracy_with_copies",
                              sg_json_number(t->accuracy_of_all), "worth",
                              i ? worth_json(t) : json_null()));
    }
    const sg_train_args *budget = &s->trials[0].settings.args;
    return json_pack("{s:i, s:s, s:s, s:s, s:o, s:I, s:I, s:o}", "schema", SG_SCHEMA_VERSION,
            "build", sg_build_id(), "use", SG_RESEARCH_USE, "kind", "leakage", "budget",
            json_pack("{s:s, s:I, s:I, s:I, s:I}", "model", budget->model, "epochs",
                    (json_int_t)budget->epochs, "size", (json_int_t)budget->recipe.size, "folds",
                    (json_int_t)s->args->folds, "seed", (json_int_t)budget->seed),
            "images", (json_int_t)s->base.count, "groups", (json_int_t)s->base.group_count, "arms",
            arms);
}

/* ---- the page ---- */

typedef struct picture_file {
    char *bytes;
    size_t size;
} picture_file;

/* A picture that cannot be read is left out: the page is about figures. */
static picture_file load(const char *folder, const char *name) {
    picture_file f = {NULL, 0};
    sg_error ignored;
    char *path = sg_path_join(folder, name);
    if (path && sg_file_read(&f.bytes, &f.size, path, (size_t)8 << 20, &ignored))
        f = (picture_file){NULL, 0};
    free(path);
    return f;
}

/* One image as it is, with its mask drawn in, and as a copy. */
static size_t load_pictures(
        sg_leakage_picture pictures[3], picture_file files[3], const sg_leakage_study *s) {
    size_t row = 0, n = 0;
    while (row + 1 < s->base.count && s->masked.count && !s->base.rows[row].mask_count) row++;
    const char *path = s->base.rows[row].path, *dot = strrchr(path, '.');
    char *copy = sg_strdupf("%.*s_copy1.png", dot ? (int)(dot - path) : (int)strlen(path), path);
    files[n] = load(s->base.root, path);
    pictures[n] = (sg_leakage_picture){files[n].bytes, files[n].size, "as published", NULL};
    n++;
    if (s->masked.count) {
        files[n] = load(s->masked.root, path);
        pictures[n] = (sg_leakage_picture){
                files[n].bytes, files[n].size, "mask", "the answer is drawn into the question"};
        n++;
    }
    files[n] = copy ? load(s->copies.root, copy) : (picture_file){NULL, 0};
    pictures[n] = (sg_leakage_picture){
            files[n].bytes, files[n].size, "augmented", "a copy that may be in training"};
    free(copy);
    return n + 1;
}

static void fill_arm(
        sg_leakage_arm *out, double *folds, const sg_leakage_trial *t, bool reference) {
    const sg_metrics *m = &t->metrics;
    const sg_difference_figure *w = &t->worth.accuracy, *both = &t->shared.accuracy;
    for (size_t f = 0; f < m->fold_count; f++) folds[f] = m->folds[f].accuracy;
    *out = (sg_leakage_arm){t->name, t->meaning, m->n, m->groups, sg_value_of_accuracy(m),
            sg_value_of_boot(&m->boot.f1_macro), sg_value_of_auroc(m), reference,
            {w->difference, w->interval.low, w->interval.high},
            {both->difference, both->interval.low, both->interval.high}, t->p_holm, folds,
            m->fold_count};
}

/* Shares rise in the trials; the whole, trial 0, comes last. */
static size_t fill_points(sg_leakage_point *points, const sg_leakage_study *s) {
    size_t n = 0;
    for (size_t i = 1; i <= s->trial_count; i++) {
        const sg_leakage_trial *t = &s->trials[i % s->trial_count];
        if (t->kind != SG_LEAK_GROUPED) continue;
        points[n++] = (sg_leakage_point){t->share, t->train_images,
                sg_value_of_accuracy(&t->metrics), sg_value_of_boot(&t->metrics.boot.f1_macro)};
    }
    return n > 1 ? n : 0;
}

typedef struct words {
    char data[256], budget[256], groups[192], intervals[160];
    const char *warnings[8];
    size_t warning_count;
} words;

static void warn(words *w, const char *mark, const char *text) {
    w->warnings[2 * w->warning_count] = mark;
    w->warnings[2 * w->warning_count + 1] = text;
    w->warning_count++;
}

static void fill_words(words *w, const sg_leakage_study *s) {
    const sg_train_args *b = &s->trials[0].settings.args;
    const sg_manifest_summary *m = &s->summary;
    double share = json_number_value(json_object_get(
            json_object_get(json_array_get(s->trials[0].predictions.models, 0), "training"),
            "initialisation"));
    (void)snprintf(w->data, sizeof w->data, "%.120s, %zu images in %zu groups",
            sg_path_base(s->base.root), s->base.count, s->base.group_count);
    (void)snprintf(w->budget, sizeof w->budget,
            "%.40s, %lld epochs, %lld px, batch %lld, learning rate %g, seed %lld, %lld folds; "
            "%.0f %% of the parameters from given weights",
            b->model, b->epochs, b->recipe.size, b->batch, b->lr, b->seed, s->args->folds,
            100 * share);
    (void)snprintf(w->groups, sizeof w->groups,
            "%zu groups hold more than one image (%zu images); %zu groups more than one class%s",
            m->shared_groups, m->shared_images, m->conflicting_groups,
            sg_manifest_lower_bound(&s->base) ? "; found from pixels, a lower bound" : "");
    (void)snprintf(w->intervals, sizeof w->intervals,
            "95 %% intervals: Wilson for accuracy where every group has one image, else bootstrap "
            "over groups (BCa, %lld draws), as all others",
            s->args->draws);
    if (s->trials[0].predictions.count &&
            json_is_true(json_object_get(
                    json_object_get(json_array_get(s->trials[0].predictions.models, 0), "training"),
                    "phantom")))
        warn(w, "simulated images",
                "The data are phantoms: the points say what a leak can do, not what it does on "
                "patients.");
    if (!m->shared_groups)
        warn(w, "no copies",
                "No group holds more than one image, so that random and grouped folds can differ "
                "by chance only.");
    if (b->epochs < 20 || b->recipe.size < 224)
        warn(w, "reduced settings",
                "A small budget, shorter or smaller than the protocol's 20 epochs at 224 px: the "
                "differences between arms are its result, not the accuracy.");
}

static sg_status write_page(const sg_leakage_study *s, sg_error *err) {
    sg_leakage_arm arms[SG_LEAKAGE_TRIALS];
    sg_leakage_point points[SG_LEAKAGE_TRIALS];
    sg_leakage_picture pictures[3];
    picture_file files[3];
    words w = {.warning_count = 0};
    size_t arm_count = 0, fold_count = (size_t)s->args->folds;
    double *folds = calloc(SG_LEAKAGE_TRIALS * fold_count, sizeof *folds);
    char *path = sg_campaign_path(&s->campaign, "report.html");
    if (!folds || !path) {
        free(folds);
        free(path);
        return no_memory(err);
    }
    fill_words(&w, s);
    for (size_t i = 0; i < s->trial_count; i++)
        if (s->trials[i].share == 1) {
            fill_arm(&arms[arm_count], folds + arm_count * fold_count, &s->trials[i], i == 0);
            arm_count++;
        }
    const sg_page_fact facts[] = {{"Data", w.data}, {"Groups", w.groups},
            {"Budget of every arm", w.budget}, {"Build", sg_build_id()}};
    const sg_leakage_page page = {w.data, facts, sizeof facts / sizeof *facts, w.warnings,
            w.warning_count, arms, arm_count, points, fill_points(points, s), pictures,
            load_pictures(pictures, files, s), w.intervals};
    sg_status st = sg_leakage_page_write(&page, path, err);
    for (size_t i = 0; i < page.picture_count; i++) free(files[i].bytes);
    free(folds);
    free(path);
    return st;
}

/* ---- telling ---- */

static void print_points(const sg_difference_figure *w) {
    printf("  %+5.1f points", 100 * w->difference);
    if (!isnan(w->interval.low))
        printf(" (%+.1f to %+.1f)", 100 * w->interval.low, 100 * w->interval.high);
}

static void print_trial(const sg_leakage_trial *t, bool reference) {
    const sg_metrics *m = &t->metrics;
    printf("%-12s %6zu  %5.1f %%", t->name, m->n, 100 * m->c.accuracy);
    if (isnan(m->accuracy_interval.low))
        printf("  %-13s", "no interval");
    else
        printf("  (%4.1f-%5.1f) ", 100 * m->accuracy_interval.low, 100 * m->accuracy_interval.high);
    if (reference) {
        printf("  reference\n");
        return;
    }
    print_points(&t->worth.accuracy);
    if (t->share == 1 && (t->worth.only_base || t->worth.only_other)) {
        printf(", on the %zu images of both", t->shared.shared);
        print_points(&t->shared.accuracy);
    }
    if (!isnan(t->p_holm)) printf(", p %.3f (Holm)", t->p_holm);
    printf("\n");
}

static void print_study(const sg_leakage_study *s) {
    printf("%-12s %6s  accuracy                worth\n", "arm", "images");
    for (size_t i = 0; i < s->trial_count; i++) print_trial(&s->trials[i], i == 0);
    printf("report: ");
    sg_cli_print_safe(stdout, s->args->out);
    printf("/report.html\n%s\n", SG_RESEARCH_USE);
}

sg_status sg_leakage_report(sg_leakage_study *s, sg_error *err) {
    json_t *document = study_json(s);
    char *path = sg_campaign_path(&s->campaign, "leakage.json");
    sg_status st = document && path ? write_arms(s, err) : no_memory(err);
    if (!st) st = write_folds(s, err);
    if (!st) st = sg_json_write(document, path, err);
    if (!st) st = write_page(s, err);
    free(path);
    if (!st && s->call->json)
        sg_cli_print_json(json_incref(document));
    else if (!st)
        print_study(s);
    json_decref(document);
    return st;
}
