/* profile.h - where time goes: rows (a step of a plan, or something around it) with their calls,
 * beside what the machine can do at best. The share of the roofline (Williams et al. 2009) of a row
 * is the time that its arithmetic would take at the measured peak, or its bytes at the measured
 * bandwidth, whichever is longer, over the time it took. Winograd does the work with fewer
 * multiplications than are counted here and may pass 100 %.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_NN_PROFILE_H
#define SG_NN_PROFILE_H

#include "backend/backend.h"
#include "base/log.h"

typedef enum sg_profile_phase {
    SG_PROFILE_FORWARD,
    SG_PROFILE_BACKWARD,
    SG_PROFILE_AROUND
} sg_profile_phase;

enum { SG_PROFILE_TEXT = 96 };

typedef struct sg_profile_row {
    char name[SG_PROFILE_TEXT]; /* the node, or what lies around the plan */
    char what[SG_PROFILE_TEXT]; /* what ran: "conv jit:avx512_core" */
    sg_profile_phase phase;
    double bytes, flops; /* of one call: arguments once each, two per multiply-add; 0 = not known */
    long long calls;
    double seconds, least; /* of all calls, and of the fastest */
} sg_profile_row;

typedef struct sg_profile {
    sg_profile_row *rows;
    size_t row_count, row_capacity;
    struct sg_span *spans; /* the first ones, for the trace; later calls count in the rows only */
    size_t span_count;
    double origin;                 /* time of creation */
    double peak_flops, peak_bytes; /* per second; 0 until sg_profile_roof */
} sg_profile;

SG_MUST_CHECK sg_status sg_profile_create(sg_profile **out, sg_error *err);
void sg_profile_destroy(sg_profile *profile); /* NULL-safe */

/* Index of a new row. Text is copied and cut where it is too long. */
SG_MUST_CHECK sg_status sg_profile_add(size_t *row, sg_profile *profile, const char *name,
        const char *what, sg_profile_phase phase, double bytes, double flops, sg_error *err);
double sg_profile_now(void); /* seconds of the clock that all calls go by */
/* One call of a row, from `start` to now. Allocates nothing. */
void sg_profile_note(sg_profile *profile, size_t row, double start);

/* Measures the roof with this backend's threads: a matrix product and a sum of two tensors that do
 * not fit into a cache, the best of some each. Takes about 0.2 s. */
SG_MUST_CHECK sg_status sg_profile_roof(sg_profile *profile, sg_backend *backend, sg_error *err);
double sg_profile_roof_share(const sg_profile *profile, const sg_profile_row *row); /* NaN: none */

/* All rows as CSV: phase,name,what,calls,seconds,least,bytes,flops,roof_share. */
SG_MUST_CHECK sg_status sg_profile_write_table(
        const sg_profile *profile, const char *path, sg_error *err);
/* The calls on a time line, in the Trace Event Format that Chrome (chrome://tracing) and Perfetto
 * open. */
SG_MUST_CHECK sg_status sg_profile_write_trace(
        const sg_profile *profile, const char *path, sg_error *err);
/* Tells totals by phase and kind, and the `most` rows that took longest. */
void sg_profile_tell(const sg_profile *profile, const sg_log *log, size_t most);

#endif
