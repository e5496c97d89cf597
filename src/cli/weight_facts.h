/* weight_facts.h - what `weights fetch` wrote beside a file about its preprocessing, brought into
 * the settings of a training.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_WEIGHT_FACTS_H
#define SG_CLI_WEIGHT_FACTS_H

#include "cli/options.h"
#include "cli/train_options.h"

/* Reads WEIGHTS.json where there is one. Image size and googlenet's transform-input are taken from
 * it unless the user gave them (`call->given`); what a recipe cannot say is told. SG_ERR_FORMAT
 * when the file is there and damaged. */
SG_MUST_CHECK sg_status sg_weight_facts_apply(
        sg_train_args *args, const sg_call *call, sg_error *err);

#endif
