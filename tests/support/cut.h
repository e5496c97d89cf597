/* cut.h - one block of a model as a network of its own, to be tested alone.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TESTS_SUPPORT_CUT_H
#define SG_TESTS_SUPPORT_CUT_H

#include "nn/graph.h"

/* The nodes whose names begin with "<prefix>.", fed by an input of `channels`, then global pooling
 * and a linear layer "head" to 3 classes. Names stay. */
SG_MUST_CHECK sg_status cut_block(
        sg_graph **out, const sg_graph *model, const char *prefix, int64_t channels, sg_error *err);

#endif
