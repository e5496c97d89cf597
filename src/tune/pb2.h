/* pb2.h - the exploration of PB2. Private to src/tune; see pbt.h. SPDX-License-Identifier:
 * Apache-2.0
 */
#ifndef SG_TUNE_PB2_H
#define SG_TUNE_PB2_H

#include "tune/pbt.h"

/* Replaces the points of members that copy (parents[i] != i). Where the model has too little to go
 * by, they make PBT's step. Arguments as in sg_pbt_next; points hold what was copied. */
SG_MUST_CHECK sg_status sg_pb2_explore(double *points, const size_t *parents, const sg_space *space,
        const sg_stretch *history, size_t count, size_t members, int generation,
        const sg_pbt_options *options, sg_error *err);

#endif
