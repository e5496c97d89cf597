/* formula.h - numbers of tensors from their names, the same here and in tests/golden/nn/make.py, so
 * that no weights are stored with the tests. The formula is written out in make.py.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TESTS_SUPPORT_FORMULA_H
#define SG_TESTS_SUPPORT_FORMULA_H

#include "nn/params.h"

/* u in [-1, 1) of the tensor called `name`. */
void formula_uniform(float *out, const char *name, size_t count);
void formula_params(sg_params *params); /* float32 */

/* What tests/golden/parity/make.py keeps of a large tensor: its norm and its products with vectors
 * of signs. Every element counts, and the mean square of the sketches of a difference estimates the
 * square of its norm. */
enum { FORMULA_SKETCHES = 8 };
typedef struct formula_sketch {
    double norm, products[FORMULA_SKETCHES];
} formula_sketch;
void formula_sketch_make(formula_sketch *out, const char *name, const float *x, size_t count);
/* ||a - b|| / ||b||, estimated. */
double formula_sketch_distance(const formula_sketch *a, const formula_sketch *b);

#endif
