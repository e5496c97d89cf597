/* ranges.h - how large the numbers between the layers of a network become, and from that how each
 * layer's output is best stored in 8 bits.
 *
 * The magnitudes that images bring about are counted in bins of a sixteenth of an octave. Chosen is
 * the scale of least expected squared error: rounding below the largest storable number, clipping
 * above it. Outputs that were never negative are stored unsigned.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_INFER_RANGES_H
#define SG_INFER_RANGES_H

#include "nn/plan.h"

typedef struct sg_ranges sg_ranges;

/* Everything is borrowed and must outlive the result. Images are size x size. */
SG_MUST_CHECK sg_status sg_ranges_create(sg_ranges **out, const sg_graph *graph, sg_params *params,
        int size, sg_backend *backend, sg_backend *fallback, sg_error *err);
void sg_ranges_destroy(sg_ranges *ranges); /* NULL-safe */

/* Counts what one image [channels][size][size], standardised, brings about. */
SG_MUST_CHECK sg_status sg_ranges_add(sg_ranges *ranges, const float *image, sg_error *err);

/* How node `id` is best stored: SG_U8 or SG_I8 and its scale. False: it stays real, because the
 * logits are (the classifier and what it reads), or it was always zero. */
bool sg_ranges_choose(sg_dtype *dtype, float *scale, const sg_ranges *ranges, sg_node_id id);

#endif
