/* init.c - the random start, torchvision's rules.
 * Convolutions: He et al. 2015, normal, fan-out as torch counts it (out * kernel area, groups not
 * considered). Linear layers: uniform +-1/sqrt(fan_in).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "nn/params.h"
#include <math.h>

typedef struct rule {
    enum { CONSTANT, NORMAL, UNIFORM } kind;
    double value; /* the constant, the standard deviation, or the half width */
} rule;

static rule rule_of(const sg_graph *g, const sg_param *param) {
    if (param->is_constant) return (rule){CONSTANT, param->constant};
    const sg_node *node = &g->nodes[param->node];
    double gain = param->init_gain;
    switch (param->role) {
    case SG_PARAM_WEIGHT:
        if (node->op == SG_OP_LINEAR)
            return (rule){UNIFORM, gain / sqrt((double)node->in_features)};
        return (rule){NORMAL,
                gain * sqrt(2.0 / (double)(node->channels * node->kernel[0] * node->kernel[1]))};
    case SG_PARAM_BIAS:
        if (node->op == SG_OP_LINEAR)
            return (rule){UNIFORM, gain / sqrt((double)node->in_features)};
        return (rule){CONSTANT, 0.0};
    case SG_PARAM_GAMMA:
    case SG_PARAM_RUNNING_VAR:
        return (rule){CONSTANT, 1.0};
    case SG_PARAM_BETA:
    case SG_PARAM_RUNNING_MEAN:
        break;
    }
    return (rule){CONSTANT, 0.0};
}

static double draw(rule r, sg_rng *rng) {
    switch (r.kind) {
    case NORMAL:
        return r.value * sg_rng_normal(rng);
    case UNIFORM:
        return sg_rng_between(rng, -r.value, r.value);
    case CONSTANT:
        break;
    }
    return r.value;
}

sg_status sg_params_init(sg_params *params, uint64_t seed, sg_error *err) {
    const sg_graph *g = params->graph;
    for (int i = 0; i < g->param_count; i++) {
        rule r = rule_of(g, &g->params[i]);
        if (!isfinite(r.value))
            return sg_fail(
                    err, SG_ERR_INTERNAL, "parameter '%s' has no finite start", g->params[i].name);
        sg_rng rng = sg_rng_make(seed, SG_RNG_INIT, (uint32_t)i, 0);
        int64_t count = sg_shape_count(&g->params[i].shape);
        for (int64_t j = 0; j < count; j++) {
            double x = draw(r, &rng);
            if (params->dtype == SG_F64)
                sg_params_f64(params, i)[j] = x;
            else
                sg_params_f32(params, i)[j] = (float)x;
        }
    }
    params->version++;
    return SG_OK;
}
