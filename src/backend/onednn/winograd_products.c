/* winograd_products.c - the matrix products of winograd_kernels.h, at every spot of the transformed
 * tiles: some rows by a panel of columns are summed in registers.
 *
 * Written with the processor's own vector operations (AVX-512): C has no multiply-add of vectors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/winograd_kernels.h"
#include <immintrin.h>

enum {
    SPOTS = SG_WINO_SPOTS,
    LANES = SG_WINO_LANES,
    VECTORS = SG_WINO_PANEL / LANES,
    ROWS = 6 /* that are summed side by side */
};

/* left[row][k] times right[k][column], for all columns of a panel. Meanwhile what lies from `next`
 * on is fetched, `pace` floats for each k; fetching does no harm where nothing is. */
typedef struct product {
    float *to;
    const float *left, *right, *next;
    int64_t depth, to_row, left_row, left_step, right_step, pace;
    bool adds; /* to what is there */
} product;

/* Both numbers are constants where this is called. */
SG_WINO_INLINE void multiply_block(const product *p, int rows, int vectors) {
    __m512 sum[ROWS][VECTORS];
    const float *left = p->left, *right = p->right, *next = p->next;
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            sum[r][v] = p->adds ? _mm512_loadu_ps(p->to + r * p->to_row + v * LANES)
                                : _mm512_setzero_ps();
    for (int64_t k = 0; k < p->depth; k++) {
        __m512 column[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) column[v] = _mm512_loadu_ps(right + v * LANES);
        _mm_prefetch((const char *)next, _MM_HINT_T1);
        _mm_prefetch((const char *)(next + LANES), _MM_HINT_T1);
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
            __m512 x = _mm512_set1_ps(left[r * p->left_row]);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++) sum[r][v] = _mm512_fmadd_ps(x, column[v], sum[r][v]);
        }
        left += p->left_step;
        right += p->right_step;
        next += p->pace;
    }
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            _mm512_storeu_ps(p->to + r * p->to_row + v * LANES, sum[r][v]);
}

/* As few blocks of rows as can be, as equal as can be: one of few waits for its own sums. */
SG_WINO_INLINE void multiply_rows(product p, int64_t rows, int vectors) {
    for (int64_t blocks = (rows + ROWS - 1) / ROWS; blocks > 0; blocks--) {
        int64_t some = (rows + blocks - 1) / blocks;
        switch (some) {
        case 6:
            multiply_block(&p, 6, vectors);
            break;
        case 5:
            multiply_block(&p, 5, vectors);
            break;
        case 4:
            multiply_block(&p, 4, vectors);
            break;
        case 3:
            multiply_block(&p, 3, vectors);
            break;
        case 2:
            multiply_block(&p, 2, vectors);
            break;
        default:
            multiply_block(&p, 1, vectors);
        }
        rows -= some;
        p.to += some * p.to_row;
        p.left += some * p.left_row;
        p.next += p.depth * p.pace;
    }
}

SG_WINO_INLINE void multiply_panel(product p, int64_t rows, int64_t columns) {
    switch (columns / LANES) {
    case 4:
        multiply_rows(p, rows, 4);
        break;
    case 3:
        multiply_rows(p, rows, 3);
        break;
    case 2:
        multiply_rows(p, rows, 2);
        break;
    default:
        multiply_rows(p, rows, 1);
    }
}

/* The weights behind these are the next that the thread will want: while the later blocks find
 * theirs in the cache, memory would be idle. */
SG_WINO_AVX512 void sg_wino_multiply(const void *user, int64_t begin, int64_t end) {
    const sg_wino_tiles *t = user;
    const sg_wino_conv *c = t->conv;
    int64_t in = c->src.channels, out = c->dst.channels;
    for (int64_t unit = begin; unit < end; unit++) {
        sg_wino_panel panel = sg_wino_panel_at(out, t->first_panel + unit / SPOTS);
        int64_t spot = unit % SPOTS;
        const float *weights = c->weights + (panel.first * SPOTS + spot * panel.width) * in;
        product p = {.to = t->products + spot * sg_wino_spot(t->count, t->outs.width) +
                           panel.first - t->outs.first,
                .left = t->entered + spot * sg_wino_spot(t->count, in),
                .right = weights,
                .next = weights + in * panel.width,
                .depth = in,
                .to_row = t->outs.width,
                .left_row = in,
                .left_step = 1,
                .right_step = panel.width,
                .pace = panel.width / ((t->count + ROWS - 1) / ROWS)};
        multiply_panel(p, t->count, panel.width);
    }
}

SG_WINO_AVX512 void sg_wino_gather(const void *user, int64_t begin, int64_t end) {
    const sg_wino_tiles *t = user;
    const sg_wino_conv *c = t->conv;
    int64_t in = c->src.channels, out = c->dst.channels;
    for (int64_t unit = begin; unit < end; unit++) {
        sg_wino_panel panel = sg_wino_panel_at(out, unit / SPOTS);
        int64_t spot = unit % SPOTS;
        const float *gradients = t->products + spot * sg_wino_spot(t->count, out) + panel.first;
        product p = {.to = t->gathered + (panel.first * SPOTS + spot * panel.width) * in,
                .left = t->entered + spot * sg_wino_spot(t->count, in),
                .right = gradients,
                .next = gradients,
                .depth = t->count,
                .to_row = panel.width,
                .left_row = 1,
                .left_step = in,
                .right_step = out,
                .adds = t->adds};
        multiply_panel(p, in, panel.width);
    }
}
