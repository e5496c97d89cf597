/* kernels_f64.c - the reference kernels for double.
 * SPDX-License-Identifier: Apache-2.0 */
#define real    double
#define KERNELS sg_ref_kernels_f64
#include "backend/ref/kernels.inc.h"
