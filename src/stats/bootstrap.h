/* bootstrap.h - intervals that respect groups: whole groups are drawn with replacement, within each
 * class, so that near-copies of one lesion enter and leave together.
 *
 * A group's class is the class of its first row. A draw is a list of row weights (how many times
 * each row is in it), and a statistic is a function of row weights: so one pass over presorted rows
 * gives every figure, and paired differences are statistics of two models over the same draws.
 * Draw i uses the Philox stream (seed, bootstrap, i): the same numbers whatever the machine.
 * A draw in which a class of the data is absent, or a statistic that exists on the data does not,
 * is redrawn and counted.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_BOOTSTRAP_H
#define SG_STATS_BOOTSTRAP_H

#include "sonograde/error.h"
#include "stats/interval.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sg_bootstrap_options {
    size_t draws;
    double confidence;
    uint64_t seed;
} sg_bootstrap_options;
#define SG_BOOTSTRAP_OPTIONS_INIT                                                                  \
    { 10000, 0.95, 0 }

/* Rows to draw from; borrowed. */
typedef struct sg_bootstrap_sample {
    const uint32_t *labels; /* [n] class numbers below `classes` */
    const uint32_t *groups; /* [n] any numbers, equal = same group; NULL: every row its own */
    size_t n, classes;
} sg_bootstrap_sample;

typedef struct sg_bootstrap_figure {
    double estimate;       /* on the data; NaN: no interval either */
    double standard_error; /* standard deviation over the draws */
    sg_interval percentile;
    sg_interval bca; /* bias-corrected and accelerated (Efron 1987; DiCiccio and Efron 1996) */
    bool degenerate; /* every draw gave the estimate: the interval says nothing */
} sg_bootstrap_figure;

/* values[count] from weights[n]; NaN where the statistic does not exist. Must not keep pointers. */
typedef void (*sg_bootstrap_statistic)(double *values, const uint32_t *weights, void *user);

/* figures[count]; *redraws (may be NULL) counts the draws thrown away. The acceleration comes from
 * a jackknife over groups within classes. SG_ERR_INPUT when n or draws is 0, a label is out of
 * range, or more than 100 redraws per draw are needed. */
SG_MUST_CHECK sg_status sg_bootstrap_run(sg_bootstrap_figure *figures, size_t *redraws,
        const sg_bootstrap_sample *sample, sg_bootstrap_statistic statistic, void *user,
        size_t count, const sg_bootstrap_options *options, sg_error *err);

/* The two steps of a BCa interval, apart so that they can be checked and reused.
 * Acceleration from delete-one-group values: jackknife[m] of stratum[m] (numbers below `strata`);
 * NaN values and strata with a single value are left out. 0 when nothing varies. */
SG_MUST_CHECK sg_status sg_bootstrap_acceleration(double *out, const double *jackknife,
        const uint32_t *stratum, size_t m, size_t strata, sg_error *err);
/* sorted[draws], rising. Draws equal to the estimate count half below it. The percentile interval
 * where the correction does not exist (the estimate lies outside all draws). */
sg_interval sg_bootstrap_bca(const double *sorted, size_t draws, double estimate,
        double acceleration, double confidence);

/* The figures of a classifier in one run. Class-wise ones are arrays of `classes`. */
typedef struct sg_bootstrap_classifier {
    sg_bootstrap_figure accuracy, balanced_accuracy;
    sg_bootstrap_figure precision_macro, recall_macro, f1_macro, auroc_macro;
    sg_bootstrap_figure *precision, *recall, *f1, *specificity, *auroc; /* [classes], one block */
    size_t classes, redraws;
    size_t groups;        /* number of distinct groups */
    size_t largest_group; /* rows in the largest one; 1: rows are independent as far as known */
    void *block;
} sg_bootstrap_classifier;

/* predicted[n]; probabilities[n * classes] (NULL: no AUROC, its figures are NaN). */
SG_MUST_CHECK sg_status sg_bootstrap_classify(sg_bootstrap_classifier *out,
        const sg_bootstrap_sample *sample, const uint32_t *predicted, const double *probabilities,
        const sg_bootstrap_options *options, sg_error *err);
void sg_bootstrap_classifier_dispose(sg_bootstrap_classifier *figures); /* NULL-safe */

#endif
