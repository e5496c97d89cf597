/* dataset.h - how verbs open images: a folder or a table, with the options they have in common, and
 * what they all tell about the result.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_DATASET_H
#define SG_CLI_DATASET_H

#include "cli/cli.h"
#include "data/manifest.h"

typedef struct sg_cli_dataset {
    const char *data;     /* folder, or NULL */
    const char *manifest; /* table, or NULL */
    const char *group_by;
    bool skip_bad;
    bool any_classes;
    long long threads; /* 0 = all processors */
} sg_cli_dataset;

SG_MUST_CHECK sg_status sg_cli_open_dataset(
        sg_manifest *out, const sg_cli_dataset *source, const struct sg_log *log, sg_error *err);

/* images, classes with counts, groups and what they share, masks, files left out. */
json_t *sg_cli_describe_dataset(const sg_manifest *manifest, const sg_manifest_summary *summary);
/* The same in a few lines on stdout. */
void sg_cli_print_dataset(const sg_manifest *manifest, const sg_manifest_summary *summary);

#endif
