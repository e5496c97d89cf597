/* onnx_write.c - see onnx_write.h. Field numbers are those of onnx.proto:
 *   ModelProto ir_version=1 producer_name=2 producer_version=3 graph=7 opset_import=8
 * metadata_props=14; GraphProto node=1 name=2 initializer=5 input=11 output=12; NodeProto input=1
 * output=2 name=3 op_type=4 attribute=5; AttributeProto name=1 f=2 i=3 ints=8 type=20; TensorProto
 * dims=1 data_type=2 name=8 raw_data=9. SPDX-License-Identifier: Apache-2.0 */
#include "weights/onnx_write.h"
#include "base/file.h"
#include "base/protobuf.h"
#include <stdlib.h>

enum { IR_VERSION = 8, OPSET = 17, FLOAT_TENSOR = 1 };
enum { ATTRIBUTE_FLOAT = 1, ATTRIBUTE_INT = 2, ATTRIBUTE_INTS = 7 };

typedef struct constant {
    sg_str head; /* everything but the bytes of raw_data, which follow */
    const float *data;
    size_t bytes;
} constant;

struct sg_onnx {
    sg_str nodes, ends, metadata; /* finished fields of graph, graph and model */
    sg_str node;                  /* the open one */
    constant *constants;
    size_t count, capacity;
    sg_error mistake;
    char *name;
};

sg_status sg_onnx_create(sg_onnx **out, const char *graph, sg_error *err) {
    sg_onnx *m = calloc(1, sizeof *m);
    if (m) m->name = sg_strdup(graph);
    if (!m || !m->name) {
        free(m);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for the ONNX model of '%s'", graph);
    }
    sg_str *buffers[] = {&m->nodes, &m->ends, &m->metadata, &m->node};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) sg_str_init(buffers[i], 0);
    *out = m;
    return SG_OK;
}

void sg_onnx_destroy(sg_onnx *m) {
    if (!m) return;
    sg_str *buffers[] = {&m->nodes, &m->ends, &m->metadata, &m->node};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) sg_str_dispose(buffers[i]);
    for (size_t i = 0; i < m->count; i++) sg_str_dispose(&m->constants[i].head);
    free(m->constants);
    free(m->name);
    free(m);
}

/* ValueInfoProto name=1 type=2 { TypeProto tensor_type=1 { elem_type=1 shape=2 { dim=1 {
 * dim_value=1 or dim_param=2 } } } } */
static void put_value(sg_onnx *m, int field, const char *name, const sg_shape *shape) {
    sg_str dims, tensor, type, value;
    sg_str_init(&dims, 0);
    sg_str_init(&tensor, 0);
    sg_str_init(&type, 0);
    sg_str_init(&value, 0);
    for (int i = 0; i < shape->rank; i++) {
        sg_str dim;
        sg_str_init(&dim, 0);
        if (i == 0)
            sg_pb_put_text(&dim, 2, "batch");
        else
            sg_pb_put_int(&dim, 1, shape->dims[i]);
        sg_pb_put_message(&dims, 1, &dim);
    }
    sg_pb_put_int(&tensor, 1, FLOAT_TENSOR);
    sg_pb_put_message(&tensor, 2, &dims);
    sg_pb_put_message(&type, 1, &tensor);
    sg_pb_put_text(&value, 1, name);
    sg_pb_put_message(&value, 2, &type);
    sg_pb_put_message(&m->ends, field, &value);
}

void sg_onnx_put_input(sg_onnx *m, const char *name, const sg_shape *shape) {
    put_value(m, 11, name, shape);
}

void sg_onnx_put_output(sg_onnx *m, const char *name, const sg_shape *shape) {
    put_value(m, 12, name, shape);
}

void sg_onnx_put_constant(sg_onnx *m, const char *name, const sg_shape *shape, const float *data) {
    if (m->mistake.code ||
            sg_grow(&m->constants, &m->capacity, m->count + 1, sizeof *m->constants, &m->mistake))
        return;
    constant *c = &m->constants[m->count++];
    *c = (constant){.data = data, .bytes = (size_t)sg_shape_count(shape) * sizeof *data};
    sg_str_init(&c->head, 0);
    for (int i = 0; i < shape->rank; i++) sg_pb_put_int(&c->head, 1, shape->dims[i]);
    sg_pb_put_int(&c->head, 2, FLOAT_TENSOR);
    sg_pb_put_text(&c->head, 8, name);
    sg_pb_put_head(&c->head, 9, c->bytes);
}

static void close_node(sg_onnx *m) {
    if (m->node.len) sg_pb_put_message(&m->nodes, 1, &m->node);
    sg_str_init(&m->node, 0);
}

void sg_onnx_put_node(
        sg_onnx *m, const char *op, const char *name, const char *const *inputs, int input_count) {
    close_node(m);
    for (int i = 0; i < input_count; i++) sg_pb_put_text(&m->node, 1, inputs[i]);
    sg_pb_put_text(&m->node, 2, name);
    sg_pb_put_text(&m->node, 3, name);
    sg_pb_put_text(&m->node, 4, op);
}

void sg_onnx_put_attribute_ints(sg_onnx *m, const char *name, const int64_t *values, int count) {
    sg_str a;
    sg_str_init(&a, 0);
    sg_pb_put_text(&a, 1, name);
    for (int i = 0; i < count; i++) sg_pb_put_int(&a, 8, values[i]);
    sg_pb_put_int(&a, 20, ATTRIBUTE_INTS);
    sg_pb_put_message(&m->node, 5, &a);
}

void sg_onnx_put_attribute_int(sg_onnx *m, const char *name, int64_t value) {
    sg_str a;
    sg_str_init(&a, 0);
    sg_pb_put_text(&a, 1, name);
    sg_pb_put_int(&a, 3, value);
    sg_pb_put_int(&a, 20, ATTRIBUTE_INT);
    sg_pb_put_message(&m->node, 5, &a);
}

void sg_onnx_put_attribute_float(sg_onnx *m, const char *name, float value) {
    sg_str a;
    sg_str_init(&a, 0);
    sg_pb_put_text(&a, 1, name);
    sg_pb_put_float(&a, 2, value);
    sg_pb_put_int(&a, 20, ATTRIBUTE_FLOAT);
    sg_pb_put_message(&m->node, 5, &a);
}

void sg_onnx_put_metadata(sg_onnx *m, const char *key, const char *value) {
    sg_str entry;
    sg_str_init(&entry, 0);
    sg_pb_put_text(&entry, 1, key);
    sg_pb_put_text(&entry, 2, value);
    sg_pb_put_message(&m->metadata, 14, &entry);
}

/* ---- writing ---- */

/* The head of a constant as a field of the graph; its bytes follow. */
static void put_initializer_head(sg_str *out, const constant *c) {
    sg_pb_put_head(out, 5, c->head.len + c->bytes);
    sg_str_append_n(out, c->head.data, c->head.len);
}

static sg_status graph_size(size_t *out, sg_onnx *m, const sg_str *name, sg_error *err) {
    size_t size = m->nodes.len + name->len + m->ends.len;
    for (size_t i = 0; i < m->count; i++) {
        sg_str head;
        sg_str_init(&head, 0);
        put_initializer_head(&head, &m->constants[i]);
        size += head.len + m->constants[i].bytes;
        sg_status st = sg_str_check(&head, err);
        sg_str_dispose(&head);
        if (st) return st;
    }
    *out = size;
    return SG_OK;
}

static sg_status write_str(sg_file_writer *w, const sg_str *s, sg_error *err) {
    sg_status st = sg_str_check(s, err);
    return st || s->len == 0 ? st : sg_file_writer_write(w, s->data, s->len, err);
}

static sg_status write_constants(sg_file_writer *w, const sg_onnx *m, sg_error *err) {
    sg_status st = SG_OK;
    for (size_t i = 0; i < m->count && !st; i++) {
        sg_str head;
        sg_str_init(&head, 0);
        put_initializer_head(&head, &m->constants[i]);
        st = write_str(w, &head, err);
        if (!st) st = sg_file_writer_write(w, m->constants[i].data, m->constants[i].bytes, err);
        sg_str_dispose(&head);
    }
    return st;
}

static sg_status write_model(sg_file_writer *w, const sg_onnx *m, const sg_str *head,
        const sg_str *name, sg_error *err) {
    sg_status st = write_str(w, head, err);
    if (!st) st = write_str(w, &m->nodes, err);
    if (!st) st = write_str(w, name, err);
    if (!st) st = write_constants(w, m, err);
    if (!st) st = write_str(w, &m->ends, err);
    return st ? st : write_str(w, &m->metadata, err);
}

sg_status sg_onnx_write(sg_onnx *m, const char *path, const char *producer_version, sg_error *err) {
    sg_str head, name, opset;
    sg_file_writer *w = NULL;
    size_t size = 0;
    if (m->mistake.code) return sg_fail(err, m->mistake.code, "%s", m->mistake.message);
    close_node(m);
    sg_str_init(&head, 0);
    sg_str_init(&name, 0);
    sg_str_init(&opset, 0);
    sg_pb_put_text(&name, 2, m->name);
    sg_status st = graph_size(&size, m, &name, err);
    if (!st && size >= INT32_MAX)
        st = sg_fail(err, SG_ERR_UNSUPPORTED,
                "%s would be %.1f GB; an ONNX file holds at most 2 GiB", path, 1e-9 * (double)size);
    sg_pb_put_int(&head, 1, IR_VERSION);
    sg_pb_put_text(&head, 2, "sonograde");
    sg_pb_put_text(&head, 3, producer_version);
    sg_pb_put_text(&opset, 1, "");
    sg_pb_put_int(&opset, 2, OPSET);
    sg_pb_put_message(&head, 8, &opset);
    sg_pb_put_head(&head, 7, size);
    if (!st) st = sg_file_writer_open(&w, path, err);
    if (!st) st = write_model(w, m, &head, &name, err);
    if (st)
        sg_file_writer_abandon(w);
    else
        st = sg_file_writer_commit(w, err);
    sg_str_dispose(&head);
    sg_str_dispose(&name);
    return st;
}
