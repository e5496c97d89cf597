/* runs.h - trainings laid over one another: settings in which they differ, and curves on one scale.
 * Filled by the caller; borrows everything; same input, same bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_RUNS_H
#define SG_REPORT_RUNS_H

#include "report/compare.h"

typedef struct sg_runs_page {
    const char *const *names;              /* [count] of the runs */
    const sg_compare_curve *const *curves; /* [count][curve_counts] one per fold */
    const size_t *curve_counts;
    size_t count;
    const char *const *settings; /* [setting_count] names of options that differ */
    const char *const *values;   /* [setting_count * count], NULL = not set */
    size_t setting_count;
} sg_runs_page;

SG_MUST_CHECK sg_status sg_runs_page_write(
        const sg_runs_page *page, const char *path, sg_error *err);

#endif
