/* Models: published sizes, torchvision's names, options, and a gradient for every parameter.
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/models/models.h"
#include "nn/plan_internal.h"
#include "support/nets.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static sg_graph *build(const char *name, sg_model_options o) {
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = NULL;
    assert_ok(sg_model_build(&g, name, &o, &err), &err);
    return g;
}

static const sg_model_options defaults = SG_MODEL_OPTIONS_INIT;

static sg_model_options with(int64_t classes, int se, int dilation, int b3, int b4) {
    sg_model_options o = defaults;
    o.classes = classes;
    o.se_reduction = se;
    o.dilation = dilation;
    o.blocks[2] = b3;
    o.blocks[3] = b4;
    return o;
}

/* Parameters in millions and multiply-accumulates in thousand millions at 224, to the digits that
 * torchvision, timm and the literature print. */
static void sizes_are_as_published(void **state) {
    (void)state;
    const struct {
        const char *model;
        sg_model_options options;
        double params, macs;
    } cases[] = {
            {"resnet18", with(1000, -1, -1, 0, 0), 11.69, 1.81},
            {"resnet50", with(1000, -1, -1, 0, 0), 25.56, 4.09},
            {"resnet50", with(3, -1, -1, 0, 0), 23.51, 4.09},
            {"resnet50", with(1000, 16, -1, 0, 0), 28.07, 4.09},
            {"resnet50", with(1000, 8, -1, 0, 0), 30.59, 4.09},
            {"seresnet50", with(1000, -1, -1, 0, 0), 28.09, 4.09}, /* timm: with biases */
            {"resnet50", with(1000, -1, 2, 0, 0), 25.56, 6.21},
            {"resnet50", with(1000, -1, 4, 0, 0), 25.56, 19.08},
            {"resnet50", with(3, 16, 2, 0, 0), 26.03, 6.21},
            {"resnet50", with(3, 16, 2, 0, 2), 21.04, 5.34},
            {"mresnet", with(3, -1, -1, 0, 0), 17.30, 4.68},
            {"mobilenetv2", with(1000, -1, -1, 0, 0), 3.50, 0.30},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sg_error err = SG_ERROR_INIT;
        sg_graph *g = build(cases[i].model, cases[i].options);
        sg_graph_cost cost;
        assert_ok(sg_graph_measure(&cost, g, 224, 224, &err), &err);
        double params = (double)cost.parameters / 1e6, macs = (double)cost.macs / 1e9;
        if (fabs(params - cases[i].params) > 0.006 || fabs(macs - cases[i].macs) > 0.0061)
            fail_msg("case %zu, %s: %.3f M, %.3f GMAC; published %.2f, %.2f", i, cases[i].model,
                    params, macs, cases[i].params, cases[i].macs);
        sg_graph_destroy(g);
    }
    sg_graph *g = build("mobilenetv2", with(1000, -1, -1, 0, 0));
    sg_graph_cost cost;
    sg_error err = SG_ERROR_INIT;
    assert_ok(sg_graph_measure(&cost, g, 224, 224, &err), &err);
    assert_int_equal(cost.parameters, 3504872); /* torchvision */
    sg_graph_destroy(g);
}

static void has_shape(const sg_graph *g, const char *name, const char *shape) {
    char text[SG_SHAPE_TEXT];
    int i = sg_graph_find_param(g, name);
    if (i < 0) fail_msg("%s has no parameter %s", g->name, name);
    assert_string_equal(sg_shape_text(text, &g->params[i].shape), shape);
}

static void names_are_those_of_the_weights(void **state) {
    (void)state;
    sg_graph *g = build("resnet50", defaults);
    has_shape(g, "conv1.weight", "[64, 3, 7, 7]");
    has_shape(g, "layer1.0.downsample.0.weight", "[256, 64, 1, 1]");
    has_shape(g, "layer1.0.downsample.1.running_var", "[256]");
    has_shape(g, "layer4.2.conv2.weight", "[512, 512, 3, 3]");
    has_shape(g, "fc.bias", "[3]");
    assert_int_equal(sg_graph_find_param(g, "layer1.1.downsample.0.weight"), -1);
    sg_graph_destroy(g);
    g = build("mresnet", defaults);
    has_shape(g, "layer4.1.se.fc1.weight", "[128, 2048, 1, 1]");
    has_shape(g, "layer4.1.se.fc2.weight", "[2048, 128, 1, 1]");
    assert_int_equal(sg_graph_find_param(g, "layer3.3.conv1.weight"), -1);
    sg_graph_destroy(g);
    g = build("mresnetv2", defaults);
    has_shape(g, "data_norm.weight", "[3]");
    has_shape(g, "stem.conv.weight", "[64, 3, 7, 7]");
    has_shape(g, "stages.3.blocks.0.norm1.weight", "[1024]");
    has_shape(g, "stages.0.blocks.0.downsample.conv.weight", "[256, 64, 1, 1]");
    has_shape(g, "stages.2.blocks.2.se.fc1.weight", "[64, 1024, 1, 1]");
    has_shape(g, "norm.weight", "[2048]");
    has_shape(g, "head.weight", "[3, 2048]");
    sg_graph_destroy(g);
    g = build("mobilenetv2", defaults);
    has_shape(g, "features.1.conv.0.0.weight", "[32, 1, 3, 3]");
    has_shape(g, "features.1.conv.1.weight", "[16, 32, 1, 1]");
    has_shape(g, "features.1.conv.2.running_mean", "[16]");
    has_shape(g, "features.17.conv.3.weight", "[320]");
    has_shape(g, "features.18.0.weight", "[1280, 320, 1, 1]");
    has_shape(g, "classifier.1.weight", "[3, 1280]");
    sg_graph_destroy(g);
    sg_model_options expanded = defaults;
    expanded.mobilenet_expand_first = true;
    g = build("mobilenetv2", expanded);
    has_shape(g, "features.1.conv.0.0.weight", "[32, 32, 1, 1]");
    has_shape(g, "features.1.conv.2.0.weight", "[16, 32, 1, 1]");
    has_shape(g, "features.17.conv.2.1.weight", "[320]");
    sg_graph_destroy(g);
}

/* The first k blocks keep their names and shapes whatever follows, so that weights fit. */
static void fewer_blocks_keep_the_first(void **state) {
    (void)state;
    sg_graph *whole = build("resnet50", defaults), *part = build("mresnet", defaults);
    int shared = 0;
    for (int i = 0; i < part->param_count; i++) {
        int j = sg_graph_find_param(whole, part->params[i].name);
        if (strstr(part->params[i].name, ".se.")) continue;
        assert_int_not_equal(j, -1);
        assert_true(sg_shape_equal(&part->params[i].shape, &whole->params[j].shape));
        shared++;
    }
    assert_true(shared > 150);
    sg_graph_destroy(whole);
    sg_graph_destroy(part);
}

static void dilation_follows_the_rule(void **state) {
    (void)state;
    sg_model_options o = defaults;
    o.dilation = 4;
    sg_graph *g = build("resnet50", o);
    static const struct {
        const char *node;
        int dilation, stride;
    } expected[] = {{"layer3.0.conv2", 1, 1}, {"layer3.1.conv2", 2, 1}, {"layer4.0.conv2", 2, 1},
            {"layer4.2.conv2", 4, 1}, {"layer2.0.conv2", 1, 2}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const sg_node *node = &g->nodes[sg_graph_find(g, expected[i].node)];
        assert_int_equal(node->dilation[0], expected[i].dilation);
        assert_int_equal(node->padding[0], expected[i].dilation);
        assert_int_equal(node->stride[0], expected[i].stride);
    }
    sg_graph_destroy(g);
}

/* Untrained, normalised by the batch: the gates of an image of noise. */
static void check_gates(const char *name) {
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = build(name, defaults);
    sg_node_id gates[16];
    int count = 0;
    for (int i = 0; i < g->node_count; i++)
        if (g->nodes[i].op == SG_OP_SIGMOID) gates[count++] = i;
    assert_true(count >= 12);
    sg_plan_request r = SG_PLAN_REQUEST_INIT;
    r.batch = 1;
    r.height = r.width = 64;
    r.taps = gates;
    r.tap_count = count;
    net n;
    net_open(&n, g, "onednn", r, true);
    assert_ok(sg_params_init(n.params, 1, &err), &err);
    net_fill(sg_plan_input(n.plan), SG_F32, 3 * 64 * 64, 1);
    assert_ok(sg_plan_forward(n.plan, 1, 1, &err), &err);
    for (int i = 0; i < count; i++) {
        const void *gate;
        assert_ok(sg_plan_tap(&gate, n.plan, gates[i], &err), &err);
        double mean = 0;
        int64_t channels = g->nodes[gates[i]].channels;
        for (int64_t c = 0; c < channels; c++) mean += fabs(((const float *)gate)[c] - 1.0);
        mean /= (double)channels;
        if (!(mean < 0.15)) fail_msg("%s is off by %g", g->nodes[gates[i]].name, mean);
    }
    net_close(&n);
    sg_graph_destroy(g);
}

static void gates_start_near_one(void **state) {
    (void)state;
    check_gates("mresnet");
    check_gates("mresnetv2");
    check_gates("seresnet50");
}

static void wrong_options_are_refused(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = NULL;
    sg_model_options o = defaults;
    assert_int_equal(sg_model_build(&g, "resnet5O", &o, &err), SG_ERR_USAGE);
    assert_non_null(strstr(err.message, "'resnet50'"));
    o.dilation = 3;
    assert_int_equal(sg_model_build(&g, "resnet50", &o, &err), SG_ERR_USAGE);
    o = defaults;
    o.se_reduction = 16;
    assert_int_equal(sg_model_build(&g, "mobilenetv2", &o, &err), SG_ERR_USAGE);
    assert_non_null(strstr(err.message, "se_reduction"));
    o = defaults;
    o.mobilenet_expand_first = true;
    assert_int_equal(sg_model_build(&g, "resnet50", &o, &err), SG_ERR_USAGE);
    o = defaults;
    o.classes = 1;
    assert_int_equal(sg_model_build(&g, "resnet50", &o, &err), SG_ERR_USAGE);
    o = defaults;
    o.dropout = NAN;
    assert_int_equal(sg_model_build(&g, "resnet50", &o, &err), SG_ERR_USAGE);
    assert_null(g);
}

/* ---- every model trains ---- */

enum { BATCH = 2, SIZE = 64 };

static void check_every_gradient(const char *name) {
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = build(name, defaults);
    sg_plan_request r = SG_PLAN_REQUEST_INIT;
    r.batch = BATCH;
    r.height = r.width = SIZE;
    r.gradient = SG_GRADIENT_PARAMETERS;
    net n;
    net_open(&n, g, "onednn", r, true);
    assert_ok(sg_memory_check(n.plan, &err), &err);
    net_fill(sg_plan_input(n.plan), SG_F32, BATCH * 3 * SIZE * SIZE, 1);
    assert_ok(sg_plan_forward(n.plan, 1, 1, &err), &err);
    assert_null(sg_plan_find_nan(n.plan));
    static const float grad[BATCH * 3] = {1, -0.5f, -0.5f, -0.25f, 0.75f, -0.5f};
    assert_ok(sg_plan_backward(n.plan, grad, &err), &err);
    const float *grads = sg_plan_gradients(n.plan);
    for (int i = 0; i < g->param_count; i++) {
        const sg_param *p = &g->params[i];
        if (p->role == SG_PARAM_RUNNING_MEAN || p->role == SG_PARAM_RUNNING_VAR) continue;
        double sum = 0;
        for (int64_t j = 0; j < sg_shape_count(&p->shape); j++)
            sum += fabs((double)grads[p->offset + (size_t)j]);
        if (!(sum > 0) || !isfinite(sum)) fail_msg("%s: %s has no gradient", name, p->name);
    }
    sg_plan_stats s;
    sg_plan_stats_get(&s, n.plan);
    if (s.fallbacks) fail_msg("%s: %d primitives fell back to the reference", name, s.fallbacks);
    net_close(&n);
    sg_graph_destroy(g);
}

static void every_parameter_gets_a_gradient(void **state) {
    (void)state;
    int count;
    const sg_model_info *models = sg_models_list(&count);
    for (int i = 0; i < count; i++) check_every_gradient(models[i].name);
}

/* Folding a whole network, shortcut sums in place included, moves its logits by rounding only. */
static void every_model_folds(void **state) {
    (void)state;
    int count;
    const sg_model_info *models = sg_models_list(&count);
    for (int i = 0; i < count; i++) {
        sg_error err = SG_ERROR_INIT;
        sg_graph *g = build(models[i].name, defaults);
        float logits[2][3];
        for (int fold = 0; fold < 2; fold++) {
            sg_plan_request r = SG_PLAN_REQUEST_INIT;
            r.batch = 1;
            r.height = r.width = SIZE;
            r.no_fold = !fold;
            net n;
            net_open(&n, g, "onednn", r, false);
            assert_ok(sg_memory_check(n.plan, &err), &err);
            net_fill(sg_plan_input(n.plan), SG_F32, 3 * SIZE * SIZE, 1);
            assert_ok(sg_plan_forward(n.plan, 1, 1, &err), &err);
            memcpy(logits[fold], sg_plan_logits(n.plan), sizeof logits[fold]);
            net_close(&n);
        }
        double difference = net_rel_l2(logits[0], logits[1], SG_F32, 3);
        if (!(difference < 1e-4)) fail_msg("%s differs by %g", models[i].name, difference);
        sg_graph_destroy(g);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(sizes_are_as_published),
            cmocka_unit_test(names_are_those_of_the_weights),
            cmocka_unit_test(fewer_blocks_keep_the_first),
            cmocka_unit_test(dilation_follows_the_rule),
            cmocka_unit_test(gates_start_near_one),
            cmocka_unit_test(wrong_options_are_refused),
            cmocka_unit_test(every_parameter_gets_a_gradient),
            cmocka_unit_test(every_model_folds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
