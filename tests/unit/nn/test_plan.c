/* Plans of the small network: backend against reference, folded against unfolded, frozen prefixes,
 * taps, running statistics, memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/loss.h"
#include "nn/models/models.h"
#include "nn/plan_internal.h"
#include "support/nets.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BATCH = 4, SIZE = 32, PIXELS = BATCH * 3 * SIZE * SIZE };

static sg_plan_request request_of(sg_gradient gradient) {
    sg_plan_request r = SG_PLAN_REQUEST_INIT;
    r.batch = BATCH;
    r.height = r.width = SIZE;
    r.gradient = gradient;
    return r;
}

static void forward(net *n) {
    sg_error err = SG_ERROR_INIT;
    net_fill(sg_plan_input(n->plan), n->params->dtype, PIXELS, 1);
    assert_ok(sg_plan_forward(n->plan, 3, 1, &err), &err);
}

static void backward(net *n) {
    sg_error err = SG_ERROR_INIT;
    double grad[BATCH * 3];
    net_fill(grad, n->params->dtype, BATCH * 3, 2);
    assert_ok(sg_plan_backward(n->plan, grad, &err), &err);
    assert_ok(sg_memory_check(n->plan, &err), &err);
}

static void assert_close(const void *a, const void *b, sg_dtype dtype, size_t count, double limit,
        const char *what) {
    double difference = net_rel_l2(a, b, dtype, count);
    if (!(difference <= limit)) fail_msg("%s differs by %g", what, difference);
}

/* One step of training on each backend: logits, every gradient, every running statistic. */
static void compare_backends(bool training) {
    sg_graph *g = net_small(0.3);
    sg_plan_request r = request_of(SG_GRADIENT_PARAMETERS);
    r.dropout = true;
    net a, b;
    net_open(&a, g, "onednn", r, training);
    net_open(&b, g, "ref", r, training);
    forward(&a);
    forward(&b);
    assert_close(sg_plan_logits(a.plan), sg_plan_logits(b.plan), SG_F32, BATCH * 3, 1e-5, "logits");
    backward(&a);
    backward(&b);
    for (int i = 0; i < g->param_count; i++) {
        size_t at = g->params[i].offset, count = (size_t)sg_shape_count(&g->params[i].shape);
        const float *x = sg_plan_gradients(a.plan), *y = sg_plan_gradients(b.plan);
        assert_close(x + at, y + at, SG_F32, count, 1e-4, g->params[i].name);
        assert_close(sg_params_f32(a.params, i), sg_params_f32(b.params, i), SG_F32, count, 1e-5,
                g->params[i].name);
    }
    net_close(&a);
    net_close(&b);
    sg_graph_destroy(g);
}

static void backends_agree_training(void **state) {
    (void)state;
    compare_backends(true);
}

static void backends_agree_fixed(void **state) {
    (void)state;
    compare_backends(false);
}

static void folding_changes_nothing(void **state) {
    (void)state;
    static const char *const backends[] = {"ref", "onednn"};
    sg_graph *g = net_small(0.0);
    for (int i = 0; i < 2; i++) {
        sg_plan_request r = request_of(SG_GRADIENT_NONE);
        net folded, plain;
        net_open(&folded, g, backends[i], r, false);
        r.no_fold = true;
        net_open(&plain, g, backends[i], r, false);
        assert_true(folded.plan->step_count < plain.plan->step_count);
        for (int round = 0; round < 2; round++) {
            forward(&folded);
            forward(&plain);
            assert_close(sg_plan_logits(folded.plan), sg_plan_logits(plain.plan), SG_F32, BATCH * 3,
                    1e-5, backends[i]);
            /* New numbers must reach the packed copies. */
            sg_params *both[] = {folded.params, plain.params};
            for (int j = 0; j < 2; j++) {
                float *w = sg_params_f32(both[j], sg_graph_find_param(g, "bn3.weight"));
                w[0] += 1.5f;
                both[j]->version++;
            }
        }
        sg_error err = SG_ERROR_INIT;
        assert_ok(sg_memory_check(folded.plan, &err), &err);
        net_close(&folded);
        net_close(&plain);
    }
    sg_graph_destroy(g);
}

/* ---- what is left out ---- */

static int backward_steps_of(const sg_plan *plan, sg_node_id node) {
    int count = 0;
    for (int i = plan->forward_count; i < plan->step_count; i++)
        count += plan->steps[i].node == node;
    return count;
}

static void frozen_prefix_is_left_out(void **state) {
    (void)state;
    sg_graph *g = net_small(0.0);
    sg_node_id lowest = sg_graph_find(g, "conv3");
    bool *trained = calloc((size_t)g->param_count, sizeof *trained);
    assert_non_null(trained);
    for (int i = 0; i < g->param_count; i++) trained[i] = g->params[i].node >= lowest;
    sg_plan_request r = request_of(SG_GRADIENT_PARAMETERS);
    net whole, part;
    net_open(&whole, g, "onednn", r, false);
    r.trained = trained;
    net_open(&part, g, "onednn", r, false);
    forward(&whole);
    forward(&part);
    backward(&whole);
    backward(&part);
    for (int i = 0; i < lowest; i++) assert_int_equal(backward_steps_of(part.plan, i), 0);
    assert_int_not_equal(backward_steps_of(part.plan, lowest), 0);
    for (int i = 0; i < g->param_count; i++) {
        size_t at = g->params[i].offset, count = (size_t)sg_shape_count(&g->params[i].shape);
        const float *x = sg_plan_gradients(part.plan), *y = sg_plan_gradients(whole.plan);
        if (trained[i])
            assert_close(x + at, y + at, SG_F32, count, 1e-4, g->params[i].name);
        else
            for (size_t j = 0; j < count; j++) assert_true(x[at + j] == 0.0f);
    }
    sg_plan_stats a, b;
    sg_plan_stats_get(&a, part.plan);
    sg_plan_stats_get(&b, whole.plan);
    assert_true(a.block_bytes < b.block_bytes);
    net_close(&whole);
    net_close(&part);
    free(trained);
    sg_graph_destroy(g);
}

static void single_parameters_can_be_trained(void **state) {
    (void)state;
    sg_graph *g = net_small(0.0);
    sg_plan_request r = request_of(SG_GRADIENT_PARAMETERS);
    net whole;
    net_open(&whole, g, "onednn", r, true);
    forward(&whole);
    backward(&whole);
    const float *expected = sg_plan_gradients(whole.plan);
    bool *trained = calloc((size_t)g->param_count, sizeof *trained);
    assert_non_null(trained);
    for (int i = 0; i < g->param_count; i++) {
        sg_param_role role = g->params[i].role;
        if (role == SG_PARAM_RUNNING_MEAN || role == SG_PARAM_RUNNING_VAR) continue;
        trained[i] = true;
        r.trained = trained;
        net one;
        net_open(&one, g, "onednn", r, true);
        trained[i] = false;
        forward(&one);
        backward(&one);
        const float *found = sg_plan_gradients(one.plan);
        for (int j = 0; j < g->param_count; j++) {
            size_t at = g->params[j].offset, count = (size_t)sg_shape_count(&g->params[j].shape);
            if (j == i)
                assert_close(found + at, expected + at, SG_F32, count, 1e-4, g->params[i].name);
            for (size_t k = 0; k < count && j != i; k++) assert_true(found[at + k] == 0.0f);
        }
        net_close(&one);
    }
    net_close(&whole);
    free(trained);
    sg_graph_destroy(g);
}

/* ---- taps, statistics, looking ---- */

static void taps_hold_what_the_reference_holds(void **state) {
    (void)state;
    sg_graph *g = net_small(0.0);
    sg_node_id taps[4] = {sg_graph_find(g, "conv1"), sg_graph_find(g, "bn3"),
            sg_graph_find(g, "add"), g->features};
    for (int gradient = 0; gradient < 2; gradient++) {
        sg_plan_request r = request_of(gradient ? SG_GRADIENT_NODE : SG_GRADIENT_NONE);
        r.gradient_node = g->features;
        r.taps = taps;
        r.tap_count = 4;
        net a, b;
        net_open(&a, g, "onednn", r, false);
        r.no_fold = true;
        net_open(&b, g, "ref", r, false);
        forward(&a);
        forward(&b);
        if (gradient) {
            backward(&a);
            backward(&b);
        }
        for (int i = 0; i < 4; i++) {
            sg_error err = SG_ERROR_INIT;
            const void *x, *y;
            assert_ok(sg_plan_tap(&x, a.plan, taps[i], &err), &err);
            assert_ok(sg_plan_tap(&y, b.plan, taps[i], &err), &err);
            size_t count = (size_t)sg_shape_count(&a.plan->shapes[taps[i]]);
            assert_close(x, y, SG_F32, count, 1e-5, g->nodes[taps[i]].name);
            if (!gradient || i > 0) continue;
            assert_ok(sg_plan_node_gradient(&x, a.plan, &err), &err);
            assert_ok(sg_plan_node_gradient(&y, b.plan, &err), &err);
            count = (size_t)sg_shape_count(&a.plan->shapes[g->features]);
            assert_close(x, y, SG_F32, count, 1e-5, "gradient at the features");
        }
        sg_error err = SG_ERROR_INIT;
        const void *none;
        assert_int_equal(sg_plan_tap(&none, a.plan, sg_graph_find(g, "fc"), &err), SG_ERR_USAGE);
        net_close(&a);
        net_close(&b);
    }
    sg_graph_destroy(g);
}

/* Batch statistics are independent of gradients: prediction that only moves running statistics. */
static void running_statistics_move(void **state) {
    (void)state;
    sg_graph *g = net_small(0.0);
    sg_node_id tap = sg_graph_find(g, "conv1");
    sg_plan_request r = request_of(SG_GRADIENT_NONE);
    r.taps = &tap;
    r.tap_count = 1;
    net n;
    net_open(&n, g, "onednn", r, true);
    int mean_index = sg_graph_find_param(g, "bn1.running_mean");
    int var_index = sg_graph_find_param(g, "bn1.running_var");
    double mean_before = (double)sg_params_f32(n.params, mean_index)[2];
    double var_before = (double)sg_params_f32(n.params, var_index)[2];
    uint64_t version = n.params->version;
    forward(&n);
    assert_true(n.params->version > version);
    sg_error err = SG_ERROR_INIT;
    const void *data;
    assert_ok(sg_plan_tap(&data, n.plan, tap, &err), &err);
    const float *x = data;
    enum { SPOTS = SIZE * SIZE / 4, SAMPLES = BATCH * SPOTS };
    double mean = 0, var = 0;
    for (int i = 0; i < SAMPLES; i++)
        mean += (double)x[(i / SPOTS * 8 + 2) * SPOTS + i % SPOTS] / SAMPLES;
    for (int i = 0; i < SAMPLES; i++)
        var += pow((double)x[(i / SPOTS * 8 + 2) * SPOTS + i % SPOTS] - mean, 2) / (SAMPLES - 1);
    double new_mean = (double)sg_params_f32(n.params, mean_index)[2];
    double new_var = (double)sg_params_f32(n.params, var_index)[2];
    assert_true(fabs(new_mean - (0.9 * mean_before + 0.1 * mean)) < 1e-5);
    assert_true(fabs(new_var - (0.9 * var_before + 0.1 * var)) < 1e-5);
    net_close(&n);
    sg_graph_destroy(g);
}

static void dropout_repeats_by_seed_and_step(void **state) {
    (void)state;
    sg_graph *g = net_small(0.5);
    sg_plan_request r = request_of(SG_GRADIENT_NONE);
    r.dropout = true;
    net n;
    net_open(&n, g, "onednn", r, false);
    float first[BATCH * 3], other[BATCH * 3], again[BATCH * 3];
    float *const out[3] = {first, other, again};
    static const uint32_t steps[3] = {5, 6, 5};
    for (int i = 0; i < 3; i++) {
        sg_error err = SG_ERROR_INIT;
        net_fill(sg_plan_input(n.plan), SG_F32, PIXELS, 1);
        assert_ok(sg_plan_forward(n.plan, 11, steps[i], &err), &err);
        memcpy(out[i], sg_plan_logits(n.plan), sizeof first);
    }
    assert_memory_equal(first, again, sizeof first);
    assert_memory_not_equal(first, other, sizeof first);
    net_close(&n);
    sg_graph_destroy(g);
}

static void memory_is_shared(void **state) {
    (void)state;
    sg_graph *g = net_small(0.0);
    net n;
    net_open(&n, g, "onednn", request_of(SG_GRADIENT_NONE), false);
    sg_plan_stats s;
    sg_plan_stats_get(&s, n.plan);
    assert_true(s.block_bytes > 0 && s.block_bytes * 2 < s.unshared_bytes);
    assert_int_equal(s.fallbacks, 0);
    net_close(&n);
    sg_graph_destroy(g);
}

/* Training and prediction take turns in one block; a plan that is too small lends nothing. */
static void a_block_can_be_lent(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = net_small(0.0);
    net n;
    net_open(&n, g, "onednn", request_of(SG_GRADIENT_PARAMETERS), false);
    float logits[2][BATCH * 3], *gradients = malloc(g->elements * sizeof *gradients);
    assert_non_null(gradients);
    sg_plan *lender = n.plan, *made[2];
    for (int lent = 0; lent < 2; lent++) {
        sg_plan_request r = request_of(SG_GRADIENT_NONE);
        r.lender = lent ? lender : NULL;
        assert_ok(sg_plan_create(&made[lent], g, n.params, &r, n.backend, n.fallback, &err), &err);
        forward(&n);
        backward(&n);
        if (!lent) memcpy(gradients, sg_plan_gradients(n.plan), g->elements * sizeof *gradients);
        assert_memory_equal(gradients, sg_plan_gradients(n.plan), g->elements * sizeof *gradients);
        n.plan = made[lent];
        forward(&n);
        memcpy(logits[lent], sg_plan_logits(n.plan), sizeof logits[lent]);
        n.plan = lender;
    }
    assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
    assert_ptr_not_equal(made[0]->block, lender->block);
    assert_ptr_equal(made[1]->block, lender->block);
    sg_plan_request r = request_of(SG_GRADIENT_PARAMETERS);
    r.lender = made[0];
    sg_plan *larger;
    assert_ok(sg_plan_create(&larger, g, n.params, &r, n.backend, n.fallback, &err), &err);
    assert_ptr_not_equal(larger->block, made[0]->block);
    sg_plan_destroy(larger);
    for (int i = 0; i < 2; i++) sg_plan_destroy(made[i]);
    forward(&n); /* the block is still there */
    free(gradients);
    net_close(&n);
    sg_graph_destroy(g);
}

static void nan_is_found_where_it_starts(void **state) {
    (void)state;
    sg_graph *g = net_small(0.0);
    net n;
    net_open(&n, g, "onednn", request_of(SG_GRADIENT_PARAMETERS), true);
    forward(&n);
    assert_null(sg_plan_find_nan(n.plan));
    sg_params_f32(n.params, sg_graph_find_param(g, "conv3.weight"))[5] = NAN;
    n.params->version++;
    forward(&n);
    assert_string_equal(sg_plan_find_nan(n.plan), "conv3");
    net_close(&n);
    sg_graph_destroy(g);
}

/* Numbers that lie elsewhere, one float off any alignment, give the same bits. */
static void lent_parameters_predict_the_same(void **state) {
    (void)state;
    sg_graph *g = net_small(0.0);
    sg_error err = SG_ERROR_INIT;
    net n;
    net_open(&n, g, "onednn", request_of(SG_GRADIENT_NONE), false);
    float *away = malloc((g->elements + 1) * sizeof *away);
    assert_non_null(away);
    memcpy(away + 1, n.params->data, g->elements * sizeof *away);
    sg_params *lent, *copy;
    sg_plan *plan = NULL;
    assert_ok(sg_params_create_lent(&lent, g, &err), &err);
    for (int i = 0; i < g->param_count; i++) lent->lent[i] = away + 1 + g->params[i].offset;
    sg_plan_request r = request_of(SG_GRADIENT_NONE);
    assert_ok(sg_plan_create(&plan, g, lent, &r, n.backend, n.fallback, &err), &err);
    forward(&n);
    net_fill(sg_plan_input(plan), SG_F32, PIXELS, 1);
    assert_ok(sg_plan_forward(plan, 3, 1, &err), &err);
    assert_memory_equal(sg_plan_logits(plan), sg_plan_logits(n.plan), BATCH * 3 * sizeof(float));
    assert_ok(sg_params_create(&copy, g, SG_F32, &err), &err);
    assert_ok(sg_params_copy(copy, lent, &err), &err);
    assert_memory_equal(copy->data, n.params->data, g->elements * sizeof *away);
    sg_plan_destroy(plan);
    bool *statistics = calloc((size_t)g->node_count, sizeof *statistics);
    r.batch_statistics = statistics;
    assert_int_equal(sg_plan_create(&plan, g, lent, &r, n.backend, NULL, &err), SG_ERR_USAGE);
    free(statistics);
    sg_params_destroy(lent);
    sg_params_destroy(copy);
    free(away);
    net_close(&n);
    sg_graph_destroy(g);
}

static void bad_requests_are_refused(void **state) {
    (void)state;
    sg_graph *g = net_small(0.0);
    sg_error err = SG_ERROR_INIT;
    net n;
    net_open(&n, g, "ref", request_of(SG_GRADIENT_NONE), false);
    sg_plan *plan = NULL;
    sg_plan_request r = request_of(SG_GRADIENT_NODE);
    r.gradient_node = 1000;
    assert_int_equal(sg_plan_create(&plan, g, n.params, &r, n.backend, NULL, &err), SG_ERR_USAGE);
    r = request_of(SG_GRADIENT_NONE);
    r.height = 0;
    assert_int_equal(sg_plan_create(&plan, g, n.params, &r, n.backend, NULL, &err), SG_ERR_SHAPE);
    r = request_of(SG_GRADIENT_NONE);
    r.batch = 0;
    assert_int_equal(sg_plan_create(&plan, g, n.params, &r, n.backend, NULL, &err), SG_ERR_SHAPE);
    r = request_of(SG_GRADIENT_NONE);
    r.dtype = SG_F64;
    assert_int_equal(sg_plan_create(&plan, g, n.params, &r, n.backend, NULL, &err), SG_ERR_USAGE);
    float grad[BATCH * 3] = {0};
    assert_int_equal(sg_plan_backward(n.plan, grad, &err), SG_ERR_USAGE);
    const void *none;
    assert_int_equal(sg_plan_node_gradient(&none, n.plan, &err), SG_ERR_USAGE);
    assert_null(plan);
    net_close(&n);
    sg_graph_destroy(g);
}

/* ---- slices ---- */

static void predict_from(net *n, const float *images, size_t count) {
    sg_error err = SG_ERROR_INIT;
    memcpy(sg_plan_input(n->plan), images, count * sizeof *images);
    assert_ok(sg_plan_forward(n->plan, 0, 0, &err), &err);
}

/* A batch in slices is what a plan of the slice's size makes of its images, one slice after
 * another: logits, and a tap that lies in the backend's layout. */
static void a_large_batch_is_sliced(void **state) {
    (void)state;
    enum { SLICE = 5, IMAGES = 2 * SLICE, SIDE = 576, FLOATS = 3 * SIDE * SIDE };
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = net_small(0.0);
    sg_node_id tap = sg_graph_find(g, "conv3");
    sg_plan_request r = request_of(SG_GRADIENT_NONE);
    r.height = r.width = SIDE;
    r.taps = &tap;
    r.tap_count = 1;
    net whole, part;
    r.batch = IMAGES;
    net_open(&whole, g, "onednn", r, false);
    r.batch = SLICE;
    net_open(&part, g, "onednn", r, false);
    assert_int_equal(whole.plan->slices, IMAGES / SLICE);
    assert_int_equal(part.plan->slices, 1);
    sg_plan_stats a, b;
    sg_plan_stats_get(&a, whole.plan);
    sg_plan_stats_get(&b, part.plan);
    assert_true(a.block_bytes >= b.block_bytes + IMAGES * FLOATS * sizeof(float));
    float *images = malloc(IMAGES * FLOATS * sizeof *images);
    assert_non_null(images);
    net_fill(images, SG_F32, IMAGES * FLOATS, 1);
    predict_from(&whole, images, IMAGES * FLOATS);
    const void *tapped, *slice_tapped;
    assert_ok(sg_plan_tap(&tapped, whole.plan, tap, &err), &err);
    const float *logits = sg_plan_logits(whole.plan);
    size_t bytes = (size_t)sg_shape_count(&part.plan->shapes[tap]) * sizeof(float);
    for (int i = 0; i < IMAGES / SLICE; i++) {
        predict_from(&part, images + i * SLICE * FLOATS, SLICE * FLOATS);
        assert_memory_equal(
                logits + i * SLICE * 3, sg_plan_logits(part.plan), SLICE * 3 * sizeof *logits);
        assert_ok(sg_plan_tap(&slice_tapped, part.plan, tap, &err), &err);
        assert_memory_equal((const char *)tapped + (size_t)i * bytes, slice_tapped, bytes);
    }
    free(images);
    net_close(&whole);
    net_close(&part);
    sg_graph_destroy(g);
}

static int64_t slice_of(const sg_graph *g, sg_plan_request r) {
    sg_error err = SG_ERROR_INIT;
    int64_t images = 0;
    assert_ok(sg_slice_images(&images, g, &r, &err), &err);
    return images;
}

/* Large weights and small images want larger slices. */
static void slices_follow_the_shapes(void **state) {
    (void)state;
    static const struct {
        const char *model;
        int64_t batch, side, slice;
    } cases[] = {{"resnet50", 32, 224, 4}, {"resnet50", 5, 224, 5}, {"resnet50", 18, 224, 6},
            {"resnet50", 4, 224, 4}, {"resnet50", 1, 224, 1}, {"mobilenetv2", 32, 224, 4},
            {"mobilenetv2", 32, 96, 16}, {"vgg16", 32, 224, 8}, {"alexnet", 32, 224, 32},
            {"resnet50", 32, 64, 32}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sg_error err = SG_ERROR_INIT;
        sg_model_options options = SG_MODEL_OPTIONS_INIT;
        sg_graph *g;
        assert_ok(sg_model_build(&g, cases[i].model, &options, &err), &err);
        sg_plan_request r = request_of(SG_GRADIENT_NONE);
        r.batch = cases[i].batch;
        r.height = r.width = cases[i].side;
        assert_int_equal(slice_of(g, r), cases[i].slice);
        sg_graph_destroy(g);
    }
}

/* Whatever joins the images of a batch, and whoever lends a block, keeps them together. */
static void some_batches_stay_whole(void **state) {
    (void)state;
    sg_graph *g = net_small(0.0);
    sg_plan_request r = request_of(SG_GRADIENT_NONE), changed;
    r.batch = 32;
    r.height = r.width = 512;
    assert_int_equal(slice_of(g, r), 8);
    bool statistics = false;
    changed = r;
    changed.batch_statistics = &statistics;
    assert_int_equal(slice_of(g, changed), 32);
    changed = r;
    changed.dropout = true;
    assert_int_equal(slice_of(g, changed), 32);
    changed = r;
    changed.lender = (const sg_plan *)&r;
    assert_int_equal(slice_of(g, changed), 32);
    static const sg_gradient gradients[] = {
            SG_GRADIENT_PARAMETERS, SG_GRADIENT_NODE, SG_GRADIENT_INPUT};
    for (int i = 0; i < 3; i++) {
        changed = r;
        changed.gradient = gradients[i];
        assert_int_equal(slice_of(g, changed), 32);
    }
    sg_graph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(backends_agree_training),
            cmocka_unit_test(backends_agree_fixed),
            cmocka_unit_test(folding_changes_nothing),
            cmocka_unit_test(frozen_prefix_is_left_out),
            cmocka_unit_test(single_parameters_can_be_trained),
            cmocka_unit_test(taps_hold_what_the_reference_holds),
            cmocka_unit_test(running_statistics_move),
            cmocka_unit_test(dropout_repeats_by_seed_and_step),
            cmocka_unit_test(memory_is_shared),
            cmocka_unit_test(a_block_can_be_lent),
            cmocka_unit_test(a_large_batch_is_sliced),
            cmocka_unit_test(slices_follow_the_shapes),
            cmocka_unit_test(some_batches_stay_whole),
            cmocka_unit_test(nan_is_found_where_it_starts),
            cmocka_unit_test(lent_parameters_predict_the_same),
            cmocka_unit_test(bad_requests_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
