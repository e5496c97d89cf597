/* calibration.h - do stated probabilities come true? Log loss, Brier score, calibration error,
 * reliability bins, and the temperature that mends what one number can mend.
 *
 * probabilities[n * classes] and logits[n * classes] are row-major; labels[n] are class numbers.
 * Not-finite input and labels out of range are SG_ERR_INPUT, naming the row.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_CALIBRATION_H
#define SG_STATS_CALIBRATION_H

#include "sonograde/error.h"
#include "stats/bootstrap.h"
#include "stats/interval.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SG_CALIBRATION_BINS = 15 };

/* One bin of rows with neighbouring top probabilities. */
typedef struct sg_reliability_bin {
    size_t count;
    double confidence; /* mean top probability */
    double accuracy;   /* share of rows whose top class is the truth */
} sg_reliability_bin;

typedef struct sg_calibration {
    double log_loss;     /* mean of -ln p(truth), p clipped to [2^-52, 1 - 2^-52] */
    double brier;        /* mean over rows of the sum over classes of (p - y)^2: 0..2 */
    double ece;          /* top-label expected calibration error over the bins: plug-in value */
    double ece_debiased; /* less its bias under no miscalibration beyond noise; may be below 0 */
    size_t bins;
    sg_reliability_bin bin[SG_CALIBRATION_BINS]; /* equal mass; equal confidences share a bin */
} sg_calibration;

/* The bias is that of the folded normal: with bin gap d and standard error s, E|N(d, s^2)| - |d|
 * (the closed form of the resampling in Kumar, Liang and Ma 2019). */
SG_MUST_CHECK sg_status sg_calibration_measure(sg_calibration *out, const double *probabilities,
        const uint32_t *labels, size_t n, size_t classes, sg_error *err);

/* One row's share of both proper scores; log_loss with the clip of sg_calibration. */
void sg_calibration_score_row(
        double *log_loss, double *brier, const double *p, uint32_t label, size_t classes);

typedef struct sg_calibration_intervals {
    sg_interval ece;             /* of the calibration error that ece_debiased estimates; from 0 */
    sg_interval log_loss, brier; /* BCa */
    size_t redraws;
    double consistency_p; /* chance of such a plain error, or more, were every confidence true */
    /* Of the accuracy in each bin of sg_calibration: Wilson's where every group has one row; else
     * BCa over groups, or Wilson's over groups where all rows of the bin agree. NaN in a bin of
     * fewer than 5 groups, which is too few to draw from. */
    sg_interval bin[SG_CALIBRATION_BINS];
    bool wilson; /* every group has one row */
} sg_calibration_intervals;

/* Intervals over groups within classes, from one run of draws. An error of calibration cannot be
 * bootstrapped as it stands, for a draw adds noise of its own: the interval turns the draws'
 * debiased errors about the plain one, plain + debiased - quantile (Kumar, Liang and Ma 2019, the
 * basic bootstrap). Near 0 an error's size has no such symmetry, so the interval starts at 0 unless
 * calibration is refuted: unless consistency_p, from as many draws of outcomes by the stated
 * confidences (Broecker and Smith 2007; one draw of luck per group), is at most half of 1 -
 * confidence. probabilities[n * classes] of sample's rows. */
SG_MUST_CHECK sg_status sg_calibration_bootstrap(sg_calibration_intervals *out,
        const sg_bootstrap_sample *sample, const double *probabilities,
        const sg_bootstrap_options *options, sg_error *err);

/* The Brier score taken apart, exactly and without bins: brier = miscalibration - discrimination +
 * uncertainty (Murphy 1973: reliability, resolution, uncertainty; with isotonic recalibration in
 * place of bins, the CORP decomposition of Dimitriadis, Gneiting and Jordan 2021). Each class
 * against the rest, summed over classes. Miscalibration of few rows is partly noise. */
typedef struct sg_brier_parts {
    double brier;          /* as in sg_calibration */
    double miscalibration; /* what the best rising recalibration would save; 0 = calibrated */
    double discrimination; /* what recalibrated probabilities save over the class shares */
    double uncertainty;    /* Brier score of the class shares alone */
} sg_brier_parts;
SG_MUST_CHECK sg_status sg_brier_decompose(sg_brier_parts *out, const double *probabilities,
        const uint32_t *labels, size_t n, size_t classes, sg_error *err);

/* Row-wise softmax of logits / temperature; may work in place. temperature > 0. */
void sg_calibration_softmax(
        double *probabilities, const double *logits, size_t n, size_t classes, double temperature);

typedef struct sg_temperature {
    double value;                 /* divides the logits; within 0.05..20 */
    double nll_before, nll_after; /* mean -ln p(truth) at temperature 1 and at `value` */
    bool at_bound; /* the optimum lies outside the range (all rows right, or none informative) */
} sg_temperature;

/* The temperature of least negative log-likelihood (Guo et al. 2017): safeguarded Newton in
 * 1 / temperature, where the problem is convex. */
SG_MUST_CHECK sg_status sg_temperature_fit(sg_temperature *out, const double *logits,
        const uint32_t *labels, size_t n, size_t classes, sg_error *err);

#endif
