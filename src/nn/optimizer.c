/* optimizer.c - two passes over the block: the gradient's norm, then everything else. Weights,
 * moments and average are updated a cache-sized strip at a time, so that every number is loaded
 * from memory once.
 *
 * All threads work, each on a row of units. A unit is made of pieces, which belong to one parameter
 * each; how the block is cut depends on the parameters alone, so that the norm, a sum of the units'
 * sums, has the same bits for any number of threads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/optimizer.h"
#include "base/block.h"
#include "nn/update.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { UNIT = 32768, STRIP = 2048 };

typedef struct piece {
    int param;
    size_t begin, count; /* of elements of the block; at most UNIT */
} piece;

struct sg_optimizer_cut {
    piece *pieces;
    size_t *first; /* [units + 1] pieces; a unit ends as soon as it has UNIT elements */
    size_t units;
    double *squares;        /* [units] */
    sg_update_rates *rates; /* [param_count], of the step in hand */
};

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

/* ---- how the block is cut ---- */

/* Running statistics do not learn, but are averaged. */
static bool moves(const sg_optimizer *o, int param) {
    return o->trained[param] || (o->ema && is_buffer(&o->graph->params[param]));
}

static void cut_block(sg_optimizer_cut *cut, const sg_optimizer *o) {
    size_t pieces = 0, in_unit = 0;
    for (int i = 0; i < o->graph->param_count; i++) {
        const sg_param *param = &o->graph->params[i];
        size_t end = param->offset + (size_t)sg_shape_count(&param->shape);
        for (size_t at = param->offset; at < end && moves(o, i); at += UNIT) {
            size_t count = end - at < UNIT ? end - at : UNIT;
            cut->pieces[pieces++] = (piece){i, at, count};
            in_unit += count;
            if (in_unit < UNIT) continue;
            cut->first[++cut->units] = pieces;
            in_unit = 0;
        }
    }
    if (in_unit > 0) cut->first[++cut->units] = pieces;
}

static void cut_destroy(sg_optimizer_cut *cut) {
    if (!cut) return;
    free(cut->pieces);
    free(cut->first);
    free(cut->squares);
    free(cut->rates);
    free(cut);
}

static sg_optimizer_cut *cut_create(const sg_optimizer *o) {
    size_t params = (size_t)o->graph->param_count, most = o->graph->elements / UNIT + params + 1;
    sg_optimizer_cut *cut = calloc(1, sizeof *cut);
    if (!cut) return NULL;
    cut->pieces = calloc(most, sizeof *cut->pieces);
    cut->first = calloc(most + 1, sizeof *cut->first);
    cut->squares = calloc(most, sizeof *cut->squares);
    cut->rates = calloc(params + 1, sizeof *cut->rates);
    if (cut->pieces && cut->first && cut->squares && cut->rates) {
        cut_block(cut, o);
        return cut;
    }
    cut_destroy(cut);
    return NULL;
}

/* ---- life ---- */

static float *create_numbers(const sg_graph *g) {
    return sg_block_create(g->elements * sizeof(float));
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
    o->moment1 = create_numbers(g);
    if (options->kind == SG_OPTIMIZER_ADAMW) o->moment2 = create_numbers(g);
    if (options->ema > 0) o->ema = create_numbers(g);
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
    o->cut = cut_create(o);
    if (!o->cut) goto no_memory;
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
    cut_destroy(o->cut);
    free(o);
}

/* ---- norm ---- */

/* What the threads share while they go over the units. */
typedef struct update {
    const sg_optimizer *o;
    float *data;
    const float *grads;
    float ema; /* decay of the average */
} update;

static void norm_body(const void *user, int64_t begin, int64_t end) {
    const update *u = user;
    const sg_optimizer_cut *cut = u->o->cut;
    for (int64_t unit = begin; unit < end; unit++) {
        double sum = 0.0;
        for (size_t i = cut->first[unit]; i < cut->first[unit + 1]; i++) {
            const piece *p = &cut->pieces[i];
            if (u->o->trained[p->param]) sum += sg_update_squares(u->grads + p->begin, p->count);
        }
        cut->squares[unit] = sum;
    }
}

static sg_status name_bad_gradient(const update *u, sg_error *err) {
    const sg_graph *g = u->o->graph;
    for (int i = 0; i < g->param_count; i++) {
        const sg_param *param = &g->params[i];
        size_t count = (size_t)sg_shape_count(&param->shape);
        if (u->o->trained[i] && !isfinite(sg_update_squares(u->grads + param->offset, count)))
            return sg_fail(err, SG_ERR_NUMERIC, "the gradient of '%s' is not finite", param->name);
    }
    return sg_fail(err, SG_ERR_NUMERIC, "the gradients of '%s' are too large", g->name);
}

static sg_status global_norm(double *out, const update *u, sg_error *err) {
    const sg_optimizer_cut *cut = u->o->cut;
    double sum = 0.0;
    sg_backend_parallel(u->o->threads, (int64_t)cut->units, norm_body, u);
    for (size_t i = 0; i < cut->units; i++) sum += cut->squares[i];
    if (!isfinite(sum)) return name_bad_gradient(u, err);
    *out = sqrt(sum);
    return SG_OK;
}

/* ---- update ---- */

static sg_update_rates rates_of(
        const sg_optimizer *o, int index, double learning_rate, double grad_scale) {
    const sg_optimizer_options *opt = &o->options;
    const sg_param *param = &o->graph->params[index];
    double decay = opt->decay_all || param->role == SG_PARAM_WEIGHT ? opt->weight_decay : 0.0;
    double rate = learning_rate * o->rate_factor[index], t = (double)o->step;
    sg_update_rates r = {.grad_scale = (float)grad_scale, .nesterov = opt->nesterov};
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
    r.invert_root = (float)(1.0 / sqrt(1.0 - pow(opt->beta2, t)));
    return r;
}

static void update_piece(const update *u, const piece *p) {
    const sg_optimizer *o = u->o;
    const sg_update_rates *r = &o->cut->rates[p->param];
    for (size_t at = p->begin, end = p->begin + p->count; at < end; at += STRIP) {
        size_t n = end - at < STRIP ? end - at : STRIP;
        if (o->trained[p->param]) {
            if (o->options.kind == SG_OPTIMIZER_SGD)
                sg_update_sgd(u->data + at, o->moment1 + at, u->grads + at, n, r);
            else
                sg_update_adamw(
                        u->data + at, o->moment1 + at, o->moment2 + at, u->grads + at, n, r);
        }
        if (o->ema) sg_update_average(o->ema + at, u->data + at, n, u->ema);
    }
}

static void update_body(const void *user, int64_t begin, int64_t end) {
    const update *u = user;
    const sg_optimizer_cut *cut = u->o->cut;
    for (size_t i = cut->first[begin]; i < cut->first[end]; i++) update_piece(u, &cut->pieces[i]);
}

sg_status sg_optimizer_step(sg_optimizer *o, sg_params *params, const float *grads,
        double learning_rate, double *grad_norm, sg_error *err) {
    double norm = 0.0;
    update u = {.o = o, .data = params->data, .grads = grads};
    sg_status status = global_norm(&norm, &u, err);
    if (status) return status;
    double clip = o->options.clip_norm;
    double grad_scale = clip > 0 && norm > clip ? clip / norm : 1.0;
    o->step++;
    double t = (double)o->step;
    u.ema = (float)fmin(o->options.ema, (1.0 + t) / (10.0 + t));
    for (int i = 0; i < o->graph->param_count; i++)
        o->cut->rates[i] = rates_of(o, i, learning_rate, grad_scale);
    sg_backend_parallel(o->threads, (int64_t)o->cut->units, update_body, &u);
    params->version++;
    if (grad_norm) *grad_norm = norm;
    return SG_OK;
}
