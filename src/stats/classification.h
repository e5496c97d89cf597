/* classification.h - figures of hard decisions: the confusion matrix and what follows from it.
 *
 * Equal to scikit-learn's with `labels` = all classes and `zero_division=0`: a class that is
 * neither in the truth nor predicted has precision, recall and F1 of 0 and counts in the macro
 * averages. Balanced accuracy averages recall over the classes that the truth holds, as
 * scikit-learn does. Fractions lie in 0..1; a ratio without a denominator that has no agreed value
 * (specificity when nothing is negative) is NaN. Values only: nothing to free.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_CLASSIFICATION_H
#define SG_STATS_CLASSIFICATION_H

#include "sonograde/error.h"
#include <stddef.h>
#include <stdint.h>

enum { SG_STATS_CLASSES_MAX = 32 };

typedef struct sg_class_figures {
    size_t support;   /* rows whose truth is this class */
    size_t predicted; /* rows predicted as this class */
    size_t hits;      /* rows that are both */
    double precision, recall, f1;
    double specificity; /* of this class against the rest; NaN when every row is of this class */
} sg_class_figures;

typedef struct sg_classification {
    size_t n, classes;
    size_t confusion[SG_STATS_CLASSES_MAX][SG_STATS_CLASSES_MAX]; /* [truth][predicted] */
    sg_class_figures per_class[SG_STATS_CLASSES_MAX];
    size_t correct;
    double accuracy, balanced_accuracy;
    double precision_macro, recall_macro, f1_macro;
} sg_classification;

/* labels[n], predicted[n]: class numbers below `classes` (1..SG_STATS_CLASSES_MAX).
 * SG_ERR_INPUT when n is 0 or a number is out of range, naming the row. */
SG_MUST_CHECK sg_status sg_classification_measure(sg_classification *out, const uint32_t *labels,
        const uint32_t *predicted, size_t n, size_t classes, sg_error *err);

/* predicted[n]: the column of the largest of probabilities[n * classes], the first one on a tie (as
 * numpy.argmax). SG_ERR_INPUT on a NaN, naming the row. */
SG_MUST_CHECK sg_status sg_classification_decide(
        uint32_t *predicted, const double *probabilities, size_t n, size_t classes, sg_error *err);

/* One class against the rest, from the confusion matrix alone: right when the three-class decision
 * falls on that class. NaN where the denominator is empty. */
typedef struct sg_binary_figures {
    size_t true_positive, false_negative, false_positive, true_negative;
    double sensitivity, specificity;
} sg_binary_figures;
sg_binary_figures sg_classification_against_rest(const sg_classification *c, size_t class_index);

#endif
