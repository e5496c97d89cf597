/* winograd_transforms.c - the transforms of winograd_kernels.h. The points of interpolation are 0,
 * +-1/sqrt(2), +-sqrt(2) and infinity, which lose fewer digits than the whole numbers up to 2. With
 * a^2 = 1/2, b^2 = 2 the transforms of a column are
 *
 *   in       d0 - 5/2 d2 + d4          weights  w0
 *            (d4 - 2 d2) +- a (d3 - 2 d1)       -(w0 +- a w1 + a^2 w2) 2/3
 *            (d4 - d2/2) +- b (d3 - d1/2)       (w0 +- b w1 + b^2 w2) / 6
 *            d1 - 5/2 d3 + d5                   w2
 *   out i    [i = 0] p0 + a^i (p1 + (-1)^i p2) + b^i (p3 + (-1)^i p4) + [i = 3] p5
 *
 * Gradients go through them transposed.
 *
 * Written with the processor's own vector operations (AVX-512): C has no multiply-add of vectors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/winograd_kernels.h"
#include <immintrin.h>

enum {
    TILE = SG_WINO_TILE,
    SIDE = 6, /* of a transformed tile */
    SPOTS = SG_WINO_SPOTS,
    LANES = SG_WINO_LANES,
    SIDE_OF_TAPS = 3,
    TAPS = SIDE_OF_TAPS * SIDE_OF_TAPS
};

static const float a = 0.70710678118654752f, b = 1.41421356237309505f;

typedef struct place {
    int64_t image, y, x; /* of the tile's first output */
} place;

static place place_of(const sg_wino_conv *c, int64_t tile) {
    int64_t row = tile / c->columns;
    return (place){row / c->rows, row % c->rows * TILE, tile % c->columns * TILE};
}

/* Asks for what the next tile of the row will want, while memory would be idle. It does no harm
 * where nothing is. */
SG_WINO_INLINE void fetch(const float *at) {
    _mm_prefetch((const char *)at, _MM_HINT_T0);
}

/* A polynomial at +-a and +-b, from its even and odd parts there without the factors a and b: what
 * all columns that grow have in the middle. */
SG_WINO_INLINE void at_points(
        __m512 out[SIDE], __m512 even_a, __m512 odd_a, __m512 even_b, __m512 odd_b) {
    const __m512 va = _mm512_set1_ps(a), vb = _mm512_set1_ps(b);
    out[1] = _mm512_fmadd_ps(va, odd_a, even_a);
    out[2] = _mm512_fnmadd_ps(va, odd_a, even_a);
    out[3] = _mm512_fmadd_ps(vb, odd_b, even_b);
    out[4] = _mm512_fnmadd_ps(vb, odd_b, even_b);
}

/* A row of a transformed tile, one element for each spot. */
SG_WINO_INLINE void put_row(float *to, int64_t spot, int y, const __m512 row[SIDE]) {
#pragma GCC unroll 6
    for (int x = 0; x < SIDE; x++) _mm512_storeu_ps(to + (y * SIDE + x) * spot, row[x]);
}

/* ---- in ---- */

SG_WINO_INLINE void enter_column(__m512 out[SIDE], const __m512 d[SIDE]) {
    const __m512 two = _mm512_set1_ps(2.0f), half = _mm512_set1_ps(0.5f);
    const __m512 most = _mm512_set1_ps(2.5f);
    __m512 even_a = _mm512_fnmadd_ps(two, d[2], d[4]), odd_a = _mm512_fnmadd_ps(two, d[1], d[3]);
    __m512 even_b = _mm512_fnmadd_ps(half, d[2], d[4]), odd_b = _mm512_fnmadd_ps(half, d[1], d[3]);
    out[0] = _mm512_fnmadd_ps(most, d[2], _mm512_add_ps(d[0], d[4]));
    at_points(out, even_a, odd_a, even_b, odd_b);
    out[5] = _mm512_fnmadd_ps(most, d[3], _mm512_add_ps(d[1], d[5]));
}

/* from: the tile's pixels, row by row. */
SG_WINO_INLINE void enter_lanes(float *to, int64_t spot, const float *const from[SPOTS]) {
    __m512 half[SIDE][SIDE];
    for (int x = 0; x < SIDE; x++) {
        __m512 d[SIDE], out[SIDE];
#pragma GCC unroll 6
        for (int y = 0; y < SIDE; y++) d[y] = _mm512_loadu_ps(from[y * SIDE + x]);
        enter_column(out, d);
#pragma GCC unroll 6
        for (int y = 0; y < SIDE; y++) half[y][x] = out[y];
    }
    for (int y = 0; y < SIDE; y++) {
        __m512 out[SIDE];
        enter_column(out, half[y]);
        put_row(to, spot, y, out);
    }
}

/* Pixels that belong neither to this tile nor to one of the row above. */
SG_WINO_INLINE void fetch_next_pixels(const float *const from[SPOTS], int64_t pixel) {
    enum { SHARED = SIDE - TILE };
#pragma GCC unroll 4
    for (int y = SHARED; y < SIDE; y++)
#pragma GCC unroll 4
        for (int x = SHARED; x < SIDE; x++) fetch(from[y * SIDE + x] + TILE * pixel);
}

SG_WINO_AVX512 void sg_wino_enter(const void *user, int64_t begin, int64_t end) {
    const sg_wino_tiles *t = user;
    const sg_wino_conv *c = t->conv;
    const sg_wino_images *src = &c->src;
    static const float zeros[LANES];
    int64_t spot = sg_wino_spot(t->count, src->channels);
    for (int64_t tile = begin; tile < end; tile++) {
        place p = place_of(c, t->first + tile);
        const float *image = src->data + p.image * src->image;
        const float *from[SPOTS];
        int64_t step[SPOTS];
        for (int i = 0; i < SPOTS; i++) {
            int64_t y = p.y - c->pad_top + i / SIDE, x = p.x - c->pad_left + i % SIDE;
            bool inside = y >= 0 && y < src->height && x >= 0 && x < src->width;
            from[i] = inside ? image + (y * src->width + x) * src->pixel : zeros;
            step[i] = inside ? src->group : 0;
        }
        for (int64_t channel = 0; channel < src->channels; channel += LANES) {
            enter_lanes(t->entered + tile * src->channels + channel, spot, from);
            fetch_next_pixels(from, src->pixel);
            for (int i = 0; i < SPOTS; i++) from[i] += step[i];
        }
    }
}

/* ---- out ---- */

SG_WINO_INLINE void leave_column(__m512 out[TILE], const __m512 p[SIDE]) {
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
SG_WINO_INLINE void leave_lanes(const sg_wino_conv *c, float *to, const float *from, int64_t spot,
        const float *biases, int64_t rows, int64_t columns) {
    __m512 half[TILE][SIDE];
    for (int x = 0; x < SIDE; x++) {
        __m512 p[SIDE], out[TILE];
#pragma GCC unroll 6
        for (int y = 0; y < SIDE; y++) p[y] = _mm512_loadu_ps(from + (y * SIDE + x) * spot);
        leave_column(out, p);
#pragma GCC unroll 4
        for (int y = 0; y < TILE; y++) half[y][x] = out[y];
    }
    __m512 bias = biases ? _mm512_loadu_ps(biases) : _mm512_setzero_ps();
    __m512 least = _mm512_setzero_ps(), most = _mm512_set1_ps(c->clip);
    for (int64_t y = 0; y < rows; y++) {
        __m512 out[TILE];
        leave_column(out, half[y]);
        float *at = to + y * c->dst.width * c->dst.pixel;
        for (int64_t x = 0; x < columns; x++, at += c->dst.pixel) {
            __m512 value = _mm512_add_ps(out[x], bias);
            if (c->sum) value = _mm512_add_ps(value, _mm512_loadu_ps(at));
            if (c->relu) value = _mm512_max_ps(least, value); /* NaN stays */
            if (c->clip > 0) value = _mm512_min_ps(most, value);
            if (c->stream)
                _mm512_stream_ps(at, value);
            else
                _mm512_storeu_ps(at, value);
        }
    }
}

SG_WINO_AVX512 void sg_wino_leave(const void *user, int64_t begin, int64_t end) {
    const sg_wino_tiles *t = user;
    const sg_wino_conv *c = t->conv;
    const sg_wino_images *dst = &c->dst;
    const float *bias = c->bias ? c->bias + t->outs.first : NULL;
    int64_t spot = sg_wino_spot(t->count, t->outs.width);
    for (int64_t tile = begin; tile < end; tile++) {
        place p = place_of(c, t->first + tile);
        float *to = dst->data + p.image * dst->image + t->outs.first / LANES * dst->group +
                    (p.y * dst->width + p.x) * dst->pixel;
        const float *from = t->products + tile * t->outs.width;
        int64_t rows = sg_dnn_min(TILE, dst->height - p.y);
        int64_t columns = sg_dnn_min(TILE, dst->width - p.x);
        for (int64_t channel = 0; channel < t->outs.width; channel += LANES, to += dst->group)
            leave_lanes(c, to, from + channel, spot, bias ? bias + channel : NULL, rows, columns);
    }
    if (c->stream) _mm_sfence(); /* before another thread reads it */
}

/* ---- weights ---- */

SG_WINO_INLINE void change_column(__m512 out[SIDE], __m512 w0, __m512 w1, __m512 w2) {
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
 * each, `tap` to the next tap. */
SG_WINO_INLINE void change_lanes(
        float *to, int64_t spot, const float *from, __m512i steps, int64_t tap) {
    __m512 half[SIDE][SIDE_OF_TAPS];
    for (int x = 0; x < SIDE_OF_TAPS; x++) {
        __m512 w[SIDE_OF_TAPS], out[SIDE];
        for (int y = 0; y < SIDE_OF_TAPS; y++)
            w[y] = _mm512_i32gather_ps(steps, from + (y * SIDE_OF_TAPS + x) * tap, sizeof(float));
        change_column(out, w[0], w[1], w[2]);
        for (int y = 0; y < SIDE; y++) half[y][x] = out[y];
    }
    for (int y = 0; y < SIDE; y++) {
        __m512 out[SIDE];
        change_column(out, half[y][0], half[y][1], half[y][2]);
        put_row(to, spot, y, out);
    }
}

/* The panel that output channel `channel` belongs to. */
static sg_wino_panel panel_of(int64_t out, int64_t channel) {
    int64_t i = channel / SG_WINO_PANEL;
    sg_wino_panel panel = sg_wino_panel_at(out, i);
    while (panel.first + panel.width <= channel) panel = sg_wino_panel_at(out, ++i);
    return panel;
}

/* Floats from the first output channel of a strip to each. */
SG_WINO_INLINE __m512i steps_of(const sg_wino_change *c) {
    __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_mullo_epi32(lanes, _mm512_set1_epi32((int)c->out_step));
}

SG_WINO_AVX512 void sg_wino_weights(const void *user, int64_t begin, int64_t end) {
    const sg_wino_change *c = user;
    __m512i steps = steps_of(c);
    int64_t first_tap = c->reversed ? TAPS - 1 : 0, tap = c->reversed ? -1 : 1;
    for (int64_t strip = begin; strip < end; strip++) {
        int64_t channel = strip * LANES;
        sg_wino_panel panel = panel_of(c->out, channel);
        float *to = c->changed + panel.first * SPOTS * c->in + (channel - panel.first);
        const float *from = c->plain + channel * c->out_step + first_tap;
        for (int64_t i = 0; i < c->in; i++)
            change_lanes(
                    to + i * panel.width, panel.width * c->in, from + i * c->in_step, steps, tap);
    }
}

/* ---- gradients ---- */

SG_WINO_INLINE void enter_gradient_column(__m512 out[SIDE], const __m512 d[TILE]) {
    const __m512 two = _mm512_set1_ps(2.0f), half = _mm512_set1_ps(0.5f);
    __m512 even_a = _mm512_fmadd_ps(half, d[2], d[0]), odd_a = _mm512_fmadd_ps(half, d[3], d[1]);
    __m512 even_b = _mm512_fmadd_ps(two, d[2], d[0]), odd_b = _mm512_fmadd_ps(two, d[3], d[1]);
    out[0] = d[0];
    at_points(out, even_a, odd_a, even_b, odd_b);
    out[5] = d[3];
}

/* from: the gradient of the tile's first output; rows, columns: how many of its outputs exist. */
SG_WINO_INLINE void enter_gradient_lanes(float *to, int64_t spot, const sg_wino_images *of,
        const float *from, int64_t rows, int64_t columns) {
    __m512 half[SIDE][TILE];
    for (int x = 0; x < TILE; x++) {
        __m512 d[TILE], out[SIDE];
#pragma GCC unroll 4
        for (int y = 0; y < TILE; y++) {
            const float *at = from + (y * of->width + x) * of->pixel;
            d[y] = y < rows && x < columns ? _mm512_loadu_ps(at) : _mm512_setzero_ps();
            fetch(at + TILE * of->pixel);
        }
        enter_gradient_column(out, d);
#pragma GCC unroll 6
        for (int y = 0; y < SIDE; y++) half[y][x] = out[y];
    }
    for (int y = 0; y < SIDE; y++) {
        __m512 out[SIDE];
        enter_gradient_column(out, half[y]);
        put_row(to, spot, y, out);
    }
}

SG_WINO_AVX512 void sg_wino_enter_gradient(const void *user, int64_t begin, int64_t end) {
    const sg_wino_tiles *t = user;
    const sg_wino_conv *c = t->conv;
    const sg_wino_images *dst = &c->dst;
    int64_t spot = sg_wino_spot(t->count, dst->channels);
    for (int64_t tile = begin; tile < end; tile++) {
        place p = place_of(c, t->first + tile);
        const float *from =
                dst->data + p.image * dst->image + (p.y * dst->width + p.x) * dst->pixel;
        float *to = t->products + tile * dst->channels;
        int64_t rows = sg_dnn_min(TILE, dst->height - p.y);
        int64_t columns = sg_dnn_min(TILE, dst->width - p.x);
        for (int64_t channel = 0; channel < dst->channels; channel += LANES, from += dst->group)
            enter_gradient_lanes(to + channel, spot, dst, from, rows, columns);
    }
}

/* What comes back through change_column. */
SG_WINO_INLINE void leave_weights_column(__m512 w[SIDE_OF_TAPS], const __m512 u[SIDE]) {
    const __m512 of_a = _mm512_set1_ps(-2.0f / 3.0f), of_b = _mm512_set1_ps(1.0f / 6.0f);
    __m512 even_a = _mm512_mul_ps(of_a, _mm512_add_ps(u[1], u[2]));
    __m512 odd_a = _mm512_mul_ps(of_a, _mm512_sub_ps(u[1], u[2]));
    __m512 even_b = _mm512_mul_ps(of_b, _mm512_add_ps(u[3], u[4]));
    __m512 odd_b = _mm512_mul_ps(of_b, _mm512_sub_ps(u[3], u[4]));
    w[0] = _mm512_add_ps(u[0], _mm512_add_ps(even_a, even_b));
    w[1] = _mm512_fmadd_ps(_mm512_set1_ps(a), odd_a, _mm512_mul_ps(_mm512_set1_ps(b), odd_b));
    w[2] = _mm512_fmadd_ps(
            _mm512_set1_ps(0.5f), even_a, _mm512_fmadd_ps(_mm512_set1_ps(2.0f), even_b, u[5]));
}

SG_WINO_INLINE void leave_weights_lanes(
        const sg_wino_change *c, float *to, __m512i steps, const float *from, int64_t spot) {
    __m512 half[SIDE_OF_TAPS][SIDE];
    int64_t part = SPOTS * c->in * c->out;
    for (int x = 0; x < SIDE; x++) {
        __m512 u[SIDE], w[SIDE_OF_TAPS];
        for (int y = 0; y < SIDE; y++) {
            const float *at = from + (y * SIDE + x) * spot;
            u[y] = _mm512_loadu_ps(at);
            for (int64_t i = 1; i < c->parts; i++)
                u[y] = _mm512_add_ps(u[y], _mm512_loadu_ps(at + i * part));
        }
        leave_weights_column(w, u);
        for (int y = 0; y < SIDE_OF_TAPS; y++) half[y][x] = w[y];
    }
    for (int y = 0; y < SIDE_OF_TAPS; y++) {
        __m512 w[SIDE_OF_TAPS];
        leave_weights_column(w, half[y]);
        for (int x = 0; x < SIDE_OF_TAPS; x++)
            _mm512_i32scatter_ps(to + y * SIDE_OF_TAPS + x, steps, w[x], sizeof(float));
    }
}

SG_WINO_AVX512 void sg_wino_leave_weights(const void *user, int64_t begin, int64_t end) {
    const sg_wino_change *c = user;
    __m512i steps = steps_of(c);
    for (int64_t strip = begin; strip < end; strip++) {
        int64_t channel = strip * LANES;
        sg_wino_panel panel = panel_of(c->out, channel);
        const float *from = c->changed + panel.first * SPOTS * c->in + (channel - panel.first);
        float *to = c->plain + channel * c->out_step;
        for (int64_t i = 0; i < c->in; i++)
            leave_weights_lanes(
                    c, to + i * c->in_step, steps, from + i * panel.width, panel.width * c->in);
    }
}
