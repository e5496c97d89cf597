/* test_transfer.c - given weights are loaded where they fit and refused where they must be a
 * mistake. SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"
#include "train/transfer.h"
#include <math.h>
#include <stdlib.h>

static sg_graph *small_net(int64_t classes, bool with_gate) {
    sg_error err = SG_ERROR_INIT;
    sg_graph *g;
    CHECK_OK(sg_graph_create(&g, "small", &err));
    sg_node_id x = sg_graph_input(g, 3);
    x = sg_graph_conv(g, "stem.conv", x, &(sg_conv_spec){.out = 4, .kernel = 3, .padding = 1});
    x = sg_graph_batch_norm(g, "stem.norm", x, 1e-5);
    x = sg_graph_conv(g, "body.conv", x, &(sg_conv_spec){.out = 4, .kernel = 1});
    if (with_gate) {
        sg_node_id gate = sg_graph_global_pool(g, "body.se.pool", x);
        gate = sg_graph_conv(
                g, "body.se.fc1", gate, &(sg_conv_spec){.out = 4, .kernel = 1, .bias = true});
        gate = sg_graph_sigmoid(g, "body.se.gate", gate, 1);
        x = sg_graph_channel_scale(g, "body.scale", x, gate);
    }
    x = sg_graph_conv(g, "tail.conv", x, &(sg_conv_spec){.out = 8, .kernel = 1});
    sg_node_id map = x;
    x = sg_graph_global_pool(g, "pool", x);
    x = sg_graph_linear(g, "head", x, 0, classes, true);
    CHECK_OK(sg_graph_finish(g, x, map, &err));
    return g;
}

/* A file with the named prefixes of the net's parameters, all numbers equal to `value`. */
static void write_file(const char *path, const sg_graph *g, const char *prefixes, float value) {
    sg_error err = SG_ERROR_INIT;
    sg_safetensors_item items[32] = {0};
    float *blocks[32];
    size_t n = 0;
    for (int i = 0; i < g->param_count; i++) {
        if (!sg_name_has_prefix(g->params[i].name, prefixes)) continue;
        int64_t count = sg_shape_count(&g->params[i].shape);
        blocks[n] = malloc((size_t)count * sizeof(float));
        for (int64_t k = 0; k < count; k++) blocks[n][k] = value;
        items[n] = (sg_safetensors_item){g->params[i].name, SG_F32, g->params[i].shape, blocks[n]};
        n++;
    }
    CHECK_OK(sg_safetensors_write(path, items, n, NULL, &err));
    for (size_t i = 0; i < n; i++) free(blocks[i]);
}

static sg_status load(sg_transfer *t, sg_graph *g, const char *path, const char *allow,
        float *probe, sg_error *why) {
    sg_error err = SG_ERROR_INIT;
    sg_params *params;
    CHECK_OK(sg_params_create(&params, g, SG_F32, &err));
    CHECK_OK(sg_params_init(params, 1, &err));
    sg_status st = sg_transfer_load(t, params, path, allow, why);
    *probe = sg_params_f32(params, sg_graph_find_param(g, "stem.conv.weight"))[0];
    sg_params_destroy(params);
    return st;
}

static void test_whole_file(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = small_net(3, false);
    write_file("all.safetensors", g, "stem,body,tail,head", 0.5f);
    sg_transfer t;
    float probe;
    CHECK_OK(load(&t, g, "all.safetensors", NULL, &probe, &err));
    assert_true(probe == 0.5f);
    assert_int_equal(t.fresh, 0);
    assert_true(t.share == 1.0);
    sg_transfer_dispose(&t);
    sg_graph_destroy(g);
}

static void test_head_of_other_size_is_new(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = small_net(3, false), *imagenet = small_net(10, false);
    write_file("ten.safetensors", imagenet, "stem,body,tail,head", 0.5f);
    sg_transfer t;
    float probe;
    CHECK_OK(load(&t, g, "ten.safetensors", NULL, &probe, &err));
    assert_int_equal(t.fresh, 2);
    assert_string_equal(t.fresh_names, "head");
    sg_transfer_dispose(&t);
    sg_graph_destroy(g);
    sg_graph_destroy(imagenet);
}

static void test_missing_tail_and_gates_are_new(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = small_net(3, true);
    write_file("front.safetensors", g, "stem,body.conv", 0.5f);
    sg_transfer t;
    float probe;
    CHECK_OK(load(&t, g, "front.safetensors", NULL, &probe, &err));
    assert_true(t.is_new[sg_graph_find_param(g, "body.se.fc1.weight")]);
    assert_true(t.is_new[sg_graph_find_param(g, "tail.conv.weight")]);
    assert_false(t.is_new[sg_graph_find_param(g, "body.conv.weight")]);
    sg_transfer_dispose(&t);
    sg_graph_destroy(g);
}

static void test_hole_is_refused_unless_allowed(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = small_net(3, false);
    write_file("hole.safetensors", g, "stem,tail", 0.5f);
    sg_transfer t;
    float probe;
    CHECK_FAILS(load(&t, g, "hole.safetensors", NULL, &probe, &err), SG_ERR_INPUT,
            "--allow-new body.conv");
    CHECK_OK(load(&t, g, "hole.safetensors", "body", &probe, &err));
    sg_transfer_dispose(&t);
    sg_graph_destroy(g);
}

static void test_folded_file_is_told(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = small_net(3, false);
    float data[8 * 4] = {0};
    const sg_safetensors_item items[] = {
            {"body.conv.bias", SG_F32, sg_shape_of(1, (int64_t[]){4}), data},
            {"body.conv.weight", SG_F32, sg_shape4(4, 4, 1, 1), data},
            {"tail.conv.weight", SG_F32, sg_shape4(8, 4, 1, 1), data}};
    CHECK_OK(sg_safetensors_write("folded.safetensors", items, 3, NULL, &err));
    sg_transfer t;
    float probe;
    CHECK_FAILS(load(&t, g, "folded.safetensors", "stem.conv", &probe, &err), SG_ERR_INPUT,
            "--unfolded");
    sg_graph_destroy(g);
}

/* A transposed weight has the right number of elements and the wrong shape. */
static void test_transposed_is_refused(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = small_net(3, false);
    float data[4 * 8] = {0};
    sg_safetensors_item item = {"tail.conv.weight", SG_F32, sg_shape4(4, 8, 1, 1), data};
    CHECK_OK(sg_safetensors_write("turned.safetensors", &item, 1, NULL, &err));
    sg_transfer t;
    float probe;
    CHECK_FAILS(load(&t, g, "turned.safetensors", "stem,body", &probe, &err), SG_ERR_SHAPE,
            "tail.conv.weight has shape [4, 8, 1, 1]");
    sg_graph_destroy(g);
}

static void test_other_model_and_nan_are_refused(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = small_net(3, false);
    float one = 1;
    sg_safetensors_item item = {"conv1.weight", SG_F32, sg_shape_of(1, (int64_t[]){1}), &one};
    CHECK_OK(sg_safetensors_write("other.safetensors", &item, 1, NULL, &err));
    sg_transfer t;
    float probe;
    CHECK_FAILS(
            load(&t, g, "other.safetensors", NULL, &probe, &err), SG_ERR_INPUT, "another model");
    write_file("nan.safetensors", g, "stem,body,tail,head", NAN);
    CHECK_FAILS(load(&t, g, "nan.safetensors", NULL, &probe, &err), SG_ERR_INPUT, "NaN");
    write_file("negative.safetensors", g, "stem,body,tail,head", -0.5f);
    CHECK_FAILS(load(&t, g, "negative.safetensors", NULL, &probe, &err), SG_ERR_INPUT,
            "stem.norm.running_var holds a negative variance");
    sg_graph_destroy(g);
}

static void test_freeze(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = small_net(3, false);
    bool trained[32];
    CHECK_OK(sg_transfer_freeze(trained, g, "stem,body", &err));
    assert_false(trained[sg_graph_find_param(g, "stem.norm.weight")]);
    assert_false(trained[sg_graph_find_param(g, "stem.norm.running_mean")]);
    assert_true(trained[sg_graph_find_param(g, "tail.conv.weight")]);
    CHECK_FAILS(sg_transfer_freeze(trained, g, "stem,bodi", &err), SG_ERR_USAGE, "'bodi'");
    CHECK_FAILS(sg_transfer_freeze(trained, g, "stem,body,tail,head", &err), SG_ERR_USAGE,
            "no layer to train");
    sg_graph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_whole_file),
            cmocka_unit_test(test_head_of_other_size_is_new),
            cmocka_unit_test(test_missing_tail_and_gates_are_new),
            cmocka_unit_test(test_hole_is_refused_unless_allowed),
            cmocka_unit_test(test_folded_file_is_told),
            cmocka_unit_test(test_transposed_is_refused),
            cmocka_unit_test(test_other_model_and_nan_are_refused),
            cmocka_unit_test(test_freeze),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
