/* population.h - populations with known answers: the toy of the paper on population-based training,
 * and an optimum that moves. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TESTS_POPULATION_H
#define SG_TESTS_POPULATION_H

#include "tune/pbt.h"

/* Jaderberg et al. 2017, figure 2: Q = 1.2 - a^2 - b^2 from (0.9, 0.9), trained by gradient steps
 * of rate 0.01 on 1.2 - h0 a^2 - h1 b^2; two members, h = (1, 0) and (0, 1); 200 steps, every 5 of
 * them the worse member copies (exploit) and adds N(0, 0.1) to its h, kept at 0 or above (explore);
 * without exploit both explore. The better member's Q at the end. */
double toy_population(uint64_t seed, bool exploit, bool explore);

typedef enum drift_method { DRIFT_RANDOM, DRIFT_PBT, DRIFT_PB2, DRIFT_PB2_REMEMBERS } drift_method;
enum { DRIFT_METHODS = 4 };
extern const char *const drift_names[DRIFT_METHODS];

/* Eight members gain -(x - x*)^2 a round, x* = 0.5 + 0.4 sin(2 pi t / 100), for `rounds` rounds;
 * who copies takes over what was gained. Random: every member draws x anew in every round. The sum
 * over the rounds of the members' mean (x - x*)^2; NaN when a proposal failed. */
double drift_regret(drift_method method, uint64_t seed, int rounds);

#endif
