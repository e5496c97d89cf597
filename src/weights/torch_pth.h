/* torch_pth.h - tensors of PyTorch's .pth files without PyTorch: the zip form (1.6 and later) and
 * the legacy form of pickles in a row. Only state dicts, plain or under one of the usual wrapper
 * keys; nothing is executed (pickle.h).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_WEIGHTS_TORCH_PTH_H
#define SG_WEIGHTS_TORCH_PTH_H

#include "weights/weight_set.h"

bool sg_pth_is(const uint8_t *bytes, size_t size); /* begins as one of the two forms does */
/* From set->map into set. Every tensor must lie inside its storage, every storage inside the file
 * at its own bytes. check_digest: compare the checksums of the zip form. */
SG_MUST_CHECK sg_status sg_pth_read(
        sg_weight_set *set, const char *path, bool check_digest, sg_error *err);

#endif
