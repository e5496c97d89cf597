/* image_folder.c - see image_folder.h. SPDX-License-Identifier: Apache-2.0 */
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
#include "base/rng.h"
#include "image/codec.h"
#include "image/resize.h"
#include "support/image_folder.h"

void sg_test_folder_make(char path[SG_TEST_PATH]) {
    const char *base = getenv("TMPDIR");
    (void)snprintf(path, SG_TEST_PATH, "%s/sonograde-test-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(path)) fail_msg("cannot make %s", path);
}

void sg_test_folder_remove(const char *path) {
    sg_error err = SG_ERROR_INIT;
    if (sg_dir_remove(path, &err)) fail_msg("%s", err.message);
}

void sg_test_picture(sg_image *out, uint32_t seed, int width, int height) {
    enum { BLOBS = 7 };
    sg_error err = SG_ERROR_INIT;
    sg_image blobs = {0};
    sg_rng rng = sg_rng_make(seed, SG_RNG_TEST, 0, 0);
    assert_int_equal(sg_image_create(&blobs, BLOBS, BLOBS, 1, &err), SG_OK);
    for (int i = 0; i < BLOBS * BLOBS; i++) blobs.pixels[i] = (uint8_t)sg_rng_below(&rng, 226);
    assert_int_equal(sg_resize_image(out, &blobs, width, height, SG_RESIZE_BILINEAR, &err), SG_OK);
    for (int i = 0; i < width * height; i++)
        out->pixels[i] = (uint8_t)(out->pixels[i] + sg_rng_below(&rng, 30));
    sg_image_dispose(&blobs);
}

static char *make_way(const char *folder, const char *name) {
    char *path = sg_path_join(folder, name);
    assert_non_null(path);
    char *parent = sg_strdup(path);
    assert_non_null(parent);
    *strrchr(parent, '/') = '\0';
    assert_int_equal(sg_dir_make(parent, NULL), SG_OK);
    free(parent);
    return path;
}

void sg_test_image_write(const char *folder, const char *name, const sg_image *image) {
    char *path = make_way(folder, name);
    sg_error err = SG_ERROR_INIT;
    if (sg_image_write_png(path, image, &err)) fail_msg("%s", err.message);
    free(path);
}

void sg_test_picture_write(const char *folder, const char *name, uint32_t seed) {
    sg_image image = {0};
    sg_test_picture(&image, seed, 72, 64);
    sg_test_image_write(folder, name, &image);
    sg_image_dispose(&image);
}

void sg_test_text_write(const char *folder, const char *name, const char *text) {
    char *path = make_way(folder, name);
    assert_int_equal(sg_file_write(path, text, strlen(text), NULL), SG_OK);
    free(path);
}
