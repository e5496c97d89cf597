/* fuzz_jpeg.c - the JPEG decoder on arbitrary bytes; whatever comes out goes through the whole
 * recipe. SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <math.h>
#include <stdint.h>

#include "image/codec.h"
#include "image/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { SIDE = 16 };
    const sg_image_limits limits = {512, 65536, 1 << 20};
    sg_image image = {0}, prepared = {0};
    if (sg_image_decode(&image, NULL, data, size, "fuzz", &limits, NULL)) return 0;
    sg_recipe recipe = SG_RECIPE_INIT;
    recipe.size = SIDE;
    recipe.crop = true;
    recipe.despeckle = SG_DESPECKLE_SRAD;
    recipe.srad.iterations = 2;
    recipe.contrast = SG_CONTRAST_CLAHE;
    recipe.channels = 1;
    float plane[SIDE * SIDE];
    assert(!sg_recipe_prepare(&prepared, NULL, &image, &recipe, NULL));
    assert(!sg_recipe_finish(plane, &prepared, &recipe, NULL, NULL));
    for (int i = 0; i < SIDE * SIDE; i++) assert(isfinite(plane[i]));
    sg_image_dispose(&image);
    sg_image_dispose(&prepared);
    return 0;
}
