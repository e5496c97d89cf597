/* train_schedule.h - a schedule of settings: what a training changes on its way, as a file that
 * `tune` writes and `train --schedule` follows.
 *
 *     shape: cosine                              of the learning rate, as --schedule otherwise says
 *     epochs: 12                                 a training of other length stretches it
 *     epoch-0: lr=0.0006; weight-decay=0.02      settings from the start
 *     epoch-4: lr=0.0009                         settings from the fifth epoch on; others stay
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_TRAIN_SCHEDULE_H
#define SG_CLI_TRAIN_SCHEDULE_H

#include "cli/train_options.h"

typedef struct sg_train_schedule {
    sg_phase *phases;
    sg_train_options *options; /* [count] */
    size_t count;
} sg_train_schedule;

/* Can the option of train change while a training goes on? */
bool sg_train_is_changeable(const char *name);

/* Where args->schedule names a file: reads it, and makes options (of args) follow it; they borrow
 * from *out. Nothing otherwise. Expected failures: SG_ERR_MISSING, SG_ERR_USAGE naming file and
 * line, as where a setting cannot change. */
SG_MUST_CHECK sg_status sg_train_schedule_read(sg_train_schedule *out, sg_train_options *options,
        const sg_train_args *args, sg_error *err);
/* Keeps the file in the run folder `dir` as schedule.yaml and tells its name and digest in the
 * run's log, unless it is kept already: the run then needs the file no more. */
SG_MUST_CHECK sg_status sg_train_schedule_keep(const char *path, const char *dir, sg_error *err);
/* The kept file where there is one, else NULL; the caller's. */
char *sg_train_schedule_kept(const char *dir);
void sg_train_schedule_dispose(sg_train_schedule *schedule); /* NULL-safe */

#endif
