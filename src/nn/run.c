/* run.c - executing the steps of a plan.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "nn/plan_internal.h"

/* 0 with probability p, else 1/(1-p). */
static void draw_mask(const sg_plan *plan, sg_step *step, uint64_t seed, uint32_t dropout_step) {
    double p = plan->graph->nodes[step->node].dropout, keep = 1.0 / (1.0 - p);
    int64_t count = sg_shape_count(&plan->shapes[step->node]);
    sg_rng rng = sg_rng_make(seed, SG_RNG_DROPOUT, dropout_step, (uint32_t)step->node);
    void *mask = step->args[SG_ARG_MASK];
    for (int64_t i = 0; i < count; i++) {
        double m = sg_rng_uniform(&rng) < p ? 0.0 : keep;
        if (plan->request.dtype == SG_F64)
            ((double *)mask)[i] = m;
        else
            ((float *)mask)[i] = (float)m;
    }
}

static double get(const void *data, sg_dtype dtype, size_t i) {
    return dtype == SG_F64 ? ((const double *)data)[i] : ((const float *)data)[i];
}

static void set(void *data, sg_dtype dtype, size_t i, double x) {
    if (dtype == SG_F64)
        ((double *)data)[i] = x;
    else
        ((float *)data)[i] = (float)x;
}

/* As torch: running = (1 - momentum) running + momentum batch, with the unbiased variance. */
static void move_statistics(sg_plan *plan, const sg_step *step) {
    const sg_node *node = &plan->graph->nodes[step->node];
    const sg_param *params = plan->graph->params + node->first_param;
    sg_dtype dtype = plan->request.dtype;
    double m = node->momentum;
    double samples = (double)(sg_shape_count(&plan->shapes[step->node]) / node->channels);
    double unbiased = samples > 1 ? samples / (samples - 1) : 1.0;
    for (int64_t c = 0; c < node->channels; c++) {
        size_t mean = params[2].offset + (size_t)c, var = params[3].offset + (size_t)c;
        void *data = plan->params->data;
        double batch_mean = get(step->args[SG_ARG_MEAN], dtype, (size_t)c);
        double batch_var = get(step->args[SG_ARG_VAR], dtype, (size_t)c) * unbiased;
        set(data, dtype, mean, (1 - m) * get(data, dtype, mean) + m * batch_mean);
        set(data, dtype, var, (1 - m) * get(data, dtype, var) + m * batch_var);
    }
    /* Other plans have to look again; this one folds no batch norm whose statistics it moves. */
    bool fresh = plan->packed_version == plan->params->version;
    plan->params->version++;
    if (fresh) plan->packed_version = plan->params->version;
}

sg_status sg_run_step(
        sg_plan *plan, sg_step *step, uint64_t seed, uint32_t dropout_step, sg_error *err) {
    switch (step->kind) {
    case SG_STEP_MASK:
        draw_mask(plan, step, seed, dropout_step);
        break;
    case SG_STEP_STATISTICS:
        move_statistics(plan, step);
        break;
    case SG_STEP_EXECUTE:
        return sg_primitive_execute(step->primitive, step->args, err);
    }
    return SG_OK;
}

sg_status sg_run_steps(
        sg_plan *plan, int begin, int end, uint64_t seed, uint32_t dropout_step, sg_error *err) {
    for (int i = begin; i < end; i++) {
        sg_step *step = &plan->steps[i];
        double start = plan->profile ? sg_profile_now() : 0.0;
        sg_status status = sg_run_step(plan, step, seed, dropout_step, err);
        if (status && step->node != SG_NOTHING)
            return sg_fail_context(err, status, "node '%s'", plan->graph->nodes[step->node].name);
        if (status) return status;
        if (plan->profile) sg_profile_note(plan->profile, plan->profile_row + 1 + (size_t)i, start);
    }
    return SG_OK;
}
