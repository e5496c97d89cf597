/* fuzz_png.c - the PNG decoder on arbitrary bytes. Small limits keep one run short; an image that
 * comes out must be readable to its last pixel and go round through our own encoder.
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const sg_image_limits limits = {512, 65536, 1 << 20};
    sg_image image = {0}, back = {0};
    sg_image_info probed, info;
    sg_status header = sg_image_probe(&probed, data, size, "fuzz", &limits, NULL);
    if (sg_image_decode(&image, &info, data, size, "fuzz", &limits, NULL)) return 0;
    assert(!header && probed.width == image.width && info.height == image.height);
    uint8_t *bytes = NULL;
    size_t encoded = 0;
    assert(!sg_image_encode_png(&bytes, &encoded, &image, NULL));
    assert(!sg_image_decode(&back, NULL, bytes, encoded, "back", NULL, NULL));
    assert(sg_image_size(&back) == sg_image_size(&image));
    assert(!memcmp(back.pixels, image.pixels, sg_image_size(&image)));
    free(bytes);
    sg_image_dispose(&back);
    sg_image_dispose(&image);
    return 0;
}
