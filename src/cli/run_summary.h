/* run_summary.h - a run folder as `runs` tells it: settings, how far it is, and its curves.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_RUN_SUMMARY_H
#define SG_CLI_RUN_SUMMARY_H

#include "base/yaml.h"
#include "train/run_dir.h"

typedef struct sg_run_summary {
    char *dir;
    sg_yaml args;          /* args.yaml */
    size_t folds;          /* 0: one model */
    size_t models;         /* that were begun: folds with a folder, or 1 */
    size_t finished;       /* of them */
    sg_history *histories; /* [models] */
} sg_run_summary;
void sg_run_summary_dispose(sg_run_summary *summary); /* NULL-safe */

/* The folder has args.yaml: what train and the arms of a comparison are known by. */
bool sg_is_run(const char *dir);
/* SG_ERR_INPUT when it is no run folder. */
SG_MUST_CHECK sg_status sg_run_summary_read(sg_run_summary *out, const char *dir, sg_error *err);

/* Value of an option in args.yaml, or "". */
const char *sg_run_option(const sg_run_summary *summary, const char *name);

#endif
