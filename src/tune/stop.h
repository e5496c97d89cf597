/* stop.h - when a trial is not worth going on with, from its values so far and those of others at
 * the same steps. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TUNE_STOP_H
#define SG_TUNE_STOP_H

#include <stdbool.h>
#include <stddef.h>

typedef enum sg_stop_rule {
    SG_STOP_NONE,
    SG_STOP_MEDIAN, /* its best value so far is worse than the median of the others at this step */
    SG_STOP_ASHA    /* at a rung it is not in the best third of those that reached it */
} sg_stop_rule;
#define SG_STOP_RULE_NAMES "none|median|asha"

/* One trial's values at rising steps. */
typedef struct sg_step_values {
    const int *steps;
    const double *values;
    size_t count;
} sg_step_values;

typedef struct sg_stop_options {
    sg_stop_rule rule;
    bool maximise;
    int first;     /* no trial is stopped before this step; ASHA's rungs are first * 3^k */
    size_t enough; /* median: others that must have reached the step */
} sg_stop_options;

/* Is the trial to be stopped after its last step? NaN counts as worst. ASHA: Li et al. 2020, "A
 * system for massively parallel hyperparameter tuning"; fewer than three at a rung: only the best
 * goes on. */
bool sg_stop_now(const sg_stop_options *options, const sg_step_values *mine,
        const sg_step_values *others, size_t count);

#endif
