/* inner.h - what a setting is worth, measured inside the training images: it is trained once per
 * inner fold and judged on that fold; the mean is its score. Test images are in no inner fold and
 * cannot be reached from here. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_INNER_H
#define SG_PROTOCOL_INNER_H

#include "train/trainer.h"

typedef struct sg_inner_job {
    const sg_train_options *options;
    const sg_manifest *manifest;
    const sg_split *inner; /* folds over the images that may be used; -1 for the others */
    sg_select figure;      /* loss, accuracy, macro F1 or AUROC; not none */
    const char
            *start;  /* folder of another such trial: each inner fold goes on from where that one
                        stands (sg_train_job.start), and DIR's own state comes first; may be NULL */
    int from, until; /* epochs complete at the start, and at the end of this trial; until 0: go to
                        the end, with from 0 */
    const char *dir; /* made when absent; DIR/inner0... hold the runs and go on where they
                        stopped */
    const sg_log *log;
    const volatile sig_atomic_t *stop; /* may be NULL */
    /* Told the figure after every epoch; step counts this trial's epochs over all inner folds, from
     * 1. False
     * ends the trial. May be NULL. */
    bool (*heard)(void *user, int step, double value);
    void *user;
} sg_inner_job;

typedef struct sg_inner_result {
    double score;   /* mean over the inner folds; of those that were reached when given up */
    bool given_up;  /* heard said so */
    double seconds; /* of this call */
} sg_inner_result;

/* The figure after the last epoch (of the averaged weights) counts unless options->select names one
 * that chooses an epoch and the trial goes to the end. Failures as sg_train_run; SG_ERR_INTERRUPTED
 * leaves all saved. */
SG_MUST_CHECK sg_status sg_inner_run(sg_inner_result *out, const sg_inner_job *job, sg_error *err);

#endif
