/* rebuild.h - what the backward pass reads of the forward pass: kept, or made again. Internal to
 * the planner, see rebuild.c and segments.c. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_NN_REBUILD_H
#define SG_NN_REBUILD_H

#include "nn/plan_internal.h"

/* Inserts, in front of the backward steps, those that make again what need not be kept by
 * request.save. After sg_lower_backward, before sg_memory_assign. */
SG_MUST_CHECK sg_status sg_rebuild_backward(sg_plan *plan, sg_error *err);

/* A forward step that goes once over its memory and computes little. */
bool sg_rebuild_is_cheap(const sg_step *step);

/* For SG_SAVE_BLOCKS: again[forward steps] becomes true for steps that may run again, costly ones
 * included, stays[values] for the values they start from. Both come in false. read[values]: by a
 * backward step. */
SG_MUST_CHECK sg_status sg_segments_choose(
        bool *again, bool *stays, const sg_plan *plan, const bool *read, sg_error *err);

/* For SG_SAVE_COSTLY: dropped[values] comes in true for what could be made again, and goes out
 * false for what is kept all the same because that costs little of the peak (keep.c). */
SG_MUST_CHECK sg_status sg_keep_choose(
        bool *dropped, const sg_plan *plan, const bool *read, sg_error *err);

#endif
