/* params.h - the numbers of a model: one block with every parameter and buffer of a graph at
 * graph->params[i].offset, in the plain layout. The master copy; plans make their own packed
 * copies. A model that only predicts needs no block: its numbers may be lent, each parameter from
 * where it lies (a mapped file).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_NN_PARAMS_H
#define SG_NN_PARAMS_H

#include "base/file.h"
#include "nn/graph.h"

typedef struct sg_params {
    const sg_graph *graph; /* borrowed; must outlive */
    sg_dtype dtype;        /* SG_F32, or SG_F64 for the oracle */
    void *data;            /* graph->elements elements, 64-byte aligned, owned; NULL when lent */
    const float **lent;    /* [param_count], not to be written to, must outlive; NULL when owned */
    uint64_t version;      /* raised by whoever changes data; plans repack when it moved */
} sg_params;

SG_MUST_CHECK sg_status sg_params_create(sg_params **out, const sg_graph *graph, sg_dtype dtype,
        sg_error *err); /* all zero but running variances, which are 1 */
/* Float32 without a block; the caller fills lent[]. */
SG_MUST_CHECK sg_status sg_params_create_lent(
        sg_params **out, const sg_graph *graph, sg_error *err);
void sg_params_destroy(sg_params *params); /* NULL-safe */
void *sg_params_at(const sg_params *params, int index);
float *sg_params_f32(const sg_params *params, int index);
double *sg_params_f64(const sg_params *params, int index);
SG_MUST_CHECK sg_status sg_params_copy(
        sg_params *dst, const sg_params *src, sg_error *err); /* converts dtype; dst owns */
/* Of the block that they are, or would be; also as a part of more. */
void sg_params_sha256(char out[SG_SHA256_HEX], const sg_params *params);
void sg_params_hash(sg_sha256 *hash, const sg_params *params);

/* Random start, torchvision's rules: convolutions He normal fan-out; linear layers uniform
 * +-1/sqrt(fan_in) weights and biases; batch norms 1 and 0; constants where the graph says.
 * Parameter i draws from stream (seed, SG_RNG_INIT, i), so adding a layer moves no other. */
SG_MUST_CHECK sg_status sg_params_init(sg_params *params, uint64_t seed, sg_error *err);

#endif
