/* test_quantisation.c - scales from ranges, and the small network in 8 bits on both backends.
 * SPDX-License-Identifier: Apache-2.0 */
#include "infer/quantisation.h"
#include "nn/plan_internal.h"
#include "support/check.h"
#include "support/nets.h"
#include <math.h>
#include <stdlib.h>

enum { SIZE = 32, PIXELS = 3 * SIZE * SIZE, CLASSES = 3, IMAGES = 4 };

static sg_plan_request request_of(const sg_quantisation *q) {
    sg_plan_request r = SG_PLAN_REQUEST_INIT;
    r.batch = 1;
    r.height = r.width = SIZE;
    r.quant = q ? q->of : NULL;
    return r;
}

static sg_quantisation *find(net *n) {
    sg_error err = SG_ERROR_INIT;
    sg_ranges *ranges;
    sg_quantisation *q;
    float image[PIXELS];
    CHECK_OK(sg_ranges_create(&ranges, n->graph, n->params, SIZE, n->backend, n->fallback, &err));
    for (uint32_t i = 0; i < IMAGES; i++) {
        net_fill(image, SG_F32, PIXELS, i);
        CHECK_OK(sg_ranges_add(ranges, image, &err));
    }
    CHECK_OK(sg_quantisation_find(&q, ranges, n->graph, &err));
    sg_ranges_destroy(ranges);
    return q;
}

static const float *answer(net *n, uint32_t image) {
    sg_error err = SG_ERROR_INIT;
    net_fill(sg_plan_input(n->plan), SG_F32, PIXELS, image);
    CHECK_OK(sg_plan_forward(n->plan, 0, 0, &err));
    CHECK_OK(sg_memory_check(n->plan, &err));
    return sg_plan_logits(n->plan);
}

static void bytes_answer_nearly_like_floats(void **state) {
    (void)state;
    sg_graph *g = net_small(0.0);
    net real, fast, slow;
    net_open(&real, g, "onednn", request_of(NULL), false);
    sg_quantisation *q = find(&real);
    net_open(&fast, g, "onednn", request_of(q), false);
    net_open(&slow, g, "ref", request_of(q), false);
    sg_plan_stats stats;
    sg_plan_stats_get(&stats, slow.plan);
    assert_true(stats.stored >= 5);
    sg_plan_stats_get(&stats, real.plan);
    assert_int_equal(stats.stored, 0);
    for (uint32_t i = 0; i < IMAGES; i++) {
        float expected[CLASSES];
        memcpy(expected, answer(&real, i), sizeof expected);
        double off = net_rel_l2(answer(&slow, i), expected, SG_F32, CLASSES);
        if (!(off > 1e-4 && off < 0.15)) fail_msg("reference in 8 bits differs by %g", off);
        off = net_rel_l2(answer(&fast, i), expected, SG_F32, CLASSES);
        if (!(off > 1e-4 && off < 0.15)) fail_msg("onednn in 8 bits differs by %g", off);
    }
    sg_quantisation_free(q);
    net_close(&real);
    net_close(&fast);
    net_close(&slow);
    sg_graph_destroy(g);
}

static void training_is_not_quantised(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = net_small(0.0);
    net n;
    net_open(&n, g, "ref", request_of(NULL), false);
    sg_quantisation *q = find(&n);
    sg_plan_request r = request_of(q);
    r.gradient = SG_GRADIENT_INPUT;
    sg_plan *plan;
    CHECK_FAILS(sg_plan_create(&plan, g, n.params, &r, n.backend, n.fallback, &err), SG_ERR_USAGE,
            "only predictions");
    sg_quantisation_free(q);
    net_close(&n);
    sg_graph_destroy(g);
}

/* The classifier and what it reads stay real; signs decide the type; a scale fits the range. */
static void scales_fit_what_was_seen(void **state) {
    (void)state;
    sg_graph *g = net_small(0.0);
    net n;
    net_open(&n, g, "ref", request_of(NULL), false);
    sg_quantisation *q = find(&n);
    assert_int_equal(q->of[g->output].count, 0);
    assert_int_equal(q->of[g->nodes[g->output].inputs[0]].count, 0);
    float image[PIXELS], most = 0;
    for (uint32_t i = 0; i < IMAGES; i++) {
        net_fill(image, SG_F32, PIXELS, i);
        for (int k = 0; k < PIXELS; k++) most = fmaxf(most, fabsf(image[k]));
    }
    for (int i = 0; i < g->node_count; i++) {
        if (g->nodes[i].is_input) {
            assert_int_equal(q->of[i].dtype, SG_I8);
            assert_true(q->scale[i] <= most / 127 * 1.05f && q->scale[i] > most / 127 * 0.6f);
        }
        if (g->nodes[i].op == SG_OP_RELU && q->of[i].count) assert_int_equal(q->of[i].dtype, SG_U8);
    }
    sg_quantisation_free(q);
    net_close(&n);
    sg_graph_destroy(g);
}

static void json_comes_back(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = net_small(0.0);
    net n;
    net_open(&n, g, "ref", request_of(NULL), false);
    sg_quantisation *q = find(&n), *again;
    json_t *storage = sg_quantisation_to_json(q, g);
    CHECK_OK(sg_quantisation_from_json(&again, storage, g, "b.sgb", &err));
    for (int i = 0; i < g->node_count; i++) {
        assert_int_equal(again->of[i].count, q->of[i].count);
        assert_int_equal(again->of[i].dtype, q->of[i].dtype);
        assert_true(again->scale[i] == q->scale[i]);
    }
    sg_quantisation_free(again);
    static const char *const damaged[] = {"[]", "{\"conv9\": [\"u8\", 1]}",
            "{\"conv1\": [\"u9\", 1]}", "{\"conv1\": [\"u8\", 0]}", "{\"conv1\": [\"u8\", 1e-60]}",
            "{\"conv1\": 3}"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        json_t *bad;
        CHECK_OK(sg_json_parse(&bad, damaged[i], strlen(damaged[i]), "test", &err));
        CHECK_FAILS(
                sg_quantisation_from_json(&again, bad, g, "b.sgb", &err), SG_ERR_FORMAT, "b.sgb");
        json_decref(bad);
    }
    json_decref(storage);
    sg_quantisation_free(q);
    net_close(&n);
    sg_graph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(bytes_answer_nearly_like_floats),
            cmocka_unit_test(training_is_not_quantised),
            cmocka_unit_test(scales_fit_what_was_seen),
            cmocka_unit_test(json_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
