/* fingerprint.h - which images show the same picture, found from their pixels.
 *
 * A fingerprint is the 56 x 56 grey thumbnail (area average), shifted to mean 0 and scaled to norm
 * 1, so that the dot product of two is their correlation. Two images are a pair when the largest
 * correlation over the four flips (none, left-right, up-down, both) reaches the threshold. A flat
 * image has a fingerprint of zeros and is nobody's pair.
 *
 * Measured on all of BUSI against an expert's list of pairs: at 0.92 recall 0.933, precision 0.948.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_DATA_FINGERPRINT_H
#define SG_DATA_FINGERPRINT_H

#include "base/thread.h"
#include "image/image.h"
#include "sonograde/error.h"
#include <stddef.h>
#include <stdint.h>

enum { SG_FINGERPRINT_SIDE = 56, SG_FINGERPRINT_LEN = 56 * 56 };
#define SG_FINGERPRINT_THRESHOLD 0.92

/* 8-bit grey or RGB in; values[SG_FINGERPRINT_LEN] out. */
SG_MUST_CHECK sg_status sg_fingerprint_make(float *values, const sg_image *image, sg_error *err);

/* Largest correlation over the flips, -1..1. */
double sg_fingerprint_compare(const float *a, const float *b);

/* Whether fine structure agrees too, -1..1: the correlation of the thumbnails less their own blur
 * (sigma 3), best over flips and shifts of up to 3. Two images that share only a bright top and a
 * dark bottom correlate above 0.92 and stay below SG_FINGERPRINT_DETAIL here; among the pairs of
 * BUSI nothing lies between 0.33 and 0.45. Slow (half a millisecond): for pairs in question. */
double sg_fingerprint_compare_detail(const float *a, const float *b);
#define SG_FINGERPRINT_DETAIL 0.4

typedef struct sg_fingerprint_pair {
    uint32_t a, b; /* a < b */
    float correlation;
} sg_fingerprint_pair;

/* All pairs at or above the threshold, ordered by a, then b; the same whatever the pool.
 * prints[n][SG_FINGERPRINT_LEN]. *pairs is the caller's (free), NULL when there is none. */
SG_MUST_CHECK sg_status sg_fingerprint_find_pairs(sg_fingerprint_pair **pairs, size_t *count,
        const float *prints, size_t n, double threshold, sg_pool *pool, sg_error *err);

#endif
