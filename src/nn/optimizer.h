/* optimizer.h - SGD with momentum and AdamW over the parameter block (Loshchilov and Hutter 2019;
 * update rules as torch.optim has them), with per-parameter learning-rate factors, gradient
 * clipping by global norm and an exponential moving average of weights and running statistics.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_NN_OPTIMIZER_H
#define SG_NN_OPTIMIZER_H

#include "backend/backend.h"
#include "nn/params.h"

typedef struct sg_optimizer_cut sg_optimizer_cut;

typedef enum sg_optimizer_kind { SG_OPTIMIZER_SGD, SG_OPTIMIZER_ADAMW } sg_optimizer_kind;

typedef struct sg_optimizer_options {
    sg_optimizer_kind kind;
    double momentum; /* SGD; also Nesterov when nesterov */
    bool nesterov;
    double beta1, beta2, eps;
    double weight_decay; /* SGD: added to the gradient; AdamW: decoupled */
    bool decay_all;      /* false: only weights of conv and linear decay, no biases, no norms */
    double clip_norm;    /* 0 = off */
    double ema;          /* decay, 0 = off */
} sg_optimizer_options;
#define SG_OPTIMIZER_OPTIONS_INIT                                                                  \
    { SG_OPTIMIZER_ADAMW, 0.9, false, 0.9, 0.999, 1e-8, 0.01, false, 0.0, 0.0 }

typedef struct sg_optimizer {
    sg_optimizer_options options;
    const sg_graph *graph;
    float *moment1, *moment2; /* blocks like params; moment2 NULL for SGD */
    float *ema;               /* block like params, NULL when off; starts as a copy */
    bool *trained;            /* [param_count] */
    double *rate_factor;      /* [param_count], multiplies the learning rate */
    int64_t step;             /* updates done */
    sg_backend *threads;      /* borrowed: an update runs on its threads; NULL = on the caller's */
    sg_optimizer_cut *cut;    /* how the block is cut into work */
} sg_optimizer;

SG_MUST_CHECK sg_status sg_optimizer_create(sg_optimizer **out, const sg_params *params,
        const sg_optimizer_options *options, const bool *trained, const double *rate_factor,
        sg_error *err); /* trained, rate_factor copied; NULL = all, 1. `threads` starts as NULL */
void sg_optimizer_destroy(sg_optimizer *optimizer);

/* One update at this learning rate, the same bits for any number of threads; raises
 * params->version, also updates the EMA (whose decay is min(ema, (1+t)/(10+t)) so that a short run
 * is not ruled by its start). *grad_norm: global norm before clipping (may be NULL). SG_ERR_NUMERIC
 * when the norm is not finite, params untouched, naming the first such parameter. */
SG_MUST_CHECK sg_status sg_optimizer_step(sg_optimizer *optimizer, sg_params *params,
        const float *grads, double learning_rate, double *grad_norm, sg_error *err);

#endif
