/* The small numerics around the plan: schedules, focal and mixed losses, averages, clipping,
 * starts. SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "nn/loss.h"
#include "nn/models/models.h"
#include "nn/optimizer.h"
#include "nn/schedule.h"
#include "support/check.h"
#include "support/nets.h"
#include <math.h>
#include <string.h>

static void near(double a, double b, double limit) {
    if (!(fabs(a - b) <= limit)) fail_msg("%.12g is not %.12g", a, b);
}

/* ---- schedule ---- */

static void cosine_rises_and_falls(void **state) {
    (void)state;
    sg_schedule s = SG_SCHEDULE_INIT;
    s.learning_rate = 2.0;
    s.warmup = 0.1;
    s.floor = 0.05;
    s.total_steps = 100;
    near(sg_schedule_rate(&s, 0), 0.2, 1e-12);
    near(sg_schedule_rate(&s, 9), 2.0, 1e-12);
    near(sg_schedule_rate(&s, 10), 2.0, 1e-12);
    near(sg_schedule_rate(&s, 55), 2.0 * (0.05 + 0.95 * 0.5), 1e-12);
    near(sg_schedule_rate(&s, 100), 0.1, 1e-12);
    near(sg_schedule_rate(&s, 1000), 0.1, 1e-12);
    for (int i = 11; i < 100; i++)
        assert_true(sg_schedule_rate(&s, i) < sg_schedule_rate(&s, i - 1));
}

static void steps_drop(void **state) {
    (void)state;
    sg_schedule s = {.kind = SG_SCHEDULE_STEP,
            .learning_rate = 1.0,
            .step_every = 0.25,
            .step_factor = 0.1,
            .total_steps = 40};
    near(sg_schedule_rate(&s, 9), 1.0, 1e-12);
    near(sg_schedule_rate(&s, 10), 0.1, 1e-12);
    near(sg_schedule_rate(&s, 39), 1e-3, 1e-12);
    s.kind = SG_SCHEDULE_CONSTANT;
    near(sg_schedule_rate(&s, 39), 1.0, 0);
}

/* ---- loss ---- */

static double loss_of(
        float *grad, const float *logits, const int *mix, const float *share, double gamma) {
    static const double weights[3] = {1.0, 2.0, 0.5};
    static const int labels[2] = {1, 2};
    sg_error err = SG_ERROR_INIT;
    sg_loss_options o = {.classes = 3, .class_weights = weights, .focal_gamma = gamma};
    double loss = 0;
    CHECK_OK(sg_loss_softmax(&loss, grad, logits, labels, mix, share, 2, &o, &err));
    return loss;
}

static void check_differences(const int *mix, const float *share, double gamma) {
    float x[6] = {0.5f, -1.0f, 2.0f, 0.25f, 1.5f, -0.75f}, grad[6];
    loss_of(grad, x, mix, share, gamma);
    for (int i = 0; i < 6; i++) {
        float kept = x[i], h = 1.0f / 256;
        x[i] = kept + h;
        double up = loss_of(NULL, x, mix, share, gamma);
        x[i] = kept - h;
        double down = loss_of(NULL, x, mix, share, gamma);
        x[i] = kept;
        near((double)grad[i], (up - down) / (2 * (double)h), 2e-5);
    }
}

static void focal_loss_is_lins(void **state) {
    (void)state;
    check_differences(NULL, NULL, 2.0);
    check_differences(NULL, NULL, 0.5);
    static const float even[6] = {0};
    /* p = 1/3 in both rows: (2 + 0.5) (2/3)^2 log 3 over a weight of 2.5 */
    near(loss_of(NULL, even, NULL, NULL, 2.0), 4.0 / 9.0 * log(3.0), 1e-12);
}

static void mixed_loss_is_the_mixture(void **state) {
    (void)state;
    static const int mix[2] = {0, 1};
    static const float share[2] = {0.25f, 0.25f}, all[2] = {1.0f, 1.0f}, none[2] = {0.0f, 0.0f};
    float x[6] = {0.5f, -1.0f, 2.0f, 0.25f, 1.5f, -0.75f};
    double a = loss_of(NULL, x, NULL, NULL, 0), b = loss_of(NULL, x, mix, none, 0);
    near(loss_of(NULL, x, mix, all, 0), a, 1e-12);
    near(loss_of(NULL, x, mix, share, 0), 0.25 * a + 0.75 * b, 1e-12);
    check_differences(mix, share, 0);
}

static void bad_rows_are_refused(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_loss_options o = {.classes = 3};
    double loss = -1;
    float x[3] = {0, NAN, 0};
    int label = 0;
    CHECK_FAILS(sg_loss_softmax(&loss, NULL, x, &label, NULL, NULL, 1, &o, &err), SG_ERR_NUMERIC,
            "row 0");
    x[1] = 0;
    label = 3;
    CHECK_FAILS(sg_loss_softmax(&loss, NULL, x, &label, NULL, NULL, 1, &o, &err), SG_ERR_INPUT,
            "label");
    o.focal_gamma = 1;
    o.label_smoothing = 0.1;
    label = 0;
    CHECK_FAILS(sg_loss_softmax(&loss, NULL, x, &label, NULL, NULL, 1, &o, &err), SG_ERR_USAGE,
            "smoothing");
    near(loss, -1, 0);
}

static void extreme_logits_stay_finite(void **state) {
    (void)state;
    static const float x[6] = {1e30f, -1e30f, 0, 800, -800, 0};
    float grad[6];
    assert_true(isfinite(loss_of(grad, x, NULL, NULL, 0)));
    assert_true(isfinite(loss_of(grad, x, NULL, NULL, 2)));
    for (int i = 0; i < 6; i++) assert_true(isfinite(grad[i]));
    double p[3];
    sg_softmax(p, x, 3, 1.0);
    near(p[0], 1, 1e-12);
    sg_softmax(p, (const float[3]){1, 2, 3}, 3, 2.0);
    near(p[2] / p[0], exp(1.0), 1e-12);
    near(p[0] + p[1] + p[2], 1, 1e-12);
}

/* ---- optimiser ---- */

typedef struct bench {
    sg_graph *g;
    sg_params *p;
    sg_optimizer *o;
    float *grads;
} bench;

static void bench_open(
        bench *b, const sg_optimizer_options *options, const bool *trained, const double *factors) {
    sg_error err = SG_ERROR_INIT;
    b->g = net_small(0);
    CHECK_OK(sg_params_create(&b->p, b->g, SG_F32, &err));
    CHECK_OK(sg_params_init(b->p, 1, &err));
    CHECK_OK(sg_optimizer_create(&b->o, b->p, options, trained, factors, &err));
    b->grads = test_calloc(b->g->elements, sizeof(float));
    for (size_t i = 0; i < b->g->elements; i++) b->grads[i] = 0.5f;
}

static void bench_close(bench *b) {
    test_free(b->grads);
    sg_optimizer_destroy(b->o);
    sg_params_destroy(b->p);
    sg_graph_destroy(b->g);
}

static float first(const bench *b, const float *block, const char *param) {
    return block[b->g->params[sg_graph_find_param(b->g, param)].offset];
}

static void frozen_and_slow_parameters(void **state) {
    (void)state;
    sg_graph *g = net_small(0);
    bool trained[64];
    double factors[64];
    assert_true(g->param_count <= 64);
    for (int i = 0; i < g->param_count; i++) {
        trained[i] = g->params[i].node >= sg_graph_find(g, "conv3");
        factors[i] = g->params[i].node >= sg_graph_find(g, "fc") ? 3.0 : 1.0;
    }
    sg_graph_destroy(g);
    sg_optimizer_options options = {.kind = SG_OPTIMIZER_SGD};
    bench b;
    bench_open(&b, &options, trained, factors);
    sg_error err = SG_ERROR_INIT;
    float conv1 = first(&b, b.p->data, "conv1.weight"),
          conv3 = first(&b, b.p->data, "conv3.weight");
    float fc = first(&b, b.p->data, "fc.weight"), mean = first(&b, b.p->data, "bn3.running_mean");
    uint64_t version = b.p->version;
    CHECK_OK(sg_optimizer_step(b.o, b.p, b.grads, 0.1, NULL, &err));
    assert_true(b.p->version > version);
    assert_true(first(&b, b.p->data, "conv1.weight") == conv1);
    assert_true(first(&b, b.p->data, "bn3.running_mean") == mean);
    near((double)first(&b, b.p->data, "conv3.weight"), (double)conv3 - 0.05, 1e-6);
    near((double)first(&b, b.p->data, "fc.weight"), (double)fc - 0.15, 1e-6);
    bench_close(&b);
}

static void average_follows(void **state) {
    (void)state;
    sg_optimizer_options options = {.kind = SG_OPTIMIZER_SGD, .ema = 0.9};
    bench b;
    bench_open(&b, &options, NULL, NULL);
    sg_error err = SG_ERROR_INIT;
    double average = (double)first(&b, b.p->data, "conv1.weight"), moving = average;
    double var = 1.0;
    float *running = sg_params_f32(b.p, sg_graph_find_param(b.g, "bn1.running_var"));
    for (int t = 1; t <= 30; t++) {
        double decay = fmin(0.9, (1.0 + t) / (10.0 + t));
        running[0] = 1.0f + (float)t;
        CHECK_OK(sg_optimizer_step(b.o, b.p, b.grads, 0.1, NULL, &err));
        moving -= 0.05;
        average = decay * average + (1 - decay) * moving;
        var = decay * var + (1 - decay) * (1.0 + t);
    }
    near((double)first(&b, b.o->ema, "conv1.weight"), average, 1e-5);
    near((double)first(&b, b.o->ema, "bn1.running_var"), var, 1e-4);
    bench_close(&b);
}

static void a_bad_gradient_stops(void **state) {
    (void)state;
    sg_optimizer_options options = SG_OPTIMIZER_OPTIONS_INIT;
    bench b;
    bench_open(&b, &options, NULL, NULL);
    sg_error err = SG_ERROR_INIT;
    float before = first(&b, b.p->data, "conv1.weight");
    b.grads[b.g->params[sg_graph_find_param(b.g, "conv3.weight")].offset] = INFINITY;
    CHECK_FAILS(sg_optimizer_step(b.o, b.p, b.grads, 0.1, NULL, &err), SG_ERR_NUMERIC,
            "'conv3.weight'");
    assert_true(first(&b, b.p->data, "conv1.weight") == before);
    assert_int_equal(b.o->step, 0);
    options.beta1 = 1.0;
    sg_optimizer *o = NULL;
    CHECK_FAILS(sg_optimizer_create(&o, b.p, &options, NULL, NULL, &err), SG_ERR_USAGE, "beta1");
    assert_null(o);
    bench_close(&b);
}

static void norm_is_global(void **state) {
    (void)state;
    sg_optimizer_options options = {.kind = SG_OPTIMIZER_SGD, .clip_norm = 0.25};
    bench b;
    bench_open(&b, &options, NULL, NULL);
    sg_error err = SG_ERROR_INIT;
    int64_t count = 0;
    for (int i = 0; i < b.g->param_count; i++)
        if (b.o->trained[i]) count += sg_shape_count(&b.g->params[i].shape);
    float before = first(&b, b.p->data, "fc.bias");
    double norm = 0;
    CHECK_OK(sg_optimizer_step(b.o, b.p, b.grads, 1.0, &norm, &err));
    near(norm, 0.5 * sqrt((double)count), 1e-6);
    near((double)first(&b, b.p->data, "fc.bias"), (double)before - 0.5 * 0.25 / norm, 1e-6);
    bench_close(&b);
}

/* Three steps of a real model on the threads of a backend, or on the caller's. */
static void update_by(float **weights, float **average, double *norm, size_t *count,
        sg_backend *threads, sg_optimizer_kind kind) {
    sg_error err = SG_ERROR_INIT;
    sg_model_options model = SG_MODEL_OPTIONS_INIT;
    sg_optimizer_options options = SG_OPTIMIZER_OPTIONS_INIT;
    options.kind = kind;
    options.clip_norm = 1.0;
    options.ema = 0.9;
    bench b = {NULL};
    CHECK_OK(sg_model_build(&b.g, "mobilenetv2", &model, &err));
    CHECK_OK(sg_params_create(&b.p, b.g, SG_F32, &err));
    CHECK_OK(sg_params_init(b.p, 1, &err));
    CHECK_OK(sg_optimizer_create(&b.o, b.p, &options, NULL, NULL, &err));
    b.o->threads = threads;
    b.grads = test_calloc(b.g->elements, sizeof(float));
    sg_rng rng = sg_rng_make(1, SG_RNG_TEST, 0, 0);
    for (size_t i = 0; i < b.g->elements; i++) b.grads[i] = (float)sg_rng_uniform(&rng) - 0.25f;
    for (int t = 0; t < 3; t++) CHECK_OK(sg_optimizer_step(b.o, b.p, b.grads, 0.01, norm, &err));
    size_t bytes = b.g->elements * sizeof(float);
    *count = b.g->elements;
    memcpy(*weights = test_malloc(bytes), b.p->data, bytes);
    memcpy(*average = test_malloc(bytes), b.o->ema, bytes);
    bench_close(&b);
}

static void threads_change_no_bit(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_backend_options three = SG_BACKEND_OPTIONS_INIT;
    three.threads = 3;
    sg_backend *backend;
    CHECK_OK(sg_backend_create(&backend, "onednn", &three, &err));
    for (int kind = SG_OPTIMIZER_SGD; kind <= SG_OPTIMIZER_ADAMW; kind++) {
        float *weights[2], *average[2];
        double norm[2];
        size_t count;
        for (int i = 0; i < 2; i++)
            update_by(&weights[i], &average[i], &norm[i], &count, i ? backend : NULL,
                    (sg_optimizer_kind)kind);
        assert_true(norm[0] == norm[1] && norm[0] > 1);
        assert_memory_equal(weights[0], weights[1], count * sizeof(float));
        assert_memory_equal(average[0], average[1], count * sizeof(float));
        for (int i = 0; i < 2; i++) {
            test_free(weights[i]);
            test_free(average[i]);
        }
    }
    sg_backend_destroy(backend);
}

/* ---- start ---- */

static void starts_are_torchvisions(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = net_small(0);
    sg_params *p, *again;
    CHECK_OK(sg_params_create(&p, g, SG_F32, &err));
    CHECK_OK(sg_params_create(&again, g, SG_F64, &err));
    CHECK_OK(sg_params_init(p, 4, &err));
    CHECK_OK(sg_params_init(again, 4, &err));
    int conv = sg_graph_find_param(g, "conv2.weight"), fc = sg_graph_find_param(g, "fc.weight");
    double squares = 0;
    int64_t count = sg_shape_count(&g->params[conv].shape);
    for (int64_t i = 0; i < count; i++) {
        double w = (double)sg_params_f32(p, conv)[i];
        squares += w * w;
        near(w, sg_params_f64(again, conv)[i], 1e-7);
    }
    near(sqrt(squares / (double)count), sqrt(2.0 / (16 * 9)), 0.01);                   /* fan-out */
    for (int i = 0; i < 48; i++) assert_true(fabsf(sg_params_f32(p, fc)[i]) <= 0.25f); /* 1/4 */
    assert_true(sg_params_f32(p, sg_graph_find_param(g, "bn1.weight"))[3] == 1.0f);
    assert_true(sg_params_f32(p, sg_graph_find_param(g, "se.fc1.bias"))[1] == 0.0f);
    sg_params_destroy(p);
    sg_params_destroy(again);
    sg_graph_destroy(g);
}

/* ---- graph ---- */

static void mistakes_are_told_at_the_end(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_graph *g;
    CHECK_OK(sg_graph_create(&g, "wrong", &err));
    sg_node_id x = sg_graph_input(g, 3);
    sg_node_id y = sg_graph_conv(g, "odd", x, &(sg_conv_spec){.out = 8, .kernel = 3, .groups = 2});
    y = sg_graph_relu(g, "relu", y, 0);
    y = sg_graph_linear(g, "fc", y, 0, 3, true);
    assert_int_equal(y, -1);
    CHECK_FAILS(sg_graph_finish(g, y, x, &err), SG_ERR_SHAPE, "'odd'");
    sg_graph_destroy(g);
    CHECK_OK(sg_graph_create(&g, "twice", &err));
    x = sg_graph_input(g, 3);
    y = sg_graph_relu(g, "relu", sg_graph_relu(g, "relu", x, 0), 0);
    y = sg_graph_linear(g, "fc", y, 0, 3, true);
    CHECK_FAILS(sg_graph_finish(g, y, x, &err), SG_ERR_SHAPE, "twice");
    sg_graph_destroy(g);
}

static void ceil_mode_is_torchs(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_graph *g;
    CHECK_OK(sg_graph_create(&g, "pools", &err));
    sg_node_id x = sg_graph_input(g, 3);
    sg_node_id a = sg_graph_max_pool(g, "ceil", x, 3, 2, 0, true);
    sg_node_id b = sg_graph_max_pool(g, "floor", x, 3, 2, 0, false);
    sg_node_id c = sg_graph_max_pool(g, "dropped", x, 2, 2, 1, true);
    sg_node_id y = sg_graph_linear(g, "fc", sg_graph_global_pool(g, "pool", a), 0, 3, true);
    CHECK_OK(sg_graph_finish(g, y, a, &err));
    sg_shape shapes[8];
    CHECK_OK(sg_graph_shapes(shapes, g, 1, 112, 6, &err));
    assert_int_equal(shapes[a].dims[2], 56);
    assert_int_equal(shapes[b].dims[2], 55);
    assert_int_equal(shapes[a].dims[3], 3);
    assert_int_equal(shapes[c].dims[3], 4);
    CHECK_OK(sg_graph_shapes(shapes, g, 1, 5, 5, &err));
    assert_int_equal(shapes[c].dims[3], 3); /* a window in the padding alone does not count */
    CHECK_FAILS(sg_graph_shapes(shapes, g, 1, 2, 2, &err), SG_ERR_SHAPE, "'");
    sg_graph_destroy(g);
}

/* A stride wider than the kernel: windows stop where the image does (torch gives 3 of 8). */
static void ceil_mode_with_gaps(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_graph *g;
    CHECK_OK(sg_graph_create(&g, "gaps", &err));
    sg_node_id x = sg_graph_input(g, 3);
    sg_node_id a = sg_graph_max_pool(g, "gaps", x, 1, 3, 0, true);
    sg_node_id y = sg_graph_linear(g, "fc", sg_graph_global_pool(g, "pool", a), 0, 3, true);
    CHECK_OK(sg_graph_finish(g, y, a, &err));
    sg_shape shapes[8];
    CHECK_OK(sg_graph_shapes(shapes, g, 1, 8, 9, &err));
    assert_int_equal(shapes[a].dims[2], 3);
    assert_int_equal(shapes[a].dims[3], 3);
    sg_graph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(cosine_rises_and_falls),
            cmocka_unit_test(steps_drop),
            cmocka_unit_test(focal_loss_is_lins),
            cmocka_unit_test(mixed_loss_is_the_mixture),
            cmocka_unit_test(bad_rows_are_refused),
            cmocka_unit_test(extreme_logits_stay_finite),
            cmocka_unit_test(frozen_and_slow_parameters),
            cmocka_unit_test(average_follows),
            cmocka_unit_test(a_bad_gradient_stops),
            cmocka_unit_test(norm_is_global),
            cmocka_unit_test(threads_change_no_bit),
            cmocka_unit_test(starts_are_torchvisions),
            cmocka_unit_test(mistakes_are_told_at_the_end),
            cmocka_unit_test(ceil_mode_is_torchs),
            cmocka_unit_test(ceil_mode_with_gaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
