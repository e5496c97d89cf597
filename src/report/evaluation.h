/* evaluation.h - report.html: what an evaluation found, in the order in which a critical reader
 * asks.
 *
 * The caller fills plain structs with numbers that stats has computed; nothing is computed here but
 * shares of counts and the checks of published figures (paper.h). Fractions are 0..1, NaN where
 * there is none. All pointers are borrowed; NULL or count 0 leaves a block out.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_EVALUATION_H
#define SG_REPORT_EVALUATION_H

#include "report/page.h"
#include "sonograde/error.h"
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct sg_evaluation_value {
    double value, low, high; /* interval NaN: none */
} sg_evaluation_value;

enum { SG_FEW_GROUPS = 20 }; /* a bootstrap over fewer is too sure of itself */

#define SG_EVALUATION_VALUE_NONE                                                                   \
    { NAN, NAN, NAN }

/* What must be known to judge the figures. */
typedef struct sg_evaluation_facts {
    const char *data;                /* name of the data set, number of images */
    const char *class_map;           /* "benign=cyst,benign": what the data's classes count as */
    const char *split;               /* "test", "5 folds (cohort-folds.csv)" */
    const char *split_unit;          /* "group" or "image" */
    const char *interval_method;     /* "95 %, bootstrap over 431 groups, BCa, 10,000 draws" */
    const char *model;               /* "mobilenetv2, 2.23 M parameters, 224 px" */
    const char *initialisation;      /* "ImageNet, 99.8 % of parameters" */
    const char *selection;           /* "last epoch's averaged weights; nothing chosen" */
    const char *training_population; /* "BUSI, one hospital, 445 images" */
    const char *training_shares;     /* "benign 57 %, malignant 27 %, normal 16 %" */
    const char *looks;               /* "first look at these images" */
    const char *seed;
    const char *preprocessing;
    const char *build;        /* version and build id */
    const char *input_hashes; /* what the page was made from */
    const sg_page_fact *more; /* whatever else the caller knows */
    size_t more_count;
} sg_evaluation_facts;

/* Things that make the figures mean less: each is a warning at the top. */
typedef struct sg_evaluation_marks {
    bool ungrouped_split;
    bool allow_seen;
    size_t seen_images; /* test images that the model was trained on, by hash or group */
    bool stretched_images;
    const char *looked_at; /* why these are no longer untouched test data; NULL: they are */
    bool phantom_model;
    bool phantom_data;
    bool reduced_settings; /* smaller or shorter than the protocol; note says how */
    const char *reduced_note;
    const char *const *more; /* further sentences */
    size_t more_count;
} sg_evaluation_marks;

typedef struct sg_evaluation_class {
    const char *name;
    size_t support;
    sg_evaluation_value precision, recall, f1, specificity, auroc;
    double average_precision;
    const double *roc_x, *roc_y; /* [roc_n] false and true positive rate; 0: class without curve */
    size_t roc_n;
    const double *pr_x, *pr_y; /* [pr_n] recall, precision */
    size_t pr_n;
} sg_evaluation_class;

typedef struct sg_evaluation_bin {
    size_t count;
    double confidence, accuracy, low, high;
} sg_evaluation_bin;

typedef struct sg_evaluation_calibration {
    double ece;
    sg_evaluation_value ece_debiased, brier, log_loss;
    double miscalibration, discrimination, uncertainty; /* brier = first - second + third */
    double temperature;                                 /* NaN: none was fitted */
    const char *note;              /* "temperature fitted on inner validation images" */
    const sg_evaluation_bin *bins; /* low and high NaN: no interval */
    bool bins_by_wilson;           /* their intervals; false: bootstrap over groups */
    size_t bin_count;
} sg_evaluation_calibration;

/* A training curve per fold; arrays of `epochs`, NULL where not recorded. */
typedef struct sg_evaluation_fold {
    const char *name;
    size_t epochs;
    const double *train_loss, *val_loss, *val_accuracy, *val_macro_f1;
    size_t images;
    double accuracy, macro_f1, auroc_macro, sensitivity_malignant; /* on the fold's test images */
} sg_evaluation_fold;

typedef struct sg_evaluation_case {
    const char *hash; /* short hash, always shown */
    const char *path; /* shown only with show_full */
    size_t truth, predicted;
    const double *probabilities; /* [class_count] or NULL */
    const void *image;           /* PNG or JPEG bytes of the scan area, or NULL */
    size_t image_size;
    const char *note; /* "fold 2"; NULL: none */
} sg_evaluation_case;

/* One figure of the cohort and of all images. */
typedef struct sg_evaluation_beside {
    const char *name;
    bool percent;
    sg_evaluation_value cohort, all;
} sg_evaluation_beside;

typedef struct sg_evaluation_exclusion {
    const char *reason; /* NULL: what was kept, the last row */
    size_t images;
    const size_t *by_class; /* [class_count] */
} sg_evaluation_exclusion;

/* Malignant against the rest at one threshold. */
typedef struct sg_evaluation_point {
    const char *name, *threshold; /* "specificity 90 %", "0.41 to 0.55" */
    sg_evaluation_value sensitivity, specificity, ppv, npv;
} sg_evaluation_point;

/* Sets of classes. */
typedef struct sg_evaluation_sets {
    const char *name;
    sg_evaluation_value coverage, single;
    const sg_evaluation_value *by_class; /* [class_count] */
    double mean_size, single_right;
    size_t empty;
} sg_evaluation_sets;

/* What acting on the answers would mean. */
typedef struct sg_evaluation_acting {
    const char *reference; /* where thresholds come from; NULL: there were none to take */
    double prevalence;     /* stated; NaN: predictive values are at the set's own share */
    double own_share;      /* of malignant images here */
    const sg_evaluation_point *points;
    size_t point_count;
    const double *threshold, *net, *net_low, *net_high, *all; /* [curve_n] decision curve */
    size_t curve_n;
    const double *coverage, *risk; /* [risk_n] */
    size_t risk_n;
    sg_evaluation_value aurc;
    double aurc_best;
    const double *at;                   /* [at_n] coverages */
    const sg_evaluation_value *risk_at; /* [at_n] */
    size_t at_n;
    double promised; /* coverage of the sets */
    const sg_evaluation_sets *sets;
    size_t sets_n;
} sg_evaluation_acting;

/* Accuracy in one part of the images. */
typedef struct sg_evaluation_stratum {
    const char *kind, *name; /* "brightness", "darkest third (mean grey up to 61)" */
    size_t images;
    sg_evaluation_value accuracy;
} sg_evaluation_stratum;

/* An item of a reporting checklist. */
typedef struct sg_evaluation_item {
    const char *list, *number, *title, *state, *answer; /* answer NULL: open, for people */
} sg_evaluation_item;

typedef struct sg_evaluation_page {
    const char *title;
    size_t images, groups; /* fewer groups than SG_FEW_GROUPS are marked */
    sg_evaluation_facts facts;
    sg_evaluation_marks marks;

    size_t class_count;
    const sg_evaluation_class *classes;
    const size_t *confusion; /* [truth * class_count + predicted] */
    int malignant;           /* its class number, or -1 */
    sg_evaluation_value accuracy, balanced_accuracy;
    sg_evaluation_value precision_macro, recall_macro, f1_macro, auroc_macro;
    const char *auroc_note; /* "mean of the folds' values"; NULL: none */
    sg_evaluation_value sensitivity_malignant, specificity_malignant;
    size_t redraws; /* bootstrap draws thrown away */

    const sg_evaluation_calibration *calibration;   /* NULL: none */
    const sg_evaluation_calibration *recalibration; /* the same mended; NULL: none */
    const sg_evaluation_acting *acting;             /* NULL: not measured */
    const sg_evaluation_stratum *strata;
    size_t stratum_count;
    const char *const *undivided; /* [undivided_count] "size": kinds that divide nothing here */
    size_t undivided_count;
    const sg_evaluation_fold *folds;
    size_t fold_count;
    size_t runs;                         /* told together; 0, 1: one */
    bool official_folds;                 /* those of the data's authors, all judged by one model */
    const sg_evaluation_exclusion *flow; /* of an audit; 0 rows: there was none */
    size_t flow_count, audited_images;
    const sg_evaluation_beside *beside; /* 0 rows: only the cohort was judged */
    size_t beside_count, all_images, all_groups;
    size_t unjudged;              /* images of the cohort that no row is about */
    size_t judged_on_copy;        /* their lesions that were judged on another image */
    size_t relatives_in_training; /* images judged by a model that knew one of their group */
    const char *audit_digest;
    const sg_evaluation_case *failures; /* any order: the page puts missed malignancies first */
    size_t failure_count;
    size_t failures_shown_max; /* 0: 60 */
    const sg_evaluation_item *items;
    size_t item_count;
    bool show_full;
} sg_evaluation_page;

/* SG_ERR_USAGE when classes or confusion are missing. Same struct, same bytes. */
SG_MUST_CHECK sg_status sg_evaluation_page_write(
        const sg_evaluation_page *evaluation, const char *path, sg_error *err);

#endif
