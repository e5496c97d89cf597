/* augment_options.c - see augment_options.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/augment_options.h"

sg_augment sg_augment_from_args(const sg_augment_args *args) {
    return (sg_augment){
            .on = args->on,
            .flip = args->flip,
            .rotation_deg = args->rotation,
            .scale = args->scale,
            .aspect = args->aspect,
            .shift = args->shift,
            .gain = args->gain,
            .contrast = args->contrast,
            .gamma = args->gamma,
            .speckle = args->speckle,
            .cutout = args->cutout,
            .mixup_alpha = args->mixup,
    };
}
