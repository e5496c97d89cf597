/* export_onnx.h - a network as an ONNX model (opset 17): the same numbers in, the same logits out.
 *
 * Input "image" [batch, channels, size, size], standardised as the recipe says; outputs "logits"
 * and "probabilities" [batch, classes], the latter softmax(logits / temperature). Padding is
 * written out, so the image size is fixed; the batch is free. Folded, a batch norm behind a
 * convolution becomes part of it, as in our own predictions; unfolded, every node of the graph
 * stays. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_INFER_EXPORT_ONNX_H
#define SG_INFER_EXPORT_ONNX_H

#include "nn/params.h"

typedef struct sg_export_onnx_options {
    int64_t size; /* height and width of the image */
    bool fold;
    double temperature;
    const char *producer_version;
    const char *const *metadata; /* key, value, key, value, ..., NULL */
} sg_export_onnx_options;

/* Expected failures: SG_ERR_SHAPE (a size the network cannot take), SG_ERR_IO, SG_ERR_UNSUPPORTED
 * (more than 2 GiB). */
SG_MUST_CHECK sg_status sg_export_onnx(const char *path, const sg_graph *graph,
        const sg_params *params, const sg_export_onnx_options *options, sg_error *err);

#endif
