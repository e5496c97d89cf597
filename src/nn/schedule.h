/* schedule.h - learning rate as a function of the step: linear warm-up, then cosine to a floor,
 * steps, or constant. A pure function of its options, so a resume needs no state.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_NN_SCHEDULE_H
#define SG_NN_SCHEDULE_H

#include <stdint.h>

typedef enum sg_schedule_kind {
    SG_SCHEDULE_CONSTANT,
    SG_SCHEDULE_COSINE,
    SG_SCHEDULE_STEP
} sg_schedule_kind;

typedef struct sg_schedule {
    sg_schedule_kind kind;
    double learning_rate; /* peak */
    double warmup;        /* share of all steps, [0, 1) */
    double floor;         /* share of the peak at the end of a cosine */
    double step_every;    /* share of all steps between drops */
    double step_factor;   /* each drop multiplies by this */
    int64_t total_steps;
} sg_schedule;
#define SG_SCHEDULE_INIT                                                                           \
    { SG_SCHEDULE_COSINE, 1e-3, 0.1, 0.0, 0.34, 0.1, 0 }

double sg_schedule_rate(const sg_schedule *schedule, int64_t step); /* step from 0 */

#endif
