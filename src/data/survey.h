/* survey.h - what images look like in numbers: grey levels, contrast, sharpness. For looking at
 * data before anything is learned from them. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_DATA_SURVEY_H
#define SG_DATA_SURVEY_H

#include "data/manifest.h"
#include "image/image.h"

enum { SG_SURVEY_LEVELS = 256 };

/* Measured on the whole grey image as the file holds it, borders included. */
typedef struct sg_survey {
    double mean;      /* grey level, 0..255 */
    double sd;        /* of the grey levels: root-mean-square contrast, 0..127.5 */
    double relative;  /* sd / mean: contrast whatever the gain; NaN for a black image */
    double sharpness; /* variance of the Laplacian (4 neighbours, mirrored border), grey levels^2 */
    double levels[SG_SURVEY_LEVELS]; /* share of the pixels at each grey level; sum 1 */
} sg_survey;

/* 8-bit grey in. */
void sg_survey_measure(sg_survey *out, const sg_image *grey);

/* One per row of the manifest; *out is the caller's (free). pool and log may be NULL. */
SG_MUST_CHECK sg_status sg_survey_run(sg_survey **out, const sg_manifest *manifest, sg_pool *pool,
        const sg_log *log, sg_error *err);

#endif
