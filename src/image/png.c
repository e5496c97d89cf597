/* png.c - PNG through libpng, from and to memory. libpng reports failure by longjmp: everything
 * that must outlive one lives in a struct reached by pointer, and the functions below the setjmp
 * own nothing. Ancillary chunks other than transparency are skipped unread.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "image/codec_internal.h"
#include "image/png_rows.h"
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* deflate cannot expand more than this: a header that claims more pixels than the file could hold
 * is refused before memory is asked for. */
enum { DEFLATE_MOST = 1032 };

typedef struct session {
    png_structp png;
    png_infop info;
    char message[128];
    /* reading */
    const sg_codec_source *source;
    size_t at;
    uint8_t *buffer; /* decoded rows, `channels` samples a pixel */
    int channels;
    /* writing */
    const sg_image *image;
    sg_str bytes;
} session;

static void on_error(png_structp png, png_const_charp text) {
    session *s = png_get_error_ptr(png);
    snprintf(s->message, sizeof s->message, "%s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void give_bytes(png_structp png, png_bytep to, size_t n) {
    session *s = png_get_io_ptr(png);
    if (n > s->source->size - s->at) png_error(png, "the file ends early");
    memcpy(to, s->source->bytes + s->at, n);
    s->at += n;
}

static void take_bytes(png_structp png, png_bytep from, size_t n) {
    session *s = png_get_io_ptr(png);
    sg_str_append_n(&s->bytes, from, n);
    if (s->bytes.failed) png_error(png, "out of memory");
}

static void no_flush(png_structp png) {
    (void)png;
}

static sg_status damaged(const session *s, sg_error *err) {
    return sg_fail(err, SG_ERR_FORMAT, "'%s' is a damaged PNG (%s); export or download it again",
            s->source->name, s->message);
}

/* Below setjmp. */
static void read_header(session *s, sg_image_info *info) {
    png_structp png = s->png;
    png_set_read_fn(png, s, give_bytes);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff); /* ours are checked with a better sentence */
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_read_info(png, s->info);
    int type = png_get_color_type(png, s->info);
    *info = (sg_image_info){
            .format = SG_IMAGE_PNG,
            .width = (int)png_get_image_width(png, s->info),
            .height = (int)png_get_image_height(png, s->info),
            .channels = png_get_channels(png, s->info),
            .bit_depth = png_get_bit_depth(png, s->info),
            .palette = type == PNG_COLOR_TYPE_PALETTE,
            .alpha = (type & PNG_COLOR_MASK_ALPHA) || png_get_valid(png, s->info, PNG_INFO_tRNS),
            .interlaced = png_get_interlace_type(png, s->info) != PNG_INTERLACE_NONE,
    };
}

/* Below setjmp: everything to 8 bits; palettes and small depths widened; tRNS to alpha. */
static void set_transforms(session *s) {
    png_set_scale_16(s->png);
    png_set_expand(s->png);
    png_set_interlace_handling(s->png);
    png_read_update_info(s->png, s->info);
    s->channels = png_get_channels(s->png, s->info);
}

/* Below setjmp. */
static void read_rows(session *s, const sg_image_info *info) {
    size_t row = (size_t)info->width * (size_t)s->channels;
    int passes = info->interlaced ? 7 : 1;
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < info->height; y++)
            png_read_row(s->png, s->buffer + (size_t)y * row, NULL);
    png_read_end(s->png, NULL);
}

/* Grey or RGB with alpha over black, packed in place. */
static void drop_alpha(uint8_t *pixels, size_t count, int channels) {
    int colours = channels - 1;
    for (size_t i = 0; i < count; i++) {
        unsigned alpha = pixels[i * (size_t)channels + (size_t)colours];
        for (int c = 0; c < colours; c++) {
            unsigned v = pixels[i * (size_t)channels + (size_t)c] * alpha;
            pixels[i * (size_t)colours + (size_t)c] = (uint8_t)((v + 127) / 255);
        }
    }
}

static bool is_grey(const uint8_t *rgb, size_t count) {
    for (size_t i = 0; i < count; i++, rgb += 3)
        if (rgb[0] != rgb[1] || rgb[1] != rgb[2]) return false;
    return true;
}

static void keep_first_channel(uint8_t *rgb, size_t count) {
    for (size_t i = 0; i < count; i++) rgb[i] = rgb[3 * i];
}

/* Turns the decoded buffer into the image; the buffer moves. */
static void finish_image(sg_image *out, session *s, const sg_image_info *info) {
    size_t count = (size_t)info->width * (size_t)info->height;
    int channels = s->channels;
    if (channels == 2 || channels == 4) drop_alpha(s->buffer, count, channels--);
    if (info->palette && is_grey(s->buffer, count)) {
        keep_first_channel(s->buffer, count);
        channels = 1;
    }
    size_t size = count * (size_t)channels;
    uint8_t *shrunk = channels == s->channels ? NULL : realloc(s->buffer, size);
    *out = (sg_image){info->width, info->height, channels, shrunk ? shrunk : s->buffer};
    s->buffer = NULL;
}

static sg_status allocate_rows(session *s, const sg_image_info *info, sg_error *err) {
    uint64_t bits = (uint64_t)info->width * (uint64_t)info->height * (uint64_t)info->channels *
                    (uint64_t)info->bit_depth;
    if (bits / 8 / DEFLATE_MOST > s->source->size)
        return sg_fail(err, SG_ERR_FORMAT,
                "'%s' claims %d x %d pixels, which its %zu bytes cannot hold; export or download "
                "it "
                "again",
                s->source->name, info->width, info->height, s->source->size);
    s->buffer = calloc((size_t)info->width * (size_t)info->height, (size_t)s->channels);
    if (!s->buffer)
        return sg_fail(err, SG_ERR_MEMORY, "no memory for '%s' (%d x %d pixels)", s->source->name,
                info->width, info->height);
    return SG_OK;
}

static sg_status decode_session(sg_image *out, sg_image_info *info, session *s, sg_error *err) {
    if (setjmp(png_jmpbuf(s->png))) return damaged(s, err);
    read_header(s, info);
    sg_status status = sg_codec_check(info, s->source, err);
    if (status || !out) return status;
    set_transforms(s);
    status = allocate_rows(s, info, err);
    if (status) return status;
    if (!sg_png_rows(s->buffer, info, s->source)) read_rows(s, info);
    finish_image(out, s, info);
    return SG_OK;
}

sg_status sg_png_decode(
        sg_image *out, sg_image_info *info, const sg_codec_source *source, sg_error *err) {
    session s = {.source = source};
    s.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning);
    s.info = s.png ? png_create_info_struct(s.png) : NULL;
    sg_status status = s.info ? decode_session(out, info, &s, err)
                              : sg_fail(err, SG_ERR_MEMORY, "no memory to read '%s'", source->name);
    png_destroy_read_struct(&s.png, &s.info, NULL);
    free(s.buffer);
    return status;
}

static sg_status encode_session(session *s, sg_error *err) {
    const sg_image *image = s->image;
    if (setjmp(png_jmpbuf(s->png)))
        return sg_fail(err, s->bytes.failed ? SG_ERR_MEMORY : SG_ERR_INTERNAL,
                "a PNG of %d x %d pixels could not be written (%s)", image->width, image->height,
                s->message);
    png_set_write_fn(s->png, s, take_bytes, no_flush);
    png_set_IHDR(s->png, s->info, (png_uint_32)image->width, (png_uint_32)image->height, 8,
            image->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
            PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(s->png, 6);
    png_write_info(s->png, s->info);
    size_t row = (size_t)image->width * (size_t)image->channels;
    for (int y = 0; y < image->height; y++) png_write_row(s->png, image->pixels + (size_t)y * row);
    png_write_end(s->png, NULL);
    return SG_OK;
}

sg_status sg_image_encode_png(uint8_t **bytes, size_t *size, const sg_image *image, sg_error *err) {
    session s = {.image = image};
    sg_str_init(&s.bytes, (size_t)1 << 30);
    s.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning);
    s.info = s.png ? png_create_info_struct(s.png) : NULL;
    sg_status status = s.info ? encode_session(&s, err)
                              : sg_fail(err, SG_ERR_MEMORY, "no memory to write a PNG");
    png_destroy_write_struct(&s.png, &s.info);
    if (!status) {
        *size = s.bytes.len;
        *bytes = (uint8_t *)sg_str_take(&s.bytes);
    }
    sg_str_dispose(&s.bytes);
    return status;
}
