/* hybrid.h - from a search by short runs to a population: where its members begin.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TUNE_HYBRID_H
#define SG_TUNE_HYBRID_H

#include "tune/trial.h"

/* points[members * SG_SPACE_MAX]: the trial that the model holds for best, then, of the better half
 * of the finished ones, each time the one that lies furthest from those already taken; where these
 * run out, steps away from the best. held[space->count] (NULL: none): parameters in which all
 * members are as the best. SG_ERR_INPUT: no trial has finished. */
SG_MUST_CHECK sg_status sg_hybrid_seed(double *points, const sg_space *space,
        const sg_trial *trials, size_t count, size_t members, const bool *held, uint64_t seed,
        sg_error *err);

#endif
