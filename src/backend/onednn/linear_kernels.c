/* linear_kernels.c - see linear_kernels.h. Four rows of weights meet four images at a time, sixteen
 * sums in registers; a stretch of the four rows stays in the first-level cache until all images
 * have met it, while the next one is fetched. SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/linear_kernels.h"
#include <string.h>

enum { LANES = 16, ROWS = SG_LINEAR_ROWS, IMAGES = 4, TILE = 16, STRETCH = 512 };

typedef float lanes __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/* Adds `count` products, a multiple of LANES, to each of the sums. */
SG_DNN_INLINE void multiply(lanes sums[IMAGES][ROWS], const float *const x[IMAGES],
        const float *const w[ROWS], int64_t count) {
    lanes s[IMAGES][ROWS];
    for (int n = 0; n < IMAGES; n++)
        for (int o = 0; o < ROWS; o++) s[n][o] = sums[n][o];
    for (int64_t i = 0; i < count; i += LANES) {
        lanes row[ROWS];
        for (int o = 0; o < ROWS; o++) row[o] = *(const lanes *)(w[o] + i);
        for (int n = 0; n < IMAGES; n++) {
            lanes image = *(const lanes *)(x[n] + i);
            __builtin_prefetch(w[n] + i + STRETCH);
            for (int o = 0; o < ROWS; o++) s[n][o] += image * row[o];
        }
    }
    for (int n = 0; n < IMAGES; n++)
        for (int o = 0; o < ROWS; o++) sums[n][o] = s[n][o];
}

/* The same for a stretch of any length. Images and rows beyond the last are the last once more. */
SG_DNN_INLINE void stretch(lanes sums[IMAGES][ROWS], const sg_linear_job *job, int64_t image,
        int64_t row, int64_t at, int64_t count) {
    const float *x[IMAGES], *w[ROWS];
    float x_rest[IMAGES][LANES] = {{0}}, w_rest[ROWS][LANES] = {{0}};
    int64_t whole = count / LANES * LANES, rest = count - whole;
    for (int n = 0; n < IMAGES; n++)
        x[n] = job->x + (image + n < job->images ? image + n : job->images - 1) * job->in + at;
    for (int o = 0; o < ROWS; o++)
        w[o] = job->weight + (row + o < job->out ? row + o : job->out - 1) * job->in + at;
    multiply(sums, x, w, whole);
    if (rest == 0) return;
    for (int n = 0; n < IMAGES; n++)
        x[n] = memcpy(x_rest[n], x[n] + whole, (size_t)rest * sizeof(float));
    for (int o = 0; o < ROWS; o++)
        w[o] = memcpy(w_rest[o], w[o] + whole, (size_t)rest * sizeof(float));
    multiply(sums, x, w, LANES);
}

SG_DNN_INLINE void write_sums(
        const lanes sums[TILE][ROWS], const sg_linear_job *job, int64_t image, int64_t row) {
    for (int64_t n = 0; n < TILE && image + n < job->images; n++)
        for (int64_t o = 0; o < ROWS && row + o < job->out; o++) {
            float sum = job->bias ? job->bias[row + o] : 0.0f;
            for (int l = 0; l < LANES; l++) sum += sums[n][o][l];
            job->y[(image + n) * job->out + row + o] = sum;
        }
}

SG_WIDE void sg_linear_body(const void *user, int64_t begin, int64_t end) {
    const sg_linear_job *job = user;
    for (int64_t unit = begin; unit < end; unit++)
        for (int64_t image = 0; image < job->images; image += TILE) {
            lanes sums[TILE][ROWS] = {{{0}}};
            for (int64_t at = 0; at < job->in; at += STRETCH) {
                int64_t count = job->in - at < STRETCH ? job->in - at : STRETCH;
                for (int n = 0; n < TILE && image + n < job->images; n += IMAGES)
                    stretch(sums + n, job, image + n, unit * ROWS, at, count);
            }
            write_sums(sums, job, image, unit * ROWS);
        }
}
