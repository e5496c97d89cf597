/* transfer.h - start from given weights, and say exactly what that means.
 *
 * A parameter of the graph is loaded when the file has its name (a leading "module." is ignored) in
 * its shape. What the file lacks is new, and that is accepted silently only where it cannot be a
 * mistake: the classifier, squeeze-and-excitation gates, and a tail of the network that begins
 * after everything the file holds (a file of features only). A hole in the middle, or a wrong shape
 * anywhere but in the classifier, is refused unless its name is allowed. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef SG_TRAIN_TRANSFER_H
#define SG_TRAIN_TRANSFER_H

#include "nn/params.h"
#include "weights/name_map.h"

typedef struct sg_transfer {
    bool *is_new;               /* [param_count]: not taken from the file */
    int loaded, fresh;          /* parameters and buffers */
    int left_over;              /* tensors of the file that the graph has no place for */
    char *fresh_names;          /* the layers that are new, comma-separated, shortened */
    char *left_names;           /* likewise for what was left over */
    double share;               /* of trainable scalars that came from the file, 0..1 */
    char sha256[SG_SHA256_HEX]; /* of the file */
    json_t *seen; /* images behind the weights, [[sha256, group, grouping, key], ...]; NULL = not
                     told */
} sg_transfer;

/* path: a safetensors, .pth or ONNX file in one of the spellings that weights/name_map.h knows, or
 * a safetensors file written by sonograde (`ema.` then `model.` prefixes are looked through).
 * allow_new: comma-separated name prefixes, may be NULL. Expected failures: SG_ERR_FORMAT;
 * SG_ERR_INPUT on an ensemble; SG_ERR_SHAPE and SG_ERR_INPUT naming the first layer that does not
 * fit, with the option that would allow it; NaN in a loaded tensor is SG_ERR_INPUT. */
SG_MUST_CHECK sg_status sg_transfer_load(sg_transfer *out, sg_params *params, const char *path,
        const char *allow_new, sg_error *err);
void sg_transfer_dispose(sg_transfer *transfer); /* NULL-safe */

/* True when `name` is one of the comma-separated prefixes or continues one after a dot. */
bool sg_name_has_prefix(const char *name, const char *prefixes);

/* trained[param_count]: false for buffers and for what `freeze` names (may be NULL). SG_ERR_USAGE
 * when a prefix names nothing, or when nothing is left to train. */
SG_MUST_CHECK sg_status sg_transfer_freeze(
        bool *trained, const sg_graph *graph, const char *freeze, sg_error *err);

#endif
