/* sampler.h - the next point to try, from what was tried so far. Pure functions: the same trials,
 * number and seed give the same proposal, so a search goes on after a kill as if nothing happened,
 * and processes that share a study need no other memory. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TUNE_SAMPLER_H
#define SG_TUNE_SAMPLER_H

#include "tune/trial.h"

typedef enum sg_sampler {
    SG_SAMPLER_RANDOM,
    SG_SAMPLER_SOBOL, /* scrambled */
    SG_SAMPLER_GP,    /* Gaussian process, log expected improvement */
    SG_SAMPLER_TPE    /* tree-structured Parzen estimator, one density per parameter */
} sg_sampler;
#define SG_SAMPLER_NAMES "random|sobol|gp|tpe"

typedef struct sg_sampler_options {
    sg_sampler kind;
    uint64_t seed;
    size_t startup; /* GP and TPE begin with this many scrambled Sobol points */
} sg_sampler_options;

/* point[space->count]. `number`: of the trial the point is for, from 0; it names the random
 * numbers. trials: all others, in any order. Running ones count as if the model's mean had come out
 * (fantasies), so that proposals made side by side differ. A failed one counts as the worst seen.
 * SG_ERR_MEMORY, SG_ERR_NUMERIC. */
SG_MUST_CHECK sg_status sg_propose(double *point, const sg_space *space, const sg_trial *trials,
        size_t count, size_t number, const sg_sampler_options *options, sg_error *err);

/* The two model-based ones, for at least two finished trials. */
SG_MUST_CHECK sg_status sg_propose_gp(double *point, const sg_space *space, const sg_trial *trials,
        size_t count, size_t number, uint64_t seed, sg_error *err);
SG_MUST_CHECK sg_status sg_propose_tpe(double *point, const sg_space *space, const sg_trial *trials,
        size_t count, size_t number, uint64_t seed, sg_error *err);

/* Index of the trial whose posterior mean is lowest: the best, were every trial repeated without
 * end. `mean` and `sd` (of that mean, both in the unit of the values) may be NULL. count must hold
 * at least two finished trials; with fewer the lowest value is taken. -1: none is finished. */
SG_MUST_CHECK sg_status sg_best_by_model(long *best, double *mean, double *sd,
        const sg_space *space, const sg_trial *trials, size_t count, uint64_t seed, sg_error *err);

#endif
