/* compare_bundles.c - see compare_bundles.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/compare_bundles.h"
#include "base/csv.h"
#include "cli/looks.h"
#include "cli/values.h"
#include "report/update.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIGURES = 3, HASH_DIGITS = 10 };

typedef struct side {
    char *path;
    sg_predictions predictions;
    sg_metrics metrics;
} side;

typedef struct update {
    const sg_bundle_comparison *asked;
    const sg_call *call;
    sg_manifest manifest;
    side before, after;
    sg_difference difference;
    sg_shared_row *shared;
    size_t shared_count, changed, newly_missed, newly_found;
    bool worse;
    char verdict[320];
} update;

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory comparing bundles");
}

/* ---- judging ---- */

static sg_status split_names(update *u, sg_error *err) {
    const char *comma = strchr(u->asked->bundles, ',');
    if (!comma || comma == u->asked->bundles || !comma[1] || strchr(comma + 1, ','))
        return sg_fail(err, SG_ERR_USAGE, "--bundles '%.100s' must be OLD,NEW", u->asked->bundles);
    u->before.path = sg_strdupf("%.*s", (int)(comma - u->asked->bundles), u->asked->bundles);
    u->after.path = sg_strdup(comma + 1);
    return u->before.path && u->after.path ? SG_OK : no_memory(err);
}

static sg_status judge(update *u, side *s, const char *ledger, sg_error *err) {
    sg_predict_options options = {
            .predictor = SG_PREDICTOR_OPTIONS_INIT, .log = u->call->log, .stop = &sg_cli_stop};
    sg_bundle *bundle;
    options.predictor.threads = (int)u->asked->dataset.threads;
    options.predictor.flip_average = u->asked->tta;
    sg_status st = sg_bundle_open(&bundle, s->path, err);
    if (!st) st = sg_predictions_of_bundle(&s->predictions, bundle, &u->manifest, &options, err);
    if (!st) st = sg_cli_enter_look(ledger, &s->predictions, u->asked->tta, err);
    if (!st) st = sg_metrics_measure(&s->metrics, &s->predictions, (size_t)u->asked->draws, err);
    return st ? sg_fail_context(err, st, "%s", s->path) : SG_OK;
}

static bool right(const sg_prediction_row *row) {
    return row->label == row->predicted;
}

static const char *mark_of(const update *u, const sg_shared_row *row) {
    bool malignant = row->base->label == u->before.metrics.malignant;
    if (malignant && right(row->base)) return "newly missed malignancy";
    if (malignant && right(row->other)) return "newly found malignancy";
    if (right(row->base)) return "lost";
    return right(row->other) ? "gained" : "still wrong";
}

static void count_changes(update *u) {
    for (size_t i = 0; i < u->shared_count; i++) {
        const sg_shared_row *row = &u->shared[i];
        if (row->base->predicted == row->other->predicted) continue;
        bool malignant = row->base->label == u->before.metrics.malignant;
        u->changed++;
        u->newly_missed += malignant && right(row->base);
        u->newly_found += malignant && right(row->other);
    }
}

/* Worse: accuracy or sensitivity for malignant falls by more than the margin. */
static void decide(update *u) {
    double accuracy = 100 * u->difference.accuracy.difference;
    double sensitivity = 100 * u->difference.sensitivity.difference;
    const double slack = 1e-9;
    bool less_right = accuracy < -u->asked->margin - slack;
    bool less_found = sensitivity < -u->asked->margin - slack; /* NaN: no such class */
    u->worse = less_right || less_found;
    (void)snprintf(u->verdict, sizeof u->verdict,
            "%s%s%s%s: accuracy %+.1f points, sensitivity for malignant %+.1f, margin %.1f; %zu of "
            "%zu images changed class, %zu malignancies newly missed and %zu newly found.",
            u->worse ? "The new model is worse in " : "The new model is not worse",
            less_right ? "accuracy" : "", less_right && less_found ? " and " : "",
            less_found ? "sensitivity for malignant" : "", accuracy, sensitivity, u->asked->margin,
            u->changed, u->shared_count, u->newly_missed, u->newly_found);
}

static sg_status measure(update *u, sg_error *err) {
    sg_cli_dataset dataset = u->asked->dataset;
    char *ledger = sg_cli_ledger(u->call->log);
    dataset.any_classes = true;
    sg_status st = split_names(u, err);
    if (!st) st = sg_cli_open_dataset(&u->manifest, &dataset, u->call->log, err);
    if (!st) st = judge(u, &u->before, ledger, err);
    if (!st) st = judge(u, &u->after, ledger, err);
    free(ledger);
    if (!st)
        st = sg_difference_measure(&u->difference, &u->before.predictions, &u->after.predictions,
                (size_t)u->asked->draws, err);
    if (!st)
        st = sg_difference_shared(
                &u->shared, &u->shared_count, &u->before.predictions, &u->after.predictions, err);
    if (st) return st;
    count_changes(u);
    decide(u);
    return SG_OK;
}

/* ---- telling ---- */

static void fill_figures(sg_update_figure figures[FIGURES], const update *u) {
    const sg_metrics *b = &u->before.metrics, *a = &u->after.metrics;
    figures[0] = (sg_update_figure){"accuracy %", true, sg_value_of_accuracy(b),
            sg_value_of_accuracy(a), sg_value_of_difference(&u->difference.accuracy)};
    figures[1] = (sg_update_figure){"macro F1", false, sg_value_of_boot(&b->boot.f1_macro),
            sg_value_of_boot(&a->boot.f1_macro), sg_value_of_difference(&u->difference.macro_f1)};
    figures[2] = (sg_update_figure){"sensitivity, malignant %", true, sg_value_of_sensitivity(b),
            sg_value_of_sensitivity(a), sg_value_of_difference(&u->difference.sensitivity)};
}

/* Newly missed malignancies first, then in order of paths. names[changed]: owners of hashes. */
static void fill_cases(sg_update_case *cases, char (*names)[HASH_DIGITS + 1], const update *u) {
    char *const *classes = u->before.predictions.classes;
    size_t n = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < u->shared_count; i++) {
            const sg_prediction_row *b = u->shared[i].base, *a = u->shared[i].other;
            bool missed = b->label == u->before.metrics.malignant && right(b);
            if (b->predicted == a->predicted || missed != (pass == 0)) continue;
            (void)snprintf(names[n], sizeof names[n], "%.*s", HASH_DIGITS, b->sha256);
            cases[n] = (sg_update_case){u->asked->show_full ? b->path : names[n], classes[b->label],
                    classes[b->predicted], classes[a->predicted], b->p[b->label], a->p[a->label],
                    mark_of(u, &u->shared[i])};
            n++;
        }
}

static json_t *figure_json(const sg_update_figure *f) {
    return json_pack("{s:s, s:o, s:o, s:o}", "figure", f->name, "before",
            sg_value_to_json(f->before), "after", sg_value_to_json(f->after), "difference",
            sg_value_to_json(f->difference));
}

static json_t *update_json(
        const update *u, const sg_update_figure *figures, const sg_update_case *cases) {
    json_t *list = json_array(), *changed = json_array();
    for (int i = 0; i < FIGURES; i++) json_array_append_new(list, figure_json(&figures[i]));
    for (size_t i = 0; i < u->changed; i++)
        json_array_append_new(changed,
                json_pack("{s:o, s:s, s:s, s:s, s:s}", "image", sg_json_text(cases[i].name),
                        "truth", cases[i].truth, "before", cases[i].before, "after", cases[i].after,
                        "change", cases[i].mark));
    return json_pack("{s:i, s:s, s:s, s:s, s:o, s:o, s:b, s:s, s:f, s:I, s:I, s:I, s:o, s:o, s:o}",
            "schema", SG_SCHEMA_VERSION, "build", sg_build_id(), "use", SG_RESEARCH_USE, "kind",
            "compare-bundles", "before", sg_json_text(sg_path_base(u->before.path)), "after",
            sg_json_text(sg_path_base(u->after.path)), "worse", (int)u->worse, "verdict",
            u->verdict, "margin", u->asked->margin, "images", (json_int_t)u->shared_count,
            "newly_missed_malignancies", (json_int_t)u->newly_missed, "newly_found_malignancies",
            (json_int_t)u->newly_found, "p", sg_json_number(u->difference.p), "figures", list,
            "changed", changed);
}

static sg_status write_changed(
        const update *u, const sg_update_case *cases, const char *path, sg_error *err) {
    sg_str out;
    sg_str_init(&out, 0);
    sg_str_append(&out, "image,truth,before,after,p_before,p_after,change\n");
    for (size_t i = 0; i < u->changed; i++) {
        sg_csv_put(&out, cases[i].name);
        sg_csv_put(&out, cases[i].truth);
        sg_csv_put(&out, cases[i].before);
        sg_csv_put(&out, cases[i].after);
        sg_csv_put_double(&out, cases[i].p_before);
        sg_csv_put_double(&out, cases[i].p_after);
        sg_csv_put(&out, cases[i].mark);
        sg_csv_end_row(&out);
    }
    sg_status st = sg_str_check(&out, err);
    if (!st) st = sg_file_write(path, out.data, out.len, err);
    sg_str_dispose(&out);
    return st;
}

static size_t *flat_confusion(const sg_metrics *m) {
    size_t k = m->c.classes, *flat = calloc(k * k, sizeof *flat);
    for (size_t i = 0; flat && i < k * k; i++) flat[i] = m->c.confusion[i / k][i % k];
    return flat;
}

static sg_status write_page(const update *u, const sg_update_figure *figures,
        const sg_update_case *cases, const char *path, sg_error *err) {
    char data[200], intervals[160];
    size_t *before = flat_confusion(&u->before.metrics), *after = flat_confusion(&u->after.metrics);
    (void)snprintf(data, sizeof data, "%.120s, %zu images in %zu groups",
            sg_path_base(u->manifest.root), u->shared_count, u->difference.groups);
    (void)snprintf(intervals, sizeof intervals, "95 %%, BCa, %lld draws%s", u->asked->draws,
            u->asked->tta ? "; flip averaged" : "");
    const sg_page_fact facts[] = {{"Images", data}, {"Intervals", intervals},
            {"Seen in training", "none: images that either model was trained on are refused"},
            {"Worse means", "accuracy or sensitivity for malignant falls by more than the margin"},
            {"Build", sg_build_id()}};
    const sg_update_page page = {data, sg_path_base(u->before.path), sg_path_base(u->after.path),
            u->worse, u->verdict, figures, FIGURES, cases, u->changed,
            (const char *const *)u->before.predictions.classes,
            (size_t)u->before.predictions.class_count, before, after, facts,
            sizeof facts / sizeof *facts};
    sg_status st = before && after ? sg_update_page_write(&page, path, err) : no_memory(err);
    free(before);
    free(after);
    return st;
}

static sg_status write_results(const update *u, const sg_update_figure *figures,
        const sg_update_case *cases, const json_t *document, sg_error *err) {
    const char *out = u->asked->out;
    char *table = sg_path_join(out, "changed.csv"), *json = sg_path_join(out, "update.json");
    char *page = sg_path_join(out, "update.html");
    sg_status st = table && json && page ? sg_dir_make(out, err) : no_memory(err);
    if (!st) st = write_changed(u, cases, table, err);
    if (!st) st = sg_json_write(document, json, err);
    if (!st) st = write_page(u, figures, cases, page, err);
    free(table);
    free(json);
    free(page);
    return st;
}

static void print_update(
        const update *u, const sg_update_figure *figures, const sg_update_case *cases) {
    for (int i = 0; i < FIGURES; i++) {
        const sg_update_figure *f = &figures[i];
        double scale = f->percent ? 100 : 1;
        int digits = f->percent ? 1 : 3;
        printf("%-26s %.*f -> %.*f, %+.*f", f->name, digits, scale * f->before.value, digits,
                scale * f->after.value, digits, scale * f->difference.value);
        if (!isnan(f->difference.low))
            printf(" (%+.*f to %+.*f)", digits, scale * f->difference.low, digits,
                    scale * f->difference.high);
        printf("\n");
    }
    for (size_t i = 0; i < u->newly_missed; i++) {
        printf("newly missed malignancy: ");
        sg_cli_print_safe(stdout, cases[i].name);
        printf(", now %s\n", cases[i].after);
    }
    printf("%s\n", u->verdict);
    if (u->asked->out) {
        printf("report: ");
        sg_cli_print_safe(stdout, u->asked->out);
        printf("/update.html\n");
    }
    printf("%s\n", SG_RESEARCH_USE);
}

static sg_status tell(const update *u, sg_error *err) {
    sg_update_figure figures[FIGURES];
    sg_update_case *cases = calloc(u->changed + 1, sizeof *cases);
    char(*names)[HASH_DIGITS + 1] = calloc(u->changed + 1, sizeof *names);
    json_t *document = NULL;
    sg_status st = cases && names ? SG_OK : no_memory(err);
    if (!st) {
        fill_figures(figures, u);
        fill_cases(cases, names, u);
        document = update_json(u, figures, cases);
        if (!document) st = no_memory(err);
    }
    if (!st && u->asked->out) st = write_results(u, figures, cases, document, err);
    if (!st && u->call->json)
        sg_cli_print_json(json_incref(document));
    else if (!st)
        print_update(u, figures, cases);
    json_decref(document);
    free(cases);
    free(names);
    return st;
}

static void side_dispose(side *s) {
    sg_predictions_dispose(&s->predictions);
    sg_metrics_dispose(&s->metrics);
    free(s->path);
}

int sg_compare_bundles(const sg_call *call, const sg_bundle_comparison *asked) {
    sg_error err = SG_ERROR_INIT;
    update u = {.asked = asked, .call = call};
    sg_status st = measure(&u, &err);
    if (!st) st = tell(&u, &err);
    bool worse = u.worse;
    side_dispose(&u.before);
    side_dispose(&u.after);
    free(u.shared);
    sg_manifest_dispose(&u.manifest);
    if (st) return sg_cli_fail(&err);
    return worse ? SG_EXIT_WORSE : SG_EXIT_OK;
}
