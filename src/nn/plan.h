/* plan.h - a graph made ready to run: request + graph + backend = an ordered list of compiled
 * primitives over one planned block of memory. Training, frozen stems, prediction, activation maps
 * and gradients of the input are all requests of the same engine.
 *
 * Nothing is allocated after creation. Activations share the block by liveness. Layouts that the
 * backend prefers flow from operation to operation; reorders stand at the edges only. Fusion is
 * decided here: conv + batch norm + ReLU (+ add) folded when nothing backward is asked, batch norm
 * (+ add) + ReLU in training. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_NN_PLAN_H
#define SG_NN_PLAN_H

#include "nn/graph.h"
#include "nn/params.h"
#include "nn/profile.h"

typedef enum sg_gradient {
    SG_GRADIENT_NONE,       /* prediction: folds batch norms, keeps nothing for backward */
    SG_GRADIENT_PARAMETERS, /* every parameter marked in `trained`; nothing below the lowest one */
    SG_GRADIENT_NODE,       /* d(seed)/d(activation of gradient_node) */
    SG_GRADIENT_INPUT       /* d(seed)/d(input) */
} sg_gradient;

/* What is kept of the forward pass for the backward pass. The gradients are the same bit for bit.
 */
typedef enum sg_saving {
    SG_SAVE_COSTLY, /* what is one pass over memory (batch norm, ReLU, sums ...) is made again, as
                       far as that saves memory (keep_bytes) */
    SG_SAVE_BLOCKS, /* what joins blocks; most of the forward pass runs again, block by block */
    SG_SAVE_ALL     /* whatever the backward pass reads */
} sg_saving;

typedef struct sg_plan sg_plan;

typedef struct sg_plan_request {
    int64_t batch, height, width;
    sg_dtype dtype; /* SG_F32; SG_F64 runs on ref only */
    sg_gradient gradient;
    const bool *trained;      /* [graph->param_count]; PARAMETERS only; NULL = all but buffers */
    sg_node_id gradient_node; /* NODE only */
    /* Batch norms use batch statistics (and update running ones) where this is true, running
     * statistics elsewhere. [graph->node_count]; NULL = all false. Independent of gradients. */
    const bool *batch_statistics;
    bool dropout;           /* active dropout (training) */
    const sg_node_id *taps; /* nodes whose output is readable after forward, besides the logits */
    int tap_count;
    bool no_fold;   /* prediction without folding, for comparing */
    bool auxiliary; /* PARAMETERS only: auxiliary classifiers are computed and trained too */
    /* Prediction only: how the output of each node may be stored in 8 bits (count 1), or that it
     * stays real (count 0). [graph->node_count]; NULL = all real. Convolutions and linear layers
     * whose input is stored compute with bytes; the scales of weights follow from the parameters at
     * creation, one per channel. What a backend does not offer is computed in float32. */
    const sg_quant *quant;
    sg_saving save;    /* with gradients only */
    size_t keep_bytes; /* SG_SAVE_COSTLY keeps what fits into a block of about this size, beyond it
                          what costs no peak */
    /* A plan whose block this one computes in, if it is large enough; else it gets its own. For
     * plans that take turns: what one has left there, inputs and logits too, the other overwrites.
     * The lender must live as long as the borrower runs. NULL = none. */
    const sg_plan *lender;
} sg_plan_request;
#define SG_PLAN_REQUEST_INIT                                                                       \
    {                                                                                              \
        0, 0, 0, SG_F32, SG_GRADIENT_NONE, NULL, -1, NULL, false, NULL, 0, false, false, NULL,     \
                SG_SAVE_COSTLY, (size_t)1700 << 20, NULL                                           \
    }

/* graph, params and backend are borrowed and must outlive the plan. `fallback` runs what `backend`
 * does not support (normally ref); may be NULL. */
SG_MUST_CHECK sg_status sg_plan_create(sg_plan **out, const sg_graph *graph, sg_params *params,
        const sg_plan_request *request, sg_backend *backend, sg_backend *fallback, sg_error *err);
void sg_plan_destroy(sg_plan *plan); /* NULL-safe */

/* A large batch of a prediction without dropout and batch statistics is computed in slices
 * (slices.c), which changes nothing for the caller. Where the caller writes the batch: plain
 * [batch, c, height, width] of the request's dtype. May be overwritten by forward; fill it before
 * each. */
void *sg_plan_input(sg_plan *plan);

/* Runs forward. `live` of the batch's images count for batch statistics only in the sense that a
 * short last batch needs its own plan: all `batch` images are always computed.
 * dropout_step names the dropout stream (seed, SG_RNG_DROPOUT, step, node). */
SG_MUST_CHECK sg_status sg_plan_forward(
        sg_plan *plan, uint64_t seed, uint32_t dropout_step, sg_error *err);

/* Logits, plain [batch, classes]; valid until the next forward. */
const void *sg_plan_logits(const sg_plan *plan);
/* Logits of auxiliary classifier i of the graph, and where the caller puts their gradient between
 * forward and backward; the same shape. The request must have asked for them. */
const void *sg_plan_auxiliary_logits(const sg_plan *plan, int i);
void *sg_plan_auxiliary_gradient(sg_plan *plan, int i);
/* A tapped node's output in the plain layout (reordered on demand into plan memory). */
SG_MUST_CHECK sg_status sg_plan_tap(
        const void **out, sg_plan *plan, sg_node_id node, sg_error *err);

/* Runs backward from d(loss)/d(logits), plain [batch, classes]. PARAMETERS: fills the gradient
 * block (overwrites; zero for what is not trained). */
SG_MUST_CHECK sg_status sg_plan_backward(sg_plan *plan, const void *logits_grad, sg_error *err);
/* Gradient block: graph->elements elements of the request's dtype at params' offsets; borrowed. */
void *sg_plan_gradients(sg_plan *plan);
/* NODE or INPUT: the gradient in the plain layout, after backward. */
SG_MUST_CHECK sg_status sg_plan_node_gradient(const void **out, sg_plan *plan, sg_error *err);

typedef struct sg_plan_stats {
    size_t block_bytes;    /* the planned block: activations, gradients, workspaces, scratch; and a
                              batch that is computed in slices */
    size_t unshared_bytes; /* what it would be without sharing */
    size_t packed_bytes;   /* packed copies of parameters, and the gradient block */
    int primitives, reorders, fallbacks;
    int stored; /* convolutions and linear layers that compute with bytes */
} sg_plan_stats;
void sg_plan_stats_get(sg_plan_stats *out, const sg_plan *plan);

/* Name of the first node whose output holds NaN or infinity after forward, or NULL. Slow: after a
 * bad loss only; looks at what is still in memory. */
const char *sg_plan_find_nan(sg_plan *plan);

/* From now on every step is noted in a row of its own (profile.h), and the packing of weights in
 * another. `profile` must outlive that; NULL ends it. */
SG_MUST_CHECK sg_status sg_plan_profile(sg_plan *plan, sg_profile *profile, sg_error *err);

#endif
