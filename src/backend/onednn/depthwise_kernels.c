/* depthwise_kernels.c - see depthwise_kernels.h. Every row kernel is written once; strides and
 * numbers of columns are constants where it is called, so that weights and sums stay in registers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/depthwise_kernels.h"

typedef float lanes __attribute__((vector_size(4 * SG_DW_LANES), aligned(4), may_alias));

enum { SIDE = SG_DW_SIDE, TAPS = SG_DW_TAPS, COLUMNS = 4, FLOAT_ROWS = 8, AHEAD = 192 };

SG_DNN_INLINE const lanes *pixel(const float *row, int64_t x) {
    return (const lanes *)(row + x * SG_DW_LANES);
}

SG_DNN_INLINE lanes *pixel_out(float *row, int64_t x) {
    return (lanes *)(row + x * SG_DW_LANES);
}

SG_DNN_INLINE const float *row_of(
        const float *plane, int64_t y, int64_t height, int64_t width, const float *zeros) {
    return y >= 0 && y < height ? plane + y * width * SG_DW_LANES : zeros;
}

/* The processor sees that a row is walked, but not soon enough: a window reads three of them. */
SG_DNN_INLINE void fetch(const float *row, int64_t x, int pixels) {
#pragma GCC unroll 8
    for (int i = 0; i < pixels; i++) __builtin_prefetch(pixel(row, x + i + AHEAD));
}

/* ---- forward, and backward to the data with stride 1 ---- */

/* Some outputs side by side, from `x` on, whose windows lie inside. */
SG_DNN_INLINE void filter_columns(float *out, const float *const rows[SIDE], const lanes w[TAPS],
        int64_t x, int stride, int columns) {
    lanes sum[COLUMNS] = {{0}};
    fetch(rows[SIDE - 1], x * stride, columns * stride);
#pragma GCC unroll 3
    for (int ky = 0; ky < SIDE; ky++) {
        const lanes *in = pixel(rows[ky], x * stride - 1);
#pragma GCC unroll 4
        for (int i = 0; i < columns; i++)
#pragma GCC unroll 3
            for (int kx = 0; kx < SIDE; kx++) sum[i] += w[ky * SIDE + kx] * in[i * stride + kx];
    }
#pragma GCC unroll 4
    for (int i = 0; i < columns; i++) *pixel_out(out, x + i) = sum[i];
}

/* An output whose window hangs over an edge. */
SG_DNN_INLINE void filter_edge(float *out, const float *const rows[SIDE], const lanes w[TAPS],
        int64_t x, int64_t width, int stride) {
    lanes sum = {0};
    for (int ky = 0; ky < SIDE; ky++)
        for (int kx = 0; kx < SIDE; kx++) {
            int64_t at = x * stride - 1 + kx;
            if (at >= 0 && at < width) sum += w[ky * SIDE + kx] * *pixel(rows[ky], at);
        }
    *pixel_out(out, x) = sum;
}

/* Outputs from 1 to this one (exclusive) have their windows inside. */
SG_DNN_INLINE int64_t inside_end(int64_t width, int64_t out_width, int stride) {
    int64_t end = width < 2 ? 0 : (width - 2) / stride + 1;
    return end < out_width ? end : out_width;
}

SG_DNN_INLINE void filter_row(float *out, const float *const rows[SIDE], const lanes w[TAPS],
        int64_t width, int64_t out_width, int stride) {
    int64_t x = 1, end = inside_end(width, out_width, stride);
    filter_edge(out, rows, w, 0, width, stride);
    for (; x + COLUMNS <= end; x += COLUMNS) filter_columns(out, rows, w, x, stride, COLUMNS);
    for (; x < end; x++) filter_columns(out, rows, w, x, stride, 1);
    for (; x < out_width; x++) filter_edge(out, rows, w, x, width, stride);
}

SG_DNN_INLINE void filter_plane(const sg_dw_plane *p, const lanes w[TAPS], int64_t height,
        int64_t width, int64_t out_height, int64_t out_width, int stride) {
    for (int64_t y = 0; y < out_height; y++) {
        const float *rows[SIDE];
        for (int ky = 0; ky < SIDE; ky++)
            rows[ky] = row_of(p->from, y * stride - 1 + ky, height, width, p->zeros);
        filter_row(p->to + y * out_width * SG_DW_LANES, rows, w, width, out_width, stride);
    }
}

SG_WIDE void sg_dw_forward(const sg_dw_plane *p, const float *weights, int stride) {
    lanes w[TAPS];
    for (int i = 0; i < TAPS; i++) w[i] = *pixel(weights, i);
    if (stride == 1)
        filter_plane(p, w, p->height, p->width, p->out_height, p->out_width, 1);
    else
        filter_plane(p, w, p->height, p->width, p->out_height, p->out_width, 2);
}

/* ---- backward to the data with stride 2 ---- */

/* Adds what one row of outputs gives to a row of inputs: input 2j sees output j through the middle
 * column of the kernel, input 2j + 1 sees j through the last and j + 1 through the first. */
SG_DNN_INLINE void spread_row(float *out, const float *const rows[2], const lanes *const w[2],
        int count, int64_t width, int64_t out_width) {
    for (int64_t j = 0; j < out_width; j++) {
        lanes even = {0}, odd = {0};
        bool more = j + 1 < out_width;
#pragma GCC unroll 2
        for (int i = 0; i < count; i++) {
            const lanes *in = pixel(rows[i], j);
            even += w[i][1] * in[0];
            odd += w[i][2] * in[0];
            if (more) odd += w[i][0] * in[1];
        }
        *pixel_out(out, 2 * j) = even;
        if (2 * j + 1 < width) *pixel_out(out, 2 * j + 1) = odd;
    }
}

/* Rows as columns: an even one sees one row of outputs, an odd one two. */
SG_DNN_INLINE void spread_plane(const sg_dw_plane *p, const lanes w[TAPS]) {
    for (int64_t y = 0; y < p->height; y++) {
        float *out = p->to + y * p->width * SG_DW_LANES;
        const float *near = row_of(p->from, y / 2, p->out_height, p->out_width, p->zeros);
        if (y % 2 == 0) {
            spread_row(out, (const float *const[2]){near, NULL},
                    (const lanes *const[2]){w + SIDE, NULL}, 1, p->width, p->out_width);
            continue;
        }
        const float *next = row_of(p->from, y / 2 + 1, p->out_height, p->out_width, p->zeros);
        spread_row(out, (const float *const[2]){near, next},
                (const lanes *const[2]){w + 2 * SIDE, w}, 2, p->width, p->out_width);
    }
}

SG_WIDE void sg_dw_backward_data(const sg_dw_plane *p, const float *weights, int stride) {
    lanes w[TAPS];
    if (stride == 1) { /* a convolution with the kernel turned about */
        for (int i = 0; i < TAPS; i++) w[i] = *pixel(weights, TAPS - 1 - i);
        filter_plane(p, w, p->out_height, p->out_width, p->height, p->width, 1);
        return;
    }
    for (int i = 0; i < TAPS; i++) w[i] = *pixel(weights, i);
    spread_plane(p, w);
}

/* ---- backward to the weights ---- */

SG_DNN_INLINE void gather_columns(lanes sum[TAPS], const float *dy, const float *const rows[SIDE],
        int64_t x, int stride, int columns) {
    fetch(dy, x, columns);
    fetch(rows[SIDE - 1], x * stride, columns * stride);
#pragma GCC unroll 4
    for (int i = 0; i < columns; i++) {
        lanes g = *pixel(dy, x + i);
#pragma GCC unroll 3
        for (int ky = 0; ky < SIDE; ky++)
#pragma GCC unroll 3
            for (int kx = 0; kx < SIDE; kx++)
                sum[ky * SIDE + kx] += g * *pixel(rows[ky], (x + i) * stride - 1 + kx);
    }
}

SG_DNN_INLINE void gather_edge(lanes sum[TAPS], const float *dy, const float *const rows[SIDE],
        int64_t x, int64_t width, int stride) {
    lanes g = *pixel(dy, x);
    for (int kx = 0; kx < SIDE; kx++) {
        int64_t at = x * stride - 1 + kx;
        if (at < 0 || at >= width) continue;
        for (int ky = 0; ky < SIDE; ky++) sum[ky * SIDE + kx] += g * *pixel(rows[ky], at);
    }
}

SG_DNN_INLINE void gather_row(lanes into[TAPS], const float *dy, const float *const rows[SIDE],
        int64_t width, int64_t out_width, int stride) {
    int64_t x = 1, end = inside_end(width, out_width, stride);
    lanes sum[TAPS];
    for (int i = 0; i < TAPS; i++) sum[i] = into[i];
    for (; x + COLUMNS <= end; x += COLUMNS) gather_columns(sum, dy, rows, x, stride, COLUMNS);
    for (; x < end; x++) gather_columns(sum, dy, rows, x, stride, 1);
    for (int i = 0; i < TAPS; i++) into[i] = sum[i];
    gather_edge(into, dy, rows, 0, width, stride);
    for (; x < out_width; x++) gather_edge(into, dy, rows, x, width, stride);
}

SG_DNN_INLINE void gather_plane(const sg_dw_plane *p, double *sums, int stride) {
    for (int64_t y = 0; y < p->out_height;) {
        lanes sum[TAPS] = {{0}};
        for (int i = 0; i < FLOAT_ROWS && y < p->out_height; i++, y++) {
            const float *rows[SIDE];
            for (int ky = 0; ky < SIDE; ky++)
                rows[ky] = row_of(p->src, y * stride - 1 + ky, p->height, p->width, p->zeros);
            gather_row(sum, p->from + y * p->out_width * SG_DW_LANES, rows, p->width, p->out_width,
                    stride);
        }
        for (int k = 0; k < TAPS; k++)
            for (int l = 0; l < SG_DW_LANES; l++) sums[k * SG_DW_LANES + l] += (double)sum[k][l];
    }
}

SG_WIDE void sg_dw_backward_weights(const sg_dw_plane *p, double *sums, int stride) {
    if (stride == 1)
        gather_plane(p, sums, 1);
    else
        gather_plane(p, sums, 2);
}
