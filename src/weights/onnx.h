/* onnx.h - the initialisers of an ONNX file as named tensors; the graph is not looked at. Own
 * reader of the few protobuf fields that this needs (onnx.proto of ONNX 1.12: ModelProto.graph = 7,
 * GraphProto.initializer = 5, TensorProto).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_WEIGHTS_ONNX_H
#define SG_WEIGHTS_ONNX_H

#include "weights/weight_set.h"

bool sg_onnx_is(const uint8_t *bytes, size_t size); /* begins with ModelProto.ir_version */
SG_MUST_CHECK sg_status sg_onnx_read(sg_weight_set *set, const char *path, sg_error *err);

#endif
