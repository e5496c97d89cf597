/* classification.c - see classification.h. Formulas: scikit-learn's precision_recall_fscore_support
 * with zero_division=0.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/classification.h"

#include <math.h>
#include <string.h>

static double share(size_t part, size_t whole, double without) {
    return whole ? (double)part / (double)whole : without;
}

static sg_status check_class_count(size_t n, size_t classes, sg_error *err) {
    if (n == 0) return sg_fail(err, SG_ERR_INPUT, "there are no rows to measure");
    if (classes == 0 || classes > SG_STATS_CLASSES_MAX)
        return sg_fail(err, SG_ERR_INPUT, "%zu classes: figures are offered for 1 to %d", classes,
                SG_STATS_CLASSES_MAX);
    return SG_OK;
}

static void measure_class(sg_classification *c, size_t k) {
    sg_class_figures *f = &c->per_class[k];
    for (size_t j = 0; j < c->classes; j++) {
        f->support += c->confusion[k][j];
        f->predicted += c->confusion[j][k];
    }
    f->hits = c->confusion[k][k];
    f->precision = share(f->hits, f->predicted, 0);
    f->recall = share(f->hits, f->support, 0);
    /* 2 tp / (support + predicted) is the harmonic mean without its 0/0. */
    f->f1 = share(2 * f->hits, f->support + f->predicted, 0);
    f->specificity = sg_classification_against_rest(c, k).specificity;
}

static void average_classes(sg_classification *c) {
    double recall_present = 0;
    size_t present = 0;
    for (size_t k = 0; k < c->classes; k++) {
        const sg_class_figures *f = &c->per_class[k];
        c->correct += f->hits;
        c->precision_macro += f->precision;
        c->recall_macro += f->recall;
        c->f1_macro += f->f1;
        if (f->support) {
            recall_present += f->recall;
            present++;
        }
    }
    c->accuracy = (double)c->correct / (double)c->n;
    c->balanced_accuracy = recall_present / (double)present;
    c->precision_macro /= (double)c->classes;
    c->recall_macro /= (double)c->classes;
    c->f1_macro /= (double)c->classes;
}

sg_status sg_classification_measure(sg_classification *out, const uint32_t *labels,
        const uint32_t *predicted, size_t n, size_t classes, sg_error *err) {
    sg_status status = check_class_count(n, classes, err);
    if (status != SG_OK) return status;
    for (size_t i = 0; i < n; i++)
        if (labels[i] >= classes || predicted[i] >= classes)
            return sg_fail(err, SG_ERR_INPUT,
                    "row %zu has class %u and prediction %u, but there are %zu classes", i,
                    (unsigned)labels[i], (unsigned)predicted[i], classes);
    memset(out, 0, sizeof *out);
    out->n = n;
    out->classes = classes;
    for (size_t i = 0; i < n; i++) out->confusion[labels[i]][predicted[i]]++;
    for (size_t k = 0; k < classes; k++) measure_class(out, k);
    average_classes(out);
    return SG_OK;
}

sg_status sg_classification_decide(
        uint32_t *predicted, const double *probabilities, size_t n, size_t classes, sg_error *err) {
    sg_status status = check_class_count(n, classes, err);
    if (status != SG_OK) return status;
    for (size_t i = 0; i < n * classes; i++)
        if (isnan(probabilities[i]))
            return sg_fail(
                    err, SG_ERR_INPUT, "row %zu has a score that is not a number", i / classes);
    for (size_t i = 0; i < n; i++) {
        const double *row = probabilities + i * classes;
        uint32_t best = 0;
        for (uint32_t k = 1; k < classes; k++)
            if (row[k] > row[best]) best = k;
        predicted[i] = best;
    }
    return SG_OK;
}

sg_binary_figures sg_classification_against_rest(const sg_classification *c, size_t class_index) {
    sg_binary_figures b = {0};
    for (size_t i = 0; i < c->classes; i++)
        for (size_t j = 0; j < c->classes; j++) {
            size_t count = c->confusion[i][j];
            if (i == class_index && j == class_index)
                b.true_positive += count;
            else if (i == class_index)
                b.false_negative += count;
            else if (j == class_index)
                b.false_positive += count;
            else
                b.true_negative += count;
        }
    b.sensitivity = share(b.true_positive, b.true_positive + b.false_negative, NAN);
    b.specificity = share(b.true_negative, b.true_negative + b.false_positive, NAN);
    return b;
}
