/* test_onnx_hostile.c - ONNX files whose fields contradict each other.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/protobuf.h"
#include "support/check.h"
#include "weights/weight_set.h"
#include <unistd.h>

/* TensorProto's fields and data types. */
enum { DIMS = 1, TYPE = 2, FLOATS = 4, INTS = 7, NAME = 8, RAW = 9, EXTERNAL = 13, LOCATION = 14 };
enum { FLOAT = 1, INT64 = 7 };

typedef struct claim {
    int64_t dim;
    int type;
    int packed, packed_bytes; /* field of numbers, 0 = none; each byte is 1 */
    int raws, raw_bytes;      /* how often raw data comes */
    int names, location, externals, graphs;
} claim;

static void put_initialiser(sg_str *graph, const claim *c) {
    static const char ones[] = {1, 1, 1, 1, 1, 1, 1, 1};
    sg_str t, entry;
    sg_str_init(&t, 0);
    sg_pb_put_int(&t, DIMS, c->dim);
    sg_pb_put_int(&t, TYPE, c->type);
    for (int i = 0; i < c->names; i++) sg_pb_put_text(&t, NAME, "a");
    if (c->packed) sg_pb_put_bytes(&t, c->packed, ones, (size_t)c->packed_bytes);
    for (int i = 0; i < c->raws; i++) sg_pb_put_bytes(&t, RAW, ones, (size_t)c->raw_bytes);
    for (int i = 0; i < c->externals; i++) {
        sg_str_init(&entry, 0);
        sg_pb_put_text(&entry, 1, "location");
        sg_pb_put_message(&t, EXTERNAL, &entry);
    }
    if (c->location) sg_pb_put_int(&t, LOCATION, c->location);
    sg_pb_put_message(graph, 5, &t);
}

static sg_status open_claim(const claim *c, sg_error *err) {
    sg_str model, graph;
    sg_str_init(&model, 0);
    sg_pb_put_int(&model, 1, 8);
    for (int i = 0; i < c->graphs; i++) {
        sg_str_init(&graph, 0);
        if (i == 0) put_initialiser(&graph, c);
        sg_pb_put_message(&model, 7, &graph);
    }
    assert_false(sg_file_write("claim.onnx", model.data, model.len, err));
    sg_str_dispose(&model);
    sg_weight_set *set;
    sg_status st = sg_weight_set_open(&set, "claim.onnx", true, err);
    if (!st) sg_weight_set_close(set);
    return st;
}

static void test_claims(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    static const struct {
        claim claim;
        sg_status status;
        const char *words;
    } cases[] = {
            {{2, INT64, INTS, 3, 0, 0, 1, 0, 0, 1}, SG_ERR_FORMAT, "more or less data"},
            {{3, INT64, INTS, 2, 0, 0, 1, 0, 0, 1}, SG_ERR_FORMAT, "more or less data"},
            {{INT64_C(1) << 40, INT64, INTS, 1, 0, 0, 1, 0, 0, 1}, SG_ERR_FORMAT,
                    "more or less data"},
            {{2, FLOAT, 0, 0, 1, 4, 1, 0, 0, 1}, SG_ERR_FORMAT, "more or less data"},
            {{2, FLOAT, FLOATS, 8, 1, 8, 1, 0, 0, 1}, SG_ERR_FORMAT, "carries its data twice"},
            {{1, INT64, INTS, 1, 1, 8, 1, 0, 0, 1}, SG_ERR_FORMAT, "carries its data twice"},
            {{2, FLOAT, 0, 0, 2, 8, 1, 0, 0, 1}, SG_ERR_FORMAT, "data twice"},
            {{2, FLOAT, 0, 0, 1, 8, 2, 0, 0, 1}, SG_ERR_FORMAT, "states its name"},
            {{2, FLOAT, 0, 0, 1, 8, 1, 0, 0, 2}, SG_ERR_FORMAT, "two graphs"},
            {{2, FLOAT, 0, 0, 1, 8, 1, 1, 0, 1}, SG_ERR_INPUT, "lies in another file"},
            {{2, FLOAT, 0, 0, 1, 8, 1, 0, 1, 1}, SG_ERR_INPUT, "lies in another file"},
            {{2, 8, 0, 0, 1, 8, 1, 0, 0, 1}, SG_ERR_INPUT, "ONNX type 8"},
    };
    CHECK_OK(open_claim(&(claim){2, FLOAT, 0, 0, 1, 8, 1, 0, 0, 1}, &err));
    CHECK_OK(open_claim(&(claim){2, FLOAT, FLOATS, 8, 0, 0, 1, 0, 0, 1}, &err));
    CHECK_OK(open_claim(&(claim){2, INT64, INTS, 2, 0, 0, 1, 0, 0, 1}, &err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_FAILS(open_claim(&cases[i].claim, &err), cases[i].status, cases[i].words);
}

static int clean(void **state) {
    (void)state;
    unlink("claim.onnx");
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(test_claims, clean)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
