/* Gradients of the small network against central differences, in double on the reference backend.
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/loss.h"
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

enum { BATCH = 3, SIZE = 16, PIXELS = BATCH * 3 * SIZE * SIZE };

static const int labels[BATCH] = {0, 2, 1};
static const double class_weights[3] = {1.0, 0.5, 2.0};

static double loss_of(sg_plan *plan, double *grad, const double *image) {
    sg_error err = SG_ERROR_INIT;
    sg_loss_options o = {.classes = 3, .class_weights = class_weights, .label_smoothing = 0.1};
    double loss = 0;
    memcpy(sg_plan_input(plan), image, PIXELS * sizeof *image);
    assert_ok(sg_plan_forward(plan, 3, 1, &err), &err);
    assert_ok(
            sg_loss_softmax_f64(&loss, grad, sg_plan_logits(plan), labels, BATCH, &o, &err), &err);
    return loss;
}

/* Central difference at *x; kinks of ReLU and max pooling are avoided by trying two widths. */
static double slope(net *n, const double *image, double *x, double h) {
    double kept = *x;
    *x = kept + h;
    n->params->version++;
    double up = loss_of(n->plan, NULL, image);
    *x = kept - h;
    n->params->version++;
    double down = loss_of(n->plan, NULL, image);
    *x = kept;
    n->params->version++;
    return (up - down) / (2 * h);
}

static bool agrees(net *n, const double *image, double *x, double expected) {
    for (double h = 1e-5; h > 1e-8; h *= 0.1)
        if (fabs(slope(n, image, x, h) - expected) <= 1e-6 + 1e-5 * fabs(expected)) return true;
    return false;
}

static void check_parameters(bool training, bool dropout) {
    sg_graph *g = net_small(dropout ? 0.4 : 0.0);
    sg_plan_request r = SG_PLAN_REQUEST_INIT;
    r.batch = BATCH;
    r.height = r.width = SIZE;
    r.dtype = SG_F64;
    r.gradient = SG_GRADIENT_PARAMETERS;
    r.dropout = dropout;
    net n;
    net_open(&n, g, "ref", r, training);
    double image[PIXELS], grad[BATCH * 3];
    net_fill(image, SG_F64, PIXELS, 1);
    sg_error err = SG_ERROR_INIT;
    loss_of(n.plan, grad, image);
    assert_ok(sg_plan_backward(n.plan, grad, &err), &err);
    assert_ok(sg_memory_check(n.plan, &err), &err);
    const double *grads = sg_plan_gradients(n.plan);
    double *copy = malloc(g->elements * sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, grads, g->elements * sizeof *copy);
    for (int i = 0; i < g->param_count; i++) {
        const sg_param *p = &g->params[i];
        bool buffer = p->role == SG_PARAM_RUNNING_MEAN || p->role == SG_PARAM_RUNNING_VAR;
        int64_t count = sg_shape_count(&p->shape), stride = count > 12 ? count / 12 : 1;
        for (int64_t j = 0; j < count; j += stride) {
            double expected = copy[p->offset + (size_t)j];
            if (buffer)
                assert_true(expected == 0.0);
            else if (!agrees(&n, image, sg_params_f64(n.params, i) + j, expected))
                fail_msg("gradient of %s[%d] is %g, differences say %g", p->name, (int)j, expected,
                        slope(&n, image, sg_params_f64(n.params, i) + j, 1e-6));
        }
    }
    free(copy);
    net_close(&n);
    sg_graph_destroy(g);
}

static void batch_statistics(void **state) {
    (void)state;
    check_parameters(true, false);
}

static void running_statistics(void **state) {
    (void)state;
    check_parameters(false, false);
}

static void with_dropout(void **state) {
    (void)state;
    check_parameters(true, true);
}

static void input_and_node(void **state) {
    (void)state;
    sg_graph *g = net_small(0.0);
    sg_plan_request r = SG_PLAN_REQUEST_INIT;
    r.batch = BATCH;
    r.height = r.width = SIZE;
    r.dtype = SG_F64;
    r.gradient = SG_GRADIENT_INPUT;
    net n;
    net_open(&n, g, "ref", r, false);
    double image[PIXELS], grad[BATCH * 3];
    net_fill(image, SG_F64, PIXELS, 1);
    sg_error err = SG_ERROR_INIT;
    loss_of(n.plan, grad, image);
    assert_ok(sg_plan_backward(n.plan, grad, &err), &err);
    assert_ok(sg_memory_check(n.plan, &err), &err);
    const void *found;
    assert_ok(sg_plan_node_gradient(&found, n.plan, &err), &err);
    double copy[PIXELS];
    memcpy(copy, found, sizeof copy);
    for (int i = 0; i < PIXELS; i += 97) assert_true(agrees(&n, image, &image[i], copy[i]));
    net_close(&n);

    /* The gradient at a node near the end: bias of the next layer sees the same sum. */
    r.gradient = SG_GRADIENT_NODE;
    r.gradient_node = sg_graph_find(g, "pool");
    net_open(&n, g, "ref", r, false);
    loss_of(n.plan, grad, image);
    assert_ok(sg_plan_backward(n.plan, grad, &err), &err);
    assert_ok(sg_plan_node_gradient(&found, n.plan, &err), &err);
    const double *w = sg_params_f64(n.params, sg_graph_find_param(g, "fc.weight"));
    for (int c = 0; c < 16; c++) {
        double expected = 0;
        for (int k = 0; k < 3; k++) expected += grad[k] * w[k * 16 + c];
        assert_true(fabs(((const double *)found)[c] - expected) < 1e-12);
    }
    net_close(&n);
    sg_graph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(batch_statistics),
            cmocka_unit_test(running_statistics),
            cmocka_unit_test(with_dropout),
            cmocka_unit_test(input_and_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
