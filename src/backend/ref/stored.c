/* stored.c - see stored.h. Several scales belong to the first dimension.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/ref/stored.h"
#include <math.h>

/* The scale of each element that follows, `run` elements at a time. */
static int64_t run_of(const sg_shape *shape, const sg_quant *quant) {
    int64_t count = sg_shape_count(shape);
    return quant->count > 1 ? count / quant->count : count;
}

void sg_ref_decode(float *out, const void *stored, const sg_shape *shape, const sg_quant *quant) {
    int64_t run = run_of(shape, quant), i = 0;
    for (int c = 0; c < quant->count; c++)
        for (int64_t end = i + run; i < end; i++) {
            float v = quant->dtype == SG_U8   ? ((const uint8_t *)stored)[i]
                      : quant->dtype == SG_I8 ? ((const int8_t *)stored)[i]
                                              : ((const float *)stored)[i];
            out[i] = v * quant->scale[c];
        }
}

static float clamp(float v, float least, float most) {
    return v < least ? least : v > most ? most : v;
}

void sg_ref_encode(void *out, const float *numbers, const sg_shape *shape, const sg_quant *quant) {
    int64_t run = run_of(shape, quant), i = 0;
    for (int c = 0; c < quant->count; c++)
        for (int64_t end = i + run; i < end; i++) {
            float v = numbers[i] / quant->scale[c];
            if (quant->dtype == SG_U8)
                ((uint8_t *)out)[i] = (uint8_t)clamp(nearbyintf(v), 0, UINT8_MAX);
            else if (quant->dtype == SG_I8)
                ((int8_t *)out)[i] = (int8_t)clamp(nearbyintf(v), INT8_MIN, INT8_MAX);
            else
                ((float *)out)[i] = v;
        }
}
