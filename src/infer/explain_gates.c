/* explain_gates.c - what squeeze-and-excitation gates say of an image.
 * SPDX-License-Identifier: Apache-2.0 */
#include "infer/explain_internal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The taps of the gates' plan: every gate in the order of the nodes, then the last gated map. */
static int list_taps(sg_node_id *taps, const sg_graph *g) {
    int count = 0;
    sg_node_id last = -1;
    for (int n = 0; n < g->node_count; n++)
        if (g->nodes[n].op == SG_OP_CHANNEL_SCALE) {
            taps[count++] = g->nodes[n].inputs[1];
            last = n;
        }
    if (last >= 0) taps[count++] = last;
    return count;
}

static sg_status run_gates(sg_explainer *e, int member, sg_error *err) {
    sg_explained_member *m = &e->members[member];
    sg_node_id *taps = calloc((size_t)m->graph->node_count, sizeof *taps);
    if (!taps) return sg_fail(err, SG_ERR_MEMORY, "out of memory for gates");
    sg_plan_request request = SG_PLAN_REQUEST_INIT;
    request.taps = taps;
    request.tap_count = list_taps(taps, m->graph);
    sg_status st = sg_explain_plan(&m->gates, e, member, request, e->views, err);
    free(taps);
    if (st) return st;
    size_t floats = (size_t)e->views * sg_explain_floats(e);
    memcpy(sg_plan_input(m->gates), e->input, floats * sizeof *e->input);
    return sg_plan_forward(m->gates, 0, 0, err);
}

sg_status sg_explain_gated(sg_plane *grid, sg_explainer *e, int member, int view, sg_error *err) {
    sg_explained_member *m = &e->members[member];
    sg_shape shape;
    const void *found;
    sg_status st = sg_explain_shape(&shape, m->graph, m->gated, e->bundle->recipe.size, err);
    if (!st) st = run_gates(e, member, err);
    if (!st) st = sg_plan_tap(&found, m->gates, m->gated, err);
    if (!st) st = sg_plane_create(grid, (int)shape.dims[3], (int)shape.dims[2], err);
    if (st) return st;
    size_t channels = (size_t)shape.dims[1], pixels = (size_t)(shape.dims[2] * shape.dims[3]);
    const float *scaled = (const float *)found + (size_t)view * channels * pixels;
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < pixels; i++) grid->values[i] += fabsf(scaled[c * pixels + i]);
    return SG_OK;
}

sg_status sg_explainer_gates(sg_explainer *e,
        void (*visit)(
                void *user, int number, const char *name, const float *gates, size_t channels),
        void *user, sg_error *err) {
    sg_status st = sg_explainer_check(e, SG_EXPLAIN_GATED, err);
    for (int i = 0; i < e->bundle->member_count && !st; i++) {
        const sg_graph *g = e->members[i].graph;
        int number = 0;
        st = run_gates(e, i, err);
        for (int n = 0; n < g->node_count && !st; n++) {
            if (g->nodes[n].op != SG_OP_CHANNEL_SCALE) continue;
            const void *found;
            size_t channels = (size_t)g->nodes[n].channels;
            st = sg_plan_tap(&found, e->members[i].gates, g->nodes[n].inputs[1], err);
            for (int v = 0; v < e->views && !st; v++)
                visit(user, number, g->nodes[g->nodes[n].inputs[1]].name,
                        (const float *)found + (size_t)v * channels, channels);
            number++;
        }
    }
    return st;
}
