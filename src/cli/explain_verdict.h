/* explain_verdict.h - what a scored set of images says against a method, and how that travels to
 * pages of other images: by explain.json, which `explain` and `read` take back as --study.
 * docs/internals/explain.md has the rules. Inside cli only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_EXPLAIN_VERDICT_H
#define SG_CLI_EXPLAIN_VERDICT_H

#include "base/json.h"
#include "cli/explain_study.h"

typedef enum sg_explain_baseline {
    SG_EXPLAIN_THE_CENTRE,
    SG_EXPLAIN_THE_UNTRAINED,
    SG_EXPLAIN_BASELINES
} sg_explain_baseline;

typedef struct sg_explain_verdict {
    size_t lesions; /* images that it rests on */
    size_t seen;    /* of them in the model's training: then it means little */
    bool checked;   /* at least one sanity check was run */
    bool fails;     /* one of them */
    bool compared[SG_EXPLAIN_BASELINES];
    /* paired differences from the baseline, of images with a lesion; NaN: none */
    sg_bootstrap_figure above[SG_EXPLAIN_BASELINES][SG_MAP_MEASURES];
    bool loses[SG_EXPLAIN_BASELINES]; /* the pixel AUPRC's interval is not all above 0 */
} sg_explain_verdict;

SG_MUST_CHECK sg_status sg_explain_verdict_reach(sg_explain_verdict *out,
        const sg_explain_study *study, sg_explain_method method, bool checked, bool permuted,
        const sg_bootstrap_options *draws, sg_error *err);
/* "fails a sanity check; not shown to beat the untrained network"; nothing when neither holds. */
void sg_explain_verdict_put_marks(sg_str *out, const sg_explain_verdict *verdict);
/* {"lesions": n, "seen_in_training": n, "sanity_checked": b, "untrained_compared": b, "marks":
 * "..."}. */
json_t *sg_explain_verdict_to_json(const sg_explain_verdict *verdict);

/* The verdicts of an explain.json. */
typedef struct sg_explain_past {
    json_t *document;
} sg_explain_past;

/* SG_ERR_FORMAT, SG_ERR_INPUT: no explain.json of a scored set, or one of another model or layer
 * (NULL: the model's own). */
SG_MUST_CHECK sg_status sg_explain_past_read(sg_explain_past *out, const char *path,
        const sg_bundle *bundle, const char *layer, sg_error *err);
void sg_explain_past_dispose(sg_explain_past *past); /* also of one that is all 0 */
/* What the study says against the method, borrowed; "" when nothing, NULL when it was not in it. */
const char *sg_explain_past_marks(const sg_explain_past *past, sg_explain_method method);
/* How many images of the study that it rests on were in the model's training. */
int sg_explain_past_seen(const sg_explain_past *past, sg_explain_method method);
/* The same as a sentence with its source: "On busi (31 images with a lesion): ...". */
void sg_explain_past_put(sg_str *out, const sg_explain_past *past, sg_explain_method method);

#endif
