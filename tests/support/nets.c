/* nets.c - see nets.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/nets.h"
#include "base/rng.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

sg_graph *net_small(double dropout) {
    sg_error err = SG_ERROR_INIT;
    sg_graph *g;
    assert_ok(sg_graph_create(&g, "small", &err), &err);
    sg_node_id x = sg_graph_input(g, 3);
    x = sg_graph_conv(
            g, "conv1", x, &(sg_conv_spec){.out = 8, .kernel = 3, .stride = 2, .padding = 1});
    x = sg_graph_batch_norm(g, "bn1", x, 1e-5);
    x = sg_graph_relu(g, "relu1", x, 0);
    x = sg_graph_max_pool(g, "maxpool", x, 3, 2, 1, false);
    sg_node_id y = sg_graph_conv(g, "conv2", x,
            &(sg_conv_spec){.out = 16, .kernel = 3, .padding = 2, .dilation = 2, .groups = 2});
    y = sg_graph_batch_norm(g, "bn2", y, 1e-5);
    y = sg_graph_relu(g, "relu2", y, 6);
    y = sg_graph_conv(g, "conv3", y, &(sg_conv_spec){.out = 8, .kernel = 1});
    y = sg_graph_batch_norm(g, "bn3", y, 1e-5);
    sg_node_id s = sg_graph_global_pool(g, "se.pool", y);
    s = sg_graph_conv(g, "se.fc1", s, &(sg_conv_spec){.out = 4, .kernel = 1, .bias = true});
    s = sg_graph_relu(g, "se.relu", s, 0);
    s = sg_graph_conv(g, "se.fc2", s, &(sg_conv_spec){.out = 8, .kernel = 1, .bias = true});
    s = sg_graph_sigmoid(g, "se.gate", s, 1);
    y = sg_graph_channel_scale(g, "se.scale", y, s);
    x = sg_graph_add(g, "add", y, x);
    x = sg_graph_relu(g, "relu3", x, 0);
    sg_node_id a = sg_graph_avg_pool(g, "avgpool", x, 3, 1, 1, false, true);
    sg_node_id b = sg_graph_conv(g, "conv4", x,
            &(sg_conv_spec){.out = 8, .kernel = 3, .padding = 1, .groups = 8, .bias = true});
    x = sg_graph_concat(g, "concat", (sg_node_id[]){a, b}, 2);
    sg_node_id features = x = sg_graph_relu(g, "relu4", x, 0);
    x = sg_graph_global_pool(g, "pool", x);
    x = sg_graph_dropout(g, "dropout", x, dropout);
    x = sg_graph_linear(g, "fc", x, 0, 3, true);
    assert_ok(sg_graph_finish(g, x, features, &err), &err);
    return g;
}

void net_fill(void *data, sg_dtype dtype, size_t count, uint32_t stream) {
    sg_rng rng = sg_rng_make(99, SG_RNG_TEST, stream, 0);
    for (size_t i = 0; i < count; i++) {
        float x = (float)sg_rng_normal(&rng);
        if (dtype == SG_F64)
            ((double *)data)[i] = (double)x;
        else
            ((float *)data)[i] = x;
    }
}

/* Norm parameters away from 0 and 1, so that a mix-up shows. */
static void make_irregular(sg_params *params) {
    const sg_graph *g = params->graph;
    for (int i = 0; i < g->param_count; i++) {
        const sg_param *p = &g->params[i];
        if (p->role == SG_PARAM_WEIGHT) continue;
        bool around_one = p->role == SG_PARAM_GAMMA || p->role == SG_PARAM_RUNNING_VAR;
        sg_rng rng = sg_rng_make(5, SG_RNG_TEST, (uint32_t)i, 1);
        for (int64_t j = 0; j < sg_shape_count(&p->shape); j++) {
            float x = (float)((around_one ? 1.0 : 0.0) + sg_rng_between(&rng, -0.3, 0.3));
            if (params->dtype == SG_F64)
                sg_params_f64(params, i)[j] = (double)x;
            else
                sg_params_f32(params, i)[j] = x;
        }
    }
}

void net_open(net *out, const sg_graph *graph, const char *backend, sg_plan_request request,
        bool training) {
    sg_error err = SG_ERROR_INIT;
    net n = {.graph = graph};
    sg_backend_options options = SG_BACKEND_OPTIONS_INIT;
    options.threads = 1;
    assert_ok(sg_backend_create(&n.backend, backend, &options, &err), &err);
    assert_ok(sg_backend_create(&n.fallback, "ref", &options, &err), &err);
    /* Started in float32 for both types, so that both nets are the same. */
    sg_params *start;
    assert_ok(sg_params_create(&start, graph, SG_F32, &err), &err);
    assert_ok(sg_params_init(start, 7, &err), &err);
    make_irregular(start);
    assert_ok(sg_params_create(&n.params, graph, request.dtype, &err), &err);
    assert_ok(sg_params_copy(n.params, start, &err), &err);
    sg_params_destroy(start);
    n.statistics = calloc((size_t)graph->node_count, sizeof(bool));
    assert_non_null(n.statistics);
    for (int i = 0; i < graph->node_count; i++)
        n.statistics[i] = training && graph->nodes[i].op == SG_OP_BATCH_NORM;
    if (training) request.batch_statistics = n.statistics;
    assert_ok(
            sg_plan_create(&n.plan, graph, n.params, &request, n.backend, n.fallback, &err), &err);
    *out = n;
}

void net_close(net *n) {
    sg_plan_destroy(n->plan);
    sg_params_destroy(n->params);
    sg_backend_destroy(n->backend);
    sg_backend_destroy(n->fallback);
    free(n->statistics);
}

double net_rel_l2(const void *a, const void *b, sg_dtype dtype, size_t count) {
    double difference = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        double x = dtype == SG_F64 ? ((const double *)a)[i] : ((const float *)a)[i];
        double y = dtype == SG_F64 ? ((const double *)b)[i] : ((const float *)b)[i];
        difference += (x - y) * (x - y);
        size += y * y;
    }
    return sqrt(difference) / (sqrt(size) + 1e-30);
}
