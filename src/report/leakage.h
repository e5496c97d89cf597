/* leakage.h - the page of a leakage study: what each habit that lets test images into training is
 * worth in points, and how accuracy grows with the training set. Filled by the caller; borrows
 * everything; same input, same bytes. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_LEAKAGE_H
#define SG_REPORT_LEAKAGE_H

#include "report/evaluation.h"

typedef struct sg_leakage_arm {
    const char *name, *meaning;
    size_t images, groups; /* judged */
    sg_evaluation_value accuracy, macro_f1, auroc;
    bool reference;            /* the arm that the others are held against */
    sg_evaluation_value worth; /* accuracy above the reference, each on its images; fraction */
    sg_evaluation_value worth_shared; /* the same on the images that both judged */
    double p;                         /* sign flip over groups on those, Holm over the arms */
    const double *folds;              /* [fold_count] accuracy of each */
    size_t fold_count;
} sg_leakage_arm;

typedef struct sg_leakage_point { /* of the learning curve */
    double share, train_images;   /* mean over folds */
    sg_evaluation_value accuracy, macro_f1;
} sg_leakage_point;

typedef struct sg_leakage_picture {
    const void *png;
    size_t size;
    const char *title, *detail;
} sg_leakage_picture;

typedef struct sg_leakage_page {
    const char *data;
    const sg_page_fact *facts;
    size_t fact_count;
    const char *const *warnings; /* [warning_count] "mark", "text", in pairs */
    size_t warning_count;
    const sg_leakage_arm *arms;
    size_t arm_count;
    const sg_leakage_point *points; /* rising shares; count 0: no curve */
    size_t point_count;
    const sg_leakage_picture *pictures;
    size_t picture_count;
    const char *interval_method;
} sg_leakage_page;

SG_MUST_CHECK sg_status sg_leakage_page_write(
        const sg_leakage_page *page, const char *path, sg_error *err);

#endif
