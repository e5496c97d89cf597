/* conformal.h - sets of classes that hold the truth with a chosen probability: split conformal
 * prediction with the score 1 - p(truth) (Sadinle, Lei and Wasserman 2019).
 *
 * The promise (coverage of at least 1 - alpha, on average over calibration sets) holds for images
 * exchangeable with the calibration images only: the same places, devices and class shares, and no
 * copies across. By class, it holds within each class, whatever the shares. A set may be empty
 * (nothing is likely enough) or hold every class.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_CONFORMAL_H
#define SG_STATS_CONFORMAL_H

#include "stats/bootstrap.h"
#include "stats/classification.h"
#include "stats/share.h"

typedef struct sg_conformal {
    size_t classes;
    double alpha;                            /* 0..1 exclusive: miss rate allowed */
    bool by_class;                           /* one quantile per class of the truth */
    double quantile[SG_STATS_CLASSES_MAX];   /* of 1 - p; infinity: too few rows to leave any out */
    size_t calibrated[SG_STATS_CLASSES_MAX]; /* rows behind each quantile */
} sg_conformal;

/* probabilities[n * classes] and labels[n] of calibration rows, which trained nothing: quantile is
 * the ceil((n + 1)(1 - alpha))-th smallest score. */
SG_MUST_CHECK sg_status sg_conformal_fit(sg_conformal *out, const double *probabilities,
        const uint32_t *labels, size_t n, size_t classes, double alpha, bool by_class,
        sg_error *err);

/* member[n * classes]: 1 where the class is in the row's set. */
void sg_conformal_sets(
        const sg_conformal *model, uint8_t *member, const double *probabilities, size_t n);

typedef struct sg_conformal_figures {
    sg_share coverage;                       /* rows whose set holds the truth */
    sg_share by_class[SG_STATS_CLASSES_MAX]; /* the same within each class */
    size_t sizes[SG_STATS_CLASSES_MAX + 1];  /* [k] rows whose set holds k classes */
    double mean_size;
    sg_share single;     /* rows whose set is one class */
    double single_right; /* share of those that are right; NaN when there is none */
} sg_conformal_figures;

/* Measured on rows that took no part in the fit. */
SG_MUST_CHECK sg_status sg_conformal_measure(sg_conformal_figures *out,
        const sg_bootstrap_sample *sample, const uint8_t *member,
        const sg_bootstrap_options *options, sg_error *err);

#endif
