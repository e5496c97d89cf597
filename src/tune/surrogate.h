/* surrogate.h - the Gaussian process of a search: trials as features, values
 * standardised, those of a population tamed. Private to src/tune. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef SG_TUNE_SURROGATE_H
#define SG_TUNE_SURROGATE_H

#include "tune/gp.h"
#include "tune/trial.h"

/* Trials of a population: each began at some time from some score. Both are inputs of the model. */
typedef struct sg_drift {
    const double *time, *before; /* [count], of each trial */
    double now, score;           /* where a proposal begins */
    bool forgets;                /* false: old trials weigh as much as new ones */
} sg_drift;

typedef struct sg_surrogate {
    const sg_space *space;
    const sg_drift *drift; /* NULL: nothing depends on time */
    size_t n, width, groups;
    double *x;      /* [n * width] */
    double *y;      /* [n], standardised; with drift tamed before */
    size_t *source; /* [n], index of the trial */
    int group[SG_GP_WIDTH_MAX];
    double before_center, before_scale;
    double center, scale; /* y = (value - center) / scale */
    sg_gp gp;
    double best; /* lowest posterior mean at a finished trial */
    size_t best_row;
} sg_surrogate;

/* Fits theta on finished and failed trials, then conditions on the running ones as well, each with
 * its posterior mean. Needs two finished trials. drift may be NULL. */
SG_MUST_CHECK sg_status sg_surrogate_fit(sg_surrogate *s, const sg_space *space,
        const sg_trial *trials, size_t count, const sg_drift *drift, uint64_t seed, sg_error *err);
void sg_surrogate_dispose(sg_surrogate *s);

/* x[width] of a point that would be tried now. The space's features come first, in their order. */
void sg_surrogate_features(const sg_surrogate *s, const double *point, double *x);

/* Compresses the upper half of values[n] in place: what is far above the median hardly matters for
 * finding the lowest, and would stretch the model's scale. Order and the lower half stay. */
void sg_tame(double *values, size_t n);

#endif
