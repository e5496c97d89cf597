/* kernels_f32.c - the reference kernels for float.
 * SPDX-License-Identifier: Apache-2.0 */
#define real    float
#define KERNELS sg_ref_kernels_f32
#include "backend/ref/kernels.inc.h"
