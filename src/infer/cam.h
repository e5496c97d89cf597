/* cam.h - class-activation maps as arithmetic: activations and gradients of one spatial layer in,
 * one map out. Only what speaks for the class is kept (negative sums become 0).
 *
 *   Grad-CAM     ReLU(sum_c A_c mean(G_c))                      Selvaraju et al. 2017
 *   Grad-CAM++   ReLU(sum_c A_c w_c), w_c = sum over G > 0 of G / (2 + G sum(A_c)); the paper's
 *                G^2 / (2 G^2 + sum(A) G^3) times ReLU(G), divided out
 *                                                       Chattopadhay et al. 2018
 *   Layer-CAM    ReLU(sum_c A_c ReLU(G_c))                      Jiang et al. 2021
 *   HiResCAM     ReLU(sum_c A_c G_c)                            Draelos and Carin 2020
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_INFER_CAM_H
#define SG_INFER_CAM_H

#include <stddef.h>

typedef enum sg_cam { SG_CAM_GRAD, SG_CAM_GRAD_PP, SG_CAM_LAYER, SG_CAM_HIRES } sg_cam;

/* map[pixels], >= 0; activations, gradients [channels][pixels]. Grad-CAM++ passes over places where
 * 2 + G sum(A_c) is not positive, which happens only to layers with negative activations. */
void sg_cam_combine(float *map, sg_cam cam, const float *activations, const float *gradients,
        size_t channels, size_t pixels);

#endif
