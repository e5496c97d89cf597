/* formula.h - numbers of tensors from their names, the same here and in tests/golden/nn/make.py, so
 * that no weights are stored with the tests. The formula is written out in make.py.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TESTS_SUPPORT_FORMULA_H
#define SG_TESTS_SUPPORT_FORMULA_H

#include "nn/params.h"

/* u in [-1, 1) of the tensor called `name`. */
void formula_uniform(float *out, const char *name, size_t count);
void formula_params(sg_params *params); /* float32 */

#endif
