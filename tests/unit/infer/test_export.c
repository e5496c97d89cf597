/* Exports: weights under their plain names with torch's counters, and an ONNX file whose every
 * input is made before it is used. SPDX-License-Identifier: Apache-2.0 */
#include "infer/export.h"
#include "infer/export_onnx.h"
#include "support/check.h"
#include "support/formula.h"
#include "support/nets.h"
#include "weights/safetensors.h"
#include <string.h>
#include <unistd.h>

static void weights_keep_their_names(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = net_small(0.5);
    sg_params *params;
    CHECK_OK(sg_params_create(&params, g, SG_F32, &err));
    formula_params(params);
    CHECK_OK(sg_export_safetensors("w.safetensors", g, params, NULL, &err));
    sg_safetensors *file;
    CHECK_OK(sg_safetensors_open(&file, "w.safetensors", true, &err));
    size_t norms = 0;
    for (int i = 0; i < g->node_count; i++) norms += g->nodes[i].op == SG_OP_BATCH_NORM;
    assert_int_equal(file->count, (size_t)g->param_count + norms);
    for (int i = 0; i < g->param_count; i++) {
        const sg_param *p = &g->params[i];
        const sg_tensor *t = sg_safetensors_find(file, p->name);
        assert_non_null(t);
        assert_true(sg_shape_equal(&t->shape, &p->shape));
        assert_memory_equal(t->data, sg_params_f32(params, i),
                (size_t)sg_shape_count(&p->shape) * sizeof(float));
    }
    const sg_tensor *counter = sg_safetensors_find(file, "bn1.num_batches_tracked");
    assert_non_null(counter);
    assert_int_equal(counter->dtype, SG_I64);
    assert_int_equal(counter->shape.rank, 0);
    sg_safetensors_close(file);
    sg_params_destroy(params);
    sg_graph_destroy(g);
}

/* ---- reading ONNX: only what is asked here, every byte accounted for ---- */

typedef struct field {
    int number;
    uint64_t value;       /* of a varint */
    const uint8_t *bytes; /* of the others, size bytes */
    size_t size;
} field;

static uint64_t varint(const uint8_t **at, const uint8_t *end) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        assert_true(*at < end);
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
    }
    fail_msg("a number of more than ten bytes");
    return 0;
}

static bool next(field *f, const uint8_t **at, const uint8_t *end) {
    if (*at == end) return false;
    uint64_t key = varint(at, end);
    *f = (field){.number = (int)(key >> 3)};
    switch (key & 7) {
    case 0:
        f->value = varint(at, end);
        return true;
    case 2:
        f->size = (size_t)varint(at, end);
        break;
    case 5:
        f->size = 4;
        break;
    default:
        fail_msg("wire type %d", (int)(key & 7));
    }
    assert_true(f->size <= (size_t)(end - *at));
    f->bytes = *at;
    *at += f->size;
    return true;
}

enum { MOST_NAMES = 256 };

typedef struct names {
    char of[MOST_NAMES][64];
    int count;
} names;

static void learn(names *n, const field *f) {
    assert_true(n->count < MOST_NAMES && f->size < 64);
    memcpy(n->of[n->count], f->bytes, f->size);
    n->of[n->count++][f->size] = '\0';
}

static bool knows(const names *n, const field *f) {
    for (int i = 0; i < n->count; i++)
        if (strlen(n->of[i]) == f->size && memcmp(n->of[i], f->bytes, f->size) == 0) return true;
    return false;
}

/* TensorProto: float, as many bytes as its shape says. */
static void read_constant(names *known, const field *tensor) {
    const uint8_t *at = tensor->bytes;
    uint64_t count = 1, bytes = 0;
    for (field f; next(&f, &at, tensor->bytes + tensor->size);) {
        if (f.number == 1) count *= f.value;
        if (f.number == 2) assert_int_equal(f.value, 1);
        if (f.number == 8) learn(known, &f);
        if (f.number == 9) bytes = f.size;
    }
    assert_int_equal(bytes, count * sizeof(float));
}

static void read_node(names *known, int *count, const field *node) {
    const uint8_t *at = node->bytes;
    for (field f; next(&f, &at, node->bytes + node->size);) {
        if (f.number == 1 && !knows(known, &f))
            fail_msg("'%.*s' is used before it is made", (int)f.size, (const char *)f.bytes);
        if (f.number == 2) learn(known, &f);
    }
    ++*count;
}

/* Inputs and constants come after the nodes in the file, so two rounds. */
static int read_graph(const field *graph) {
    static names known;
    int nodes = 0;
    known.count = 0;
    for (int round = 0; round < 2; round++) {
        const uint8_t *at = graph->bytes;
        for (field f; next(&f, &at, graph->bytes + graph->size);) {
            if (round == 0 && f.number == 5) read_constant(&known, &f);
            if (round == 0 && f.number == 11) {
                const uint8_t *inner = f.bytes;
                field name;
                assert_true(next(&name, &inner, f.bytes + f.size));
                assert_int_equal(name.number, 1);
                learn(&known, &name);
            }
            if (round == 1 && f.number == 1) read_node(&known, &nodes, &f);
            if (round == 1 && f.number == 12) {
                const uint8_t *inner = f.bytes;
                field name;
                assert_true(next(&name, &inner, f.bytes + f.size));
                assert_true(knows(&known, &name));
            }
        }
    }
    return nodes;
}

static int nodes_of(const char *path) {
    sg_error err = SG_ERROR_INIT;
    sg_file_map map;
    CHECK_OK(sg_file_map_open(&map, path, &err));
    const uint8_t *at = map.data;
    int nodes = 0;
    uint64_t version = 0;
    for (field f; next(&f, &at, map.data + map.size);) {
        if (f.number == 1) version = f.value;
        if (f.number == 7) nodes = read_graph(&f);
    }
    assert_int_equal(version, 8);
    sg_file_map_close(&map);
    return nodes;
}

/* Every kind of node, some more by hand; folding takes the three norms behind convolutions away. */
static void onnx_is_closed(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_graph *g = net_small(0.5);
    sg_params *params;
    int nodes[2];
    CHECK_OK(sg_params_create(&params, g, SG_F32, &err));
    formula_params(params);
    for (int fold = 0; fold < 2; fold++) {
        sg_export_onnx_options o = {
                .size = 16, .fold = fold, .temperature = 1.5, .producer_version = "test"};
        CHECK_OK(sg_export_onnx("m.onnx", g, params, &o, &err));
        nodes[fold] = nodes_of("m.onnx");
    }
    (void)unlink("m.onnx");
    assert_int_equal(nodes[0] - nodes[1], 3);
    sg_export_onnx_options o = {.size = 0, .temperature = 1, .producer_version = "test"};
    CHECK_FAILS(sg_export_onnx("bad.onnx", g, params, &o, &err), SG_ERR_SHAPE, "0 x 0");
    assert_false(sg_path_exists("bad.onnx"));
    sg_params_destroy(params);
    sg_graph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(weights_keep_their_names),
            cmocka_unit_test(onnx_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
