/* test_png_rows.c - the fast way to a PNG's pixels: what it takes it reads as zlib, libpng and the
 * specification do, and what is not sound to the last byte it leaves to libpng.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/inflate.h"
#include "image/png_filter.h"
#include "image/png_rows.h"
#include "support/check.h"
#include <png.h>
#include <stdlib.h>
#include <zlib.h>

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* ---- inflate ---- */

enum { KINDS = 6, MOST = 9000 };

/* Noise, few values, long runs, short periods, text-like repeats, one value. */
static void make_data(uint8_t *data, size_t size, int kind) {
    uint32_t state = (uint32_t)kind + 1;
    for (size_t i = 0; i < size; i++) {
        uint32_t r = next_random(&state);
        data[i] = kind == 0   ? (uint8_t)r
                  : kind == 1 ? (uint8_t)(r % 7 * (r % 3))
                  : kind == 2 ? (uint8_t)(i / 700)
                  : kind == 3 ? (uint8_t)(i % (1 + i / 512) * 31)
                  : kind == 4 ? (i > 40 && r % 16 ? data[i - 1 - r % 40] : (uint8_t)r)
                              : 9;
    }
}

static size_t deflate_data(uint8_t *out, size_t room, const uint8_t *data, size_t size, int level,
        int strategy, int window) {
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, window, 8, strategy), Z_OK);
    z.next_in = (uint8_t *)(uintptr_t)data;
    z.avail_in = (unsigned)size;
    z.next_out = out;
    z.avail_out = (unsigned)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

/* zlib's own answer to sg_inflate's question. */
static bool zlib_inflate(uint8_t *out, size_t out_size, const uint8_t *in, size_t in_size) {
    z_stream z = {0};
    if (inflateInit(&z)) return false;
    z.next_in = (uint8_t *)(uintptr_t)in;
    z.avail_in = (unsigned)in_size;
    z.next_out = out;
    z.avail_out = (unsigned)out_size;
    bool whole = inflate(&z, Z_FINISH) == Z_STREAM_END && !z.avail_in && !z.avail_out;
    inflateEnd(&z);
    return whole;
}

/* In blocks of exactly the size that is promised: a sanitizer sees a byte more. */
static bool try_inflate(uint8_t *out, size_t out_size, const uint8_t *in, size_t in_size) {
    uint8_t *from = malloc(in_size + SG_INFLATE_IN_SLACK);
    uint8_t *to = malloc(out_size + SG_INFLATE_OUT_SLACK);
    assert_true(from && to);
    if (in_size) memcpy(from, in, in_size);
    memset(from + in_size, 0xa5, SG_INFLATE_IN_SLACK);
    bool done = sg_inflate(to, out_size, from, in_size);
    if (done) memcpy(out, to, out_size);
    free(from);
    free(to);
    return done;
}

static void every_stream_of_zlib_is_read(void **state) {
    (void)state;
    static uint8_t data[MOST], packed[2 * MOST], out[MOST];
    static const int strategies[] = {
            Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED};
    static const size_t sizes[] = {0, 1, 2, 300, MOST};
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
            for (int level = 0; level <= 9; level += 3)
                for (int s = 0; s < 5; s++)
                    for (int window = 9; window <= 15; window += 3) {
                        make_data(data, sizes[k], kind);
                        size_t n = deflate_data(packed, sizeof packed, data, sizes[k], level,
                                strategies[s], window);
                        if (!try_inflate(out, sizes[k], packed, n))
                            fail_msg("kind %d, %zu bytes, level %d, strategy %d, window %d", kind,
                                    sizes[k], level, strategies[s], window);
                        assert_memory_equal(out, data, sizes[k]);
                        assert_false(try_inflate(out, sizes[k] + 1, packed, n));
                        if (sizes[k]) assert_false(try_inflate(out, sizes[k] - 1, packed, n));
                        packed[n] = 0;
                        assert_false(try_inflate(out, sizes[k], packed, n + 1));
                    }
}

/* Whatever is changed: never more than zlib takes, never other bytes. */
static void damage_is_never_read_otherwise(void **state) {
    (void)state;
    enum { SIZE = 700 };
    uint8_t data[SIZE], packed[2 * SIZE], ours[SIZE], theirs[SIZE];
    for (int kind = 0; kind < KINDS; kind++)
        for (int strategy = 0; strategy <= Z_FIXED; strategy += Z_FIXED) {
            make_data(data, SIZE, kind);
            size_t n = deflate_data(packed, sizeof packed, data, SIZE, 6, strategy, 15);
            for (size_t cut = 0; cut < n; cut++) assert_false(try_inflate(ours, SIZE, packed, cut));
            for (size_t bit = 0; bit < 8 * n; bit++) {
                packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
                bool taken = try_inflate(ours, SIZE, packed, n);
                if (taken && !zlib_inflate(theirs, SIZE, packed, n))
                    fail_msg("kind %d: bit %zu changed", kind, bit);
                if (taken) assert_memory_equal(ours, theirs, SIZE);
                packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
            }
        }
}

/* The checksum of zlib's format is the last line of defence: without it the codes themselves have
 * to hold. Here every stream carries the sum of what zlib makes of it. */
static void wrong_codes_with_right_sums(void **state) {
    (void)state;
    enum { SIZE = 400 };
    uint8_t data[SIZE], packed[2 * SIZE], ours[SIZE], theirs[SIZE + 300];
    int taken = 0;
    for (int kind = 0; kind < KINDS; kind++) {
        make_data(data, SIZE, kind);
        size_t n = deflate_data(packed, sizeof packed, data, SIZE, 6, Z_DEFAULT_STRATEGY, 15);
        for (size_t bit = 16; bit < 8 * (n - 4); bit++) {
            uint8_t kept[2 * SIZE];
            memcpy(kept, packed, n);
            packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
            z_stream z = {0};
            assert_int_equal(inflateInit2(&z, -15), Z_OK);
            z.next_in = packed + 2;
            z.avail_in = (unsigned)(n - 6);
            z.next_out = theirs;
            z.avail_out = sizeof theirs;
            bool whole =
                    inflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out == SIZE && z.avail_in == 0;
            inflateEnd(&z);
            uint32_t sum = (uint32_t)adler32(1, theirs, SIZE);
            for (int i = 0; i < 4; i++) packed[n - 4 + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
            bool read = try_inflate(ours, SIZE, packed, n);
            if (read && !whole) fail_msg("kind %d: bit %zu makes no stream", kind, bit);
            if (read) assert_memory_equal(ours, theirs, SIZE);
            taken += read;
            memcpy(packed, kept, n);
        }
    }
    assert_true(taken > 100);
}

/* A window of 512 bytes is said and a distance of 600 used: libpng would refuse it. */
static void distances_keep_to_the_window(void **state) {
    (void)state;
    enum { SIZE = 1200 };
    uint8_t data[SIZE], packed[2 * SIZE], out[SIZE];
    make_data(data, SIZE / 2, 0);
    memcpy(data + SIZE / 2, data, SIZE / 2);
    size_t n = deflate_data(packed, sizeof packed, data, SIZE, 9, Z_DEFAULT_STRATEGY, 15);
    assert_true(n < SIZE * 3 / 4 && try_inflate(out, SIZE, packed, n));
    packed[0] = 0x18;
    packed[1] = (uint8_t)(packed[1] & 0xe0);
    packed[1] = (uint8_t)(packed[1] + 31 - ((packed[0] << 8) + packed[1]) % 31);
    assert_false(try_inflate(out, SIZE, packed, n));
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
                make_data(pixels, size, f % 2 ? 4 : 0);
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
    make_data(pixels, sizeof pixels, 4);
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
    uint32_t sum = (uint32_t)crc32(0, p + 4, (unsigned)size + 4);
    for (int i = 0; i < 4; i++) p[8 + size + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
    f->size += size + 12;
}

/* A grey 4 x 2 image, chunk by chunk in this order: H header, D its data, 1 and 2 halves of them,
 * E end, e an end with a byte, t text, T tRNS, P palette, X unknown and critical, z unknown and
 * not, + data with a byte more, - data of one row, f a filter that is none. */
static void put_file(file *f, const char *order) {
    static const uint8_t header[13] = {0, 0, 0, 4, 0, 0, 0, 2, 8, 0, 0, 0, 0};
    uint8_t raw[10] = {0, 1, 2, 3, 4, 2, 5, 6, 7, 8}, data[64], bad[64];
    size_t n = deflate_data(data, sizeof data, raw, sizeof raw, 6, 0, 15), m;
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
            m = deflate_data(bad, sizeof bad, raw, 5, 6, 0, 15);
            put_chunk(f, "IDAT", bad, m);
            break;
        case 'f':
            raw[5] = 5;
            m = deflate_data(bad, sizeof bad, raw, sizeof raw, 6, 0, 15);
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

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_stream_of_zlib_is_read),
            cmocka_unit_test(damage_is_never_read_otherwise),
            cmocka_unit_test(wrong_codes_with_right_sums),
            cmocka_unit_test(distances_keep_to_the_window),
            cmocka_unit_test(filters_are_undone_by_the_book),
            cmocka_unit_test(libpng_files_are_read),
            cmocka_unit_test(every_change_is_left_to_libpng),
            cmocka_unit_test(only_plain_files_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
