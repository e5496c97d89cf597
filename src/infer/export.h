/* export.h - one member of a bundle in the formats that others open.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_INFER_EXPORT_H
#define SG_INFER_EXPORT_H

#include "infer/bundle.h"

/* ONNX (export_onnx.h), with what a program needs to feed it in the file's metadata: recipe as
 * JSON, mean, std, size, class names as a JSON list, temperature, the model file's hash, the word
 * on use. */
SG_MUST_CHECK sg_status sg_export_member_onnx(
        const char *path, const sg_bundle *bundle, int member, bool fold, sg_error *err);

/* safetensors with the plain names of torchvision or timm and the num_batches_tracked (0) of every
 * batch norm, so that torch's load_state_dict takes it strictly. metadata: string-to-string, may be
 * NULL. */
SG_MUST_CHECK sg_status sg_export_safetensors(const char *path, const sg_graph *graph,
        const sg_params *params, const json_t *metadata, sg_error *err);
SG_MUST_CHECK sg_status sg_export_member_safetensors(
        const char *path, const sg_bundle *bundle, int member, sg_error *err);

/* A model card: Markdown with the front matter that model hubs read. metrics: what `evaluate` wrote
 * (metrics.json), borrowed, or NULL. */
SG_MUST_CHECK sg_status sg_export_card(
        const char *path, const sg_bundle *bundle, const json_t *metrics, sg_error *err);

#endif
