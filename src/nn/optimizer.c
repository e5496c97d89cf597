/* optimizer.c - one pass over the block: moments, weights and average are updated a cache-sized
 * piece at a time, so that every number is loaded from memory once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/optimizer.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 2048, LANES = 8, ALIGNMENT = 64 };

static float *block_create(size_t elements) {
    size_t bytes = (elements * sizeof(float) + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    float *block = aligned_alloc(ALIGNMENT, bytes);
    if (block) memset(block, 0, bytes);
    return block;
}

static bool is_buffer(const sg_param *param) {
    return param->role == SG_PARAM_RUNNING_MEAN || param->role == SG_PARAM_RUNNING_VAR;
}

static sg_status check_options(const sg_optimizer_options *o, sg_error *err) {
    bool adamw = o->kind == SG_OPTIMIZER_ADAMW;
    if (!(o->momentum >= 0 && o->momentum < 1) || !(o->weight_decay >= 0) || !(o->clip_norm >= 0) ||
            !(o->ema >= 0 && o->ema < 1) ||
            (adamw && (!(o->beta1 >= 0 && o->beta1 < 1) || !(o->beta2 >= 0 && o->beta2 < 1) ||
                              !(o->eps > 0))))
        return sg_fail(err, SG_ERR_USAGE,
                "optimizer settings are out of range: momentum, beta1, beta2 and ema lie in [0, "
                "1), "
                "weight decay and clip norm are at least 0, eps is above 0");
    return SG_OK;
}

sg_status sg_optimizer_create(sg_optimizer **out, const sg_params *params,
        const sg_optimizer_options *options, const bool *trained, const double *rate_factor,
        sg_error *err) {
    const sg_graph *g = params->graph;
    if (params->dtype != SG_F32)
        return sg_fail(err, SG_ERR_UNSUPPORTED, "the optimizer updates float32 parameters only");
    sg_status status = check_options(options, err);
    if (status) return status;
    size_t count = (size_t)g->param_count;
    sg_optimizer *o = calloc(1, sizeof *o);
    if (!o) goto no_memory;
    o->options = *options;
    o->graph = g;
    o->moment1 = block_create(g->elements);
    if (options->kind == SG_OPTIMIZER_ADAMW) o->moment2 = block_create(g->elements);
    if (options->ema > 0) o->ema = block_create(g->elements);
    o->trained = calloc(count + 1, sizeof *o->trained);
    o->rate_factor = calloc(count + 1, sizeof *o->rate_factor);
    if (!o->moment1 || (options->kind == SG_OPTIMIZER_ADAMW && !o->moment2) ||
            (options->ema > 0 && !o->ema) || !o->trained || !o->rate_factor)
        goto no_memory;
    for (size_t i = 0; i < count; i++) {
        o->trained[i] = !is_buffer(&g->params[i]) && (!trained || trained[i]);
        o->rate_factor[i] = rate_factor ? rate_factor[i] : 1.0;
    }
    if (o->ema) memcpy(o->ema, params->data, g->elements * sizeof(float));
    *out = o;
    return SG_OK;
no_memory:
    sg_optimizer_destroy(o);
    return sg_fail(err, SG_ERR_MEMORY, "out of memory for the optimizer of '%s'", g->name);
}

void sg_optimizer_destroy(sg_optimizer *o) {
    if (!o) return;
    free(o->moment1);
    free(o->moment2);
    free(o->ema);
    free(o->trained);
    free(o->rate_factor);
    free(o);
}

/* ---- norm ---- */

/* Lanes in a fixed order: the same sum on every machine. */
static double sum_of_squares(const float *x, size_t n) {
    double lane[LANES] = {0}, sum = 0.0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) lane[j] += (double)x[i + j] * x[i + j];
    for (; i < n; i++) lane[0] += (double)x[i] * x[i];
    for (int j = 0; j < LANES; j++) sum += lane[j];
    return sum;
}

static sg_status global_norm(
        double *out, const sg_optimizer *o, const float *grads, sg_error *err) {
    const sg_graph *g = o->graph;
    double sum = 0.0;
    for (int i = 0; i < g->param_count; i++) {
        if (!o->trained[i]) continue;
        const sg_param *param = &g->params[i];
        double part = sum_of_squares(grads + param->offset, (size_t)sg_shape_count(&param->shape));
        if (!isfinite(part))
            return sg_fail(err, SG_ERR_NUMERIC, "the gradient of '%s' is not finite", param->name);
        sum += part;
    }
    *out = sqrt(sum);
    return SG_OK;
}

/* ---- update of one piece ---- */

typedef struct rates {
    float grad_scale; /* gradient clipping */
    float rate;       /* learning rate of this parameter; AdamW: divided by its first correction */
    float decay;      /* SGD: added share; AdamW: 1 - rate * decay */
    float momentum, beta1, beta2, eps, root_correction2;
    bool nesterov;
} rates;

static void step_sgd(float *restrict p, float *restrict m, const float *restrict g, size_t n,
        const rates *restrict r) {
    float scale = r->grad_scale, decay = r->decay, momentum = r->momentum, rate = r->rate;
    if (r->nesterov) {
        for (size_t i = 0; i < n; i++) {
            float d = scale * g[i] + decay * p[i];
            m[i] = momentum * m[i] + d;
            p[i] -= rate * (d + momentum * m[i]);
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        m[i] = momentum * m[i] + (scale * g[i] + decay * p[i]);
        p[i] -= rate * m[i];
    }
}

static void step_adamw(float *restrict p, float *restrict m, float *restrict v,
        const float *restrict g, size_t n, const rates *restrict r) {
    float scale = r->grad_scale, keep = r->decay, rate = r->rate, eps = r->eps;
    float beta1 = r->beta1, beta2 = r->beta2, root = r->root_correction2;
    for (size_t i = 0; i < n; i++) {
        float d = scale * g[i];
        m[i] = beta1 * m[i] + (1.0f - beta1) * d;
        v[i] = beta2 * v[i] + (1.0f - beta2) * d * d;
        p[i] = p[i] * keep - rate * m[i] / (sqrtf(v[i]) / root + eps);
    }
}

static void step_ema(float *restrict ema, const float *restrict p, size_t n, float decay) {
    for (size_t i = 0; i < n; i++) ema[i] += (1.0f - decay) * (p[i] - ema[i]);
}

static rates rates_of(const sg_optimizer *o, int index, double learning_rate, double grad_scale) {
    const sg_optimizer_options *opt = &o->options;
    const sg_param *param = &o->graph->params[index];
    double decay = opt->decay_all || param->role == SG_PARAM_WEIGHT ? opt->weight_decay : 0.0;
    double rate = learning_rate * o->rate_factor[index], t = (double)o->step;
    rates r = {.grad_scale = (float)grad_scale, .nesterov = opt->nesterov};
    r.momentum = (float)opt->momentum;
    if (opt->kind == SG_OPTIMIZER_SGD) {
        r.rate = (float)rate;
        r.decay = (float)decay;
        return r;
    }
    r.rate = (float)(rate / (1.0 - pow(opt->beta1, t)));
    r.decay = (float)(1.0 - rate * decay);
    r.beta1 = (float)opt->beta1;
    r.beta2 = (float)opt->beta2;
    r.eps = (float)opt->eps;
    r.root_correction2 = (float)sqrt(1.0 - pow(opt->beta2, t));
    return r;
}

static void step_param(
        sg_optimizer *o, float *data, const float *grads, int index, const rates *r, float ema) {
    const sg_param *param = &o->graph->params[index];
    size_t begin = param->offset, end = begin + (size_t)sg_shape_count(&param->shape);
    for (size_t at = begin; at < end; at += PIECE) {
        size_t n = end - at < PIECE ? end - at : PIECE;
        if (o->trained[index]) {
            if (o->options.kind == SG_OPTIMIZER_SGD)
                step_sgd(data + at, o->moment1 + at, grads + at, n, r);
            else
                step_adamw(data + at, o->moment1 + at, o->moment2 + at, grads + at, n, r);
        }
        if (o->ema) step_ema(o->ema + at, data + at, n, ema);
    }
}

sg_status sg_optimizer_step(sg_optimizer *o, sg_params *params, const float *grads,
        double learning_rate, double *grad_norm, sg_error *err) {
    const sg_graph *g = o->graph;
    double norm = 0.0;
    sg_status status = global_norm(&norm, o, grads, err);
    if (status) return status;
    double clip = o->options.clip_norm;
    double grad_scale = clip > 0 && norm > clip ? clip / norm : 1.0;
    o->step++;
    double t = (double)o->step;
    float ema = (float)fmin(o->options.ema, (1.0 + t) / (10.0 + t));
    for (int i = 0; i < g->param_count; i++) {
        bool moves = o->trained[i] || (o->ema && is_buffer(&g->params[i]));
        if (!moves) continue;
        rates r = rates_of(o, i, learning_rate, grad_scale);
        step_param(o, params->data, grads, i, &r, ema);
    }
    params->version++;
    if (grad_norm) *grad_norm = norm;
    return SG_OK;
}
