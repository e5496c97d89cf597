/* The engine against PyTorch: loss, gradients, ten steps of each optimiser, logits of whole models.
 * Values by tests/golden/nn/make.py.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "nn/loss.h"
#include "nn/models/models.h"
#include "nn/optimizer.h"
#include "support/formula.h"
#include "support/nets.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BATCH = 6, SIZE = 16, STEPS = 10 };

static const int labels[BATCH] = {0, 2, 1, 1, 0, 2};
static const double class_weights[3] = {1.0, 0.5, 2.0};
static const char *const backends[] = {"onednn", "ref"};

static json_t *golden;

static int read_golden(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    return sg_json_read(&golden, "tests/golden/nn/golden.json", &err) != SG_OK;
}

static int drop_golden(void **state) {
    (void)state;
    json_decref(golden);
    return 0;
}

/* An array of the golden file as floats, the caller's. */
static float *numbers(const json_t *array, size_t count) {
    assert_int_equal(json_array_size(array), count);
    float *out = malloc(count * sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < count; i++) out[i] = (float)json_number_value(json_array_get(array, i));
    return out;
}

static void loss_is_torchs(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(golden, "loss"), i, one) {
        double logits[15], grad[15], weights[3], loss;
        float u[15];
        formula_uniform(u, "logits", 15);
        for (int j = 0; j < 15; j++) logits[j] = 4 * (double)u[j];
        const json_t *w = json_object_get(one, "weight");
        for (size_t j = 0; j < json_array_size(w); j++)
            weights[j] = json_number_value(json_array_get(w, j));
        sg_loss_options o = {.classes = 3,
                .class_weights = json_array_size(w) ? weights : NULL,
                .label_smoothing = json_number_value(json_object_get(one, "label_smoothing"))};
        static const int y[5] = {0, 1, 2, 1, 0};
        assert_ok(sg_loss_softmax_f64(&loss, grad, logits, y, 5, &o, &err), &err);
        assert_true(fabs(loss - json_number_value(json_object_get(one, "loss"))) < 1e-12);
        const json_t *g = json_object_get(one, "gradient");
        for (size_t j = 0; j < 15; j++)
            assert_true(fabs(grad[j] - json_number_value(json_array_get(g, j))) < 1e-12);
    }
    assert_int_equal(i, 4);
}

static void open_small(net *n, const sg_graph *g, const char *backend) {
    sg_plan_request r = SG_PLAN_REQUEST_INIT;
    r.batch = BATCH;
    r.height = r.width = SIZE;
    r.gradient = SG_GRADIENT_PARAMETERS;
    r.dropout = true;
    net_open(n, g, backend, r, true);
    formula_params(n->params);
}

static double step_gradients(net *n) {
    sg_error err = SG_ERROR_INIT;
    sg_loss_options o = {.classes = 3, .class_weights = class_weights, .label_smoothing = 0.1};
    float grad[BATCH * 3];
    double loss;
    formula_uniform(sg_plan_input(n->plan), "input", BATCH * 3 * SIZE * SIZE);
    assert_ok(sg_plan_forward(n->plan, 0, 0, &err), &err);
    assert_ok(sg_loss_softmax(
                      &loss, grad, sg_plan_logits(n->plan), labels, NULL, NULL, BATCH, &o, &err),
            &err);
    assert_ok(sg_plan_backward(n->plan, grad, &err), &err);
    return loss;
}

static void every_gradient_is_torchs(void **state) {
    (void)state;
    const json_t *expected = json_object_get(golden, "gradients");
    for (int b = 0; b < 2; b++) {
        sg_graph *g = net_small(0.0);
        net n;
        open_small(&n, g, backends[b]);
        step_gradients(&n);
        const float *grads = sg_plan_gradients(n.plan);
        size_t seen = 0;
        for (int i = 0; i < g->param_count; i++) {
            const sg_param *p = &g->params[i];
            if (p->role == SG_PARAM_RUNNING_MEAN || p->role == SG_PARAM_RUNNING_VAR) continue;
            size_t count = (size_t)sg_shape_count(&p->shape);
            float *e = numbers(json_object_get(expected, p->name), count);
            double difference = net_rel_l2(grads + p->offset, e, SG_F32, count);
            if (!(difference <= 1e-4))
                fail_msg("%s on %s differs by %g", p->name, backends[b], difference);
            free(e);
            seen++;
        }
        assert_int_equal(seen, json_object_size(expected));
        net_close(&n);
        sg_graph_destroy(g);
    }
}

typedef struct recipe {
    const char *name;
    sg_optimizer_options options;
    double rate;
} recipe;

static const recipe recipes[] = {
        {"sgd",
                {.kind = SG_OPTIMIZER_SGD,
                        .momentum = 0.9,
                        .weight_decay = 1e-3,
                        .decay_all = true},
                0.05},
        {"nesterov",
                {.kind = SG_OPTIMIZER_SGD,
                        .momentum = 0.9,
                        .nesterov = true,
                        .weight_decay = 1e-3,
                        .decay_all = true},
                0.05},
        {"adamw",
                {.kind = SG_OPTIMIZER_ADAMW,
                        .beta1 = 0.9,
                        .beta2 = 0.999,
                        .eps = 1e-8,
                        .weight_decay = 0.05},
                0.01},
        {"adamw_clipped",
                {.kind = SG_OPTIMIZER_ADAMW,
                        .beta1 = 0.9,
                        .beta2 = 0.999,
                        .eps = 1e-8,
                        .weight_decay = 0.05,
                        .clip_norm = 0.1},
                0.01},
};

static void check_curve(const recipe *r, const char *backend) {
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = net_small(0.0);
    net n;
    open_small(&n, g, backend);
    sg_optimizer *o;
    assert_ok(sg_optimizer_create(&o, n.params, &r->options, NULL, NULL, &err), &err);
    float *expected = numbers(json_object_get(json_object_get(golden, "curves"), r->name), STEPS);
    for (int i = 0; i < STEPS; i++) {
        double loss = step_gradients(&n), norm;
        if (!(fabs(loss - (double)expected[i]) <= 1e-4))
            fail_msg("%s on %s, step %d: loss %.6f, torch %.6f", r->name, backend, i, loss,
                    (double)expected[i]);
        assert_ok(sg_optimizer_step(o, n.params, sg_plan_gradients(n.plan), r->rate, &norm, &err),
                &err);
    }
    free(expected);
    sg_optimizer_destroy(o);
    net_close(&n);
    sg_graph_destroy(g);
}

static void ten_steps_are_torchs(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++)
        for (int b = 0; b < 2; b++) check_curve(&recipes[i], backends[b]);
}

static void models_are_torchvisions(void **state) {
    (void)state;
    enum { IMAGES = 2, PIXELS = IMAGES * 3 * 64 * 64 };
    const char *name;
    json_t *expected;
    json_object_foreach(json_object_get(golden, "logits"), name, expected) {
        sg_error err = SG_ERROR_INIT;
        sg_model_options o = SG_MODEL_OPTIONS_INIT;
        sg_graph *g;
        assert_ok(sg_model_build(&g, name, &o, &err), &err);
        float *e = numbers(expected, IMAGES * 3);
        for (int fold = 0; fold < 2; fold++) {
            sg_plan_request r = SG_PLAN_REQUEST_INIT;
            r.batch = IMAGES;
            r.height = r.width = 64;
            r.no_fold = !fold;
            net n;
            net_open(&n, g, "onednn", r, false);
            formula_params(n.params);
            formula_uniform(sg_plan_input(n.plan), "input", PIXELS);
            assert_ok(sg_plan_forward(n.plan, 0, 0, &err), &err);
            const float *logits = sg_plan_logits(n.plan);
            for (int i = 0; i < IMAGES * 3; i++)
                if (!(fabsf(logits[i] - e[i]) <= 1e-4f))
                    fail_msg("%s, logit %d: %.6f, torchvision %.6f", name, i, (double)logits[i],
                            (double)e[i]);
            net_close(&n);
        }
        free(e);
        sg_graph_destroy(g);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(loss_is_torchs),
            cmocka_unit_test(every_gradient_is_torchs),
            cmocka_unit_test(ten_steps_are_torchs),
            cmocka_unit_test(models_are_torchvisions),
    };
    return cmocka_run_group_tests(tests, read_golden, drop_golden);
}
