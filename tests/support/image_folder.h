/* image_folder.h - folders of small images for tests of what reads them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TESTS_IMAGE_FOLDER_H
#define SG_TESTS_IMAGE_FOLDER_H

#include "image/image.h"
#include <stdint.h>

enum { SG_TEST_PATH = 512 };

/* A new empty folder under TMPDIR. Fails the test when that is impossible. */
void sg_test_folder_make(char path[SG_TEST_PATH]);
void sg_test_folder_remove(const char *path);

/* A grey picture of blobs and fine noise; pictures of different seeds correlate little. */
void sg_test_picture(sg_image *out, uint32_t seed, int width, int height);
/* Writes one as folder/name, with the folders on the way. */
void sg_test_picture_write(const char *folder, const char *name, uint32_t seed);
void sg_test_image_write(const char *folder, const char *name, const sg_image *image);
void sg_test_text_write(const char *folder, const char *name, const char *text);

#endif
