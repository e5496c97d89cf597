/* op_run.h - runs one problem on one backend, from plain values to plain values: what the
 * conformance suite compares, the gradient check perturbs and the benchmark times.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_OP_RUN_H
#define SUPPORT_OP_RUN_H

#include "backend/backend.h"

/* Every argument as plain doubles, NULL where the problem takes none. A backward pass also holds
 * what its forward pass takes. */
typedef struct op_values {
    double *of[SG_ARG_COUNT];
    int64_t count[SG_ARG_COUNT];
} op_values;

typedef enum op_mode {
    OP_CHOSEN,   /* the backend chooses all layouts */
    OP_PLAIN,    /* all layouts plain */
    OP_IN_PLACE, /* chosen, outputs over inputs wherever the primitive allows */
    OP_FLOWING,  /* as in a plan: activations come in the layout a convolution would give them, the
                    backward pass finds them as the forward pass left them; also in place */
    OP_BLOCKED,  /* the same behind a convolution in TRAIN, whose layouts may pad channels */
    OP_MODES
} op_mode;

const char *op_mode_name(op_mode mode);
/* The forward pass that a backward pass belongs to (TRAIN); other problems as they are. */
sg_problem op_forward(const sg_problem *problem);
/* Whether a pass writes an argument. */
bool op_is_output(const sg_problem *problem, sg_arg arg);

/* Random inputs, all of them float32 values, so that every backend starts from the same numbers. */
SG_MUST_CHECK sg_status op_values_create(
        op_values *v, const sg_problem *p, uint64_t seed, sg_error *err);
SG_MUST_CHECK sg_status op_values_copy(op_values *to, const op_values *from, sg_error *err);
void op_values_dispose(op_values *v);

/* Runs the forward pass (for a backward pass: in TRAIN, keeping WORKSPACE and outputs), then the
 * pass. Checks on the way that nothing is written outside a buffer and that sizes fit together
 * (SG_ERR_INTERNAL). Elements that were not written come back as NaN. */
SG_MUST_CHECK sg_status op_run(
        op_values *v, sg_backend *backend, const sg_problem *p, op_mode mode, sg_error *err);

/* Seconds of the fastest execution of the pass alone over `rounds`, after one to warm up. Layouts
 * as they flow through a plan, not in place. what: the primitive's own words, may be NULL. */
SG_MUST_CHECK sg_status op_time(double *seconds, char what[SG_PROBLEM_TEXT], sg_backend *backend,
        const sg_problem *p, int rounds, sg_error *err);

#endif
