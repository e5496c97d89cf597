/* profiling.h - the profile that `train --profile` takes of some early steps of a training, and
 * what it leaves: a table and a trace in the run folder, the longest rows in the log. Private to
 * src/train. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TRAIN_PROFILING_H
#define SG_TRAIN_PROFILING_H

#include "nn/plan.h"

/* Steps left out while caches and pages warm up, and steps taken. */
enum { SG_PROFILING_WARM = 2, SG_PROFILING_STEPS = 10 };

typedef struct sg_profiling {
    sg_profile *profile;         /* NULL while off */
    size_t images, loss, update; /* rows around the plan */
    int step;                    /* steps done; the trainer counts */
    bool done;
} sg_profiling;

/* Call before each step: begins and ends the profile when its time has come. */
SG_MUST_CHECK sg_status sg_profiling_step(sg_profiling *p, sg_plan *plan, sg_backend *backend,
        const char *dir, const sg_log *log, sg_error *err);
/* Ends it where a training was shorter. */
SG_MUST_CHECK sg_status sg_profiling_finish(
        sg_profiling *p, sg_plan *plan, const char *dir, const sg_log *log, sg_error *err);
void sg_profiling_dispose(sg_profiling *p);

/* Around a piece of work: start = sg_profiling_start(p); ...; sg_profiling_note(p, p->loss, start).
 */
double sg_profiling_start(const sg_profiling *p);
void sg_profiling_note(sg_profiling *p, size_t row, double start);

#endif
