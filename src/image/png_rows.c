/* png_rows.c - see png_rows.h. All chunks are walked and their sums checked, the image data are
 * joined and inflated in one go, and then the filters of the rows are undone.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/png_rows.h"

#include "image/png_filter.h"
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIGNATURE = 8,
    CHUNK_BYTES = 12,        /* of length, type and sum */
    ANCILLARY_MOST = 1 << 20 /* bytes of a chunk that is passed over; libpng has limits, too */
};

typedef struct chunk {
    const uint8_t *type, *data;
    size_t size;
} chunk;

static uint32_t read_u32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool is_letter(uint8_t c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_type(const chunk *c, const char *name) {
    return memcmp(c->type, name, 4) == 0;
}

/* The chunk at *at, which moves behind it. */
static bool next_chunk(chunk *out, const sg_codec_source *source, size_t *at) {
    if (source->size - *at < CHUNK_BYTES) return false;
    const uint8_t *p = source->bytes + *at;
    size_t size = read_u32(p);
    if (size > source->size - *at - CHUNK_BYTES) return false;
    *out = (chunk){p + 4, p + 8, size};
    for (int i = 0; i < 4; i++)
        if (!is_letter(out->type[i])) return false;
    *at += size + CHUNK_BYTES;
    return libdeflate_crc32(0, out->type, size + 4) == read_u32(out->data + size);
}

/* What may be passed over: it says nothing about pixels as they are read here. */
static bool is_ancillary(const chunk *c) {
    return c->type[0] >= 'a' && !is_type(c, "tRNS") && c->size <= ANCILLARY_MOST;
}

/* Header, others, image data in one go, others, end. Joins the data. */
static bool join_data(
        uint8_t **data, size_t *data_size, const sg_codec_source *source, size_t most) {
    size_t at = SIGNATURE, size = 0;
    bool over = false; /* the image data are */
    chunk c;
    if (source->size < SIGNATURE || !next_chunk(&c, source, &at) || !is_type(&c, "IHDR"))
        return false;
    uint8_t *joined = malloc(most + 1);
    while (joined && next_chunk(&c, source, &at)) {
        if (is_type(&c, "IEND")) {
            if (c.size) break;
            *data = joined;
            *data_size = size;
            return true;
        }
        if (is_type(&c, "IDAT")) {
            if (over || c.size > most - size) break;
            memcpy(joined + size, c.data, c.size);
            size += c.size;
        } else {
            if (!is_ancillary(&c)) break;
            over = size > 0;
        }
    }
    free(joined);
    return false;
}

/* True when `in` is one sound zlib stream, and no more than that, of exactly out_size bytes. */
static bool inflate(uint8_t *out, size_t out_size, const uint8_t *in, size_t in_size) {
    /* libpng refuses distances beyond the window that the first byte promises, libdeflate does not
     * look: only where there is no such distance. */
    enum { WINDOW_MOST = 1 << 15 };
    if (!in_size) return false;
    size_t window = (size_t)1 << (8 + (in[0] >> 4)), used = 0, made = 0;
    if (window < out_size && window < WINDOW_MOST) return false;
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    bool whole = d && libdeflate_zlib_decompress_ex(d, in, in_size, out, out_size, &used, &made) ==
                              LIBDEFLATE_SUCCESS;
    libdeflate_free_decompressor(d);
    return whole && used == in_size && made == out_size;
}

bool sg_png_rows(uint8_t *pixels, const sg_image_info *info, const sg_codec_source *source) {
    if (info->bit_depth != 8 || info->palette || info->interlaced) return false;
    size_t row = (size_t)info->width * (size_t)info->channels;
    size_t raw_size = (row + 1) * (size_t)info->height, data_size = 0;
    /* Sound data are hardly longer than what they stand for, and not longer than the file. */
    size_t most = raw_size + raw_size / 8 + 1024;
    if (most > source->size) most = source->size;
    uint8_t *data = NULL, *raw = malloc(raw_size);
    bool done = raw && join_data(&data, &data_size, source, most) &&
                inflate(raw, raw_size, data, data_size) &&
                sg_png_unfilter(pixels, raw, info->height, row, info->channels);
    free(data);
    free(raw);
    return done;
}
