/* acting.h - what acting on a model's answers would mean: thresholds on the probability of
 * malignancy and what they do, net benefit, what passing on the least sure images gains, sets of
 * classes with measured coverage.
 *
 * Thresholds and quantiles come from reference rows that the judged model was not trained on and
 * that are not judged with them: validation images of the same model, or, in a cross-validation
 * without any, the rows of the other folds (each judged by the model that did not see it), or, for
 * a bundle, rules that were made so before it was handed on (acting_rules.h). Where there is none
 * of these, the parts that need them are left out. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_ACTING_H
#define SG_PROTOCOL_ACTING_H

#include "protocol/acting_rules.h"
#include "protocol/predictions.h"
#include "stats/conformal.h"
#include "stats/decision_curve.h"
#include "stats/operating_point.h"
#include "stats/risk_coverage.h"

typedef enum sg_reference {
    SG_REFERENCE_NONE,
    SG_REFERENCE_VALIDATION, /* rows of `validation`, fold by fold */
    SG_REFERENCE_OTHER_FOLDS,
    SG_REFERENCE_BUNDLE /* rules that travel with the model; none for calibration, which it has */
} sg_reference;
/* "none", "validation images", "the other folds", "images behind the bundle's calibration". */
const char *sg_reference_name(sg_reference reference);

typedef struct sg_acting_point {
    bool fixes_specificity; /* target is a specificity, else a sensitivity */
    double target;
    double threshold_low, threshold_high; /* over the folds; equal without folds */
    sg_operating_figures figures;         /* its point.threshold means nothing here */
} sg_acting_point;

enum { SG_ACTING_CURVE = 19, SG_ACTING_COVERAGES = 3 };

typedef struct sg_acting {
    int malignant;     /* class number; -1: no points and no curve */
    double prevalence; /* as stated by the user; NaN: none */
    sg_reference reference;
    size_t reference_rows;         /* the fewest behind one fold's thresholds */
    bool binary;                   /* rows on both sides of malignant against the rest */
    sg_operating_figures decision; /* binary only: the most probable class is malignant */
    sg_acting_point points[SG_ACTING_POINTS];
    size_t point_count;
    sg_net_benefit curve[SG_ACTING_CURVE];
    size_t curve_count;
    sg_risk_coverage risk;
    sg_bootstrap_figure aurc, risk_at[SG_ACTING_COVERAGES]; /* at sg_acting_coverages */
    double alpha;
    bool has_sets;
    sg_conformal_figures sets, sets_by_class; /* one quantile for all; one per class */
} sg_acting;
extern const double sg_acting_coverages[SG_ACTING_COVERAGES];

/* validation: rows of the same models on their validation images, or NULL. prevalence: 0..1
 * exclusive, or NaN; the decision curve then takes the adjusted probabilities where the predictions
 * have them. Rows with one class only have no points and no curve. */
SG_MUST_CHECK sg_status sg_acting_measure(sg_acting *out, const sg_predictions *predictions,
        const sg_predictions *validation, double prevalence, size_t draws, sg_error *err);
void sg_acting_dispose(sg_acting *acting); /* NULL-safe */

/* The section "acting" of metrics.json. New reference; NULL when out of memory. */
json_t *sg_acting_to_json(const sg_acting *acting, const sg_predictions *predictions);

#endif
