/* kernels.inc.h - all kernels for one element type. A template: the including file defines `real`
 * (float or double) and KERNELS (the name of the table). Every kernel is static, so that names need
 * no suffix; sums are always taken in double. SPDX-License-Identifier: Apache-2.0 */
#include "backend/ref/kernels.h"
#include "backend/ref/window.h"
#include <math.h>
#include <string.h>

/* What may be fused behind an operation. */
static inline real finish(double y, const sg_problem *p) {
    if (!p->fuse_relu) return (real)y;
    if (y < 0) return 0;
    return (real)(p->clip > 0 && y > p->clip ? p->clip : y);
}

/* Pixels of one channel of one image; 1 for [n, c]. */
static inline int64_t plane_size(const sg_shape *shape) {
    return shape->rank == 4 ? shape->dims[2] * shape->dims[3] : 1;
}

/* The gradient of what a batch norm or channel scale gives, before any ReLU. */
typedef struct incoming {
    const real *diff, *part;
    int64_t share; /* of how many elements one of the part is the sum; 0: no part */
} incoming;

static double incoming_at(const incoming *g, int64_t i) {
    if (!g->share) return g->diff[i];
    return (real)(g->diff[i] + (real)((double)g->part[i / g->share] / (double)g->share));
}

static incoming incoming_of(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    incoming g = {.diff = args[SG_ARG_DIFF_DST], .part = args[SG_ARG_DIFF_PART]};
    if (p->diff_part) g.share = p->diff_part == SG_DIFF_SPREAD ? plane_size(&p->dst) : 1;
    return g;
}

/* As it comes; or behind the fused ReLU of a sum, then left where the summand's belongs. */
static incoming pass_summand(const sg_problem *p, void *const args[SG_ARG_COUNT]) {
    const real *dst = args[SG_ARG_DST];
    incoming g = incoming_of(p, args);
    int summand = sg_problem_summand(p);
    if (summand < 0 || !p->fuse_relu) return g;
    real *passed = args[SG_ARG_DIFF_SRC0 + summand];
    int64_t count = sg_shape_count(&p->dst);
    for (int64_t i = 0; i < count; i++)
        passed[i] = dst[i] > 0 && (p->clip <= 0 || dst[i] < p->clip) ? (real)incoming_at(&g, i) : 0;
    return (incoming){.diff = passed};
}

#include "backend/ref/affine.inc.h"
#include "backend/ref/batch_norm.inc.h"
#include "backend/ref/combine.inc.h"
#include "backend/ref/conv.inc.h"
#include "backend/ref/linear.inc.h"
#include "backend/ref/pointwise.inc.h"
#include "backend/ref/pool.inc.h"

const sg_ref_kernels KERNELS = {{
        [SG_OP_CONV] = {conv_forward, conv_forward, conv_backward_data, conv_backward_weights},
        [SG_OP_BATCH_NORM] = {batch_norm_infer, batch_norm_train, batch_norm_backward, NULL},
        [SG_OP_RELU] = {relu_forward, relu_forward, relu_backward, NULL},
        [SG_OP_MAX_POOL] = {max_pool_forward, max_pool_forward, max_pool_backward, NULL},
        [SG_OP_AVG_POOL] = {avg_pool_forward, avg_pool_forward, avg_pool_backward, NULL},
        [SG_OP_GLOBAL_POOL] = {global_pool_forward, global_pool_forward, global_pool_backward,
                NULL},
        [SG_OP_ADAPTIVE_POOL] = {adaptive_pool_forward, adaptive_pool_forward,
                adaptive_pool_backward, NULL},
        [SG_OP_LINEAR] = {linear_forward, linear_forward, linear_backward_data,
                linear_backward_weights},
        [SG_OP_ADD] = {add_forward, add_forward, NULL, NULL},
        [SG_OP_CONCAT] = {concat_forward, concat_forward, concat_backward, NULL},
        [SG_OP_CHANNEL_SCALE] = {channel_scale_forward, channel_scale_forward,
                channel_scale_backward, NULL},
        [SG_OP_SIGMOID] = {sigmoid_forward, sigmoid_forward, sigmoid_backward, NULL},
        [SG_OP_DROPOUT] = {dropout_forward, dropout_forward, dropout_backward, NULL},
        [SG_OP_AFFINE] = {affine_forward, affine_forward, affine_backward_data,
                affine_backward_weights},
        [SG_OP_REORDER] = {reorder_forward, NULL, NULL, NULL},
}};
