/* assessment.c - see assessment.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/assessment.h"
#include <math.h>

static json_t *nearest_json(const sg_assessment *a, const sg_bundle *b) {
    json_t *list = json_array();
    for (int i = 0; i < a->nearest.count; i++) {
        const sg_neighbour *n = &a->nearest.neighbours[i];
        json_array_append_new(
                list, json_pack("{s:s, s:s, s:f}", "sha256", n->image->sha256, "class",
                              b->classes[n->image->label], "distance", n->distance));
    }
    return list;
}

json_t *sg_assessment_to_json(const sg_assessment *a, const sg_bundle *b) {
    json_t *traits = json_object();
    for (int t = 0; t < SG_QUALITY_TRAITS; t++)
        json_object_set_new(
                traits, sg_quality_name((sg_quality_trait)t), json_real(a->quality.traits[t]));
    sg_str reasons;
    sg_str_init(&reasons, 0);
    sg_assessment_put_reasons(&reasons, a);
    json_t *out = json_pack("{s:s, s:f, s:o, s:o, s:o, s:o, s:o}", "abstain", sg_str_text(&reasons),
            "members_agree", a->agreement, "quality",
            sg_json_number(a->has_quality ? a->verdict.score : NAN), "traits", traits, "distance",
            sg_json_number(a->has_atlas ? a->nearest.distance : NAN), "distance_limit",
            sg_json_number(a->has_atlas ? a->limit : NAN), "nearest", nearest_json(a, b));
    sg_str_dispose(&reasons);
    return out;
}

const char *sg_assessment_lacks(const sg_bundle *b) {
    if (!b->quality && !b->atlas)
        return "This bundle does not know its training images: no picture quality, no nearest "
               "images, nothing about its domain. Make it again with `sonograde bundle`.";
    if (!b->atlas)
        return "This bundle holds no features: no nearest images, nothing about its domain.";
    return b->quality ? NULL : "This bundle has not learned what a poor image is.";
}
