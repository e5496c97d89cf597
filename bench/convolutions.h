/* convolutions.h - what the convolutions of a training step would take if nothing stood between
 * them: the roof that a step is held against.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BENCH_CONVOLUTIONS_H
#define SG_BENCH_CONVOLUTIONS_H

#include "nn/graph.h"

/* Sum over all convolutions and their passes (forward, to the weights, and to the data where that
 * is not the image) of the fastest execution of each, alone, in the layouts that it likes best.
 * Equal problems are measured once. Takes some seconds. */
SG_MUST_CHECK sg_status convolutions_time(double *seconds, const sg_graph *graph, int64_t batch,
        int64_t size, sg_backend *backend, sg_error *err);

#endif
