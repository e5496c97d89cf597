/* channels.c - how own loops cut a tensor into work: chunks of channels, and within a chunk columns
 * of a few lanes over a tile of pixels. The cut depends on the shape alone, so that sums come out
 * the same for any number of threads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"
#include <string.h>

enum { TILE = 128 }; /* pixels: a chunk of a tile stays in the first-level cache */

int64_t sg_dnn_view_offset(const sg_dnn_view *v, int64_t n, int64_t c) {
    return n * v->stride_n + c / v->block * v->stride_group + c % v->block;
}

static int64_t chunks_per_group(const sg_dnn_view *v) {
    return (v->block + SG_DNN_CHUNK - 1) / SG_DNN_CHUNK;
}

int64_t sg_dnn_chunk_count(const sg_dnn_view *v) {
    return v->groups * chunks_per_group(v);
}

sg_dnn_chunk sg_dnn_chunk_at(const sg_dnn_view *v, int64_t i) {
    int64_t within = i % chunks_per_group(v) * SG_DNN_CHUNK;
    int64_t lanes = sg_dnn_min(v->block - within, SG_DNN_CHUNK);
    sg_dnn_chunk c = {.first = i / chunks_per_group(v) * v->block + within};
    c.count = sg_dnn_min(v->channels - c.first, lanes);
    c.padding = lanes - c.count;
    return c;
}

/* One channel whose pixels lie side by side: the lanes are pixels. */
static void walk_plane(const sg_dnn_view *v, int64_t n, sg_dnn_chunk at, int lanes,
        sg_dnn_visit visit, const void *user, double *sums) {
    sg_dnn_column column = {.channel = at.first, .one_channel = true, .stride = lanes};
    int64_t begin = sg_dnn_view_offset(v, n, at.first), end = begin + v->spatial;
    for (column.offset = begin; column.offset < end;) {
        int64_t left = end - column.offset;
        column.width = column.lanes = (int)sg_dnn_min(left, lanes);
        column.rows = sg_dnn_min(left / column.lanes, TILE);
        visit(user, &column, sums);
        column.offset += column.rows * column.lanes;
    }
}

void sg_dnn_walk(const sg_dnn_view *v, int64_t n, sg_dnn_chunk at, int lanes, sg_dnn_visit visit,
        const void *user, double *sums) {
    if (v->block == 1 && v->stride_spatial == 1) {
        walk_plane(v, n, at, lanes, visit, user, sums);
        return;
    }
    int64_t begin = sg_dnn_view_offset(v, n, at.first), width = at.count + at.padding;
    for (int64_t s = 0; s < v->spatial; s += TILE) {
        sg_dnn_column column = {
                .rows = sg_dnn_min(v->spatial - s, TILE), .stride = v->stride_spatial};
        for (int64_t c = 0; c < width; c += lanes) {
            column.channel = at.first + c;
            column.offset = begin + s * v->stride_spatial + c;
            column.width = (int)sg_dnn_min(width - c, lanes);
            column.lanes = c < at.count ? (int)sg_dnn_min(at.count - c, lanes) : 0;
            visit(user, &column, sums ? sums + 2 * c : NULL);
        }
    }
}

void sg_dnn_zero_padding(float *data, const sg_dnn_view *v, int64_t n, sg_dnn_chunk at) {
    if (at.padding == 0) return;
    float *out = data + sg_dnn_view_offset(v, n, at.first) + at.count;
    for (int64_t s = 0; s < v->spatial; s++, out += v->stride_spatial)
        memset(out, 0, (size_t)at.padding * sizeof *out);
}
