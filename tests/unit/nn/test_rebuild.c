/* Activations made again in the backward pass: the same gradients bit for bit in less memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/models/models.h"
#include "nn/plan_internal.h"
#include "support/nets.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BATCH = 2 };

static const sg_saving savings[] = {SG_SAVE_ALL, SG_SAVE_COSTLY, SG_SAVE_BLOCKS};
enum { SAVINGS = 3 };

static sg_plan_request request_of(int64_t size) {
    sg_plan_request r = SG_PLAN_REQUEST_INIT;
    r.batch = BATCH;
    r.height = r.width = size;
    r.gradient = SG_GRADIENT_PARAMETERS;
    r.dropout = true;
    r.auxiliary = true;
    r.keep_bytes = 0;
    return r;
}

/* Forward and backward from images and logit gradients that depend on `stream` alone. */
static void step(net *n, uint32_t stream) {
    sg_error err = SG_ERROR_INIT;
    const sg_plan_request *r = &n->plan->request;
    double grad[BATCH * 3];
    net_fill(sg_plan_input(n->plan), r->dtype, (size_t)(BATCH * 3 * r->height * r->width), stream);
    assert_ok(sg_plan_forward(n->plan, 3, stream, &err), &err);
    net_fill(grad, r->dtype, BATCH * 3, stream + 100);
    for (int i = 0; i < n->plan->auxiliary_count; i++)
        memcpy(sg_plan_auxiliary_gradient(n->plan, i), grad, BATCH * 3 * sg_dtype_size(r->dtype));
    assert_ok(sg_plan_backward(n->plan, grad, &err), &err);
    n->params->version++;
}

static sg_graph *build(const char *model) {
    sg_error err = SG_ERROR_INIT;
    sg_model_options o = SG_MODEL_OPTIONS_INIT;
    sg_graph *g;
    assert_ok(sg_model_build(&g, model, &o, &err), &err);
    return g;
}

/* Two steps of training each: gradients and running statistics. block[]: planned bytes. */
static void compare_requests(size_t block[], const sg_graph *g, const char *backend,
        const sg_plan_request requests[], int count, bool training) {
    void *gradients = NULL, *params = NULL;
    size_t bytes = g->elements * sg_dtype_size(requests[0].dtype);
    for (int i = 0; i < count; i++) {
        sg_error err = SG_ERROR_INIT;
        net n;
        net_open(&n, g, backend, requests[i], training);
        assert_ok(sg_memory_check(n.plan, &err), &err);
        step(&n, 1);
        step(&n, 2);
        block[i] = n.plan->block_bytes;
        if (i == 0) {
            gradients = malloc(bytes);
            params = malloc(bytes);
            assert_true(gradients && params);
            memcpy(gradients, sg_plan_gradients(n.plan), bytes);
            memcpy(params, n.params->data, bytes);
        }
        assert_memory_equal(sg_plan_gradients(n.plan), gradients, bytes);
        assert_memory_equal(n.params->data, params, bytes);
        net_close(&n);
    }
    free(gradients);
    free(params);
}

static void compare(size_t block[SAVINGS], const sg_graph *g, const char *backend,
        sg_plan_request r, bool training) {
    sg_plan_request requests[SAVINGS];
    for (int i = 0; i < SAVINGS; i++) {
        requests[i] = r;
        requests[i].save = savings[i];
    }
    compare_requests(block, g, backend, requests, SAVINGS, training);
}

static void every_node_is_made_again_alike(void **state) {
    (void)state;
    sg_graph *g = net_small(0.3);
    size_t block[SAVINGS];
    for (int training = 0; training < 2; training++) {
        compare(block, g, "onednn", request_of(32), training);
        assert_true(block[1] < block[0]);
        compare(block, g, "ref", request_of(32), training);
        sg_plan_request r = request_of(32);
        r.dtype = SG_F64;
        compare(block, g, "ref", r, training);
    }
    sg_graph_destroy(g);
}

static void models_are_made_again_alike(void **state) {
    (void)state;
    static const char *const models[] = {"mobilenetv2", "googlenet"};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        size_t block[SAVINGS];
        sg_graph *g = build(models[i]);
        compare(block, g, "onednn", request_of(64), true);
        sg_graph_destroy(g);
    }
}

/* A residual block of 32 channels; downsampling ones have a convolution on the short way too. */
static sg_node_id residual(sg_graph *g, const char *prefix, sg_node_id x, int stride, double clip) {
    char name[64];
    sg_node_id in = x;
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s.conv%d", prefix, i);
        x = sg_graph_conv(g, name, x,
                &(sg_conv_spec){
                        .out = 32, .kernel = 3, .stride = i == 0 ? stride : 1, .padding = 1});
        snprintf(name, sizeof name, "%s.bn%d", prefix, i);
        x = sg_graph_batch_norm(g, name, x, 1e-5);
        snprintf(name, sizeof name, "%s.relu%d", prefix, i);
        if (i == 0) x = sg_graph_relu(g, name, x, 0);
    }
    if (stride > 1) {
        snprintf(name, sizeof name, "%s.down", prefix);
        in = sg_graph_conv(g, name, in, &(sg_conv_spec){.out = 32, .kernel = 1, .stride = stride});
        snprintf(name, sizeof name, "%s.bn", prefix);
        in = sg_graph_batch_norm(g, name, in, 1e-5);
    }
    snprintf(name, sizeof name, "%s.add", prefix);
    x = sg_graph_add(g, name, x, in);
    snprintf(name, sizeof name, "%s.relu", prefix);
    return sg_graph_relu(g, name, x, clip);
}

static sg_graph *residual_net(void) {
    sg_error err = SG_ERROR_INIT;
    sg_graph *g;
    assert_ok(sg_graph_create(&g, "residual", &err), &err);
    sg_node_id x = sg_graph_input(g, 3);
    x = sg_graph_conv(g, "conv", x, &(sg_conv_spec){.out = 32, .kernel = 3, .padding = 1});
    x = sg_graph_batch_norm(g, "bn", x, 1e-5);
    x = sg_graph_relu(g, "relu", x, 0);
    x = residual(g, "a", x, 1, 0);
    x = residual(g, "b", x, 1, 6);
    sg_node_id features = x = residual(g, "c", x, 2, 0);
    x = sg_graph_global_pool(g, "pool", x);
    x = sg_graph_linear(g, "fc", x, 0, 3, true);
    assert_ok(sg_graph_finish(g, x, features, &err), &err);
    return g;
}

static int count_steps(const sg_plan *plan, sg_op op) {
    int count = 0;
    for (int i = 0; i < plan->step_count; i++)
        count += plan->steps[i].kind == SG_STEP_EXECUTE &&
                 plan->steps[i].primitive->problem.op == op;
    return count;
}

/* Sums and ReLUs behind a batch norm or a gate, and gradients in two parts, in one pass: the bits
 * of passes of their own. */
static void what_is_fused_computes_alike(void **state) {
    (void)state;
    sg_graph *graphs[] = {residual_net(), net_small(0.3), build("mobilenetv2")};
    for (size_t i = 0; i < sizeof graphs / sizeof *graphs; i++) {
        size_t block[3];
        sg_plan_request requests[] = {request_of(64), request_of(64), request_of(64)};
        requests[1].no_fold = true;
        requests[2].keep_bytes = SIZE_MAX / 2;
        compare_requests(block, graphs[i], "onednn", requests, 3, true);
        sg_graph_destroy(graphs[i]);
    }
}

/* No sum runs by itself, nor a ReLU; the gradient of a mean is not written out. */
static void nothing_is_left_to_fuse(void **state) {
    (void)state;
    sg_graph *g = residual_net();
    net n;
    net_open(&n, g, "onednn", request_of(32), true);
    assert_int_equal(count_steps(n.plan, SG_OP_ADD), 0);
    assert_int_equal(count_steps(n.plan, SG_OP_RELU), 0);
    net_close(&n);
    sg_graph_destroy(g);
    g = net_small(0);
    net_open(&n, g, "onednn", request_of(32), true);
    assert_int_equal(
            count_steps(n.plan, SG_OP_GLOBAL_POOL), 3); /* two forward, the last backward */
    net_close(&n);
    sg_graph_destroy(g);
}

/* Planned bytes of a training of `model`, never run. */
static void plan(size_t block[SAVINGS], const char *model) {
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = build(model);
    sg_params *params;
    sg_backend *backend;
    sg_backend_options options = SG_BACKEND_OPTIONS_INIT;
    assert_ok(sg_backend_create(&backend, "onednn", &options, &err), &err);
    assert_ok(sg_params_create(&params, g, SG_F32, &err), &err);
    bool *statistics = calloc((size_t)g->node_count, sizeof *statistics);
    assert_non_null(statistics);
    for (int i = 0; i < g->node_count; i++) statistics[i] = g->nodes[i].op == SG_OP_BATCH_NORM;
    for (int s = 0; s < SAVINGS; s++) {
        sg_plan_request r = request_of(224);
        sg_plan *made;
        r.batch = 16;
        r.batch_statistics = statistics;
        r.save = savings[s];
        assert_ok(sg_plan_create(&made, g, params, &r, backend, NULL, &err), &err);
        assert_ok(sg_memory_check(made, &err), &err);
        block[s] = made->block_bytes;
        sg_plan_destroy(made);
    }
    free(statistics);
    sg_params_destroy(params);
    sg_backend_destroy(backend);
    sg_graph_destroy(g);
}

static void models_take_less_memory(void **state) {
    (void)state;
    static const struct {
        const char *model;
        double costly, blocks; /* at most this share of keeping all */
    } cases[] = {{"resnet50", 0.65, 0.35}, {"mobilenetv2", 0.6, 0.4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t block[SAVINGS];
        plan(block, cases[i].model);
        double all = (double)block[0];
        if ((double)block[1] > cases[i].costly * all || (double)block[2] > cases[i].blocks * all)
            fail_msg("%s: %zu bytes, %zu, %zu", cases[i].model, block[0], block[1], block[2]);
    }
}

/* What fits is kept, and of the rest what costs no peak. */
static void what_fits_is_kept(void **state) {
    (void)state;
    static const size_t keep[] = {SIZE_MAX / 2, 600u << 20, 0};
    size_t block[3];
    int steps[3];
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = build("mobilenetv2");
    for (int i = 0; i < 3; i++) {
        net n;
        sg_plan_request r = request_of(224);
        r.batch = 16;
        r.keep_bytes = keep[i];
        net_open(&n, g, "onednn", r, true);
        assert_ok(sg_memory_check(n.plan, &err), &err);
        block[i] = n.plan->block_bytes;
        steps[i] = n.plan->step_count;
        if (i == 0) {
            r.save = SG_SAVE_ALL;
            net all;
            net_open(&all, g, "onednn", r, true);
            assert_int_equal(all.plan->step_count, n.plan->step_count);
            assert_int_equal(all.plan->block_bytes, n.plan->block_bytes);
            net_close(&all);
        }
        net_close(&n);
    }
    assert_true(steps[0] < steps[1] && steps[1] < steps[2]);
    assert_true(block[0] > keep[1] && block[1] < keep[1] + keep[1] / 20 && block[2] < block[1]);
    assert_true(block[1] > keep[1] - keep[1] / 10);
    sg_graph_destroy(g);
}

/* Nothing below the lowest trained parameter runs again. */
static void frozen_layers_run_once(void **state) {
    (void)state;
    sg_graph *g = net_small(0.0);
    sg_node_id lowest = sg_graph_find(g, "conv3");
    bool *trained = calloc((size_t)g->param_count, sizeof *trained);
    assert_non_null(trained);
    for (int i = 0; i < g->param_count; i++) trained[i] = g->params[i].node >= lowest;
    sg_plan_request r = request_of(32);
    r.trained = trained;
    size_t block[SAVINGS];
    compare(block, g, "onednn", r, false);
    for (int s = 0; s < SAVINGS; s++) {
        net n;
        r.save = savings[s];
        net_open(&n, g, "onednn", r, false);
        for (int i = n.plan->forward_count; i < n.plan->step_count; i++)
            assert_true(n.plan->steps[i].node >= lowest || n.plan->steps[i].node == SG_NOTHING);
        net_close(&n);
    }
    free(trained);
    sg_graph_destroy(g);
}

static void taps_stay(void **state) {
    (void)state;
    sg_graph *g = net_small(0.0);
    sg_node_id taps[] = {sg_graph_find(g, "relu1"), sg_graph_find(g, "relu3")};
    float kept[2][BATCH * 8 * 16 * 16];
    for (int s = 0; s < SAVINGS; s++) {
        sg_plan_request r = request_of(32);
        r.taps = taps;
        r.tap_count = 2;
        r.save = savings[s];
        net n;
        net_open(&n, g, "onednn", r, true);
        step(&n, 1);
        for (int i = 0; i < 2; i++) {
            sg_error err = SG_ERROR_INIT;
            const void *data;
            size_t bytes = (size_t)sg_shape_count(&n.plan->shapes[taps[i]]) * sizeof(float);
            assert_true(bytes <= sizeof kept[i]);
            assert_ok(sg_plan_tap(&data, n.plan, taps[i], &err), &err);
            if (s == 0) memcpy(kept[i], data, bytes);
            assert_memory_equal(data, kept[i], bytes);
        }
        net_close(&n);
    }
    sg_graph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_node_is_made_again_alike),
            cmocka_unit_test(models_are_made_again_alike),
            cmocka_unit_test(what_is_fused_computes_alike),
            cmocka_unit_test(nothing_is_left_to_fuse),
            cmocka_unit_test(models_take_less_memory),
            cmocka_unit_test(what_fits_is_kept),
            cmocka_unit_test(frozen_layers_run_once),
            cmocka_unit_test(taps_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
