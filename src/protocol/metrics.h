/* metrics.h - predictions to figures with intervals: what metrics.json and the report say.
 *
 * AUROC of a cross-validation is the mean of the folds' values, each fold ranked by its own model;
 * the pooled one, which mixes models, is kept beside it under its own name. Intervals come from a
 * bootstrap over groups within classes (stats/bootstrap.h); where every group has one image,
 * shares of rows (accuracy, precision, recall, specificity, also inside `boot`) take Wilson's,
 * where a share is 0 or 1 Wilson's over its groups, and areas of one class DeLong's, whose variance
 * over folds is that of a mean of independent areas. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_METRICS_H
#define SG_PROTOCOL_METRICS_H

#include "base/str.h"
#include "protocol/predictions.h"
#include "stats/bootstrap.h"
#include "stats/calibration.h"
#include "stats/classification.h"

typedef struct sg_fold_figures {
    int fold; /* -1: a run without folds, among several */
    int run;  /* of several */
    size_t images;
    double accuracy, macro_f1, auroc_macro, sensitivity_malignant;
} sg_fold_figures;

/* The columns of sg_fold_figures_put_csv, to end a header row with. */
#define SG_FOLD_FIGURES_COLUMNS "images,accuracy,macro_f1,auroc_macro,sensitivity_malignant"

typedef struct sg_metrics {
    size_t n, groups, largest_group;
    sg_classification c;
    sg_bootstrap_classifier boot;
    sg_interval accuracy_interval;
    bool wilson;                                     /* of accuracy_interval */
    double auroc_macro, auroc[SG_STATS_CLASSES_MAX]; /* mean over folds; NaN where undefined */
    sg_interval auroc_macro_interval, auroc_interval[SG_STATS_CLASSES_MAX];
    double auroc_macro_pooled; /* equal to auroc_macro without folds */
    int malignant;             /* class number, -1 = none of that name */
    sg_binary_figures malignant_rest;
    sg_interval sensitivity_interval, specificity_interval;
    bool delong; /* of auroc_interval: DeLong's, within folds where there are any */
    sg_calibration calibration;
    sg_calibration_intervals calibration_intervals;
    sg_brier_parts brier;
    sg_fold_figures *folds; /* [fold_count]; NULL without folds */
    size_t fold_count;
    sg_fold_figures *official; /* [official_count] on the folds of a published set, all judged by
                                  one model; NULL without */
    size_t official_count;
    size_t draws, redraws;
} sg_metrics;

/* Expected failures: SG_ERR_INPUT (no rows). */
SG_MUST_CHECK sg_status sg_metrics_measure(
        sg_metrics *out, const sg_predictions *predictions, size_t draws, sg_error *err);
void sg_metrics_dispose(sg_metrics *metrics); /* NULL-safe */

/* Appends the fields of SG_FOLD_FIGURES_COLUMNS and ends the row. */
void sg_fold_figures_put_csv(sg_str *row, const sg_fold_figures *fold);

/* BCa, or none where all draws agree: they say nothing about a width. */
sg_interval sg_metrics_interval(const sg_bootstrap_figure *figure);

/* The document of metrics.json. New reference; NULL when out of memory. */
json_t *sg_metrics_to_json(const sg_metrics *metrics, const sg_predictions *predictions);

#endif
