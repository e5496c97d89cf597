/* update.h - the arithmetic of an optimizer on a run of numbers of one parameter: what optimizer.c
 * sends over the parameter block. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_NN_UPDATE_H
#define SG_NN_UPDATE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct sg_update_rates {
    float grad_scale; /* gradient clipping */
    float rate;       /* learning rate of this parameter; AdamW: divided by its first correction */
    float decay;      /* SGD: added share; AdamW: 1 - rate * decay */
    float momentum, beta1, beta2, eps;
    float invert_root; /* AdamW: 1 / sqrt of the second correction */
    bool nesterov;
} sg_update_rates;

/* Sum of squares. Lanes are added in a fixed order. */
double sg_update_squares(const float *x, size_t n);
/* p, m, v: the numbers and their moments; g: their gradient. None overlaps another. */
void sg_update_sgd(float *p, float *m, const float *g, size_t n, const sg_update_rates *rates);
void sg_update_adamw(
        float *p, float *m, float *v, const float *g, size_t n, const sg_update_rates *rates);
/* average += (1 - decay) (p - average) */
void sg_update_average(float *average, const float *p, size_t n, float decay);

#endif
