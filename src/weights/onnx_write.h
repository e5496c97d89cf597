/* onnx_write.h - an ONNX model (IR 8, opset 17) put together node by node and written to a file.
 * The format alone: what nodes mean is the caller's affair. Weights are borrowed until the file is
 * written, and go from memory to the file without a copy. Equal calls give equal bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_WEIGHTS_ONNX_WRITE_H
#define SG_WEIGHTS_ONNX_WRITE_H

#include "tensor/tensor.h"

typedef struct sg_onnx sg_onnx;

/* Mistakes (out of memory) stay inside and come out of sg_onnx_write. */
SG_MUST_CHECK sg_status sg_onnx_create(sg_onnx **out, const char *graph, sg_error *err);
void sg_onnx_destroy(sg_onnx *model); /* NULL-safe */

/* Float tensors named in the graph: what comes in and goes out (dims[0] is free, "batch"), and
 * constants; data[count of shape], borrowed. */
void sg_onnx_put_input(sg_onnx *model, const char *name, const sg_shape *shape);
void sg_onnx_put_output(sg_onnx *model, const char *name, const sg_shape *shape);
void sg_onnx_put_constant(
        sg_onnx *model, const char *name, const sg_shape *shape, const float *data);

/* Opens a node with one output, named as the node; attributes that follow are its own. */
void sg_onnx_put_node(sg_onnx *model, const char *op, const char *name, const char *const *inputs,
        int input_count);
void sg_onnx_put_attribute_int(sg_onnx *model, const char *name, int64_t value);
void sg_onnx_put_attribute_ints(sg_onnx *model, const char *name, const int64_t *values, int count);
void sg_onnx_put_attribute_float(sg_onnx *model, const char *name, float value);

void sg_onnx_put_metadata(sg_onnx *model, const char *key, const char *value);

/* Atomic. SG_ERR_UNSUPPORTED when the file would pass the 2 GiB that the format can hold. */
SG_MUST_CHECK sg_status sg_onnx_write(
        sg_onnx *model, const char *path, const char *producer_version, sg_error *err);

#endif
