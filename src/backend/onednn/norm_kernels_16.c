/* norm_kernels_16.c - batch norm in vectors of 16 floats (AVX-512).
 * SPDX-License-Identifier: Apache-2.0 */
#define NORM_LANES  16
#define NORM_VISITS sg_norm_visits_16
#include "backend/onednn/norm_kernels.inc.h"
