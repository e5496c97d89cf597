/* explain_random.c - the same session with weights drawn anew, for Adebayo et al. 2018: a map that
 * stays as it was does not show what the network learned. SPDX-License-Identifier: Apache-2.0 */
#include "infer/explain_internal.h"
#include <string.h>

int sg_explainer_stages(const sg_explainer *e) {
    const sg_graph *g = e->members[0].graph;
    return g->nodes[g->output].stage + 1;
}

/* Drawn from `fresh` where the stage is at least `from`, the bundle's below. */
static void mix(sg_params *own, const sg_params *given, const sg_params *fresh, int from) {
    const sg_graph *g = own->graph;
    for (int i = 0; i < g->param_count; i++) {
        const sg_param *p = &g->params[i];
        const sg_params *source = g->nodes[p->node].stage >= from ? fresh : given;
        memcpy(sg_params_f32(own, i), sg_params_f32(source, i),
                (size_t)sg_shape_count(&p->shape) * sizeof(float));
    }
    own->version++;
}

static sg_status randomise(sg_explainer *e, int i, int from, uint64_t seed, sg_error *err) {
    sg_explained_member *m = &e->members[i];
    sg_params *fresh = NULL;
    sg_status st = SG_OK;
    if (!m->own) st = sg_params_create(&m->own, m->graph, SG_F32, err);
    if (!st && m->params != m->own) {
        sg_explain_drop_plans(m); /* they read the bundle's */
        m->params = m->own;
    }
    if (!st) st = sg_params_create(&fresh, m->graph, SG_F32, err);
    if (!st) st = sg_params_init(fresh, seed + (uint64_t)i, err);
    if (!st) mix(m->own, e->bundle->members[i].params, fresh, from);
    sg_params_destroy(fresh);
    m->state = SG_LOOK_NEW;
    m->cam_class = -1;
    return st;
}

sg_status sg_explainer_randomise(sg_explainer *e, int from_stage, uint64_t seed, sg_error *err) {
    sg_status st = SG_OK;
    for (int i = 0; i < e->bundle->member_count && !st; i++)
        st = randomise(e, i, from_stage, seed, err);
    return st;
}
