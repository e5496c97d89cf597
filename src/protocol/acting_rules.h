/* acting_rules.h - what a model's answers are acted on by: thresholds on the probability of
 * malignancy and quantiles of conformal sets, made from rows that the model was not trained on.
 * They travel in a bundle, as `acting` inside its section `calibration`
 * (docs/internals/model_file.md), so that images of another place find some.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_ACTING_RULES_H
#define SG_PROTOCOL_ACTING_RULES_H

#include "base/json.h"
#include "protocol/predictions.h"
#include "stats/conformal.h"

enum { SG_ACTING_POINTS = 4 };
typedef struct sg_acting_target {
    bool fixes_specificity; /* target is a specificity, else a sensitivity */
    double target;
} sg_acting_target;
extern const sg_acting_target sg_acting_targets[SG_ACTING_POINTS];
extern const double sg_acting_alpha; /* miss rate that sets are made for */

typedef struct sg_acting_rules {
    size_t rows;                        /* behind them */
    bool has_points;                    /* rows on both sides of malignant */
    double threshold[SG_ACTING_POINTS]; /* of sg_acting_targets; infinity: nothing reaches it */
    bool has_sets;                      /* rows > 0 */
    sg_conformal one_quantile, one_by_class;
} sg_acting_rules;

/* probabilities[n * classes] and labels[n] of rows that trained nothing; malignant: class number,
 * -1: none. n 0: neither points nor sets. */
SG_MUST_CHECK sg_status sg_acting_rules_make(sg_acting_rules *out, const double *probabilities,
        const uint32_t *labels, size_t n, size_t classes, int malignant, sg_error *err);

/* New reference; NULL when out of memory. */
json_t *sg_acting_rules_to_json(const sg_acting_rules *rules);
/* Those that travel with the models of these predictions. *found is false where they have none,
 * differ among the models, or were made for other answers (of one view, not two averaged).
 * SG_ERR_FORMAT when they are damaged. */
SG_MUST_CHECK sg_status sg_acting_rules_find(
        sg_acting_rules *out, bool *found, const sg_predictions *predictions, sg_error *err);

#endif
