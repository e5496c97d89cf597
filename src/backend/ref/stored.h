/* stored.h - numbers stored in 8 bits, as the reference reads and writes them: to float32, one
 * kernel, and back. This is the definition of what `quant` in backend.h means.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BACKEND_REF_STORED_H
#define SG_BACKEND_REF_STORED_H

#include "backend/backend.h"

/* The stored numbers of a layout as float32. */
void sg_ref_decode(float *out, const void *stored, const sg_shape *shape, const sg_quant *quant);
/* Rounded to the nearest, ties to even; what is out of range becomes the range's end. */
void sg_ref_encode(void *out, const float *numbers, const sg_shape *shape, const sg_quant *quant);

#endif
