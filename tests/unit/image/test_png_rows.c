/* test_png_rows.c - the fast way to a PNG's pixels: what it takes it reads as libpng and the
 * specification do, and what is not sound to the last byte it leaves to libpng.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/png_filter.h"
#include "image/png_rows.h"
#include "support/check.h"
#include <libdeflate.h>
#include <png.h>
#include <stdlib.h>

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* Noise, or text-like repeats. */
static void make_data(uint8_t *data, size_t size, bool repeats) {
    uint32_t state = repeats + 1;
    for (size_t i = 0; i < size; i++) {
        uint32_t r = next_random(&state);
        data[i] = repeats && i > 40 && r % 16 ? data[i - 1 - r % 40] : (uint8_t)r;
    }
}

static size_t deflate_data(uint8_t *out, size_t room, const uint8_t *data, size_t size) {
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(9);
    assert_non_null(c);
    size_t n = libdeflate_zlib_compress(c, data, size, out, room);
    libdeflate_free_compressor(c);
    assert_true(n > 0);
    return n;
}

/* ---- filters ---- */

/* As the specification writes it. */
static int predict(int filter, int a, int b, int c) {
    int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    int nearest = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
    return filter == 0   ? 0
           : filter == 1 ? a
           : filter == 2 ? b
           : filter == 3 ? (a + b) / 2
                         : nearest;
}

static void unfilter_by_the_book(
        uint8_t *pixels, const uint8_t *raw, size_t rows, size_t row, size_t pixel) {
    for (size_t y = 0; y < rows; y++)
        for (size_t x = 0; x < row; x++) {
            uint8_t *at = pixels + y * row + x;
            int a = x >= pixel ? at[-(ptrdiff_t)pixel] : 0, b = y ? at[-(ptrdiff_t)row] : 0;
            int c = y && x >= pixel ? at[-(ptrdiff_t)(row + pixel)] : 0;
            const uint8_t *given = raw + y * (row + 1);
            *at = (uint8_t)(given[1 + x] + predict(given[0], a, b, c));
        }
}

static void filters_are_undone_by_the_book(void **state) {
    (void)state;
    enum { ROWS = 11 };
    uint32_t random = 1;
    for (size_t pixel = 1; pixel <= 4; pixel++)
        for (size_t width = 1; width <= 40; width += width < 10 ? 1 : 10)
            for (int only = 0; only <= 5; only++) { /* 5: a mixture */
                size_t row = width * pixel;
                uint8_t *raw = malloc(ROWS * (row + 1) + 3);
                uint8_t *ours = malloc(ROWS * row), *book = malloc(ROWS * row);
                assert_true(raw && ours && book);
                for (size_t i = 0; i < ROWS * (row + 1); i++) {
                    uint32_t r = next_random(&random);
                    raw[i] = (uint8_t)(i % (row + 1) ? r : only < 5 ? (uint32_t)only : r % 5);
                    /* small steps, so that pixels come near one another: ties */
                    if (width == 40 && i % (row + 1)) raw[i] = (uint8_t)(r % 3);
                }
                assert_true(sg_png_unfilter(ours, raw, ROWS, row, (int)pixel));
                unfilter_by_the_book(book, raw, ROWS, row, pixel);
                if (memcmp(ours, book, ROWS * row))
                    fail_msg("filter %d, %zu pixels of %zu bytes", only, width, pixel);
                raw[(ROWS - 1) * (row + 1)] = 5;
                assert_false(sg_png_unfilter(ours, raw, ROWS, row, (int)pixel));
                free(raw);
                free(ours);
                free(book);
            }
}

/* ---- files ---- */

typedef struct file {
    uint8_t bytes[1 << 17];
    size_t size;
} file;

static void put_bytes(png_structp png, png_bytep from, size_t n) {
    file *f = png_get_io_ptr(png);
    assert_true(n <= sizeof f->bytes - f->size);
    memcpy(f->bytes + f->size, from, n);
    f->size += n;
}

/* By libpng; type: its colour type; filters: its mask. Text before and after the pixels. */
static void write_png(file *out, const uint8_t *pixels, int width, int height, int type,
        int filters, int level, size_t piece) {
    out->size = 0;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png), end = png_create_info_struct(png);
    assert_true(png && info && end);
    png_set_write_fn(png, out, put_bytes, NULL);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, 8, type, PNG_INTERLACE_NONE,
            PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, level);
    png_set_compression_buffer_size(png, piece);
    png_set_filter(png, 0, filters);
    png_set_gAMA(png, info, 0.45);
    png_text text = {.compression = PNG_TEXT_COMPRESSION_NONE, .key = "Title", .text = "x"};
    png_set_text(png, info, &text, 1);
    png_set_text(png, end, &text, 1);
    png_write_info(png, info);
    size_t row = (size_t)width * png_get_channels(png, info);
    for (int y = 0; y < height; y++) png_write_row(png, pixels + (size_t)y * row);
    png_write_end(png, end);
    png_destroy_info_struct(png, &end);
    png_destroy_write_struct(&png, &info);
}

static bool read_rows(uint8_t *pixels, const file *f, const sg_image_info *info) {
    /* a copy of exactly the file's size, for sanitizers */
    uint8_t *bytes = malloc(f->size + 1);
    static const sg_image_limits limits = SG_IMAGE_LIMITS_INIT;
    assert_non_null(bytes);
    memcpy(bytes, f->bytes, f->size);
    sg_codec_source source = {bytes, f->size, "test", &limits};
    bool done = sg_png_rows(pixels, info, &source);
    free(bytes);
    return done;
}

static sg_image_info info_of(int width, int height, int type) {
    static const int channels[] = {1, 0, 3, 0, 2, 0, 4};
    return (sg_image_info){.format = SG_IMAGE_PNG,
            .width = width,
            .height = height,
            .channels = channels[type],
            .bit_depth = 8,
            .alpha = type & PNG_COLOR_MASK_ALPHA};
}

static file written;

static void libpng_files_are_read(void **state) {
    (void)state;
    static const int types[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_GRAY_ALPHA,
            PNG_COLOR_TYPE_RGB_ALPHA};
    static const int filters[] = {PNG_FILTER_NONE, PNG_FILTER_SUB, PNG_FILTER_UP, PNG_FILTER_AVG,
            PNG_FILTER_PAETH, PNG_ALL_FILTERS};
    static const int sizes[][2] = {{1, 1}, {1, 9}, {7, 1}, {31, 22}, {90, 61}};
    static uint8_t pixels[90 * 61 * 4], found[90 * 61 * 4];
    for (size_t t = 0; t < 4; t++)
        for (size_t f = 0; f < 6; f++)
            for (size_t s = 0; s < 5; s++) {
                int w = sizes[s][0], h = sizes[s][1];
                sg_image_info info = info_of(w, h, types[t]);
                size_t size = (size_t)(w * h * info.channels);
                make_data(pixels, size, f % 2);
                write_png(&written, pixels, w, h, types[t], filters[f], f % 2 ? 9 : 1,
                        s % 2 ? 8192 : 100);
                if (!read_rows(found, &written, &info))
                    fail_msg("type %d, filter %d, %d x %d", types[t], filters[f], w, h);
                assert_memory_equal(found, pixels, size);
                memcpy(written.bytes + written.size, "behind the end", 14);
                written.size += 14;
                assert_true(read_rows(found, &written, &info));
            }
}

/* Every bit of a file stands under one of its sums. */
static void every_change_is_left_to_libpng(void **state) {
    (void)state;
    enum { W = 13, H = 7, SIGNATURE = 8 };
    uint8_t pixels[W * H * 3], found[W * H * 3];
    sg_image_info info = info_of(W, H, PNG_COLOR_TYPE_RGB);
    make_data(pixels, sizeof pixels, true);
    write_png(&written, pixels, W, H, PNG_COLOR_TYPE_RGB, PNG_ALL_FILTERS, 6, 60);
    for (size_t bit = 8 * SIGNATURE; bit < 8 * written.size; bit++) {
        written.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (read_rows(found, &written, &info)) fail_msg("bit %zu changed", bit);
        written.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t whole = written.size; written.size > 0;) {
        written.size--;
        if (read_rows(found, &written, &info)) fail_msg("%zu of %zu bytes", written.size, whole);
    }
}

/* ---- sound sums, unsound files ---- */

static void put_chunk(file *f, const char *type, const uint8_t *data, size_t size) {
    uint8_t *p = f->bytes + f->size;
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(size >> (24 - 8 * i));
    memcpy(p + 4, type, 4);
    if (size) memcpy(p + 8, data, size);
    uint32_t sum = libdeflate_crc32(0, p + 4, size + 4);
    for (int i = 0; i < 4; i++) p[8 + size + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
    f->size += size + 12;
}

/* A grey 4 x 2 image, chunk by chunk in this order: H header, D its data, 1 and 2 halves of them,
 * E end, e an end with a byte, t text, T tRNS, P palette, X unknown and critical, z unknown and
 * not, + data with a byte more, - data of one row, f a filter that is none. */
static void put_file(file *f, const char *order) {
    static const uint8_t header[13] = {0, 0, 0, 4, 0, 0, 0, 2, 8, 0, 0, 0, 0};
    uint8_t raw[10] = {0, 1, 2, 3, 4, 2, 5, 6, 7, 8}, data[64], bad[64];
    size_t n = deflate_data(data, sizeof data, raw, sizeof raw), m;
    f->size = 0;
    memcpy(f->bytes, "\x89PNG\r\n\x1a\n", f->size = 8);
    for (; *order; order++) {
        switch (*order) {
        case 'H':
            put_chunk(f, "IHDR", header, sizeof header);
            break;
        case 'D':
            put_chunk(f, "IDAT", data, n);
            break;
        case '1':
            put_chunk(f, "IDAT", data, n / 2);
            break;
        case '2':
            put_chunk(f, "IDAT", data + n / 2, n - n / 2);
            break;
        case '+':
            put_chunk(f, "IDAT", data, n + 1);
            break;
        case '-':
            m = deflate_data(bad, sizeof bad, raw, 5);
            put_chunk(f, "IDAT", bad, m);
            break;
        case 'f':
            raw[5] = 5;
            m = deflate_data(bad, sizeof bad, raw, sizeof raw);
            put_chunk(f, "IDAT", bad, m);
            break;
        case 'E':
            put_chunk(f, "IEND", NULL, 0);
            break;
        case 'e':
            put_chunk(f, "IEND", raw, 1);
            break;
        case 't':
            put_chunk(f, "tEXt", (const uint8_t *)"a\0b", 3);
            break;
        case 'T':
            put_chunk(f, "tRNS", raw, 2);
            break;
        case 'P':
            put_chunk(f, "PLTE", raw, 3);
            break;
        case 'X':
            put_chunk(f, "XaXa", raw, 1);
            break;
        default:
            put_chunk(f, "zaXa", raw, 1);
        }
    }
}

static void only_plain_files_are_taken(void **state) {
    (void)state;
    static const char *const taken[] = {"HDE", "HtzDE", "HDtzE", "H12E", "Ht12tE", "HDEX"};
    static const char *const left[] = {"", "H", "HD", "HE", "DE", "tHDE", "HHDE", "HDe", "HTDE",
            "HPDE", "HXDE", "HDXE", "H1t2E", "HDtDE", "HDDE", "H1E", "H+E", "H-E", "HfE", "HDH"};
    const uint8_t pixels[8] = {1, 2, 3, 4, 6, 8, 10, 12};
    uint8_t found[8];
    sg_image_info info = info_of(4, 2, PNG_COLOR_TYPE_GRAY);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        put_file(&written, taken[i]);
        memset(found, 0, sizeof found);
        if (!read_rows(found, &written, &info)) fail_msg("%s was left", taken[i]);
        assert_memory_equal(found, pixels, sizeof found);
    }
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        put_file(&written, left[i]);
        if (read_rows(found, &written, &info)) fail_msg("%s was taken", left[i]);
    }
    put_file(&written, "HDE");
    sg_image_info others[] = {info, info, info};
    others[0].bit_depth = 4;
    others[1].palette = true;
    others[2].interlaced = true;
    for (int i = 0; i < 3; i++) assert_false(read_rows(found, &written, &others[i]));
}

/* 600 bytes that are said twice, in a window that is promised to be of 512: libpng refuses it. */
static void distances_keep_to_the_window(void **state) {
    (void)state;
    enum { W = 599, H = 2, RAW = (W + 1) * H };
    static const uint8_t header[13] = {0, 0, W >> 8, W & 255, 0, 0, 0, H, 8, 0, 0, 0, 0};
    uint8_t raw[RAW], data[2 * RAW], found[W * H];
    sg_image_info info = info_of(W, H, PNG_COLOR_TYPE_GRAY);
    make_data(raw, RAW / 2, false);
    raw[0] = 0;
    memcpy(raw + RAW / 2, raw, RAW / 2);
    size_t n = deflate_data(data, sizeof data, raw, RAW);
    assert_true(n < RAW * 3 / 4);
    for (int honest = 1; honest >= 0; honest--) {
        if (!honest) {
            data[0] = 0x18;
            data[1] = (uint8_t)(31 - (data[0] << 8) % 31);
        }
        memcpy(written.bytes, "\x89PNG\r\n\x1a\n", written.size = 8);
        put_chunk(&written, "IHDR", header, sizeof header);
        put_chunk(&written, "IDAT", data, n);
        put_chunk(&written, "IEND", NULL, 0);
        assert_int_equal(read_rows(found, &written, &info), honest);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(filters_are_undone_by_the_book),
            cmocka_unit_test(libpng_files_are_read),
            cmocka_unit_test(every_change_is_left_to_libpng),
            cmocka_unit_test(only_plain_files_are_taken),
            cmocka_unit_test(distances_keep_to_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
