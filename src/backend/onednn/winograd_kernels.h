/* winograd_kernels.h - Winograd's F(4 x 4, 3 x 3) (Lavin & Gray 2016): 4 x 4 outputs are made from
 * 6 x 6 pixels by 36 products per pair of channels in place of 144. At each of the 36 spots of a
 * transformed tile stands one matrix product, tiles by channels.
 *
 *   enter      pixels -> entered[spot][tile][in]
 *   multiply   entered x weights -> products[spot][tile][out]
 *   leave      products -> outputs, with bias, sum and ReLU
 *
 * The gradient of the weights is the same turned about:
 *
 *   enter      pixels -> entered[spot][tile][in]
 *   enter_gradient    gradients of outputs -> products[spot][tile][out]
 *   gather     entered' x products, over all tiles -> gradients of the transformed weights
 *   leave_weights     these -> gradients of the weights
 *
 * No output depends on how tiles are shared out among threads; sums over tiles do.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BACKEND_ONEDNN_WINOGRAD_KERNELS_H
#define SG_BACKEND_ONEDNN_WINOGRAD_KERNELS_H

#include "backend/onednn/internal.h"

#define SG_WINO_AVX512 __attribute__((target("avx512f")))
#define SG_WINO_INLINE static inline __attribute__((target("avx512f"), always_inline))

/* Input channels come in LANES, output channels too; weights lie in panels of output channels. */
enum { SG_WINO_TILE = 4, SG_WINO_SPOTS = 36, SG_WINO_LANES = 16, SG_WINO_PANEL = 64 };

/* Images whose channels lie side by side in sixteens at least: pixel (y, x) of channel c of image n
 * lies at n * image + c / 16 * group + (y * width + x) * pixel + c % 16. */
typedef struct sg_wino_images {
    float *data;
    int64_t height, width, channels;
    int64_t image, pixel, group; /* floats to the next image, pixel, sixteen channels */
} sg_wino_images;

typedef struct sg_wino_conv {
    sg_wino_images src, dst; /* dst holds the summand with `sum` */
    const float *weights;    /* as sg_wino_weights leaves them */
    const float *bias;       /* [out]; NULL = 0 */
    int64_t pad_top, pad_left;
    int64_t rows, columns; /* of tiles, in one image */
    bool sum, relu;
    bool stream; /* outputs past the caches; not with `sum` */
    float clip;  /* with `relu`: 0 = none */
} sg_wino_conv;

/* Output channels that are summed together. They are as equal as can be: a narrow panel waits for
 * its own sums. */
typedef struct sg_wino_panel {
    int64_t first, width;
} sg_wino_panel;
static inline int64_t sg_wino_panels(int64_t out) {
    return (out + SG_WINO_PANEL - 1) / SG_WINO_PANEL;
}
static inline sg_wino_panel sg_wino_panel_at(int64_t out, int64_t i) {
    int64_t strips = out / SG_WINO_LANES, panels = sg_wino_panels(out);
    int64_t first = strips * i / panels, end = strips * (i + 1) / panels;
    return (sg_wino_panel){first * SG_WINO_LANES, (end - first) * SG_WINO_LANES};
}

/* Some tiles on their way: from `first` on, counted through rows and images; and the output
 * channels that their products are made for. */
typedef struct sg_wino_tiles {
    const sg_wino_conv *conv;
    int64_t first, count;
    int64_t first_panel;
    sg_wino_panel outs; /* that panel, or all of them as if they were one */
    float *entered, *products;
    float *gathered; /* by sg_wino_gather, as sg_wino_weights leaves weights */
    bool adds;       /* to what is gathered; else these are the first tiles */
} sg_wino_tiles;

/* Floats between two spots of `count` tiles: a line of the cache more than they need, or all spots
 * would meet in the same few sets. */
static inline int64_t sg_wino_spot(int64_t count, int64_t channels) {
    return count * channels + SG_WINO_LANES;
}

/* user: a sg_wino_tiles. Units of the first three are its tiles; of the products spots and panels,
 * SG_WINO_SPOTS for each panel. */
void sg_wino_enter(const void *user, int64_t begin, int64_t end);
void sg_wino_enter_gradient(const void *user, int64_t begin, int64_t end);
void sg_wino_leave(const void *user, int64_t begin, int64_t end);
void sg_wino_multiply(const void *user, int64_t begin, int64_t end);
void sg_wino_gather(const void *user, int64_t begin, int64_t end);

/* Weights between their plain form and that of the products. Those of the gradient to the data have
 * inputs and outputs exchanged and their taps in reverse. */
typedef struct sg_wino_change {
    float *plain;   /* tap t of a pair of channels at in * in_step + out * out_step + t, or 8 - t */
    float *changed; /* [panel][spot][in][width of the panel] */
    int64_t in, out, in_step, out_step;
    bool reversed;
    int64_t parts; /* sg_wino_leave_weights: the sum of so many, one behind the other */
} sg_wino_change;
/* user: a sg_wino_change. Units are the SG_WINO_LANES wide strips of output channels. */
void sg_wino_weights(const void *user, int64_t begin, int64_t end);
/* Gradients back, transposed. */
void sg_wino_leave_weights(const void *user, int64_t begin, int64_t end);

#endif
