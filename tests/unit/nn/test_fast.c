/* test_fast.c - the fast default beside --deterministic: one step of both differs by rounding only,
 * and either repeats its own bits. SPDX-License-Identifier: Apache-2.0 */
#include "nn/loss.h"
#include "support/check.h"
#include "support/nets.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 16, SIZE = 14, REPEATS = 20 };

/* 3 x 3 convolutions of stride 1, which is where Winograd's algorithm is chosen. Smooth: where a
 * ReLU stands, rounding turns some derivative from 0 to 1 (test_parity.c), and no small bound
 * holds. */
static sg_graph *make_graph(void) {
    sg_error err = SG_ERROR_INIT;
    sg_graph *g;
    assert_ok(sg_graph_create(&g, "squares", &err), &err);
    sg_conv_spec spec = {.out = 64, .kernel = 3, .padding = 1};
    sg_node_id x = sg_graph_input(g, 3);
    for (int i = 0; i < 3; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "conv%d", i);
        x = sg_graph_conv(g, name, x, &spec);
        (void)snprintf(name, sizeof name, "bn%d", i);
        x = sg_graph_batch_norm(g, name, x, 1e-5);
        (void)snprintf(name, sizeof name, "gate%d", i);
        x = sg_graph_sigmoid(g, name, x, 2);
    }
    sg_node_id features = x;
    x = sg_graph_global_pool(g, "pool", x);
    x = sg_graph_linear(g, "fc", x, 0, 3, true);
    assert_ok(sg_graph_finish(g, x, features, &err), &err);
    return g;
}

typedef struct trained {
    sg_backend *backend, *fallback;
    sg_params *params;
    sg_plan *plan;
} trained;

static void open_training(trained *t, const sg_graph *g, bool deterministic) {
    sg_error err = SG_ERROR_INIT;
    sg_backend_options options = SG_BACKEND_OPTIONS_INIT;
    sg_plan_request request = SG_PLAN_REQUEST_INIT;
    bool statistics[32];
    assert_true(g->node_count <= 32);
    for (int i = 0; i < g->node_count; i++) statistics[i] = g->nodes[i].op == SG_OP_BATCH_NORM;
    options.threads = 2;
    options.deterministic = deterministic;
    options.winograd = !deterministic;
    request.batch = BATCH;
    request.height = request.width = SIZE;
    request.gradient = SG_GRADIENT_PARAMETERS;
    request.batch_statistics = statistics;
    assert_ok(sg_backend_create(&t->backend, "onednn", &options, &err), &err);
    assert_ok(sg_backend_create(&t->fallback, "ref", &options, &err), &err);
    assert_ok(sg_params_create(&t->params, g, SG_F32, &err), &err);
    assert_ok(sg_params_init(t->params, 1, &err), &err);
    assert_ok(
            sg_plan_create(&t->plan, g, t->params, &request, t->backend, t->fallback, &err), &err);
}

static void close_training(trained *t) {
    sg_plan_destroy(t->plan);
    sg_params_destroy(t->params);
    sg_backend_destroy(t->backend);
    sg_backend_destroy(t->fallback);
}

static double take_gradients(trained *t) {
    sg_error err = SG_ERROR_INIT;
    sg_loss_options options = {3, NULL, 0, 0};
    float grad[BATCH * 3];
    int labels[BATCH];
    double loss;
    for (int i = 0; i < BATCH; i++) labels[i] = i % 3;
    net_fill(sg_plan_input(t->plan), SG_F32, (size_t)BATCH * 3 * SIZE * SIZE, 1);
    assert_ok(sg_plan_forward(t->plan, 1, 0, &err), &err);
    assert_ok(sg_loss_softmax(&loss, grad, sg_plan_logits(t->plan), labels, NULL, NULL, BATCH,
                      &options, &err),
            &err);
    assert_ok(sg_plan_backward(t->plan, grad, &err), &err);
    return loss;
}

static bool uses(trained *t, const char *algorithm) {
    sg_error err = SG_ERROR_INIT;
    sg_profile *profile;
    bool found = false;
    assert_ok(sg_profile_create(&profile, &err), &err);
    assert_ok(sg_plan_profile(t->plan, profile, &err), &err);
    for (size_t i = 0; i < profile->row_count; i++)
        found = found || strstr(profile->rows[i].what, algorithm);
    assert_ok(sg_plan_profile(t->plan, NULL, &err), &err);
    sg_profile_destroy(profile);
    return found;
}

static void test_fast_differs_by_rounding(void **state) {
    (void)state;
    const double tolerance = 5e-5;
    sg_graph *g = make_graph();
    trained fast, exact;
    open_training(&fast, g, false);
    open_training(&exact, g, true);
    double losses[] = {take_gradients(&fast), take_gradients(&exact)};
    assert_true(fabs(losses[0] - losses[1]) <= tolerance * losses[1]);
    const float *a = sg_plan_gradients(fast.plan), *b = sg_plan_gradients(exact.plan);
    for (int i = 0; i < g->param_count; i++) {
        const sg_param *p = &g->params[i];
        double error =
                net_rel_l2(a + p->offset, b + p->offset, SG_F32, (size_t)sg_shape_count(&p->shape));
        if (!(error <= tolerance)) fail_msg("the gradient of %s differs by %g", p->name, error);
    }
    assert_false(uses(&exact, "wino"));
    if (strstr(fast.backend->ops->describe(fast.backend), "avx512"))
        assert_true(uses(&fast, "wino")); /* else nothing was compared */
    close_training(&fast);
    close_training(&exact);
    sg_graph_destroy(g);
}

/* Statistics move from step to step, nothing else does: the same batch gives the same gradient. */
static void test_both_repeat(void **state) {
    (void)state;
    sg_graph *g = make_graph();
    float *first = malloc(g->elements * sizeof *first);
    assert_non_null(first);
    for (int deterministic = 0; deterministic < 2; deterministic++) {
        trained t;
        open_training(&t, g, deterministic);
        double loss = take_gradients(&t);
        memcpy(first, sg_plan_gradients(t.plan), g->elements * sizeof *first);
        for (int i = 1; i < REPEATS; i++) {
            assert_true(take_gradients(&t) == loss);
            assert_memory_equal(first, sg_plan_gradients(t.plan), g->elements * sizeof *first);
        }
        close_training(&t);
    }
    free(first);
    sg_graph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_fast_differs_by_rounding),
            cmocka_unit_test(test_both_repeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
