/* ranges.c - see ranges.h. SPDX-License-Identifier: Apache-2.0 */
#include "infer/ranges.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Bins by exponent and the first four bits of the fraction, as they stand in a float. */
enum { FRACTION_BITS = 4, SHIFT = 23 - FRACTION_BITS, BINS = 1 << (8 + FRACTION_BITS) };

struct sg_ranges {
    const sg_graph *graph;
    sg_plan *plan;
    sg_shape *shapes;
    sg_node_id *taps;
    int tap_count;
    size_t image_bytes;
    uint64_t (*counts)[BINS]; /* [tap_count] of magnitudes; zero counts nowhere */
    bool *negative;           /* [tap_count] */
};

/* What leads to the logits. The classifier itself stays real, and so does what it reads. */
static sg_status find_taps(sg_ranges *r, sg_error *err) {
    const sg_graph *g = r->graph;
    bool *leads = calloc((size_t)g->node_count, sizeof *leads);
    r->taps = calloc((size_t)g->node_count, sizeof *r->taps);
    if (!leads || !r->taps) {
        free(leads);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for ranges of '%s'", g->name);
    }
    leads[g->output] = true;
    for (int i = g->output; i >= 0; i--)
        for (int k = 0; leads[i] && k < g->nodes[i].input_count; k++)
            leads[g->nodes[i].inputs[k]] = true;
    leads[g->output] = false;
    for (int k = 0; k < g->nodes[g->output].input_count; k++)
        leads[g->nodes[g->output].inputs[k]] = false;
    for (int i = 0; i < g->node_count; i++)
        if (leads[i]) r->taps[r->tap_count++] = i;
    free(leads);
    return SG_OK;
}

static sg_status make_plan(sg_ranges *r, sg_params *params, int size, sg_backend *backend,
        sg_backend *fallback, sg_error *err) {
    sg_plan_request request = SG_PLAN_REQUEST_INIT;
    request.batch = 1;
    request.height = request.width = size;
    request.taps = r->taps;
    request.tap_count = r->tap_count;
    request.no_fold = true; /* every output is there to be looked at */
    sg_status st = sg_graph_shapes(r->shapes, r->graph, 1, size, size, err);
    if (!st) st = sg_plan_create(&r->plan, r->graph, params, &request, backend, fallback, err);
    for (int i = 0; i < r->graph->node_count && !st; i++)
        if (r->graph->nodes[i].is_input)
            r->image_bytes = (size_t)sg_shape_count(&r->shapes[i]) * sizeof(float);
    return st;
}

sg_status sg_ranges_create(sg_ranges **out, const sg_graph *graph, sg_params *params, int size,
        sg_backend *backend, sg_backend *fallback, sg_error *err) {
    sg_ranges *r = calloc(1, sizeof *r);
    if (!r) return sg_fail(err, SG_ERR_MEMORY, "out of memory for ranges of '%s'", graph->name);
    r->graph = graph;
    r->shapes = calloc((size_t)graph->node_count, sizeof *r->shapes);
    r->counts = calloc((size_t)graph->node_count, sizeof *r->counts);
    r->negative = calloc((size_t)graph->node_count, sizeof *r->negative);
    sg_status st =
            r->shapes && r->counts && r->negative
                    ? find_taps(r, err)
                    : sg_fail(err, SG_ERR_MEMORY, "out of memory for ranges of '%s'", graph->name);
    if (!st) st = make_plan(r, params, size, backend, fallback, err);
    if (st)
        sg_ranges_destroy(r);
    else
        *out = r;
    return st;
}

void sg_ranges_destroy(sg_ranges *r) {
    if (!r) return;
    sg_plan_destroy(r->plan);
    free(r->shapes);
    free(r->taps);
    free(r->counts);
    free(r->negative);
    free(r);
}

static void count(uint64_t counts[BINS], bool *negative, const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        *negative = *negative || x[i] < 0;
        counts[(bits & 0x7fffffff) >> SHIFT]++;
    }
}

sg_status sg_ranges_add(sg_ranges *r, const float *image, sg_error *err) {
    memcpy(sg_plan_input(r->plan), image, r->image_bytes);
    /* The input's own bytes may be written over by forward: it is counted first. */
    sg_status st = SG_OK;
    for (int i = 0; i < r->tap_count; i++)
        if (r->graph->nodes[r->taps[i]].is_input)
            count(r->counts[i], &r->negative[i], image, (int64_t)(r->image_bytes / sizeof(float)));
    st = sg_plan_forward(r->plan, 0, 0, err);
    for (int i = 0; i < r->tap_count && !st; i++) {
        const void *x;
        if (r->graph->nodes[r->taps[i]].is_input) continue;
        st = sg_plan_tap(&x, r->plan, r->taps[i], err);
        if (!st) count(r->counts[i], &r->negative[i], x, sg_shape_count(&r->shapes[r->taps[i]]));
    }
    return st;
}

static double magnitude(int bin) {
    uint32_t bits = ((uint32_t)bin << SHIFT) | (1U << (SHIFT - 1)); /* the bin's middle */
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Sum of squared errors when `most` is the largest storable number, `step` apart from its like. */
static double squared_error(const uint64_t counts[BINS], int last, double most, double step) {
    double sum = 0, rounding = step * step / 12;
    for (int bin = 1; bin <= last; bin++) {
        if (!counts[bin]) continue;
        double x = magnitude(bin), beyond = x - most;
        double error = beyond > 0 ? beyond * beyond : x < step / 2 ? x * x : rounding;
        sum += (double)counts[bin] * error;
    }
    return sum;
}

bool sg_ranges_choose(sg_dtype *dtype, float *scale, const sg_ranges *r, sg_node_id id) {
    int at = 0, last = BINS - 1;
    while (at < r->tap_count && r->taps[at] != id) at++;
    if (at == r->tap_count) return false;
    const uint64_t *counts = r->counts[at];
    while (last > 0 && !counts[last]) last--;
    if (last == 0 || !isfinite(magnitude(last))) return false;
    int levels = r->negative[at] ? INT8_MAX : UINT8_MAX;
    double best = INFINITY;
    for (int bin = last; bin > 0 && bin > last - (8 << FRACTION_BITS); bin--) {
        double most = magnitude(bin), error = squared_error(counts, last, most, most / levels);
        if (error >= best) continue;
        best = error;
        *scale = (float)(most / levels);
    }
    *dtype = r->negative[at] ? SG_I8 : SG_U8;
    return true;
}
