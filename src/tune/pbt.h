/* pbt.h - population-based training (Jaderberg et al. 2017, arXiv 1711.09846) and PB2
 * (Parker-Holder et al. 2020, arXiv 2002.02518): the members of a population are trained in
 * stretches; after each the worst copy the state of the best and go on with changed
 * hyperparameters.
 *
 * All generations end together, so that what a member does next is a pure function of the finished
 * stretches and the seed: a resume and a second process need no other state, and members are
 * compared after equal training. Scores: smaller is better, NaN is a member that failed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TUNE_PBT_H
#define SG_TUNE_PBT_H

#include "tune/trial.h"

enum { SG_MEMBERS_MAX = 64 };

typedef struct sg_pbt_options {
    uint64_t seed;
    double quantile;  /* share of members that copy, and of those that are copied; at least one */
    double resample;  /* probability that a value (PB2: a point) is drawn from the whole space */
    double factor;    /* PBT: a value on a log scale is multiplied or divided by this, above 1 */
    double step;      /* PBT: another number moves by this share of its range, up or down */
    double additive;  /* > 0, in place of both: a normal step of this sd, kept in the range */
    const bool *held; /* [space->count], parameters that keep their values; NULL: none */
    bool model;       /* PB2: the Gaussian process chooses; else steps from what was copied */
    bool forgets;     /* PB2: old stretches fade (sg_gp_theta.forget) */
} sg_pbt_options;
#define SG_PBT_OPTIONS_INIT                                                                        \
    { 0, 0.25, 0.25, 1.2, 0.1, 0, NULL, false, true }

/* Truncation: parent[i] is i for a member that goes on, else the one it copies, drawn evenly from
 * the best. Equal scores: the earlier member counts as better. More than a quantile copy where more
 * have failed. False when every member has failed. */
bool sg_pbt_select(size_t *parent, const double *scores, size_t members, int generation,
        const sg_pbt_options *options);

/* A step away from `from`: each number up or down (turned round at the ends of its range), an
 * ordered choice to a neighbour, any of them drawn anew with probability `resample`, without which
 * a value of 0 or a choice would never move. rng names member and generation. out may be from. */
void sg_pbt_explore(double *out, const sg_space *space, const double *from, size_t member,
        int generation, const sg_pbt_options *options);

/* What one member did between two exploits. */
typedef struct sg_stretch {
    size_t member, parent; /* parent: member whose state of the generation before it began with */
    int generation;        /* from 0 */
    double point[SG_SPACE_MAX];
    double score; /* at its end */
} sg_stretch;

/* What every member begins generation `generation` (from 1) with: the parent it takes the state of
 * and its point. history[count]: every stretch of the earlier generations, each member once in
 * each. parents[members], points[members * SG_SPACE_MAX].
 *
 * PB2 models the change of the score over a stretch from time, score before and point, over the
 * last 120 stretches; a member that copies takes the highest mean + kappa sd, kappa = 0.5 sqrt(0.2
 * log(0.4 n)), half of what its authors take and at least 0.22, with the sd of a model that also
 * holds the points given to others in this round. SG_ERR_NUMERIC: all members of the last
 * generation have failed. */
SG_MUST_CHECK sg_status sg_pbt_next(size_t *parents, double *points, const sg_space *space,
        const sg_stretch *history, size_t count, size_t members, int generation,
        const sg_pbt_options *options, sg_error *err);

#endif
