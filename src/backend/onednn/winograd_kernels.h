/* winograd_kernels.h - Winograd's F(4 x 4, 3 x 3) (Lavin & Gray 2016) on channels-last images: 4 x
 * 4 outputs are made from 6 x 6 pixels by 36 products per pair of channels in place of 144. At each
 * of the 36 spots of a transformed tile stands one matrix product, tiles by channels.
 *
 *   enter      pixels -> entered[spot][tile][in]
 *   multiply   entered x weights -> products[spot][tile][out]
 *   leave      products -> outputs, with bias, sum and ReLU
 *
 * No element depends on how tiles are put together or shared out. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef SG_BACKEND_ONEDNN_WINOGRAD_KERNELS_H
#define SG_BACKEND_ONEDNN_WINOGRAD_KERNELS_H

#include "backend/onednn/internal.h"

/* Input channels come in LANES, output channels too; weights lie in panels of output channels. */
enum { SG_WINO_TILE = 4, SG_WINO_SPOTS = 36, SG_WINO_LANES = 16, SG_WINO_PANEL = 64 };

typedef struct sg_wino_conv {
    const float *src;     /* [images][height][width][in] */
    const float *weights; /* as sg_wino_weights leaves them */
    const float *bias;    /* [out]; NULL = 0 */
    float *dst;           /* [images][out_height][out_width][out]; holds the summand with `sum` */
    int64_t height, width, in, out_height, out_width, out, pad_top, pad_left;
    int64_t rows, columns; /* of tiles, in one image */
    bool sum, relu;
    float clip; /* with `relu`: 0 = none */
} sg_wino_conv;

/* Some tiles on their way: from `first` on, counted through rows and images. */
typedef struct sg_wino_tiles {
    const sg_wino_conv *conv;
    int64_t first, count;
    float *entered, *products;
} sg_wino_tiles;

/* Floats between two spots of `count` tiles: a line of the cache more than they need, or all spots
 * would meet in the same few sets. */
static inline int64_t sg_wino_spot(int64_t count, int64_t channels) {
    return count * channels + SG_WINO_LANES;
}

/* user: a sg_wino_tiles. Tiles [begin, end) of them; spots and panels, SG_WINO_SPOTS for each
 * panel. */
void sg_wino_enter(const void *user, int64_t begin, int64_t end);
void sg_wino_multiply(const void *user, int64_t begin, int64_t end);
void sg_wino_leave(const void *user, int64_t begin, int64_t end);
int64_t sg_wino_panels(int64_t out);

/* Transforms weights [out][in][3][3]; user: a sg_wino_change. Units are the SG_WINO_LANES wide
 * strips of output channels. */
typedef struct sg_wino_change {
    const float *from;
    float *to; /* [panel][spot][in][up to SG_WINO_PANEL] */
    int64_t in, out;
} sg_wino_change;
void sg_wino_weights(const void *user, int64_t begin, int64_t end);

#endif
