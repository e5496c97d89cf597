/* recipe_options.h - preprocessing on the command line: rows of an option table that several verbs
 * share, and the way from what was typed to a recipe.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_RECIPE_OPTIONS_H
#define SG_CLI_RECIPE_OPTIONS_H

#include "cli/options.h"
#include "image/recipe.h"

typedef struct sg_recipe_args {
    long long size, median_size, srad_iterations, clahe_tiles;
    int fit, despeckle, contrast, filter;
    bool crop;
    double clahe_clip, srad_dt, srad_q0;
} sg_recipe_args;

/* Rows for a verb whose options struct `type` holds an sg_recipe_args called `member`. */
#define SG_RECIPE_ROWS(type, member)                                                               \
    {"Preprocessing", 0, SG_OPTION_GROUP, 0, NULL, NULL, NULL, 0, 0},                              \
            {"size", 0, SG_OPTION_INT, offsetof(type, member.size), "224", "P",                    \
                    "side of the square the network sees, in pixels", 8, 4096},                    \
            {"fit", 0, SG_OPTION_CHOICE, offsetof(type, member.fit), "pad", SG_FIT_NAMES,          \
                    "how an oblong image becomes a square; stretch loses width against height, a " \
                    "sign of "                                                                     \
                    "malignancy",                                                                  \
                    0, 0},                                                                         \
            {"crop", 0, SG_OPTION_FLAG, offsetof(type, member.crop), NULL, NULL,                   \
                    "crop to the scan area first", 0, 0},                                          \
            {"contrast", 0, SG_OPTION_CHOICE, offsetof(type, member.contrast), "none",             \
                    SG_CONTRAST_NAMES, "contrast enhancement", 0, 0},                              \
            {"clahe-clip", 0, SG_OPTION_REAL, offsetof(type, member.clahe_clip), "2", "X",         \
                    "clip limit of CLAHE", 0.01, 256},                                             \
            {"clahe-tiles", 0, SG_OPTION_INT, offsetof(type, member.clahe_tiles), "8", "N",        \
                    "tiles of CLAHE per axis", 1, 64},                                             \
            {"despeckle", 0, SG_OPTION_CHOICE, offsetof(type, member.despeckle), "none",           \
                    SG_DESPECKLE_NAMES, "speckle reduction", 0, 0},                                \
            {"median-size", 0, SG_OPTION_INT, offsetof(type, member.median_size), "3", "N",        \
                    "window of the median, 3 or 5", 3, 5},                                         \
            {"srad-iterations", 0, SG_OPTION_INT, offsetof(type, member.srad_iterations), "30",    \
                    "N", "steps of SRAD diffusion", 1, 1000},                                      \
            {"srad-dt", 0, SG_OPTION_REAL, offsetof(type, member.srad_dt), "0.2", "X",             \
                    "time step of SRAD", 1e-6, 1},                                                 \
            {"srad-q0", 0, SG_OPTION_REAL, offsetof(type, member.srad_q0), "0", "X",               \
                    "speckle scale of SRAD at the start; 0 estimates it from each image", 0, 10},  \
    {                                                                                              \
        "filter", 0, SG_OPTION_CHOICE, offsetof(type, member.filter), "bilinear", SG_FILTER_NAMES, \
                "resampling of images that are not augmented", 0, 0                                \
    }

/* SG_ERR_USAGE where the values do not make a recipe. */
SG_MUST_CHECK sg_status sg_recipe_from_args(
        sg_recipe *out, const sg_recipe_args *args, sg_error *err);

#endif
