/* tensor.h - shape, element type, and who owns the bytes. No arithmetic.
 * Order of dimensions is NCHW for activations, OIHW for convolution weights (I = input channels per
 * group), [out, in] for linear weights. Elements are dense, last dimension fastest.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TENSOR_TENSOR_H
#define SG_TENSOR_TENSOR_H

#include "sonograde/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum sg_dtype {
    SG_F32,
    SG_F64,
    SG_F16,
    SG_BF16,
    SG_I64,
    SG_I32,
    SG_I16,
    SG_I8,
    SG_U8,
    SG_BOOL,
    SG_DTYPE_COUNT
} sg_dtype;

enum { SG_MAX_RANK = 6 };

typedef struct sg_shape {
    int rank; /* 0 = a scalar, one element */
    int64_t dims[SG_MAX_RANK];
} sg_shape;

typedef struct sg_tensor {
    sg_dtype dtype;
    sg_shape shape;
    void *data;
    bool owned; /* data is freed by dispose; otherwise borrowed (a mapped file, an arena) */
} sg_tensor;

size_t sg_dtype_size(sg_dtype dtype);
const char *sg_dtype_name(sg_dtype dtype); /* safetensors spelling: "F32" */
bool sg_dtype_from_name(sg_dtype *out, const char *name);

sg_shape sg_shape_of(int rank, const int64_t *dims);
sg_shape sg_shape4(int64_t n, int64_t c, int64_t h, int64_t w);
bool sg_shape_equal(const sg_shape *a, const sg_shape *b);
/* Product of dims; SG_ERR_SHAPE on a negative dimension or overflow of 2^62. */
SG_MUST_CHECK sg_status sg_shape_elements(int64_t *out, const sg_shape *shape, sg_error *err);
int64_t sg_shape_count(const sg_shape *shape); /* the same for shapes known to be valid */
/* "[64, 3, 7, 7]" into a caller's buffer; returns it. */
enum { SG_SHAPE_TEXT = 128 };
const char *sg_shape_text(char out[SG_SHAPE_TEXT], const sg_shape *shape);

SG_MUST_CHECK sg_status sg_tensor_create(sg_tensor *out, sg_dtype dtype, const sg_shape *shape,
        sg_error *err);               /* zeroed, 64-byte aligned, owned */
void sg_tensor_dispose(sg_tensor *t); /* NULL-safe */

/* Copies `count` elements of any float or integer type to float32. */
SG_MUST_CHECK sg_status sg_tensor_to_f32(float *out, const sg_tensor *t, sg_error *err);

#endif
