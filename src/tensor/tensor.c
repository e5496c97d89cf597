/* tensor.c - see tensor.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tensor/tensor.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

static const struct {
    const char *name; /* as safetensors spells it */
    size_t size;
} dtypes[SG_DTYPE_COUNT] = {
        [SG_F32] = {"F32", 4},
        [SG_F64] = {"F64", 8},
        [SG_F16] = {"F16", 2},
        [SG_BF16] = {"BF16", 2},
        [SG_I64] = {"I64", 8},
        [SG_I32] = {"I32", 4},
        [SG_I16] = {"I16", 2},
        [SG_I8] = {"I8", 1},
        [SG_U8] = {"U8", 1},
        [SG_BOOL] = {"BOOL", 1},
};

static bool is_dtype(sg_dtype dtype) {
    return (unsigned)dtype < SG_DTYPE_COUNT;
}

size_t sg_dtype_size(sg_dtype dtype) {
    return is_dtype(dtype) ? dtypes[dtype].size : 0;
}

const char *sg_dtype_name(sg_dtype dtype) {
    return is_dtype(dtype) ? dtypes[dtype].name : "unknown";
}

bool sg_dtype_from_name(sg_dtype *out, const char *name) {
    for (int i = 0; i < SG_DTYPE_COUNT; i++) {
        if (strcmp(dtypes[i].name, name) != 0) continue;
        *out = (sg_dtype)i;
        return true;
    }
    return false;
}

sg_shape sg_shape_of(int rank, const int64_t *dims) {
    assert(rank >= 0 && rank <= SG_MAX_RANK);
    sg_shape shape = {.rank = rank};
    for (int i = 0; i < rank; i++) shape.dims[i] = dims[i];
    return shape;
}

sg_shape sg_shape4(int64_t n, int64_t c, int64_t h, int64_t w) {
    return (sg_shape){.rank = 4, .dims = {n, c, h, w}};
}

bool sg_shape_equal(const sg_shape *a, const sg_shape *b) {
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i]) return false;
    return true;
}

sg_status sg_shape_elements(int64_t *out, const sg_shape *shape, sg_error *err) {
    static const int64_t most = (int64_t)1 << 62;
    char text[SG_SHAPE_TEXT];
    if (shape->rank < 0 || shape->rank > SG_MAX_RANK)
        return sg_fail(err, SG_ERR_SHAPE, "a shape of %d dimensions; at most %d are supported",
                shape->rank, SG_MAX_RANK);
    int64_t product = 1;
    bool empty = false;
    for (int i = 0; i < shape->rank; i++) {
        int64_t d = shape->dims[i];
        if (d < 0)
            return sg_fail(err, SG_ERR_SHAPE, "shape %s has a negative dimension",
                    sg_shape_text(text, shape));
        if (d == 0) {
            empty = true;
            continue;
        }
        if (product > most / d)
            return sg_fail(err, SG_ERR_SHAPE, "shape %s has more elements than can be counted",
                    sg_shape_text(text, shape));
        product *= d;
    }
    *out = empty ? 0 : product;
    return SG_OK;
}

int64_t sg_shape_count(const sg_shape *shape) {
    int64_t product = 1;
    for (int i = 0; i < shape->rank; i++) product *= shape->dims[i];
    return product;
}

const char *sg_shape_text(char out[SG_SHAPE_TEXT], const sg_shape *shape) {
    size_t used = 0;
    int rank = shape->rank < SG_MAX_RANK ? shape->rank : SG_MAX_RANK;
    out[used++] = '[';
    for (int i = 0; i < rank && used < SG_SHAPE_TEXT; i++) {
        int n = snprintf(out + used, SG_SHAPE_TEXT - used, "%s%lld", i ? ", " : "",
                (long long)shape->dims[i]);
        used += n > 0 ? (size_t)n : 0;
    }
    if (used > SG_SHAPE_TEXT - 2) used = SG_SHAPE_TEXT - 2;
    out[used++] = ']';
    out[used] = '\0';
    return out;
}

sg_status sg_tensor_create(sg_tensor *out, sg_dtype dtype, const sg_shape *shape, sg_error *err) {
    int64_t count;
    sg_status status = sg_shape_elements(&count, shape, err);
    if (status) return status;
    char text[SG_SHAPE_TEXT];
    size_t bytes, padded;
    void *data = NULL;
    /* aligned_alloc wants a multiple of the alignment; an empty tensor still gets an address. */
    if (!__builtin_mul_overflow((size_t)count, sg_dtype_size(dtype), &bytes) &&
            !__builtin_add_overflow(bytes, (size_t)ALIGNMENT, &padded)) {
        padded = padded / ALIGNMENT * ALIGNMENT;
        data = aligned_alloc(ALIGNMENT, padded);
    }
    if (!data)
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for a tensor %s of %s",
                sg_shape_text(text, shape), sg_dtype_name(dtype));
    memset(data, 0, padded);
    *out = (sg_tensor){.dtype = dtype, .shape = *shape, .data = data, .owned = true};
    return SG_OK;
}

void sg_tensor_dispose(sg_tensor *t) {
    if (!t) return;
    if (t->owned) free(t->data);
    *t = (sg_tensor){0};
}

/* ---- conversion ---- */

static float float_from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE 754 binary16: sign 1, exponent 5 (bias 15), fraction 10. */
static float float_from_half(uint16_t half) {
    uint32_t sign = (uint32_t)(half >> 15) << 31;
    uint32_t exponent = half >> 10 & 31, fraction = half & 1023;
    if (exponent == 31) return float_from_bits(sign | 0x7F800000u | fraction << 13);
    if (exponent > 0) return float_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
    float value = (float)fraction * (1.0f / 16777216.0f); /* subnormal: fraction * 2^-24 */
    return sign ? -value : value;
}

/* Loads one element of type T from bytes that need not be aligned (a mapped file). */
#define COPY_AS(T, convert)                                                                        \
    for (int64_t i = 0; i < count; i++) {                                                          \
        T x;                                                                                       \
        memcpy(&x, from + (size_t)i * sizeof x, sizeof x);                                         \
        out[i] = convert(x);                                                                       \
    }                                                                                              \
    return SG_OK
#define TO_FLOAT(x)  ((float)(x))
#define BF16_BITS(x) float_from_bits((uint32_t)(x) << 16)

sg_status sg_tensor_to_f32(float *out, const sg_tensor *t, sg_error *err) {
    int64_t count;
    sg_status status = sg_shape_elements(&count, &t->shape, err);
    if (status) return status;
    const unsigned char *from = t->data;
    switch (t->dtype) {
    case SG_F32:
        if (count) memcpy(out, from, (size_t)count * sizeof *out);
        return SG_OK;
    case SG_F64:
        COPY_AS(double, TO_FLOAT);
    case SG_F16:
        COPY_AS(uint16_t, float_from_half);
    case SG_BF16:
        COPY_AS(uint16_t, BF16_BITS);
    case SG_I64:
        COPY_AS(int64_t, TO_FLOAT);
    case SG_I32:
        COPY_AS(int32_t, TO_FLOAT);
    case SG_I16:
        COPY_AS(int16_t, TO_FLOAT);
    case SG_I8:
        COPY_AS(int8_t, TO_FLOAT);
    case SG_U8:
    case SG_BOOL:
        COPY_AS(uint8_t, TO_FLOAT);
    case SG_DTYPE_COUNT:
        break;
    }
    return sg_fail(err, SG_ERR_UNSUPPORTED, "a tensor of unknown element type %d", (int)t->dtype);
}
