/* kappa.h - agreement of raters beyond chance: Cohen's kappa of two, plain or weighted by how far
 * apart two grades are, and Fleiss' kappa of several.
 *
 * 1 is full agreement, 0 what the raters' own shares would give by chance. NaN where chance alone
 * gives full agreement (everyone always says the same).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_KAPPA_H
#define SG_STATS_KAPPA_H

#include "stats/bootstrap.h"
#include "stats/classification.h"

typedef enum sg_kappa_kind {
    SG_KAPPA_PLAIN,     /* Cohen 1960 */
    SG_KAPPA_LINEAR,    /* Cohen 1968, disagreement |i - j|: for ordered classes */
    SG_KAPPA_QUADRATIC, /* (i - j)^2 */
    SG_KAPPA_FLEISS     /* Fleiss 1971: any number of raters, plain */
} sg_kappa_kind;

typedef struct sg_kappa {
    double value;
    double standard_error; /* Fleiss, Cohen and Everitt 1969, not assuming kappa 0 */
    sg_interval interval;  /* value -+ z standard_error, cut to -1..1; for independent rows */
    double agreement;      /* share of rows on which both say the same (weighted: mean weight) */
} sg_kappa;

/* Two raters: first[n], second[n] below classes (2..SG_STATS_CLASSES_MAX); kind: not Fleiss. */
SG_MUST_CHECK sg_status sg_kappa_cohen(sg_kappa *out, const uint32_t *first, const uint32_t *second,
        size_t n, size_t classes, sg_kappa_kind kind, double confidence, sg_error *err);

/* ratings[raters * n]: rater r's class of row i is ratings[r * n + i]; raters >= 2. */
SG_MUST_CHECK sg_status sg_kappa_fleiss(double *out, const uint32_t *ratings, size_t raters,
        size_t n, size_t classes, sg_error *err);

/* Either one with an interval over groups of the sample's rows; two raters unless kind is Fleiss.
 * classes: of the ratings. */
SG_MUST_CHECK sg_status sg_kappa_bootstrap(sg_bootstrap_figure *out,
        const sg_bootstrap_sample *sample, const uint32_t *ratings, size_t raters, size_t classes,
        sg_kappa_kind kind, const sg_bootstrap_options *options, sg_error *err);

#endif
