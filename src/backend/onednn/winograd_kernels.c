/* winograd_kernels.c - see winograd_kernels.h. The points of interpolation are 0, +-1/sqrt(2),
 * +-sqrt(2) and infinity, which lose fewer digits than the whole numbers up to 2. With a^2 = 1/2,
 * b^2 = 2 the transforms of a column are
 *
 *   in       d0 - 5/2 d2 + d4          weights  w0
 *            (d4 - 2 d2) +- a (d3 - 2 d1)       -(w0 +- a w1 + a^2 w2) 2/3
 *            (d4 - d2/2) +- b (d3 - d1/2)       (w0 +- b w1 + b^2 w2) / 6
 *            d1 - 5/2 d3 + d5                   w2
 *   out i    [i = 0] p0 + a^i (p1 + (-1)^i p2) + b^i (p3 + (-1)^i p4) + [i = 3] p5
 *
 * Written with the processor's own vector operations (AVX-512): C has no multiply-add of vectors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/winograd_kernels.h"
#include <immintrin.h>

#define WINO        __attribute__((target("avx512f")))
#define WINO_INLINE static inline __attribute__((target("avx512f"), always_inline))

enum {
    TILE = SG_WINO_TILE,
    SIDE = 6, /* of a transformed tile */
    SPOTS = SG_WINO_SPOTS,
    LANES = SG_WINO_LANES,
    PANEL = SG_WINO_PANEL,
    VECTORS = PANEL / LANES,
    ROWS = 6 /* tiles whose products are summed side by side */
};

static const float a = 0.70710678118654752f, b = 1.41421356237309505f;

int64_t sg_wino_panels(int64_t out) {
    return (out + PANEL - 1) / PANEL;
}

static int64_t smaller(int64_t x, int64_t y) {
    return x < y ? x : y;
}

typedef struct place {
    int64_t image, y, x; /* of the tile's first output */
} place;

static place place_of(const sg_wino_conv *c, int64_t tile) {
    int64_t row = tile / c->columns;
    return (place){row / c->rows, row % c->rows * TILE, tile % c->columns * TILE};
}

/* ---- in ---- */

WINO_INLINE void enter_column(__m512 out[SIDE], const __m512 d[SIDE]) {
    const __m512 two = _mm512_set1_ps(2.0f), half = _mm512_set1_ps(0.5f);
    const __m512 most = _mm512_set1_ps(2.5f), va = _mm512_set1_ps(a), vb = _mm512_set1_ps(b);
    __m512 even_a = _mm512_fnmadd_ps(two, d[2], d[4]), odd_a = _mm512_fnmadd_ps(two, d[1], d[3]);
    __m512 even_b = _mm512_fnmadd_ps(half, d[2], d[4]), odd_b = _mm512_fnmadd_ps(half, d[1], d[3]);
    out[0] = _mm512_fnmadd_ps(most, d[2], _mm512_add_ps(d[0], d[4]));
    out[1] = _mm512_fmadd_ps(va, odd_a, even_a);
    out[2] = _mm512_fnmadd_ps(va, odd_a, even_a);
    out[3] = _mm512_fmadd_ps(vb, odd_b, even_b);
    out[4] = _mm512_fnmadd_ps(vb, odd_b, even_b);
    out[5] = _mm512_fnmadd_ps(most, d[3], _mm512_add_ps(d[1], d[5]));
}

/* from: the tile's pixels, row by row. */
WINO_INLINE void enter_lanes(
        float *to, int64_t spot, const float *const from[SPOTS], int64_t channel) {
    __m512 half[SIDE][SIDE];
    for (int x = 0; x < SIDE; x++) {
        __m512 d[SIDE], out[SIDE];
#pragma GCC unroll 6
        for (int y = 0; y < SIDE; y++) d[y] = _mm512_loadu_ps(from[y * SIDE + x] + channel);
        enter_column(out, d);
#pragma GCC unroll 6
        for (int y = 0; y < SIDE; y++) half[y][x] = out[y];
    }
    for (int y = 0; y < SIDE; y++) {
        __m512 out[SIDE];
        enter_column(out, half[y]);
#pragma GCC unroll 6
        for (int x = 0; x < SIDE; x++)
            _mm512_storeu_ps(to + (y * SIDE + x) * spot + channel, out[x]);
    }
}

WINO void sg_wino_enter(const void *user, int64_t begin, int64_t end) {
    const sg_wino_tiles *t = user;
    const sg_wino_conv *c = t->conv;
    static const float zeros[LANES];
    int64_t spot = sg_wino_spot(t->count, c->in);
    for (int64_t tile = begin; tile < end; tile++) {
        place p = place_of(c, t->first + tile);
        const float *image = c->src + p.image * c->height * c->width * c->in;
        const float *from[SPOTS];
        bool inside[SPOTS];
        for (int i = 0; i < SPOTS; i++) {
            int64_t y = p.y - c->pad_top + i / SIDE, x = p.x - c->pad_left + i % SIDE;
            inside[i] = y >= 0 && y < c->height && x >= 0 && x < c->width;
            from[i] = inside[i] ? image + (y * c->width + x) * c->in : zeros;
        }
        for (int64_t channel = 0; channel < c->in; channel += LANES) {
            enter_lanes(t->entered + tile * c->in + channel, spot, from, 0);
            for (int i = 0; i < SPOTS; i++) from[i] += inside[i] ? LANES : 0;
        }
    }
}

/* ---- products ---- */

/* Some tiles by some vectors of a panel; both numbers are constants where this is called. Meanwhile
 * weights from `next` on are fetched, `pace` of them for each input channel. */
WINO_INLINE void multiply_block(float *to, int64_t to_step, const float *from, const float *w,
        const float *next, int64_t pace, int64_t in, int rows, int vectors) {
    __m512 sum[ROWS][VECTORS];
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) sum[r][v] = _mm512_setzero_ps();
    for (int64_t i = 0; i < in; i++) {
        __m512 weight[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) weight[v] = _mm512_loadu_ps(w + v * LANES);
        w += vectors * LANES;
        _mm_prefetch((const char *)(next + i * pace), _MM_HINT_T1);
        _mm_prefetch((const char *)(next + i * pace + LANES), _MM_HINT_T1);
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
            __m512 x = _mm512_set1_ps(from[r * in + i]);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++) sum[r][v] = _mm512_fmadd_ps(x, weight[v], sum[r][v]);
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) _mm512_storeu_ps(to + r * to_step + v * LANES, sum[r][v]);
}

/* As few blocks as can be, as equal as can be: one of few rows waits for its own sums. The weights
 * behind these are the next that the thread will want: while the later blocks find theirs in the
 * cache, memory would be idle. Fetching does no harm behind the last. */
WINO_INLINE void multiply_rows(float *to, int64_t to_step, const float *from, const float *w,
        int64_t in, int64_t tiles, int vectors) {
    const float *next = w + in * vectors * LANES;
    int64_t pace = vectors * LANES / ((tiles + ROWS - 1) / ROWS);
    for (int64_t blocks = (tiles + ROWS - 1) / ROWS; blocks > 0; blocks--) {
        int64_t rows = (tiles + blocks - 1) / blocks;
        switch (rows) {
        case 6:
            multiply_block(to, to_step, from, w, next, pace, in, 6, vectors);
            break;
        case 5:
            multiply_block(to, to_step, from, w, next, pace, in, 5, vectors);
            break;
        case 4:
            multiply_block(to, to_step, from, w, next, pace, in, 4, vectors);
            break;
        case 3:
            multiply_block(to, to_step, from, w, next, pace, in, 3, vectors);
            break;
        case 2:
            multiply_block(to, to_step, from, w, next, pace, in, 2, vectors);
            break;
        default:
            multiply_block(to, to_step, from, w, next, pace, in, 1, vectors);
        }
        tiles -= rows;
        to += rows * to_step;
        from += rows * in;
        next += in * pace;
    }
}

WINO void sg_wino_multiply(const void *user, int64_t begin, int64_t end) {
    const sg_wino_tiles *t = user;
    const sg_wino_conv *c = t->conv;
    for (int64_t unit = begin; unit < end; unit++) {
        int64_t first = unit / SPOTS * PANEL, spot = unit % SPOTS;
        int64_t width = smaller(PANEL, c->out - first);
        const float *w = c->weights + (first * SPOTS + spot * width) * c->in;
        const float *from = t->entered + spot * sg_wino_spot(t->count, c->in);
        float *to = t->products + spot * sg_wino_spot(t->count, c->out) + first;
        switch (width / LANES) {
        case 4:
            multiply_rows(to, c->out, from, w, c->in, t->count, 4);
            break;
        case 3:
            multiply_rows(to, c->out, from, w, c->in, t->count, 3);
            break;
        case 2:
            multiply_rows(to, c->out, from, w, c->in, t->count, 2);
            break;
        default:
            multiply_rows(to, c->out, from, w, c->in, t->count, 1);
        }
    }
}

/* ---- out ---- */

WINO_INLINE void leave_column(__m512 out[TILE], const __m512 p[SIDE]) {
    __m512 even_a = _mm512_add_ps(p[1], p[2]), odd_a = _mm512_sub_ps(p[1], p[2]);
    __m512 even_b = _mm512_add_ps(p[3], p[4]), odd_b = _mm512_sub_ps(p[3], p[4]);
    const __m512 two = _mm512_set1_ps(2.0f), half = _mm512_set1_ps(0.5f);
    const __m512 va = _mm512_set1_ps(a), vb = _mm512_set1_ps(b);
    out[0] = _mm512_add_ps(p[0], _mm512_add_ps(even_a, even_b));
    out[1] = _mm512_fmadd_ps(va, odd_a, _mm512_mul_ps(vb, odd_b));
    out[2] = _mm512_fmadd_ps(half, even_a, _mm512_mul_ps(two, even_b));
    __m512 third = _mm512_fmadd_ps(_mm512_set1_ps(2.0f * b), odd_b, p[5]);
    out[3] = _mm512_fmadd_ps(_mm512_set1_ps(0.5f * a), odd_a, third);
}

/* to: the first output of the tile; rows, columns: how many of its outputs exist. */
WINO_INLINE void leave_lanes(const sg_wino_conv *c, float *to, const float *from, int64_t spot,
        int64_t channel, int64_t rows, int64_t columns) {
    __m512 half[TILE][SIDE];
    for (int x = 0; x < SIDE; x++) {
        __m512 p[SIDE], out[TILE];
#pragma GCC unroll 6
        for (int y = 0; y < SIDE; y++)
            p[y] = _mm512_loadu_ps(from + (y * SIDE + x) * spot + channel);
        leave_column(out, p);
#pragma GCC unroll 4
        for (int y = 0; y < TILE; y++) half[y][x] = out[y];
    }
    __m512 bias = c->bias ? _mm512_loadu_ps(c->bias + channel) : _mm512_setzero_ps();
    __m512 least = _mm512_setzero_ps(), most = _mm512_set1_ps(c->clip);
    for (int64_t y = 0; y < rows; y++) {
        __m512 out[TILE];
        leave_column(out, half[y]);
        float *at = to + y * c->out_width * c->out + channel;
        for (int64_t x = 0; x < columns; x++, at += c->out) {
            __m512 value = _mm512_add_ps(out[x], bias);
            if (c->sum) value = _mm512_add_ps(value, _mm512_loadu_ps(at));
            if (c->relu) value = _mm512_max_ps(value, least);
            if (c->clip > 0) value = _mm512_min_ps(value, most);
            _mm512_storeu_ps(at, value);
        }
    }
}

WINO void sg_wino_leave(const void *user, int64_t begin, int64_t end) {
    const sg_wino_tiles *t = user;
    const sg_wino_conv *c = t->conv;
    int64_t spot = sg_wino_spot(t->count, c->out);
    for (int64_t tile = begin; tile < end; tile++) {
        place p = place_of(c, t->first + tile);
        float *to = c->dst + ((p.image * c->out_height + p.y) * c->out_width + p.x) * c->out;
        int64_t rows = smaller(TILE, c->out_height - p.y);
        int64_t columns = smaller(TILE, c->out_width - p.x);
        for (int64_t channel = 0; channel < c->out; channel += LANES)
            leave_lanes(c, to, t->products + tile * c->out, spot, channel, rows, columns);
    }
}

/* ---- weights ---- */

WINO_INLINE void change_column(__m512 out[SIDE], __m512 w0, __m512 w1, __m512 w2) {
    const __m512 of_a = _mm512_set1_ps(-2.0f / 3.0f), of_b = _mm512_set1_ps(1.0f / 6.0f);
    __m512 even_a = _mm512_fmadd_ps(_mm512_set1_ps(0.5f), w2, w0);
    __m512 even_b = _mm512_fmadd_ps(_mm512_set1_ps(2.0f), w2, w0);
    __m512 odd_a = _mm512_mul_ps(_mm512_set1_ps(a), w1),
           odd_b = _mm512_mul_ps(_mm512_set1_ps(b), w1);
    out[0] = w0;
    out[1] = _mm512_mul_ps(of_a, _mm512_add_ps(even_a, odd_a));
    out[2] = _mm512_mul_ps(of_a, _mm512_sub_ps(even_a, odd_a));
    out[3] = _mm512_mul_ps(of_b, _mm512_add_ps(even_b, odd_b));
    out[4] = _mm512_mul_ps(of_b, _mm512_sub_ps(even_b, odd_b));
    out[5] = w2;
}

/* Weights of LANES output channels from one input channel; `steps` floats from the first output to
 * each. */
WINO_INLINE void change_lanes(float *to, int64_t spot, const float *from, __m512i steps) {
    enum { TAPS = 3 };
    __m512 half[SIDE][TAPS];
    for (int x = 0; x < TAPS; x++) {
        __m512 w[TAPS], out[SIDE];
        for (int y = 0; y < TAPS; y++)
            w[y] = _mm512_i32gather_ps(steps, from + y * TAPS + x, sizeof(float));
        change_column(out, w[0], w[1], w[2]);
        for (int y = 0; y < SIDE; y++) half[y][x] = out[y];
    }
    for (int y = 0; y < SIDE; y++) {
        __m512 out[SIDE];
        change_column(out, half[y][0], half[y][1], half[y][2]);
        for (int x = 0; x < SIDE; x++) _mm512_storeu_ps(to + (y * SIDE + x) * spot, out[x]);
    }
}

WINO void sg_wino_weights(const void *user, int64_t begin, int64_t end) {
    const sg_wino_change *c = user;
    enum { TAPS = 9 };
    __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i steps = _mm512_mullo_epi32(lanes, _mm512_set1_epi32((int)c->in * TAPS));
    for (int64_t strip = begin; strip < end; strip++) {
        int64_t channel = strip * LANES, first = channel / PANEL * PANEL;
        int64_t width = smaller(PANEL, c->out - first);
        float *to = c->to + first * SPOTS * c->in + (channel - first);
        for (int64_t i = 0; i < c->in; i++)
            change_lanes(
                    to + i * width, width * c->in, c->from + (channel * c->in + i) * TAPS, steps);
    }
}
