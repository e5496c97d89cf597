/* weight_files.h - the public weight files that `weights list` shows and `weights fetch` gets, with
 * what is known about each; and where they lie once fetched.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_WEIGHT_FILES_H
#define SG_CLI_WEIGHT_FILES_H

#include "base/json.h"
#include <stdbool.h>

typedef struct sg_weight_file {
    const char *name, *model; /* model: the architecture of ours that they fit */
    const char *url, *ending; /* ".pth" or ".safetensors" */
    const char *sha256;       /* all 64 digits, or the first 8 where only the file's name tells
                                 them; NULL = not known */
    int megabytes;            /* about */
    const char *licence;
    double top1; /* ImageNet accuracy in per cent as published, 0 = not stated */
    /* Preprocessing they were trained or published with; mean and deviation are ImageNet's. */
    int size; /* 0 = none of it is stated */
    double crop_pct;
    const char *interpolation; /* NULL where size is 0 */
    bool transform_input;
    const char *note; /* may be NULL */
} sg_weight_file;

const sg_weight_file *sg_weight_files(size_t *count);
/* SG_ERR_USAGE names the nearest. */
SG_MUST_CHECK sg_status sg_weight_file_find(
        const sg_weight_file **out, const char *name, sg_error *err);
/* "sha256", "first 8 digits of sha256", "not known". */
const char *sg_weight_file_check(const sg_weight_file *file);
/* size, crop_pct, interpolation, mean, std, transform_input; null where it is not
 * stated. New reference. */
json_t *sg_weight_file_preprocessing(const sg_weight_file *file);

/* The folder (XDG_CACHE_HOME, else ~/.cache, then sonograde/weights); the caller's. */
SG_MUST_CHECK sg_status sg_weight_cache(char **out, sg_error *err);

#endif
