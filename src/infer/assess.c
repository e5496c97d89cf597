/* assess.c - see assess.h. SPDX-License-Identifier: Apache-2.0 */
#include "infer/assess.h"
#include <stdlib.h>

bool sg_members_disagree(const sg_prediction *prediction) {
    return prediction->votes[prediction->top] < SG_AGREEMENT_LEAST - 1e-9;
}

static sg_status ask_atlas(
        sg_assessment *out, const sg_predictor *predictor, const sg_bundle *b, sg_error *err) {
    const float **raw = calloc((size_t)b->member_count, sizeof(*raw));
    if (!raw) return sg_fail(err, SG_ERR_MEMORY, "out of memory asking for like images");
    for (int m = 0; m < b->member_count; m++) raw[m] = sg_predictor_features(predictor, m, 0);
    sg_status st = sg_atlas_ask(&out->nearest, b->atlas, raw, err);
    free(raw);
    out->has_atlas = true;
    out->limit = b->atlas->limit;
    out->outside = !(out->nearest.distance <= out->limit);
    return st;
}

sg_status sg_assess(sg_assessment *out, const sg_predictor *predictor, const sg_image *image,
        const sg_prediction *prediction, sg_error *err) {
    const sg_bundle *b = sg_predictor_bundle(predictor);
    *out = (sg_assessment){.agreement = prediction->votes[prediction->top]};
    out->disagree = sg_members_disagree(prediction);
    sg_status st = sg_quality_measure(&out->quality, image, err);
    if (!st && b->quality) {
        out->has_quality = true;
        out->verdict = sg_quality_judge(&out->quality, b->quality);
    }
    return st || !b->atlas ? st : ask_atlas(out, predictor, b, err);
}

bool sg_assessment_abstains(const sg_assessment *a) {
    return a->verdict.poor || a->outside || a->disagree;
}

void sg_assessment_put_reasons(sg_str *out, const sg_assessment *a) {
    const char *between = "";
    if (a->verdict.poor) {
        sg_str_appendf(out, "poor image (%s)", a->verdict.problem);
        between = "; ";
    }
    if (a->outside) {
        sg_str_appendf(out, "%sout of domain", between);
        between = "; ";
    }
    if (a->disagree) sg_str_appendf(out, "%smembers disagree", between);
}
