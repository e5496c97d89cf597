/* kernels.h - the arithmetic of the reference backend as a table: one function per operation and
 * pass. The same sources give two tables (see kernels.inc.h). Kernels see plain layouts, trust
 * their arguments (ref.c checked them) and cannot fail. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BACKEND_REF_KERNELS_H
#define SG_BACKEND_REF_KERNELS_H

#include "backend/backend.h"

typedef void (*sg_ref_kernel)(const sg_problem *p, void *const args[SG_ARG_COUNT]);

enum { SG_REF_PASSES = SG_PASS_BACKWARD_WEIGHTS + 1 };

typedef struct sg_ref_kernels {
    sg_ref_kernel of[SG_OP_COUNT][SG_REF_PASSES]; /* by sg_op, sg_pass; NULL where there is none */
} sg_ref_kernels;

extern const sg_ref_kernels sg_ref_kernels_f32, sg_ref_kernels_f64;

#endif
