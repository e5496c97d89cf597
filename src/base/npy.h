/* npy.h - NumPy's array file (format 1.0), written: float32, C order, little-endian.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BASE_NPY_H
#define SG_BASE_NPY_H

#include "sonograde/error.h"
#include <stddef.h>

/* values[product of shape]; rank 1..4. Written atomically. */
SG_MUST_CHECK sg_status sg_npy_write(
        const char *path, const float *values, const size_t *shape, size_t rank, sg_error *err);

#endif
