/* lr_range.h - learning-rate range test (Smith 2017, arXiv 1506.01186): a short training whose rate
 * rises exponentially from step to step, and the loss along the way. Only training images are read;
 * nothing of the run is kept. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TRAIN_LR_RANGE_H
#define SG_TRAIN_LR_RANGE_H

#include "train/trainer.h"

typedef struct sg_lr_range_options {
    double low, high; /* rate of the first and the last step, 0 < low < high */
    int steps;        /* 10..100000 */
    double smoothing; /* of the loss: weight of the past in its moving average, 0..1 */
    double diverged;  /* ends where the smoothed loss is this many times its lowest */
} sg_lr_range_options;
#define SG_LR_RANGE_OPTIONS_INIT                                                                   \
    { 1e-6, 1.0, 100, 0.9, 4.0 }

typedef struct sg_lr_range {
    double *rate, *loss, *smooth; /* [count] per step; one block */
    size_t count;                 /* steps taken: fewer where it diverged */
    bool diverged;
    size_t lowest;     /* step of the lowest smoothed loss, from the eleventh step on */
    double suggestion; /* a tenth of the rate there: the usual peak of a schedule */
} sg_lr_range;
/* The smoothed loss fell below the mean of the first ten losses by 2 % at least and by four
 * standard errors of that mean (its spread from differences of successive losses), which noise
 * alone does in one test of a hundred. Otherwise the suggestion means nothing. */
bool sg_lr_range_fell(const sg_lr_range *range);
void sg_lr_range_dispose(sg_lr_range *range); /* NULL-safe */

/* job: as for a training; dir is a folder of its own, which is emptied; resume, epoch_done and the
 * options' schedule and epochs do not count. A loss that is not finite ends the test, it is no
 * failure. SG_ERR_USAGE names an option out of range; SG_ERR_NUMERIC when not even the first steps
 * are finite. */
SG_MUST_CHECK sg_status sg_lr_range_run(sg_lr_range *out, const sg_train_job *job,
        const sg_lr_range_options *options, sg_error *err);

/* What follows from losses alone: smooth, count, diverged, lowest and suggestion of *range, whose
 * rate and loss are filled for `steps` steps. False when no loss is finite. */
bool sg_lr_range_judge(sg_lr_range *range, size_t steps, const sg_lr_range_options *options);

#endif
