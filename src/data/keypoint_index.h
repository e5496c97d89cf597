/* keypoint_index.h - which pictures of a set are worth comparing: those that share keypoints whose
 * codes fall into the same buckets.
 *
 * Each code is hashed a few times into words of about log2(points) bits, so that a bucket holds
 * about as many chance meetings whatever the size of the set; a bucket is never read further than a
 * fixed number of points. Building sorts each table by its words, asking costs a fixed number of
 * buckets for each picture: n log n in all, at most. docs/internals/audit.md has the measurement.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_DATA_KEYPOINT_INDEX_H
#define SG_DATA_KEYPOINT_INDEX_H

#include "base/thread.h"
#include "data/keypoint.h"
#include <stddef.h>
#include <stdint.h>

typedef struct sg_candidate {
    uint32_t a, b;  /* pictures, a < b */
    uint16_t flip;  /* of b against a: bit 0 left-right, bit 1 up-down */
    uint16_t votes; /* points of one that met a point of the other */
} sg_candidate;

/* Ordered by a, b, flip; the same whatever the pool. pictures[n] is borrowed, at most
 * SG_KEYPOINT_MAX points in each; of each picture the
 * `most` others with most votes are candidates, if they have `least` or more. *out is the caller's
 * (free). */
SG_MUST_CHECK sg_status sg_candidates_find(sg_candidate **out, size_t *count,
        const sg_keypoints *pictures, size_t n, int most, int least, sg_pool *pool, sg_error *err);

#endif
