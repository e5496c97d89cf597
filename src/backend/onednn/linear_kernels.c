/* linear_kernels.c - see linear_kernels.h. Lanes are images, so that no sum is ever spread over a
 * vector: eight rows of weights meet 16 or 32 images, input by input. A stretch of the images stays
 * in the first-level cache for a panel of rows, while their next stretch is fetched.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/linear_kernels.h"
#include <string.h>

enum { LANES = SG_LINEAR_LANES, ROWS = SG_LINEAR_ROWS, MOST = SG_LINEAR_IMAGES / LANES };
enum { STRETCH = 256, PANEL = 8 }; /* inputs; units */

typedef float lanes __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

static int vectors_of(int64_t images) {
    return images > LANES ? 2 : 1;
}

int64_t sg_linear_turned_count(int64_t images, int64_t in) {
    return in * vectors_of(images) * LANES;
}

void sg_linear_turn_body(const void *user, int64_t begin, int64_t end) {
    const sg_linear_job *job = user;
    int64_t width = vectors_of(job->images) * LANES;
    memset(job->turned + begin * width, 0, (size_t)((end - begin) * width) * sizeof(float));
    for (int64_t at = begin; at < end; at += LANES)
        for (int64_t n = 0; n < job->images; n++)
            for (int64_t i = at; i < at + LANES && i < end; i++)
                job->turned[i * width + n] = job->x[n * job->in + i];
}

/* Adds `count` inputs, at most LANES, to the sums of some rows. */
SG_DNN_INLINE void multiply(lanes s[ROWS][MOST], const float *turned, const float *const w[ROWS],
        int64_t at, int64_t count, int vectors) {
    for (int64_t i = at; i < at + count; i++) {
        const lanes *x = (const lanes *)(turned + i * vectors * LANES);
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++) s[r][v] += w[r][i] * x[v];
    }
}

/* A stretch of inputs for one unit. Rows beyond the last are the last once more. */
SG_DNN_INLINE void stretch(lanes sums[ROWS][MOST], const sg_linear_job *job, int64_t row,
        int64_t begin, int64_t end, int vectors) {
    lanes s[ROWS][MOST];
    const float *w[ROWS];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++) {
        w[r] = job->weight + (row + r < job->out ? row + r : job->out - 1) * job->in;
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) s[r][v] = sums[r][v];
    }
    int64_t at = begin;
    for (; at + LANES <= end; at += LANES) {
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) __builtin_prefetch(w[r] + at + STRETCH);
        multiply(s, job->turned, w, at, LANES, vectors);
    }
    multiply(s, job->turned, w, at, end - at, vectors);
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) sums[r][v] = s[r][v];
}

SG_DNN_INLINE void write_rows(const lanes sums[ROWS][MOST], const sg_linear_job *job, int64_t row) {
    for (int64_t r = 0; r < ROWS && row + r < job->out; r++) {
        float bias = job->bias ? job->bias[row + r] : 0.0f;
        for (int64_t n = 0; n < job->images; n++)
            job->y[n * job->out + row + r] = sums[r][n / LANES][n % LANES] + bias;
    }
}

SG_DNN_INLINE void panel(const sg_linear_job *job, int64_t unit, int64_t units, int vectors) {
    lanes sums[PANEL][ROWS][MOST] = {{{{0}}}};
    for (int64_t at = 0; at < job->in; at += STRETCH) {
        int64_t end = at + STRETCH < job->in ? at + STRETCH : job->in;
        for (int64_t k = 0; k < units; k++)
            stretch(sums[k], job, (unit + k) * ROWS, at, end, vectors);
    }
    for (int64_t k = 0; k < units; k++) write_rows(sums[k], job, (unit + k) * ROWS);
}

SG_WIDE void sg_linear_body(const void *user, int64_t begin, int64_t end) {
    const sg_linear_job *job = user;
    for (int64_t unit = begin; unit < end; unit += PANEL) {
        int64_t units = end - unit < PANEL ? end - unit : PANEL;
        if (vectors_of(job->images) == 1)
            panel(job, unit, units, 1);
        else
            panel(job, unit, units, 2);
    }
}
