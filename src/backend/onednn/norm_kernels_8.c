/* norm_kernels_8.c - batch norm in vectors of 8 floats (AVX2, and any block that 16 do not divide).
 * SPDX-License-Identifier: Apache-2.0 */
#define NORM_LANES  8
#define NORM_VISITS sg_norm_visits_8
#include "backend/onednn/norm_kernels.inc.h"
