/* ablation.h - arms that differ from a base in one thing each: parts of an architecture,
 * preprocessing, augmentation, the given weights. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_ABLATION_H
#define SG_CLI_ABLATION_H

#include "cli/comparison.h"

typedef struct sg_ablation {
    const char *what;  /* a model of the residual family, or of preprocess,augment,transfer */
    const char *model; /* of the base of the latter */
    const char *weights, *config, *set;
} sg_ablation;

/* Adds the base and its arms, each held against the base. With given weights an architecture and
 * its control are also trained from random ones. */
SG_MUST_CHECK sg_status sg_ablation_add(
        sg_comparison *comparison, const sg_ablation *ablation, sg_error *err);

#endif
