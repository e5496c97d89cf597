/* repeated.h - what several runs of one comparison say together: repeated folds, several tests, an
 * area per fold.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_REPEATED_H
#define SG_STATS_REPEATED_H

#include "sonograde/error.h"
#include "stats/interval.h"
#include <stddef.h>
#include <stdint.h>

typedef struct sg_resampled_t {
    double mean, standard_error, t, df, p; /* two-sided */
    sg_interval interval;                  /* of the mean */
} sg_resampled_t;

/* Corrected resampled t-test (Nadeau and Bengio 2003): difference[runs] of one figure of two
 * models, one per fold and repeat. Runs share training images, so the variance of their mean is (1
 * / runs + test / train) s^2 rather than s^2 / runs. train, test: rows of one run (the means, for
 * unequal folds). SG_ERR_INPUT below two runs or when train or test is not above 0; t and p are NaN
 * when every difference is the same and not 0. */
SG_MUST_CHECK sg_status sg_resampled_t_test(sg_resampled_t *out, const double *difference,
        size_t runs, double train, double test, double confidence, sg_error *err);

/* Holm's step-down adjustment (1979): adjusted[count] stay in the order of p[count]; comparing them
 * with alpha keeps the chance of any false finding below alpha. May work in place. NaN stays NaN
 * and is not counted as a test. */
SG_MUST_CHECK sg_status sg_holm_adjust(
        double *adjusted, const double *p, size_t count, sg_error *err);

typedef struct sg_fold_auc {
    double mean;          /* of the folds' areas: each fold is ranked by its own model */
    double variance;      /* of the mean: the folds' DeLong variances over folds^2 */
    sg_interval interval; /* mean -+ z sqrt(variance), cut to 0..1 */
    double mixing_models; /* one area over all rows: ranks scores of different models together */
    size_t folds;         /* with two rows on each side at least; the others are left out */
} sg_fold_auc;

/* scores[n], positive[n], folds[n] (any numbers). For independent rows; with groups bootstrap.
 * SG_ERR_INPUT when no fold has two rows on each side. */
SG_MUST_CHECK sg_status sg_fold_auc_measure(sg_fold_auc *out, const double *scores,
        const uint8_t *positive, const uint32_t *folds, size_t n, double confidence, sg_error *err);

#endif
