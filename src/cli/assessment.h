/* assessment.h - an assessment (infer/assess.h) as verbs tell it. Inside cli only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_ASSESSMENT_H
#define SG_CLI_ASSESSMENT_H

#include "infer/assess.h"

/* {"abstain": "", "members_agree": 1, "quality": 0.8, "traits": {...}, "distance": d,
 * "distance_limit": l, "nearest": [...]}; what the bundle does not know is null. New reference,
 * NULL when out of memory. */
json_t *sg_assessment_to_json(const sg_assessment *assessment, const sg_bundle *bundle);

/* What a bundle cannot say of any image, and the remedy, in sentences; NULL when it can say all. */
const char *sg_assessment_lacks(const sg_bundle *bundle);

#endif
