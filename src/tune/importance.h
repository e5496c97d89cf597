/* importance.h - which parameters matter: the shares of variance of a functional ANOVA (Hutter et
 * al. 2014), of the Gaussian process' mean in place of a forest's. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef SG_TUNE_IMPORTANCE_H
#define SG_TUNE_IMPORTANCE_H

#include "tune/trial.h"

enum { SG_IMPORTANCE_LEVELS = 24 };

typedef struct sg_importance {
    double share;  /* of the variance over the whole space that the parameter explains alone */
    size_t levels; /* choices, or SG_IMPORTANCE_LEVELS over the range */
    double at[SG_CHOICES_MAX];     /* values of the levels */
    double effect[SG_CHOICES_MAX]; /* the model's mean there, over all others; in the trials' unit,
                                      smaller better */
} sg_importance;

/* out[space->count]. What the shares leave to 1 lies in interactions. The mean over the others is
 * taken at 256 Sobol' points. Needs two finished trials. A constant model gives shares of 0. */
SG_MUST_CHECK sg_status sg_importance_measure(sg_importance *out, const sg_space *space,
        const sg_trial *trials, size_t count, uint64_t seed, sg_error *err);

/* The model's mean over all other parameters at the levels of two: effect[levels of i * levels of
 * j], unit and levels as above. */
SG_MUST_CHECK sg_status sg_importance_map(double *effect, const sg_space *space,
        const sg_trial *trials, size_t count, size_t i, size_t j, uint64_t seed, sg_error *err);

#endif
