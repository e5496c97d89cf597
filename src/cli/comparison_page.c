/* comparison_page.c - from a comparison to the plain structs of report/compare.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/comparison.h"
#include "cli/values.h"
#include "report/compare.h"
#include "report/paper.h"
#include "stats/roc.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one arm of the page borrows. */
typedef struct arm_data {
    double *folds;
    size_t *confusion;
    sg_curve roc;
    double *block; /* of all curves */
    sg_compare_curve *curves;
    sg_compare_range *ranges;
} arm_data;

static void arm_data_dispose(arm_data *d) {
    free(d->folds);
    free(d->confusion);
    free(d->block);
    free(d->curves);
    free(d->ranges);
    sg_curve_dispose(&d->roc);
}

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory for the page");
}

/* Which published row a model of ours stands beside; *variant: it is another form of that model. */
static int paper_row(const char *model, bool *variant) {
    static const char *const rows[] = {"resnet50", "alexnet", "googlenet", "vgg16", "mresnet"};
    for (int i = 0; i < (int)(sizeof rows / sizeof *rows); i++)
        if (strncmp(model, rows[i], strlen(rows[i])) == 0) {
            *variant = strcmp(model, rows[i]) != 0;
            return i;
        }
    return -1;
}

static sg_status fill_roc(arm_data *d, const sg_trial *t, sg_error *err) {
    const sg_predictions *p = &t->predictions;
    int malignant = t->metrics.malignant;
    if (malignant < 0) return SG_OK;
    double *scores = malloc((p->count + 1) * sizeof *scores);
    uint8_t *positive = malloc(p->count + 1);
    sg_status st = scores && positive ? SG_OK : no_memory(err);
    bool sides[2] = {false, false};
    for (size_t i = 0; i < p->count && !st; i++) {
        scores[i] = p->rows[i].p[malignant];
        positive[i] = p->rows[i].label == malignant;
        sides[positive[i]] = true;
    }
    if (!st && sides[0] && sides[1]) st = sg_roc_curve(&d->roc, scores, positive, p->count, err);
    free(scores);
    free(positive);
    return st;
}

static sg_status fill_curves(arm_data *d, const sg_trial *t, sg_error *err) {
    size_t all = 0, used = 0;
    for (size_t f = 0; f < t->history_count; f++) all += t->histories[f].count;
    d->block = malloc((3 * all + 1) * sizeof *d->block);
    d->curves = calloc(t->history_count + 1, sizeof *d->curves);
    if (!d->block || !d->curves) return no_memory(err);
    for (size_t f = 0; f < t->history_count; f++) {
        const sg_history *h = &t->histories[f];
        double *loss = d->block + used, *val_loss = loss + h->count, *val = val_loss + h->count;
        bool has_val = h->count && h->epochs[0].has_val;
        used += 3 * h->count;
        for (size_t e = 0; e < h->count; e++) {
            loss[e] = h->epochs[e].train_loss;
            val_loss[e] = h->epochs[e].val.loss;
            val[e] = h->epochs[e].val.accuracy;
        }
        d->curves[f] =
                (sg_compare_curve){h->count, loss, has_val ? val_loss : NULL, has_val ? val : NULL};
    }
    return SG_OK;
}

static sg_status fill_arm(sg_compare_arm *out, arm_data *d, const sg_trial *t, sg_error *err) {
    const sg_metrics *m = &t->metrics;
    size_t k = m->c.classes;
    d->folds = calloc(m->fold_count + 1, sizeof *d->folds);
    d->confusion = calloc(k * k, sizeof *d->confusion);
    sg_status st = d->folds && d->confusion ? fill_roc(d, t, err) : no_memory(err);
    if (!st) st = fill_curves(d, t, err);
    if (st) return st;
    for (size_t f = 0; f < m->fold_count; f++) d->folds[f] = m->folds[f].accuracy;
    d->ranges = calloc(m->fold_count + 1, sizeof *d->ranges);
    if (!d->ranges) return no_memory(err);
    for (size_t f = 0; t->ranges && f < m->fold_count; f++)
        d->ranges[f] =
                (sg_compare_range){t->ranges[f].count, t->ranges[f].rate, t->ranges[f].smooth};
    for (size_t i = 0; i < k * k; i++) d->confusion[i] = m->c.confusion[i / k][i % k];
    *out = (sg_compare_arm){.name = t->name,
            .meaning = *t->meaning ? t->meaning : NULL,
            .model = t->settings.args.model,
            .epochs = sg_trial_epochs(t),
            .initialisation = t->init_share,
            .accuracy = sg_value_of_accuracy(m),
            .precision = sg_value_of_boot(&m->boot.precision_macro),
            .recall = sg_value_of_boot(&m->boot.recall_macro),
            .f1 = sg_value_of_boot(&m->boot.f1_macro),
            .auroc = sg_value_of_auroc(m),
            .sensitivity = sg_value_of_sensitivity(m),
            .folds = d->folds,
            .fold_count = m->fold_count,
            .confusion = d->confusion,
            .roc_x = d->roc.x,
            .roc_y = d->roc.y,
            .roc_n = d->roc.count,
            .parameters = t->cost.parameters,
            .macs = t->cost.macs,
            .ms_per_image = t->cost.ms_per_image,
            .predict_bytes = t->cost.predict_bytes,
            .train_bytes = t->cost.train_bytes,
            .rates = t->rates,
            .ranges = t->ranges ? d->ranges : NULL,
            .curves = d->curves,
            .curve_count = t->history_count};
    out->paper = paper_row(out->model, &out->paper_variant);
    return SG_OK;
}

/* ---- words ---- */

enum { WARNINGS = 6 };

typedef struct words {
    char data[256], budget[320], groups[160], pairs[400], intervals[200], unequal[360];
    const char *warnings[2 * WARNINGS];
    size_t warning_count;
    sg_page_fact facts[5];
} words;

static void warn(words *w, const char *mark, const char *text) {
    w->warnings[2 * w->warning_count] = mark;
    w->warnings[2 * w->warning_count + 1] = text;
    w->warning_count++;
}

static bool is_phantom(const sg_trial *t) {
    return json_is_true(json_object_get(
            json_object_get(json_array_get(t->predictions.models, 0), "training"), "phantom"));
}

static void fill_warnings(words *w, const sg_comparison *c) {
    bool reduced = false, ungrouped = false;
    for (size_t i = 0; i < c->trial_count; i++) {
        const sg_train_args *a = &c->trials[i].settings.args;
        reduced = reduced || a->epochs < 15 || a->recipe.size < 224;
        ungrouped = ungrouped || a->ungrouped;
    }
    if (is_phantom(&c->trials[0]))
        warn(w, "simulated images", "The data are phantoms; nothing here is about patients.");
    if (reduced)
        warn(w, "reduced settings",
                "Some arms train for fewer than 15 epochs or on images smaller than 224 px: less "
                "than the protocol.");
    if (ungrouped)
        warn(w, "ungrouped split",
                "Some arms judge images whose near-copies were in training: their figures are too "
                "high, which is what they are here to show.");
    if (*c->unequal) {
        (void)snprintf(w->unequal, sizeof w->unequal,
                "Arms differ in %s too, beside model, start and learning rate: a difference "
                "between "
                "them is one of these settings as much as of the model.",
                c->unequal);
        warn(w, "unequal settings", w->unequal);
    }
    if (c->unpaired)
        warn(w, "different starts",
                "Some arms started from given weights and others did not, or from other shares of "
                "them: those are neither ranked nor paired.");
    if (c->unlike)
        warn(w, "different starts",
                "Some arms start from another share of given weights than what they are held "
                "against (column initialisation): their difference is one of weights too.");
}

static void fill_words(words *w, const sg_comparison *c) {
    const sg_train_args *a = &c->trials[0].settings.args;
    char rate[40];
    (void)snprintf(rate, sizeof rate, "%g", a->lr);
    for (size_t i = 1; i < c->trial_count; i++)
        if (c->trials[i].settings.args.lr != a->lr)
            (void)snprintf(rate, sizeof rate, "set for each arm");
    if (c->trials[0].rates) (void)snprintf(rate, sizeof rate, "found for each arm and fold");
    (void)snprintf(w->data, sizeof w->data, "%.120s, %zu images", sg_path_base(c->manifest.root),
            c->trials[0].metrics.n);
    (void)snprintf(w->groups, sizeof w->groups, "%d folds by group, %zu groups among the images",
            c->split.folds, c->trials[0].metrics.groups);
    (void)snprintf(w->budget, sizeof w->budget,
            "%s%lld epochs, %lld px, batch %lld, learning rate %s, weight decay %g, seed %lld, "
            "selection %s%s; each arm's settings are in arms/NAME/args.yaml",
            *c->unequal ? "the first arm's: " : "", a->epochs, a->recipe.size, a->batch, rate,
            a->weight_decay, a->seed, sg_select_name((sg_select)a->select),
            c->tta ? ", flip averaged" : "");
    (void)snprintf(w->intervals, sizeof w->intervals,
            "95 %% intervals: Wilson for accuracy and sensitivity where every group has one image, "
            "else bootstrap over groups (BCa, %lld draws), as all others",
            c->draws);
    if (c->unpaired)
        (void)snprintf(w->pairs, sizeof w->pairs,
                "Arms that started alike, on the same folds and images. %zu pairs are left out "
                "because their arms started from different shares of given weights: a difference "
                "between them would be one of weights as much as of architecture.",
                c->unpaired);
    else
        (void)snprintf(w->pairs, sizeof w->pairs, "%s",
                c->pair_count ? "On the same folds and images."
                              : "There is one arm only: nothing to pair.");
    const sg_page_fact facts[] = {{"Data", w->data}, {"Split", w->groups}, {"Budget", w->budget},
            {"Build", sg_build_id()}};
    memcpy(w->facts, facts, sizeof facts);
    fill_warnings(w, c);
}

sg_status sg_comparison_write_page(const sg_comparison *c, const char *path, sg_error *err) {
    size_t n = c->trial_count;
    sg_compare_arm *arms = calloc(n + 1, sizeof *arms);
    arm_data *data = calloc(n + 1, sizeof *data);
    sg_compare_pair *pairs = calloc(c->pair_count + 1, sizeof *pairs);
    words w = {.warning_count = 0};
    sg_status st = arms && data && pairs ? SG_OK : no_memory(err);
    for (size_t i = 0; i < n && !st; i++) st = fill_arm(&arms[i], &data[i], &c->trials[i], err);
    for (size_t i = 0; i < c->pair_count && !st; i++) {
        const sg_difference *d = &c->pairs[i].difference;
        pairs[i] = (sg_compare_pair){c->pairs[i].base, c->pairs[i].other,
                sg_value_of_difference(&d->accuracy), sg_value_of_difference(&d->macro_f1),
                sg_value_of_folds(&c->pairs[i].folds), d->p, c->pairs[i].p_adjusted, d->gained,
                d->lost};
    }
    if (!st) {
        fill_words(&w, c);
        const sg_compare_page page = {c->title, w.data, c->lead, w.warnings, w.warning_count,
                (const char *const *)c->manifest.class_names, c->manifest.class_count, arms, n,
                pairs, c->pair_count, w.pairs, c->with_paper, w.facts, 4, w.intervals};
        st = sg_compare_page_write(&page, path, err);
    }
    for (size_t i = 0; i < n && data; i++) arm_data_dispose(&data[i]);
    free(arms);
    free(data);
    free(pairs);
    return st;
}
