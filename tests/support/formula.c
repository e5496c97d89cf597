/* formula.c - see formula.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/formula.h"
#include <math.h>
#include <string.h>

static uint32_t mix(uint32_t x) {
    x ^= x >> 16;
    x *= 0x85ebca6bu;
    x ^= x >> 13;
    x *= 0xc2b2ae35u;
    return x ^ x >> 16;
}

static uint32_t start_of(const char *name) {
    uint32_t s = 2166136261u;
    for (const char *c = name; *c; c++) s = (s ^ (unsigned char)*c) * 16777619u;
    return s;
}

void formula_uniform(float *out, const char *name, size_t count) {
    uint32_t s = start_of(name);
    for (size_t i = 0; i < count; i++)
        out[i] = (float)(mix(s + 2654435761u * (uint32_t)i) / 2147483648.0 - 1.0);
}

void formula_params(sg_params *params) {
    const sg_graph *g = params->graph;
    for (int i = 0; i < g->param_count; i++) {
        const sg_param *p = &g->params[i];
        size_t count = (size_t)sg_shape_count(&p->shape);
        float *x = sg_params_f32(params, i), scale = 0.2f, shift = 0.0f;
        if (p->role == SG_PARAM_WEIGHT) {
            double fan_in = (double)count / (double)p->shape.dims[0];
            scale = (float)sqrt(3.0 / fan_in);
        } else if (p->role == SG_PARAM_GAMMA || p->role == SG_PARAM_RUNNING_VAR) {
            scale = 0.3f;
            shift = 1.0f;
        }
        formula_uniform(x, p->name, count);
        for (size_t j = 0; j < count; j++) x[j] = shift + scale * x[j];
    }
    params->version++;
}

void formula_sketch_make(formula_sketch *out, const char *name, const float *x, size_t count) {
    uint32_t s = start_of(name);
    double square = 0, sums[FORMULA_SKETCHES] = {0};
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = mix(s + 2654435761u * (uint32_t)i) >> 8;
        double value = (double)x[i];
        square += value * value;
        for (int j = 0; j < FORMULA_SKETCHES; j++)
            sums[j] += value * (1 - 2 * (int)(bits >> j & 1));
    }
    out->norm = sqrt(square);
    memcpy(out->products, sums, sizeof sums);
}

double formula_sketch_distance(const formula_sketch *a, const formula_sketch *b) {
    double sum = 0;
    for (int j = 0; j < FORMULA_SKETCHES; j++)
        sum += (a->products[j] - b->products[j]) * (a->products[j] - b->products[j]);
    return sqrt(sum / FORMULA_SKETCHES) / b->norm;
}
