/* trial.h - what a search remembers of one evaluation. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TUNE_TRIAL_H
#define SG_TUNE_TRIAL_H

#include "tune/space.h"

typedef enum sg_trial_state {
    SG_TRIAL_RUNNING,
    SG_TRIAL_COMPLETE,
    SG_TRIAL_PRUNED, /* stopped early; `value` is its last one */
    SG_TRIAL_FAILED
} sg_trial_state;

typedef struct sg_trial {
    double point[SG_SPACE_MAX]; /* as in space.h */
    double value;               /* smaller is better; NaN while running and when failed */
    sg_trial_state state;
} sg_trial;

#endif
