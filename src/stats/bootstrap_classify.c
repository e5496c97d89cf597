/* bootstrap_classify.c - all figures of a classifier as one statistic of row weights: the confusion
 * matrix by one pass over rows, each AUROC by one pass over rows sorted once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/bootstrap.h"

#include "stats/classification.h"
#include "stats/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Places of the scalar figures in the value vector; class-wise ones follow, `classes` each. */
enum { ACCURACY, BALANCED, PRECISION, RECALL, F1, AUROC, SCALARS };
enum { CLASS_PRECISION, CLASS_RECALL, CLASS_F1, CLASS_SPECIFICITY, CLASS_AUROC, CLASS_FIGURES };

/* A row in falling order of one class's score. */
typedef struct ranked {
    uint32_t row;
    uint16_t positive; /* of this class */
    uint16_t last;     /* of its run of equal scores */
} ranked;

typedef struct classifier {
    size_t n, classes;
    const uint32_t *labels, *predicted;
    ranked *ranking; /* [classes * n], NULL without probabilities */
} classifier;

static double share(uint64_t part, uint64_t whole, double without) {
    return whole ? (double)part / (double)whole : without;
}

static double weighted_auroc(const ranked *ranking, size_t n, const uint32_t *weights) {
    uint64_t hits = 0, alarms = 0, run_hits = 0, run_alarms = 0, twice_area = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t w = weights[ranking[i].row];
        uint32_t positive = ranking[i].positive ? w : 0;
        run_hits += positive;
        run_alarms += w - positive;
        if (!ranking[i].last) continue;
        twice_area += run_alarms * (2 * hits + run_hits);
        hits += run_hits;
        alarms += run_alarms;
        run_hits = run_alarms = 0;
    }
    return hits && alarms ? 0.5 * (double)twice_area / ((double)hits * (double)alarms) : NAN;
}

static void measure(double *values, const uint32_t *weights, void *user) {
    const classifier *c = user;
    size_t classes = c->classes;
    uint64_t confusion[SG_STATS_CLASSES_MAX][SG_STATS_CLASSES_MAX] = {{0}};
    uint64_t total = 0, correct = 0, present = 0;
    for (size_t i = 0; i < c->n; i++) confusion[c->labels[i]][c->predicted[i]] += weights[i];

    double balanced = 0, area_sum = 0;
    size_t areas = 0;
    double *by_class = values + SCALARS;
    memset(values, 0, SCALARS * sizeof *values);
    for (size_t i = 0; i < classes; i++)
        for (size_t j = 0; j < classes; j++) total += confusion[i][j];
    for (size_t k = 0; k < classes; k++) {
        uint64_t support = 0, predicted = 0, hits = confusion[k][k];
        for (size_t j = 0; j < classes; j++) {
            support += confusion[k][j];
            predicted += confusion[j][k];
        }
        double precision = share(hits, predicted, 0), recall = share(hits, support, 0);
        double f1 = share(2 * hits, support + predicted, 0);
        double area = c->ranking ? weighted_auroc(c->ranking + k * c->n, c->n, weights) : NAN;
        by_class[CLASS_PRECISION * classes + k] = precision;
        by_class[CLASS_RECALL * classes + k] = recall;
        by_class[CLASS_F1 * classes + k] = f1;
        by_class[CLASS_SPECIFICITY * classes + k] =
                share(total + hits - support - predicted, total - support, NAN);
        by_class[CLASS_AUROC * classes + k] = area;
        values[PRECISION] += precision;
        values[RECALL] += recall;
        values[F1] += f1;
        correct += hits;
        if (support) {
            balanced += recall;
            present++;
        }
        if (!isnan(area)) {
            area_sum += area;
            areas++;
        }
    }
    values[ACCURACY] = share(correct, total, NAN);
    values[BALANCED] = present ? balanced / (double)present : NAN;
    values[PRECISION] /= (double)classes;
    values[RECALL] /= (double)classes;
    values[F1] /= (double)classes;
    values[AUROC] = areas ? area_sum / (double)areas : NAN;
}

static sg_status rank_rows(classifier *c, const double *probabilities, sg_error *err) {
    size_t n = c->n, classes = c->classes;
    for (size_t i = 0; i < n * classes; i++)
        if (isnan(probabilities[i]))
            return sg_fail(
                    err, SG_ERR_INPUT, "row %zu has a score that is not a number", i / classes);
    c->ranking = calloc(n * classes, sizeof *c->ranking);
    if (!c->ranking) return sg_fail(err, SG_ERR_MEMORY, "out of memory to rank %zu rows", n);
    for (size_t k = 0; k < classes; k++) {
        uint32_t *order = NULL;
        sg_status status = sg_order_falling(&order, probabilities + k, classes, n, err);
        if (status != SG_OK) return status;
        ranked *ranking = c->ranking + k * n;
        for (size_t i = 0; i < n; i++) {
            double score = probabilities[order[i] * classes + k];
            bool last = i + 1 == n || probabilities[order[i + 1] * classes + k] != score;
            ranking[i] = (ranked){order[i], c->labels[order[i]] == k, last};
        }
        free(order);
    }
    return SG_OK;
}

/* Number of groups and size of the largest. */
static sg_status measure_groups(
        sg_bootstrap_classifier *out, const sg_bootstrap_sample *sample, sg_error *err) {
    uint32_t *dense = calloc(2 * sample->n, sizeof *dense);
    if (!dense) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu groups", sample->n);
    uint32_t *size = dense + sample->n;
    sg_status status = sg_order_groups(dense, &out->groups, sample->groups, sample->n, err);
    for (size_t i = 0; i < sample->n && status == SG_OK; i++)
        if (++size[dense[i]] > out->largest_group) out->largest_group = size[dense[i]];
    free(dense);
    return status;
}

static void place_figures(
        sg_bootstrap_classifier *out, sg_bootstrap_figure *figures, size_t classes) {
    out->accuracy = figures[ACCURACY];
    out->balanced_accuracy = figures[BALANCED];
    out->precision_macro = figures[PRECISION];
    out->recall_macro = figures[RECALL];
    out->f1_macro = figures[F1];
    out->auroc_macro = figures[AUROC];
    sg_bootstrap_figure *by_class = figures + SCALARS;
    out->precision = by_class + CLASS_PRECISION * classes;
    out->recall = by_class + CLASS_RECALL * classes;
    out->f1 = by_class + CLASS_F1 * classes;
    out->specificity = by_class + CLASS_SPECIFICITY * classes;
    out->auroc = by_class + CLASS_AUROC * classes;
    out->classes = classes;
    out->block = figures;
}

sg_status sg_bootstrap_classify(sg_bootstrap_classifier *out, const sg_bootstrap_sample *sample,
        const uint32_t *predicted, const double *probabilities, const sg_bootstrap_options *options,
        sg_error *err) {
    sg_bootstrap_classifier made = {0};
    size_t classes = sample->classes, count = SCALARS + CLASS_FIGURES * classes;
    classifier c = {sample->n, classes, sample->labels, predicted, NULL};
    sg_bootstrap_figure *figures = NULL;
    sg_classification checked; /* checks labels and predictions once, before any draw */
    sg_status status =
            sg_classification_measure(&checked, sample->labels, predicted, sample->n, classes, err);
    if (status != SG_OK) return status;
    figures = calloc(count, sizeof *figures);
    if (!figures) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu figures", count);
    if (probabilities) status = rank_rows(&c, probabilities, err);
    if (status == SG_OK) status = measure_groups(&made, sample, err);
    if (status == SG_OK)
        status = sg_bootstrap_run(figures, &made.redraws, sample, measure, &c, count, options, err);
    free(c.ranking);
    if (status != SG_OK) {
        free(figures);
        return status;
    }
    place_figures(&made, figures, classes);
    *out = made;
    return SG_OK;
}

void sg_bootstrap_classifier_dispose(sg_bootstrap_classifier *figures) {
    if (!figures) return;
    free(figures->block);
    memset(figures, 0, sizeof *figures);
}
