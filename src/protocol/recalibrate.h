/* recalibrate.h - what mending the probabilities would give, measured on rows that the mending has
 * not seen: fitted on validation images of the same model, or, in a cross-validation, cross-fitted
 * over the folds (stats/calibrator.h). SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_RECALIBRATE_H
#define SG_PROTOCOL_RECALIBRATE_H

#include "protocol/acting.h"
#include "stats/calibration.h"
#include "stats/calibrator.h"

typedef struct sg_recalibration {
    sg_calibrator_kind kind;
    sg_reference reference; /* none: nothing to fit on, and no figures below */
    size_t reference_rows;  /* the fewest behind one fold's fit */
    sg_calibration figures;
    sg_calibration_intervals intervals;
    sg_brier_parts brier;
} sg_recalibration;

/* SG_ERR_INPUT when the kind needs more rows than there are (isotonic). */
SG_MUST_CHECK sg_status sg_recalibrate_measure(sg_recalibration *out, sg_calibrator_kind kind,
        const sg_predictions *predictions, const sg_predictions *validation, size_t draws,
        sg_error *err);
/* "recalibrated" of metrics.json. */
json_t *sg_recalibration_to_json(const sg_recalibration *recalibration);

#endif
