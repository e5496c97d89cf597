/* bundle_defaults.h - `train --from-bundle` goes on from a model of one's own: its architecture and
 * its preprocessing are the defaults. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_BUNDLE_DEFAULTS_H
#define SG_CLI_BUNDLE_DEFAULTS_H

#include "cli/options.h"
#include "cli/train_options.h"

/* Sets what the call leaves open (model and its options, size and the other rows of preprocessing)
 * as args->from_bundle has it. *texts owns what args then borrows; the caller's (free), NULL when
 * nothing was taken. SG_ERR_USAGE when --model names another architecture than the bundle holds. */
SG_MUST_CHECK sg_status sg_train_take_from_bundle(
        sg_train_args *args, char **texts, const sg_call *call, sg_error *err);

#endif
