/* cam.c - see cam.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "infer/cam.h"

/* One weight for a whole channel. */
static double channel_weight(sg_cam cam, const float *a, const float *g, size_t pixels) {
    double sum = 0, total = 0;
    if (cam == SG_CAM_GRAD) {
        for (size_t i = 0; i < pixels; i++) sum += g[i];
        return sum / (double)pixels;
    }
    for (size_t i = 0; i < pixels; i++) total += a[i];
    for (size_t i = 0; i < pixels; i++) {
        double below = 2 + g[i] * total;
        if (g[i] > 0 && below > 0) sum += g[i] / below;
    }
    return sum;
}

void sg_cam_combine(float *map, sg_cam cam, const float *activations, const float *gradients,
        size_t channels, size_t pixels) {
    for (size_t i = 0; i < pixels; i++) map[i] = 0;
    for (size_t c = 0; c < channels; c++) {
        const float *a = activations + c * pixels, *g = gradients + c * pixels;
        if (cam == SG_CAM_GRAD || cam == SG_CAM_GRAD_PP) {
            float w = (float)channel_weight(cam, a, g, pixels);
            for (size_t i = 0; i < pixels; i++) map[i] += w * a[i];
        } else {
            for (size_t i = 0; i < pixels; i++)
                map[i] += a[i] * (cam == SG_CAM_LAYER && g[i] < 0 ? 0 : g[i]);
        }
    }
    for (size_t i = 0; i < pixels; i++) map[i] = map[i] > 0 ? map[i] : 0;
}
