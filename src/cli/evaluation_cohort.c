/* evaluation_cohort.c - see evaluation_cohort.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/evaluation_cohort.h"
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory with the cohort");
}

sg_status sg_evaluation_cohort_open(sg_evaluation_cohort *out, sg_predictions *all,
        const char *audit_dir, const char *const *runs, size_t run_count, size_t draws,
        sg_error *err) {
    sg_evaluation_cohort c = {.all_images = all->count};
    sg_status st = sg_cohort_read(&c.cohort, audit_dir, err);
    if (!st) st = sg_cohort_regroup(all, &c.cohort, err);
    if (!st) st = sg_cohort_select(&c.kept, all, &c.cohort, err);
    if (!st) st = sg_cohort_flow(c.flow, &c.flow_count, &c.cohort, all, err);
    if (!st) st = sg_cohort_count_unjudged(&c.unjudged, &c.by_copy, &c.cohort, all, err);
    for (size_t r = 0; r < run_count && !st; r++) {
        size_t leaks = 0;
        st = sg_cohort_count_leaks(&leaks, all, &c.cohort, runs[r], (int)r, err);
        c.leaks += leaks;
    }
    if (!st) st = sg_metrics_measure(&c.all, all, draws, err);
    if (st)
        sg_evaluation_cohort_dispose(&c);
    else
        *out = c;
    return st;
}

void sg_evaluation_cohort_dispose(sg_evaluation_cohort *c) {
    if (!c) return;
    sg_cohort_dispose(&c->cohort);
    sg_predictions_dispose(&c->kept);
    sg_metrics_dispose(&c->all);
    memset(c, 0, sizeof *c);
}

/* ---- metrics.json ---- */

static json_t *flow_json(const sg_evaluation_cohort *c, const sg_predictions *p) {
    json_t *list = json_array();
    for (size_t i = 0; i + 1 < c->flow_count; i++) {
        json_t *classes = json_object();
        for (int k = 0; k < p->class_count; k++)
            json_object_set_new(
                    classes, p->classes[k], json_integer((json_int_t)c->flow[i].by_class[k]));
        json_array_append_new(
                list, json_pack("{s:s, s:I, s:o}", "reason", c->flow[i].reason, "images",
                              (json_int_t)c->flow[i].images, "by_class", classes));
    }
    return list;
}

sg_status sg_evaluation_cohort_put_json(
        json_t *metrics, const sg_evaluation_cohort *c, const sg_predictions *all, sg_error *err) {
    static const char *const said_once[] = {"schema", "build", "use", "models"};
    json_t *figures = sg_metrics_to_json(&c->all, all);
    for (size_t i = 0; i < sizeof said_once / sizeof *said_once; i++)
        json_object_del(figures, said_once[i]);
    json_t *cohort = json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:s}", "audited",
            (json_int_t)c->cohort.count, "kept", (json_int_t)c->cohort.kept, "judged",
            (json_int_t)c->kept.count, "kept_but_not_judged", (json_int_t)c->unjudged,
            "of_these_judged_on_a_copy", (json_int_t)c->by_copy, "excluded", flow_json(c, all),
            "images_with_a_relative_in_training", (json_int_t)c->leaks, "audit_sha256",
            c->cohort.digest);
    bool failed = json_object_set_new(metrics, "population", json_string("cohort")) != 0;
    failed |= !cohort || json_object_set_new(metrics, "cohort", cohort) != 0;
    failed |= !figures || json_object_set_new(metrics, "all_images", figures) != 0;
    return failed ? no_memory(err) : SG_OK;
}

/* ---- the page ---- */

static sg_evaluation_value with(double value, sg_interval i) {
    return (sg_evaluation_value){value, i.low, i.high};
}

static sg_evaluation_value boot(const sg_bootstrap_figure *f) {
    return with(f->estimate, sg_metrics_interval(f));
}

enum { FIGURES = 8, CLASS_FIGURES = 3 };

/* The same figure of either population. */
static sg_evaluation_value figure_of(const sg_metrics *m, size_t number) {
    const sg_evaluation_value none = SG_EVALUATION_VALUE_NONE;
    switch (number) {
    case 0:
        return with(m->c.accuracy, m->accuracy_interval);
    case 1:
        return boot(&m->boot.balanced_accuracy);
    case 2:
        return boot(&m->boot.precision_macro);
    case 3:
        return boot(&m->boot.recall_macro);
    case 4:
        return boot(&m->boot.f1_macro);
    case 5:
        return with(m->auroc_macro, m->auroc_macro_interval);
    case 6:
        return m->malignant < 0 ? none
                                : with(m->malignant_rest.sensitivity, m->sensitivity_interval);
    default:
        return m->malignant < 0 ? none
                                : with(m->malignant_rest.specificity, m->specificity_interval);
    }
}

static sg_evaluation_value class_figure_of(const sg_metrics *m, size_t c, size_t number) {
    return number == 0   ? boot(&m->boot.recall[c])
           : number == 1 ? boot(&m->boot.f1[c])
                         : with(m->auroc[c], m->auroc_interval[c]);
}

static void fill_beside(
        sg_evaluation_page *page, sg_keep *k, const sg_evaluation_cohort *c, const sg_metrics *m) {
    static const struct {
        const char *name;
        bool percent;
    } figures[FIGURES] = {{"accuracy", true}, {"balanced accuracy", true},
            {"precision, macro", true}, {"recall, macro", true}, {"F1, macro", false},
            {"AUROC, macro", false}, {"sensitivity, malignant", true},
            {"specificity, malignant", true}},
      class_figures[CLASS_FIGURES] = {{"recall", true}, {"F1", false}, {"AUROC", false}};
    size_t most = FIGURES + CLASS_FIGURES * m->c.classes, n = 0;
    sg_evaluation_beside *rows = sg_keep_hold(k, calloc(most, sizeof *rows));
    if (!rows) return;
    for (size_t i = 0; i < FIGURES; i++)
        rows[n++] = (sg_evaluation_beside){
                figures[i].name, figures[i].percent, figure_of(m, i), figure_of(&c->all, i)};
    for (size_t i = 0; i < m->c.classes; i++)
        for (size_t j = 0; j < CLASS_FIGURES; j++)
            rows[n++] = (sg_evaluation_beside){
                    SG_KEEP_TEXT(k, "%s, %s", class_figures[j].name, c->kept.classes[i]),
                    class_figures[j].percent, class_figure_of(m, i, j),
                    class_figure_of(&c->all, i, j)};
    page->beside = rows;
    page->beside_count = n;
}

/* The audit's words for people; a reason it has learned since stands as it is. */
static const char *reason_text(const char *reason) {
    static const struct {
        const char *word, *text;
    } texts[] = {
            {"unreadable", "file that cannot be read"},
            {"outside_domain", "no breast B-mode image (axilla, needle, Doppler, screenshot...)"},
            {"label_conflict", "its group holds more than one class"},
            {"label_in_doubt", "may be the lesion of an image of another class; undecided"},
            {"copy", "another image of the same lesion was kept"},
            {"copy_in_doubt", "may be the lesion of an image that was kept; undecided"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(texts[i].word, reason) == 0) return texts[i].text;
    return reason;
}

static void fill_flow(sg_evaluation_page *page, sg_keep *k, const sg_evaluation_cohort *c) {
    sg_evaluation_exclusion *rows = sg_keep_hold(k, calloc(c->flow_count, sizeof *rows));
    if (!rows) return;
    for (size_t i = 0; i < c->flow_count; i++) {
        const sg_exclusion *from = &c->flow[i];
        rows[i] = (sg_evaluation_exclusion){
                from->reason ? reason_text(from->reason) : NULL, from->images, from->by_class};
    }
    page->flow = rows;
    page->flow_count = c->flow_count;
}

void sg_evaluation_cohort_fill(
        sg_evaluation_page *page, sg_keep *k, const sg_evaluation_cohort *c, const sg_metrics *m) {
    fill_flow(page, k, c);
    page->audited_images = c->cohort.count;
    page->all_images = c->all_images;
    page->all_groups = c->all.groups;
    page->relatives_in_training = c->leaks;
    page->unjudged = c->unjudged;
    page->judged_on_copy = c->by_copy;
    page->audit_digest = SG_KEEP_TEXT(k, "%.16s", c->cohort.digest);
    if (c->all_images > m->n) fill_beside(page, k, c, m);
}
