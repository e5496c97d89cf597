/* onnx.c - see onnx.h. Messages are walked field by field inside their byte ranges; unknown fields
 * are stepped over. SPDX-License-Identifier: Apache-2.0 */
#include "weights/onnx.h"
#include <stdlib.h>
#include <string.h>

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };
enum { MODEL_GRAPH = 7, GRAPH_INITIALIZER = 5 };
enum {
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_FLOATS = 4,
    TENSOR_INT32S = 5,
    TENSOR_INT64S = 7,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TENSOR_DOUBLES = 10,
    TENSOR_EXTERNAL = 13,
    TENSOR_LOCATION = 14
};

/* TensorProto.DataType */
static const struct {
    uint64_t number;
    sg_dtype dtype;
} types[] = {{1, SG_F32}, {2, SG_U8}, {3, SG_I8}, {5, SG_I16}, {6, SG_I32}, {7, SG_I64},
        {9, SG_BOOL}, {10, SG_F16}, {11, SG_F64}, {16, SG_BF16}};

typedef struct span {
    const uint8_t *at, *end;
} span;

typedef struct field {
    uint32_t number, wire;
    uint64_t value; /* VARINT */
    span bytes;     /* BYTES, FIXED32 and FIXED64 */
} field;

typedef struct tensor_fields {
    sg_tensor tensor;
    span name, raw, packed;      /* packed: float_data, double_data, or varints */
    uint32_t packed_field, seen; /* seen: a bit for each field that may come once */
    uint64_t type;
    bool external;
} tensor_fields;

static bool read_varint(span *s, uint64_t *out) {
    *out = 0;
    for (int shift = 0; shift < 64 && s->at < s->end; shift += 7) {
        uint8_t b = *s->at++;
        *out |= (uint64_t)(b & 127) << shift;
        if (b < 128) return true;
    }
    return false;
}

/* The next field of a message; false where its bytes are no field. */
static bool read_field(span *s, field *f) {
    uint64_t tag, n;
    *f = (field){0};
    if (!read_varint(s, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1FFFFFFF) return false;
    f->number = (uint32_t)(tag >> 3);
    f->wire = (uint32_t)(tag & 7);
    switch (f->wire) {
    case VARINT:
        return read_varint(s, &f->value);
    case FIXED64:
        n = 8;
        break;
    case FIXED32:
        n = 4;
        break;
    case BYTES:
        if (!read_varint(s, &n)) return false;
        break;
    default:
        return false;
    }
    if (n > (uint64_t)(s->end - s->at)) return false;
    f->bytes = (span){s->at, s->at + n};
    s->at += n;
    return true;
}

static sg_status damaged(const char *path, sg_error *err) {
    return sg_fail(err, SG_ERR_FORMAT, "%s is a damaged ONNX file (truncated?)", path);
}

static bool add_dim(sg_shape *shape, uint64_t dim) {
    if (shape->rank == SG_MAX_RANK || dim > INT64_MAX) return false;
    shape->dims[shape->rank++] = (int64_t)dim;
    return true;
}

static bool read_dims(sg_shape *shape, const field *f) {
    if (f->wire == VARINT) return add_dim(shape, f->value);
    span s = f->bytes;
    uint64_t dim;
    while (s.at < s.end)
        if (!read_varint(&s, &dim) || !add_dim(shape, dim)) return false;
    return f->wire == BYTES;
}

/* Protobuf would let the last of two win; nobody writes two. */
static bool comes_once(uint32_t *seen, const field *f) {
    static const uint32_t single = 1u << TENSOR_TYPE | 1u << TENSOR_NAME | 1u << TENSOR_RAW;
    uint32_t bit = f->number < 32 ? single & 1u << f->number : 0;
    bool again = *seen & bit;
    *seen |= bit;
    return !again;
}

static sg_status read_fields(tensor_fields *t, span s, const char *path, sg_error *err) {
    field f;
    while (s.at < s.end) {
        if (!read_field(&s, &f)) return damaged(path, err);
        if (!comes_once(&t->seen, &f))
            return sg_fail(err, SG_ERR_FORMAT,
                    "%s: an initialiser states its name, type or data twice", path);
        switch (f.number) {
        case TENSOR_DIMS:
            if (!read_dims(&t->tensor.shape, &f))
                return sg_fail(err, SG_ERR_FORMAT,
                        "%s: an initialiser has more than %d dimensions or a damaged one", path,
                        SG_MAX_RANK);
            break;
        case TENSOR_TYPE:
            t->type = f.value;
            break;
        case TENSOR_NAME:
        case TENSOR_RAW:
            if (f.wire != BYTES) return damaged(path, err);
            *(f.number == TENSOR_NAME ? &t->name : &t->raw) = f.bytes;
            break;
        case TENSOR_FLOATS:
        case TENSOR_INT32S:
        case TENSOR_INT64S:
        case TENSOR_DOUBLES:
            if (f.wire != BYTES || t->packed.at)
                return sg_fail(err, SG_ERR_INPUT,
                        "%s: an initialiser's numbers are not packed into one field", path);
            t->packed = f.bytes;
            t->packed_field = f.number;
            break;
        case TENSOR_EXTERNAL:
        case TENSOR_LOCATION:
            t->external = t->external || f.wire == BYTES || f.value != 0;
            break;
        default:
            break;
        }
    }
    return SG_OK;
}

static sg_status other_size(const char *name, const char *path, sg_error *err) {
    return sg_fail(err, SG_ERR_FORMAT, "%s: tensor %s has more or less data than its shape says",
            path, name);
}

/* Numbers of variable length, as many as the shape has: halves, bytes and whole numbers. */
static sg_status unpack(sg_weight_set *set, sg_tensor *t, span s, int64_t elements,
        const char *name, const char *path, sg_error *err) {
    size_t item = sg_dtype_size(t->dtype);
    if (elements > s.end - s.at) return other_size(name, path, err);
    sg_status st = sg_weight_set_allow(set, (size_t)elements * item, path, err);
    sg_tensor copy;
    if (!st) st = sg_tensor_create(&copy, t->dtype, &t->shape, err);
    if (st) return st;
    uint64_t value;
    for (int64_t i = 0; i < elements; i++) {
        if (!read_varint(&s, &value)) {
            sg_tensor_dispose(&copy);
            return other_size(name, path, err);
        }
        for (size_t k = 0; k < item; k++)
            ((uint8_t *)copy.data)[(size_t)i * item + k] = (uint8_t)(value >> 8 * k);
    }
    if (s.at < s.end) {
        sg_tensor_dispose(&copy);
        return other_size(name, path, err);
    }
    *t = copy;
    return SG_OK;
}

static sg_status take_data(
        sg_weight_set *set, tensor_fields *t, const char *name, const char *path, sg_error *err) {
    int64_t elements;
    sg_status st = sg_shape_elements(&elements, &t->tensor.shape, err);
    if (st) return sg_fail_context(err, st, "%s: tensor %s", path, name);
    size_t item = sg_dtype_size(t->tensor.dtype);
    bool fixed = (t->packed_field == TENSOR_FLOATS && t->tensor.dtype == SG_F32) ||
                 (t->packed_field == TENSOR_DOUBLES && t->tensor.dtype == SG_F64);
    bool whole = t->packed_field == TENSOR_INT64S ? t->tensor.dtype == SG_I64
                                                  : t->packed_field == TENSOR_INT32S && item <= 4 &&
                                                            t->tensor.dtype != SG_F32;
    if (t->raw.at && t->packed.at)
        return sg_fail(err, SG_ERR_FORMAT,
                "%s: tensor %s carries its data twice, raw and as numbers", path, name);
    if (whole) return unpack(set, &t->tensor, t->packed, elements, name, path, err);
    span s = t->raw.at ? t->raw : fixed ? t->packed : (span){0};
    size_t size = s.at ? (size_t)(s.end - s.at) : 0;
    if (size % item || size / item != (uint64_t)elements) return other_size(name, path, err);
    t->tensor.data = (void *)(uintptr_t)s.at;
    return SG_OK;
}

static sg_status read_tensor(sg_weight_set *set, span s, const char *path, sg_error *err) {
    tensor_fields t = {0};
    sg_status st = read_fields(&t, s, path, err);
    if (st) return st;
    size_t length = t.name.at ? (size_t)(t.name.end - t.name.at) : 0;
    char name[100];
    size_t shown = length < sizeof name - 1 ? length : sizeof name - 1;
    if (shown) memcpy(name, t.name.at, shown);
    name[shown] = '\0';
    if (t.external)
        return sg_fail(err, SG_ERR_INPUT,
                "%s: tensor %s lies in another file, which is not read here; save the model as one "
                "file",
                path, name);
    size_t row = 0;
    while (row < sizeof types / sizeof *types && types[row].number != t.type) row++;
    if (row == sizeof types / sizeof *types)
        return sg_fail(err, SG_ERR_INPUT,
                "%s: tensor %s has ONNX type %llu, which is not read here", path, name,
                (unsigned long long)t.type);
    t.tensor.dtype = types[row].dtype;
    st = take_data(set, &t, name, path, err);
    if (!st) st = sg_weight_set_add(set, (const char *)t.name.at, length, &t.tensor, path, err);
    if (st) sg_tensor_dispose(&t.tensor);
    return st;
}

bool sg_onnx_is(const uint8_t *bytes, size_t size) {
    return size > 4 && bytes[0] == 0x08 && bytes[1] > 0 && bytes[1] < 64;
}

static sg_status read_graph(sg_weight_set *set, span s, const char *path, sg_error *err) {
    field f;
    while (s.at < s.end) {
        if (!read_field(&s, &f)) return damaged(path, err);
        if (f.number != GRAPH_INITIALIZER || f.wire != BYTES) continue;
        sg_status st = read_tensor(set, f.bytes, path, err);
        if (st) return st;
    }
    return SG_OK;
}

sg_status sg_onnx_read(sg_weight_set *set, const char *path, sg_error *err) {
    span s = {set->map.data, set->map.data + set->map.size};
    field f;
    bool graph = false;
    set->format = "ONNX";
    while (s.at < s.end) {
        if (!read_field(&s, &f)) return damaged(path, err);
        if (f.number != MODEL_GRAPH || f.wire != BYTES) continue;
        if (graph) return sg_fail(err, SG_ERR_FORMAT, "%s holds two graphs", path);
        graph = true;
        sg_status st = read_graph(set, f.bytes, path, err);
        if (st) return st;
    }
    if (!set->count)
        return sg_fail(err, SG_ERR_FORMAT, "%s holds no ONNX initialisers, so no weights", path);
    return SG_OK;
}
