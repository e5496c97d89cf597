/* compare_bundles.h - `compare --bundles OLD,NEW`: may the new model take the old one's place?
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_COMPARE_BUNDLES_H
#define SG_CLI_COMPARE_BUNDLES_H

#include "cli/cli.h"
#include "cli/dataset.h"

typedef struct sg_bundle_comparison {
    const char *bundles; /* "OLD,NEW" */
    sg_cli_dataset dataset;
    const char *out; /* folder, or NULL: nothing is written */
    double margin;   /* points that accuracy or sensitivity may fall */
    long long draws;
    bool tta, show_full;
} sg_bundle_comparison;

/* Returns the exit code: SG_EXIT_WORSE when the new model is worse than the margin allows. */
int sg_compare_bundles(const sg_call *call, const sg_bundle_comparison *comparison);

#endif
