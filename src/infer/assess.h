/* assess.h - how far an answer can be trusted, from what its bundle knows: is the picture fit to be
 * read, does it lie where training images lie, do the members agree. Each of the three is a reason
 * to abstain; docs/internals/reading.md has the rules.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_INFER_ASSESS_H
#define SG_INFER_ASSESS_H

#include "image/quality.h"
#include "infer/atlas.h"
#include "infer/predict.h"

/* Members disagree when fewer than this share find the same class most probable. */
#define SG_AGREEMENT_LEAST (2.0 / 3.0)

bool sg_members_disagree(const sg_prediction *prediction);

typedef struct sg_assessment {
    sg_quality quality;         /* always measured */
    bool has_quality;           /* the bundle has limits: */
    sg_quality_verdict verdict; /* of quality */
    bool has_atlas;             /* the bundle has training features: */
    sg_resemblance nearest;     /* neighbours borrowed from the bundle */
    double limit;               /* of nearest.distance */
    bool outside;               /* beyond it */
    double agreement;           /* share of the members that find the answer most probable */
    bool disagree;
} sg_assessment;

/* image: the last one that the predictor predicted, `prediction` its answer. */
SG_MUST_CHECK sg_status sg_assess(sg_assessment *out, const sg_predictor *predictor,
        const sg_image *image, const sg_prediction *prediction, sg_error *err);

bool sg_assessment_abstains(const sg_assessment *assessment);
/* "poor image (blurred); out of domain; members disagree"; nothing when none holds. */
void sg_assessment_put_reasons(sg_str *out, const sg_assessment *assessment);

#endif
