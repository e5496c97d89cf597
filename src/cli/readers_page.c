/* readers_page.c - see readers_page.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/readers_page.h"

#include "base/version.h"
#include "report/readers.h"
#include "stats/roc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 256, MEANS_MAX = 4 * SG_READINGS_MAX };

/* What the page borrows until it is written. */
typedef struct page_parts {
    sg_readers_row *rows; /* the model, then the readings */
    sg_curve *curves;     /* of rows */
    sg_readers_pair *pairs;
    sg_readers_mean *means;
    char (*names)[TEXT];  /* of means */
    char (*labels)[TEXT]; /* of rows */
    size_t row_count, mean_count;
} page_parts;

static void parts_dispose(page_parts *p) {
    for (size_t i = 0; p->curves && i < p->row_count; i++) sg_curve_dispose(&p->curves[i]);
    free(p->rows);
    free(p->curves);
    free(p->pairs);
    free(p->means);
    free(p->names);
    free(p->labels);
}

static sg_evaluation_value value_of(double value, sg_interval i) {
    return (sg_evaluation_value){value, i.low, i.high};
}

static sg_evaluation_value share_value(const sg_share *s) {
    return s->n ? value_of(s->value, s->interval) : (sg_evaluation_value)SG_EVALUATION_VALUE_NONE;
}

static sg_evaluation_value area_value(bool has, const sg_delong *d) {
    sg_interval none = {NAN, NAN};
    return has ? value_of(d->auc, d->degenerate ? none : d->interval)
               : (sg_evaluation_value)SG_EVALUATION_VALUE_NONE;
}

static sg_evaluation_value kappa_value(const sg_bootstrap_figure *f) {
    sg_interval none = {NAN, NAN};
    return value_of(f->estimate, f->degenerate ? none : f->bca);
}

/* reading NULL: the model. */
static sg_status add_curve(sg_readers_row *row, sg_curve *curve, const sg_reader_study *s,
        const sg_reading *reading, sg_error *err) {
    size_t n = 0, positives = 0;
    double *scores = calloc(s->image_count + 1, sizeof *scores);
    uint8_t *positive = calloc(s->image_count + 1, 1);
    sg_status st = scores && positive ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < s->image_count && !st; i++) {
        scores[n] = reading ? reading->score[i] : s->images[i].model_score;
        if (isnan(scores[n])) continue;
        positive[n] = s->images[i].positive;
        positives += positive[n++];
    }
    if (!st && positives && positives < n) {
        st = sg_roc_curve(curve, scores, positive, n, err);
        row->roc_x = curve->x;
        row->roc_y = curve->y;
        row->roc_n = curve->count;
    }
    free(scores);
    free(positive);
    return st;
}

static sg_status add_rows(page_parts *p, const sg_reader_study *s, sg_error *err) {
    const sg_evaluation_value none = SG_EVALUATION_VALUE_NONE;
    sg_status st = SG_OK;
    if (s->has_model) {
        p->rows[p->row_count++] = (sg_readers_row){.name = "model",
                .images = s->image_count,
                .sensitivity = share_value(&s->model_sensitivity),
                .specificity = share_value(&s->model_specificity),
                .area = area_value(s->has_model_area, &s->model_area),
                .less_model = none,
                .p = NAN,
                .kappa_model = none,
                .model = true};
        st = add_curve(&p->rows[0], &p->curves[0], s, NULL, err);
    }
    for (size_t i = 0; i < s->reading_count && !st; i++) {
        const sg_reading *r = &s->readings[i];
        bool rival = r->has_area && s->has_model;
        size_t at = p->row_count++;
        (void)snprintf(
                p->labels[at], TEXT, "%.100s%s%.100s", r->reader, r->way[0] ? ", " : "", r->way);
        p->rows[at] = (sg_readers_row){.name = p->labels[at],
                .images = r->read,
                .sensitivity = share_value(&r->sensitivity),
                .specificity = share_value(&r->specificity),
                .area = area_value(r->has_area, &r->area),
                .less_model = rival ? value_of(r->against.difference, r->against.interval) : none,
                .p = rival ? r->against_holm : NAN,
                .kappa_model = kappa_value(&r->kappa_model)};
        if (r->has_area) st = add_curve(&p->rows[at], &p->curves[at], s, r, err);
    }
    return st;
}

static void add_mean(
        page_parts *p, const sg_mrmc_mean *m, bool difference, const char *what, const char *way) {
    char *name = p->names[p->mean_count];
    (void)snprintf(name, TEXT, "%s%s%s", what, way[0] ? ", " : "", way);
    p->means[p->mean_count++] =
            (sg_readers_mean){name, value_of(m->mean, m->interval), m->df, difference ? m->p : NAN};
}

static void add_means(page_parts *p, const sg_reader_study *s) {
    for (size_t i = 0; i < s->way_count; i++) {
        const sg_reader_way *w = &s->ways[i];
        if (w->readers < 2) continue;
        add_mean(p, &w->area, false, "mean AUROC", w->name);
        if (s->has_model) add_mean(p, &w->against, true, "mean AUROC less the model's", w->name);
    }
    for (size_t i = 0, at = 0; i < s->way_count && s->has_comparison; i++)
        for (size_t j = i + 1; j < s->way_count && p->mean_count < MEANS_MAX; j++, at++) {
            char what[TEXT];
            (void)snprintf(what, sizeof what, "mean AUROC, %.100s less %.100s", s->ways[i].name,
                    s->ways[j].name);
            add_mean(p, &s->differences[at], true, what, "");
        }
}

static void add_pairs(page_parts *p, const sg_reader_study *s) {
    for (size_t i = 0; i < s->pair_count; i++) {
        const sg_reader_pair *pair = &s->pairs[i];
        p->pairs[i] =
                (sg_readers_pair){s->readings[pair->first].reader, s->readings[pair->second].reader,
                        s->readings[pair->first].way, pair->images, kappa_value(&pair->kappa)};
    }
}

static sg_status parts_make(page_parts *p, const sg_reader_study *s, sg_error *err) {
    size_t rows = s->reading_count + 1;
    *p = (page_parts){.rows = calloc(rows, sizeof *p->rows),
            .curves = calloc(rows, sizeof *p->curves),
            .pairs = calloc(s->pair_count + 1, sizeof *p->pairs),
            .means = calloc(MEANS_MAX, sizeof *p->means),
            .names = calloc(MEANS_MAX, TEXT),
            .labels = calloc(rows, TEXT)};
    if (!p->rows || !p->curves || !p->pairs || !p->means || !p->names || !p->labels)
        return sg_fail(err, SG_ERR_MEMORY, "out of memory");
    add_means(p, s);
    add_pairs(p, s);
    return add_rows(p, s, err);
}

/* Fleiss' kappa of each way in words; empty where there is none. */
static void describe_agreement(char *out, size_t size, const sg_reader_study *s) {
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < s->way_count; i++) {
        const sg_reader_way *w = &s->ways[i];
        if (isnan(w->fleiss) || at + 1 >= size) continue;
        int n = snprintf(out + at, size - at, "%sFleiss' kappa of all readers%s%.60s: %.3f",
                at ? "; " : "", w->name[0] ? ", " : "", w->name, w->fleiss);
        at += n > 0 ? (size_t)n : 0;
        if (at + 1 >= size || isnan(w->fleiss_interval.low)) continue;
        n = snprintf(out + at, size - at, " (%.3f to %.3f)", w->fleiss_interval.low,
                w->fleiss_interval.high);
        at += n > 0 ? (size_t)n : 0;
    }
}

sg_status sg_readers_write_page(const char *path, const sg_reader_study *s, const char *table,
        const char *predictions, sg_error *err) {
    page_parts p;
    sg_status st = parts_make(&p, s, err);
    char images[TEXT], method[TEXT], common[TEXT], kinds[TEXT], agreement[4 * TEXT], mixed[TEXT];
    const char *warnings[2];
    size_t warning_count = 0;
    (void)snprintf(images, sizeof images, "%zu, %zu of them %.80s, in %zu groups", s->image_count,
            s->positives, s->positive_name, s->groups);
    (void)snprintf(method, sizeof method, "%s; p of readers against the model: Holm",
            s->largest_group > 1 ? "over groups of images: shares and kappa by bootstrap (BCa), "
                                   "AUROC by jackknife"
                                 : "shares: Wilson; kappa: bootstrap (BCa); AUROC: DeLong");
    (void)snprintf(common, sizeof common, "%zu images scored by every reader who scores",
            s->common_images);
    (void)snprintf(kinds, sizeof kinds, "%zu kinds of verdict, positive: %.80s", s->category_count,
            s->categories[s->positive_category]);
    if (s->model_mixed) {
        (void)snprintf(mixed, sizeof mixed,
                "The model's scores come from %zu folds, each with a model of its own. Its AUROC "
                "here ranks their scores together.",
                s->model_folds);
        warnings[2 * warning_count] = "mixed models";
        warnings[2 * warning_count++ + 1] = mixed;
    }
    describe_agreement(agreement, sizeof agreement, s);
    char build[TEXT];
    (void)snprintf(build, sizeof build, "sonograde %s (%s)", sg_version(), sg_build_id());
    const sg_page_fact facts[] = {{"Readings", table}, {"Model", predictions}, {"Images", images},
            {"Verdicts", kinds}, {"Over readers", p.mean_count ? common : NULL},
            {"Intervals", method}, {"Build", build}};
    const sg_readers_page page = {.title = "Reader study",
            .positive = s->positive_name,
            .facts = facts,
            .fact_count = sizeof facts / sizeof *facts,
            .warnings = warnings,
            .warning_count = warning_count,
            .rows = p.rows,
            .row_count = p.row_count,
            .means = p.means,
            .mean_count = p.mean_count,
            .pairs = p.pairs,
            .pair_count = s->pair_count,
            .agreement = agreement[0] ? agreement : NULL};
    if (!st) st = sg_readers_page_write(&page, path, err);
    parts_dispose(&p);
    return st;
}
