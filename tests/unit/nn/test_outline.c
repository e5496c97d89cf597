/* Outlines of models: blocks, gates, dilation, and what differs between two.
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/models/models.h"
#include "nn/outline.h"
#include "support/check.h"

static void outline(sg_outline *out, const char *name) {
    sg_error err = SG_ERROR_INIT;
    sg_model_options o = SG_MODEL_OPTIONS_INIT;
    sg_graph *g;
    CHECK_OK(sg_model_build(&g, name, &o, &err));
    CHECK_OK(sg_outline_make(out, g, 224, 224, &err));
    sg_graph_destroy(g);
}

static void blocks_are_found(void **state) {
    (void)state;
    sg_outline o;
    outline(&o, "mresnet");
    assert_int_equal(o.count, 1 + 3 + 4 + 3 + 2 + 1);
    assert_int_equal(sg_outline_count(&o, 3), 3);
    const sg_outline_block *b = sg_outline_find(&o, 4, 1);
    assert_string_equal(b->name, "layer4.1");
    assert_int_equal(b->gate_reduction, 16);
    assert_int_equal(b->dilation, 2);
    assert_int_equal(b->layer_count, 3);
    assert_string_equal(b->layers[1], "3x3 conv, 512, dilation 2");
    assert_int_equal(b->channels, 2048);
    assert_int_equal(b->height, 14);
    assert_false(b->projects);
    assert_true(sg_outline_find(&o, 4, 0)->projects);
    assert_string_equal(sg_outline_find(&o, 0, 0)->name, "stem");
    assert_string_equal(sg_outline_find(&o, 5, 0)->name, "head");
    assert_null(sg_outline_find(&o, 4, 2));
    sg_outline_dispose(&o);
}

static void zoo_names_are_found(void **state) {
    (void)state;
    sg_outline o;
    outline(&o, "mresnetv2");
    assert_int_equal(o.count, 1 + 3 + 4 + 3 + 2 + 1);
    assert_string_equal(sg_outline_find(&o, 2, 3)->name, "stages.1.blocks.3");
    assert_string_equal(sg_outline_find(&o, 2, 3)->layers[0], "norm and ReLU in front");
    sg_outline_dispose(&o);
    outline(&o, "mobilenetv2");
    assert_int_equal(o.count, 1 + 17 + 1 + 1);
    assert_string_equal(sg_outline_find(&o, 1, 0)->layers[0], "3x3 depthwise, 32");
    sg_outline_dispose(&o);
}

static void chains_and_inceptions_are_found(void **state) {
    (void)state;
    sg_outline o;
    outline(&o, "vgg16");
    assert_int_equal(o.count, 6);
    const sg_outline_block *b = sg_outline_find(&o, 2, 0);
    assert_string_equal(b->name, "stage 2");
    assert_int_equal(b->layer_count, 4);
    assert_string_equal(b->layers[3], "2x2 pool, stride 2");
    assert_int_equal(b->height, 28);
    assert_string_equal(sg_outline_find(&o, 5, 0)->layers[0], "mean over 7x7 windows");
    sg_outline_dispose(&o);
    outline(&o, "googlenet");
    b = sg_outline_find(&o, 3, 1); /* behind the pool */
    assert_string_equal(b->name, "inception4a");
    assert_int_equal(b->layer_count, 7);
    assert_int_equal(b->channels, 512);
    sg_outline_dispose(&o);
}

static void differences_are_seen(void **state) {
    (void)state;
    sg_outline plain, gated, pre;
    outline(&plain, "resnet50");
    outline(&gated, "seresnet50");
    outline(&pre, "resnet50v2");
    assert_true(sg_outline_same(&plain.blocks[0], &gated.blocks[0]));
    assert_false(sg_outline_same(&plain.blocks[1], &gated.blocks[1]));
    assert_false(sg_outline_same(&plain.blocks[1], &pre.blocks[1]));
    sg_outline_dispose(&plain);
    sg_outline_dispose(&gated);
    sg_outline_dispose(&pre);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(blocks_are_found),
            cmocka_unit_test(zoo_names_are_found),
            cmocka_unit_test(chains_and_inceptions_are_found),
            cmocka_unit_test(differences_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
