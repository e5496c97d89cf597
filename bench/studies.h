/* studies.h - simulated studies whose truth is known, one per kind of interval or test; stats.c
 * tells how often the truth is held. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BENCH_STUDIES_H
#define SG_BENCH_STUDIES_H

#include "base/rng.h"
#include "stats/interval.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STUDY_OUTCOMES_MAX = 3 };

/* One simulated study: covered[i] tells whether interval i held the truth (or, for a test, whether
 * it kept quiet although nothing was to be found). */
typedef struct study {
    sg_rng rng;
    size_t draws; /* bootstrap draws */
    uint64_t seed;
    double setting[4];
    bool covered[STUDY_OUTCOMES_MAX];
} study;

/* What the settings mean stands at each one's definition. */
void simulate_delong_area(study *s);
void simulate_grouped_area(study *s);
void simulate_delong_difference(study *s);
void simulate_grouped_share(study *s);
void simulate_sign_flip(study *s);
void simulate_calibration(study *s);
void simulate_predictive_values(study *s);
void simulate_net_benefit(study *s);
void simulate_conformal(study *s);
void simulate_kappa(study *s);
void simulate_readers(study *s);
void simulate_repeated_folds(study *s);

#endif
