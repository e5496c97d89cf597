/* augment_options.h - augmentation on the command line: rows of an option table that training and
 * its preview share, so that the preview shows what training would do.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_AUGMENT_OPTIONS_H
#define SG_CLI_AUGMENT_OPTIONS_H

#include "cli/options.h"
#include "data/augment.h"

typedef struct sg_augment_args {
    bool on, flip;
    double rotation, scale, aspect, shift, gain, contrast, gamma, speckle, cutout, mixup;
} sg_augment_args;

/* Rows for a verb whose options struct `type` holds an sg_augment_args called `member`. */
#define SG_AUGMENT_ROWS(type, member)                                                              \
    {"Augmentation of training images", 0, SG_OPTION_GROUP, 0, NULL, NULL, NULL, 0, 0},            \
            {"augment", 0, SG_OPTION_FLAG, offsetof(type, member.on), "true", NULL,                \
                    "vary training images", 0, 0},                                                 \
            {"flip", 0, SG_OPTION_FLAG, offsetof(type, member.flip), "true", NULL,                 \
                    "left-right, half of the time", 0, 0},                                         \
            {"rotation", 0, SG_OPTION_REAL, offsetof(type, member.rotation), "15", "DEG",          \
                    "up to DEG either way", 0, 180},                                               \
            {"scale", 0, SG_OPTION_REAL, offsetof(type, member.scale), "1.25", "X",                \
                    "from 1/X to X", 1, 4},                                                        \
            {"aspect", 0, SG_OPTION_REAL, offsetof(type, member.aspect), "1.15", "X",              \
                    "width against height from 1/X to X", 1, 4},                                   \
            {"shift", 0, SG_OPTION_REAL, offsetof(type, member.shift), "0.1", "F",                 \
                    "share of the side, either way", 0, 1},                                        \
            {"gain", 0, SG_OPTION_REAL, offsetof(type, member.gain), "0", "PERCENT", "brightness", \
                    0, 90},                                                                        \
            {"augment-contrast", 0, SG_OPTION_REAL, offsetof(type, member.contrast), "25",         \
                    "PERCENT", "contrast about the mean", 0, 90},                                  \
            {"gamma", 0, SG_OPTION_REAL, offsetof(type, member.gamma), "25", "PERCENT",            \
                    "exponent of the grey levels", 0, 300},                                        \
            {"speckle", 0, SG_OPTION_REAL, offsetof(type, member.speckle), "0", "SD",              \
                    "multiplicative noise", 0, 1},                                                 \
            {"cutout", 0, SG_OPTION_REAL, offsetof(type, member.cutout), "0", "F",                 \
                    "side of a black square as share of the image's", 0, 1},                       \
    {                                                                                              \
        "mixup", 0, SG_OPTION_REAL, offsetof(type, member.mixup), "0", "ALPHA",                    \
                "mixes images of a batch; 0 = off", 0, 10                                          \
    }

sg_augment sg_augment_from_args(const sg_augment_args *args);

#endif
