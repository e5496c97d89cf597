/* metrics.c - see metrics.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "protocol/metrics.h"
#include "base/csv.h"
#include "protocol/arrays.h"
#include "stats/delong.h"
#include "stats/roc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- AUROC over folds, as a statistic of row weights ---- */

typedef struct ranking {
    const sg_arrays *a;
    uint32_t *order; /* [classes][n]: rows sorted by fold, then by falling score of the class */
} ranking;

typedef struct keyed {
    uint32_t row, fold;
    double score;
} keyed;

static int by_fold_and_score(const void *x, const void *y) {
    const keyed *a = x, *b = y;
    if (a->fold != b->fold) return a->fold < b->fold ? -1 : 1;
    if (a->score != b->score) return a->score > b->score ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static sg_status rank_rows(ranking *r, const sg_arrays *a, sg_error *err) {
    keyed *keys = malloc(a->n * sizeof *keys);
    r->a = a;
    r->order = malloc(a->classes * a->n * sizeof *r->order);
    bool ok = keys && r->order;
    for (size_t c = 0; c < a->classes && ok; c++) {
        for (size_t i = 0; i < a->n; i++)
            keys[i] = (keyed){(uint32_t)i, a->fold[i], a->p[i * a->classes + c]};
        qsort(keys, a->n, sizeof *keys, by_fold_and_score);
        for (size_t i = 0; i < a->n; i++) r->order[c * a->n + i] = keys[i].row;
    }
    free(keys);
    return ok ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory ranking %zu images", a->n);
}

/* Weighted Mann-Whitney over rows[n] sorted by falling score; ties count half. */
static double weighted_auc(const sg_arrays *a, const uint32_t *rows, size_t n, size_t class_index,
        const uint32_t *weights) {
    double positives = 0, negatives = 0, wins = 0;
    for (size_t i = 0; i < n;) {
        double score = a->p[rows[i] * a->classes + class_index], pos = 0, neg = 0;
        for (; i < n && a->p[rows[i] * a->classes + class_index] == score; i++) {
            double w = weights ? weights[rows[i]] : 1;
            if (a->labels[rows[i]] == class_index)
                pos += w;
            else
                neg += w;
        }
        wins += neg * (positives + 0.5 * pos);
        positives += pos;
        negatives += neg;
    }
    return positives > 0 && negatives > 0 ? wins / (positives * negatives) : NAN;
}

/* Mean over folds of one class's area; folds without both sides are left out. */
static double class_auc(const ranking *r, size_t class_index, const uint32_t *weights) {
    const sg_arrays *a = r->a;
    const uint32_t *rows = r->order + class_index * a->n;
    double sum = 0, count = 0;
    for (size_t start = 0; start < a->n;) {
        size_t end = start;
        while (end < a->n && a->fold[rows[end]] == a->fold[rows[start]]) end++;
        double auc = weighted_auc(a, rows + start, end - start, class_index, weights);
        if (!isnan(auc)) {
            sum += auc;
            count++;
        }
        start = end;
    }
    return count > 0 ? sum / count : NAN;
}

/* values: area per class, macro area. */
static void fold_statistics(double *values, const uint32_t *weights, void *user) {
    const ranking *r = user;
    const sg_arrays *a = r->a;
    double sum = 0, count = 0;
    for (size_t c = 0; c < a->classes; c++) {
        values[c] = class_auc(r, c, weights);
        if (isnan(values[c])) continue;
        sum += values[c];
        count++;
    }
    values[a->classes] = count > 0 ? sum / count : NAN;
}

static sg_status measure_ranking(
        sg_metrics *m, const sg_arrays *a, const sg_bootstrap_options *options, sg_error *err) {
    sg_bootstrap_sample sample = {a->labels, a->groups, a->n, a->classes};
    sg_bootstrap_figure figures[SG_STATS_CLASSES_MAX + 1];
    ranking r = {a, NULL};
    size_t count = a->classes + 1;
    sg_status st = rank_rows(&r, a, err);
    if (!st)
        st = sg_bootstrap_run(
                figures, &m->redraws, &sample, fold_statistics, &r, count, options, err);
    free(r.order);
    if (st) return st;
    for (size_t c = 0; c < a->classes; c++) {
        m->auroc[c] = figures[c].estimate;
        m->auroc_interval[c] = sg_metrics_interval(&figures[c]);
    }
    m->auroc_macro = figures[a->classes].estimate;
    m->auroc_macro_interval = sg_metrics_interval(&figures[a->classes]);
    return sg_roc_one_vs_rest(&m->auroc_macro_pooled, NULL, a->p, a->labels, a->n, a->classes, err);
}

/* ---- DeLong, where rows are independent ---- */

/* Area of one class in one fold; false where a side is too small for a variance. */
static sg_status fold_delong(bool *found, sg_delong *out, const sg_arrays *a, size_t fold,
        size_t class_index, double confidence, sg_error *err) {
    double *scores = malloc(a->n * sizeof *scores);
    uint8_t *positive = malloc(a->n);
    size_t n = 0, positives = 0;
    sg_status st =
            scores && positive ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory ranking");
    for (size_t i = 0; i < a->n && !st; i++) {
        if (a->fold[i] != fold) continue;
        scores[n] = a->p[i * a->classes + class_index];
        positive[n] = a->labels[i] == class_index;
        positives += positive[n++];
    }
    *found = !st && positives >= 2 && n - positives >= 2;
    if (*found) st = sg_delong_measure(out, scores, positive, n, confidence, err);
    free(scores);
    free(positive);
    return st;
}

/* Replaces the bootstrap's interval of each class whose every fold has a variance. */
static sg_status measure_delong(
        sg_metrics *m, const sg_arrays *a, double confidence, sg_error *err) {
    double z = sg_normal_quantile(0.5 + confidence / 2);
    for (size_t c = 0; c < a->classes; c++) {
        double variance = 0;
        bool whole = true;
        for (size_t f = 0; f < a->folds && whole; f++) {
            sg_delong d;
            sg_status st = fold_delong(&whole, &d, a, f, c, confidence, err);
            if (st) return st;
            if (whole) variance += d.variance;
        }
        if (!whole) continue;
        double half = z * sqrt(variance) / (double)a->folds;
        m->auroc_interval[c] =
                half > 0 ? (sg_interval){fmax(0, m->auroc[c] - half), fmin(1, m->auroc[c] + half)}
                         : (sg_interval){NAN, NAN};
        m->delong = true;
    }
    return SG_OK;
}

/* ---- per fold ---- */

static sg_status measure_fold(
        sg_fold_figures *out, const sg_arrays *a, size_t fold, int malignant, sg_error *err) {
    size_t n = 0, k = a->classes;
    uint32_t *labels = malloc(a->n * sizeof *labels), *predicted = malloc(a->n * sizeof *predicted);
    double *p = malloc(a->n * k * sizeof *p);
    sg_status st = labels && predicted && p ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < a->n && !st; i++) {
        if (a->fold[i] != fold) continue;
        labels[n] = a->labels[i];
        predicted[n] = a->predicted[i];
        memcpy(p + n * k, a->p + i * k, k * sizeof *p);
        n++;
    }
    sg_classification c;
    double auroc = NAN;
    if (!st) st = sg_classification_measure(&c, labels, predicted, n, k, err);
    if (!st) st = sg_roc_one_vs_rest(&auroc, NULL, p, labels, n, k, err);
    if (!st)
        *out = (sg_fold_figures){a->fold_names[fold], 0, n, c.accuracy, c.f1_macro, auroc,
                malignant < 0 ? NAN
                              : sg_classification_against_rest(&c, (size_t)malignant).sensitivity};
    free(labels);
    free(predicted);
    free(p);
    return st;
}

static int by_fold_number(const void *a, const void *b) {
    return ((const sg_fold_figures *)a)->fold - ((const sg_fold_figures *)b)->fold;
}

static sg_status measure_each(
        sg_fold_figures **folds, size_t *count, const sg_arrays *a, int malignant, sg_error *err) {
    *folds = calloc(a->folds, sizeof **folds);
    if (!*folds) return sg_fail(err, SG_ERR_MEMORY, "out of memory measuring folds");
    *count = a->folds;
    sg_status st = SG_OK;
    for (size_t f = 0; f < a->folds && !st; f++)
        st = measure_fold(&(*folds)[f], a, f, malignant, err);
    if (!st) qsort(*folds, *count, sizeof **folds, by_fold_number);
    return st;
}

static sg_status measure_runs(
        sg_metrics *m, const sg_arrays *a, const sg_predictions *p, sg_error *err) {
    sg_status st = measure_each(&m->folds, &m->fold_count, a, m->malignant, err);
    for (size_t f = 0; f < m->fold_count && p->runs > 1 && !st; f++) {
        sg_fold_figures *figures = &m->folds[f];
        figures->run = figures->fold / SG_FOLD_KEYS;
        figures->fold %= SG_FOLD_KEYS;
        if (figures->fold == SG_FOLD_KEYS - 1) figures->fold = -1;
    }
    return st;
}

/* The run's own folds; else those that the data's authors published. Leaves `a` with the latter. */
static sg_status measure_folds(
        sg_metrics *m, sg_arrays *a, const sg_predictions *p, sg_error *err) {
    if (a->fold_names[0] >= 0) return measure_runs(m, a, p, err);
    sg_arrays_number_folds(a, p, true);
    if (a->folds < 2) return SG_OK;
    return measure_each(&m->official, &m->official_count, a, m->malignant, err);
}

/* ---- whole ---- */

sg_interval sg_metrics_interval(const sg_bootstrap_figure *figure) {
    return figure->degenerate ? (sg_interval){NAN, NAN} : figure->bca;
}

static int find_malignant(const sg_predictions *p) {
    for (int c = 0; c < p->class_count; c++)
        if (strcasecmp(p->classes[c], "malignant") == 0) return c;
    return -1;
}

/* Distinct groups among the rows that count. group_count: larger than any number in a->groups. */
static size_t count_groups(const sg_arrays *a, const uint8_t *among, uint8_t *seen) {
    size_t groups = 0;
    memset(seen, 0, a->n);
    for (size_t i = 0; i < a->n; i++) {
        if (!among[i] || seen[a->groups[i]]) continue;
        seen[a->groups[i]] = 1;
        groups++;
    }
    return groups;
}

/* The interval of a share of rows (stats/share.h): Wilson's where rows are independent; Wilson's
 * over groups where all draws agree because all rows do; else the bootstrap's, which is there
 * already. */
static void settle_share(sg_bootstrap_figure *figure, const sg_metrics *m, const sg_arrays *a,
        const uint8_t *among, const uint8_t *hit, uint8_t *seen, double confidence) {
    size_t n = 0, hits = 0;
    for (size_t i = 0; i < a->n; i++) {
        n += among[i];
        hits += among[i] && hit[i];
    }
    bool agreed = hits == 0 || hits == n;
    if (n == 0 || (!m->wilson && !agreed)) return;
    size_t pieces = m->wilson ? n : count_groups(a, among, seen);
    figure->bca = sg_interval_wilson(m->wilson ? hits : hits ? pieces : 0, pieces, confidence);
    figure->degenerate = false;
}

/* All shares of rows: accuracy, and per class precision, recall and specificity. */
static sg_status settle_shares(
        sg_metrics *m, const sg_arrays *a, double confidence, sg_error *err) {
    uint8_t *among = malloc(3 * (a->n + 1));
    if (!among) return sg_fail(err, SG_ERR_MEMORY, "out of memory measuring %zu images", a->n);
    uint8_t *hit = among + a->n, *seen = hit + a->n;
    m->wilson = m->largest_group == 1;
    for (size_t i = 0; i < a->n; i++) {
        among[i] = 1;
        hit[i] = a->labels[i] == a->predicted[i];
    }
    settle_share(&m->boot.accuracy, m, a, among, hit, seen, confidence);
    for (size_t c = 0; c < a->classes; c++)
        for (int kind = 0; kind < 3; kind++) {
            sg_bootstrap_figure *figure = kind == 0   ? &m->boot.precision[c]
                                          : kind == 1 ? &m->boot.recall[c]
                                                      : &m->boot.specificity[c];
            for (size_t i = 0; i < a->n; i++) {
                bool truth = a->labels[i] == c, said = a->predicted[i] == c;
                among[i] = kind == 0 ? said : kind == 1 ? truth : !truth;
                hit[i] = kind == 2 ? !said : truth && said;
            }
            settle_share(figure, m, a, among, hit, seen, confidence);
        }
    free(among);
    m->accuracy_interval = sg_metrics_interval(&m->boot.accuracy);
    if (m->malignant < 0) return SG_OK;
    m->malignant_rest = sg_classification_against_rest(&m->c, (size_t)m->malignant);
    m->sensitivity_interval = sg_metrics_interval(&m->boot.recall[m->malignant]);
    m->specificity_interval = sg_metrics_interval(&m->boot.specificity[m->malignant]);
    return SG_OK;
}

static sg_status measure_calibration(
        sg_metrics *m, const sg_arrays *a, const sg_bootstrap_options *options, sg_error *err) {
    sg_bootstrap_sample sample = {a->labels, a->groups, a->n, a->classes};
    sg_status st = sg_calibration_measure(&m->calibration, a->p, a->labels, a->n, a->classes, err);
    if (!st) st = sg_calibration_bootstrap(&m->calibration_intervals, &sample, a->p, options, err);
    if (!st) st = sg_brier_decompose(&m->brier, a->p, a->labels, a->n, a->classes, err);
    return st;
}

sg_status sg_metrics_measure(
        sg_metrics *out, const sg_predictions *p, size_t draws, sg_error *err) {
    sg_metrics m = {0};
    sg_arrays a;
    sg_bootstrap_options options = SG_BOOTSTRAP_OPTIONS_INIT;
    options.draws = draws;
    m.draws = draws;
    m.malignant = find_malignant(p);
    sg_status st = sg_arrays_make(&a, p, err);
    m.n = a.n;
    sg_bootstrap_sample sample = {a.labels, a.groups, a.n, a.classes};
    if (!st) st = sg_classification_measure(&m.c, a.labels, a.predicted, a.n, a.classes, err);
    if (!st) st = sg_bootstrap_classify(&m.boot, &sample, a.predicted, a.p, &options, err);
    if (!st) st = measure_ranking(&m, &a, &options, err);
    if (!st && m.boot.largest_group == 1) st = measure_delong(&m, &a, options.confidence, err);
    if (!st) st = measure_calibration(&m, &a, &options, err);
    m.groups = m.boot.groups;
    m.largest_group = m.boot.largest_group;
    if (!st) st = settle_shares(&m, &a, options.confidence, err);
    if (!st) st = measure_folds(&m, &a, p, err); /* may number the folds anew */
    sg_arrays_dispose(&a);
    if (st) {
        sg_metrics_dispose(&m);
        return st;
    }
    *out = m;
    return SG_OK;
}

void sg_metrics_dispose(sg_metrics *m) {
    if (!m) return;
    sg_bootstrap_classifier_dispose(&m->boot);
    free(m->folds);
    free(m->official);
    memset(m, 0, sizeof *m);
}

void sg_fold_figures_put_csv(sg_str *row, const sg_fold_figures *fold) {
    sg_csv_put_int(row, (long long)fold->images);
    sg_csv_put_double(row, fold->accuracy);
    sg_csv_put_double(row, fold->macro_f1);
    sg_csv_put_double(row, fold->auroc_macro);
    sg_csv_put_double(row, fold->sensitivity_malignant);
    sg_csv_end_row(row);
}
