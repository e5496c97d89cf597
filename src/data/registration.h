/* registration.h - whether two pictures are one, changed: first the map from one to the other, from
 * keypoints that agree; then, with the one laid on the other, how far the fine detail agrees.
 *
 * Two different frames of one lesion look alike and can be laid on each other, but their speckle is
 * another; a copy keeps its speckle through crops, gain and marks. So the score is the correlation
 * of band-passed detail, block by block, the worst quarter of the blocks left out (marks).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_DATA_REGISTRATION_H
#define SG_DATA_REGISTRATION_H

#include "data/keypoint.h"

/* Fewer keypoints than this that agree are chance: unlike phantoms reach 11 once in 3,000 pairs of
 * candidates, copies start at 35. */
enum { SG_REGISTRATION_INLIERS = 12 };

/* At or above, the speckle is the same: one frame. Phantoms of one scene with other scatterers
 * reach 0.84, copies with marks start at 0.98. */
#define SG_REGISTRATION_COPY 0.9

typedef struct sg_registration {
    double affine[6]; /* pixel of b's working picture -> pixel of a's */
    int inliers;      /* keypoints that agree with the map */
    double overlap;   /* share of the smaller picture that lies in both, 0..1 */
    int blocks;       /* with detail to compare */
    double score;     /* -1..1; 0 when there is no map or too few blocks */
} sg_registration;

/* The map with most agreeing keypoints when b is looked at with `flip`; inliers 0 where there is
 * none. The same for the same inputs. */
SG_MUST_CHECK sg_status sg_registration_find(sg_registration *out, const sg_keypoints *a,
        const sg_keypoints *b, int flip, sg_error *err);
/* Improves the map on the pixels and fills overlap, blocks and score. */
SG_MUST_CHECK sg_status sg_registration_score(
        sg_registration *registration, const sg_keypoints *a, const sg_keypoints *b, sg_error *err);

#endif
