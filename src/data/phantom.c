/* phantom.c - one phantom from its parts. SPDX-License-Identifier: Apache-2.0 */
#include "data/phantom.h"

#include "data/phantom_scene.h"

enum { MIN_SIZE = 32, MAX_SIZE = 2048, MIN_LINES = 128, MAX_LINES = 320 };

static const char *const class_names[SG_PHANTOM_CLASSES] = {"benign", "malignant", "normal"};

const char *sg_phantom_class_name(sg_phantom_class c) {
    return class_names[c];
}

sg_status sg_phantom_make(sg_phantom *out, sg_phantom_class c, uint32_t index, uint64_t seed,
        int size, sg_error *err) {
    if (size < MIN_SIZE || size > MAX_SIZE)
        return sg_fail(err, SG_ERR_USAGE, "phantom size %d is outside %d..%d pixels", size,
                MIN_SIZE, MAX_SIZE);
    sg_phantom phantom = {0};
    sg_scene scene = {0};
    int lines = size < MIN_LINES ? MIN_LINES : size > MAX_LINES ? MAX_LINES : size;
    sg_rng anatomy = sg_phantom_rng(seed, c, index, SG_PHANTOM_ANATOMY);
    sg_rng lesion = sg_phantom_rng(seed, c, index, SG_PHANTOM_LESION);
    sg_rng speckle = sg_phantom_rng(seed, c, index, SG_PHANTOM_SPECKLE);
    sg_rng scanner = sg_phantom_rng(seed, c, index, SG_PHANTOM_SCANNER);

    sg_status status = sg_scene_create(&scene, lines, 2 * lines, err);
    if (!status) status = sg_anatomy_paint(&scene, 1.0f, &anatomy, err);
    if (!status) status = sg_lesion_paint(&scene, &phantom, c, size, &lesion, err);
    if (!status) status = sg_beam_form(&phantom.image, &scene, size, &speckle, &scanner, err);
    sg_scene_dispose(&scene);
    if (status)
        sg_phantom_dispose(&phantom);
    else
        *out = phantom;
    return status;
}

void sg_phantom_dispose(sg_phantom *phantom) {
    if (!phantom) return;
    sg_image_dispose(&phantom->image);
    for (int i = 0; i < SG_PHANTOM_MASKS; i++) sg_image_dispose(&phantom->masks[i]);
    *phantom = (sg_phantom){0};
}
