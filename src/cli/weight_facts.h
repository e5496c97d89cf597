/* weight_facts.h - what `weights fetch` wrote beside a file about its preprocessing, brought into
 * the settings of a training, and kept beside them when they are converted.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_WEIGHT_FACTS_H
#define SG_CLI_WEIGHT_FACTS_H

#include "base/log.h"
#include "cli/train_options.h"

/* Settings that the user made, which win over what a file says. */
typedef struct sg_weight_stated {
    bool size, transform_input;
} sg_weight_stated;

/* Reads WEIGHTS.json where there is one. Image size and googlenet's transform-input are taken from
 * it unless they were stated or a verb has a size of its own; what a recipe cannot say is told.
 * SG_ERR_FORMAT when the file is there and damaged. */
SG_MUST_CHECK sg_status sg_weight_facts_apply(
        sg_train_args *args, const sg_weight_stated *stated, const sg_log *log, sg_error *err);

/* FROM.json goes with the weights when they become `to`, with the new file's digest. */
SG_MUST_CHECK sg_status sg_weight_facts_carry(
        bool *carried, const char *from, const char *to, sg_error *err);

#endif
