/* quantisation.h - how each layer's output of one network is stored in 8 bits: found from ranges,
 * kept in a bundle (section `quantisation`, docs/internals/model_file.md), asked for in a plan.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_INFER_QUANTISATION_H
#define SG_INFER_QUANTISATION_H

#include "base/json.h"
#include "infer/ranges.h"

typedef struct sg_quantisation {
    sg_quant *of; /* [node_count], for sg_plan_request.quant */
    float *scale; /* [node_count], what `of` points into */
    int node_count;
} sg_quantisation;

SG_MUST_CHECK sg_status sg_quantisation_find(
        sg_quantisation **out, const sg_ranges *ranges, const sg_graph *graph, sg_error *err);
void sg_quantisation_free(sg_quantisation *quantisation); /* NULL-safe */

/* {"layer1.0.conv1": ["u8", 0.0123], ...}, nodes that stay real left out. New reference; NULL when
 * out of memory. */
json_t *sg_quantisation_to_json(const sg_quantisation *quantisation, const sg_graph *graph);
/* SG_ERR_FORMAT names the file: an unknown node, another type, a scale that is no positive number.
 */
SG_MUST_CHECK sg_status sg_quantisation_from_json(sg_quantisation **out, const json_t *storage,
        const sg_graph *graph, const char *path, sg_error *err);

#endif
