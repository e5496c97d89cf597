/* fuse.c - what has to be computed, what has to be differentiated, and what goes together into one
 * primitive. Decisions only; nothing is compiled here.
 *
 *   no backward:  conv [+ batch norm folded] [+ sum, in place] [+ ReLU or ReLU6]; linear + ReLU
 *   backward:     sum + ReLU or ReLU6
 *   any:          batch norm [+ sum] [+ ReLU or ReLU6]; channel scale + sum [+ ReLU or ReLU6]
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/plan_internal.h"

bool sg_fuse_is_identity(const sg_lowering *l, sg_node_id id) {
    const sg_node *node = &l->plan->graph->nodes[id];
    const sg_shape *shapes = l->plan->shapes;
    if (node->op == SG_OP_ADAPTIVE_POOL)
        return sg_shape_equal(&shapes[id], &shapes[node->inputs[0]]);
    return node->op == SG_OP_DROPOUT && (!l->plan->request.dropout || node->dropout <= 0);
}

bool sg_fuse_trains(const sg_lowering *l, sg_node_id id) {
    const sg_node *node = &l->plan->graph->nodes[id];
    for (int i = 0; i < node->param_count; i++)
        if (l->trained[node->first_param + i]) return true;
    return false;
}

sg_node_id sg_fuse_input(const sg_lowering *l, sg_node_id lead, int i) {
    const sg_node *node = &l->plan->graph->nodes[lead];
    return i < node->input_count ? node->inputs[i] : l->groups[lead].summand;
}

int sg_fuse_input_count(const sg_lowering *l, sg_node_id lead) {
    return l->plan->graph->nodes[lead].input_count + (l->groups[lead].summand != SG_NOTHING);
}

/* ---- analysis ---- */

static void mark_trained(sg_lowering *l, const sg_plan_request *r) {
    const sg_graph *g = l->plan->graph;
    if (r->gradient != SG_GRADIENT_PARAMETERS) return;
    for (int i = 0; i < g->param_count; i++) {
        sg_param_role role = g->params[i].role;
        bool buffer = role == SG_PARAM_RUNNING_MEAN || role == SG_PARAM_RUNNING_VAR;
        l->trained[i] = !buffer && (!r->trained || r->trained[i]);
    }
}

static sg_node_id target_of(const sg_graph *g, const sg_plan_request *r) {
    if (r->gradient == SG_GRADIENT_NODE) return r->gradient_node;
    if (r->gradient != SG_GRADIENT_INPUT) return SG_NOTHING;
    for (int i = 0; i < g->node_count; i++)
        if (g->nodes[i].is_input) return i;
    return SG_NOTHING;
}

/* Marks what leads to `seeds`, the seeds included. */
static void mark_ancestors(bool *marks, const sg_graph *g) {
    for (int i = g->node_count - 1; i >= 0; i--)
        for (int j = 0; marks[i] && j < g->nodes[i].input_count; j++)
            marks[g->nodes[i].inputs[j]] = true;
}

static void mark_gradients(sg_lowering *l, sg_node_id target) {
    const sg_graph *g = l->plan->graph;
    /* `wants` starts as "leads to the logits", then keeps what carries something to differentiate.
     */
    l->wants[g->output] = true;
    for (int i = 0; i < l->plan->auxiliary_count; i++) l->wants[g->auxiliary[i]] = true;
    mark_ancestors(l->wants, g);
    for (int i = 0; i < g->node_count; i++) {
        bool carries = sg_fuse_trains(l, i);
        for (int j = 0; j < g->nodes[i].input_count; j++)
            carries = carries || l->wants[g->nodes[i].inputs[j]];
        l->backward[i] = l->wants[i] && carries;
        l->wants[i] = l->wants[i] && (carries || i == target);
    }
}

sg_status sg_fuse_analyse(sg_lowering *l, const sg_plan_request *r, sg_error *err) {
    const sg_graph *g = l->plan->graph;
    sg_node_id target = target_of(g, r);
    if (r->gradient == SG_GRADIENT_NODE && (target < 0 || target >= g->node_count))
        return sg_fail(err, SG_ERR_USAGE, "model '%s' has no node %d to take a gradient at",
                g->name, target);
    l->kept[g->output] = true;
    for (int i = 0; i < l->plan->auxiliary_count; i++) l->kept[g->auxiliary[i]] = true;
    if (target != SG_NOTHING) l->kept[target] = true;
    for (int i = 0; i < r->tap_count; i++) {
        if (r->taps[i] < 0 || r->taps[i] >= g->node_count)
            return sg_fail(
                    err, SG_ERR_USAGE, "model '%s' has no node %d to tap", g->name, r->taps[i]);
        l->kept[r->taps[i]] = true;
    }
    for (int i = 0; i < g->node_count; i++) {
        l->alive[i] = l->kept[i] || g->nodes[i].is_input;
        l->statistics[i] =
                g->nodes[i].op == SG_OP_BATCH_NORM && r->batch_statistics && r->batch_statistics[i];
    }
    mark_ancestors(l->alive, g);
    mark_trained(l, r);
    if (r->gradient != SG_GRADIENT_NONE) mark_gradients(l, target);
    if (target != SG_NOTHING && !l->wants[target])
        return sg_fail(err, SG_ERR_USAGE,
                "model '%s': the logits do not depend on node '%s', so it has no gradient", g->name,
                g->nodes[target].name);
    return SG_OK;
}

/* ---- grouping ---- */

/* The only computed user of a node's output, when its output need not exist by itself. */
static sg_node_id sole_user(const sg_lowering *l, sg_node_id id) {
    const sg_graph *g = l->plan->graph;
    if (l->kept[id]) return SG_NOTHING;
    sg_node_id user = SG_NOTHING;
    for (int i = id + 1; i < g->node_count; i++)
        for (int j = 0; l->alive[i] && j < g->nodes[i].input_count; j++) {
            if (g->nodes[i].inputs[j] != id) continue;
            if (user != SG_NOTHING) return SG_NOTHING;
            user = i;
        }
    return user;
}

static void absorb(sg_lowering *l, sg_node_id lead, sg_node_id next) {
    l->groups[next].lead = lead;
    l->groups[lead].out = next;
}

static void absorb_norm(sg_lowering *l, sg_node_id lead) {
    sg_node_id next = sole_user(l, l->groups[lead].out);
    if (next == SG_NOTHING || l->plan->graph->nodes[next].op != SG_OP_BATCH_NORM) return;
    if (l->statistics[next] || l->backward[next]) return;
    l->groups[lead].norm = next;
    absorb(l, lead, next);
}

/* May `lead` add onto the bytes of `other`? Only if they are ready, and nobody reads them later. */
static bool can_overwrite(const sg_lowering *l, sg_node_id lead, sg_node_id add, sg_node_id other) {
    const sg_graph *g = l->plan->graph;
    if (l->kept[other] || g->nodes[other].is_input || sg_fuse_is_identity(l, other)) return false;
    if (l->groups[other].lead >= lead) return false;
    for (int i = other + 1; i < g->node_count; i++)
        for (int j = 0; l->alive[i] && j < g->nodes[i].input_count; j++) {
            if (g->nodes[i].inputs[j] != other || i == add) continue;
            if (l->groups[i].lead >= lead || l->backward[i] || sg_fuse_is_identity(l, i))
                return false;
        }
    return true;
}

static void absorb_sum(sg_lowering *l, sg_node_id lead) {
    sg_node_id next = sole_user(l, l->groups[lead].out);
    if (next == SG_NOTHING || l->backward[next]) return;
    const sg_node *add = &l->plan->graph->nodes[next];
    if (add->op != SG_OP_ADD || add->input_count != 2) return;
    sg_node_id other = add->inputs[add->inputs[0] == l->groups[lead].out];
    if (!can_overwrite(l, lead, next, other)) return;
    l->groups[lead].sum = other;
    absorb(l, lead, next);
}

/* A sum whose other part is there when `lead` runs. Both or neither have a backward pass: a frozen
 * branch beside one that trains has none. */
static void absorb_summand(sg_lowering *l, sg_node_id lead) {
    sg_node_id next = sole_user(l, lead);
    if (next == SG_NOTHING || l->backward[next] != l->backward[lead]) return;
    const sg_node *add = &l->plan->graph->nodes[next];
    if (add->op != SG_OP_ADD || add->input_count != 2 || l->groups[next].lead != next) return;
    sg_node_id other = add->inputs[add->inputs[0] == lead];
    if (l->groups[other].lead >= lead) return;
    l->groups[lead].summand = other;
    absorb(l, lead, next);
}

static void absorb_relu(sg_lowering *l, sg_node_id lead) {
    sg_node_id next = sole_user(l, l->groups[lead].out);
    if (next == SG_NOTHING) return;
    const sg_node *relu = &l->plan->graph->nodes[next];
    if (relu->op != SG_OP_RELU) return;
    l->groups[lead].relu = true;
    l->groups[lead].clip = relu->clip;
    absorb(l, lead, next);
}

void sg_fuse_groups(sg_lowering *l) {
    const sg_graph *g = l->plan->graph;
    for (int i = 0; i < g->node_count; i++)
        l->groups[i] = (sg_group){
                .lead = i, .out = i, .norm = SG_NOTHING, .sum = SG_NOTHING, .summand = SG_NOTHING};
    if (l->plan->request.no_fold) return;
    for (int i = 0; i < g->node_count; i++) {
        if (!l->alive[i] || l->groups[i].lead != i) continue;
        sg_op op = g->nodes[i].op;
        if (op == SG_OP_BATCH_NORM || op == SG_OP_CHANNEL_SCALE) absorb_summand(l, i);
        bool summed = l->groups[i].summand != SG_NOTHING;
        if (op == SG_OP_BATCH_NORM || summed || (op == SG_OP_ADD && l->backward[i])) {
            absorb_relu(l, i);
        } else if ((op == SG_OP_CONV || op == SG_OP_LINEAR) && !l->backward[i]) {
            if (op == SG_OP_CONV) {
                absorb_norm(l, i);
                absorb_sum(l, i);
            }
            if (!l->backward[l->groups[i].out]) absorb_relu(l, i);
        }
    }
}
