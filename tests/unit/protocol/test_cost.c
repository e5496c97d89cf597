/* test_cost.c - what a model costs: counts that follow from the graph, memory that grows with the
 * batch, and a measurement that is told again as it was. SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "protocol/cost.h"
#include "support/image_folder.h"
#include <stdio.h>

static sg_train_options make_options(int batch) {
    const sg_model_options model = SG_MODEL_OPTIONS_INIT;
    const sg_optimizer_options optimizer = SG_OPTIMIZER_OPTIONS_INIT;
    const sg_recipe recipe = SG_RECIPE_INIT;
    sg_train_options o = {.model = "resnet18",
            .model_options = model,
            .batch = batch,
            .optimizer = optimizer,
            .recipe = recipe,
            .threads = 1,
            .backend = "onednn"};
    o.recipe.size = 32;
    for (int i = 0; i < 4; i++) o.model_options.blocks[i] = 1;
    return o;
}

static void test_counts_and_memory(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    const sg_train_options small = make_options(2), large = make_options(8);
    sg_graph_cost graph;
    sg_graph *g;
    sg_cost a, b;
    CHECK_OK(sg_cost_measure(&a, &small, 3, &err));
    CHECK_OK(sg_cost_measure(&b, &large, 3, &err));
    CHECK_OK(sg_model_build(&g, small.model, &small.model_options, &err));
    CHECK_OK(sg_graph_measure(&graph, g, 32, 32, &err));
    sg_graph_destroy(g);
    assert_true(a.parameters == (double)graph.parameters && a.macs == (double)graph.macs);
    assert_true(a.parameters == b.parameters && a.predict_bytes == b.predict_bytes);
    assert_true(a.predict_bytes > 4 * a.parameters);
    assert_true(a.train_bytes > 16 * a.parameters); /* weights, gradients, two moments */
    assert_true(b.train_bytes > a.train_bytes);
    assert_true(a.ms_per_image > 0);
}

static void test_told_again_it_is_the_same(void **state) {
    (void)state;
    char root[SG_TEST_PATH], path[SG_TEST_PATH + 16];
    sg_error err = SG_ERROR_INIT;
    const sg_train_options o = make_options(2);
    sg_cost first, again;
    sg_test_folder_make(root);
    (void)snprintf(path, sizeof path, "%s/cost.json", root);
    CHECK_OK(sg_cost_recall(&first, path, &o, 3, &err));
    CHECK_OK(sg_cost_recall(&again, path, &o, 3, &err));
    assert_true(first.ms_per_image == again.ms_per_image && first.macs == again.macs);
    assert_int_equal(again.threads, 1);
    sg_test_text_write(root, "cost.json", "{}");
    CHECK_FAILS(sg_cost_recall(&again, path, &o, 3, &err), SG_ERR_FORMAT, "cost.json");
    sg_test_folder_remove(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_counts_and_memory),
            cmocka_unit_test(test_told_again_it_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
