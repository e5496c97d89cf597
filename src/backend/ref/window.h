/* window.h - where the windows of convolutions and pools meet the image.
 *
 * Output position o, kernel tap k, input position i:  i = o * stride - pad + k * dilation.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BACKEND_REF_WINDOW_H
#define SG_BACKEND_REF_WINDOW_H

#include "backend/backend.h"

/* One axis of a window operation. */
typedef struct axis {
    int64_t in, out, kernel, stride, dilation, pad;
} axis;

typedef struct range {
    int64_t begin, end; /* half open; empty when end <= begin */
} range;

static inline axis axis_of(const sg_problem *p, int i) {
    return (axis){p->src[0].dims[2 + i], p->dst.dims[2 + i], p->kernel[i], p->stride[i],
            p->dilation[i], p->pad_begin[i]};
}

static inline int64_t lower(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline int64_t higher(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* Input position of tap k when o = 0. */
static inline int64_t tap_offset(const axis *a, int64_t k) {
    return k * a->dilation - a->pad;
}

/* Smallest o >= 0 with o * stride >= x. */
static inline int64_t first_at_least(int64_t x, int64_t stride) {
    return x <= 0 ? 0 : (x + stride - 1) / stride;
}

/* Output positions whose tap k falls on an input position in [begin, end). */
static inline range outputs_over(const axis *a, int64_t k, int64_t begin, int64_t end) {
    int64_t offset = tap_offset(a, k);
    return (range){first_at_least(begin - offset, a->stride),
            lower(a->out, first_at_least(end - offset, a->stride))};
}

/* Input positions inside the image under the window of output o (dilation 1). */
static inline range inputs_under(const axis *a, int64_t o) {
    int64_t begin = o * a->stride - a->pad;
    return (range){higher(begin, 0), lower(begin + a->kernel, a->in)};
}

/* The window of position o of an adaptive pool. */
static inline range adaptive_window(int64_t in, int64_t out, int64_t o) {
    return (range){o * in / out, ((o + 1) * in + out - 1) / out};
}

#endif
