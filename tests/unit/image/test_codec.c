/* test_codec.c - files as an enemy writes them: cut at every byte, with every byte changed, empty,
 * lying about their size; and what an honest file must tell about itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "image/codec.h"

#define FOLDER "tests/golden/image/"

static const char *const samples[] = {"grey37x53.png", "adam7.png", "palette.png", "rgba.png",
        "depth1.png", "depth16.png", "grey.jpg", "rgb.jpg", "progressive.jpg", "cmyk.jpg"};
enum { SAMPLE_COUNT = sizeof(samples) / sizeof(samples[0]) };

static char *slurp(size_t *size, const char *name) {
    char path[256], *bytes = NULL;
    snprintf(path, sizeof path, FOLDER "%s", name);
    sg_error err = SG_ERROR_INIT;
    if (sg_file_read(&bytes, size, path, 1 << 20, &err)) fail_msg("%s", err.message);
    return bytes;
}

static void info_is_told(void **state) {
    (void)state;
    static const struct {
        const char *name;
        sg_image_info info;
        int channels; /* of the decoded image */
    } wanted[] = {
            {"grey37x53.png", {SG_IMAGE_PNG, 37, 53, 1, 8, false, false, false, false}, 1},
            {"depth1.png", {SG_IMAGE_PNG, 21, 13, 1, 1, false, false, false, false}, 1},
            {"depth16.png", {SG_IMAGE_PNG, 21, 13, 1, 16, false, false, false, false}, 1},
            {"adam7.png", {SG_IMAGE_PNG, 21, 13, 3, 8, false, false, true, false}, 3},
            {"trns.png", {SG_IMAGE_PNG, 21, 13, 1, 8, false, true, false, false}, 1},
            {"la.png", {SG_IMAGE_PNG, 21, 13, 2, 8, false, true, false, false}, 1},
            {"rgba.png", {SG_IMAGE_PNG, 21, 13, 4, 8, false, true, false, false}, 3},
            {"greypalette.png", {SG_IMAGE_PNG, 21, 13, 1, 4, true, false, false, false}, 1},
            {"grey.jpg", {SG_IMAGE_JPEG, 45, 27, 1, 8, false, false, false, false}, 1},
            {"cmyk.jpg", {SG_IMAGE_JPEG, 45, 27, 4, 8, false, false, false, true}, 3},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        size_t size;
        char *bytes = slurp(&size, wanted[i].name);
        sg_image_info probed, read;
        sg_image image = {0};
        sg_error err = SG_ERROR_INIT;
        assert_int_equal(sg_image_probe(&probed, bytes, size, wanted[i].name, NULL, &err), SG_OK);
        assert_int_equal(
                sg_image_decode(&image, &read, bytes, size, wanted[i].name, NULL, &err), SG_OK);
        const sg_image_info *w = &wanted[i].info;
        const sg_image_info *both[] = {&probed, &read};
        for (int k = 0; k < 2; k++) {
            const sg_image_info *g = both[k];
            if (g->format != w->format || g->width != w->width || g->height != w->height ||
                    g->channels != w->channels || g->bit_depth != w->bit_depth ||
                    g->palette != w->palette || g->alpha != w->alpha ||
                    g->interlaced != w->interlaced || g->cmyk != w->cmyk)
                fail_msg("%s tells something else: %dx%d, %d channels, %d bits", wanted[i].name,
                        g->width, g->height, g->channels, g->bit_depth);
        }
        assert_int_equal(image.channels, wanted[i].channels);
        sg_image_dispose(&image);
        free(bytes);
    }
}

/* A cut file is refused with a sentence that names it. JPEG: the two bytes of the end marker are
 * the only ones whose loss cannot cost pixels. */
static void every_truncation_is_refused(void **state) {
    (void)state;
    for (int i = 0; i < SAMPLE_COUNT; i++) {
        size_t size;
        char *bytes = slurp(&size, samples[i]);
        for (size_t cut = 0; cut < size; cut++) {
            char *part = malloc(cut ? cut : 1); /* exact size: over-reads show under ASan */
            assert_non_null(part);
            memcpy(part, bytes, cut);
            sg_image image = {0};
            sg_error err = SG_ERROR_INIT;
            sg_status status = sg_image_decode(&image, NULL, part, cut, "cut", NULL, &err);
            bool harmless = strstr(samples[i], ".jpg") && cut + 2 >= size;
            if (status != SG_ERR_FORMAT && !harmless)
                fail_msg("%s cut to %zu of %zu bytes was taken", samples[i], cut, size);
            if (status) {
                assert_non_null(strstr(err.message, "'cut'"));
                assert_null(image.pixels);
            }
            sg_image_dispose(&image);
            free(part);
        }
        free(bytes);
    }
}

/* Any single changed bit: an error or an image, never a crash; a PNG's checksums see nearly all. */
static void every_bit_flip_is_survived(void **state) {
    (void)state;
    for (int i = 0; i < SAMPLE_COUNT; i++) {
        size_t size, taken = 0;
        char *bytes = slurp(&size, samples[i]);
        for (size_t bit = 0; bit < 8 * size; bit++) {
            bytes[bit / 8] ^= (char)(1 << bit % 8);
            sg_image image = {0};
            sg_error err = SG_ERROR_INIT;
            sg_status status = sg_image_decode(&image, NULL, bytes, size, "flipped", NULL, &err);
            assert_true(status == SG_OK || status == SG_ERR_FORMAT);
            assert_true((status == SG_OK) == (image.pixels != NULL));
            taken += status == SG_OK;
            sg_image_dispose(&image);
            bytes[bit / 8] ^= (char)(1 << bit % 8);
        }
        if (strstr(samples[i], ".png")) assert_true(taken * 4 < size);
        free(bytes);
    }
}

static void put32(uint8_t *to, uint32_t v) {
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t png_crc(const uint8_t *p, size_t n) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

/* A PNG whose header claims width x height, its checksum set right. */
static char *relabelled(size_t *size, uint32_t width, uint32_t height) {
    char *bytes = slurp(size, "grey37x53.png");
    uint8_t *header = (uint8_t *)bytes + 12;
    put32(header + 4, width);
    put32(header + 8, height);
    put32(header + 17, png_crc(header, 17));
    return bytes;
}

static void bombs_and_lies_are_refused_before_allocation(void **state) {
    (void)state;
    static const struct {
        uint32_t width, height;
        const char *word;
    } claims[] = {
            {0x7fffffff, 0x7fffffff, "limit"},
            {16385, 1, "limit"},
            {1, 16385, "limit"},
            {16384, 16384, "limit"},
            {10000, 10000, "cannot hold"},
            {38, 53, "damaged"},
            {37, 54, "damaged"},
            {0, 53, "damaged"},
    };
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        size_t size;
        char *bytes = relabelled(&size, claims[i].width, claims[i].height);
        sg_image image = {0};
        sg_error err = SG_ERROR_INIT;
        assert_int_equal(
                sg_image_decode(&image, NULL, bytes, size, "liar.png", NULL, &err), SG_ERR_FORMAT);
        if (!strstr(err.message, claims[i].word)) fail_msg("unexpected: %s", err.message);
        free(bytes);
    }
}

static void caller_limits_hold(void **state) {
    (void)state;
    size_t size;
    char *bytes = slurp(&size, "rgb.jpg"); /* 45 x 27 */
    sg_image image = {0};
    sg_image_limits narrow = SG_IMAGE_LIMITS_INIT, few = SG_IMAGE_LIMITS_INIT;
    narrow.max_side = 44;
    few.max_pixels = 45 * 27 - 1;
    assert_int_equal(sg_image_decode(&image, NULL, bytes, size, "x", &narrow, NULL), SG_ERR_FORMAT);
    assert_int_equal(sg_image_decode(&image, NULL, bytes, size, "x", &few, NULL), SG_ERR_FORMAT);
    few.max_pixels++;
    assert_int_equal(sg_image_decode(&image, NULL, bytes, size, "x", &few, NULL), SG_OK);
    sg_image_dispose(&image);
    few.max_file_bytes = size - 1;
    assert_int_equal(sg_image_read(&image, NULL, FOLDER "rgb.jpg", &few, NULL), SG_ERR_FORMAT);
    free(bytes);
}

static void strangers_are_named(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *word;
    } strangers[] = {
            {"", 0, "empty"},
            {"GIF89a", 6, "neither PNG nor JPEG"},
            {"\x89PNG", 4, "neither PNG nor JPEG"},
            {"\x89PNG\r\n\x1a\n", 8, "damaged PNG"},
            {"\xff\xd8\xff", 3, "no picture"},
    };
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        sg_image image = {0};
        sg_error err = SG_ERROR_INIT;
        assert_int_equal(sg_image_decode(&image, NULL, strangers[i].bytes, strangers[i].size,
                                 "a (1).png", NULL, &err),
                SG_ERR_FORMAT);
        assert_non_null(strstr(err.message, "'a (1).png'"));
        if (!strstr(err.message, strangers[i].word)) fail_msg("unexpected: %s", err.message);
    }
    sg_image image = {0};
    assert_int_equal(sg_image_read(&image, NULL, "no/such/file.png", NULL, NULL), SG_ERR_MISSING);
}

static void png_goes_round(void **state) {
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        sg_image image = {0}, back = {0};
        assert_int_equal(sg_image_create(&image, 33, 17, channels, NULL), SG_OK);
        for (size_t i = 0; i < sg_image_size(&image); i++) image.pixels[i] = (uint8_t)(i * i / 7);
        uint8_t *first = NULL, *second = NULL;
        size_t first_size, second_size;
        assert_int_equal(sg_image_encode_png(&first, &first_size, &image, NULL), SG_OK);
        assert_int_equal(sg_image_encode_png(&second, &second_size, &image, NULL), SG_OK);
        assert_int_equal(first_size, second_size);
        assert_memory_equal(first, second, first_size);
        assert_int_equal(sg_image_decode(&back, NULL, first, first_size, "x", NULL, NULL), SG_OK);
        assert_int_equal(back.channels, channels);
        assert_memory_equal(image.pixels, back.pixels, sg_image_size(&image));
        free(first);
        free(second);
        sg_image_dispose(&back);

        char path[] = "/tmp/sg_codec_XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(sg_image_write_png(path, &image, NULL), SG_OK);
        assert_int_equal(sg_image_read(&back, NULL, path, NULL, NULL), SG_OK);
        assert_memory_equal(image.pixels, back.pixels, sg_image_size(&image));
        unlink(path);
        sg_image_dispose(&image);
        sg_image_dispose(&back);
    }
    sg_image dot = {0};
    sg_error err = SG_ERROR_INIT;
    assert_int_equal(sg_image_create(&dot, 1, 1, 1, NULL), SG_OK);
    assert_int_not_equal(sg_image_write_png("/no/such/folder/x.png", &dot, &err), SG_OK);
    sg_image_dispose(&dot);
}

static void extensions_are_known(void **state) {
    (void)state;
    assert_true(sg_image_has_extension("benign (1).PNG"));
    assert_true(sg_image_has_extension("a.jpg"));
    assert_true(sg_image_has_extension("a.b.JPEG"));
    assert_false(sg_image_has_extension("png"));
    assert_false(sg_image_has_extension("a.png.txt"));
    assert_string_equal(sg_image_format_name(SG_IMAGE_JPEG), "jpeg");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(info_is_told),
            cmocka_unit_test(every_truncation_is_refused),
            cmocka_unit_test(every_bit_flip_is_survived),
            cmocka_unit_test(bombs_and_lies_are_refused_before_allocation),
            cmocka_unit_test(caller_limits_hold),
            cmocka_unit_test(strangers_are_named),
            cmocka_unit_test(png_goes_round),
            cmocka_unit_test(extensions_are_known),
    };
    return cmocka_run_group_tests_name("image codec", tests, NULL, NULL);
}
