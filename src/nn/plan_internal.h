/* plan_internal.h - the planner's own data, shared by the files that make and run a plan:
 *
 *   fuse.c      which nodes are computed, which need gradients, which are fused into one primitive
 *   lower.c     groups of nodes -> forward steps          backward.c  the same for the backward
 * pass bind.c      values and steps; a value in the layout a primitive wants; the arguments of a
 * step pack.c      parameters: folded, reordered, refreshed when the masters move memory.c
 * liveness, in-place operation, offsets in the block plan.c      creation and the public calls
 * slices.c    a large batch of a prediction, a few images at a time
 * run.c       executing steps
 *
 * A value is one tensor (or workspace) of one layout; a step executes one primitive on values.
 * Steps are numbered through both passes, so a value's life is an interval of step numbers. Values
 * that share bytes by decision (in place, sums into their summand) share a root.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_NN_PLAN_INTERNAL_H
#define SG_NN_PLAN_INTERNAL_H

#include "nn/plan.h"

enum { SG_NOTHING = -1 }; /* no value, no node */

typedef enum sg_region {
    SG_REGION_BLOCK,  /* planned by liveness */
    SG_REGION_PACK,   /* packed parameters: alive as long as the plan */
    SG_REGION_OUTSIDE /* the master parameters or the gradient block */
} sg_region;

typedef struct sg_value {
    const sg_layout *layout; /* plain ones are always the main backend's */
    size_t bytes;
    sg_region region;
    void *data;      /* OUTSIDE: from the start; else set by sg_memory_assign */
    int root;        /* the value whose bytes these are; itself, mostly */
    int first, last; /* of the root: steps between which the bytes matter */
    size_t offset;   /* of the root, in its region */
    int copy_of;     /* the value this is a reordered copy of, or SG_NOTHING */
} sg_value;

typedef enum sg_step_kind {
    SG_STEP_EXECUTE,
    SG_STEP_MASK,      /* draws the dropout mask of `node` into MASK */
    SG_STEP_STATISTICS /* moves the running statistics of `node` towards MEAN and VAR */
} sg_step_kind;

typedef struct sg_step {
    sg_step_kind kind;
    sg_node_id node;
    sg_primitive *primitive;  /* EXECUTE only; owned by plan->primitives */
    int value[SG_ARG_COUNT];  /* SG_NOTHING where there is none */
    void *args[SG_ARG_COUNT]; /* set by sg_memory_assign */
} sg_step;

/* Constants of an affine node: they are no parameters, but plans want them packed. */
typedef struct sg_constant {
    sg_node_id node;
    bool shift; /* else the scale */
    int value;
} sg_constant;

/* How one conv or linear weight reaches its primitive: master -> (folded) -> (reordered). */
typedef struct sg_pack {
    int param;
    sg_node_id norm;       /* batch norm folded in, or SG_NOTHING */
    int folded;            /* plain value of the folded weight; SG_NOTHING without folding */
    int packed;            /* value given to the primitive */
    sg_primitive *reorder; /* into packed; NULL when packed is plain */
} sg_pack;

/* Bias of a convolution with a batch norm folded in. */
typedef struct sg_folded_bias {
    sg_node_id conv, norm;
    int value;
} sg_folded_bias;

/* A bias in the units of 8-bit products: real bias -> bias / (scale of source and weight). */
typedef struct sg_scaled_bias {
    int from, to;
    sg_primitive *reorder;
} sg_scaled_bias;

typedef struct sg_tap {
    sg_node_id node;
    int value, plain;     /* equal when the value is plain already */
    sg_step step;         /* the reorder, run on demand; primitive NULL when equal */
    unsigned char *whole; /* of all slices; NULL without */
} sg_tap;

struct sg_plan {
    const sg_graph *graph;
    sg_params *params;
    sg_backend *backend, *fallback;
    sg_plan_request request; /* its arrays belong to the caller: not used after creation; its batch
                                is that of a slice */
    sg_shape *shapes;        /* [node_count] */
    int *node_value;         /* [node_count]; SG_NOTHING where fused away or not computed */

    sg_value *values;
    sg_step *steps;
    sg_primitive **primitives;
    sg_pack *packs;
    sg_folded_bias *folded_biases;
    sg_scaled_bias *scaled_biases;
    sg_constant *constants;
    sg_tap *taps;
    int constant_count;
    size_t constant_capacity;
    int value_count, step_count, primitive_count, pack_count, folded_bias_count, tap_count;
    int scaled_bias_count;
    size_t value_capacity, step_capacity, primitive_capacity, pack_capacity, folded_bias_capacity;
    size_t scaled_bias_capacity;
    int forward_count; /* steps before this one are forward */
    int reorders, fallbacks, stored;

    int input, logits, logits_grad, target_grad;
    int auxiliary_count, auxiliary_logits[SG_MAX_AUXILIARY], auxiliary_grad[SG_MAX_AUXILIARY];
    int fold_scratch; /* PACK value that a folded weight passes through on its way to a layout */
    int pack_scratch; /* PACK value for the reorders on that way, or SG_NOTHING */

    unsigned char *block, *pack;
    size_t block_bytes, pack_bytes, unshared_bytes;
    bool borrowed;  /* the block is the lender's */
    int64_t slices; /* so many times the steps run for one batch; 1 without slicing */
    unsigned char *whole_input, *whole_logits; /* the caller's, with more than one slice */
    void *gradients;
    uint64_t packed_version; /* params->version that the packs were made from */
    sg_profile *profile;     /* of the steps, from row profile_row + 1 on; NULL: off */
    size_t profile_row;
};

/* What one primitive computes: a lead node and those fused behind it. */
typedef struct sg_group {
    sg_node_id lead;    /* of the group this node is in; itself when it leads */
    sg_node_id out;     /* leads only: whose output the group makes */
    sg_node_id norm;    /* folded batch norm, or SG_NOTHING */
    sg_node_id sum;     /* node whose output is added and overwritten, or SG_NOTHING */
    sg_node_id summand; /* node whose output is added and only read, or SG_NOTHING */
    bool relu;
    double clip;
} sg_group;

typedef struct sg_compiled {
    sg_primitive *forward, *data, *weights; /* the latter two when backward asks for them */
} sg_compiled;

typedef struct sg_node_state {
    sg_compiled compiled;
    int workspace, mean, var, mask; /* values kept for backward */
} sg_node_state;

typedef struct sg_contribution {
    sg_node_id node; /* whose output's gradient */
    int value;
    bool spread; /* the gradient of its mean over H, W (SG_DIFF_SPREAD) */
} sg_contribution;

/* The gradient of a group's output: one value, or two that its primitive adds. */
typedef struct sg_incoming {
    int diff_dst, part; /* SG_NOTHING where there is none */
} sg_incoming;

/* Lives only while a plan is created. */
typedef struct sg_lowering {
    sg_plan *plan;
    const sg_quant *quant; /* [node_count], the request's; or NULL */
    bool *trained;         /* [param_count] */
    bool *statistics;      /* [node_count] batch statistics */
    bool *alive;           /* computed at all */
    bool *wants;           /* the gradient of this node's output is needed */
    bool *backward;        /* this node has a backward step of its own */
    bool *kept;            /* its output must exist: output, tap, gradient target */
    sg_group *groups;
    sg_node_state *states;
    sg_contribution *contributions;
    int contribution_count;
    size_t contribution_capacity;
} sg_lowering;

/* fuse.c */
SG_MUST_CHECK sg_status sg_fuse_analyse(sg_lowering *l, const sg_plan_request *r, sg_error *err);
void sg_fuse_groups(sg_lowering *l);
bool sg_fuse_is_identity(const sg_lowering *l, sg_node_id node); /* dropout off, pool that fits */
bool sg_fuse_trains(const sg_lowering *l, sg_node_id node);      /* owns a trained parameter */
/* What the group's primitive reads as SRC0 + i: an input of its lead, or the summand behind them.
 */
sg_node_id sg_fuse_input(const sg_lowering *l, sg_node_id lead, int i);
int sg_fuse_input_count(const sg_lowering *l, sg_node_id lead);

/* lower.c, backward.c */
SG_MUST_CHECK sg_status sg_lower_forward(sg_lowering *l, sg_error *err);
SG_MUST_CHECK sg_status sg_lower_backward(sg_lowering *l, sg_error *err);
/* Compiles on the main backend, else on the fallback; the plan owns the result. */
SG_MUST_CHECK sg_status sg_lower_compile(sg_primitive **out, sg_lowering *l,
        const sg_problem *problem, const sg_wanted *wanted, sg_error *err);
/* Lets the group's data pass take its incoming gradient in two parts. SG_ERR_UNSUPPORTED: it
 * cannot, and is as it was. */
SG_MUST_CHECK sg_status sg_lower_take_part(
        sg_lowering *l, sg_node_id lead, sg_diff_part part, sg_error *err);
SG_MUST_CHECK sg_status sg_lower_own(sg_plan *plan, sg_primitive *primitive, sg_error *err);

/* bind.c */
SG_MUST_CHECK sg_status sg_bind_value(
        int *out, sg_plan *plan, const sg_layout *layout, sg_region region, sg_error *err);
SG_MUST_CHECK sg_status sg_bind_outside(
        int *out, sg_plan *plan, const sg_shape *shape, void *data, sg_error *err);
int sg_bind_param(const sg_graph *g, sg_node_id id, sg_param_role role); /* or SG_NOTHING */
SG_MUST_CHECK sg_status sg_bind_plain(
        const sg_layout **out, sg_plan *plan, const sg_shape *shape, sg_error *err);
/* The value in this layout: itself, an earlier copy, or a new reorder step. */
SG_MUST_CHECK sg_status sg_bind_fit(
        int *out, sg_plan *plan, int value, const sg_layout *layout, sg_error *err);
SG_MUST_CHECK sg_status sg_bind_reorder(sg_primitive **out, sg_plan *plan, const sg_layout *from,
        const sg_layout *to, sg_error *err);
void sg_bind_step_init(sg_step *step, sg_step_kind kind, sg_node_id node, sg_primitive *primitive);
SG_MUST_CHECK sg_status sg_bind_append(sg_plan *plan, const sg_step *step, sg_error *err);
/* Gives the step a value for every argument that its primitive takes. gradient: NULL in forward. */
SG_MUST_CHECK sg_status sg_bind_arguments(
        sg_step *step, sg_lowering *l, sg_node_id lead, const sg_incoming *gradient, sg_error *err);

/* pack.c */
SG_MUST_CHECK sg_status sg_pack_weight(int *out, sg_plan *plan, int param, sg_node_id norm,
        const sg_layout *layout, sg_error *err);
SG_MUST_CHECK sg_status sg_pack_folded_bias(
        int *out, sg_plan *plan, sg_node_id conv, sg_node_id norm, sg_error *err);
SG_MUST_CHECK sg_status sg_pack_constant(
        int *out, sg_plan *plan, sg_node_id affine, bool shift, sg_error *err);
/* The value's numbers in a layout of scaled ones. */
SG_MUST_CHECK sg_status sg_pack_scaled_bias(
        int *out, sg_plan *plan, int value, const sg_layout *layout, sg_error *err);
/* scale[channels]: the largest weight of each output channel, norm folded in, is stored as 127. */
void sg_pack_weight_scales(float *scale, const sg_plan *plan, int param, sg_node_id norm);
SG_MUST_CHECK sg_status sg_pack_refresh(sg_plan *plan, sg_error *err); /* all, when masters moved */

/* memory.c */
SG_MUST_CHECK sg_status sg_memory_assign(sg_plan *plan, sg_error *err);
/* Walks the finished plan: no two values alive at one step share a byte that they should not, all
 * lie inside their region, all are aligned. SG_ERR_INTERNAL names the pair. For tests. */
SG_MUST_CHECK sg_status sg_memory_check(const sg_plan *plan, sg_error *err);

/* slices.c */

/* How many images of the request's batch are to be computed together: all, or a divisor. */
SG_MUST_CHECK sg_status sg_slice_images(
        int64_t *images, const sg_graph *graph, const sg_plan_request *request, sg_error *err);
SG_MUST_CHECK sg_status sg_slice_create(sg_plan *plan, sg_error *err); /* once the rest is made */
size_t sg_slice_bytes(const sg_plan *plan); /* of the whole batch, outside the block */
void sg_slice_dispose(sg_plan *plan);
/* Forward of all slices. */
SG_MUST_CHECK sg_status sg_slice_run(sg_plan *plan, sg_error *err);

/* run.c */
SG_MUST_CHECK sg_status sg_run_steps(
        sg_plan *plan, int begin, int end, uint64_t seed, uint32_t dropout_step, sg_error *err);
SG_MUST_CHECK sg_status sg_run_step(
        sg_plan *plan, sg_step *step, uint64_t seed, uint32_t dropout_step, sg_error *err);

static inline bool sg_value_is_plain(const sg_plan *plan, int value) {
    return plan->values[value].layout->plain;
}

#endif
