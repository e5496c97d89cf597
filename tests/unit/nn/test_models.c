/* Models: published sizes, torchvision's names, options, and a gradient for every parameter.
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/models/models.h"
#include "nn/plan_internal.h"
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

static sg_model_options with_auxiliary(int64_t classes) {
    sg_model_options o = defaults;
    o.classes = classes;
    o.auxiliary = true;
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
            {"alexnet", with(1000, -1, -1, 0, 0), 61.10, 0.71},
            {"alexnet", with(3, -1, -1, 0, 0), 57.02, 0.71},
            {"vgg16", with(1000, -1, -1, 0, 0), 138.36, 15.47},
            {"vgg16", with(3, -1, -1, 0, 0), 134.27, 15.47},
            {"vgg16_bn", with(1000, -1, -1, 0, 0), 138.37, 15.47},
            {"googlenet", with(1000, -1, -1, 0, 0), 6.62, 1.50},
            {"googlenet", with(3, -1, -1, 0, 0), 5.60, 1.50},
            {"googlenet", with_auxiliary(1000), 13.00, 1.50}, /* which predicting does not need */
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
    static const struct {
        const char *model;
        int64_t parameters;
    } exact[] = {{"mobilenetv2", 3504872}, {"alexnet", 61100840}, {"vgg16", 138357544},
            {"vgg16_bn", 138365992}, {"googlenet", 6624904}}; /* torchvision */
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        sg_graph *g = build(exact[i].model, with(1000, -1, -1, 0, 0));
        sg_graph_cost cost;
        sg_error err = SG_ERROR_INIT;
        assert_ok(sg_graph_measure(&cost, g, 224, 224, &err), &err);
        assert_int_equal(cost.parameters, exact[i].parameters);
        sg_graph_destroy(g);
    }
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
    g = build("alexnet", defaults);
    has_shape(g, "features.0.weight", "[64, 3, 11, 11]");
    has_shape(g, "features.10.bias", "[256]");
    has_shape(g, "classifier.1.weight", "[4096, 9216]");
    has_shape(g, "classifier.6.weight", "[3, 4096]");
    sg_graph_destroy(g);
    g = build("vgg16_bn", defaults);
    has_shape(g, "features.1.running_mean", "[64]");
    has_shape(g, "features.40.weight", "[512, 512, 3, 3]");
    has_shape(g, "classifier.0.weight", "[4096, 25088]");
    sg_graph_destroy(g);
    g = build("vgg16", defaults);
    has_shape(g, "features.28.weight", "[512, 512, 3, 3]");
    has_shape(g, "classifier.6.bias", "[3]");
    sg_graph_destroy(g);
    g = build("googlenet", with_auxiliary(3));
    has_shape(g, "conv1.conv.weight", "[64, 3, 7, 7]");
    has_shape(g, "inception4d.branch3.1.conv.weight", "[64, 32, 3, 3]");
    has_shape(g, "inception5b.branch4.1.bn.running_var", "[128]");
    has_shape(g, "aux2.conv.conv.weight", "[128, 528, 1, 1]");
    has_shape(g, "aux1.fc1.weight", "[1024, 2048]");
    has_shape(g, "fc.weight", "[3, 1024]");
    sg_graph_destroy(g);
}

/* Rounded up, but no window starts behind the image: 224 - 112 - 56 - 28 - 14 - 7. */
static void pools_round_up(void **state) {
    (void)state;
    static const struct {
        const char *node;
        int64_t at_224, at_75;
    } expected[] = {{"maxpool1", 56, 19}, {"maxpool2", 28, 9}, {"maxpool3", 14, 4},
            {"inception4a.branch4.0", 14, 4}, {"maxpool4", 7, 2}};
    sg_graph *g = build("googlenet", defaults);
    sg_shape *shapes = calloc((size_t)g->node_count, sizeof *shapes);
    assert_non_null(shapes);
    for (int pass = 0; pass < 2; pass++) {
        sg_error err = SG_ERROR_INIT;
        int64_t size = pass ? 75 : 224;
        assert_ok(sg_graph_shapes(shapes, g, 1, size, size, &err), &err);
        for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
            assert_int_equal(shapes[sg_graph_find(g, expected[i].node)].dims[2],
                    pass ? expected[i].at_75 : expected[i].at_224);
    }
    free(shapes);
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
    o = with_auxiliary(3);
    assert_int_equal(sg_model_build(&g, "vgg16", &o, &err), SG_ERR_USAGE);
    o = defaults;
    o.transform_input = true;
    o.channels = 1;
    assert_int_equal(sg_model_build(&g, "googlenet", &o, &err), SG_ERR_USAGE);
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

/* Those of more are run by tests/conformance/test_parity.c, as released: they take their time. */
enum { MOST_ELEMENTS = 40000000 };

static void check_every_gradient(const char *name, const sg_model_options *o) {
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = build(name, *o);
    if (g->elements > MOST_ELEMENTS) {
        sg_graph_destroy(g);
        return;
    }
    sg_plan_request r = SG_PLAN_REQUEST_INIT;
    r.batch = BATCH;
    r.height = r.width = SIZE;
    r.gradient = SG_GRADIENT_PARAMETERS;
    r.auxiliary = true;
    net n;
    net_open(&n, g, "onednn", r, true);
    assert_ok(sg_memory_check(n.plan, &err), &err);
    net_fill(sg_plan_input(n.plan), SG_F32, BATCH * 3 * SIZE * SIZE, 1);
    assert_ok(sg_plan_forward(n.plan, 1, 1, &err), &err);
    assert_null(sg_plan_find_nan(n.plan));
    static const float grad[BATCH * 3] = {1, -0.5f, -0.5f, -0.25f, 0.75f, -0.5f};
    for (int i = 0; i < g->auxiliary_count; i++)
        memcpy(sg_plan_auxiliary_gradient(n.plan, i), grad, sizeof grad);
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
    sg_model_options o = with_auxiliary(3);
    for (int i = 0; i < count; i++) check_every_gradient(models[i].name, &defaults);
    check_every_gradient("googlenet", &o);
}

/* An image standardised by mean 1/2 and deviation 1/2 gives what one standardised as ImageNet's
 * gives with transform_input. */
static void input_is_transformed(void **state) {
    (void)state;
    enum { PIXELS = SIZE * SIZE };
    static const float mean[3] = {0.485f, 0.456f, 0.406f}, std[3] = {0.229f, 0.224f, 0.225f};
    float logits[2][3];
    for (int transform = 0; transform < 2; transform++) {
        sg_error err = SG_ERROR_INIT;
        sg_model_options o = defaults;
        o.transform_input = transform;
        sg_graph *g = build("googlenet", o);
        sg_plan_request r = SG_PLAN_REQUEST_INIT;
        r.batch = 1;
        r.height = r.width = SIZE;
        net n;
        net_open(&n, g, "onednn", r, false);
        formula_params(n.params);
        float *x = sg_plan_input(n.plan);
        net_fill(x, SG_F32, 3 * PIXELS, 1);
        for (int c = 0; c < 3; c++)
            for (int i = c * PIXELS; i < (c + 1) * PIXELS; i++)
                x[i] = transform ? (x[i] - mean[c]) / std[c] : (x[i] - 0.5f) / 0.5f;
        assert_ok(sg_plan_forward(n.plan, 1, 1, &err), &err);
        memcpy(logits[transform], sg_plan_logits(n.plan), sizeof logits[transform]);
        net_close(&n);
        sg_graph_destroy(g);
    }
    double difference = net_rel_l2(logits[1], logits[0], SG_F32, 3);
    if (!(difference < 1e-5)) fail_msg("the logits differ by %g", difference);
}

/* Folding a whole network, shortcut sums in place included, moves its logits by rounding only. */
static void every_model_folds(void **state) {
    (void)state;
    int count;
    const sg_model_info *models = sg_models_list(&count);
    for (int i = 0; i < count; i++) {
        sg_error err = SG_ERROR_INIT;
        sg_graph *g = build(models[i].name, defaults);
        if (g->elements > MOST_ELEMENTS) {
            sg_graph_destroy(g);
            continue;
        }
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
            cmocka_unit_test(pools_round_up),
            cmocka_unit_test(fewer_blocks_keep_the_first),
            cmocka_unit_test(dilation_follows_the_rule),
            cmocka_unit_test(gates_start_near_one),
            cmocka_unit_test(wrong_options_are_refused),
            cmocka_unit_test(every_parameter_gets_a_gradient),
            cmocka_unit_test(input_is_transformed),
            cmocka_unit_test(every_model_folds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
