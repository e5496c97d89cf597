/* profiling.c - see profiling.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/profiling.h"
#include "base/file.h"
#include <stdlib.h>

enum { ROWS_TOLD = 25 };

static sg_status begin(sg_profiling *p, sg_plan *plan, sg_backend *backend, sg_error *err) {
    sg_status st = sg_profile_create(&p->profile, err);
    if (!st) st = sg_profile_roof(p->profile, backend, err);
    if (!st)
        st = sg_profile_add(&p->images, p->profile, "images", "waiting for the loader",
                SG_PROFILE_AROUND, 0, 0, err);
    if (!st)
        st = sg_profile_add(&p->loss, p->profile, "loss", "loss and its gradient",
                SG_PROFILE_AROUND, 0, 0, err);
    if (!st)
        st = sg_profile_add(
                &p->update, p->profile, "update", "optimizer", SG_PROFILE_AROUND, 0, 0, err);
    if (!st) st = sg_plan_profile(plan, p->profile, err);
    return st;
}

static sg_status write(const sg_profiling *p, const char *dir, sg_error *err) {
    char *table = sg_path_join(dir, "profile.csv"), *trace = sg_path_join(dir, "profile.json");
    sg_status st = table && trace ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory");
    if (!st) st = sg_profile_write_table(p->profile, table, err);
    if (!st) st = sg_profile_write_trace(p->profile, trace, err);
    free(table);
    free(trace);
    return st;
}

sg_status sg_profiling_finish(
        sg_profiling *p, sg_plan *plan, const char *dir, const sg_log *log, sg_error *err) {
    if (!p->profile) return SG_OK;
    sg_status st = sg_plan_profile(plan, NULL, err);
    if (!st) st = write(p, dir, err);
    if (!st) {
        sg_profile_tell(p->profile, log, ROWS_TOLD);
        sg_log_line(log, SG_LOG_INFO,
                "every row is in %s/profile.csv; %s/profile.json opens in chrome://tracing and in "
                "Perfetto",
                dir, dir);
    }
    sg_profiling_dispose(p);
    p->done = true;
    return st;
}

sg_status sg_profiling_step(sg_profiling *p, sg_plan *plan, sg_backend *backend, const char *dir,
        const sg_log *log, sg_error *err) {
    if (p->done) return SG_OK;
    if (!p->profile && p->step >= SG_PROFILING_WARM) return begin(p, plan, backend, err);
    if (p->step >= SG_PROFILING_WARM + SG_PROFILING_STEPS)
        return sg_profiling_finish(p, plan, dir, log, err);
    return SG_OK;
}

void sg_profiling_dispose(sg_profiling *p) {
    sg_profile_destroy(p->profile);
    p->profile = NULL;
}

double sg_profiling_start(const sg_profiling *p) {
    return p->profile ? sg_profile_now() : 0.0;
}

void sg_profiling_note(sg_profiling *p, size_t row, double start) {
    if (p->profile) sg_profile_note(p->profile, row, start);
}
