/* surrogate.h - the Gaussian process of a search: trials as features and tamed, standardised
 * values. Private to src/tune. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TUNE_SURROGATE_H
#define SG_TUNE_SURROGATE_H

#include "tune/gp.h"
#include "tune/trial.h"

typedef struct sg_surrogate {
    const sg_space *space;
    size_t n, width, groups;
    double *x;      /* [n * width] */
    double *y;      /* [n], tamed and standardised */
    size_t *source; /* [n], index of the trial */
    int group[SG_GP_WIDTH_MAX];
    double center, scale; /* y = (tamed - center) / scale */
    sg_gp gp;
    double best; /* lowest posterior mean at a finished trial */
    size_t best_row;
} sg_surrogate;

/* Fits theta on finished and failed trials, then conditions on the running ones as well, each with
 * its posterior mean. Needs two finished trials. */
SG_MUST_CHECK sg_status sg_surrogate_fit(sg_surrogate *s, const sg_space *space,
        const sg_trial *trials, size_t count, uint64_t seed, sg_error *err);
void sg_surrogate_dispose(sg_surrogate *s);

/* Compresses the upper half of values[n] in place: what is far above the median hardly matters for
 * finding the lowest, and would stretch the model's scale. Order and the lower half stay. */
void sg_tame(double *values, size_t n);

#endif
