/* compare.h - the page that sets trainings side by side: the published table beside ours, paired
 * differences, confusion matrices, curves on one scale, ROC, cost. Filled by the caller; borrows
 * everything; same input, same bytes. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_COMPARE_H
#define SG_REPORT_COMPARE_H

#include "report/evaluation.h"

typedef struct sg_compare_curve { /* of one fold, over its epochs; NULL where not recorded */
    size_t epochs;
    const double *train_loss, *val_loss, *val_accuracy;
} sg_compare_curve;

typedef struct sg_compare_range { /* loss of a range test against its learning rate */
    size_t steps;
    const double *rate, *loss;
} sg_compare_range;

typedef struct sg_compare_arm {
    const char *name, *model, *meaning; /* model: the architecture; meaning may be NULL */
    int paper;                          /* row of sg_paper_table, or -1 */
    bool paper_variant;                 /* another form of the model of that row */
    size_t epochs;
    double initialisation; /* share of the parameters from given weights, 0..1 */
    sg_evaluation_value accuracy, precision, recall, f1, auroc, sensitivity;
    const double *folds; /* [fold_count] accuracy */
    size_t fold_count;
    const size_t *confusion;     /* [class_count * class_count] */
    const double *roc_x, *roc_y; /* malignant against the rest, folds pooled */
    size_t roc_n;
    double parameters, macs, ms_per_image, predict_bytes, train_bytes;
    const double *rates; /* [fold_count] learning rates found by range tests; NULL: none */
    const sg_compare_range *ranges; /* [fold_count] likewise */
    const sg_compare_curve *curves; /* [curve_count] one per fold */
    size_t curve_count;
} sg_compare_arm;

typedef struct sg_compare_pair {
    size_t base, other; /* arms; differences are other minus base */
    sg_evaluation_value accuracy, f1;
    sg_evaluation_value folds; /* mean of the folds' differences in accuracy, corrected t */
    double p, p_adjusted;      /* sign flip over groups, and with Holm's adjustment */
    size_t gained, lost;       /* images that only `other`, only `base` has right */
} sg_compare_pair;

typedef struct sg_compare_page {
    const char *title, *data;
    const char *lead;            /* what the page is for */
    const char *const *warnings; /* [2 * warning_count] mark and text */
    size_t warning_count;
    const char *const *classes;
    size_t class_count;
    const sg_compare_arm *arms;
    size_t arm_count;
    const sg_compare_pair *pairs;
    size_t pair_count;
    const char *pair_note; /* which pairs are there, and which are not */
    bool with_paper;       /* the published table beside ours */
    const sg_page_fact *facts;
    size_t fact_count;
    const char *interval_method;
} sg_compare_page;

SG_MUST_CHECK sg_status sg_compare_page_write(
        const sg_compare_page *page, const char *path, sg_error *err);

#endif
